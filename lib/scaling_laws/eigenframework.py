r"""The solution for real data: a kernel's spectrum, a target's projections, and the loss they predict.

Stands beside chapter 13 of the book. On a finite population of inputs nonlinear random features are random linear
functions of the eigenfunctions of their kernel, so the solution of the model applies with the kernel's eigenvalues in
place of :math:`\lambda_I` and the target's squared projections in place of :math:`w_I^2 \lambda_I`. `predict_loss`
takes the population for the whole distribution, `forecast_loss` for a part of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import blas, eigh_tridiagonal, lapack

from ._mode_sums import BLOCK
from ._progress import progress_bar
from ._search import find_root
from ._validation import MAX_SIZE, one_of, real_array, real_number, whole_number
from .experiments import _spawn_seeds, _standard_error
from .features import ACTIVATIONS, RandomFeatures, feature_kernel
from .regression import shrunk_inverse
from .spectra import Empirical
from .theory import LARGEST, _corner, _settings, _solve

GRAM_LIMIT = 1e-8  # ridges below this share of a Gram matrix's trace are too much lost in its rounding
LEAST_RIDGE = 1e-200  # with scales; products of smaller ones are lost
ROUNDING = 1e-10  # of one minus a leverage, and of the target's power


@dataclass(frozen=True, eq=False)
class Population:
    r"""All inputs there are, with their targets, seen through the kernel of a feature map.

    Parameters
    ----------
    inputs : array_like, shape (P, M)
        One input a row.
    target : array_like, shape (P,)
        The number to be learned for each input.
    activation : str, default "relu"
        The feature map's activation, a key of `features.ACTIVATIONS`.
    feature_var : float, default 1
        :math:`\sigma_u^2 > 0`; the weights are :math:`u_{jI} \sim N(0, \sigma_u^2/M)`.

    Attributes
    ----------
    spectrum : Empirical
        Eigenvalues :math:`\lambda_k` of the kernel, of the matrix :math:`K/P`.
    projections : ndarray, shape (P,)
        Squared projections :math:`y_k^2` of the target on the eigenfunctions, in the order of the eigenvalues; they
        add up to the mean square of the target.
    scales : ndarray, shape (P,)
        :math:`\omega_p = [K(x_p, x_p)/\langle K(x, x)\rangle]^{1/2}`, the size of the feature vector of each input.

    Raises
    ------
    ValueError
        If shapes do not match or a value is not finite.

    Notes
    -----
    Needs the eigenvalues of a matrix of size P: less than a second for 2,000 inputs.

    Examples
    --------
    >>> inputs = np.random.default_rng(0).standard_normal((50, 3))
    >>> population = Population(inputs, inputs[:, 0])
    >>> bool(np.isclose(population.projections.sum(), np.mean(inputs[:, 0] ** 2)))
    True
    """

    inputs: np.ndarray
    target: np.ndarray
    activation: str = "relu"
    feature_var: float = 1.0
    spectrum: Empirical = field(init=False)
    projections: np.ndarray = field(init=False)
    scales: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        inputs, target = real_array("inputs", self.inputs), real_array("target", self.target)
        if inputs.ndim != 2 or not inputs.any():
            raise ValueError(f"inputs must be a matrix of shape (P, M), not all zero; got shape {inputs.shape}")
        size = len(inputs)
        if target.shape != (size,):
            raise ValueError(f"target must have shape ({size},) to match inputs; got {target.shape}")
        activation = one_of("activation", self.activation, ACTIVATIONS)
        feature_var = real_number("feature_var", self.feature_var, above=0)
        setting = inputs.shape, activation, feature_var
        values, projections, diagonal = _decomposition(inputs.tobytes(), target.tobytes(), *setting)
        derived = {
            "inputs": inputs,
            "target": target,
            "spectrum": Empirical(values),
            "projections": projections.copy(),
            "scales": np.sqrt(diagonal / diagonal.mean()),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)


def predict_loss(
    population: Population,
    n_features: ArrayLike,
    n_samples: ArrayLike,
    ridge: ArrayLike = 0.0,
    *,
    scales: ArrayLike | None = None,
) -> np.ndarray:
    r"""Expected squared error over the population, predicted from the kernel and the target alone.

    Parameters
    ----------
    population : Population
        Eigenvalues and projections.
    n_features, n_samples : array_like
        Numbers of features :math:`N` and of training samples :math:`T`, which are drawn from the population with
        replacement; from 1 to 1e15, and everything broadcasts.
    ridge : array_like, default 0
        :math:`\gamma \ge 0`, added to the unnormalised Gram matrix; with `scales` at least 1e-200.
    scales : array_like, optional
        Sizes of the feature vectors of typical samples, such as `Population.scales`; only their ratios count. None:
        all alike.

    Returns
    -------
    ndarray or float
        The prediction; there is nothing in it to fit.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    With :math:`\gamma = \Delta (N - df_1)(T - df_1)`, :math:`f_k = \lambda_k/(\lambda_k + \Delta)`, :math:`g_k = 1 -
    f_k` and :math:`D` as in `theory.test_loss`

    .. math:: L = \frac{T}{D} \sum_k y_k^2\, g_k\, [(N - df_1)\, g_k + df_1 - df_2] ,

    which follows from chapter 8 for a general teacher (chapter 12). The formula of the eigenlearning framework,
    arXiv:2110.03922 and arXiv:2311.14646, in other variables. With scales :math:`\omega`, :math:`\langle \omega^2
    \rangle = 1`, the factor :math:`T - df_1` becomes :math:`\bar m = T \langle \omega^2/(1 + \omega^2 c) \rangle` with
    :math:`c\, \bar m = df_1`.

    Examples
    --------
    >>> inputs = np.random.default_rng(0).standard_normal((200, 5))
    >>> population = Population(inputs, np.sign(inputs[:, 0]))
    >>> print(predict_loss(population, 100, [20, 50, 200], ridge=0.1).round(3))
    [1.029 0.597 0.293]
    """
    if not isinstance(population, Population):
        raise ValueError(f"population must be a Population; got {type(population).__name__}")
    if scales is None:
        spectrum = population.spectrum
        return _alike(population, *_settings(spectrum, n_features, n_samples, ridge, float(spectrum.n_latent)))
    scales = real_array("scales", scales, at_least=0)
    if scales.ndim != 1 or not scales.any():
        raise ValueError(f"scales must be a one-dimensional list with a positive entry; got shape {scales.shape}")
    n = real_array("n_features", n_features, at_least=1, at_most=MAX_SIZE)
    t = real_array("n_samples", n_samples, at_least=1, at_most=MAX_SIZE)
    ridge = real_array("ridge", ridge, at_least=LEAST_RIDGE, at_most=LARGEST)
    square = (scales / scales.max()) ** 2
    square /= square.mean()
    settings = np.stack(np.broadcast_arrays(n, t, ridge))
    blocks = np.array_split(settings.reshape(3, -1), 1 + settings.size * square.size // BLOCK, axis=1)
    return np.concatenate([_of_scales(population, square, *block) for block in blocks]).reshape(settings.shape[1:])[()]


def forecast_loss(
    population: Population, n_features: ArrayLike, n_samples: ArrayLike, ridge: ArrayLike = 0.0
) -> np.ndarray:
    r"""Expected squared error on inputs that were not used for training.

    Parameters
    ----------
    population : Population
        Eigenvalues and projections, of :math:`P` inputs.
    n_features, n_samples : array_like
        Numbers of features :math:`N` and of training samples :math:`T < P`, which are drawn from the population without
        replacement; from 1, and everything broadcasts.
    ridge : array_like, default 0
        :math:`\gamma \ge 0`, added to the unnormalised Gram matrix.

    Returns
    -------
    ndarray or float
        The mean over the inputs of the population that were not drawn. If the population is itself a random part of a
        larger one, this is as well the expected loss on the rest of that.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    An average over all :math:`P` inputs does not fluctuate, so :math:`T - df_1` becomes :math:`(T - df_1)/(1 - df_1/P)`
    in the equation for :math:`\Delta`, and in the loss of `predict_loss`

    .. math:: D = \Bigl(1 - \frac{df_1}{P}\Bigr) (T - df_1)(N - df_2)
                  + \Bigl(1 - \frac TP\Bigr) (N - df_1)(df_1 - df_2) .

    For :math:`P \to \infty` both are those of `predict_loss` (chapter 13).

    Examples
    --------
    >>> inputs = np.random.default_rng(0).standard_normal((200, 5))
    >>> population = Population(inputs, np.sign(inputs[:, 0]))
    >>> print(forecast_loss(population, 100, [20, 50, 150], ridge=0.1).round(3))
    [1.153 0.803 0.6  ]
    """
    if not isinstance(population, Population):
        raise ValueError(f"population must be a Population; got {type(population).__name__}")
    spectrum, size = population.spectrum, population.spectrum.n_latent
    n, t, ridge, unit = _settings(spectrum, n_features, n_samples, ridge, float(spectrum.n_latent))
    if np.any(t >= size):
        raise ValueError(f"n_samples must be below {size}, so that an input is left; got {np.max(t):g}")

    return _alike(population, n, t, ridge, unit, size)


class Measurement(NamedTuple):
    r"""Losses of repeated experiments on a population; see `measure_loss`.

    Attributes
    ----------
    test : ndarray, shape ``(n_trials,) + ridge.shape``
        Mean squared error over the whole population.
    train : ndarray, same shape
        Mean squared error over the training samples.
    gcv : ndarray, same shape
        Generalised cross-validation, an estimate of the loss on unseen samples from training data alone:
        :math:`\text{train}/(1 - \mathrm{df}/T)^2`; not a number where the fit interpolates, or where estimates were not
        asked for.
    loo : ndarray, same shape
        Leave-one-out cross-validation, the mean of :math:`r_t^2/(1 - h_t)^2` with the residual :math:`r_t` and leverage
        :math:`h_t` of each sample; :math:`\sum_t h_t = \mathrm{df}`. Not a number where `gcv` is not.

    Examples
    --------
    >>> losses = Measurement(*np.array([[1.0, 3.0], [0.5, 0.5], [1.0, 2.0], [1.5, 2.0]]))
    >>> print(losses.mean.test, losses.stderr.test)
    2.0 1.0
    """

    test: np.ndarray
    train: np.ndarray
    gcv: np.ndarray
    loo: np.ndarray

    @property
    def mean(self) -> Measurement:
        """Means over the trials."""
        return Measurement(*(losses.mean(axis=0)[()] for losses in self))

    @property
    def stderr(self) -> Measurement:
        """Standard errors of the means."""
        return Measurement(*map(_standard_error, self))


def measure_loss(
    population: Population,
    n_features: int,
    n_samples: int,
    ridge: ArrayLike,
    *,
    replace: bool = True,
    estimates: bool = False,
    n_trials: int = 20,
    seed: int = 0,
    progress: bool = False,
) -> Measurement:
    r"""Train students on samples of a population, again and again.

    Parameters
    ----------
    population : Population
        Where the samples come from, and where the test loss is averaged.
    n_features, n_samples : int
        Numbers of features :math:`N` and of training samples :math:`T`.
    ridge : array_like
        Ridges :math:`\gamma \ge 0`, any shape. All of them share the draws of a trial.
    replace : bool, default True
        Draw the samples with replacement, as the theory assumes. False: every sample is another one, as in practice,
        and :math:`T \le P`.
    estimates : bool, default False
        Estimate the loss from training data as well, `gcv` and `loo`; the leverages take longer than the fit itself.
    n_trials : int, default 20
        Independent experiments; features and samples are drawn anew in each.
    seed : int, default 0
        Seeds every trial through `numpy.random.SeedSequence`.
    progress : bool, default False
        Show a progress bar.

    Returns
    -------
    Measurement
        Named tuple ``(test, train, gcv, loo)`` of arrays, with ``mean`` and ``stderr``.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    The test loss is an average over the population, training samples included: in the sense of the theory the
    population *is* the distribution.

    Examples
    --------
    >>> inputs = np.random.default_rng(0).standard_normal((500, 20))
    >>> population = Population(inputs, np.sign(inputs[:, 0]))
    >>> measured, predicted = measure_loss(population, 100, 50, 1.0), predict_loss(population, 100, 50, 1.0)
    >>> bool(abs(measured.mean.test / predicted - 1) < 0.05)
    True
    """
    if not isinstance(population, Population):
        raise ValueError(f"population must be a Population; got {type(population).__name__}")
    n_features, n_samples = whole_number("n_features", n_features), whole_number("n_samples", n_samples)
    ridge = real_array("ridge", ridge, at_least=0)
    if not replace and n_samples > len(population.inputs):
        raise ValueError(f"n_samples must be at most {len(population.inputs)} without replacement; got {n_samples}")
    run = partial(_trial, population, n_features, n_samples, ridge.reshape(-1, 1), replace, estimates)
    seeds = progress_bar(_spawn_seeds(seed, n_trials), progress=progress, unit="trial")
    trials = np.array([run(seed) for seed in seeds])
    return Measurement(*trials.swapaxes(0, 1).reshape(4, len(trials), *ridge.shape))


@lru_cache(maxsize=64)
def _decomposition(inputs: bytes, target: bytes, shape, activation, feature_var) -> tuple[np.ndarray, ...]:
    """Eigenvalues, projections in their order, and the kernel's diagonal, kept for populations that come again."""
    inputs, target = np.frombuffer(inputs).reshape(shape), np.frombuffer(target)
    kernel = feature_kernel(inputs, activation=activation, feature_var=feature_var)
    values, projections = _spectral_measure(kernel / len(kernel), target)
    values = np.where(values > len(kernel) * np.finfo(float).eps * values[-1], values, 0.0)
    return values, projections[::-1] / len(kernel), np.diag(kernel).copy()


