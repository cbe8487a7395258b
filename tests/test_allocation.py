"""The best ridge and the best split of a budget."""

import inspect

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose
from scipy.optimize import minimize_scalar

from scaling_laws import allocation
from scaling_laws.allocation import Allocation, compute_optimal, optimal_loss, optimal_modes, optimal_ridge
from scaling_laws.asymptotics import spectral_constant
from scaling_laws.spectra import Empirical, PowerLaw
from scaling_laws.theory import decompose, test_loss

power_laws = st.builds(
    PowerLaw, st.floats(0.05, 5), st.floats(0, 12).map(lambda e: int(10**e)), st.floats(-3, 3).map(lambda e: 10**e)
)
lists = st.tuples(
    st.lists(st.floats(-4, 2).map(lambda e: 10**e), min_size=1, max_size=30), st.integers(0, 5)
).map(lambda parts: Empirical([*parts[0], *np.zeros(parts[1])]))  # fmt: skip
spectra = st.one_of(power_laws, lists)
sizes = st.one_of(st.integers(1, 40), st.floats(0, 5).map(lambda exponent: 10.0**exponent))
variances = st.floats(-3, 3).map(lambda exponent: 10.0**exponent)
noises = st.one_of(st.just(0.0), variances)
PART = PowerLaw(0.7, 200)


def best_of_all_ridges(spectrum, n, t, **variance):
    """Smallest test loss on a grid of ridges, refined twice where it is smallest."""
    log_ridge = np.linspace(-120, 60, 181)
    best = test_loss(spectrum, n, t, **variance)
    for _ in range(3):
        losses = test_loss(spectrum, n, t, np.exp(log_ridge), **variance)
        centre, step = log_ridge[np.argmin(losses)], log_ridge[1] - log_ridge[0]
        best = min(best, losses.min())
        log_ridge = np.linspace(centre - step, centre + step, 41)
    return best


def _lognormal(seed):
    return Empirical(np.exp(3 * np.random.default_rng(seed).standard_normal(300)))


@settings(max_examples=40)
@given(spectra, sizes, sizes, variances, noises)
def test_no_ridge_has_a_smaller_loss_than_the_best(spectrum, n, t, weight_var, noise_var):
    assume(not n == t == spectrum.rank)
    variance = {"weight_var": weight_var, "noise_var": noise_var}
    ridge, loss = (best(spectrum, n, t, **variance) for best in (optimal_ridge, optimal_loss))
    least = best_of_all_ridges(spectrum, n, t, **variance)
    assert ridge >= 0
    assert loss <= least * (1 + 1e-8)
    assert loss == pytest.approx(least, rel=1e-5)  # the resolution of the grid
    assert test_loss(spectrum, n, t, ridge, **variance) == pytest.approx(loss, rel=1e-8)


@given(spectra, sizes, sizes, variances, noises)
def test_the_loss_is_level_at_the_best_ridge(spectrum, n, t, weight_var, noise_var):
    variance = {"weight_var": weight_var, "noise_var": noise_var}
    ridge, step = optimal_ridge(spectrum, n, t, **variance), 0.01
    before, at, after = test_loss(spectrum, n, t, ridge * np.exp([-step, 0, step]), **variance)
    curvature = before + after - 2 * at
    if ridge == 0 or curvature < 1e-11 * at:  # rounding hides the parabola
        assert max(before, after) <= at * (1 + 1e-9)
    else:
        assert abs(before - after) / (2 * curvature) * step < 1e-3  # distance of its vertex, in log ridge


@given(spectra, sizes, sizes, variances, noises)
def test_tuning_never_hurts(spectrum, n, t, weight_var, noise_var):
    variance = {"weight_var": weight_var, "noise_var": noise_var}
    tuned = optimal_loss(spectrum, n, t, **variance)
    assert 0 <= tuned <= test_loss(spectrum, n, t, **variance) * (1 + 1e-10)
    assert tuned <= weight_var * spectrum.trace * (1 + 1e-12)  # what an infinite ridge leaves


@settings(max_examples=25)
@given(spectra, sizes, sizes, sizes, variances, noises)
def test_more_features_or_samples_never_hurt(spectrum, n, other, t, weight_var, noise_var):
    variance = {"weight_var": weight_var, "noise_var": noise_var}
    few, many = sorted([n, other])
    for better, worse in (((many, t), (few, t)), ((t, many), (t, few))):
        assert optimal_loss(spectrum, *better, **variance) <= optimal_loss(spectrum, *worse, **variance) * (1 + 1e-9)


