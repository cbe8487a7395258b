r"""Students whose features learn: the quadratic model, and a two-layer network beside its random-feature twin.

Stands beside chapter 15 of the book. To freeze the features is to set `strength` to 0 in the first, and `train_first`
to False in the second.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import least_squares

from ._progress import progress_bar
from ._validation import MAX_SEED, check_generator, real_array, real_number, whole_number
from .regression import ridge_path

TOLERANCES = {"ftol": 1e-10, "xtol": 1e-10, "gtol": 1e-10}  # of `QuadraticModel.fit`
DIVERGED = 1e6  # a training loss that has grown by this factor comes from too large a step


@dataclass(frozen=True, eq=False)
class QuadraticModel:
    r"""The student :math:`\hat y = \sum_j \theta_j \varphi_j + \frac\chi2 \sum_{jk} \theta_j \theta_k \varphi_{jk}`.

    Parameters
    ----------
    weights : ndarray, shape (N, M)
        Weights :math:`u` of the random features :math:`\varphi_j(x) = u_j \cdot x`.
    meta_weights : ndarray, shape (N, N, M)
        Weights :math:`u_{jk}` of the meta-features :math:`\varphi_{jk}(x) = u_{jk} \cdot x`, symmetric in :math:`j`
        and :math:`k`.
    strength : float, default 1
        :math:`\chi`; at 0 the features are frozen and the student is linear in :math:`\theta`.

    Raises
    ------
    ValueError
        If the shapes do not match, `meta_weights` are not symmetric, or a value is not finite.

    Notes
    -----
    The minimal model of representation learning of Roberts, Yaida and Hanin, arXiv:2106.10165, chapter 11. Its
    *effective features* :math:`\varphi^E_j = \partial \hat y/\partial\theta_j = \varphi_j + \chi \sum_k \theta_k
    \varphi_{jk}` move with the parameters. With everything linear in the latents, :math:`\hat y = \beta \cdot x`,
    and the test loss is :math:`|\Lambda^{1/2}(w - \beta)|^2` exactly.

    Examples
    --------
    >>> model = QuadraticModel.draw(3, 10, np.random.default_rng(0), strength=0.5)
    >>> coefficients = np.array([1.0, 2.0, -1.0])
    >>> model.student(coefficients).shape, model(np.ones((5, 10)), coefficients).shape
    ((10,), (5,))
    >>> bool(np.all(model.effective_weights(np.zeros(3)) == model.weights))
    True
    """

    weights: np.ndarray
    meta_weights: np.ndarray
    strength: float = 1.0

    def __post_init__(self) -> None:
        weights = real_array("weights", self.weights)
        meta_weights = real_array("meta_weights", self.meta_weights)
        if weights.ndim != 2 or not weights.size:
            raise ValueError(f"weights must be a non-empty matrix of shape (N, M); got shape {weights.shape}")
        n_features, n_latent = weights.shape
        if meta_weights.shape != (n_features, n_features, n_latent):
            raise ValueError(
                f"meta_weights must have shape ({n_features}, {n_features}, {n_latent}) to match weights;"
                f" got {meta_weights.shape}"
            )
        if not np.array_equal(meta_weights, meta_weights.swapaxes(0, 1)):
            raise ValueError("meta_weights must be symmetric in their first two indices")
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "meta_weights", meta_weights)
        object.__setattr__(self, "strength", real_number("strength", self.strength))

    @classmethod
    def draw(
        cls,
        n_features: int,
        n_latent: int,
        rng: np.random.Generator,
        *,
        strength: float = 1.0,
        feature_var: float = 1.0,
    ) -> QuadraticModel:
        r"""Draw :math:`u_{jI} \sim N(0, \sigma_u^2/M)` and symmetric :math:`u_{jkI} \sim N(0, \sigma_u^4/M^2)`.

        The diagonal :math:`u_{jjI}` has twice that variance, so that no direction of :math:`\theta` is special.
        Everything then depends on :math:`\sigma_u \theta/\sqrt M` alone, which has a length of about
        :math:`\sqrt\alpha\, \sigma_w` for the frozen student and a power law: at :math:`\chi\sigma_w \approx 1`
        training changes the features by about as much as they are, whatever :math:`N` and :math:`M` (chapter 15).
        """
        n_features, n_latent = whole_number("n_features", n_features), whole_number("n_latent", n_latent)
        variance = real_number("feature_var", feature_var, above=0) / n_latent
        check_generator(rng)
        weights = np.sqrt(variance) * rng.standard_normal((n_features, n_latent))
        meta_weights = variance * rng.standard_normal((n_features, n_features, n_latent))
        return cls(weights, (meta_weights + meta_weights.swapaxes(0, 1)) / np.sqrt(2), strength)

    def effective_weights(self, coefficients: ArrayLike) -> np.ndarray:
        r"""Weights :math:`u_j + \chi \sum_k \theta_k u_{jk}` of the effective features, shape (N, M)."""
        coefficients = self._check_coefficients("coefficients", coefficients)
        return self.weights + self.strength * np.tensordot(coefficients, self.meta_weights, axes=1)

    def student(self, coefficients: ArrayLike) -> np.ndarray:
        r"""The student's weights :math:`\beta` on the latents, shape (M,)."""
        # the quadratic term counts half in beta, and in full in the effective weights
        return real_array("coefficients", coefficients) @ (self.weights + self.effective_weights(coefficients)) / 2

    def __call__(self, latents: ArrayLike, coefficients: ArrayLike) -> np.ndarray:
        r"""The output :math:`\hat y = \beta \cdot x` for each row of `latents`, shape (n_samples,)."""
        return _check_inputs("latents", latents, self.weights.shape[1]) @ self.student(coefficients)

    def fit(
        self,
        latents: ArrayLike,
        labels: ArrayLike,
        ridge: float,
        *,
        start: ArrayLike | None = None,
        max_iterations: int = 500,
    ) -> np.ndarray:
        r"""Train the student: a local minimum of :math:`\frac12 \sum (\hat y - y)^2 + \frac12 \gamma |\theta|^2`.

        Parameters
        ----------
        latents : array_like, shape (T, M)
            Training inputs as rows.
        labels : array_like, shape (T,)
            Labels :math:`y`.
        ridge : float
            :math:`\gamma > 0`.
        start : array_like, shape (N,), optional
            Where to start; by default from the solution with frozen features, `regression.ridge_path`.
        max_iterations : int, default 500
            How often the loss may be evaluated.

        Returns
        -------
        ndarray, shape (N,)
            The coefficients :math:`\theta`.

        Raises
        ------
        ValueError
            If an argument is outside its range or of the wrong shape.
        RuntimeError
            If `max_iterations` are not enough.

        Notes
        -----
        The Levenberg-Marquardt method of MINPACK (`scipy.optimize.least_squares`). The Jacobian of the residuals is
        the matrix of effective features: each step is a ridge regression on the features as they are now. For
        :math:`\chi \ne 0` the loss is not convex, and another start may lead to another minimum. More samples
        than latents are first condensed into as many as there are latents, by a QR decomposition.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> model, latents = QuadraticModel.draw(5, 20, rng), rng.standard_normal((30, 20))
        >>> labels = latents @ rng.standard_normal(20)
        >>> frozen, learned = ridge_path(latents @ model.weights.T, labels, 0.1), model.fit(latents, labels, 0.1)
        >>> def loss(theta):
        ...     return np.sum((model(latents, theta) - labels) ** 2) + 0.1 * np.sum(theta**2)
        >>> bool(loss(learned) < loss(frozen))
        True
        """
        latents, labels = _check_inputs("latents", latents, self.weights.shape[1]), real_array("labels", labels)
        ridge = real_number("ridge", ridge, above=0)
        max_iterations = whole_number("max_iterations", max_iterations)
        if labels.shape != latents.shape[:1]:
            raise ValueError(f"labels must have shape ({len(latents)},) to match latents; got {labels.shape}")
        if start is None:
            start = ridge_path(latents @ self.weights.T, labels, ridge)
        start = self._check_coefficients("start", start)
        if len(latents) > latents.shape[1]:
            # the last row of the triangle is what no student can fit, a constant of the loss
            triangle = np.linalg.qr(np.column_stack([latents, labels]), mode="r")[: latents.shape[1]]
            latents, labels = triangle[:, :-1], triangle[:, -1]
        decay = np.sqrt(ridge) * np.eye(start.size)

        # the features of the samples, once for all steps
        features, meta_features = latents @ self.weights.T, self.strength * (self.meta_weights @ latents.T)
        meta_features = meta_features.reshape(start.size, -1)

        def effective(coefficients):
            return features + (coefficients @ meta_features).reshape(features.T.shape).T

        def residual(coefficients):
            output = (features + effective(coefficients)) @ coefficients / 2
            return np.concatenate([output - labels, np.sqrt(ridge) * coefficients])

        def jacobian(coefficients):
            return np.concatenate([effective(coefficients), decay])

        found = least_squares(residual, start, jacobian, method="lm", max_nfev=max_iterations, **TOLERANCES)
        if not found.success:
            raise RuntimeError(f"the fit has not converged after {max_iterations} iterations; raise max_iterations")
        return found.x

    def _check_coefficients(self, name: str, coefficients: ArrayLike) -> np.ndarray:
        coefficients = real_array(name, coefficients)
        if coefficients.shape != (len(self.weights),):
            raise ValueError(f"{name} must have shape ({len(self.weights)},); got {coefficients.shape}")
        return coefficients


