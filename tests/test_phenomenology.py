import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from scaling_laws import phenomenology
from scaling_laws.allocation import compute_optimal
from scaling_laws.phenomenology import (
    BESIROGLU,
    HOFFMANN,
    KAPLAN_JOINT,
    ChinchillaLaw,
    Fit,
    KaplanLaw,
    PowerLawCurve,
    chinchilla_loss,
    fit_chinchilla,
    fit_kaplan,
    fit_power_law_curve,
    kaplan_loss,
)
from scaling_laws.spectra import PowerLaw

X = np.geomspace(10, 1e5, 25)
TRUTH = PowerLawCurve(amplitude=5.0, exponent=0.4, offset=0.3)


def noisy(seed, sigma=0.01):
    return TRUTH(X) * np.exp(sigma * np.random.default_rng(seed).standard_normal(X.size))


def runs(seed, n_runs=240, sigma=0.005):
    rng = np.random.default_rng(seed)
    n = np.exp(rng.uniform(np.log(7e7), np.log(1.6e10), n_runs))
    d = np.exp(rng.uniform(np.log(5e9), np.log(5e11), n_runs))
    return n, d, BESIROGLU(n, d) * np.exp(sigma * rng.standard_normal(n_runs))


def test_published_laws_have_their_values_at_hand_computed_points():
    assert kaplan_loss(8.8e13) == pytest.approx(1.0)
    assert kaplan_loss(n_tokens=5.4e12) == pytest.approx(10**0.095)
    assert kaplan_loss(6.4e12, 1.8e12) == pytest.approx((10 ** (0.076 / 0.103) + 10) ** 0.103)
    assert chinchilla_loss(1e10, 1e10) == pytest.approx(1.69 + 406.4 * 10**-3.4 + 410.7 * 10**-2.8)
    assert chinchilla_loss(1e10, 1e10, BESIROGLU) == pytest.approx(1.8172 + 482.01 * 10**-3.478 + 2085.43 * 10**-3.658)


def test_the_scarcer_resource_is_the_bottleneck():
    assert kaplan_loss(1e30, 1e9) == pytest.approx((1.8e13 / 1e9) ** 0.103, rel=1e-6)
    assert chinchilla_loss(1e60, 1e9) == pytest.approx(HOFFMANN.e + HOFFMANN.b * 1e9**-HOFFMANN.beta)
    assert HOFFMANN(np.inf, np.inf) == HOFFMANN.e


def test_laws_broadcast_and_give_floats_for_floats():
    assert chinchilla_loss(np.ones(3) * 1e9, np.ones((2, 1)) * 1e10).shape == (2, 3)
    assert kaplan_loss([1e9, 1e10]).shape == (2,)
    assert isinstance(kaplan_loss(1e9, 1e9), float)


def test_exact_data_give_the_exact_constants():
    assert np.allclose(fit_power_law_curve(X, TRUTH(X), n_bootstrap=2).estimate, TRUTH, rtol=1e-5)
    n, d, _ = runs(0)
    assert np.allclose(fit_chinchilla(n, d, BESIROGLU(n, d), n_bootstrap=2).estimate, BESIROGLU, rtol=1e-3)


def test_a_pure_power_law_gets_an_offset_that_does_not_matter():
    fit = fit_power_law_curve(X, 2 * X**-0.5, n_bootstrap=2)
    assert fit.estimate.exponent == pytest.approx(0.5, rel=1e-3)
    assert fit.estimate.offset < 1e-3 * (2 * X[-1] ** -0.5)