@settings(max_examples=30)
@given(spectra, sizes, sizes, variances)
def test_without_noise_features_and_samples_are_dual(spectrum, n, t, weight_var):
    loss, swapped = optimal_loss(spectrum, [n, t], [t, n], weight_var=weight_var)
    assert loss == pytest.approx(swapped, rel=1e-12)
    ridge, swapped = optimal_ridge(spectrum, [n, t], [t, n])
    assert ridge == pytest.approx(swapped, rel=1e-5)


@settings(max_examples=20)
@given(spectra, sizes, sizes, variances, variances, variances)
def test_the_variance_of_the_features_only_sets_the_unit_of_the_ridge(spectrum, n, t, weight_var, noise, feature_var):
    variance = {"weight_var": weight_var, "noise_var": noise}
    loss, ridge = (best(spectrum, n, t, **variance) for best in (optimal_loss, optimal_ridge))
    assert optimal_loss(spectrum, n, t, feature_var=feature_var, **variance) == pytest.approx(loss, rel=1e-13)
    assert optimal_ridge(spectrum, n, t, feature_var=feature_var, **variance) == pytest.approx(
        feature_var * ridge, rel=1e-12
    )


@settings(max_examples=15)
@given(st.floats(0.05, 4), sizes, sizes, variances, noises, variances)
def test_the_best_loss_does_not_depend_on_units(alpha, n, t, weight_var, noise_var, unit):
    loss = optimal_loss(PowerLaw(alpha, 10**6), n, t, weight_var=weight_var, noise_var=noise_var)
    latents = optimal_loss(PowerLaw(alpha, 10**6, unit), n, t, weight_var=weight_var / unit, noise_var=noise_var)
    labels = optimal_loss(PowerLaw(alpha, 10**6), n, t, weight_var=weight_var * unit, noise_var=noise_var * unit)
    assert (latents, labels / unit) == pytest.approx((loss, loss), rel=1e-9)


@given(lists, st.integers(1, 60), variances, variances)
def test_infinitely_many_features_call_for_the_ridge_of_bayes(spectrum, t, weight_var, noise_var):
    n = 1e15  # features of n/M times the linear kernel, and a prior of variance weight_var
    ridge = optimal_ridge(spectrum, n, t, weight_var=weight_var, noise_var=noise_var, feature_var=0.5)
    assert ridge == pytest.approx(0.5 * n / spectrum.n_latent * noise_var / weight_var, rel=1e-4)


@settings(max_examples=20)
@given(lists, st.integers(1, 60), variances, variances)
def test_infinitely_many_features_have_the_best_loss_of_kernel_ridge_regression(spectrum, t, weight_var, noise_var):
    eigenvalues = spectrum.eigenvalues

    def loss(log_delta):  # not asking which ridge it belongs to, only for df1 < T
        resolved = eigenvalues / (eigenvalues + np.exp(log_delta))
        if resolved.sum() >= t:
            return np.inf
        bias = weight_var * np.sum(eigenvalues * (1 - resolved) ** 2)
        return (bias + noise_var) / (1 - np.sum(resolved**2) / t) - noise_var

    grid = np.linspace(-40, 40, 2001)
    best = grid[np.argmin([loss(x) for x in grid])]
    expected = minimize_scalar(loss, bounds=(best - 0.05, best + 0.05), method="bounded", options={"xatol": 1e-9}).fun
    assert optimal_loss(spectrum, 1e15, t, weight_var=weight_var, noise_var=noise_var) == pytest.approx(
        expected, rel=1e-8
    )


@given(spectra, st.floats(1, 1e6), st.floats(1, 1e6), variances)
def test_infinite_noise_leaves_the_variance_of_the_teacher(spectrum, n, t, weight_var):
    loss = optimal_loss(spectrum, n, t, weight_var=weight_var, noise_var=1e30)
    assert loss == pytest.approx(weight_var * spectrum.trace, rel=1e-12)


@given(lists, st.floats(0, 100), st.floats(0.01, 100), variances)
def test_with_more_samples_than_latents_and_no_fewer_features_nothing_is_left_but_noise(
    spectrum, more, extra, weight_var
):
    n, t = spectrum.rank + more, spectrum.rank + extra
    for setting in ((spectrum, n, t), (spectrum, t, n)):
        assert optimal_ridge(*setting, weight_var=weight_var) == 0
        assert optimal_loss(*setting, weight_var=weight_var) == 0