@dataclass(frozen=True, eq=False)
class TwoLayer:
    r"""A trained two-layer network :math:`\hat y(x) = \frac1N \sum_j \theta_j \max(u_j \cdot x, 0)`.

    Attributes
    ----------
    first : ndarray, shape (N, d)
        Weights :math:`u` of the first layer.
    second : ndarray, shape (N,)
        Weights :math:`\theta` of the second.
    train_losses : ndarray, shape (n_steps + 1,)
        Mean squared error on the training data before each step, and after the last one.
    validation_losses : ndarray, shape (n_steps + 1,)
        The same on the validation data; not a number without any.

    Examples
    --------
    >>> network = TwoLayer(np.array([[1.0], [-1.0]]), np.array([2.0, 2.0]), np.zeros(1), np.zeros(1))
    >>> network([[-3.0], [2.0]])  # |x|
    array([3., 2.])
    """

    first: np.ndarray
    second: np.ndarray
    train_losses: np.ndarray
    validation_losses: np.ndarray

    def features(self, inputs: ArrayLike) -> np.ndarray:
        r"""The hidden layer :math:`\max(u_j \cdot x, 0)` for each row of `inputs`, shape (n_samples, N)."""
        return np.maximum(_check_inputs("inputs", inputs, self.first.shape[1]) @ self.first.T, 0.0)

    def __call__(self, inputs: ArrayLike) -> np.ndarray:
        """The output for each row of `inputs`, shape (n_samples,)."""
        return self.features(inputs) @ self.second / len(self.second)