@pytest.mark.parametrize("delta", [1e-3, 1e-2])
def test_the_fit_minimises_the_huber_loss_as_another_optimiser_finds_it(delta):
    y = noisy(3)

    def objective(parameters):
        log_a, exponent, log_e = parameters
        residual = np.abs(np.log(np.exp(log_a) * X**-exponent + np.exp(log_e)) - np.log(y))
        return np.where(residual < delta, residual**2 / 2, delta * (residual - delta / 2)).sum() / delta**2

    start = [np.log(4.0), 0.35, np.log(0.25)]
    options = {"xatol": 1e-10, "fatol": 1e-13, "maxiter": 20_000, "maxfev": 20_000}
    other = minimize(objective, start, method="Nelder-Mead", options=options)
    ours = fit_power_law_curve(X, y, huber_delta=delta, n_bootstrap=2).estimate
    assert objective([np.log(ours.amplitude), ours.exponent, np.log(ours.offset)]) <= other.fun * (1 + 1e-6)


def test_two_spoiled_points_hardly_move_the_fit_but_move_least_squares():
    y = noisy(1)
    y[[18, 22]] *= 1.25
    robust = fit_power_law_curve(X, y, n_bootstrap=2).estimate
    squares = fit_power_law_curve(X, y, huber_delta=100.0, n_bootstrap=2).estimate
    assert abs(robust.offset - 0.3) < 0.01 < abs(squares.offset - 0.3)


@pytest.mark.heavy
def test_intervals_of_the_curve_cover_the_truth_about_as_often_as_they_claim():
    fits = [fit_power_law_curve(X, noisy(100 + s), n_bootstrap=40, seed=s) for s in range(24)]
    covered = np.array([(np.array(f.low) <= TRUTH) & (np.array(f.high) >= TRUTH) for f in fits])
    assert (covered.mean(axis=0) > 0.75).all()  # 95 % claimed; percentile intervals of 25 points fall short of it
    errors = np.array([f.estimate.exponent - 0.4 for f in fits])
    assert abs(errors.mean()) < 3 * errors.std(ddof=1) / np.sqrt(24)


@pytest.mark.parametrize("seed", [11, 12, 13, 14])
def test_chinchilla_is_recovered_from_noisy_runs(seed):
    fit = fit_chinchilla(*runs(seed), n_bootstrap=60)
    width = np.array(fit.high) - np.array(fit.low)
    assert isinstance(fit.estimate, ChinchillaLaw)
    assert (np.abs(np.array(fit.estimate) - BESIROGLU) < width).all()
    assert abs(fit.estimate.alpha - BESIROGLU.alpha) < 0.03
    assert width[2] < 0.06  # alpha


@functools.cache
def _fitted():
    return fit_power_law_curve(X, noisy(5), n_bootstrap=2).estimate


@pytest.mark.heavy
@settings(max_examples=10)
@given(c=st.floats(1e-3, 1e3), u=st.floats(1e-6, 1e6))
def test_units_of_x_and_y_only_rescale_the_constants(c, u):
    base = _fitted()
    other = fit_power_law_curve(u * X, c * noisy(5), n_bootstrap=2).estimate
    expected = (c * base.amplitude * u**base.exponent, base.exponent, c * base.offset)
    assert np.allclose(other, expected, rtol=1e-4)


def test_the_same_seed_gives_the_same_interval():
    first, second = (fit_power_law_curve(X, noisy(2), n_bootstrap=10, seed=4) for _ in range(2))
    other = fit_power_law_curve(X, noisy(2), n_bootstrap=10, seed=5)
    assert first == second
    assert first.low != other.low


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("n_params", lambda: kaplan_loss()),
        ("n_params", lambda: kaplan_loss(0.0)),
        ("n_tokens", lambda: kaplan_loss(1e9, -1.0)),
        ("n_tokens", lambda: kaplan_loss(n_tokens=np.nan)),
        ("n_params", lambda: chinchilla_loss(-1.0, 1e9)),
        ("n_tokens", lambda: chinchilla_loss(1e9, [1e9, 0.0])),
        ("y", lambda: fit_power_law_curve(X, -TRUTH(X))),
        ("x and y", lambda: fit_power_law_curve(X, TRUTH(X)[:-1])),
        ("x and y", lambda: fit_power_law_curve(X[:4], TRUTH(X)[:4])),
        ("x and y", lambda: fit_power_law_curve(np.ones(25), TRUTH(X))),
        ("n_bootstrap", lambda: fit_power_law_curve(X, TRUTH(X), n_bootstrap=1)),
        ("confidence", lambda: fit_power_law_curve(X, TRUTH(X), confidence=1.0)),
        ("huber_delta", lambda: fit_power_law_curve(X, TRUTH(X), huber_delta=0.0)),
        ("seed", lambda: fit_power_law_curve(X, TRUTH(X), seed=-1)),
        ("loss", lambda: fit_chinchilla(X, X, np.zeros(25))),
    ],
)
def test_bad_arguments_are_refused_by_name(name, call):
    with pytest.raises(ValueError, match=name):
        call()


