"""The solution of the model: one unknown, Delta, and the losses read off from it.

Stands beside chapter 8 of the book, whose equation labels the comments quote.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ._search import find_root
from ._validation import MAX_SIZE, real_array
from .spectra import Spectrum, check_spectrum, check_task_exponent

LARGEST = 1e60  # largest ridge or variance, and inverse of the smallest feature variance
SMALLEST = 1e-280  # a Delta below this is not told from it


class Decomposition(NamedTuple):
    r"""The test loss in its parts; every field has the broadcast shape of the arguments.

    Attributes
    ----------
    delta : ndarray or float
        Effective ridge :math:`\Delta` in latent space.
    df1, df2 : ndarray or float
        Degrees of freedom at :math:`\Delta`.
    bias : ndarray or float
        Squared bias of the averaged predictor, :math:`\sigma_w^2 \Delta\, U`.
    inflation : ndarray or float
        Variance inflation :math:`T\,[N - df_1 + (df_1 - df_2)\,S/U]/D \ge 1`; :math:`NT/D` for an isotropic teacher.
    signal : ndarray or float
        ``bias * inflation``: the loss without label noise.
    noise : ndarray or float
        What label noise adds.
    test_loss, train_loss : ndarray or float
        ``signal + noise``, and the training loss per sample.

    Examples
    --------
    >>> from scaling_laws.spectra import PowerLaw
    >>> parts = decompose(PowerLaw(1.0, 10**6), [100, 400], 200, ridge=1e-6)
    >>> (parts.signal == parts.bias * parts.inflation).all()
    np.True_
    """

    delta: np.ndarray
    df1: np.ndarray
    df2: np.ndarray
    bias: np.ndarray
    inflation: np.ndarray
    signal: np.ndarray
    noise: np.ndarray
    test_loss: np.ndarray
    train_loss: np.ndarray


def solve_delta(
    spectrum: Spectrum,
    n_features: ArrayLike,
    n_samples: ArrayLike,
    ridge: ArrayLike = 0.0,
    *,
    feature_var: ArrayLike = 1.0,
) -> np.ndarray:
    r"""Solve the Delta equation for the effective ridge.

    Parameters
    ----------
    spectrum : PowerLaw or Empirical
        Eigenvalues :math:`\lambda_I` of the latent covariance.
    n_features, n_samples : array_like
        Numbers of features :math:`N` and training samples :math:`T`, from 1 to 1e15. They broadcast
        against each other and `ridge`; fractions are allowed.
    ridge : array_like, default 0
        :math:`\gamma \ge 0`, added to the unnormalised Gram matrix. At 0: the limit from above.
    feature_var : array_like, default 1
        :math:`\sigma_u^2 > 0`: the feature weights have variance :math:`\sigma_u^2/M`.

    Returns
    -------
    ndarray or float
        :math:`\Delta`, in the units of the eigenvalues; 0 at ``ridge=0`` when both sizes reach the
        rank of the spectrum.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    The root with :math:`df_1(\Delta) < \min(N, T)` of

    .. math:: \gamma M/\sigma_u^2 = \Delta\,[N - df_1(\Delta)]\,[T - df_1(\Delta)],

    derived in chapter 8 of the book and, by planar diagrams, in arXiv:2210.16859 (:math:`\gamma \to
    0`) and arXiv:2405.19398.

    Examples
    --------
    >>> from scaling_laws.spectra import PowerLaw
    >>> print(f"{solve_delta(PowerLaw(1.0, 10**6), n_features=100, n_samples=200):.4e}")
    2.4427e-04
    """
    return _solve(spectrum, *_settings(spectrum, n_features, n_samples, ridge, feature_var))[0][()]


def decompose(
    spectrum: Spectrum,
    n_features: ArrayLike,
    n_samples: ArrayLike,
    ridge: ArrayLike = 0.0,
    *,
    weight_var: ArrayLike = 1.0,
    noise_var: ArrayLike = 0.0,
    feature_var: ArrayLike = 1.0,
    task_exponent: float = 0.0,
) -> Decomposition:
    r"""The test loss split into bias, variance inflation and noise.

    Parameters
    ----------
    spectrum, n_features, n_samples, ridge, feature_var
        As in `solve_delta`.
    weight_var : array_like, default 1
        Teacher variance :math:`\sigma_w^2 \ge 0`.
    noise_var : array_like, default 0
        Label noise :math:`\sigma_\varepsilon^2 \ge 0`.
    task_exponent : float, default 0
        :math:`b`: the teacher weight at rank :math:`I` has the variance :math:`\sigma_w^2 I^{-b}`. More than
        :math:`-\alpha` for a `PowerLaw`, at least -5 for an `Empirical`, and at most 5.

    Returns
    -------
    Decomposition
        A named tuple of arrays of the broadcast shape (floats for scalar arguments).

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    Derived in chapter 8 for an isotropic teacher, of variance :math:`\sigma_w^2` on every latent: the average objective
    first, then the training loss, then the test loss. For a teacher with :math:`w_I^2 = \sigma_w^2 I^{-b}` (chapter
    12) the averaged predictor is :math:`f_I w_I`, with :math:`f = \lambda/(\lambda+\Delta)`, :math:`g = 1 - f`.
    The sums :math:`S = \sum I^{-b} f` and :math:`U = \sum I^{-b} f g` say what it learns and what it misses; for
    :math:`b = 0` they are :math:`df_1` and :math:`df_1 - df_2`.

    Examples
    --------
    >>> from scaling_laws.spectra import PowerLaw
    >>> parts = decompose(PowerLaw(1.0, 10**6), 100, 200, ridge=1e-6, noise_var=0.01)
    >>> print(f"{parts.bias:.5f} x {parts.inflation:.4f} + {parts.noise:.5f} = {parts.test_loss:.5f}")
    0.01554 x 2.4389 + 0.00483 = 0.04272
    """
    n, t, ridge, feature_var = _settings(spectrum, n_features, n_samples, ridge, feature_var)
    b = check_task_exponent(spectrum, task_exponent)
    weight_var = real_array("weight_var", weight_var, at_least=0, at_most=LARGEST)
    noise_var = real_array("noise_var", noise_var, at_least=0, at_most=LARGEST)
    n, t, ridge, feature_var, weight_var, noise_var = np.broadcast_arrays(
        n, t, ridge, feature_var, weight_var, noise_var
    )

    delta, margin = _solve(spectrum, n, t, ridge, feature_var)
    interpolates = (margin == 0) & (t <= n)
    df1, df2, transition = spectrum.mode_sums(delta, [(1, 0), (2, 0), (1, 1)])  # the last without cancellation
    # N = T = M at zero ridge is the one point where everything below is 0/0; see _corner.
    delta, margin, transition, corner = _corner(spectrum, n, t, delta, margin, transition)

    gap = np.abs(n - t)
    features_left = margin + np.maximum(n - t, 0)  # N - df1
    samples_left = margin + np.maximum(t - n, 0)  # T - df1
    determinant = features_left * samples_left + (2 * margin + gap) * transition  # D of chapter 8
    missed, worth = (transition, n) if b == 0 else _task(spectrum, delta, b, features_left, transition)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        bias = weight_var * delta * missed
        inflation = worth * t / determinant
        signal = np.where(bias > 0, bias * inflation, 0.0)
        noise_numerator = features_left * df2 + df1 * transition  # N df2 + df1 (df1 - 2 df2)
        noise = np.where(noise_var > 0, noise_var * noise_numerator / determinant, 0.0)
        noise = np.where(corner & (n == t) & (noise_var > 0), np.inf, noise)
        test = signal + noise
        train = np.where(interpolates, 0.0, (test + noise_var) * (samples_left / t) ** 2)
    parts = (np.where(corner, 0.0, delta), df1, df2, bias, inflation, signal, noise, test, train)
    return Decomposition(*(part[()] for part in parts))


def test_loss(
    spectrum: Spectrum,
    n_features: ArrayLike,
    n_samples: ArrayLike,
    ridge: ArrayLike = 0.0,
    *,
    weight_var: ArrayLike = 1.0,
    noise_var: ArrayLike = 0.0,
    feature_var: ArrayLike = 1.0,
    task_exponent: float = 0.0,
) -> np.ndarray:
    r"""Expected squared error on a fresh sample, in excess of the label noise.

    Parameters
    ----------
    spectrum, n_features, n_samples, ridge, weight_var, noise_var, feature_var, task_exponent
        As in `decompose`.

    Returns
    -------
    ndarray or float
        :math:`L = E(\hat y - w \cdot x)^2`, without a factor 1/2. Infinite at ``ridge=0`` and ``n_features ==
        n_samples`` below the rank of the spectrum.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    Derived in chapter 8,

    .. math:: L = \frac{\sigma_w^2 N T \Delta (df_1 - df_2) + \sigma_\varepsilon^2 [N df_2 + df_1 (df_1 - 2 df_2)]}
        {(N - df_1)(T - df_1) + (N + T - 2 df_1)(df_1 - df_2)}.

    The first term, at :math:`\gamma \to 0`, is the result of arXiv:2210.16859. It is for the isotropic teacher, of
    variance :math:`\sigma_w^2` on every latent. For one with :math:`w_I^2 = \sigma_w^2 I^{-b}` (chapter 12), :math:`N
    (df_1 - df_2)` in it becomes :math:`(N - df_1)\, U + (df_1 - df_2)\, S` with the sums :math:`S` and :math:`U` of
    `decompose`: the Delta equation holds for any teacher, the symmetry of :math:`N` and :math:`T` does not.

    Examples
    --------
    >>> from scaling_laws.spectra import PowerLaw
    >>> losses = test_loss(PowerLaw(1.0, 10**6), [100, 200, 400], 200)
    >>> print(losses.round(4))
    [0.0489    inf 0.0245]
    """
    variances = {"weight_var": weight_var, "noise_var": noise_var, "feature_var": feature_var}
    return decompose(spectrum, n_features, n_samples, ridge, **variances, task_exponent=task_exponent).test_loss


test_loss.__test__ = False  # a formula, not a pytest case


def train_loss(
    spectrum: Spectrum,
    n_features: ArrayLike,
    n_samples: ArrayLike,
    ridge: ArrayLike = 0.0,
    *,
    weight_var: ArrayLike = 1.0,
    noise_var: ArrayLike = 0.0,
    feature_var: ArrayLike = 1.0,
    task_exponent: float = 0.0,
) -> np.ndarray:
    r"""Expected squared error per training sample, label noise included.

    Parameters
    ----------
    spectrum, n_features, n_samples, ridge, weight_var, noise_var, feature_var, task_exponent
        As in `decompose`.

    Returns
    -------
    ndarray or float
        :math:`(L + \sigma_\varepsilon^2)(1 - df_1/T)^2`; exactly 0 where the fit interpolates.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    Derived in chapter 8 by leaving one sample out. Read from right to left it is generalised cross-validation,
    Golub, Heath and Wahba, Technometrics 21 (1979).

    Examples
    --------
    >>> from scaling_laws.spectra import PowerLaw
    >>> print(f"{train_loss(PowerLaw(1.0, 10**6), 100, 200, noise_var=0.01):.5f}")
    0.01721
    """
    variances = {"weight_var": weight_var, "noise_var": noise_var, "feature_var": feature_var}
    return decompose(spectrum, n_features, n_samples, ridge, **variances, task_exponent=task_exponent).train_loss


def _task(spectrum, delta, b, features_left, transition) -> tuple[np.ndarray, np.ndarray]:
    """What takes the places of df1 - df2 in the bias and of N in the inflation if w_I^2 falls as I^-b (chapter 12).

    With S = sum I^-b f and U = sum I^-b f g these are U and N - df1 + (df1 - df2) S/U; for b = 0, S and U are df1 and
    df1 - df2. The ratio (df1 - df2)/U has a limit where Delta is 0.
    """
    tiny = 1e-30 * spectrum.eigenvalue(spectrum.rank)
    known, taught, missed = spectrum.mode_sums(np.where(delta > 0, delta, tiny), [(1, 1), (1, 0, b), (1, 1, b)])
    return missed, features_left + np.where(transition > 0, transition, known) * (taught / missed)


def _settings(spectrum, n_features, n_samples, ridge, feature_var) -> list[np.ndarray]:
    """Check and broadcast the arguments that fix Delta."""
    check_spectrum(spectrum)
    n = real_array("n_features", n_features, at_least=1, at_most=MAX_SIZE)
    t = real_array("n_samples", n_samples, at_least=1, at_most=MAX_SIZE)
    ridge = real_array("ridge", ridge, at_least=0, at_most=LARGEST)
    feature_var = real_array("feature_var", feature_var, at_least=1 / LARGEST, at_most=LARGEST)
    return np.broadcast_arrays(n, t, ridge, feature_var)


def _solve(spectrum, n, t, ridge, feature_var, size=np.inf) -> tuple[np.ndarray, np.ndarray]:
    """Delta and the margin r = min(N, T) - df1(Delta), for every setting at once.

    The Delta equation reads r (r + |N - T|) = (1 - df1/P) G/Delta with G = ridge M / feature_var, so r is known
    in closed form once Delta is, with no subtraction; and df1(Delta) + r(Delta) = min(N, T) is one
    equation for Delta (chapter 8). Both sides are compared on a log scale, where the
    equation is nearly straight: Newton's method takes two to seven steps. The `size` P of the population is
    infinite but in chapter 13.
    """
    smaller, gap = np.minimum(n, t).ravel(), np.abs(n - t).ravel()
    strength = (ridge * spectrum.n_latent / feature_var).ravel()
    delta, margin = np.zeros(smaller.shape), smaller - spectrum.rank

    def root(*setting):
        return find_root(partial(_mismatch, spectrum, size), *_bracket(spectrum, *setting), setting)

    ridged = strength > 0
    delta[ridged] = root(smaller[ridged], gap[ridged], strength[ridged])
    ridgeless = ~ridged & (smaller < spectrum.rank)  # elsewhere Delta = 0
    sizes, place = np.unique(smaller[ridgeless], return_inverse=True)  # df1 = min(N, T), whatever the other is
    delta[ridgeless] = root(sizes, 0 * sizes, 0 * sizes)[place]

    solved = delta > 0
    margin[solved] = _margin(strength[solved] / delta[solved], gap[solved], smaller[solved], size)[0]
    return delta.reshape(n.shape), margin.reshape(n.shape)


def _margin(product, gap, smaller, size) -> tuple[np.ndarray, np.ndarray]:
    """The positive root r of r (r + gap) = product (1 - (smaller - r)/size), and -d(log r)/d(log Delta)."""
    gap_left, product_left = gap - product / size, product * (1 - smaller / size)
    root = np.maximum(np.sqrt(gap_left**2 + 4 * product_left), np.finfo(float).tiny)  # 0 at N = T, ridge 0
    margin = 2 * product_left / (np.abs(gap_left) + root)
    margin = np.where(gap_left < 0, margin - gap_left, margin)
    return margin, (gap + margin) / root


def _mismatch(spectrum, size, delta, smaller, gap, strength) -> tuple[np.ndarray, np.ndarray]:
    """How far df1 + r exceeds min(N, T), on a log scale, and minus its slope in log Delta."""
    margin, steepness = _margin(strength / delta, gap, smaller, size)
    resolved, transition, unresolved = spectrum.mode_sums(delta, [(1, 0), (1, 1), (0, 1)])
    rank = spectrum.rank
    # Below half the rank compare df1 + r with min(N, T); above it compare the unresolved modes,
    # r + rank with rank - df1 + min(N, T), each less what the two sides have in common.
    few = 2 * smaller <= rank
    left = np.where(few, resolved + margin, margin + np.maximum(rank - smaller, 0))
    right = np.where(few, smaller, unresolved + np.maximum(smaller - rank, 0))
    left_slope = np.where(few, transition + steepness * margin, steepness * margin) / left
    right_slope = np.where(few, 0.0, transition / right)
    return np.log(left / right), left_slope + right_slope


def _bracket(spectrum, smaller, gap, strength) -> tuple[np.ndarray, np.ndarray]:
    """Delta from below, where df1 or r alone reaches min(N, T), and above, where each is at most half."""
    rank = spectrum.rank
    index = np.minimum(np.ceil(2 * smaller), rank)
    # df1(Delta) >= index * lambda/(lambda + Delta) >= min(N, T) for lambda at rank `index`
    by_modes = spectrum.eigenvalue(index) * np.maximum(index - smaller, 0) / smaller
    by_ridge = strength / (smaller * (smaller + gap))
    low = np.maximum(np.maximum(by_modes, by_ridge), SMALLEST)
    high = np.maximum(2 * spectrum.trace / smaller, 4 * strength / (smaller * (smaller + 2 * gap)))
    return low, high


def _corner(spectrum, n, t, delta, margin, transition):
    """The limit ridge -> 0 where min(N, T) equals the rank.

    Delta, the margin r and u = df1 - df2 vanish together there, with r = u = Delta tr(1/Lambda)
    to leading order. The losses depend on their ratios only, so a tiny common size stands for zero.
    """
    corner = (delta == 0) & (margin == 0)
    if not corner.any():
        return delta, margin, transition, corner
    tiny = 1e-30 * spectrum.eigenvalue(spectrum.rank)
    common = spectrum.mode_sum(tiny, 0, 1)
    meets = corner & (n == t)  # elsewhere the signal part vanishes with Delta
    return np.where(meets, tiny, delta), np.where(corner, common, margin), np.where(corner, common, transition), corner