@given(arrays(float, st.integers(1, 40), elements=st.floats(-4, 2)), st.floats(1, 60), st.floats(1, 60), variances)
def test_without_noise_equal_sizes_are_best_at_fixed_product_and_at_fixed_sum(exponents, n, t, weight_var):
    spectrum, variance = Empirical(10**exponents), {"weight_var": weight_var}
    loss, product, total = optimal_loss(spectrum, [n, np.sqrt(n * t), (n + t) / 2], [t, np.sqrt(n * t), (n + t) / 2])
    assert product <= loss * (1 + 1e-10)
    assert total <= loss * (1 + 1e-10)
    if max(n, t) > 1.1 * min(n, t) and product > 0:
        assert max(product, total) < loss  # strictly
    assert optimal_loss(spectrum, n, t, **variance) == pytest.approx(weight_var * loss, rel=1e-12)


@given(st.floats(0.01, 30), st.floats(0, 15), st.floats(0, 15))
def test_the_number_of_modes_solves_its_quadratic_and_stays_below_both_sizes(alpha, log_n, log_t):
    n, t = 10**log_n, 10**log_t
    s = optimal_modes(alpha, n, t)
    terms = [(1 - alpha) * (2 + alpha) * s**2, alpha * (1 + alpha) * (n + t) * s, -alpha * (1 + alpha) * n * t]
    assert abs(np.sum(terms)) < 1e-13 * np.abs(terms).max()
    assert 0 < s <= min(n, t)
    assert optimal_modes(alpha, t, n) == pytest.approx(s, rel=1e-15)


@given(st.floats(1, 1e15), st.floats(1, 1e15))
def test_at_alpha_one_the_number_of_modes_is_half_the_harmonic_mean(n, t):
    below, at, above = optimal_modes([1 - 1e-9, 1, 1 + 1e-9], n, t)
    assert at == pytest.approx(n * t / (n + t), rel=1e-15)
    assert below < at < above or n > 1e7 * t or t > 1e7 * n  # a steeper spectrum is resolved further
    assert (below, above) == pytest.approx((at, at), rel=1e-9)


@pytest.mark.parametrize(("n", "t"), [(10, 10), (100, 100), (30, 500), (1000, 20), (5, 10**6)])
def test_at_alpha_one_the_half_of_the_sum_is_kept_by_sizes_that_are_larger_by_a_half(n, t):
    law = PowerLaw(1.0, 10**13)
    ridge = optimal_ridge(law, n, t)
    assert decompose(law, n, t, ridge).df1 == pytest.approx((n + 0.5) * (t + 0.5) / (n + t + 1) - 0.5, rel=1e-6)
    assert ridge * law.n_latent == pytest.approx(np.pi**2 / 4, rel=1e-5)


@pytest.mark.parametrize(("n", "t", "zero"), [(100, 101, True), (101, 100, True), (100, 100, False), (99, 1e9, False)])
def test_without_noise_the_loss_is_zero_where_both_sizes_reach_the_rank_and_one_exceeds_it(n, t, zero):
    assert (optimal_loss(PowerLaw(1.0, 100), n, t) == 0) == zero


@pytest.mark.parametrize("ratio", [1, 3, 0.5])
@pytest.mark.parametrize("alpha", [0.5, 1.0, 1.5, 3.0])
def test_the_best_ridge_resolves_the_number_of_modes_up_to_a_fraction_of_one(alpha, ratio):
    spectrum, n = PowerLaw(alpha, 10**15), np.array([50, 500, 5000])
    resolved = decompose(spectrum, n, ratio * n, optimal_ridge(spectrum, n, ratio * n)).df1
    excess = optimal_modes(alpha, n, ratio * n) - resolved  # a relative error of order 1/s
    assert (excess > 0.05).all()
    assert (excess < 0.5).all()
    assert_allclose(excess, excess[-1], rtol=0.01)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 1.5, 3.0])
def test_at_equal_sizes_the_best_loss_has_its_closed_form_to_leading_order(alpha):
    n = np.array([50, 500, 5000])
    share = optimal_modes(alpha, n, n) / n
    assert_allclose(share, share[0], rtol=1e-14)
    prefactor = share**-alpha / ((1 + alpha) - 2 * alpha * share - (1 - alpha) * share**2)
    expected = 0.6 * spectral_constant(alpha) ** (1 + alpha) * n**-alpha * prefactor
    exact = optimal_loss(PowerLaw(alpha, 10**15, 0.2), n, n, weight_var=3.0)
    relative = (expected / exact - 1) * n
    assert_allclose(relative, relative[-1], rtol=0.02)  # of order 1/n
    assert 0.5 < relative[-1] < 4


