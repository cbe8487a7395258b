"""Published scaling laws as functions, and how to fit such laws to data.

Stands beside chapter 1 of the book.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import least_squares

from ._validation import MAX_SEED, real_array, real_number, real_or_infinite, whole_number

WIDE_DELTA = 0.1  # Huber threshold from the starting points: near a square, so that few steps are taken
FIRST_DELTA = 1e-3  # Huber threshold of the first pass, that of Hoffmann et al.
EFFICIENT = 1.345  # Huber threshold in standard deviations: 95 % efficient for Gaussian errors
SMALLEST_DELTA = 1e-8  # keeps the threshold positive for data without errors
LOWEST_OFFSET, HIGHEST_OFFSET = -15.0, 1.0  # log of the offset over the smallest y; the lowest stands for zero
LOWEST_EXPONENT, HIGHEST_EXPONENT = 1e-3, 10.0
AT_BOUND = 0.01  # how near a bound counts as on it, relative to an exponent or an offset
EXACT = 1e-6  # relative errors of y are taken to be at least this large, since the fit itself is no better
VARIABLE = {"exponent": "x", "alpha": "n_params", "beta": "n_tokens"}  # which each exponent is of
VARIABLE |= {"n_exponent": "n_params", "d_exponent": "n_tokens"}
TOGETHER = 1e-6  # 1 - r^2 below which two variables grow together
SMALLEST_SLOPE = 1e-75  # of the log of the curve along a direction that the data leave open
ROUGH, FINE = 1e-4, 1e-10  # relative steps at which the optimiser ends, from the starting points and later,
RESAMPLED = 1e-6  # and in the bootstrap
BEST = 3  # of the points reached from the starting points, how many are followed
# steps of the optimiser: at last, before that, for each bootstrap sample, and from each of the starting points
MANY_STEPS, SOME_STEPS, FEW_STEPS, ROUGH_STEPS = 2000, 500, 100, 60


class PowerLawCurve(NamedTuple):
    r"""The curve :math:`y = A x^{-\alpha} + E`.

    Attributes
    ----------
    amplitude : float
        :math:`A`, in units of y times x to the power `exponent`.
    exponent : float
        :math:`\alpha`.
    offset : float
        :math:`E`, in units of y: what is left at infinite x.

    Examples
    --------
    >>> print(PowerLawCurve(amplitude=2.0, exponent=0.5, offset=1.0)(4.0))
    2.0
    """

    amplitude: float
    exponent: float
    offset: float

    def __call__(self, x: ArrayLike) -> np.ndarray:
        """Evaluate the curve at `x`."""
        return (self.amplitude * real_or_infinite("x", x, above=0) ** -self.exponent + self.offset)[()]


class ChinchillaLaw(NamedTuple):
    r"""The law :math:`L = E + A N^{-\alpha} + B D^{-\beta}` of Hoffmann et al.

    Attributes
    ----------
    e : float
        Irreducible loss :math:`E`, nats per token.
    a, alpha : float
        Amplitude and exponent of the dependence on parameters :math:`N`.
    b, beta : float
        Amplitude and exponent of the dependence on tokens :math:`D`.

    Examples
    --------
    >>> print(f"{HOFFMANN(70e9, 1.4e12):.3f}")
    1.937
    """

    e: float
    a: float
    alpha: float
    b: float
    beta: float

    def __call__(self, n_params: ArrayLike, n_tokens: ArrayLike) -> np.ndarray:
        """Evaluate the law; either resource may be infinite."""
        n_params = real_or_infinite("n_params", n_params, above=0)
        n_tokens = real_or_infinite("n_tokens", n_tokens, above=0)
        return (self.e + self.a * n_params**-self.alpha + self.b * n_tokens**-self.beta)[()]


class KaplanLaw(NamedTuple):
    r"""The law :math:`L = [(N_c/N)^{\alpha_N/\alpha_D} + D_c/D]^{\alpha_D}` of Kaplan et al.

    Attributes
    ----------
    n_critical, n_exponent : float
        :math:`N_c` and :math:`\alpha_N`: with enough data the loss is :math:`(N_c/N)^{\alpha_N}`.
    d_critical, d_exponent : float
        :math:`D_c` and :math:`\alpha_D`: with a large enough model the loss is :math:`(D_c/D)^{\alpha_D}`.

    Examples
    --------
    >>> print(f"{KAPLAN_JOINT(1.5e9, 1e10):.3f} {KAPLAN_JOINT(1.5e9, np.inf):.3f}")
    2.373 2.248
    """

    n_critical: float
    n_exponent: float
    d_critical: float
    d_exponent: float

    def __call__(self, n_params: ArrayLike, n_tokens: ArrayLike) -> np.ndarray:
        """Evaluate the law; one resource may be infinite."""
        n_params = real_or_infinite("n_params", n_params, above=0)
        n_tokens = real_or_infinite("n_tokens", n_tokens, above=0)
        by_params = (self.n_critical / n_params) ** (self.n_exponent / self.d_exponent)
        return ((by_params + self.d_critical / n_tokens) ** self.d_exponent)[()]


@dataclass(frozen=True)
class Fit:
    """A fitted law with the ends of its bootstrap interval, and what to be careful about.

    Iterating over it gives the three laws: ``estimate, low, high = fit``.

    Attributes
    ----------
    estimate, low, high : PowerLawCurve, ChinchillaLaw or KaplanLaw
        Best fit, and the lower and upper ends of the interval of each constant by itself.
    at_bound : dict
        The constants whose estimate stopped at a bound of the search, each with that bound. An offset at its lower
        bound is one that the data do not need: 0 in its place would fit as well.
    undetermined : tuple of str
        The constants that the data cannot tell. Neither their estimates nor their intervals mean anything.

    Examples
    --------
    >>> curve = PowerLawCurve(1.0, 0.5, 0.1)
    >>> fit = Fit(curve, curve, curve)
    >>> fit.estimate.exponent, fit.at_bound, fit.undetermined
    (0.5, {}, ())
    """

    estimate: Any
    low: Any
    high: Any
    at_bound: dict[str, float] = field(default_factory=dict)
    undetermined: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Any]:
        return iter((self.estimate, self.low, self.high))


HOFFMANN = ChinchillaLaw(e=1.69, a=406.4, alpha=0.34, b=410.7, beta=0.28)  # arXiv:2203.15556, approach 3
BESIROGLU = ChinchillaLaw(e=1.8172, a=482.01, alpha=0.3478, b=2085.43, beta=0.3658)  # arXiv:2404.10102

# arXiv:2001.08361: the two laws for one resource, and the joint law with constants of its own
KAPLAN_PARAMS = {"critical": 8.8e13, "exponent": 0.076}
KAPLAN_TOKENS = {"critical": 5.4e13, "exponent": 0.095}
KAPLAN_JOINT = KaplanLaw(n_critical=6.4e13, n_exponent=0.076, d_critical=1.8e13, d_exponent=0.103)


def kaplan_loss(n_params: ArrayLike | None = None, n_tokens: ArrayLike | None = None) -> np.ndarray:
    r"""Loss of language models by Kaplan et al. (2020).

    Parameters
    ----------
    n_params : array_like, optional
        Non-embedding parameters :math:`N > 0`. None: more than enough.
    n_tokens : array_like, optional
        Training tokens :math:`D > 0`. None: more than enough.

    Returns
    -------
    ndarray or float
        Loss in nats per token.

    Raises
    ------
    ValueError
        If an argument is outside its range, or both are None.

    Notes
    -----
    :math:`L(N) = (N_c/N)^{\alpha_N}`, :math:`L(D) = (D_c/D)^{\alpha_D}` and

    .. math:: L(N, D) = \bigl[(N_c/N)^{\alpha_N/\alpha_D} + D_c/D\bigr]^{\alpha_D} .

    The joint law was fitted by itself: its constants differ from those of the laws for one
    resource, so it does not quite reduce to them. Source: arXiv:2001.08361.

    Examples
    --------
    >>> print(f"{kaplan_loss(1.5e9):.3f} {kaplan_loss(1.5e9, 1e10):.3f}")
    2.304 2.373
    """
    if n_params is None and n_tokens is None:
        raise ValueError("n_params and n_tokens must not both be None: at least one must be given")
    if n_tokens is None:
        n_params = real_array("n_params", n_params, above=0)
        return ((KAPLAN_PARAMS["critical"] / n_params) ** KAPLAN_PARAMS["exponent"])[()]
    n_tokens = real_array("n_tokens", n_tokens, above=0)
    if n_params is None:
        return ((KAPLAN_TOKENS["critical"] / n_tokens) ** KAPLAN_TOKENS["exponent"])[()]
    return KAPLAN_JOINT(real_array("n_params", n_params, above=0), n_tokens)


def chinchilla_loss(n_params: ArrayLike, n_tokens: ArrayLike, law: ChinchillaLaw = HOFFMANN) -> np.ndarray:
    r"""Loss of language models by Hoffmann et al. (2022).

    Parameters
    ----------
    n_params, n_tokens : array_like
        Parameters :math:`N > 0` and training tokens :math:`D > 0`; they broadcast.
    law : ChinchillaLaw, default HOFFMANN
        The constants: `HOFFMANN` as published, or `BESIROGLU` as fitted again.

    Returns
    -------
    ndarray or float
        Loss :math:`E + A N^{-\alpha} + B D^{-\beta}` in nats per token.

    Raises
    ------
    ValueError
        If a size is not positive and finite.

    Notes
    -----
    Sources: arXiv:2203.15556 and arXiv:2404.10102. `HOFFMANN` holds the constants as rounded in print;
    the rounding alone shifts predictions noticeably, as Besiroglu et al. point out.

    Examples
    --------
    >>> print(f"{chinchilla_loss(70e9, 1.4e12):.3f} {chinchilla_loss(70e9, 1.4e12, BESIROGLU):.3f}")
    1.937 1.974
    """
    return law(real_array("n_params", n_params, above=0), real_array("n_tokens", n_tokens, above=0))


def fit_power_law_curve(
    x: ArrayLike,
    y: ArrayLike,
    *,
    n_bootstrap: int = 200,
    confidence: float = 0.95,
    huber_delta: float | None = None,
    seed: int = 0,
) -> Fit:
    r"""Fit :math:`y = A x^{-\alpha} + E` with a bootstrap interval.

    Parameters
    ----------
    x, y : array_like, shape (n,)
        Positive data, at least five points with four different x.
    n_bootstrap : int, default 200
        Number of bootstrap samples.
    confidence : float, default 0.95
        Content of the interval, between 0 and 1.
    huber_delta : float, optional
        Size of a residual in log y beyond which it counts linearly, not squared. None: 1.345
        standard deviations, estimated from the median absolute residual of a first fit.
    seed : int, default 0
        Seed of the bootstrap.

    Returns
    -------
    Fit
        ``estimate``, ``low`` and ``high``, each a `PowerLawCurve`; ``at_bound`` and ``undetermined``.

    Raises
    ------
    ValueError
        If the data are too few, not positive, or of different lengths, or an option is out of range.

    Warns
    -----
    UserWarning
        If the exponent or the offset stopped at a bound (other than an offset of zero), or the data cannot tell one
        of the constants. The message says which, and what would help.

    Notes
    -----
    Minimises the Huber loss of :math:`\log y` minus the log of the curve, from several starting
    points. The bootstrap resamples the residuals, so the interval is honest when errors are
    independent and relative.

    The exponent is sought from 0.001 to 10: the curve can only fall. The offset is sought from
    :math:`e^{-15}`, which stands for zero, to :math:`e` times the smallest y.

    The data cannot tell a constant when its standard error, from the curvature at the best fit or from
    the bootstrap, is more than half an exponent, half the amplitude at the middle of the data, or a
    quarter of the smallest y for the offset. Relative errors of y below 1e-6 count as 1e-6.

    Examples
    --------
    >>> x = np.geomspace(1, 1e4, 20)
    >>> fit = fit_power_law_curve(x, PowerLawCurve(3.0, 0.4, 0.5)(x), n_bootstrap=20)
    >>> print(np.round(fit.estimate, 4))
    [3.  0.4 0.5]
    """
    x, y = _positive_columns(x=x, y=y)
    names = ["amplitude", "exponent", "offset"]
    rows, at_bound, undetermined = _fit_terms({"x": x}, y, names, n_bootstrap, confidence, huber_delta, seed)
    _warn("fit_power_law_curve", {"x": x}, "y", at_bound, undetermined)
    return Fit(*(PowerLawCurve(*row) for row in rows), at_bound, undetermined)


def fit_chinchilla(
    n_params: ArrayLike,
    n_tokens: ArrayLike,
    loss: ArrayLike,
    *,
    n_bootstrap: int = 200,
    confidence: float = 0.95,
    huber_delta: float | None = None,
    seed: int = 0,
) -> Fit:
    r"""Fit :math:`L = E + A N^{-\alpha} + B D^{-\beta}` with a bootstrap interval.

    Parameters
    ----------
    n_params, n_tokens, loss : array_like, shape (n,)
        Parameters, training tokens and final loss of each training run; at least seven runs.
    n_bootstrap, confidence, huber_delta, seed
        As in `fit_power_law_curve`.

    Returns
    -------
    Fit
        ``estimate``, ``low`` and ``high``, each a `ChinchillaLaw`; ``at_bound`` and ``undetermined``.

    Raises
    ------
    ValueError
        If the data are too few, not positive, or of different lengths, or an option is out of range.

    Warns
    -----
    UserWarning
        As in `fit_power_law_curve`, and if parameters and tokens grow together in all runs: then their
        two terms cannot be told apart.

    Notes
    -----
    Approach 3 of Hoffmann et al., arXiv:2203.15556, who take ``huber_delta=1e-3``: the Huber loss of
    the log residuals, minimised from a grid of starting points; run to convergence, as Besiroglu et
    al., arXiv:2404.10102, insist. In 60 synthetic data sets like that of chapter 1 (240 runs, 0.5 % noise) the 95 %
    intervals held the true constants in 90 to 95 % of cases: they are slightly narrow.

    Examples
    --------
    >>> n, d = np.meshgrid(np.geomspace(1e8, 1e10, 6), np.geomspace(1e9, 1e11, 6))
    >>> fit = fit_chinchilla(n.ravel(), d.ravel(), HOFFMANN(n, d).ravel(), n_bootstrap=5)
    >>> print(round(fit.estimate.alpha, 3), round(fit.estimate.beta, 3))
    0.34 0.28
    """
    n_params, n_tokens, loss = _positive_columns(n_params=n_params, n_tokens=n_tokens, loss=loss)
    variables, names = {"n_params": n_params, "n_tokens": n_tokens}, ["a", "b", "alpha", "beta", "e"]
    rows, at_bound, undetermined = _fit_terms(variables, loss, names, n_bootstrap, confidence, huber_delta, seed)
    undetermined = tuple(name for name in ChinchillaLaw._fields if name in undetermined)
    _warn("fit_chinchilla", variables, "loss", at_bound, undetermined)
    laws = (ChinchillaLaw(e, a, alpha, b, beta) for a, b, alpha, beta, e in rows)
    return Fit(*laws, at_bound, undetermined)


def fit_kaplan(
    n_params: ArrayLike,
    n_tokens: ArrayLike,
    loss: ArrayLike,
    *,
    n_bootstrap: int = 200,
    confidence: float = 0.95,
    huber_delta: float | None = None,
    seed: int = 0,
) -> Fit:
    r"""Fit :math:`L = [(N_c/N)^{\alpha_N/\alpha_D} + D_c/D]^{\alpha_D}` with a bootstrap interval.

    Parameters
    ----------
    n_params, n_tokens, loss : array_like, shape (n,)
        Parameters, training tokens and final loss of each training run; at least seven runs.
    n_bootstrap, confidence, huber_delta, seed
        As in `fit_power_law_curve`.

    Returns
    -------
    Fit
        ``estimate``, ``low`` and ``high``, each a `KaplanLaw`; ``at_bound`` and ``undetermined``.

    Raises
    ------
    ValueError
        If the data are too few, not positive, or of different lengths, or an option is out of range.

    Warns
    -----
    UserWarning
        As in `fit_chinchilla`.

    Notes
    -----
    The law is a soft maximum: with :math:`\ell_N = \alpha_N \log(N_c/N)` and
    :math:`\ell_D = \alpha_D \log(D_c/D)`, the logs of the losses that each resource allows by itself,

    .. math:: \log L = \alpha_D \log\bigl(e^{\ell_N/\alpha_D} + e^{\ell_D/\alpha_D}\bigr) ,

    where the sum of two powers of Hoffmann et al., without offset, has 1 in place of the :math:`\alpha_D` outside
    the exponents. So it changes from one bottleneck to the other the faster, the smaller :math:`\alpha_D` is.
    Fitted like `fit_chinchilla`. Source of the form: arXiv:2001.08361, equation 1.5.

    Examples
    --------
    >>> n, d = np.meshgrid(np.geomspace(1e6, 1e9, 6), np.geomspace(1e8, 1e10, 6))
    >>> fit = fit_kaplan(n.ravel(), d.ravel(), KAPLAN_JOINT(n, d).ravel(), n_bootstrap=5)
    >>> print(round(fit.estimate.n_exponent, 3), round(fit.estimate.d_exponent, 3))
    0.076 0.103
    """
    n_params, n_tokens, loss = _positive_columns(n_params=n_params, n_tokens=n_tokens, loss=loss)
    variables = {"n_params": n_params, "n_tokens": n_tokens}
    names = ["n_critical", "d_critical", "n_exponent", "d_exponent"]
    rows, at_bound, undetermined = _fit_terms(variables, loss, names, n_bootstrap, confidence, huber_delta, seed)
    undetermined = tuple(name for name in KaplanLaw._fields if name in undetermined)
    _warn("fit_kaplan", variables, "loss", at_bound, undetermined)
    laws = (KaplanLaw(**dict(zip(names, row, strict=True))) for row in rows)
    return Fit(*laws, at_bound, undetermined)


def _positive_columns(**columns: ArrayLike) -> list[np.ndarray]:
    arrays = [real_array(name, column, above=0) for name, column in columns.items()]
    names, n_constants = " and ".join(columns), 2 * len(arrays) - 1
    if any(array.ndim != 1 or array.shape != arrays[0].shape for array in arrays):
        raise ValueError(f"{names} must be one-dimensional and of one length; got {[a.shape for a in arrays]}")
    too_few = [name for name, array in zip(columns, arrays[:-1], strict=False) if np.unique(array).size < 4]
    if too_few or arrays[0].size < n_constants + 2:
        raise ValueError(f"{names} must hold at least {n_constants + 2} points, with four different values each")
    return arrays


def _fit_terms(variables, y, names, n_bootstrap, confidence, huber_delta, seed) -> tuple[list, dict, tuple]:
    """Fit y = sum_k A_k x_k^-e_k + E, or Kaplan's form if `names` has no name for an offset.

    Returns the constants (A_1.., e_1.., E) or (X_1.., e_1..), with the ends of their intervals; the bounds reached;
    and the names of the constants that the data cannot tell.
    """
    n_bootstrap = whole_number("n_bootstrap", n_bootstrap, at_least=2, at_most=10**6)
    confidence = real_number("confidence", confidence, above=0, at_most=0.9999)
    first_delta = FIRST_DELTA if huber_delta is None else real_number("huber_delta", huber_delta, above=0)
    rng = np.random.default_rng(whole_number("seed", seed, at_least=0, at_most=MAX_SEED))
    centres = np.array([np.log(x).mean() for x in variables.values()])
    logs = np.array([np.log(x) for x in variables.values()]) - centres[:, None]
    log_y = np.log(y)

    starts = [start[: len(names)] for start in _starts(logs, log_y)]
    rough = {"huber_delta": max(WIDE_DELTA, first_delta), "max_nfev": ROUGH_STEPS, "tolerance": ROUGH}
    reached = [_minimise(start, logs, log_y, **rough) for start in starts]
    reached.sort(key=lambda solution: solution.cost)
    solutions = [_minimise(solution.x, logs, log_y, first_delta) for solution in reached[:BEST]]
    best = min(solutions, key=lambda solution: solution.cost)
    deviation = 1.4826 * np.median(np.abs(log_y - _log_curve(best.x, logs)))
    if huber_delta is None:
        huber_delta = max(EFFICIENT * deviation, SMALLEST_DELTA)
    best = _minimise(best.x, logs, log_y, huber_delta, max_nfev=MANY_STEPS)
    fitted = _log_curve(best.x, logs)
    spread = (log_y - fitted) * np.sqrt(y.size / (y.size - best.x.size))
    resampled = [fitted + rng.choice(spread, y.size) for _ in range(n_bootstrap)]
    few = {"huber_delta": huber_delta, "max_nfev": FEW_STEPS, "tolerance": RESAMPLED}
    fits = [_minimise(best.x, logs, sample, **few).x for sample in resampled]
    tail = (1 - confidence) / 2
    interval = np.quantile([_constants(fit, centres) for fit in fits], [tail, 1 - tail], axis=0)

    rows = [row.tolist() for row in (_constants(best.x, centres), *interval)]
    lost = _undetermined(best.x, np.array(fits), logs, log_y, deviation)
    undetermined = tuple(name for name, is_lost in zip(names, lost, strict=True) if is_lost)
    return rows, _bounds_reached(best.x, names, log_y), undetermined


def _bounds(n_constants, log_y) -> np.ndarray:
    """Lower and upper bounds of (log A_1.., e_1.., log E), with or without an offset."""
    n_terms = n_constants // 2
    lower = [-np.inf] * n_terms + [LOWEST_EXPONENT] * n_terms + [log_y.min() + LOWEST_OFFSET]
    upper = [np.inf] * n_terms + [HIGHEST_EXPONENT] * n_terms + [log_y.min() + HIGHEST_OFFSET]
    return np.array([lower, upper])[:, :n_constants]


def _bounds_reached(parameters, names, log_y) -> dict[str, float]:
    reached = {}
    for name, value, low, high in zip(names, parameters, *_bounds(len(names), log_y), strict=True):
        is_offset = name in ("offset", "e")
        margin = AT_BOUND if is_offset else AT_BOUND * np.array([low, high])
        near = np.abs(value - np.array([low, high])) <= margin
        if np.isfinite(low) and near.any():
            lower, upper = (0.0, np.exp(high)) if is_offset else (low, high)
            reached[name] = float(lower if near[0] else upper)
    return reached


def _undetermined(parameters, fits, logs, log_y, deviation) -> np.ndarray:
    """Which of (A_1.., e_1.., E) or (X_1.., e_1..) the data cannot tell: those with large standard errors.

    See `fit_power_law_curve`.

    The curvature at the best fit sees directions that exact data leave open, the bootstrap what a parabola misses.
    """
    n_terms, n_points = logs.shape
    slopes, has_offset = _jacobian(parameters, logs), parameters.size > 2 * n_terms
    if has_offset:
        slopes[:, -1] = np.exp(log_y.min() - _log_curve(parameters, logs))  # by E, in units of the smallest y
        fits = np.column_stack([fits[:, :-1], np.exp(fits[:, -1] - log_y.min())])
    _, singular, directions = np.linalg.svd(slopes, full_matrices=False)
    error = max(deviation, EXACT) * np.sqrt(n_points / (n_points - parameters.size))
    curvature = error * np.sqrt(((directions / np.maximum(singular, SMALLEST_SLOPE)[:, None]) ** 2).sum(axis=0))

    bootstrap = np.diff(np.quantile(fits, [0.16, 0.84], axis=0), axis=0)[0] / 2
    allowed = np.concatenate([np.full(n_terms, 0.5), 0.5 * parameters[n_terms : 2 * n_terms], [0.25]])
    lost = np.maximum(curvature, bootstrap) > allowed[: parameters.size]
    lost[: 2 * n_terms] |= _grow_together(logs)
    return lost


def _grow_together(logs) -> bool:
    """Whether two variables are powers of each other in all the data."""
    return len(logs) == 2 and 1 - np.corrcoef(logs)[0, 1] ** 2 < TOGETHER


def _warn(function, variables, y, at_bound, undetermined) -> None:
    """Say which bounds were reached and which constants the data cannot tell. An offset of zero is no trouble."""
    names, trouble = " and ".join(variables), []
    for name, bound in at_bound.items():
        if name in VARIABLE:
            low = f"{y} hardly falls with {VARIABLE[name]}, if it falls at all, and this law cannot rise"
            high = f"{y} falls more steeply with {VARIABLE[name]} than this law may"
            trouble.append(f"{name} stopped at its bound {bound:g}: {low if bound == LOWEST_EXPONENT else high}.")
        elif bound > 0:
            trouble.append(f"{name} stopped at its bound {bound:.3g}, above the smallest {y}.")
    if trouble or undetermined:
        trouble += [f"{name} came out as zero." for name, bound in at_bound.items() if bound == 0]
    if undetermined:
        trouble.append(f"The data cannot tell {', '.join(undetermined)}.")
    if len(variables) == 2 and _grow_together(np.log(list(variables.values()))):
        trouble.append(f"{names} grow together in all of them: vary one at a fixed value of the other.")
    elif trouble:
        trouble.append(f"Plot {y} against {names} first; points over a wider range or with less noise tell more.")
    if trouble:
        warnings.warn(f"{function}: {' '.join(trouble)}", UserWarning, stacklevel=3)


def _log_terms(parameters, logs) -> tuple[np.ndarray, float]:
    """Logs of the terms A_k x_k^-e_k, with that of E if there is one, stacked; and how soft their maximum is."""
    n_terms = len(logs)
    powers = parameters[:n_terms, None] - parameters[n_terms : 2 * n_terms, None] * logs
    if parameters.size == 2 * n_terms:
        return powers, parameters[-1]
    return np.vstack([powers, np.full(logs.shape[1], parameters[-1])]), 1.0


def _log_curve(parameters, logs) -> np.ndarray:
    """Log of the curve: of a sum, or a softer or harder maximum of the terms' logs. See `fit_kaplan`."""
    terms, softness = _log_terms(parameters, logs)
    return softness * np.logaddexp.reduce(terms / softness, axis=0)