# ----------------------------------------------------------------- what a fit must say: bounds, and what it cannot tell


def test_a_good_fit_reaches_no_bound_and_tells_all_constants():
    for fit in (fit_power_law_curve(X, noisy(1), n_bootstrap=20), fit_chinchilla(*runs(1), n_bootstrap=20)):
        assert fit.at_bound == {}
        assert fit.undetermined == ()


def test_the_three_laws_unpack():
    fit = fit_power_law_curve(X, noisy(1), n_bootstrap=5)
    estimate, low, high = fit
    assert (estimate, low, high) == (fit.estimate, fit.low, fit.high)
    assert fit == Fit(estimate, low, high)


@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize("x", [np.geomspace(10, 1e4, 12), np.geomspace(1, 1e4, 20)], ids=["12", "20"])
def test_rising_data_stop_at_the_lowest_exponent_and_the_fit_says_so(x, noise):
    y = 0.02 * x**0.5 * np.exp(noise * np.random.default_rng(3).standard_normal(x.size))
    with pytest.warns(UserWarning, match=r"^fit_power_law_curve: exponent stopped at its bound 0\.001: y hardly falls"):
        fit = fit_power_law_curve(x, y, n_bootstrap=5)
    assert fit.at_bound["exponent"] == 0.001
    assert {"amplitude", "offset"} <= set(fit.undetermined)


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_constant_data_have_an_offset_and_no_exponent(noise):
    y = 2 * np.exp(noise * np.random.default_rng(4).standard_normal(X.size))
    with pytest.warns(UserWarning, match="cannot tell amplitude, exponent"):
        fit = fit_power_law_curve(X, y, n_bootstrap=5)
    assert {"amplitude", "exponent"} <= set(fit.undetermined)
    if not noise:
        assert fit.estimate.offset == pytest.approx(2)
        assert "offset" not in fit.undetermined


@pytest.mark.heavy
def test_a_slope_lost_in_noise_is_not_told_but_a_clean_one_is():
    y = 3 * X**-0.01
    assert fit_power_law_curve(X[::3], y[::3], n_bootstrap=2).estimate.exponent == pytest.approx(0.01, rel=1e-3)
    with pytest.warns(UserWarning, match="cannot tell amplitude, exponent.*wider range"):
        fit_power_law_curve(X, y * np.exp(0.01 * np.random.default_rng(5).standard_normal(X.size)), n_bootstrap=5)
    with pytest.warns(UserWarning, match=r"exponent stopped at its bound 0\.001"):
        fit_power_law_curve(X[::3], 3 * X[::3] ** -0.0005, n_bootstrap=2)


def test_a_fall_too_steep_for_the_law_stops_at_the_highest_exponent():
    x = np.geomspace(1, 1e4, 20)
    with pytest.warns(UserWarning, match=r"exponent stopped at its bound 10: y falls more steeply"):
        assert fit_power_law_curve(x, 1 + x**-12, n_bootstrap=2).at_bound == {"exponent": 10.0}