def train_two_layer(
    inputs: ArrayLike,
    targets: ArrayLike,
    n_hidden: int,
    *,
    train_first: bool = True,
    step: float = 0.1,
    n_steps: int = 1000,
    weight_decay: float = 0.0,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    seed: int = 0,
    progress: bool = False,
) -> TwoLayer:
    r"""Train a two-layer ReLU network, or its random-feature twin, by gradient descent on all samples at once.

    Parameters
    ----------
    inputs : array_like, shape (T, d)
        Training inputs as rows, of mean square about 1 an entry. For biases, add a column of ones.
    targets : array_like, shape (T,)
        What the network should say.
    n_hidden : int
        Number :math:`N` of hidden units.
    train_first : bool, default True
        Whether the first layer learns; if not, the network is its own random-feature twin.
    step : float, default 0.1
        Step :math:`\eta > 0`.
    n_steps : int, default 1000
        Number of steps, at least 0.
    weight_decay : float, default 0
        :math:`\mu \ge 0`, for both layers.
    validation : (array_like, array_like), optional
        Inputs and targets for early stopping: the weights of the step with the least loss on them are returned,
        instead of the last ones.
    seed : int, default 0
        Seeds the first layer; the same seed gives the network and its twin the same start.
    progress : bool, default False
        Show a progress bar.

    Returns
    -------
    TwoLayer
        The network, with its losses along the way.

    Raises
    ------
    ValueError
        If an argument is outside its range or of the wrong shape.
    FloatingPointError
        If the descent diverges.

    Notes
    -----
    The mean-field parametrisation. The start is :math:`u_{jI} \sim N(0, 1/d)`, :math:`\theta_j = 0`, and a step
    moves :math:`\theta` and :math:`u` by :math:`-\eta N` times the gradient of

    .. math:: \frac{1}{2T} \sum_t (\hat y(x_t) - y_t)^2 + \frac{\mu}{2N} (|\theta|^2 + |u|^2) .

    So every weight moves by an amount that does not fall with the width, and features move at any :math:`N`. The
    fixed point of the twin is ridge regression on the features :math:`\max(u_j \cdot x, 0)/N` with the ridge
    :math:`\mu T/N`.

    Examples
    --------
    >>> inputs = np.random.default_rng(0).standard_normal((200, 5))
    >>> targets = abs(inputs[:, 0])
    >>> network, twin = (train_two_layer(inputs, targets, 50, train_first=first) for first in (True, False))
    >>> bool(network.train_losses[-1] < twin.train_losses[-1] < twin.train_losses[0])
    True
    """
    inputs, targets = _check_pair(("inputs", "targets"), inputs, targets)
    n_inputs = inputs.shape[1]
    n_hidden, n_steps = whole_number("n_hidden", n_hidden), whole_number("n_steps", n_steps, at_least=0)
    step, weight_decay = real_number("step", step, above=0), real_number("weight_decay", weight_decay, at_least=0)
    seed = whole_number("seed", seed, at_least=0, at_most=MAX_SEED)
    if validation is not None:
        if not isinstance(validation, tuple) or len(validation) != 2:
            raise ValueError(f"validation must be a pair (inputs, targets); got {type(validation).__name__}")
        validation = _check_pair(("validation inputs", "validation targets"), *validation, n_inputs)

    first = np.random.default_rng(seed).standard_normal((n_hidden, n_inputs)) / np.sqrt(n_inputs)
    second = np.zeros(n_hidden)
    losses, best, least = np.full((2, n_steps + 1), np.nan), (first, second), np.inf
    for k in progress_bar(range(n_steps + 1), progress=progress, unit="step"):
        losses[0, k], of_first, of_second = _gradients(first, second, inputs, targets, train_first)
        if not losses[0, k] <= DIVERGED * losses[0, 0]:
            raise FloatingPointError(f"the descent diverged within {k} steps; choose a smaller step")
        if validation is not None:
            losses[1, k] = np.mean(_errors(first, second, *validation)[1] ** 2)
        if validation is None or losses[1, k] < least:
            best, least = (first, second), losses[1, k]
        second = second - step * (n_hidden * of_second + weight_decay * second)
        if train_first:
            first = first - step * (n_hidden * of_first + weight_decay * first)
    return TwoLayer(*best, *losses)


