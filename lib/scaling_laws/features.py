r"""Random features: a fixed random map from latents to what the student sees, and its kernel.

Stands beside chapter 4 of the book. A preactivation :math:`u \cdot x` is Gaussian over the weights at fixed
:math:`x`, and over the latents at fixed :math:`u`. So one and the same function of two variances and a covariance,
`KERNELS`, gives the kernel of infinitely many features and the second moments of finitely many.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import erf

from ._libraries import array_library
from ._validation import check_generator, one_of, real_array, real_number, whole_number
from .spectra import Spectrum, check_spectrum

# of arrays of any library that follows the array API standard; that has no erf, though some libraries do
ACTIVATIONS: dict[str, Callable] = {
    "linear": lambda xi: xi,
    "relu": lambda xi: array_library(xi).maximum(xi, 0.0),
    "erf": lambda xi: getattr(array_library(xi), "erf", erf)(xi),
    "tanh": lambda xi: array_library(xi).tanh(xi),
    "sign": lambda xi: array_library(xi).sign(xi),
    "cos": lambda xi: array_library(xi).cos(xi),
    "quadratic": lambda xi: xi * xi,
}
MAX_VARIANCE = 1e3  # of a preactivation, in `hermite_coefficients`
LARGEST_VARIANCE = 1e150  # of a preactivation in a kernel, where two are multiplied
SERIES_LENGTHS = (32, 64, 128, 256, 512, 1024)  # terms of Mehler's series to try,
SERIES_TOLERANCE = 1e-9  # until the last eighth of them is less than this share of the sum
ROWS = 32  # of a kernel at a time: what it takes on the way then stays in the cache


@dataclass(frozen=True, eq=False)
class RandomFeatures:
    r"""The feature map :math:`\varphi(x) = \sigma(u x)` with fixed weights :math:`u`.

    Parameters
    ----------
    weights : ndarray, shape (N, M)
        Feature weights :math:`u`.
    activation : str, default "linear"
        Name of :math:`\sigma`, a key of `ACTIVATIONS`: "linear", "relu", "erf", "tanh", "sign", "cos" or
        "quadratic", which is :math:`\xi^2`.

    Raises
    ------
    ValueError
        If the weights are not a matrix or the activation is not known.

    Notes
    -----
    Random features were introduced by Rahimi and Recht (2007); arXiv:2210.16859 takes the linear
    map with :math:`u_{jI} \sim N(0, \sigma_u^2/M)`.

    Examples
    --------
    >>> features = RandomFeatures.draw(3, 10, np.random.default_rng(0), activation="relu")
    >>> features(np.ones((5, 10))).shape
    (5, 3)
    """

    weights: np.ndarray
    activation: str = "linear"

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", real_array("weights", self.weights, copy=False))
        if self.weights.ndim != 2 or not self.weights.size:
            raise ValueError(f"weights must be a non-empty matrix of shape (N, M); got shape {self.weights.shape}")
        one_of("activation", self.activation, ACTIVATIONS)

    @classmethod
    def draw(
        cls,
        n_features: int,
        n_latent: int,
        rng: np.random.Generator,
        *,
        activation: str = "linear",
        feature_var: float = 1.0,
    ) -> RandomFeatures:
        r"""Draw :math:`u_{jI} \sim N(0, \sigma_u^2/M)` for `n_features` features of `n_latent` latents."""
        n_features, n_latent = whole_number("n_features", n_features), whole_number("n_latent", n_latent)
        deviation = np.sqrt(real_number("feature_var", feature_var, above=0) / n_latent)
        check_generator(rng)
        weights = rng.standard_normal((n_features, n_latent))
        weights *= deviation
        return cls(weights, activation)

    def __call__(self, latents: np.ndarray) -> np.ndarray:
        """Features of each row of `latents`, shape (n_samples, N)."""
        latents = real_array("latents", latents, copy=False)
        if latents.ndim != 2 or latents.shape[1] != self.weights.shape[1]:
            raise ValueError(f"latents must have shape (n_samples, {self.weights.shape[1]}); got {latents.shape}")
        return ACTIVATIONS[self.activation](latents @ self.weights.T)

    def second_moment(self, spectrum: Spectrum) -> np.ndarray:
        r""":math:`\Sigma = \mathbb{E}_x \varphi\varphi^\top` over Gaussian latents, shape (N, N), without samples."""
        self._check(spectrum)
        return _kernel_matrix(self.activation, self.weights * np.sqrt(spectrum.eigenvalues))

    def latent_moment(self, spectrum: Spectrum) -> np.ndarray:
        r""":math:`\Xi = \mathbb{E}_x \varphi x^\top` over Gaussian latents, shape (N, M).

        By Stein's lemma row :math:`j` is :math:`\mathbb{E}\,\sigma'(u_j \cdot x)\; \Lambda u_j`.
        """
        return self._slopes(spectrum)[:, None] * self.weights * spectrum.eigenvalues

    def correlation_with(self, teacher: np.ndarray, spectrum: Spectrum) -> np.ndarray:
        r""":math:`\Xi w`, of the features with a linear teacher, shape (N,), without the matrix :math:`\Xi`."""
        return self._slopes(spectrum) * (self.weights @ (spectrum.eigenvalues * teacher))

    def _slopes(self, spectrum: Spectrum) -> np.ndarray:
        """Mean slope of the activation for each feature."""
        self._check(spectrum)
        if self.activation == "linear":
            return np.ones(len(self.weights))
        variance = np.einsum("ji,ji,i->j", self.weights, self.weights, spectrum.eigenvalues)
        first = hermite_coefficients(self.activation, 2, _check_variance(variance))[:, 1]
        return np.divide(first, np.sqrt(variance), out=np.zeros_like(first), where=variance > 0)

    def _check(self, spectrum: Spectrum) -> None:
        if check_spectrum(spectrum).n_latent != self.weights.shape[1]:
            raise ValueError(f"spectrum must have {self.weights.shape[1]} latents; got {spectrum.n_latent}")


def arccos_kernel(first_var: ArrayLike, second_var: ArrayLike, covariance: ArrayLike) -> np.ndarray:
    r"""The kernel of ReLU features, :math:`\mathbb{E} \max(\xi, 0) \max(\xi', 0)`.

    Parameters
    ----------
    first_var, second_var : array_like
        Variances :math:`\nu` and :math:`\nu'` of two centred Gaussian variables :math:`\xi, \xi'`.
    covariance : array_like
        Their covariance :math:`\mathbb{E} \xi \xi'`.

    Returns
    -------
    ndarray or float
        The kernel, of the broadcast shape.

    Raises
    ------
    ValueError
        If a variance is negative or an argument is not finite.

    Notes
    -----
    :math:`\sqrt{\nu \nu'}\, [\sin\vartheta + (\pi - \vartheta)\cos\vartheta]/2\pi`, where
    :math:`\cos\vartheta` is the correlation: the arc-cosine kernel of order one of Cho and Saul, "Kernel methods for
    deep learning", Advances in Neural Information Processing Systems 22 (2009).

    Examples
    --------
    >>> float(arccos_kernel(1.0, 4.0, 2.0))  # xi' = 2 xi: E max(xi, 0) max(2 xi, 0) = 2 E xi^2 / 2
    1.0
    """
    first_var = real_array("first_var", first_var, at_least=0)
    second_var = real_array("second_var", second_var, at_least=0)
    norm = np.sqrt(first_var * second_var)
    cosine = _correlation(norm, real_array("covariance", covariance, copy=False))
    shape = np.sqrt(1 - cosine**2) + (np.pi - np.arccos(cosine)) * cosine
    return (norm * shape / (2 * np.pi))[()]


KERNELS: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {
    "linear": lambda v, w, c: c,
    "relu": arccos_kernel,
    "erf": lambda v, w, c: 2 / np.pi * np.arcsin(2 * c / np.sqrt((1 + 2 * v) * (1 + 2 * w))),
    "sign": lambda v, w, c: 2 / np.pi * np.arcsin(_correlation(np.sqrt(v * w), c)),
    "cos": lambda v, w, c: (np.exp(c - (v + w) / 2) + np.exp(-c - (v + w) / 2)) / 2,
    "quadratic": lambda v, w, c: v * w + 2 * c**2,
}


def feature_kernel(
    first: ArrayLike, second: ArrayLike | None = None, *, activation: str = "relu", feature_var: float = 1.0
) -> np.ndarray:
    r"""The kernel of infinitely many features, :math:`K(x, x') = \mathbb{E}_u\,\sigma(u \cdot x)\,\sigma(u \cdot x')`.

    Parameters
    ----------
    first, second : array_like, shape (n, M) and (m, M)
        Inputs as rows; `second` is `first` if left out.
    activation : str, default "relu"
        Name of :math:`\sigma`, a key of `ACTIVATIONS`.
    feature_var : float, default 1
        :math:`\sigma_u^2 > 0`; the weights are :math:`u_I \sim N(0, \sigma_u^2/M)`.

    Returns
    -------
    ndarray, shape (n, m)
        The kernel matrix.

    Raises
    ------
    ValueError
        If an argument is outside its range, or if the activation is "tanh" and a preactivation's variance
        :math:`\sigma_u^2 |x|^2/M` exceeds about 20.

    Notes
    -----
    Closed forms (`KERNELS`; chapter 4) for all activations but "tanh"; that of "sign" is good to 1e-8 only between
    parallel inputs, where the arcsine is steep. For "tanh", by Mehler's formula,
    :math:`K = \sum_p a_p(\nu)\, a_p(\nu')\, \varrho^p` with the correlation :math:`\varrho` of the two preactivations
    and the `hermite_coefficients` :math:`a_p` at their variances :math:`\nu, \nu'`.

    References
    ----------
    C. Williams, "Computing with infinite networks", Advances in Neural Information Processing Systems 9 (1997), for
    erf; Y. Cho and L. Saul, ibid. 22 (2009), for ReLU and sign.

    Examples
    --------
    >>> inputs = [[1.0, 0.0], [0.0, 1.0]]
    >>> feature_kernel(inputs, activation="quadratic", feature_var=2.0)
    array([[3., 1.],
           [1., 3.]])
    """
    one_of("activation", activation, ACTIVATIONS)
    first = real_array("first", first)
    second = None if second is None else real_array("second", second)
    if first.ndim != 2 or not first.size:
        raise ValueError(f"first must be a non-empty matrix of shape (n, M); got shape {first.shape}")
    if second is not None and (second.ndim != 2 or second.shape[1] != first.shape[1]):
        raise ValueError(f"second must have shape (m, {first.shape[1]}) to match first; got {second.shape}")
    deviation = np.sqrt(real_number("feature_var", feature_var, above=0) / first.shape[1])
    return _kernel_matrix(activation, deviation * first, None if second is None else deviation * second)


def hermite_coefficients(activation: str, n_coefficients: int, variance: ArrayLike = 1.0) -> np.ndarray:
    r"""Coefficients of an activation in normalised Hermite polynomials.

    Parameters
    ----------
    activation : str
        A key of `ACTIVATIONS`.
    n_coefficients : int
        How many, from degree 0 on; from 1 to 1024.
    variance : array_like, default 1
        Variance :math:`\nu` of the preactivation, from 0 to 1000; any shape.

    Returns
    -------
    ndarray, shape ``variance.shape + (n_coefficients,)``
        :math:`a_p = \mathbb{E}\, \sigma(\sqrt\nu\, \zeta)\, h_p(\zeta)` for :math:`\zeta \sim N(0, 1)`.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    :math:`h_p = \mathrm{He}_p/\sqrt{p!}`, so :math:`\mathbb{E} h_p h_q = \delta_{pq}` and :math:`\sum_p a_p^2 =
    \mathbb{E} \sigma^2`. Gauss-Legendre quadrature on panels that are finest at 0, where activations have their kinks.

    Examples
    --------
    >>> hermite_coefficients("quadratic", 4).round(12) + 0.0  # zeta^2 = 1 + sqrt(2) h_2
    array([1.        , 0.        , 1.41421356, 0.        ])
    """
    one_of("activation", activation, ACTIVATIONS)
    n_coefficients = whole_number("n_coefficients", n_coefficients, at_most=1024)
    variance = real_array("variance", variance, at_least=0, at_most=MAX_VARIANCE)
    deviation = np.sqrt(variance)

    end = 2 * np.sqrt(n_coefficients) + 10  # beyond it, h_p times the square root of the Gaussian is negligible
    n_panels = int(60 + 2 * np.sqrt(n_coefficients))
    edges = end * np.linspace(0, 1, n_panels + 1) ** 2
    node, weight = np.polynomial.legendre.leggauss(24)
    half = np.diff(edges)[:, None] / 2
    point = ((edges[:-1, None] + half) + half * node).ravel()
    point, weight = np.concatenate([-point, point]), np.tile((half * weight).ravel(), 2)

    root_density = np.exp(-(point**2) / 4) / (2 * np.pi) ** 0.25
    values = ACTIVATIONS[activation](deviation[..., None] * point) * (weight * root_density)
    # h_p times root_density for p = 0, 1, ..., by the recurrence of the h_p
    basis = np.empty((n_coefficients, point.size))
    basis[0] = root_density
    for p in range(n_coefficients - 1):
        before = basis[p - 1] if p else 0.0
        basis[p + 1] = (point * basis[p] - np.sqrt(p) * before) / np.sqrt(p + 1)
    return values @ basis.T


def product_spectrum(spectrum: Spectrum, degree: int, n_products: int) -> np.ndarray:
    r"""The largest products of `degree` eigenvalues, each unordered choice of factors counted once.

    Parameters
    ----------
    spectrum : PowerLaw or Empirical
        Eigenvalues :math:`\lambda_I` of the latents.
    degree : int
        Number of factors :math:`p`, from 1 to 5; a latent may occur more than once.
    n_products : int
        How many products, from 1 to 10**6; fewer are returned if fewer exist.

    Returns
    -------
    ndarray, shape (n,)
        The products :math:`\lambda_{I_1} \cdots \lambda_{I_p}`, :math:`I_1 \le \dots \le I_p`, in descending order.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    They are, times :math:`p!`, the eigenvalues of the degree-:math:`p` part of a kernel on Gaussian latents (chapter
    4). A product among the :math:`n` largest loses its last factor to one among the :math:`n` largest of degree
    :math:`p - 1`; and the :math:`k`-th of those times :math:`\lambda_I` has at least :math:`kI/p` products above it or
    equal to it. So about :math:`p\,n \log n` candidates a degree are enough, whatever the number of latents.

    Examples
    --------
    >>> from scaling_laws.spectra import PowerLaw
    >>> product_spectrum(PowerLaw(alpha=1.0, n_latent=3), degree=2, n_products=10).round(4)
    array([1.    , 0.25  , 0.1111, 0.0625, 0.0278, 0.0123])
    """
    check_spectrum(spectrum)
    degree = whole_number("degree", degree, at_most=5)
    n_products = whole_number("n_products", n_products, at_most=10**6)
    n_listed = min(spectrum.n_latent, n_products)
    eigenvalues = spectrum.eigenvalue(np.arange(1, n_listed + 1))
    products, last = eigenvalues, np.arange(n_listed)  # each product with the index of its last factor
    for p in range(2, degree + 1):
        rank = np.arange(1, products.size + 1)
        stop = np.minimum(n_listed, p * n_products // rank)  # one past the last factor worth trying
        count = np.maximum(stop - last, 0)
        parent = np.repeat(rank - 1, count)
        factor = np.arange(parent.size) - np.repeat(np.cumsum(count) - count, count) + last[parent]
        candidates = products[parent] * eigenvalues[factor]
        if candidates.size > n_products:  # leave out most of them before sorting
            least = np.partition(candidates, -n_products)[-n_products]
            chosen = np.flatnonzero(candidates >= least)
            candidates, parent, factor = candidates[chosen], parent[chosen], factor[chosen]
        kept = np.argsort(-candidates, kind="stable")[:n_products]
        products, last = candidates[kept], factor[kept]
    return products


def _correlation(norm, covariance) -> np.ndarray:
    """Correlation of two variables, 0 if one of them does not vary; `norm` is the product of their deviations."""
    return np.clip(covariance / np.where(norm > 0, norm, np.inf), -1, 1)


def _check_variance(variance: np.ndarray) -> np.ndarray:
    if variance.max() > MAX_VARIANCE:
        raise ValueError(
            f"feature_var is too large: a preactivation has variance {variance.max():.3g}, at most {MAX_VARIANCE:g} is"
            " allowed"
        )
    return variance


def _kernel_matrix(activation: str, first: np.ndarray, second: np.ndarray | None = None) -> np.ndarray:
    """Kernel of preactivations whose covariances are the inner products of the rows."""
    first_var = np.vecdot(first, first)
    second_var = first_var if second is None else np.vecdot(second, second)
    if not max(first_var.max(), second_var.max()) <= LARGEST_VARIANCE:
        raise ValueError(f"inputs or weights are too large: a preactivation's variance exceeds {LARGEST_VARIANCE:g}")
    if second is None:
        covariance = first @ first.T
        np.fill_diagonal(covariance, first_var)  # rounding errors there would be amplified by the arcsine of the sign
    else:
        covariance = first @ second.T
    if activation not in KERNELS:
        norm = np.sqrt(first_var[:, None] * second_var)
        return _mehler_series(activation, first_var, second_var, _correlation(norm, covariance))
    for start in range(0, len(first), ROWS):
        rows, columns = slice(start, start + ROWS), slice(start if second is None else 0, None)
        part = KERNELS[activation](first_var[rows, None], second_var[columns], covariance[rows, columns])
        covariance[rows, columns] = part
        if second is None:
            covariance[columns, rows] = part.T
    return covariance


def _mehler_series(activation, first_var, second_var, correlation) -> np.ndarray:
    """E sigma(xi) sigma(xi') = sum_p a_p(nu) a_p(nu') rho^p; terms beyond the first are below the tolerance."""
    variance, inverse = np.unique(np.concatenate([first_var, second_var]), return_inverse=True)
    for n_terms in SERIES_LENGTHS:
        coefficients = hermite_coefficients(activation, n_terms, _check_variance(variance))
        square = coefficients**2
        if np.all(square[:, -n_terms // 8 :].sum(axis=1) <= SERIES_TOLERANCE * square.sum(axis=1)):
            coefficients = coefficients[inverse]
            left, right = coefficients[: first_var.size], coefficients[first_var.size :]
            kernel, term = np.zeros_like(correlation), np.empty_like(correlation)
            for p in reversed(range(n_terms)):  # Horner's scheme, in place
                kernel *= correlation
                if square[:, p].max() > 1e-24:  # not for the even terms of an odd activation
                    kernel += np.multiply(left[:, p, None], right[:, p], out=term)
            return kernel
    raise ValueError(
        f"feature_var is too large for the series of the {activation} kernel:"
        f" a preactivation has variance {variance[-1]:.3g}"
    )