def _spectral_measure(matrix: np.ndarray, vector: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues of a symmetric matrix, ascending, and the squares of a vector's components along the eigenvectors.

    A reflection takes the vector to the first axis, and the reduction of the matrix to three diagonals leaves it there.
    So first components of the eigenvectors of the three diagonals are enough, and no eigenvector is transformed back.
    The matrix is overwritten.
    """
    length = np.linalg.norm(vector)
    mirror = vector / (length or 1.0)
    mirror[0] += np.copysign(1.0, mirror[0])
    mirror /= np.linalg.norm(mirror)
    image = matrix @ mirror
    image -= (image @ mirror) * mirror
    matrix = blas.dsyr2(-2.0, mirror, image, a=matrix.T, lower=1, overwrite_a=1)
    lwork = int(lapack.dsytrd_lwork(len(matrix), lower=1)[0])
    _, diagonal, beside, _, _ = lapack.dsytrd(matrix, lower=1, lwork=lwork, overwrite_a=1)
    values, vectors = eigh_tridiagonal(diagonal, beside)
    return values, (length * vectors[0]) ** 2


def _alike(population, n, t, ridge, unit, size=np.inf) -> np.ndarray:
    """The loss for samples of one size; what is solved for, and why, is in `theory.decompose`.

    Over all inputs, taken for a distribution, or over those not drawn from a population of `size`.
    """
    spectrum, projections = population.spectrum, population.projections
    delta, margin = _solve(spectrum, n, t, ridge, unit, size)
    kept, fresh = 1 - (np.minimum(n, t) - margin) / size, 1 - t / size
    delta, margin, transition, corner = _corner(spectrum, n, t, delta, margin, spectrum.mode_sum(delta, 1, 1))

    features_left, samples_left = margin + np.maximum(n - t, 0), margin + np.maximum(t - n, 0)
    power = _missed_power(population, delta, features_left, transition)
    determinant = kept * samples_left * (features_left + transition) + fresh * features_left * transition
    with np.errstate(divide="ignore", invalid="ignore"):
        loss = np.where(power > 0, t * power / determinant, 0.0)
    unseen = projections[spectrum.rank :].sum() > ROUNDING * projections.sum()
    return np.where(corner & (t <= n) & unseen, np.inf, loss)[()]


def _of_scales(population, square, n, t, ridge) -> np.ndarray:
    """The prediction for samples of different sizes, of one-dimensional settings; `square` has the mean 1.

    With q = 1/c the samples are to q what the modes are to Delta: df1 = T <s/(s + q)> with s = omega^2. The unknown is
    p = q - q0, where q0 = 0, or the q of df1 = N if N is less than the samples that are not blank. From p follow, with
    no subtraction, the margin r between df1 and the most that it can be, N - df1, and Delta = ridge/((N - df1) q df1).
    """
    spectrum, (sizes, counts) = population.spectrum, np.unique(square[square > 0], return_counts=True)
    share = t[:, None] * counts / square.size  # how many samples there are of each size
    loud = t * np.mean(square > 0)
    least = np.zeros(n.shape)
    few = n < loud
    blank = (loud - n)[few] / (share[few] / sizes).sum(axis=1), t[few] / n[few]
    least[few] = find_root(partial(_resolved_samples, sizes), *blank, (n[few], share[few], loud[few]))

    def solution(p, n, ridge, share, loud, least):
        """Resolved and missed parts of a sample, df1, r, N - df1, and Delta."""
        q = least + p
        f, g = _parts(sizes, q)
        taken = np.vecdot(share, f)
        margin = p * np.vecdot(share, f / (sizes + least[:, None]))
        left = np.maximum(n - loud, 0) + margin
        return f, g, taken, margin, left, ridge / left / (q * taken)

    def mismatch(p, n, ridge, share, loud, least):
        """How far df1 of the samples is above df1 of the modes, and how fast that falls with log p.

        Both are compared directly, and by what is missing, so that one of the two is accurate.
        """
        f, g, taken, margin, left, delta = solution(p, n, ridge, share, loud, least)
        resolved, turn, missed = spectrum.mode_sums(delta, [(1, 0), (1, 1), (0, 1)])
        most = np.minimum(n, loud)
        missed += np.maximum(most - spectrum.rank, 0)
        margin += np.maximum(spectrum.rank - most, 0)
        near = p / (least + p)
        rate = near * np.vecdot(share, f * g)  # minus the slopes of df1 of the samples and of log Delta
        delta_rate = rate / left + near - rate / taken
        slope = turn * delta_rate * (1 / resolved + 1 / missed) + rate * (1 / taken + 1 / margin)
        return np.log(taken / resolved) + np.log(missed / margin), slope

    most, largest = np.minimum(n, loud), spectrum.eigenvalue(1)
    nearest = (share / (sizes + least[:, None])).sum(axis=1)  # r < p times this
    product = np.where(few, t * nearest, n * loud)  # (N - df1) q df1 < p times this
    low = most / 4 * np.minimum(1 / nearest, ridge / (product * spectrum.trace))
    high = 2 * (t + 4 * ridge / (n * largest) + sizes[-1] + 2 * t / n)
    setting = n, ridge, share, loud, least
    p = find_root(mismatch, np.maximum(low, np.finfo(float).tiny), high, setting)

    f, g, taken, _, left, delta = solution(p, *setting)
    turn = spectrum.mode_sum(delta, 1, 1)
    share = share / taken[:, None]
    part = np.vecdot(share, f * g), np.vecdot(share, f**2 / taken[:, None])
    return _missed_power(population, delta, left, turn) / (part[0] * (left + turn) + part[1] * left * turn)


def _resolved_samples(sizes, q, n, share, loud) -> tuple[np.ndarray, np.ndarray]:
    """How far sum_t s/(s + q) is above N, where the samples are more than that, and how fast it falls with log q."""
    f, g = _parts(sizes, q)
    taken, kept = np.vecdot(share, f), np.vecdot(share, g)
    excess = np.log(taken / n) + np.log((loud - n) / kept)
    return excess, np.vecdot(share, f * g) * (1 / taken + 1 / kept)


def _parts(sizes, q) -> tuple[np.ndarray, np.ndarray]:
    """s/(s + q) and q/(s + q)."""
    inverse = 1 / (sizes + q[:, None])
    return sizes * inverse, q[:, None] * inverse


def _missed_power(population, delta, features_left, transition) -> np.ndarray:
    """The sum over modes of y^2 g [(N - df1) g + df1 - df2], for every setting."""
    values, projections = population.spectrum.eigenvalues, population.projections

    def of_one(delta, features_left, transition):
        missed = np.divide(delta, values + delta, out=np.ones(values.size), where=values > 0)
        return projections @ (missed * (features_left * missed + transition))

    return np.vectorize(of_one, otypes=[float])(delta, features_left, transition)


def _trial(population, n_features, n_samples, ridge, replace, estimates, seed) -> np.ndarray:
    """One experiment: test loss, training loss, and two estimates from training data, for every ridge."""
    rng = np.random.default_rng(seed)
    feature_map = RandomFeatures.draw(
        n_features,
        population.inputs.shape[1],
        rng,
        activation=population.activation,
        feature_var=population.feature_var,
    )
    features = ACTIVATIONS[population.activation](feature_map.weights @ population.inputs.T)
    drawn = rng.choice(len(population.inputs), n_samples, replace=replace)
    coefficients, kept = _fits(features[:, drawn].T, population.target[drawn], ridge, estimates)
    errors = coefficients @ features
    errors -= population.target
    errors *= errors
    residuals = errors[:, drawn]
    train = residuals.mean(axis=1)
    kept = np.where(kept > ROUNDING, kept, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        gcv = np.where(kept.any(axis=1), train / kept.mean(axis=1) ** 2, np.nan)
        loo = np.mean(np.where(kept > 0, residuals / kept**2, np.nan), axis=1)
    return np.array([errors.mean(axis=1), train, gcv, loo])


def _fits(features, labels, ridge, leverages) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients, and one minus the leverages, or 0 if those are not asked for, a row for each ridge.

    From a Cholesky factor of the smaller Gram matrix; for ridges that are lost in its rounding from singular values.
    """
    n_samples, n_features = features.shape
    by_samples = n_samples <= n_features
    gram = features @ features.T if by_samples else features.T @ features
    coefficients, kept = np.empty((len(ridge), n_features)), np.zeros((len(ridge), n_samples))
    right = labels if by_samples else labels @ features
    weak = ridge[:, 0] <= GRAM_LIMIT * np.trace(gram)
    if weak.any():
        left, singular, axes = np.linalg.svd(features, full_matrices=False)
        inverse = shrunk_inverse(singular, ridge[weak], features.shape)
        coefficients[weak] = (inverse * (labels @ left)) @ axes
        if leverages:
            kept[weak] = 1 - (inverse * singular) @ left.T**2
    for row in np.flatnonzero(~weak):
        shifted = gram.copy()
        shifted.flat[:: len(gram) + 1] += ridge[row]
        factor, _ = lapack.dpotrf(shifted.T, lower=1, overwrite_a=1)
        solution, _ = lapack.dpotrs(factor, right, lower=1)
        coefficients[row] = solution @ features if by_samples else solution
        if leverages:
            inverse, _ = lapack.dtrtri(factor, lower=1)
            square = np.sum((inverse if by_samples else inverse @ features.T) ** 2, axis=0)
            kept[row] = ridge[row] * square if by_samples else 1 - square
    return coefficients, kept
