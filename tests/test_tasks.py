"""A teacher whose weights fall with the rank: sums, losses, the best ridge and split, and their closed forms."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.optimize import minimize_scalar
from scipy.special import zeta

from scaling_laws.allocation import compute_optimal, optimal_loss, optimal_ridge
from scaling_laws.asymptotics import local_exponent, spectral_constant
from scaling_laws.experiments import simulate, simulate_parts
from scaling_laws.latent import LatentModel
from scaling_laws.spectra import Empirical, PowerLaw
from scaling_laws.tasks import (
    Exponents,
    loss_exponents,
    negative_ridge_threshold,
    optimal_loss_asymptotic,
    split_ratio,
)
from scaling_laws.theory import decompose, solve_delta, test_loss, train_loss

LIST = Empirical([1.0, 0.7, 0.7, 0.2, 0.05, 0.01, 0.0])


@st.composite
def tasks(draw):
    """A power law and a task exponent that it allows."""
    alpha = draw(st.floats(0.05, 3))
    spectrum = PowerLaw(alpha, draw(st.integers(1, 10**5)), scale=draw(st.floats(0.1, 10)))
    return spectrum, draw(st.floats(-0.99 * alpha, 5))


# the sums and the loss


@given(tasks(), st.floats(-20, 3))
def test_sums_with_a_task_agree_with_adding_every_term(task, log_delta):
    (spectrum, b), delta = task, np.exp(log_delta)
    values, rank = spectrum.eigenvalues, np.arange(1.0, spectrum.n_latent + 1)
    f = values / (values + delta)
    for (p, q), found in zip(
        [(1, 0), (1, 1), (2, 1), (2, 2)],
        spectrum.mode_sums(delta, [(1, 0, b), (1, 1, b), (2, 1, b), (2, 2, b)]),
        strict=True,
    ):
        assert found == pytest.approx(np.sum(rank**-b * f**p * (1 - f) ** q), rel=1e-10)


@pytest.mark.parametrize(("alpha", "b"), [(0.5, -0.3), (1.0, 0.5), (0.1, 0.05), (2.0, 5.0)])
def test_with_little_resolved_the_sum_over_1e15_modes_is_a_zeta_function(alpha, b):
    delta, power = 1e12, 1 + alpha + b
    tail = (1e15 + 0.5) ** (1 - power) / (power - 1)  # beyond the last mode
    assert PowerLaw(alpha, 10**15).mode_sums(delta, [(1, 0, b)])[0] * delta == pytest.approx(
        zeta(power) - tail, rel=1e-9
    )


@given(tasks(), st.floats(1, 1e4), st.floats(1, 1e4), st.floats(1e-8, 1e2), st.floats(0, 1))
def test_the_loss_is_the_omniscient_one_inflated_by_its_own_variance(task, n, t, ridge, noise):
    """L + noise = (B + noise)/(1 - V), the form of kernel ridge regression, from plain sums over modes."""
    spectrum, b = task
    values, rank = spectrum.eigenvalues, np.arange(1.0, spectrum.n_latent + 1)
    delta = solve_delta(spectrum, n, t, ridge)
    f, g = values / (values + delta), delta / (values + delta)
    df1, df2 = f.sum(), (f**2).sum()
    shrunk = (n - df1) / (n - df2)
    bias = np.sum(rank**-b * values * g * (1 - shrunk * f))
    variance = (n * df2 + df1**2 - 2 * df1 * df2) / ((n - df2) * t)
    loss = test_loss(spectrum, n, t, ridge, noise_var=noise, task_exponent=b)
    assert loss == pytest.approx((bias + noise * variance) / (1 - variance), rel=1e-6)
    train = train_loss(spectrum, n, t, ridge, noise_var=noise, task_exponent=b)
    assert train == pytest.approx((loss + noise) * (1 - df1 / t) ** 2, rel=1e-6)


@given(tasks(), st.floats(1, 1e4), st.floats(1, 1e4), st.floats(0, 1))
def test_bias_and_inflation_multiply_to_the_signal(task, n, t, ridge):
    spectrum, b = task
    parts = decompose(spectrum, n, t, ridge, task_exponent=b, weight_var=2.0)
    if np.isfinite(parts.test_loss):
        assert parts.bias * parts.inflation == pytest.approx(parts.test_loss, rel=1e-10)
    assert parts.inflation >= 1 - 1e-12


def losses_in_plain_numpy(alpha, b, n, t, n_latent, ridge, rng):
    """The test loss of one student, averaged over the teacher; shares no code with the library."""
    value, weight = np.arange(1.0, n_latent + 1) ** -(1 + alpha), np.arange(1.0, n_latent + 1) ** -b
    x = rng.standard_normal((t, n_latent)) * np.sqrt(value)
    u = rng.standard_normal((n, n_latent)) / np.sqrt(n_latent)
    phi = x @ u.T
    fit = np.linalg.solve(phi.T @ phi + ridge * np.eye(n), phi.T @ x)  # theta = fit @ w
    return np.sum((np.eye(n_latent) - u.T @ fit) ** 2 * value[:, None] * weight)


@pytest.mark.parametrize(
    ("alpha", "b", "n", "t"), [(1.0, 0.5, 120, 60), (0.5, -0.3, 60, 120), (0.5, 2.0, 150, 50), (1.5, 1.0, 60, 100)]
)
def test_the_loss_is_that_of_simulated_students(alpha, b, n, t):
    spectrum, rng = PowerLaw(alpha, 300), np.random.default_rng(12)
    ridge = 3 * float(optimal_ridge(PowerLaw(alpha, 300), n, t))
    losses = [losses_in_plain_numpy(alpha, b, n, t, 300, ridge, rng) for _ in range(40)]
    theory = test_loss(spectrum, n, t, ridge, task_exponent=b)
    # the theory is of leading order: 2/min(N, T) is what comes next
    assert abs(np.mean(losses) - theory) < 4 * np.std(losses) / 40**0.5 + 2 * theory / min(n, t)
    assert abs(test_loss(spectrum, n, t, ridge) - theory) > 0.1 * theory


def test_simulations_draw_the_teacher_of_their_task():
    model = LatentModel(PowerLaw(1.0, 50), task_exponent=1.5)
    rng = np.random.default_rng(0)
    drawn = np.mean([model.draw_teacher(rng) ** 2 for _ in range(4000)], axis=0)
    assert_allclose(drawn, np.arange(1, 51) ** -1.5, rtol=0.12)
    drawn, averaged = (simulate(model, 40, 20, 1e-4, n_trials=200, average_teacher=mean) for mean in (False, True))
    assert abs(drawn.mean - averaged.mean) < 4 * np.hypot(drawn.stderr, averaged.stderr)
    parts = simulate_parts(model, 40, 20, 1e-4, n_trials=60)
    total = sum(np.asarray(part) for part in parts.mean)
    assert abs(total - averaged.mean) < 5 * averaged.stderr


@pytest.mark.parametrize("f", [test_loss, train_loss, optimal_ridge, optimal_loss])
@pytest.mark.parametrize("spectrum", [PowerLaw(0.7, 10**6), LIST])
def test_without_a_task_exponent_nothing_changes(f, spectrum):
    sizes = np.array([1.0, 3, 5, 6, 10])
    assert np.array_equal(f(spectrum, sizes[:, None], sizes), f(spectrum, sizes[:, None], sizes, task_exponent=0))
    near = f(spectrum, sizes[:, None], sizes, task_exponent=1e-12)
    assert_allclose(near, f(spectrum, sizes[:, None], sizes), rtol=1e-6, atol=1e-12)


def test_the_signal_knows_features_from_samples():
    for b, within in [(-0.5, 1e-4), (0.25, 1e-3)]:
        features, samples = test_loss(PowerLaw(1.0, 10**15), [10**5, 2 * 10**5], [2 * 10**5, 10**5], task_exponent=b)
        assert samples / features == pytest.approx(1 - b + b / 2, rel=within)  # the smaller size over the larger one


# the best ridge


@pytest.mark.parametrize(
    ("spectrum", "b", "n", "t", "noise"),
    [
        (PowerLaw(1.0, 10**9), 0.5, 300, 100, 0.0),
        (PowerLaw(0.4, 10**9), -0.3, 100, 300, 0.01),
        (PowerLaw(2.0, 40), 3.0, 60, 50, 0.1),
        (LIST, -5.0, 3, 4, 0.0),
        (LIST, 2.0, 20, 10, 1e-6),
        (PowerLaw(1.5, 10**4), 1.0, 1, 1e5, 10.0),
    ],
)
def test_no_ridge_is_better_than_the_best(spectrum, b, n, t, noise):
    ridge = np.concatenate([[0.0], n * t * spectrum.trace / spectrum.n_latent * np.geomspace(1e-20, 1e6, 3000)])
    losses = test_loss(spectrum, n, t, ridge, noise_var=noise, task_exponent=b)
    best = optimal_loss(spectrum, n, t, noise_var=noise, task_exponent=b)
    assert best <= losses.min() * (1 + 1e-12)
    found = optimal_ridge(spectrum, n, t, noise_var=noise, task_exponent=b)
    assert test_loss(spectrum, n, t, found, noise_var=noise, task_exponent=b) == pytest.approx(best, rel=1e-8)


@pytest.mark.parametrize(
    ("strong", "weak", "value", "b", "n", "t", "noise"),
    [
        (14, 198, 0.015, -2.5, 1680, 64, 5.9),
        (25, 327, 4e-8, -4.6, 1950, 46, 0.0),
        (14, 351, 1e-7, -3.2, 80, 214, 0.5),
        (14, 259, 8e-6, -3.8, 5433, 545, 0.0),
    ],
)
def test_of_two_minima_the_better_one_is_taken(strong, weak, value, b, n, t, noise):
    """A hard task on strong latents, which are known soon, and many weak ones, which hold the target."""
    spectrum = Empirical([1.0] * strong + [value] * weak)
    ridge = n * t * spectrum.trace / spectrum.n_latent * np.geomspace(1e-14, 1e5, 3000)
    losses = test_loss(spectrum, n, t, ridge, task_exponent=b, noise_var=noise)
    falls = np.diff(losses) < -1e-11 * losses[1:]
    assert np.sum(falls[:-1] & ~falls[1:]) + (not falls[0]) > 1
    assert optimal_loss(spectrum, n, t, task_exponent=b, noise_var=noise) <= losses.min() * (1 + 1e-12)


@pytest.mark.parametrize("alpha", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("b", [0.1, 0.25, 0.5])
def test_interpolation_is_best_beyond_the_threshold_and_not_before(alpha, b):
    spectrum, t, threshold = PowerLaw(alpha, 10**15), 1e5, negative_ridge_threshold(b)
    below, above = optimal_ridge(spectrum, [0.95 * t * threshold, 1.05 * t * threshold], t, task_exponent=b)
    assert below > 0
    assert above == 0
    swapped = optimal_ridge(spectrum, t, 1.05 * t * threshold, task_exponent=b)
    assert swapped > 0  # never with more samples than features
    assert optimal_ridge(spectrum, 1.05 * t * threshold, t, task_exponent=-b if alpha > b else 0) > 0


def test_the_threshold_has_its_least_value_where_features_are_six_times_the_samples():
    assert negative_ridge_threshold(0.5**0.5) == pytest.approx(3 + 2 * 2**0.5)
    b = np.linspace(0.01, 0.99, 99)
    assert negative_ridge_threshold(b).min() >= 3 + 2 * 2**0.5
    assert_allclose(negative_ridge_threshold([0.25, 0.5]), [10.16, 6.46], atol=0.005)
    assert np.all(np.isinf(negative_ridge_threshold([-5, -1, 0, 1])))


# the best split


@pytest.mark.heavy
@settings(max_examples=25)
@given(tasks(), st.floats(2, 18), st.sampled_from([0.0, 1e-4, 1.0]), st.sampled_from([None, 0.2, 5.0]))
def test_the_best_split_is_the_one_that_scipy_finds(task, log_budget, noise, price):
    spectrum, b = task
    budget, cost = np.exp(log_budget), price or 1.0
    if price:
        budget += 1 + price

    def loss(log_t):
        t = np.exp(log_t)
        n = np.maximum(budget - price * t if price else budget / t, 1.0)
        return optimal_loss(spectrum, n, t, noise_var=noise, task_exponent=b)

    found = compute_optimal(spectrum, budget, price=price, noise_var=noise, task_exponent=b)
    spent = found.n_features + cost * found.n_samples if price else found.n_features * found.n_samples
    assert spent == pytest.approx(budget)
    top = np.log((budget - 1) / cost) if price else np.log(budget)
    places = np.linspace(0, top, 60)
    at = int(np.argmin(loss(places)))
    near = places[max(at - 1, 0)], places[min(at + 1, 59)]
    best = minimize_scalar(loss, bounds=near, method="bounded", options={"xatol": 1e-9}).fun
    assert found.test_loss <= best * (1 + 1e-9) + 1e-300


@pytest.mark.parametrize(
    ("alpha", "b", "ratios"),
    [
        (0.5, 0.5, [0.471, 0.435, 0.423, 0.419]),
        (0.5, 1, [0.270, 0.194, 0.158, 0.138]),
        (0.5, 2, [0.153, 0.0524, 0.0135, 0.0031]),
        (1, 0.5, [0.647, 0.622, 0.614, 0.611]),
        (1, 1, [0.429, 0.353, 0.306, 0.274]),
        (2, 0.5, [0.811, 0.799, 0.794, 0.793]),
    ],
)
def test_the_best_number_of_samples_a_feature(alpha, b, ratios):
    split = compute_optimal(PowerLaw(alpha, 10**12), [1e4, 1e6, 1e8, 1e10], task_exponent=b)
    assert_allclose(split.n_samples / split.n_features, ratios, rtol=4e-3, atol=5e-5)


@pytest.mark.parametrize(("alpha", "b"), [(0.5, 0.25), (1, -0.3), (1, 0.5), (2, 0.25), (2, -0.5)])
def test_the_ratio_of_large_budgets_is_the_root_of_the_cubic(alpha, b):
    split = compute_optimal(PowerLaw(alpha, 10**15), [1e8, 1e11], task_exponent=b)
    missing = split.n_samples / split.n_features - split_ratio(alpha, b)
    assert abs(missing[1]) < 4e-3
    assert abs(missing[1]) < 0.4 * abs(missing[0])


def test_where_the_best_ridge_is_zero_the_ratio_solves_a_quadratic():
    alpha, b = 0.3, 0.8  # beyond sqrt(alpha (2 - alpha)) = 0.71
    split = compute_optimal(PowerLaw(alpha, 10**15), 1e10, task_exponent=b)
    assert optimal_ridge(PowerLaw(alpha, 10**15), split.n_features, split.n_samples, task_exponent=b) == 0
    r, beta = split_ratio(alpha, b), alpha + b
    assert beta * b * r**2 + (2 - beta * (2 * b - 1)) * r == pytest.approx(beta * (1 - b))
    border = np.sqrt(alpha * (2 - alpha))
    assert_allclose(*split_ratio(alpha, [border - 1e-9, border + 1e-9]), rtol=1e-7)


def test_ratios_of_special_tasks():
    assert_allclose(split_ratio([0.2, 1, 3], 0), 1, rtol=1e-12)
    b = np.array([-0.9, -0.3, 0.4, 0.9])
    c = np.sqrt(1 - b)
    assert_allclose(split_ratio(1.0, b), c * (2 - c) / (2 - c**2), rtol=1e-12)
    assert_allclose(
        split_ratio([[0.5], [1], [2]], [-0.2, 0.25, 0.5, 0.75]),
        [[1.676, 0.634, 0.417, 0.242], [1.239, 0.786, 0.6095, 0.429], [1.091, 0.896, 0.792, 0.672]],
        atol=6e-4,
    )
    small = 1e-6 * np.array([2.10, 1, 0.43])
    assert_allclose(-np.log(split_ratio([0.5, 1, 2], 1e-6)), small, rtol=0.01)
    assert_allclose(split_ratio(2.0, [1, 3, 5]), 0.4607, atol=5e-5)
    assert_allclose(split_ratio([0.5, 1], [1, 4]), 0)


@pytest.mark.parametrize(("alpha", "b"), [(0.4, -0.2), (0.4, 0.7), (1, 0.5), (1.7, -1.2), (2.5, 0.9)])
def test_the_closed_loss_is_the_least_over_the_resolved_latents_and_that_of_large_students(alpha, b):
    n, t = np.array([[3e4], [1e5], [7e5]]), np.array([1e5, 6e4])
    s = np.minimum(n, t)[..., None] * np.linspace(1e-3, 1, 20001)
    p, q, a = s / n[..., None], s / t[:, None], 1 + alpha
    prefactor = np.pi / a / np.sin(np.pi * (alpha + b) / a) * (spectral_constant(alpha) / s) ** (alpha + b)
    left = a - alpha * (p + q) - (1 - alpha) * p * q
    losses = prefactor * (1 - b + b * p) / np.where(left > 1e-9, left, 1e-99)  # 0 where N = T = s
    closed = optimal_loss_asymptotic(alpha, b, n, t)
    assert_allclose(closed, losses.min(axis=-1), rtol=1e-6)
    if b < 0.6 and alpha + b > 0.4:  # elsewhere limits are slow
        assert_allclose(closed, optimal_loss(PowerLaw(alpha, 10**15), n, t, task_exponent=b), rtol=0.01)
    assert np.shape(optimal_loss_asymptotic(1, 0.5, 10, 20)) == ()


# exponents


@pytest.mark.parametrize(
    ("alpha", "b", "exponents"),
    [
        (0.5, -0.2, (0.3, 0.3, 0.15)),
        (1, 0, (1, 1, 0.5)),
        (0.5, 2, (1.5, 2.5, 2.5 / 3)),
        (1, 2, (2, 3, 1)),
        (0.5, 4, (1.5, 3, 3 / 3.5)),
        (2, 5, (3, 6, 1.5)),
    ],
)
def test_exponents_of_features_samples_and_compute(alpha, b, exponents):
    assert_allclose(loss_exponents(alpha, b), exponents, rtol=1e-12)
    spectrum = PowerLaw(alpha, 10**15)
    least = lambda n, t: optimal_loss(spectrum, n, t, task_exponent=b)  # noqa: E731
    assert local_exponent(lambda n: least(n, 1e15), 1e4) == pytest.approx(exponents[0], abs=0.02)
    t = min(1e5, 1e15 ** (0.8 / max(1, min(b, 2 + alpha))))  # samples are scarce only where T^b is far below N
    assert local_exponent(lambda t: least(1e15, t), t) == pytest.approx(exponents[1], abs=0.02)
    slope = local_exponent(lambda c: compute_optimal(spectrum, c, task_exponent=b).test_loss, 1e9)
    assert slope == pytest.approx(exponents[2], abs=0.03)


def test_exponents_broadcast():
    found = loss_exponents([[0.5], [2.0]], [0.0, 0.5, 1.5])
    assert isinstance(found, Exponents)
    assert found.compute.shape == (2, 3)
    assert isinstance(float(loss_exponents(1.0).samples), float)


# bad input


@pytest.mark.parametrize("b", [-1.0, -2, 5.1, np.nan, np.inf, "1", [0.5, 0.6], None])
def test_a_bad_task_exponent_is_refused_by_name(b):
    spectrum = PowerLaw(1.0, 100)
    for f in (test_loss, train_loss, decompose, optimal_ridge, optimal_loss):
        with pytest.raises(ValueError, match=r"^task_exponent must be "):
            f(spectrum, 10, 20, task_exponent=b)
    with pytest.raises(ValueError, match=r"^task_exponent must be "):
        compute_optimal(spectrum, 100, task_exponent=b)
    with pytest.raises(ValueError, match=r"^task_exponent must be "):
        LatentModel(spectrum, task_exponent=b)


@pytest.mark.parametrize("b", [-5.1, 5.1])
def test_a_list_of_eigenvalues_has_its_own_range(b):
    with pytest.raises(ValueError, match=r"^task_exponent must be "):
        test_loss(LIST, 3, 4, task_exponent=b)


@pytest.mark.parametrize("f", [split_ratio, loss_exponents])
def test_bad_arguments_of_the_closed_forms_are_refused_by_name(f):
    for b in (-0.5, 5.1, np.nan, "1"):
        with pytest.raises(ValueError, match=r"^task_exponent must be "):
            f(0.5, b)
    for alpha in (0, -1, np.inf, None):
        with pytest.raises(ValueError, match=r"^alpha must be "):
            f(alpha, 0.5)
    with pytest.raises(ValueError, match=r"^task_exponent must be "):
        negative_ridge_threshold(1.1)
    with pytest.raises(ValueError, match=r"^task_exponent must be less than 1"):
        optimal_loss_asymptotic(1.0, 1.0, 10, 10)
    with pytest.raises(ValueError, match=r"^n_samples must be "):
        optimal_loss_asymptotic(1.0, 0.5, 10, 0)