@settings(max_examples=6)
@given(power_laws, st.floats(1, 10).map(lambda e: 10**e), variances)
def test_without_noise_compute_is_split_evenly_at_any_spectrum(spectrum, budget, weight_var):
    for price, even in ((None, np.sqrt(budget)), (1.0, budget / 2)):
        n, t, loss = compute_optimal(spectrum, budget, price=price, weight_var=weight_var)
        assert loss <= optimal_loss(spectrum, even, even, weight_var=weight_var) * (1 + 1e-9)
        if even < spectrum.rank - 1:
            assert (n, t) == pytest.approx((even, even), rel=1e-6)


@settings(max_examples=7)
@given(st.floats(0.2, 2), st.floats(2, 6), st.floats(-3, 1), st.one_of(st.none(), st.floats(-1.5, 1.5)))
def test_the_split_is_the_one_that_scipy_finds(alpha, log_budget, log_noise, log_price):
    spectrum, budget, noise = PowerLaw(alpha, 10**9), 10**log_budget, {"noise_var": 10**log_noise}
    price = None if log_price is None else 10**log_price
    samples = (lambda n: budget / n) if price is None else (lambda n: (budget - n) / price)
    last = np.log(budget if price is None else budget - price)
    loss = lambda log_n: optimal_loss(spectrum, np.exp(log_n), max(samples(np.exp(log_n)), 1), **noise)  # noqa: E731
    grid = np.linspace(0, last, 50)
    k = np.argmin(optimal_loss(spectrum, np.exp(grid), np.maximum(samples(np.exp(grid)), 1), **noise))
    bounds = grid[max(k - 1, 0)], grid[min(k + 1, 49)]
    expected = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-7})
    n, t, found = compute_optimal(spectrum, budget, price=price, **noise)
    assert found == pytest.approx(expected.fun, rel=1e-10)
    if bounds[0] + 0.01 < expected.x < bounds[1] - 0.01:
        assert np.log(n) == pytest.approx(expected.x, abs=1e-4)
    assert found == optimal_loss(spectrum, n, t, **noise)
    assert (n * t if price is None else n + price * t) == pytest.approx(budget, rel=1e-15)


@pytest.mark.parametrize("price", [None, 0.2, 1.0, 6.0])
@pytest.mark.parametrize("noise", [0.0, 1e-3, 0.3, 20.0])
@pytest.mark.parametrize("delta", [3e-3, 2e-2, 0.3])
@pytest.mark.parametrize("b", [-0.5, 0.0, 0.4])
def test_at_fixed_delta_the_best_split_is_the_root_of_a_quadratic(price, noise, delta, b):
    spectrum, budget = PowerLaw(0.8, 10**5), 2e4 if price is None else 500.0
    s, u, S, U = spectrum.mode_sums(delta, [(1, 0), (1, 1), (1, 0, b), (1, 1, b)])
    split = allocation._split_compute if price is None else allocation._split_bought
    found = split(s, u, delta * U, delta * (u * S - s * U), budget, price, noise)
    t = found * np.array([0.999, 1.0, 1.001])
    n = budget / t if price is None else budget - price * t
    loss = allocation._at_delta(spectrum, np.full(3, delta), n, t, 1.0, noise, b).loss
    assert s < found and s < n[1]
    assert loss[1] <= loss[[0, 2]].min()
    bends = loss[0] + loss[2] - 2 * loss[1]
    assert abs(loss[2] - loss[0]) < 0.01 * bends  # level: a shift by 1e-5 of itself would tilt it by 4 percent


@pytest.mark.parametrize("noise", [1e-6, 1e-4])
def test_where_all_latents_can_be_resolved_the_split_has_one_feature_a_latent(noise):
    spectrum = PowerLaw(1.0, 300)
    n, _, loss = compute_optimal(spectrum, [1e6, 1e7], noise_var=noise)
    assert_allclose(n, 300, rtol=1e-5)
    others = optimal_loss(spectrum, [[299.9], [300.1]], [1e6, 1e7] / np.array([[299.9], [300.1]]), noise_var=noise)
    assert (loss < others).all()


