import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from scaling_laws import phenomenology
from scaling_laws.phenomenology import (
    BESIROGLU,
    HOFFMANN,
    ChinchillaLaw,
    PowerLawCurve,
    chinchilla_loss,
    fit_chinchilla,
    fit_power_law_curve,
    kaplan_loss,
)

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


@settings(max_examples=10)
@given(c=st.floats(1e-3, 1e3), u=st.floats(1e-6, 1e6))
def test_units_of_x_and_y_only_rescale_the_constants(c, u):
    base = fit_power_law_curve(X, noisy(5), n_bootstrap=2).estimate
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


def test_the_constants_are_those_the_chapter_quotes():
    assert phenomenology.KAPLAN_PARAMS == {"critical": 8.8e13, "exponent": 0.076}
    assert HOFFMANN == (1.69, 406.4, 0.34, 410.7, 0.28)
    assert BESIROGLU == (1.8172, 482.01, 0.3478, 2085.43, 0.3658)