def _jacobian(parameters, logs) -> np.ndarray:
    """Derivatives of the log of the curve by (log A_1.., e_1.., log E), with or without an offset."""
    terms, softness = _log_terms(parameters, logs)
    n_terms, log_curve = len(logs), _log_curve(parameters, logs)
    shares = np.exp((terms - log_curve) / softness)
    slopes = np.vstack([shares[:n_terms], -shares[:n_terms] * logs, shares[n_terms:]])
    if len(shares) == n_terms:  # the last exponent is the softness, too
        slopes[-1] += (log_curve - (shares * terms).sum(axis=0)) / softness
    return slopes.T


def _minimise(start, logs, log_y, huber_delta, max_nfev=SOME_STEPS, tolerance=FINE):
    lower, upper = _bounds(len(start), log_y)
    return least_squares(
        lambda parameters: _log_curve(parameters, logs) - log_y,
        np.clip(start, lower + 1e-6, upper - 1e-6),
        jac=lambda parameters: _jacobian(parameters, logs),
        bounds=(lower, upper),
        loss="huber",
        f_scale=huber_delta,
        x_scale=1.0,
        ftol=tolerance,
        xtol=tolerance,
        gtol=tolerance,
        max_nfev=max_nfev,
    )


def _starts(logs, log_y):
    """Starting points: offsets from none to nearly all of the smallest y, and several exponents."""
    n_terms = len(logs)
    for share in (0.01, 0.5, 0.9):
        offset = log_y.min() + np.log(share)
        rest = np.log(np.exp(log_y.mean()) - np.exp(offset)) - np.log(n_terms)
        for exponent in (0.1, 0.3, 0.7):
            yield np.array([rest] * n_terms + [exponent] * n_terms + [offset])


def _constants(parameters, centres) -> np.ndarray:
    """Undo the centring of the logs: (A_1.., e_1.., E), or (X_1.., e_1..) with A_k = X_k^e_k."""
    n_terms = len(centres)
    exponents = parameters[n_terms : 2 * n_terms]
    with np.errstate(over="ignore", under="ignore"):  # amplitudes of terms that the data cannot tell
        if parameters.size == 2 * n_terms:
            return np.concatenate([np.exp(parameters[:n_terms] / exponents + centres), exponents])
        amplitudes = np.exp(parameters[:n_terms] + exponents * centres)
    return np.concatenate([amplitudes, exponents, [np.exp(parameters[-1])]])
