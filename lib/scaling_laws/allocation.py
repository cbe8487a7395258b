r"""The best ridge, and the best split of a budget between features and samples.

Stands beside chapter 10 of the book. At given sizes the ridge and :math:`\Delta` determine each other, and as a
function of :math:`\Delta` the loss of chapter 8 is explicit. So the best ridge is found by minimising over
:math:`\Delta`, without solving the Delta equation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import elementwise

from ._search import minimiser
from ._validation import MAX_SIZE, real_array
from .spectra import Spectrum
from .theory import LARGEST, solve_delta, test_loss

EDGE = 1e-12  # how far, in log Delta, from the ridgeless branch the search begins
CAUTIOUS = 1e-4  # where the search begins without such a branch, in units of the smallest eigenvalue and of the noise
FAR = 1e3  # how far above its scale for a large ridge the search ends


def optimal_modes(alpha: ArrayLike, n_features: ArrayLike, n_samples: ArrayLike) -> np.ndarray:
    r"""Number of latents that the best ridge resolves, in closed form for a long power law without label noise.

    Parameters
    ----------
    alpha : array_like
        Spectral exponent :math:`\alpha > 0`.
    n_features, n_samples : array_like
        Numbers of features :math:`N` and training samples :math:`T`, from 1 to 1e15; everything broadcasts.

    Returns
    -------
    ndarray or float
        :math:`s_* = df_1` at the optimum, below both sizes.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    The root below both sizes of

    .. math:: (1-\alpha)(2+\alpha)\, s^2 + \alpha(1+\alpha)(N+T)\, s = \alpha(1+\alpha)\, N T

    (chapter 10), in the form without cancellation; :math:`NT/(N+T)` for :math:`\alpha = 1`. Corrections are of relative
    order :math:`1/s_*`.

    Examples
    --------
    >>> print(optimal_modes([0.5, 1.0, 2.0], 100, 100).round(2))
    [37.98 50.   63.4 ]
    """
    alpha = real_array("alpha", alpha, above=0)
    n = real_array("n_features", n_features, at_least=1, at_most=MAX_SIZE)
    t = real_array("n_samples", n_samples, at_least=1, at_most=MAX_SIZE)
    linear, quadratic = alpha * (1 + alpha), (1 - alpha) * (2 + alpha)
    half = linear * (n + t) / 2
    return (linear * n * t / (half + np.sqrt(half**2 + quadratic * linear * n * t)))[()]


def optimal_ridge(
    spectrum: Spectrum,
    n_features: ArrayLike,
    n_samples: ArrayLike,
    *,
    weight_var: ArrayLike = 1.0,
    noise_var: ArrayLike = 0.0,
    feature_var: ArrayLike = 1.0,
) -> np.ndarray:
    r"""The ridge with the smallest test loss.

    Parameters
    ----------
    spectrum : PowerLaw or Empirical
        Eigenvalues of the latent covariance.
    n_features, n_samples : array_like
        Numbers of features :math:`N` and training samples :math:`T`, from 1 to 1e15; everything broadcasts.
    weight_var : array_like, default 1
        Teacher variance :math:`\sigma_w^2 > 0`.
    noise_var : array_like, default 0
        Label noise :math:`\sigma_\varepsilon^2 \ge 0`.
    feature_var : array_like, default 1
        :math:`\sigma_u^2 > 0`.

    Returns
    -------
    ndarray or float
        :math:`\gamma_*`; 0 where both sizes reach the rank of the spectrum and there is no noise. Near the optimum the
        loss is flat, so the ridge is less precise than the loss: about the square root of the rounding error.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    The root of :math:`dL/d\Delta`, in closed form through sums over modes (chapter 10).

    Examples
    --------
    >>> from scaling_laws.spectra import PowerLaw
    >>> print(f"{optimal_ridge(PowerLaw(1.0, 10**6), 100, 100):.3e}")
    2.467e-06
    """
    return _optimize(spectrum, n_features, n_samples, weight_var, noise_var, feature_var)[0]


def optimal_loss(
    spectrum: Spectrum,
    n_features: ArrayLike,
    n_samples: ArrayLike,
    *,
    weight_var: ArrayLike = 1.0,
    noise_var: ArrayLike = 0.0,
    feature_var: ArrayLike = 1.0,
) -> np.ndarray:
    r"""The smallest test loss that any ridge achieves.

    Parameters
    ----------
    spectrum, n_features, n_samples, weight_var, noise_var, feature_var
        As in `optimal_ridge`. The result does not depend on `feature_var`.

    Returns
    -------
    ndarray or float
        Test loss in excess of the label noise, at `optimal_ridge`.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> from scaling_laws.spectra import PowerLaw
    >>> print(optimal_loss(PowerLaw(1.0, 10**6), [50, 100, 200], [200, 100, 50]).round(5))
    [0.06041 0.04861 0.06041]
    """
    return _optimize(spectrum, n_features, n_samples, weight_var, noise_var, feature_var)[1]


class Allocation(NamedTuple):
    r"""The best split of a budget; see `compute_optimal`.

    Attributes
    ----------
    n_features, n_samples : ndarray or float
        :math:`N` and :math:`T`, not rounded.
    test_loss : ndarray or float
        The loss there, with the best ridge.

    Examples
    --------
    >>> Allocation(10.0, 20.0, 0.1).n_samples
    20.0
    """

    n_features: np.ndarray
    n_samples: np.ndarray
    test_loss: np.ndarray


def compute_optimal(
    spectrum: Spectrum,
    budget: ArrayLike,
    *,
    price: ArrayLike | None = None,
    weight_var: ArrayLike = 1.0,
    noise_var: ArrayLike = 0.0,
) -> Allocation:
    r"""Split a budget between features and samples such that the tuned test loss is smallest.

    Parameters
    ----------
    spectrum : PowerLaw or Empirical
        Eigenvalues of the latent covariance.
    budget : array_like
        :math:`C`, at least 4.
    price : array_like, optional
        None: the budget is compute, :math:`N T = C`. A number :math:`c > 0`: features and samples are bought, at the
        price of :math:`c` features a sample, :math:`N + c T = C`.
    weight_var, noise_var : array_like
        As in `optimal_ridge`.

    Returns
    -------
    Allocation
        Named tuple ``(n_features, n_samples, test_loss)``.

    Raises
    ------
    ValueError
        If an argument is outside its range, or the budget does not buy one feature and one sample.

    Notes
    -----
    For the isotropic teacher of this model, without noise and at fixed :math:`NT`, :math:`N = T` for any spectrum:
    equiparameterization, arXiv:2210.16859, proved in chapter 10.

    Examples
    --------
    >>> from scaling_laws.spectra import PowerLaw
    >>> n, t, loss = compute_optimal(PowerLaw(1.0, 10**6), 1e4, noise_var=[0.0, 0.1])
    >>> print(n.round(1), t.round(1))
    [100.   65.2] [100.  153.4]
    """
    budget = real_array("budget", budget, at_least=4, at_most=float(MAX_SIZE) ** 2)
    bought = price is not None
    price = real_array("price", 1.0 if price is None else price, above=0, at_most=MAX_SIZE)
    if bought and (budget <= 1 + price).any():
        raise ValueError("budget must be greater than 1 + price: it has to buy one feature and one sample")
    if bought and (budget > MAX_SIZE * (1 + price)).any():
        raise ValueError(f"budget must be at most {MAX_SIZE:.0e} (1 + price): no more features and samples are known")
    weight_var = real_array("weight_var", weight_var, above=0, at_most=LARGEST)
    noise_var = real_array("noise_var", noise_var, at_least=0, at_most=LARGEST)
    setting = np.broadcast_arrays(budget, price, weight_var, noise_var)

    def samples(n, budget, price):
        return np.clip((budget - n) / price if bought else budget / n, 1, MAX_SIZE)

    def loss(log_n, budget, price, signal, noise):
        n = np.clip(np.exp(log_n), 1, MAX_SIZE)
        return optimal_loss(spectrum, n, samples(n, budget, price), weight_var=signal, noise_var=noise)

    budget, price, *_ = setting
    low = np.log(np.maximum(1.0, budget - price * MAX_SIZE if bought else budget / MAX_SIZE))
    high = np.log(np.minimum(budget - price if bought else budget, MAX_SIZE))
    n = np.exp(minimiser(loss, low, high, setting))
    t = samples(n, budget, price)
    return Allocation(n[()], t[()], optimal_loss(spectrum, n, t, weight_var=weight_var, noise_var=noise_var))


def _optimize(spectrum, n, t, weight_var, noise_var, feature_var) -> tuple[np.ndarray, np.ndarray]:
    """Best ridge and its loss."""
    weight_var = real_array("weight_var", weight_var, above=0, at_most=LARGEST)
    noise_var = real_array("noise_var", noise_var, at_least=0, at_most=LARGEST)
    floor = solve_delta(spectrum, n, t, feature_var=feature_var)  # checks the other arguments, too
    n, t, feature_var, floor, signal, noise = np.broadcast_arrays(
        *(np.asarray(value, dtype=float) for value in (n, t, feature_var, floor, weight_var, noise_var))
    )
    ridgeless = np.asarray(test_loss(spectrum, n, t, weight_var=signal, noise_var=noise))
    delta = np.ones(floor.shape)
    tune = ridgeless > 0
    delta[tune] = _best_delta(spectrum, *(value[tune] for value in (n, t, floor, signal, noise)))
    _, loss, brackets = _slope(spectrum, delta, n, t, signal, noise)
    helps = tune & (loss < ridgeless)
    ridge = np.where(helps, delta * brackets * feature_var / spectrum.n_latent, 0.0)
    return ridge[()], np.where(helps, loss, ridgeless)[()]


def _best_delta(spectrum, n, t, floor, signal, noise) -> np.ndarray:
    """The root of the slope between the ridgeless branch and a Delta that resolves next to nothing."""
    largest, smallest = float(spectrum.eigenvalue(1)), float(spectrum.eigenvalue(spectrum.rank))
    # where every latent can be resolved only noise asks for a ridge, and a little of it for little
    cautious = CAUTIOUS * smallest * np.clip(noise / (signal * t * smallest), CAUTIOUS**2, 1)
    low = np.log(np.where(floor > 0, floor, cautious)) + EDGE
    # With much noise the best ridge resolves next to nothing. The loss falls by 2 signal tr(Lambda^2)/Delta with what
    # is learned, and rises by noise [tr(Lambda^2) + (tr Lambda)^2/N]/(T Delta^2).
    ratio = spectrum.trace / largest
    high = np.log(FAR * (floor + spectrum.trace * (1 + ratio) + noise / (signal * t) * (1 + ratio**2 / n)))
    at = (n, t, signal, noise)
    slope = lambda log_delta, *at: _slope(spectrum, np.exp(log_delta), *at)[0]  # noqa: E731
    flat = slope(low, *at) >= 0  # the optimum is closer to the branch than rounding
    root = elementwise.find_root(slope, (np.where(flat, low - 1, low), high), args=at, tolerances={"xrtol": 1e-12})
    return np.exp(np.where(flat, low, root.x))


def _slope(spectrum, delta, n, t, signal, noise) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """d log(L)/d log(Delta), L, and the product of the brackets, at the ridge that belongs to Delta.

    L = A/D with the sums over modes s = df1, s2 = df2, u = s - s2 and v = sum f^2 g, whose derivatives with respect to
    log Delta are -u, -2v and 2v - u.
    """
    s, s2, u, v, unresolved = (spectrum.mode_sum(delta, p, q) for p, q in ((1, 0), (2, 0), (1, 1), (2, 1), (0, 1)))
    few_left = unresolved < s
    bracket_n, bracket_t = (np.where(few_left, (size - spectrum.rank) + unresolved, size - s) for size in (n, t))
    d = bracket_n * bracket_t + (bracket_n + bracket_t) * u
    a = signal * n * t * delta * u + noise * (bracket_n * s2 + s * u)
    slope_d = 2 * (bracket_n + bracket_t) * v + 2 * u**2
    slope_a = 2 * signal * n * t * delta * v + 2 * noise * (s * v - u**2 - bracket_n * v)
    return slope_a / a - slope_d / d, a / d, bracket_n * bracket_t