def test_label_noise_moves_the_split_towards_samples():
    n, t, loss = compute_optimal(PowerLaw(0.8, 10**9), 1e5, noise_var=[0.0, 1e-3, 1e-2, 0.1, 1.0])
    assert (np.diff(t / n) > 0).all()
    assert t[0] == pytest.approx(n[0], rel=1e-6)
    assert (np.diff(loss) > 0).all()


@pytest.mark.parametrize("spectrum", [PowerLaw(0.3, 10**9), PowerLaw(1.5, 10**9), *map(_lognormal, range(3))])
def test_a_little_noise_moves_the_best_split_by_noise_over_loss(spectrum):
    share = 1e-4
    clean = compute_optimal(spectrum, 1e4).test_loss
    n, t, _ = compute_optimal(spectrum, 1e4, noise_var=share * clean)
    assert_allclose(np.log(t / n), share, rtol=1e-3)


def test_dearer_samples_are_bought_less():
    price = np.array([0.1, 0.3, 1.0, 3.0, 10.0])
    n, t, loss = compute_optimal(PowerLaw(0.8, 10**9), 1e3, price=price)
    assert (np.diff(t / n) < 0).all()
    # exchanging features and samples changes the price to its inverse and the budget in proportion
    swapped = compute_optimal(PowerLaw(0.8, 10**9), 1e3 / price, price=1 / price)
    assert_allclose(swapped, (t, n, loss), rtol=1e-6)


def test_settings_broadcast_and_each_entry_is_its_own():
    n, t, noise = np.array([[10], [300], [50]]), np.array([20, 50, 200, 400]), np.array([0.05, 0.1])[:, None, None]
    for best in (optimal_ridge, optimal_loss):
        values = best(PART, n, t, noise_var=noise)
        assert values.shape == (2, 3, 4)
        one_by_one = [best(PART, *size, noise_var=e) for *size, e in np.nditer([n, t, noise])]
        assert_allclose(values.ravel(), one_by_one, rtol=1e-5 if best is optimal_ridge else 1e-12)
        assert best(PART, [], 10).shape == (0,)
        assert isinstance(best(PART, 10, 20), float)
    assert optimal_modes([0.5, 1.0], n, 10).shape == (3, 2)
    assert isinstance(optimal_modes(1, 10, 10), float)


def test_budgets_broadcast_against_prices_and_variances():
    budget, noise = np.array([100.0, 1e4, 1e6]), np.array([[0.1], [0.5]])
    found = compute_optimal(PART, budget, price=2.0, weight_var=1.5, noise_var=noise)
    assert isinstance(found, Allocation)
    assert {part.shape for part in found} == {(2, 3)}
    alone = compute_optimal(PART, 1e4, price=2.0, weight_var=1.5, noise_var=0.5)
    assert [part[1, 1] for part in found] == pytest.approx(alone, rel=1e-6)
    assert all(isinstance(part, float) for part in alone)


@pytest.mark.parametrize("n_latent", [1, 2, 64, 65, 10**6, 10**15])
@pytest.mark.parametrize("alpha", [0.01, 0.3, 5.0])
def test_extreme_settings_give_no_warning_no_nan_and_nothing_negative(alpha, n_latent):
    spectrum = PowerLaw(alpha, n_latent, 100.0)
    size = np.array([1.5, 3, 63.5, 66, 1e3, 1e7, 9e14])
    noise = {"noise_var": np.array([0, 1e-3, 1.0, 1e6, 1e40])[:, None, None]}
    ridge = optimal_ridge(spectrum, size, size[:, None], **noise)
    assert np.isfinite(ridge).all()
    assert (ridge >= 0).all()
    loss = optimal_loss(spectrum, size, size[:, None], **noise)
    assert ((loss >= 0) & (loss <= spectrum.trace * (1 + 1e-12))).all()


NOT_REAL = [np.nan, np.inf, -np.inf, "1", 1j, None, [1.0, np.nan]]
BAD = {
    "alpha": [0, -1.0, *NOT_REAL],
    "spectrum": [None, 1.0, [1.0, 0.5]],
    **{name: [0, 0.99, -1, 1.01e15, [5, 0], *NOT_REAL] for name in ("n_features", "n_samples")},
    "weight_var": [0, -1.0, 1.1e60, [1.0, 0.0], *NOT_REAL],
    "noise_var": [-1e-300, 1.1e60, [0.0, -1.0], *NOT_REAL],
    "feature_var": [0, -1.0, [1.0, 0.0], *NOT_REAL],
    "budget": [3.99, -1, 0, 1.1e30, [5, 0], *NOT_REAL],
    "task_exponent": [-5.1, 5.1, [0.5, 0.6], *NOT_REAL],
    "price": [0, -1.0, 1.01e15, [1.0, 0.0], *(bad for bad in NOT_REAL if bad is not None)],
}
GOOD = {"alpha": 1.0, "spectrum": PART, "n_features": 10, "n_samples": 20, "budget": 100.0}