def test_an_offset_that_the_data_do_not_need_is_at_its_bound_of_zero_without_a_warning():
    fit = fit_power_law_curve(X, 2 * X**-0.5, n_bootstrap=2)
    assert fit.at_bound == {"offset": 0.0}
    assert fit.undetermined == ()


@pytest.mark.heavy
@pytest.mark.parametrize("law", [HOFFMANN, BESIROGLU])
@pytest.mark.parametrize("noise", [0.0, 0.005, 0.02])
def test_runs_that_all_have_twenty_tokens_a_parameter_cannot_tell_the_two_terms_apart(law, noise):
    n = np.geomspace(1e8, 1e10, 30)
    loss = law(n, 20 * n) * np.exp(noise * np.random.default_rng(6).standard_normal(30))
    with pytest.warns(
        UserWarning, match="cannot tell .*a, alpha, b, beta.*n_params and n_tokens grow together.*vary one"
    ):
        fit = fit_chinchilla(n, 20 * n, loss, n_bootstrap=5)
    assert {"a", "alpha", "b", "beta"} <= set(fit.undetermined)


def test_nearly_twenty_tokens_a_parameter_do_not_help():
    rng = np.random.default_rng(7)
    n = np.geomspace(1e8, 1e10, 30)
    d = 20 * n * np.exp(0.01 * rng.standard_normal(30))
    with pytest.warns(UserWarning, match="cannot tell"):
        fit = fit_chinchilla(n, d, BESIROGLU(n, d) * np.exp(0.005 * rng.standard_normal(30)), n_bootstrap=10)
    assert {"alpha", "beta"} & set(fit.undetermined)


def test_a_resource_that_does_nothing_has_no_exponent():
    n, d, _ = runs(8, n_runs=60)
    loss = (1.8 + 480 * n**-0.35) * np.exp(0.005 * np.random.default_rng(8).standard_normal(60))
    with pytest.warns(UserWarning, match="cannot tell .*beta"):
        fit = fit_chinchilla(n, d, loss, n_bootstrap=5)
    assert {"b", "beta"} <= set(fit.undetermined)
    assert "a" not in fit.undetermined


# ------------------------------------------------------------------------------------------- whole numbers of any size


@pytest.mark.parametrize("big", [2**64, 10**20, 10**30, 10**300])
def test_whole_numbers_of_any_size_are_sizes(big):
    x = float(big)
    assert kaplan_loss(big) == kaplan_loss(x)
    assert kaplan_loss(n_tokens=[big, 5]) == pytest.approx(kaplan_loss(n_tokens=[x, 5.0]))
    assert chinchilla_loss([big, 10**9], 10**21) == pytest.approx(chinchilla_loss([x, 1e9], 1e21))
    assert HOFFMANN(big, np.array([big, 3])) == pytest.approx(HOFFMANN(x, [x, 3.0]))
    assert TRUTH([big, 1]) == pytest.approx(TRUTH([x, 1.0]))


def test_whole_numbers_of_any_size_are_data():
    x = [10**k for k in range(18, 27)]
    fit = fit_power_law_curve(x, PowerLawCurve(1e9, 0.5, 0.1)(x), n_bootstrap=2)
    assert np.allclose(fit.estimate, [1e9, 0.5, 0.1], rtol=1e-6)
    n, d = np.meshgrid([10**k for k in range(18, 23)], [10**k for k in range(19, 24)])
    assert n.dtype == object
    law = ChinchillaLaw(1.0, 1e5, 0.3, 1e6, 0.3)
    fit = fit_chinchilla(n.ravel(), d.ravel(), law(n.ravel(), d.ravel()), n_bootstrap=2)
    assert np.allclose(fit.estimate, law, rtol=1e-3)


def test_a_budget_may_be_a_whole_number_of_any_size():
    spectrum = PowerLaw(1.0, 10**6)
    assert compute_optimal(spectrum, 10**20) == compute_optimal(spectrum, 1e20)