def _errors(first, second, inputs, targets) -> tuple[np.ndarray, np.ndarray]:
    """Hidden units of all samples, and the errors of the output."""
    features = np.maximum(inputs @ first.T, 0.0)
    return features, features @ second / len(second) - targets


@np.errstate(over="ignore", invalid="ignore")  # the loss tells
def _gradients(first, second, inputs, targets, train_first) -> tuple[float, np.ndarray, np.ndarray | None]:
    """Mean squared error, and the gradients of half of it by both layers (by the second only, for the twin)."""
    n_samples, n_hidden = len(targets), len(second)
    features, error = _errors(first, second, inputs, targets)
    of_second = error @ features / (n_samples * n_hidden)
    of_first = None
    if train_first:
        of_hidden = np.where(features > 0, error[:, None] * second, 0.0)
        of_first = of_hidden.T @ inputs / (n_samples * n_hidden)
    return np.mean(error**2), of_first, of_second


def _check_pair(names: tuple[str, str], inputs, targets, n_inputs: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    inputs, targets = _check_inputs(names[0], inputs, n_inputs), real_array(names[1], targets)
    if targets.shape != inputs.shape[:1]:
        raise ValueError(f"{names[1]} must have shape ({len(inputs)},) to match {names[0]}; got {targets.shape}")
    return inputs, targets


def _check_inputs(name: str, inputs: ArrayLike, n_inputs: int | None) -> np.ndarray:
    inputs = real_array(name, inputs)
    if inputs.ndim != 2 or not inputs.size or n_inputs not in (None, inputs.shape[1]):
        expected = f"(n_samples, {'d' if n_inputs is None else n_inputs})"
        raise ValueError(f"{name} must be a non-empty matrix of shape {expected}; got shape {inputs.shape}")
    return inputs