@pytest.mark.parametrize(
    ("function", "name", "bad"),
    [
        (function, name, bad)
        for function in (optimal_modes, optimal_ridge, optimal_loss, compute_optimal)
        for name in inspect.signature(function).parameters
        for bad in BAD[name]
    ],
)
def test_a_bad_argument_is_refused_by_name(function, name, bad):
    good = {key: GOOD[key] for key in inspect.signature(function).parameters if key in GOOD}
    with pytest.raises(ValueError, match=f"^{name} must be"):
        function(**{**good, name: bad})


@pytest.mark.parametrize("price", [99, 1000.0, [1.0, 99.5]])
def test_a_budget_that_does_not_buy_a_feature_and_a_sample_is_refused(price):
    with pytest.raises(ValueError, match=r"^budget must be greater than 1 \+ price"):
        compute_optimal(PART, 100, price=price)


# Corners: sizes at the rank of the spectrum, hardly any noise, a minimum at the end of the range


@pytest.mark.parametrize("size", [1, 2, 64])
def test_where_both_sizes_are_the_rank_something_is_left_even_without_noise(size):
    spectrum = PowerLaw(1.0, size)
    least = best_of_all_ridges(spectrum, size, size)
    assert least > 0
    assert optimal_loss(spectrum, size, size) == pytest.approx(least, rel=1e-8)


@pytest.mark.parametrize("noise_var", [1e-8, 1e-4, 1e-2])
def test_with_as_many_features_as_latents_and_little_noise_no_ridge_is_needed(noise_var):
    loss = optimal_loss(PowerLaw(1.0, 64), 64, 200, noise_var=noise_var)
    assert loss <= noise_var * 64 / (200 - 64) * (1 + 1e-8)  # ordinary least squares


@pytest.mark.parametrize(
    ("n", "t", "noise_var"), [(200, 200, 1e-300), (200, 200, 1e-20), (200, 10**13, 1e-200), (1000, 200, 1e-300)]
)
def test_at_the_rank_of_the_spectrum_tiny_noise_leaves_a_loss_that_its_ridge_has(n, t, noise_var):
    ridge, loss = (best(PowerLaw(0.01, 200), n, t, noise_var=noise_var) for best in (optimal_ridge, optimal_loss))
    assert ridge >= 0
    assert loss > 0
    assert loss == pytest.approx(test_loss(PowerLaw(0.01, 200), n, t, ridge, noise_var=noise_var), rel=1e-8)


@pytest.mark.parametrize(("budget", "price"), [(1e30, None), (1e4, 1e-12), (1e15, 1.0)])
def test_budgets_within_their_range_never_buy_too_many_samples(budget, price):
    assert compute_optimal(PowerLaw(1.0, 10**6), budget, price=price).n_samples <= 1e15


def test_a_best_split_close_to_the_end_of_the_range_is_found():
    spectrum, n = PowerLaw(1.0, 10**6), np.geomspace(1, 4, 4001)
    found = compute_optimal(spectrum, 1e4, noise_var=1.3e4)
    assert 1 < found.n_features < 1.2
    assert found.test_loss <= optimal_loss(spectrum, n, 1e4 / n, noise_var=1.3e4).min() * (1 + 1e-7)


@pytest.mark.parametrize(("budget", "noise_var"), [(5, 1e3), (1e4, 1e6)])
def test_with_much_noise_a_single_feature_is_best(budget, noise_var):
    spectrum = PowerLaw(1.0, 10**6)
    found = compute_optimal(spectrum, budget, noise_var=noise_var)
    edge = optimal_loss(spectrum, 1, budget, noise_var=noise_var)
    assert found.test_loss <= edge * (1 + 1e-12)


def test_a_budget_for_more_than_the_largest_sizes_is_refused():
    with pytest.raises(ValueError, match=r"^budget must be at most"):
        compute_optimal(PART, 1e20, price=1.0)
