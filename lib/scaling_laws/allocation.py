r"""The best ridge, and the best split of a budget between features and samples.

Stands beside chapter 10 of the book. At given sizes the ridge and :math:`\Delta` determine each other, and as a
function of :math:`\Delta` the loss of chapter 8 is explicit. So the best ridge is where its derivative by
:math:`\Delta` vanishes, and Newton's method finds it without solving the Delta equation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ._search import find_minimum, find_root
from ._validation import MAX_SIZE, real_array
from .spectra import PowerLaw, Spectrum, check_spectrum, check_task_exponent
from .theory import LARGEST, decompose, solve_delta

CAUTIOUS = 1e-4  # where the search begins without such a branch, in units of the smallest eigenvalue and of the noise
LEVEL = 1e-5  # relative Newton step in Delta after which, squared, the loss is level to rounding
NEARLY = 1 + 1e-9  # a Delta, or a size, that is this close to its least value is at it
PLACES = 61  # at which the best Delta of a budget is looked for first
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
    task_exponent: float = 0.0,
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
    task_exponent : float, default 0
        :math:`b`, as in `theory.decompose`.

    Returns
    -------
    ndarray or float
        :math:`\gamma_*`; 0 where every positive ridge is worse: where both sizes reach the rank of the spectrum and
        there is no noise, and for easy tasks, of positive :math:`b`, where features are plenty (chapter 12). Near the
        optimum the loss is flat, so the ridge is less precise than the loss: about the square root of the rounding
        error.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    The root of :math:`dL/d\Delta`, in closed form through sums over modes (chapter 10). With a task exponent
    there may be two on an `Empirical` spectrum, and the better one is found by looking at many :math:`\Delta` first.

    Examples
    --------
    >>> from scaling_laws.spectra import PowerLaw
    >>> print(f"{optimal_ridge(PowerLaw(1.0, 10**6), 100, 100):.3e}")
    2.467e-06
    """
    return _optimize(spectrum, n_features, n_samples, weight_var, noise_var, feature_var, task_exponent)[0]


