"""Machine checks for the exercises: ``check("label", answer)``.

Every exercise whose answer is a number or a function has an entry in `ANSWERS`, under the label the
book gives it. The entries compute the answer by a route of their own, not by copying the solution's.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations_with_replacement, product
from math import comb, factorial
from typing import Any, NamedTuple

import numpy as np
import scipy  # its parts load when an answer asks for them
from numpy.typing import ArrayLike
from scipy.optimize import brentq, minimize_scalar
from scipy.special import zeta

from ._validation import one_of, real_array
from .allocation import compute_optimal, optimal_loss
from .asymptotics import bottleneck_loss
from .diagrams import wick_moment
from .dynamics import flow_asymptotic, gradient_flow_loss
from .eigenframework import Population, predict_loss
from .features import feature_kernel
from .natural import load_digits_population
from .phenomenology import BESIROGLU
from .plateaus import diagnose, plateau_levels
from .quadratic import QuadraticModel
from .regression import ridge_path
from .resolvent import marchenko_pastur_density, sample_covariance_edges
from .spectra import Empirical, PowerLaw, fit_spectrum
from .tasks import loss_exponents, negative_ridge_threshold, split_ratio
from .theory import decompose, solve_delta, test_loss


class Verdict(NamedTuple):
    """What `check` says: true when the answer is right, and shown as its message.

    Examples
    --------
    >>> Verdict(True, "Correct.")
    Correct.
    """

    correct: bool
    message: str

    def __bool__(self) -> bool:
        return self.correct

    def __repr__(self) -> str:
        return self.message


@dataclass(frozen=True)
class _Number:
    """An answer that is a number, right when it rounds to the digits that the exercise asks for."""

    compute: Callable[[], float]
    digits: int | None  # significant digits; None for a whole number
    hint: str

    @cached_property
    def value(self) -> float:
        """The right answer, computed when it is first asked for."""
        return self.compute()

    @property
    def precision(self) -> str:
        """How the exercise states what it asks for."""
        words = {1: "one significant digit", 2: "two significant digits", 3: "three significant digits"}
        words |= {4: "four significant digits", None: "whole number"}
        return words[self.digits]

    @property
    def tolerance(self) -> float:
        """Half a unit of the last digit asked for, and a tenth of that for the last digit of a computation."""
        if self.digits is None:
            return 1e-6
        return 0.55 * 10.0 ** (np.floor(np.log10(abs(self.value))) - self.digits + 1)

    def check(self, answer: Any) -> Verdict:
        """Compare `answer` with the value."""
        try:
            given = _one_number(answer)
        except ValueError as error:
            return Verdict(False, str(error))
        if abs(given - self.value) <= self.tolerance:
            return Verdict(True, "Correct.")
        return Verdict(False, f"Not yet. {self.hint}")


@dataclass(frozen=True)
class _Function:
    """An answer that is a function, tried on several arguments."""

    reference: Callable[..., Any]
    arguments: Callable[[], list[tuple]]
    tolerance: float
    hint: str

    def check(self, answer: Any) -> Verdict:
        """Compare `answer` with the reference on every argument."""
        if not callable(answer):
            return Verdict(False, f"The answer should be a function; got {type(answer).__name__}.")
        for arguments in self.arguments():
            expected = np.asarray(self.reference(*arguments), dtype=float)
            try:
                returned = answer(*arguments)
                if returned is None:
                    return Verdict(False, "Your function returned None: does it end with a return statement?")
            except Exception as error:  # whatever a reader's function may raise
                return Verdict(False, f"Your function raised {type(error).__name__}: {error}")
            try:
                given = _as_floats(returned)
            except (TypeError, ValueError, OverflowError):
                got = type(returned).__name__
                return Verdict(False, f"Your function should return real numbers; it returned what is none: {got}.")
            if given.shape != expected.shape:
                shapes = f"an array of shape {given.shape}, expected {expected.shape}"
                return Verdict(False, f"Your function returned {shapes} (() is a single number).")
            if not np.allclose(given, expected, rtol=self.tolerance, atol=0):
                return Verdict(False, f"Not yet. {self.hint}")
        return Verdict(True, "Correct.")


@dataclass(frozen=True)
class _Names:
    """An answer that is a list of names, or an array of them."""

    compute: Callable[[], list[str]]
    hint: str

    @cached_property
    def value(self) -> list[str]:
        """The right answer, computed when it is first asked for."""
        return self.compute()

    def check(self, answer: Any) -> Verdict:
        """Compare `answer` with the names, one by one."""
        expected = self.value
        given = answer.tolist() if isinstance(answer, np.ndarray) else answer
        if not isinstance(given, (list, tuple)) or len(given) != len(expected):
            return Verdict(False, f"The answer should be a list of {len(expected)} names; got {answer!r}.")
        right = sum(str(one) == name for one, name in zip(given, expected, strict=True))
        if right == len(expected):
            return Verdict(True, "Correct.")
        return Verdict(False, f"Not yet: {right} of {len(expected)} are right. {self.hint}")


def _one_number(answer: Any) -> float:
    """The number that an answer is, or a `ValueError` that says what it is instead."""
    try:
        given = _as_floats(answer)
    except (TypeError, ValueError, OverflowError):
        got = f"{answer[:20]!r}, not one like '0.5'" if isinstance(answer, str) else type(answer).__name__
        raise ValueError(f"The answer should be a number; got {got}.") from None
    if given.size != 1:
        raise ValueError(f"The answer should be a single number; got {given.size} of them.")
    given = given.item()
    if not np.isfinite(given):
        raise ValueError(f"The answer should be a finite number; got {given}.")
    return given


def _as_floats(value: Any) -> np.ndarray:
    """`value` as floats; complex numbers pass where all are real, as roots of polynomials come."""
    array = np.asarray(value)
    if array.dtype.kind == "c" and not array.imag.any():
        array = array.real
    if array.dtype.kind == "c" or isinstance(value, (bytes, dict)):
        raise TypeError
    return array.astype(float)


def check(label: str, answer: Any = None) -> Verdict:
    """Check an answer to an exercise.

    Parameters
    ----------
    label : str
        The exercise's label, as its cell in the book gives it.
    answer : float, callable or list of str, optional
        The answer; None when there is none yet.

    Returns
    -------
    Verdict
        True when the answer is right; shown as a sentence.

    Raises
    ------
    ValueError
        If no exercise with a machine check has this label.

    Examples
    --------
    >>> check("ols-limit", 0.1)
    Correct.
    >>> bool(check("ols-limit", 0.2))
    False
    """
    one_of("label", label, ANSWERS)
    if answer is None:
        return Verdict(False, "No answer yet: put yours in place of None.")
    return ANSWERS[label].check(answer)


def _best_size(product):
    """Best number of parameters at a fixed product of parameters and tokens, found numerically."""
    loss = lambda log_n: float(BESIROGLU(np.exp(log_n), product / np.exp(log_n)))  # noqa: E731
    middle = np.log(product) / 2
    return np.exp(minimize_scalar(loss, bounds=(middle - 10, middle + 5), method="bounded", options={"xatol": 1e-8}).x)


def _best_size_exponent():
    return np.log(_best_size(1e24) / _best_size(1e20)) / np.log(1e4)


def _local_exponent_cases():
    x = np.geomspace(1, 1e4, 9) + np.arange(9)
    return [(x, 3 * x**-0.3), (x, x**-0.5 + 0.1)]


def _gcv(features, labels, ridge):
    n_samples, n_features = features.shape
    hat = features @ np.linalg.solve(features.T @ features + ridge * np.eye(n_features), features.T)
    return np.mean((labels - hat @ labels) ** 2) / (1 - np.trace(hat) / n_samples) ** 2


def _gcv_cases():
    rng = np.random.default_rng(8)
    return [(rng.standard_normal((t, n)), rng.standard_normal(t), r) for t, n, r in [(30, 10, 0.5), (12, 40, 2.0)]]


def _posterior_mean(latents, labels, weight_var, noise_var):
    precision = latents.T @ latents / noise_var + np.eye(latents.shape[1]) / weight_var
    return np.linalg.solve(precision, latents.T @ labels / noise_var)


def _posterior_cases():
    rng = np.random.default_rng(3)
    return [
        (rng.standard_normal((t, m)), rng.standard_normal(t), weight_var, noise_var)
        for t, m, weight_var, noise_var in [(8, 20, 1.0, 0.3), (30, 6, 2.0, 0.05)]
    ]


def _count_products(n):
    return sum(1 for i in range(1, n + 1) for j in range(i, n // i + 1))


def _hidden_exponent():
    """Decimal logarithm of the rank at which products of two, alpha = 0.5, have the local exponent 0.45."""
    log_rank = lambda log_n: log_n + np.log((log_n + 2 * np.euler_gamma - 1) / 2)  # noqa: E731
    excess = lambda x: 1.5 * 2e-3 / (log_rank(x + 1e-3) - log_rank(x - 1e-3)) - 1.45  # noqa: E731
    return log_rank(brentq(excess, 5, 100)) / np.log(10)


def _leave_one_out(features, labels, ridge):
    errors = []
    for t in range(len(labels)):
        kept = np.arange(len(labels)) != t
        errors.append(labels[t] - features[t] @ ridge_path(features[kept], labels[kept], ridge))
    return np.mean(np.square(errors))


def _dual_cases():
    rng = np.random.default_rng(5)
    inputs, others = rng.standard_normal((12, 4)), rng.standard_normal((7, 4))
    labels = rng.standard_normal(12)
    return [(inputs @ inputs.T, labels, others @ inputs.T, ridge) for ridge in (0.1, 2.0)]


def _deep_delta(eigenvalues, sizes, strength):
    """Bisection in df1, not in Delta."""
    spectrum = Empirical(eigenvalues)
    delta = lambda df1: float(solve_delta(spectrum, df1, 1e15))  # noqa: E731
    logs = lambda df1: np.log(delta(df1)) + np.sum(np.log(np.asarray(sizes) - df1)) - np.log(strength)  # noqa: E731
    least = min(*sizes, spectrum.rank)
    return delta(brentq(logs, 1.0, least * (1 - 1e-12), xtol=1e-12))


def _deep_cases():
    eigenvalues = PowerLaw(1.0, 300).eigenvalues
    return [(eigenvalues, [40], 2.0), (eigenvalues, [30, 50], 8.0), (eigenvalues, [60, 20, 90], 500.0)]


def _diagram_by_indices():
    """The diagram of the exercise as a sum over all values of all indices, N = 2, T = 3."""
    eigenvalues, total = (1.0, 0.5), 0.0
    for latent in product(range(2), repeat=6):
        tied = all(latent[p] == latent[q] for p, q in ((0, 5), (1, 4), (2, 3), (0, 1), (2, 5), (3, 4)))
        weight = np.prod([eigenvalues[latent[p]] for p in (0, 1, 2)]) if tied else 0.0
        for _, b, c in product(range(3), repeat=3):  # samples of the places (5, 0), (1, 2), (3, 4)
            for _, e, f in product(range(2), repeat=3):  # features of the places (0, 1), (2, 3), (4, 5)
                total += weight * (b == c) * (e == f)
    return total / 2**3


def _crossover(alpha, x):
    """The tuned loss over its limit for many features, at T/N = x, from the closed form in s/T."""
    loss = lambda s: s**-alpha / (1 + alpha - alpha * (1 + x) * s - (1 - alpha) * x * s**2)  # noqa: E731
    return minimize_scalar(loss, bounds=(0.01, 0.999999), method="bounded", options={"xatol": 1e-10}).fun


def _noisy_loss(log_n):
    """Loss at N T = 1e8, alpha = 1 and noise 0.01 with the best of many ridges."""
    ridges, n = np.geomspace(1e-17, 1e-10, 2001), np.exp(log_n)
    return test_loss(PowerLaw(1.0, 10**15), n, 1e8 / n, ridges, noise_var=0.01).min()


def _half_of_the_modes():
    known = np.cumsum(np.arange(1.0, 10**6 + 1) ** -0.6)
    return np.searchsorted(known, known[-1] / 2) / known.size


def _effective_dimension_cases():
    return [(PowerLaw(0.5, 200).eigenvalues, d) for d in (1e-6, 1e-2, 3.0)]


def _best_loss():
    spectrum = PowerLaw(alpha=1.0, n_latent=2000)
    loss = lambda log_ridge: float(test_loss(spectrum, 200, 200, np.exp(log_ridge), noise_var=0.01))  # noqa: E731
    return minimize_scalar(loss, bounds=(-15, 5), method="bounded", options={"xatol": 1e-6}).fun


def _weight_decay_plateau():
    """Plateau over bottleneck when half of a million features are used, from the loss at a very large T."""
    law, n, t = PowerLaw(1.0, 10**15), 1e6, 1e14
    delta = solve_delta(law, n / 2, 10**15)
    ridge = delta * (n - n / 2) * (t - n / 2) / law.n_latent
    return test_loss(law, n, t, ridge) / plateau_levels(law, n, t).features


def _noise_takeover():
    def excess(t):
        levels = plateau_levels(_LONG, 2 * t, t, noise_var=0.1)
        return levels.signal - levels.noise

    return brentq(excess, 10, 1e6)


def _ensemble_loss(spectrum, n, t, ridge, k):
    """With the loss of unlimited features at the same Delta from a ridge that leads there."""
    one, many = decompose(spectrum, n, t, ridge), 1e14
    same = one.delta * (many - one.df1) * (t - one.df1) / spectrum.n_latent
    return (one.test_loss + (k - 1) * test_loss(spectrum, many, t, same)) / k


def _balancing_noise():
    def log_split(log_noise):
        best = compute_optimal(PowerLaw(1.0, 10**6), 1e4, noise_var=np.exp(log_noise), task_exponent=0.5)
        return np.log(best.n_samples / best.n_features)

    return np.exp(brentq(log_split, -15, 0))


def _window_loss(spectrum, n, t, ridge):
    """As bias over one minus variance, for the teacher of ranks 11 to 20."""
    values, delta = spectrum.eigenvalues, solve_delta(spectrum, n, t, ridge)
    f = values / (values + delta)
    df1, df2 = f.sum(), (f**2).sum()
    bias = np.sum((values * (1 - f) * (1 - (n - df1) / (n - df2) * f))[10:20])
    return bias / (1 - (n * df2 + df1**2 - 2 * df1 * df2) / ((n - df2) * t))


@cache
def _digits():
    """The population of chapter 13, with odd against even as its target; and the labels."""
    from sklearn.datasets import load_digits

    inputs, labels = load_digits_population(), load_digits().target
    inputs = (inputs - inputs.mean(axis=0)) / inputs.std()
    return Population(inputs, np.where(labels % 2, 1.0, -1.0)), labels


def _ten_outputs(n, t, ridge, size=600):
    """Summed loss of ten outputs, from the resolvent of the kernel and without its eigenvectors."""
    population, labels = _digits()
    inputs, target, targets = population.inputs[:size], population.target[:size], np.eye(10)[labels[:size]]
    kernel, spectrum = feature_kernel(inputs) / size, Population(inputs, target).spectrum
    parts = decompose(spectrum, n, t, ridge, feature_var=float(size))
    missed = scipy.linalg.solve(kernel + parts.delta * np.eye(size), parts.delta * targets, assume_a="pos")
    quadratic, linear = np.sum(missed**2) / size, np.sum(missed * targets) / size
    return parts.inflation / n * ((n - parts.df1) * quadratic + (parts.df1 - parts.df2) * linear)


def _enough_digits():
    return np.exp(brentq(lambda x: predict_loss(_digits()[0], 1e12, np.exp(x)) - 0.2, 2, 7))


def _done():
    law = PowerLaw(1.0, 10**14)
    loss = lambda x: gradient_flow_loss(law, np.exp(x), 1000) - 1.1 * bottleneck_loss(1.0, 1000, shift=0.5)  # noqa: E731
    return np.exp(brentq(loss, 8, 25))


def _descent(features, labels, step, n_steps):
    """Gradient descent in closed form, from the singular value decomposition."""
    left, singular, right = np.linalg.svd(features, full_matrices=False)
    return ((1 - (1 - step * singular**2) ** n_steps) / singular * (labels @ left)) @ right


def _descent_cases():
    rng = np.random.default_rng(13)
    shapes = [((20, 5), 0.01, 30), ((6, 15), 0.02, 7)]
    return [(rng.standard_normal(shape), rng.standard_normal(shape[0]), step, n) for shape, step, n in shapes]


def _effective_features(weights, meta_weights, strength, latents, coefficients):
    """The derivative of the student by its parameters, as `QuadraticModel` has it."""
    return latents @ QuadraticModel(weights, meta_weights, strength).effective_weights(coefficients).T


def _effective_cases():
    rng = np.random.default_rng(14)
    cases = []
    for n, m, strength in [(3, 5, 0.5), (6, 4, 2.0)]:
        meta_weights = rng.standard_normal((n, n, m))
        symmetric = meta_weights + meta_weights.swapaxes(0, 1)
        cases.append((rng.standard_normal((n, m)), symmetric, strength, rng.standard_normal((7, m)), rng.random(n)))
    return cases


def _feature_move():
    df1, df2 = (_LONG.mode_sum(solve_delta(_LONG, 1e5, 1e15), p, 0) for p in (1, 2))
    return df2 / (df1 - df2)


def _quanta_budget():
    def best(compute):
        loss = lambda log_n: np.exp(-0.5 * log_n) + (compute / np.exp(log_n)) ** (-0.5 / 1.5)  # noqa: E731
        return minimize_scalar(loss, bounds=(0, np.log(compute)), method="bounded", options={"xatol": 1e-9}).x

    return (best(1e20) - best(1e10)) / np.log(1e10)


def _published_kappa():
    eigenvalues = np.arange(1, 1001.0) ** -2
    kappa = brentq(lambda k: 0.01 + k * np.sum(eigenvalues / (eigenvalues * 100 + k)) - k, 1e-6, 10)
    weights = eigenvalues / (eigenvalues * 100 + kappa) ** 2
    return kappa**2 * np.sum(weights) / (1 - 100 * np.sum(weights * eigenvalues))


def _blank_half():
    scales = np.tile([0.0, 1.0], 50)
    return predict_loss(_digits()[0], 400, 200, 1.0, scales=scales) / predict_loss(_digits()[0], 400, 200, 1.0)


_LONG = PowerLaw(alpha=0.5, n_latent=10**12)
_BOXES = {
    "A": {"spectrum": _LONG, "n_features": 1e6, "n_samples": 2e3, "ridge": 2e-9, "noise_var": 0.5},
    "B": {"spectrum": _LONG, "n_features": 700, "n_samples": 4e4, "ridge": 1e-11},
    "C": {"spectrum": _LONG, "n_features": 9e4, "n_samples": 5e4, "ridge": 1e-9, "n_visible": 100},
    "D": {"spectrum": _LONG, "n_features": 1100, "n_samples": 1e3, "ridge": 1e-13},
    "E": {"spectrum": _LONG, "n_features": 3e4, "n_samples": 400, "ridge": 1e-11},
    "F": {"spectrum": _LONG, "n_features": 3e3, "n_samples": 2e3, "ridge": 1e-6},
}


def mystery_loss(
    box: str, *, features: ArrayLike = 1.0, samples: ArrayLike = 1.0, ridge: ArrayLike = 1.0
) -> np.ndarray:
    """Loss of one of the six students of the exercise 'six-curves', after changes to its setting.

    Parameters
    ----------
    box : str
        A letter from A to F.
    features, samples, ridge : array_like, default 1
        By which positive factors to multiply the student's number of features, number of samples and ridge.

    Returns
    -------
    ndarray or float
        Test loss in excess of the label noise.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> bool(mystery_loss("B", features=2.0) < mystery_loss("B"))
    True
    """
    setting = _BOXES[one_of("box", box, _BOXES)]
    sizes = {
        "n_features": setting["n_features"] * real_array("features", features, above=0),
        "n_samples": setting["n_samples"] * real_array("samples", samples, above=0),
        "ridge": setting["ridge"] * real_array("ridge", ridge, above=0),
    }
    return plateau_levels(**setting | sizes).test_loss


ANSWERS: dict[str, _Number | _Function | _Names] = {
    # chapter 1
    "kaplan-halving": _Number(
        lambda: np.exp(np.log(2) / 0.076), 2, "Solve (N_c / N)^0.076 = 1/2 for the ratio of sizes."
    ),
    "optimal-exponent": _Number(
        _best_size_exponent, 3, "Set the derivative of the loss with respect to log N at fixed N D to zero."
    ),
    "tokens-per-parameter": _Number(
        lambda: _best_size(70e9 * 1.4e12) ** -2 * 70e9 * 1.4e12, 2, "Minimise the loss over N at fixed N D."
    ),
    "apparent-exponent": _Number(lambda: 0.5 / (1 + 0.1 * 1000**0.5), 3, "Differentiate log y with respect to log x."),
    "local-exponent": _Function(
        lambda x, y: -np.gradient(np.log(y), np.log(x)),
        _local_exponent_cases,
        1e-9,
        "Take differences of log y and of log x.",
    ),
    # chapter 2
    "unexplained-variance": _Number(
        lambda: zeta(1.5, 1001) / zeta(1.5, 1),
        3,
        "The share beyond rank n is the sum over I > n divided by the sum over all I; here 1 + alpha = 1.5.",
    ),
    "image-exponent": _Number(
        lambda: 0.15, 2, "Count the waves longer than l: in two dimensions I grows as 1 over l^2."
    ),
    "half-variance": _Number(
        _half_of_the_modes, 2, "Set the share beyond rank n to one half in the closed form, and solve for n / M."
    ),
    "df-ratio": _Number(
        lambda: 0.4 / 1.4, 2, "Integrate f^2 by parts, or differentiate df1 with respect to log Delta."
    ),
    "effective-dimension": _Function(
        lambda eigenvalues, delta: Empirical(eigenvalues).degrees_of_freedom(delta)[0],
        _effective_dimension_cases,
        1e-9,
        "Sum lambda / (lambda + Delta) over the eigenvalues.",
    ),
    "repaired-exponent": _Number(
        lambda: fit_spectrum(hidden_spectrum_sample(), 300, ranks=(4, 40)).alpha,
        2,
        "Pass the number of samples to fit_spectrum, so that the spreading of the eigenvalues is undone first.",
    ),
    # chapter 3
    "signal-to-noise": _Number(lambda: zeta(2) / 4, 2, "The signal has the variance tr Lambda; alpha = 1."),
    "participation-ratio": _Number(
        lambda: zeta(2) ** 2 / zeta(4), 2, "The traces are values of the zeta function, at 2 and at 4."
    ),
    "price-of-randomness": _Number(
        lambda: 1e6 * solve_delta(PowerLaw(1.0, 10**15), 1e15, 1e6) / zeta(2, 1e6),
        2,
        "The loss is T Delta with df1(Delta) = T, the bound is the variance beyond rank T.",
    ),
    "samples-for-a-mode": _Number(
        lambda: brentq(lambda t: 9 * solve_delta(PowerLaw(0.5, 1000), 1e15, t) - 10**-1.5, 10, 900),
        2,
        "Find the scale Delta at which the tenth mode is resolved to 90 %, then count resolved modes at that scale.",
    ),
    "posterior-mean": _Function(
        _posterior_mean,
        _posterior_cases,
        1e-8,
        "Complete the square in w, or use ridge regression with the right ridge.",
    ),
    # chapter 4
    "sign-kernel": _Number(lambda: 1 / 3, 3, "With which probability does a hyperplane fall between them?"),
    "linear-share": _Number(
        lambda: scipy.integrate.quad(lambda z: 2 * z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi), 0, np.inf)[0] ** 2,
        3,
        "a_1 is the mean of zeta sign(zeta), and the share is its square.",
    ),
    "cubic-modes": _Number(
        lambda: sum(1 for _ in combinations_with_replacement(range(64), 3)),
        None,
        "Repetition is allowed, order is not.",
    ),
    "count-products": _Function(
        _count_products, lambda: [(1,), (6,), (60,), (9999,)], 1e-12, "For each I, the partners J run from I to n / I."
    ),
    "step-kernel": _Function(
        lambda correlation: (np.pi - np.arccos(correlation)) / (2 * np.pi),
        lambda: [(np.linspace(-0.95, 0.95, 9),)],
        1e-9,
        "It is the probability that both preactivations are positive.",
    ),
    "hidden-exponent": _Number(_hidden_exponent, 3, "Solve for log n first, then count the products up to n."),
    # chapter 5
    "fit-dof": _Number(
        lambda: np.trace(np.linalg.solve(np.diag([10.0, 2.0]), np.diag([9.0, 1.0]))),
        2,
        "Square the singular values.",
    ),
    "exact-ols": _Number(
        lambda: 20 * scipy.integrate.quad(lambda x: scipy.stats.chi2.pdf(x, 50 - 20 + 1) / x, 0, np.inf)[0],
        3,
        "A diagonal element of the inverse is 1 over a chi-squared variable with T - N + 1 degrees of freedom.",
    ),
    "sweet-spot": _Number(
        lambda: minimize_scalar(lambda r: r**-0.5 / (1 - r), bounds=(0.01, 0.99), method="bounded").x,
        3,
        "Minimise N^-alpha / (1 - N/T).",
    ),
    "ensemble": _Number(
        lambda: 0.10 - 0.75 * (0.01 + 0.05 + 0.012), 2, "Divide by four what averages to zero over the features."
    ),
    "leave-one-out": _Function(_leave_one_out, _gcv_cases, 1e-8, "Divide each residual by 1 - H_tt, then square."),
    "dual-prediction": _Function(
        lambda kernel, labels, cross, ridge: cross @ np.linalg.inv(kernel + ridge * np.eye(len(kernel))) @ labels,
        _dual_cases,
        1e-8,
        "The prediction is the cross kernel times (kernel + ridge)^-1 times the labels.",
    ),
    # chapter 6
    "third-moment": _Number(
        lambda: scipy.integrate.quad(lambda mu: mu**3 * marchenko_pastur_density(mu, 0.5), 0.08, 3, limit=200)[0],
        3,
        "Compare the coefficients of z^-3 in the quadratic equation for G.",
    ),
    "condition-number": _Number(
        lambda: 100 / brentq(lambda q: ((1 + q**0.5) / (1 - q**0.5)) ** 2 - 2, 1e-6, 0.5),
        2,
        "Set the ratio of the edges (1 +- sqrt(q))^2 to 2.",
    ),
    "outlier": _Number(
        lambda: sample_covariance_edges(Empirical([3.0, *np.ones(10**4)]), 20_000)[-1].mean(),
        3,
        "Evaluate z(kappa) at kappa = -3 with df1 = M/(1 + kappa).",
    ),
    "upper-edge": _Function(
        lambda eigenvalues, n_samples: sample_covariance_edges(Empirical(eigenvalues), n_samples)[-1, 1],
        lambda: [(np.ones(50), 200), (PowerLaw(0.7, 300).eigenvalues[::-1], 40), (np.array([1.0, 5.0, 2.0]), 10)],
        1e-6,
        "Solve df2(kappa) = T for kappa below minus the largest eigenvalue, and insert it into z(kappa).",
    ),
    "deep-delta": _Function(
        _deep_delta, _deep_cases, 1e-6, "Each factor rises with Delta where df1 is below all sizes: bracket the root."
    ),
    # chapter 7
    "read-diagram": _Number(_diagram_by_indices, 3, "Five loops: two of samples, two of features, one of latents."),
    "trace-variance": _Number(
        # over X at fixed S = u^T u: 2 T tr(S^2), and over u: T^2 Var tr S, with the moments of white S
        lambda: 2 * 20 * 10 * 5 * (10 + 5 + 1) / 25 + 20**2 * 2 * 10 * 5 / 25,
        None,
        "Eight of the nine pairings connect the two circles.",
    ),
    "planar-recursion": _Number(lambda: comb(18, 6) / 13, None, "Solve C = 1 + x C^3 order by order."),
    "second-moment": _Function(
        lambda n_features, n_samples, eigenvalues: wick_moment(2, n_features, n_samples, eigenvalues),
        lambda: [(3, 4, np.ones(5)), (20, 7, PowerLaw(0.5, 30).eigenvalues), (1, 1, np.array([2.0]))],
        1e-9,
        "Add up the nine terms of the figure and divide by M^2.",
    ),
    "complex-diagrams": _Number(
        lambda: factorial(4) ** 2, None, "Each of four places is paired with one of four places of the other kind."
    ),
    # chapter 8
    "bottleneck": _Number(
        lambda: test_loss(PowerLaw(1.0, 10**6), 100, 1e14), 3, "At T -> infinity L = N Delta, where df1(Delta) = N."
    ),
    "ols-limit": _Number(lambda: 0.3 * 50 / (200 - 50), 2, "Put Delta = 0 and df1 = df2 = M in the loss."),
    "square-limit": _Number(
        lambda: 100**2 / (3 * np.sum(np.arange(1, 101.0) ** 2)), 4, "Expand df1 to first order in Delta."
    ),
    "best-ridge": _Number(_best_loss, 4, "Minimise test_loss over the logarithm of the ridge."),
    "gcv": _Function(_gcv, _gcv_cases, 1e-9, "Divide the training loss by (1 - trace of the hat matrix / T)^2."),
    # chapter 9
    "constant-half": _Number(
        lambda: 1e-2 * scipy.integrate.quad(lambda y: 1 / (1 + y**1.5), 0, np.inf)[0] ** 1.5, 3, "k is 4 pi/(3 sqrt 3)."
    ),
    "halving-price": _Number(lambda: 4 ** (1 / 0.3), 3, "Each size grows by 2^(1/alpha)."),
    "crossover-middle": _Number(
        lambda: minimize_scalar(lambda s: 1 / (2 * s * (1 - s)), bounds=(0.1, 0.9), method="bounded").fun,
        3,
        "The minimum over s is at half of T.",
    ),
    "two-run-exponent": _Function(
        lambda loss_small, loss_large, n_small, n_large: brentq(
            lambda alpha: (
                np.log(bottleneck_loss(alpha, n_small, shift=0.5) / bottleneck_loss(alpha, n_large, shift=0.5))
                - np.log(loss_small / loss_large)
            ),
            1e-3,
            20,
            xtol=1e-13,
        ),
        lambda: [(0.3, 0.1, 8, 32), (2.0, 0.5, 10, 1000)],
        1e-8,
        "Take the logarithm of L/N at both sizes.",
    ),
    "plentiful": _Number(
        lambda: 1 / brentq(lambda x: _crossover(0.5, x) - 1.05, 1e-3, 1),
        2,
        "Solve optimal_loss(N, T) = 1.05 optimal_loss(infinity, T) for N/T at large T.",
    ),
    # chapter 10
    "modes-at-ratio": _Number(
        lambda: (
            minimize_scalar(
                lambda s: 1 / (s * (2 * 300 * 100 - 400 * s)), bounds=(1, 99), method="bounded", options={"xatol": 1e-8}
            ).x
        ),
        3,
        "At alpha = 1 the quadratic term drops out.",
    ),
    "ridgeless-split": _Number(
        lambda: (
            minimize_scalar(
                lambda r: (r / (1 + r)) ** -0.5 / (1 - r),
                bounds=(0.01, 0.99),
                method="bounded",
                options={"xatol": 1e-9},
            ).x
        ),
        3,
        "N is the share r/(1 + r) of the sum; differentiate the logarithm of the loss.",
    ),
    "flatness": _Number(
        lambda: optimal_loss(PowerLaw(1.0, 10**15), 2e9, 5e8) / optimal_loss(PowerLaw(1.0, 10**15), 1e9, 1e9) - 1,
        3,
        "Insert N = 2 sqrt(C) and T = sqrt(C)/2.",
    ),
    "scaled-ridge": _Function(
        lambda ridge, factor, alpha: ridge * np.exp((1 - alpha) * np.log(factor)),
        lambda: [(1e-3, 10.0, 0.5), (2.0, 2.0, 1.0), (5.0, 7.0, 2.5)],
        1e-9,
        "s is proportional to the sizes; count the powers of the factor in Delta and in the two brackets.",
    ),
    "noisy-budget": _Number(
        lambda: 1e8 / np.exp(2 * minimize_scalar(_noisy_loss, bounds=(5, 9), method="bounded").x),
        2,
        "compute_optimal takes the budget and noise_var.",
    ),
    "several-small": _Function(
        _ensemble_loss,
        lambda: [
            (PowerLaw(1.0, 10**6), 50, 200, 1e-6, 4),
            (PowerLaw(0.5, 300), 40, 30, 1e-3, 2),
            (_LONG, 80, 60, 1.0, 9),
        ],
        1e-6,
        "L_inf + (L - L_inf)/K with L_inf = T/(T - df2) times the bias, at the Delta of one student.",
    ),
    # chapter 11
    "plateau-distance": _Number(
        lambda: brentq(lambda t: test_loss(_LONG, 200, t) / plateau_levels(_LONG, 200, t).features - 1.05, 300, 1e5),
        3,
        "For N < T without ridge the loss is its plateau times 1/(1 - N/T).",
    ),
    "hidden-dimension": _Number(
        lambda: brentq(lambda m: 900 * (1800 - m) / (1800 * (900 - m)) - 0.030 / 0.024, 0, 899),
        3,
        "Without label noise L = tau^2 T/(T - M_0); take the ratio of the two losses.",
    ),
    "weight-decay-plateau": _Number(_weight_decay_plateau, 3, "At alpha = 1 df2 is half of df1."),
    "noise-takeover": _Number(
        _noise_takeover, 2, "decompose returns both parts; look for the root of their difference."
    ),
    "kept-ridge": _Function(
        lambda alpha, p: np.minimum((2 - p) / (1 + 1 / alpha), 1.5 * alpha - (1 - p) / 2),
        lambda: [(0.2, 0.0), (0.5, 1.0), (1.5, 0.0), (1.0, -1.0)],
        1e-9,
        "The smaller of the two exponents wins for large sizes.",
    ),
    "six-curves": _Names(
        lambda: [str(diagnose(**setting)) for setting in _BOXES.values()],
        "Change one factor at a time and compare with the fingerprints.",
    ),
    # chapter 12
    "half-the-samples": _Number(
        lambda: brentq(lambda b: split_ratio(1.0, b) - 0.5, 0, 0.99), 3, "Solve c (2 - c)/(2 - c^2) = 1/2 for c."
    ),
    "two-conditions": _Function(
        split_ratio,
        lambda: [(1.0, 0.5), (0.5, -0.2), (2.0, 0.6), (0.3, 0.9), (3.7, -3.3), (0.06, 0.77)],
        1e-6,
        "Solve both conditions for p_N and p_T; where p_T comes out above 1, it is 1.",
    ),
    "fewest-features": _Number(
        lambda: minimize_scalar(negative_ridge_threshold, bounds=(0.1, 0.9), method="bounded").x,
        3,
        "Where is the square root of 1 - b^2, plus b, largest?",
    ),
    "balancing-noise": _Number(_balancing_noise, 2, "compute_optimal takes noise_var and task_exponent."),
    "saturated": _Number(lambda: loss_exponents(0.5, 4.0).compute, 3, "b' = min(b, 2 + alpha), and alpha < 1."),
    "band-task": _Function(
        _window_loss,
        lambda: [
            (PowerLaw(1.0, 500), 60, 90, 1e-3),
            (PowerLaw(0.5, 200), 90, 30, 0.0),
            (Empirical(np.linspace(2, 0.1, 60)), 40, 25, 0.5),
        ],
        1e-6,
        "The general loss takes any w_I^2: sum over ranks 11 to 20, with df1 and df2 of all latents.",
    ),
    # chapter 13
    "null-target": _Number(lambda: 1 + plateau_levels(_LONG, 100, 400, noise_var=1.0).noise, 3, "g = 1; D is small."),
    "source-capacity": _Number(lambda: min(6, 2 * 2), None, "Compare alpha_y = 6 with 2 (1 + alpha)."),
    "enough-digits": _Number(_enough_digits, 2, "Solve predict_loss(population, 1e15, T) = 0.2 for T."),
    "elliptical-limit": _Number(_blank_half, 3, "predict_loss takes scales, such as [2**0.5, 0]."),
    "ten-digits": _Function(
        _ten_outputs,
        lambda: [(100, 300, 2.0), (400, 50, 0.1)],
        1e-6,
        "The projections of the ten targets add up.",
    ),
    # chapter 14
    "patience": _Number(
        lambda: np.exp(brentq(lambda x: flow_asymptotic(0.5, np.exp(x)) / flow_asymptotic(0.5, 1.0) - 0.5, 0, 9)),
        None,
        "The exponent of time is alpha/(1 + alpha).",
    ),
    "costly-steps": _Number(lambda: 1 / (2 + (1 + 1.0)), 3, "t is proportional to N^(1 + alpha) still."),
    "accelerated": _Number(
        lambda: 1 / (1 + (1 + 1.0) / 2), 3, "Which latents are known at time t? Then balance N and t."
    ),
    "done": _Number(_done, 2, "Solve gradient_flow_loss(law, t, 1000) = 1.1 times its value at infinite time."),
    "discrete-steps": _Function(
        _descent, _descent_cases, 1e-9, "theta starts at zero and gets step * features.T @ residuals, n_steps times."
    ),
    # chapter 15
    "feature-move": _Number(_feature_move, 2, "The variance of the weights grows by chi^2 |theta|^2 sigma_u^2 / M."),
    "quanta-budget": _Number(_quanta_budget, 2, "At the best split both terms of the loss fall alike."),
    "unexplained-share": _Number(
        lambda: solve_delta(PowerLaw(1.0, 10**12), 100, 1e15) ** -0.5, 2, "lambda_I = Delta_N at that rank."
    ),
    "effective-features": _Function(
        _effective_features, _effective_cases, 1e-9, "Move the weights by the strength times v theta first."
    ),
    "published-kappa": _Number(_published_kappa, 3, "kappa = T Delta; the ridge is gamma' N/M for a very large N."),
}


def hidden_spectrum_sample() -> np.ndarray:
    """Sample covariance eigenvalues for the exercise 'repaired-exponent': 300 samples of 3,000 latents.

    Returns
    -------
    ndarray, shape (300,)
        The positive eigenvalues, in descending order.

    Examples
    --------
    >>> hidden_spectrum_sample().shape
    (300,)
    """
    rng = np.random.default_rng(2210)
    data = rng.standard_normal((300, 3000)) * np.sqrt(PowerLaw(alpha=0.2, n_latent=3000).eigenvalues)
    return np.linalg.eigvalsh(data @ data.T / 300)[::-1]