def test_the_constants_are_those_the_chapter_quotes():
    assert phenomenology.KAPLAN_PARAMS == {"critical": 8.8e13, "exponent": 0.076}
    assert HOFFMANN == (1.69, 406.4, 0.34, 410.7, 0.28)
    assert BESIROGLU == (1.8172, 482.01, 0.3478, 2085.43, 0.3658)


def test_laws_know_large_whole_numbers_and_refuse_what_is_beyond_all_floats():
    assert HOFFMANN(2**70, np.inf) == HOFFMANN(2.0**70, np.inf)
    for name, resources in (("n_params", (10**400, 1e9)), ("n_tokens", (1e9, -1.0))):
        with pytest.raises(ValueError, match=f"^{name} must be"):
            HOFFMANN(*resources)


def test_seeds_may_have_all_the_bits_that_secrets_gives():
    assert (
        fit_power_law_curve(X, noisy(2), n_bootstrap=2, seed=2**100 + 1).low
        != fit_power_law_curve(X, noisy(2), n_bootstrap=2, seed=2**100).low
    )


def kaplan_runs(seed, sigma):
    rng = np.random.default_rng(seed)
    n, d = (np.exp(rng.uniform(np.log(1e6), np.log(1e10), 100)) for _ in range(2))
    return n, d, KAPLAN_JOINT(n, d) * np.exp(sigma * rng.standard_normal(100))


def test_kaplan_is_recovered_and_exact_runs_give_exact_constants():
    assert np.allclose(fit_kaplan(*kaplan_runs(0, 0.0), n_bootstrap=2).estimate, KAPLAN_JOINT, rtol=1e-5)
    fit = fit_kaplan(*kaplan_runs(11, 0.005), n_bootstrap=60)
    low, high = np.array(fit.low), np.array(fit.high)
    assert isinstance(fit.estimate, KaplanLaw) and fit.at_bound == {} and fit.undetermined == ()
    assert (np.abs(np.array(fit.estimate) - KAPLAN_JOINT) < high - low).all()
    assert (high - low)[[1, 3]].max() < 0.01


@pytest.mark.parametrize("n_constants", [4, 5])
def test_slopes_of_the_fitted_curves_are_their_differences(n_constants):
    logs = np.random.default_rng(2).normal(size=(2, 9))
    point = np.array([0.3, -0.2, 0.4, 0.25, -1.0])[:n_constants]
    steps = 1e-5 * np.eye(n_constants)
    differences = [
        (phenomenology._log_curve(point + step, logs) - phenomenology._log_curve(point - step, logs)) / 2e-5
        for step in steps
    ]
    assert np.allclose(phenomenology._jacobian(point, logs), np.transpose(differences), atol=1e-9)


def test_kaplan_says_which_exponent_the_data_cannot_tell():
    n, d, _ = kaplan_runs(3, 0.0)
    with pytest.warns(UserWarning, match="fit_kaplan: The data cannot tell d_critical, d_exponent"):
        fit = fit_kaplan(n, d, (1e13 / n) ** 0.08, n_bootstrap=2)
    assert fit.undetermined == ("d_critical", "d_exponent")
    assert fit.estimate.n_exponent == pytest.approx(0.08)
    with pytest.warns(UserWarning, match="grow together"):
        assert set(fit_kaplan(n, 20 * n, KAPLAN_JOINT(n, 20 * n), n_bootstrap=2).undetermined) == set(KaplanLaw._fields)


@pytest.mark.heavy
def test_intervals_of_kaplan_cover_the_truth_about_as_often_as_they_claim():
    fits = [fit_kaplan(*kaplan_runs(seed, 0.005), n_bootstrap=100) for seed in range(60)]
    covered = [(np.array(fit.low) <= KAPLAN_JOINT) & (KAPLAN_JOINT <= np.array(fit.high)) for fit in fits]
    assert (np.mean(covered, axis=0) > 0.87).all()  # 93 % measured, 95 % claimed