def optimal_loss(
    spectrum: Spectrum,
    n_features: ArrayLike,
    n_samples: ArrayLike,
    *,
    weight_var: ArrayLike = 1.0,
    noise_var: ArrayLike = 0.0,
    feature_var: ArrayLike = 1.0,
    task_exponent: float = 0.0,
) -> np.ndarray:
    r"""The smallest test loss that any ridge achieves.

    Parameters
    ----------
    spectrum, n_features, n_samples, weight_var, noise_var, feature_var, task_exponent
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
    return _optimize(spectrum, n_features, n_samples, weight_var, noise_var, feature_var, task_exponent)[1]


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
    task_exponent: float = 0.0,
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
    weight_var, noise_var, task_exponent
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
    equiparameterization, arXiv:2210.16859, proved in chapter 10. With noise, or for another teacher (chapter 12), the
    best split at a given :math:`\Delta` is the root of a quadratic equation; only :math:`\Delta` is searched.

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
    b = check_task_exponent(check_spectrum(spectrum), task_exponent)
    budget, price, signal, noise = np.broadcast_arrays(budget, price, weight_var, noise_var)
    split = _split_bought if bought else _split_compute

    def best_split(delta, budget, price, signal, noise):
        """The setting with the best N and T at each Delta."""
        s2, u, *task = spectrum.mode_sums(delta, [(2, 0), (1, 1), *([(1, 0, b), (1, 1, b)] if b else [])])
        s, scale, (S, U) = s2 + u, signal * delta, task or (s2 + u, u)
        t = split(s, u, scale * U, scale * (u * S - s * U) if b else 0.0, budget, price, noise)
        least = np.maximum(s * NEARLY if b else s, 1.0)  # of both sizes
        if bought:
            t = np.clip(t, np.maximum(least, (budget - MAX_SIZE) / price), (budget - least) / price)
            return budget - price * t, t, signal, noise
        t = np.clip(t, np.maximum(least, budget / MAX_SIZE), np.minimum(budget / least, MAX_SIZE))
        return budget / t, t, signal, noise

    def loss_and_fall(log_delta, *setting):
        delta = np.exp(log_delta)
        loss, balance, *_ = _at_delta(spectrum, delta, *best_split(delta, *setting), b)
        return loss, balance

    equal = budget / (1 + price) if bought else np.sqrt(budget)
    floor = np.asarray(solve_delta(spectrum, np.minimum(equal, MAX_SIZE), MAX_SIZE))
    low = np.where(floor > 0, floor, CAUTIOUS**2 * _cautious(spectrum, equal, signal, noise, b))
    high = FAR * (low + _far(spectrum, 1.0, 1.0, signal, noise, b))
    setting = budget, price, signal, noise
    # the best ridge of an easy task is 0, and the number of samples then no more than is resolved: a kink
    low = low * (1 + LEVEL) if b else low  # where N = T = df1 the loss is infinite
    log_delta = find_minimum(loss_and_fall, np.log(low), np.log(high), setting, n_places=PLACES, by_slope=not b)
    delta = np.exp(log_delta)
    n, t, *_ = best_split(delta, *setting)
    loss = optimal_loss(spectrum, n, t, weight_var=weight_var, noise_var=noise_var, task_exponent=b)
    return Allocation(n[()], t[()], loss)


def _split_compute(s, u, bias, cross, budget, price, noise) -> np.ndarray:
    """The best number of samples at a given Delta and product NT: a quadratic equation (chapters 10 and 12).

    With the teacher's sums the bias is signal Delta U, and cross is signal Delta (u S - s U), 0 if it is isotropic.
    """
    half, rest = noise * (s - u) - cross, budget * bias + noise * s * (2 * u - s)
    rest = rest + cross * (budget + s * (s - 2 * u)) / (s - u)
    return budget * (noise + bias) / (half + np.sqrt(np.maximum(half**2 + (noise + bias) * rest, 0)))


def _split_bought(s, u, bias, cross, budget, price, noise) -> np.ndarray:
    """The best number of samples at a given Delta and sum N + cT: L = a/d with a and d quadratic in T."""
    s2 = s - u
    a0, a1, a2 = noise * (s2 * budget + s * (u - s2)), bias * budget + cross - noise * s2 * price, -price * bias
    d0, d1, d2 = s * (s - 2 * u) - s2 * budget, budget - s2 * (1 - price), -price
    q0, q1, q2 = a1 * d0 - a0 * d1, a2 * d0 - a0 * d2, a2 * d1 - a1 * d2
    return -q0 / (q1 + np.sqrt(np.maximum(q1**2 - q0 * q2, 0)))


def _optimize(spectrum, n, t, weight_var, noise_var, feature_var, b) -> tuple[np.ndarray, np.ndarray]:
    """Best ridge and its loss."""
    weight_var = real_array("weight_var", weight_var, above=0, at_most=LARGEST)
    noise_var = real_array("noise_var", noise_var, at_least=0, at_most=LARGEST)
    variances = {"weight_var": weight_var, "noise_var": noise_var, "feature_var": feature_var}
    branch = decompose(spectrum, n, t, **variances, task_exponent=b)
    ridgeless, floor = np.asarray(branch.test_loss), np.asarray(branch.delta)
    n, t, feature_var, signal, noise, _ = np.broadcast_arrays(
        *(np.asarray(value, dtype=float) for value in (n, t, feature_var, weight_var, noise_var)), ridgeless
    )
    delta = np.ones(floor.shape)
    tune = ridgeless > 0
    delta[tune] = _best_delta(spectrum, *(value[tune] for value in (n, t, floor, signal, noise)), b)
    best = _at_delta(spectrum, delta, n, t, signal, noise, b)
    helps = tune & (best.loss < ridgeless) & (delta > NEARLY * floor)
    ridge = np.where(helps, delta * best.brackets * feature_var / spectrum.n_latent, 0.0)
    return ridge[()], np.where(helps, best.loss, ridgeless)[()]


def _best_delta(spectrum, n, t, floor, signal, noise, b) -> np.ndarray:
    """The root of the slope between the ridgeless branch and a Delta that resolves next to nothing.

    For an isotropic teacher there is one; for another on a power law one or none. On other spectra there may be two, so
    the loss is looked at first.
    """
    low = np.where(floor > 0, floor, _cautious(spectrum, t, signal, noise, b))
    high = FAR * (floor + _far(spectrum, n, t, signal, noise, b))

    def balance(delta, *setting):
        return _at_delta(spectrum, delta, *setting, b)[1:3]

    def loss_and_balance(log_delta, *setting):
        return _at_delta(spectrum, np.exp(log_delta), *setting, b)[:2]

    if b and not isinstance(spectrum, PowerLaw):
        return np.exp(find_minimum(loss_and_balance, np.log(low), np.log(high), (n, t, signal, noise), n_places=PLACES))
    # noise/(signal T) is best where features are plenty
    return find_root(balance, low, high, (n, t, signal, noise), guess=low + noise / (signal * t), tolerance=LEVEL)


def _cautious(spectrum, t, signal, noise, b) -> np.ndarray:
    """A Delta below the best one where every latent can be resolved.

    Only noise asks for a ridge there, and a little of it for little.
    """
    smallest, signal = float(spectrum.eigenvalue(spectrum.rank)), signal * max(1, spectrum.rank**-b)
    return CAUTIOUS * smallest * np.clip(noise / (signal * t * smallest), CAUTIOUS**2, 1)


def _far(spectrum, n, t, signal, noise, b) -> np.ndarray:
    """The scale of the best Delta where that is large.

    With much noise the best ridge resolves next to nothing. The loss falls by 2 signal tr(Lambda^2)/Delta with what is
    learned, and rises by noise [tr(Lambda^2) + (tr Lambda)^2/N]/(T Delta^2). Of a task only the first latent is sure to
    be learned, and the rest is noise.
    """
    ratio = spectrum.trace / float(spectrum.eigenvalue(1))
    if b:
        variance = signal * np.vecdot(spectrum.weights * spectrum.ranks**-b, spectrum.levels)
        noise = ratio * (noise + variance)
    return spectrum.trace * (1 + ratio) + noise / (signal * t) * (1 + ratio**2 / n)


class _AtDelta(NamedTuple):
    """The loss L = a/d at the ridge that belongs to a Delta; see `_at_delta`.

    The balance is 1 - (log a)'/(log d)': 1 on the ridgeless branch of N = T, where d vanishes, and 0 at the best ridge.
    """

    loss: np.ndarray
    balance: np.ndarray
    fall: np.ndarray  # minus the derivative of the balance
    brackets: np.ndarray  # (N - df1)(T - df1)


def _at_delta(spectrum, delta, n, t, signal, noise, b=0.0) -> _AtDelta:
    """Loss and balance as functions of Delta, with derivatives ' in log Delta.

    With the sums s = df1, s2 = df2, u = s - s2, v = sum f^2 g and y = sum f^2 g^2 their rules are s' = -u, s2' = -2v,
    u' = 2v - u and v' = v - 3y. For a teacher with the task exponent b the same sums S, U, V and Y of terms times I^-b
    have the same rules, and N u becomes (N - s) U + u S (chapter 12).
    """
    task = [(1, 0, b), (1, 1, b), (2, 1, b), (2, 2, b)] if b else []
    s2, u, v, y, unresolved, *taught = spectrum.mode_sums(delta, [(2, 0), (1, 1), (2, 1), (2, 2), (0, 1), *task])
    s = s2 + u
    few_left = unresolved < s
    bracket_n, bracket_t = (np.where(few_left, (size - spectrum.rank) + unresolved, size - s) for size in (n, t))
    both, bend, scale = bracket_n + bracket_t, 2 * (v - 3 * y), signal * n * t * delta

    a, a1, a2 = scale * u, 2 * scale * v, scale * (2 * v + bend)
    if b:
        (S, U, V, Y), scale = taught, signal * t * delta
        a, a1 = scale * (bracket_n * U + u * S), 2 * scale * (bracket_n * V + v * S)
        a2 = 2 * scale * (bracket_n * (2 * V - 3 * Y) + (2 * v - 3 * y) * S + u * V - v * U)
    a = a + noise * (bracket_n * s2 + s * u)
    a1 = a1 + 2 * noise * ((s - bracket_n) * v - u**2)
    a2 = a2 + noise * ((s - bracket_n) * bend - 12 * u * v + 4 * u**2)
    d = bracket_n * bracket_t + both * u
    d1 = 2 * both * v + 2 * u**2
    d2 = both * bend + 12 * u * v - 4 * u**2

    loss = np.divide(a, d, out=np.full(d.shape, np.inf), where=(bracket_n > 0) & (bracket_t > 0))
    slope_a, width = a1 / a, d / d1
    fall = (a2 / a - slope_a**2) * width + slope_a * (1 - d2 / d1 * width)
    return _AtDelta(loss, 1 - slope_a * width, fall, bracket_n * bracket_t)
