"""Floors of the loss, their diagnosis, and latents that the features do not see."""

import inspect
from math import fsum

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import brentq
from scipy.special import polygamma

from scaling_laws.allocation import optimal_ridge
from scaling_laws.plateaus import REGIMES, PlateauLevels, diagnose, plateau_levels, truncated_loss
from scaling_laws.spectra import Empirical, PowerLaw, check_spectrum
from scaling_laws.theory import decompose, test_loss

PART = PowerLaw(0.7, 200)
LONG = PowerLaw(1.0, 10**6)
FLOORS = ("features", "samples", "ridge")

power_laws = st.builds(
    PowerLaw, st.floats(0.05, 4), st.integers(1, 300), st.floats(-2, 2).map(lambda exponent: 10**exponent)
)
lists = st.tuples(
    st.lists(st.floats(-3, 1).map(lambda e: 10**e), min_size=1, max_size=30), st.integers(0, 5)
).map(lambda parts: Empirical([*parts[0], *np.zeros(parts[1])]))  # fmt: skip
spectra = st.one_of(power_laws, lists)
visible_shares = st.floats(0, 1)
sizes = st.one_of(st.integers(1, 40), st.floats(0, 4).map(lambda exponent: 10.0**exponent))
ridges = st.one_of(st.just(0.0), st.floats(-6, 3).map(lambda exponent: 10.0**exponent))
positive = st.floats(-2, 2).map(lambda exponent: 10.0**exponent)
variances = st.one_of(st.just(0.0), positive)


def visible_part(spectrum, share):
    """A number of visible latents from 1 to all."""
    return 1 + round(share * (spectrum.n_latent - 1))


def hidden(spectrum, n_visible):
    """The same number of latents, those that are not seen without variance; and the variance they had."""
    values = spectrum.eigenvalues
    return Empirical(np.where(np.arange(values.size) < n_visible, values, 0)), fsum(values[n_visible:])


def random_settings(rng, count):
    """A spectrum, a number of visible latents, and arrays of sizes, ridges and noises, corners included."""
    if rng.random() < 0.5:
        spectrum = PowerLaw(rng.uniform(0.05, 4), int(10 ** rng.uniform(0, 9)), 10 ** rng.uniform(-2, 2))
    else:
        values = 10 ** rng.uniform(-4, 1, rng.integers(1, 60))
        spectrum = Empirical(np.append(values, np.zeros(rng.integers(0, 5))))
    n_visible = spectrum.n_latent if rng.random() < 0.4 else rng.integers(1, spectrum.n_latent + 1)
    n, t = 10 ** rng.uniform(0, 5, (2, count))
    n = np.where(rng.random(count) < 0.1, t, n)
    ridge = np.where(rng.random(count) < 0.3, 0.0, 10 ** rng.uniform(-9, 4, count))
    noise_var = np.where(rng.random(count) < 0.5, 0.0, 10 ** rng.uniform(-6, 2, count))
    variances = {"weight_var": 10 ** rng.uniform(-2, 2), "feature_var": 10 ** rng.uniform(-2, 2)}
    return spectrum, (n, t, ridge), {"n_visible": int(n_visible), "noise_var": noise_var, **variances}


# ------------------------------------------------------------------------------------------------------- unseen latents


def measured_loss(eigenvalues, n_visible, n, t, ridge, weight_var, noise_var, feature_var, rng):
    """Test loss of one experiment whose features are blind to the last latents, straight from its definition."""
    n_latent = eigenvalues.size
    x = rng.normal(0, np.sqrt(eigenvalues), (t, n_latent))
    w = rng.normal(0, np.sqrt(weight_var), n_latent)
    u = np.zeros((n, n_latent))
    u[:, :n_visible] = rng.normal(0, np.sqrt(feature_var / n_latent), (n, n_visible))
    y = x @ w + rng.normal(0, np.sqrt(noise_var), t)
    phi = x @ u.T
    if ridge:
        theta = np.linalg.solve(phi.T @ phi + ridge * np.eye(n), phi.T @ y)
    else:
        theta = np.linalg.lstsq(phi, y)[0]
    return np.sum(eigenvalues * (w - u.T @ theta) ** 2)


@pytest.mark.heavy
def test_the_loss_agrees_with_solving_random_instances_of_the_model():
    cases = [  # alpha, scale; visible latents, features, samples, ridge; variances of teacher, noise and features
        (0.5, 1.0, 100, 60, 140, 0.0, 1.0, 0.0, 1.0),
        (0.3, 1.0, 150, 240, 80, 0.0, 1.0, 0.1, 1.0),
        (0.5, 3.0, 100, 200, 220, 0.0, 2.0, 0.0, 0.3),
        (0.5, 3.0, 100, 220, 200, 0.02, 2.0, 0.3, 0.3),
        (0.3, 1.0, 100, 60, 200, 0.3, 1.0, 0.0, 2.0),
        (0.3, 1.0, 100, 200, 60, 0.3, 1.0, 0.5, 2.0),
        (0.7, 0.5, 80, 60, 160, 0.001, 0.5, 0.02, 4.0),
        (0.7, 0.5, 120, 200, 80, 0.01, 0.5, 0.0, 4.0),
        (0.3, 2.0, 60, 150, 150, 1.0, 0.5, 0.0, 0.5),
        (0.6, 2.0, 50, 120, 130, 0.1, 0.5, 0.1, 0.5),
        (1.0, 2.0, 50, 120, 130, 0.1, 0.5, 0.1, 0.5),
        (0.4, 1.0, 120, 80, 80, 0.2, 1.0, 0.1, 3.0),
    ]
    # with 60 trials the error of the mean is 1.7 to 2.6 %; corrections of order 1/N shift it by 1 % at most
    scores, rng = [], np.random.default_rng(2024)
    for alpha, scale, n_visible, n, t, ridge, weight_var, noise_var, feature_var in cases:
        spectrum, variance = PowerLaw(alpha, 250, scale), (weight_var, noise_var, feature_var)
        setting = (n_visible, n, t, ridge)
        trials = [measured_loss(spectrum.eigenvalues, *setting, *variance, rng) for _ in range(60)]
        expected = truncated_loss(
            spectrum, *setting, weight_var=weight_var, noise_var=noise_var, feature_var=feature_var
        )
        scores.append((np.mean(trials) - expected) / (np.std(trials, ddof=1) / np.sqrt(60)))
    assert np.abs(scores).max() < 4
    assert 0.3 < np.mean(np.square(scores)) < 2.2


@settings(max_examples=40)
@given(spectra, visible_shares, sizes, sizes, ridges, variances, variances, positive)
def test_unseen_latents_are_label_noise_for_the_fit_and_a_floor_for_the_loss(
    spectrum, share, n, t, ridge, weight_var, noise_var, feature_var
):
    n_visible = visible_part(spectrum, share)
    seen, unseen = hidden(spectrum, n_visible)
    floor = weight_var * unseen
    expected = floor + test_loss(
        seen, n, t, ridge, weight_var=weight_var, noise_var=noise_var + floor, feature_var=feature_var
    )
    found = truncated_loss(
        spectrum, n_visible, n, t, ridge, weight_var=weight_var, noise_var=noise_var, feature_var=feature_var
    )
    assert found == pytest.approx(expected, rel=1e-9, abs=0)


@settings(max_examples=40)
@given(spectra, sizes, sizes, ridges, variances, variances, positive)
def test_with_all_latents_in_sight_the_loss_is_that_of_the_theory(
    spectrum, n, t, ridge, weight_var, noise_var, feature_var
):
    variance = {"weight_var": weight_var, "noise_var": noise_var, "feature_var": feature_var}
    found = truncated_loss(spectrum, spectrum.n_latent, n, t, ridge, **variance)
    assert found == pytest.approx(test_loss(spectrum, n, t, ridge, **variance), rel=1e-11, abs=0)


@settings(max_examples=30)
@given(power_laws, visible_shares, sizes, sizes, ridges, variances)
def test_a_power_law_and_the_list_of_its_eigenvalues_have_the_same_losses(spectrum, share, n, t, ridge, noise_var):
    n_visible, listed = visible_part(spectrum, share), Empirical(spectrum.eigenvalues[::-1])
    losses = [truncated_loss(s, n_visible, n, t, ridge, noise_var=noise_var) for s in (spectrum, listed)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-9, abs=0)
    one, other = (plateau_levels(s, n, t, ridge, n_visible=n_visible, noise_var=noise_var) for s in (spectrum, listed))
    assert one == pytest.approx(other, rel=1e-9, abs=0)


@pytest.mark.parametrize(("spectrum", "n_visible"), [(PART, 20), (LONG, 100), (PowerLaw(0.3, 10**15, 3.0), 1000)])
def test_without_ridge_large_sizes_leave_the_unseen_part_times_its_inflation(spectrum, n_visible):
    t = n_visible * np.array([2, 5, 100, 10**6])
    floor = 0.7 * spectrum.tail(n_visible)
    for n in (n_visible + 1, 3 * n_visible, 10**15):
        loss = truncated_loss(spectrum, n_visible, n, t, weight_var=0.7)
        assert_allclose(loss, floor * (1 + n_visible / (t - n_visible)), rtol=1e-11)
        noisy = truncated_loss(spectrum, n_visible, n, t, weight_var=0.7, noise_var=0.3)
        assert_allclose(noisy - loss, 0.3 * n_visible / (t - n_visible), rtol=1e-9)
    assert loss[-1] == pytest.approx(floor, rel=2e-6)


@pytest.mark.parametrize("feature_var", [1e-3, 0.5, 40.0])
def test_the_variance_of_the_features_only_sets_the_unit_of_the_ridge(feature_var):
    n, t, ridge = np.array([[5], [30], [300]]), np.array([7, 30, 60, 500]), np.array([0, 1e-4, 0.1])[:, None, None]
    finite = ~((n == t) & (ridge == 0))
    n, t, ridge = (np.broadcast_to(x, finite.shape)[finite] for x in (n, t, ridge))
    other, noise = (n, t, feature_var * ridge), {"noise_var": 0.2}
    assert_allclose(
        truncated_loss(PART, 40, *other, **noise, feature_var=feature_var),
        truncated_loss(PART, 40, n, t, ridge, **noise),
        rtol=1e-11,
    )
    expected = plateau_levels(PART, n, t, ridge, n_visible=40, **noise)
    assert_allclose(plateau_levels(PART, *other, n_visible=40, **noise, feature_var=feature_var), expected, rtol=1e-11)
    assert_array_equal(
        diagnose(PART, *other, n_visible=40, **noise, feature_var=feature_var),
        diagnose(PART, n, t, ridge, n_visible=40, **noise),
    )


# ----------------------------------------------------------------------------------------------------- floors and parts


def test_parts_add_up_to_the_loss_and_the_signal_part_stays_above_every_floor():
    rng, signals = np.random.default_rng(3), []
    for _ in range(40):
        spectrum, setting, options = random_settings(rng, 75)
        levels = plateau_levels(spectrum, *setting, **options)
        n_visible = options.pop("n_visible")
        assert_allclose(levels.test_loss, truncated_loss(spectrum, n_visible, *setting, **options), rtol=1e-11)
        assert all((level >= 0).all() for level in levels)
        for name in FLOORS:
            assert (levels.signal >= getattr(levels, name) * (1 - 1e-10)).all(), name
        signals.extend(levels.signal)
    assert len(signals) == 3000
    assert np.isinf(signals).any()


def test_the_whole_loss_is_the_sum_of_signal_noise_and_unseen_latents():
    assert PlateauLevels._fields == (*FLOORS, "noise", "unseen", "signal")
    assert PlateauLevels(100.0, 200.0, 400.0, 1.0, 2.0, 4.0).test_loss == 7.0


@given(spectra, visible_shares, sizes, sizes, ridges, variances, positive)
def test_each_floor_is_the_limit_it_is_said_to_be(spectrum, share, n, t, ridge, weight_var, feature_var):
    n_visible, variance = visible_part(spectrum, share), {"weight_var": weight_var, "feature_var": feature_var}
    seen, plenty = hidden(spectrum, n_visible)[0], 1e13
    levels = plateau_levels(spectrum, n, t, ridge, n_visible=n_visible, noise_var=0.1, **variance)
    for name, size in (("features", n), ("samples", t)):
        limit = decompose(seen, size, 1e15, 0, **variance).signal
        assert getattr(levels, name) == pytest.approx(limit, rel=1e-9, abs=0), name
    limit = decompose(seen, plenty, plenty, ridge / (n * t) * plenty**2, **variance).signal
    assert levels.ridge == pytest.approx(limit, rel=1e-9, abs=0)


@pytest.mark.parametrize("name", FLOORS)
def test_the_signal_part_comes_down_to_each_floor(name):
    n, t, ridge = {"features": (30, 1e15, 0), "samples": (1e15, 30, 0), "ridge": (1e12, 1e12, 1e20)}[name]
    levels = plateau_levels(PART, n, t, ridge, n_visible=150, weight_var=3.0)
    assert getattr(levels, name) == pytest.approx(levels.signal, rel=1e-9)
    assert levels.signal > 0.01
    assert sum(getattr(levels, other) for other in FLOORS) == pytest.approx(levels.signal, rel=1e-9)


@pytest.mark.parametrize("size", [1, 7.5, 40, 99])
def test_floors_have_their_closed_forms(size):
    eigenvalues = PART.eigenvalues[:100]
    delta = brentq(lambda d: np.sum(eigenvalues / (eigenvalues + d)) - size, 1e-12, 100, xtol=1e-300)
    for name, n, t in (("features", size, 60), ("samples", 60, size)):
        levels = plateau_levels(PART, n, t, 0.1, n_visible=100, weight_var=2.0)
        assert getattr(levels, name) == pytest.approx(2 * size * delta, rel=1e-9)
    delta = 0.1 * 200 / (0.3 * size * 60)
    levels = plateau_levels(PART, size, 60, 0.1, n_visible=100, weight_var=2.0, feature_var=0.3)
    assert levels.ridge == pytest.approx(2 * np.sum(eigenvalues * (delta / (eigenvalues + delta)) ** 2), rel=1e-11)


@pytest.mark.parametrize("n_visible", [None, 50, 200])
def test_sizes_beyond_the_visible_latents_and_no_ridge_have_no_floor(n_visible):
    rank = n_visible or 200
    levels = plateau_levels(PART, [rank, rank + 1, 1e15], [10 * rank, rank + 1, 1e15], n_visible=n_visible)
    for level in levels[:3]:
        assert_array_equal(level, 0)
    assert_array_equal(levels.signal, 0)


@settings(max_examples=30)
@given(spectra, visible_shares, sizes, sizes, ridges, positive, positive, positive)
def test_variances_of_teacher_and_noise_scale_their_own_levels(spectrum, share, n, t, ridge, weight, noise, factor):
    def levels(**variance):
        found = plateau_levels(spectrum, n, t, ridge, n_visible=visible_part(spectrum, share), **variance)
        return np.array([*found[:3], found.unseen, found.signal]), found.noise

    of_teacher, of_noise = levels(weight_var=weight, noise_var=noise)
    teacher_alone, no_noise = levels(weight_var=factor * weight)
    no_teacher, noise_alone = levels(weight_var=0, noise_var=factor * noise)
    assert_allclose(teacher_alone, factor * of_teacher, rtol=1e-13)
    assert noise_alone == pytest.approx(factor * of_noise, rel=1e-13)
    assert no_noise == 0
    assert_array_equal(no_teacher, 0)


@settings(max_examples=30)
@given(spectra, sizes, sizes, ridges)
def test_features_and_samples_are_dual(spectrum, n, t, ridge):
    one, other = plateau_levels(spectrum, [n, t], [t, n], ridge), plateau_levels(spectrum, [t, n], [n, t], ridge)
    assert_array_equal(one.features, other.samples)
    assert_allclose([one.ridge, one.signal], [other.ridge, other.signal], rtol=1e-12)


@given(spectra, visible_shares, sizes, sizes, ridges, positive)
def test_noise_and_unseen_latents_are_inflated_alike(spectrum, share, n, t, ridge, noise_var):
    n_visible = visible_part(spectrum, share)
    levels = plateau_levels(spectrum, n, t, ridge, n_visible=n_visible, weight_var=0.5, noise_var=noise_var)
    floor = 0.5 * hidden(spectrum, n_visible)[1]
    expected = floor * (1 + levels.noise / noise_var) if floor else 0
    assert levels.unseen == pytest.approx(expected, rel=1e-9, abs=0)


def test_the_default_sees_all_latents():
    for function in (plateau_levels, diagnose):
        assert_array_equal(function(PART, 30, [20, 500], 0.1), function(PART, 30, [20, 500], 0.1, n_visible=200))
    assert plateau_levels(PART, 30, 20, 0.1).unseen == 0


# ------------------------------------------------------------------------------------------------------------ diagnosis

CAUSES = [
    ("features", LONG, (10, 1e6, 0), {}),
    ("features", LONG, (10, 1e6, 0), {"noise_var": 1.0}),
    ("features", LONG, (10, 1e6, 0), {"n_visible": 10**4}),
    ("samples", LONG, (1e6, 10, 0), {}),
    ("samples", LONG, (1e5, 10, 1e-4), {"noise_var": 1e-3}),
    ("ridge", LONG, (1e5, 1e5, 100), {}),  # Delta = 0.01: about a dozen modes are resolved
    ("ridge", LONG, (1e5, 1e5, 1.0), {"feature_var": 0.01}),
    ("ridge", PowerLaw(0.1, 30), (2, 2, 0.75), {}),  # half of it would be worse, but no noise calls for it
    ("label noise", LONG, (100, 200, 0), {"noise_var": 10.0}),
    ("label noise", PART, (300, 1e6, 0), {"noise_var": 1e-9}),  # nothing else is left
    ("unseen latents", LONG, (1000, 1e4, 0), {"n_visible": 10}),
    ("unseen latents", LONG, (1000, 1e4, 0), {"n_visible": 10, "noise_var": 0.01}),
    ("variance", LONG, (100, 105, 0), {}),
    ("variance", LONG, (100, 100, 1e-12), {}),
    ("variance", PART, (200, 200, 0), {}),  # at the rank no floor is left, but the loss is not zero
    ("resolved", PART, (201, 300, 0), {}),
    ("resolved", LONG, (10, 20, 0.1), {"weight_var": 0}),
    ("resolved", LONG, (10, 20, 0.1), {"weight_var": 0, "n_visible": 5}),
]


@pytest.mark.parametrize(("cause", "spectrum", "setting", "options"), CAUSES)
def test_the_cause_is_named_where_there_is_one(cause, spectrum, setting, options):
    assert diagnose(spectrum, *setting, **options) == cause


def cause_of(features, samples, ridge, noise, unseen, signal, signal_at_half, loss_at_half):
    """The diagnosis, spelled out for a single setting."""
    parts = {"signal": signal, "label noise": noise, "unseen latents": unseen}
    floors = {"features": features, "samples": samples, "ridge": ridge}
    largest = max(parts, key=parts.get)
    if parts[largest] == 0:
        return "resolved"
    if largest != "signal":
        return largest
    blamed = "variance" if signal > 2 * sum(floors.values()) else max(floors, key=floors.get)
    if blamed == "ridge" and signal_at_half < signal and loss_at_half >= signal + noise + unseen:
        return "label noise" if noise >= unseen else "unseen latents"
    return blamed


def test_the_diagnosis_agrees_with_the_levels():
    rng, seen = np.random.default_rng(8), set()
    for _ in range(40):
        spectrum, (n, t, ridge), options = random_settings(rng, 50)
        levels = plateau_levels(spectrum, n, t, ridge, **options)
        half = plateau_levels(spectrum, n, t, ridge / 2, **options)
        expected = [cause_of(*entry) for entry in np.transpose([*levels, half.signal, half.test_loss])]
        assert diagnose(spectrum, n, t, ridge, **options).tolist() == expected
        seen.update(expected)
    assert seen == set(REGIMES)


def test_a_ridge_is_blamed_unless_noise_calls_for_it():
    ridge = optimal_ridge(LONG, 1e8, 1e5, noise_var=0.1)
    found = diagnose(LONG, 1e8, 1e5, ridge * np.array([1, 100]), noise_var=0.1)
    assert found.tolist() == ["label noise", "ridge"]
    few = PowerLaw(0.1, 30)
    assert diagnose(few, 2, 2, 0.75) == diagnose(few, 2, 2, 0.75, noise_var=1e-40) == "ridge"
    assert diagnose(Empirical([1.0, 0.1]), 1.02, 1.02, 0.02, n_visible=1) == "variance"


def test_variance_is_to_blame_above_twice_the_sum_of_the_floors():
    def excess(t):
        levels = plateau_levels(LONG, 100, t)
        return levels.features / (1 - 100 / t) - 2 * (levels.features + levels.samples)

    boundary = brentq(excess, 100.1, 200, xtol=1e-12)
    assert diagnose(LONG, 100, boundary * np.array([1 - 1e-6, 1 + 1e-6])).tolist() == ["variance", "features"]
    assert diagnose(LONG, boundary * np.array([1 - 1e-6, 1 + 1e-6]), 100).tolist() == ["variance", "samples"]


@pytest.mark.parametrize("alpha", [0.1, 0.5, 1.0, 2.0])
def test_with_the_best_ridge_the_variance_is_never_to_blame_up_to_alpha_two(alpha):
    law, ratio = PowerLaw(alpha, 10**15), np.geomspace(1e-3, 1e3, 61)
    n, t = 1e5 * ratio**0.5, 1e5 / ratio**0.5
    ridge = optimal_ridge(law, n, t)
    levels = plateau_levels(law, n, t, ridge)
    assert (levels.signal < 1.31 * (levels.features + levels.samples + levels.ridge)).all()
    assert (diagnose(law, n, t, ridge) != "variance").all()


def test_a_ridge_that_noise_calls_for_is_not_to_blame():
    spectrum, n, t = PowerLaw(0.3, 10**6), 1e8, 1e4
    tuned = optimal_ridge(spectrum, n, t, noise_var=10.0)

    def cost_of_the_whole(factor):
        half, whole = test_loss(spectrum, n, t, factor * tuned * np.array([0.5, 1]), noise_var=10.0)
        return whole - half

    levels = plateau_levels(spectrum, n, t, tuned, noise_var=10.0)
    assert levels.ridge > max(levels.features, levels.samples)
    assert levels.signal > levels.noise
    boundary = tuned * brentq(cost_of_the_whole, 1, 2, xtol=1e-9)  # half of it is just as good
    ridges = np.array([tuned, 0.999 * boundary, 1.001 * boundary, 3 * tuned])
    assert diagnose(spectrum, n, t, ridges, noise_var=10.0).tolist() == ["label noise"] * 2 + ["ridge"] * 2
    assert diagnose(spectrum, n, t, ridges).tolist() == ["ridge"] * 4


def test_every_regime_has_one_name():
    assert {cause for cause, *_ in CAUSES} == set(REGIMES)
    assert len(set(REGIMES)) == len(REGIMES) == 7


# --------------------------------------------------------------------------------------- shapes, corners, bad arguments


@pytest.mark.parametrize(
    ("spectrum", "n_visible", "size"), [(PART, 200, 30), (PART, 50, 30), (LONG, 10**6, 1), (LONG, 1000, 500)]
)
def test_without_ridge_losses_at_equal_sizes_are_infinite_and_give_no_warning(spectrum, n_visible, size):
    setting, options = (size, size), {"n_visible": n_visible}
    unseen = np.inf if n_visible < spectrum.n_latent else 0
    assert truncated_loss(spectrum, n_visible, *setting) == np.inf
    assert plateau_levels(spectrum, *setting, **options)[3:] == (0, unseen, np.inf)
    assert plateau_levels(spectrum, *setting, **options, noise_var=0.1)[3:] == (np.inf, unseen, np.inf)
    assert plateau_levels(spectrum, *setting, **options, weight_var=0, noise_var=0.1)[3:] == (np.inf, 0, 0)
    assert plateau_levels(spectrum, *setting, **options, weight_var=0)[3:] == (0, 0, 0)
    assert np.isfinite(plateau_levels(spectrum, *setting, **options)[:3]).all()
    assert diagnose(spectrum, *setting, **options) == "variance"
    assert diagnose(spectrum, *setting, **options, noise_var=0.1) == "variance"
    assert diagnose(spectrum, *setting, **options, weight_var=0, noise_var=0.1) == "label noise"
    assert diagnose(spectrum, *setting, **options, weight_var=0) == "resolved"


def test_where_both_sizes_are_the_visible_latents_only_noise_diverges():
    levels = plateau_levels(PART, 200, 200)
    assert levels[:5] == (0, 0, 0, 0, 0)
    assert levels.signal == pytest.approx(test_loss(PART, 200, 200), rel=1e-12)
    assert 0 < levels.signal < 1
    levels = plateau_levels(PART, 50, 50, n_visible=50)
    assert levels[:5] == (0, 0, 0, 0, np.inf)
    assert 0 < levels.signal < 1
    assert truncated_loss(PART, 50, 50, 50) == np.inf
    assert diagnose(PART, 50, 50, n_visible=50) == "unseen latents"


def test_settings_broadcast_and_each_entry_is_its_own():
    n, t, ridge = np.array([[10], [300], [50]]), np.array([20, 51, 200, 400]), np.array([0, 0.1])[:, None, None]
    noise = np.array([0, 1.0])[:, None, None, None]
    shape = (2, 2, 3, 4)
    entries = [
        (setting[:3], {"noise_var": setting[3]}) for setting in np.nditer(np.broadcast_arrays(n, t, ridge, noise))
    ]
    losses = truncated_loss(PART, 40, n, t, ridge, noise_var=noise)
    assert losses.shape == shape
    assert_allclose(losses.ravel(), [truncated_loss(PART, 40, *s, **e) for s, e in entries], rtol=1e-12)
    levels = plateau_levels(PART, n, t, ridge, n_visible=40, noise_var=noise)
    assert isinstance(levels, PlateauLevels)
    assert {level.shape for level in levels} == {levels.test_loss.shape} == {shape}
    one_by_one = [plateau_levels(PART, *s, n_visible=40, **e) for s, e in entries]
    assert_allclose(np.reshape(levels, (6, -1)).T, one_by_one, rtol=1e-12)
    causes = diagnose(PART, n, t, ridge, n_visible=40, noise_var=noise)
    assert causes.shape == shape
    assert causes.ravel().tolist() == [diagnose(PART, *s, n_visible=40, **e) for s, e in entries]


def test_variances_broadcast_too():
    variances = {"weight_var": [1.0, 2.0], "noise_var": [[0.0], [1.0], [2.0]], "feature_var": np.ones((4, 1, 1))}
    assert truncated_loss(PART, 40, 10, 20, 0.1, **variances).shape == (4, 3, 2)
    assert {level.shape for level in plateau_levels(PART, 10, 20, 0.1, n_visible=40, **variances)} == {(4, 3, 2)}
    assert diagnose(PART, 10, 20, 0.1, **variances).shape == (4, 3, 2)
    for name, values in variances.items():
        alone = {name: values}
        assert truncated_loss(PART, 40, 10, 20, **alone).shape == np.shape(values)
        assert {level.shape for level in plateau_levels(PART, 10, 20, **alone)} == {np.shape(values)}


def test_scalars_give_floats_and_empty_arrays_stay_empty():
    levels = plateau_levels(PART, 10, 20, 0.1, n_visible=40, noise_var=0.1)
    assert all(isinstance(x, float) for x in (*levels, levels.test_loss, truncated_loss(PART, 40, 10, 20)))
    assert isinstance(diagnose(PART, 10, 20), str)
    assert truncated_loss(PART, 40, [], 10).shape == diagnose(PART, [], 10).shape == (0,)
    assert {level.shape for level in plateau_levels(PART, [], 10)} == {(0,)}


@pytest.mark.parametrize("n_latent", [1, 65, 10**15])
@pytest.mark.parametrize("alpha", [0.01, 5.0])
def test_extreme_settings_give_no_warning_no_nan_and_nothing_negative(alpha, n_latent):
    spectrum, size = PowerLaw(alpha, n_latent, 1e-3), np.array([1, 1.5, 64, 65, 1e7, 1e15])
    ridge = np.array([0, 1e-200, 1e-20, 1, 1e60])[:, None, None]
    for n_visible in {1, n_latent // 2 or 1, n_latent}:
        for variance in ({"noise_var": 1e60}, {"weight_var": 0, "noise_var": 0.1}, {"weight_var": 1e60}):
            levels = plateau_levels(spectrum, size, size[:, None], ridge, n_visible=n_visible, **variance)
            assert not np.isnan(levels).any()
            assert (np.array(levels) >= 0).all()
            assert (np.max(levels[:3], axis=0) <= levels.signal * (1 + 1e-9)).all()
            loss = truncated_loss(spectrum, n_visible, size, size[:, None], ridge, **variance)
            assert_allclose(levels.test_loss, loss, rtol=1e-10)
            causes = diagnose(spectrum, size, size[:, None], ridge, n_visible=n_visible, **variance)
            assert np.isin(causes, REGIMES).all()


NOT_REAL = [np.nan, np.inf, -np.inf, "1", 1j, None, [1.0, np.nan]]
NOT_COUNTS = [-1, 2.5, np.nan, np.inf, "5", 1j, True, [3]]
BAD = {
    "spectrum": [None, 1.0, [1.0, 0.5], PowerLaw],
    "n_visible": [0, 201, *NOT_COUNTS],
    **{name: [0, 0.99, -1, 1.01e15, [5, 0], *NOT_REAL] for name in ("n_features", "n_samples")},
    **{name: [-1e-300, 1.1e60, [0.0, -1.0], *NOT_REAL] for name in ("ridge", "weight_var", "noise_var")},
    "feature_var": [0, -1.0, 1e-61, 1.1e60, [1.0, 0.0], *NOT_REAL],
}
GOOD = {"spectrum": PART, "n_visible": 40, "n_features": 10, "n_samples": 20, "ridge": 0.1}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("function", [truncated_loss, plateau_levels, diagnose])
def test_a_bad_argument_is_refused_by_name(function, name):
    assert set(inspect.signature(function).parameters) == set(BAD)
    for bad in [*BAD[name], *([None] if function is truncated_loss and name == "n_visible" else [])]:
        with pytest.raises(ValueError, match=f"^{name} must be"):
            function(**{**GOOD, name: bad})
        if name not in ("spectrum", "n_visible"):
            with pytest.raises(ValueError, match=f"^{name} must be"):
                function(**{**GOOD, "n_visible": 200, name: bad})


@pytest.mark.parametrize("function", [plateau_levels, diagnose])
def test_what_is_not_a_spectrum_is_refused_whether_or_not_latents_are_hidden(function):
    for bad in BAD["spectrum"]:
        for options in ({}, {"n_visible": None}, {"n_visible": 1}):
            with pytest.raises(ValueError, match=r"^spectrum must be"):
                function(bad, 10, 20, **options)


# ----------------------------------------------------------------------------------------------- first and last latents


@given(spectra, visible_shares)
def test_the_first_latents_and_the_rest_make_the_spectrum(spectrum, share):
    n_visible, values = visible_part(spectrum, share), spectrum.eigenvalues
    head = spectrum.head(n_visible)
    assert type(head) is type(spectrum)
    assert head.n_latent == n_visible
    assert_array_equal(head.eigenvalues, values[:n_visible])
    assert spectrum.tail(n_visible) == pytest.approx(fsum(values[n_visible:]), rel=1e-9, abs=1e-13 * spectrum.trace)
    assert head.trace == pytest.approx(fsum(values[:n_visible]), rel=1e-12)
    assert head.trace + spectrum.tail(n_visible) == pytest.approx(spectrum.trace, rel=1e-13)
    assert spectrum.trace == spectrum.tail(0)
    assert spectrum.tail(spectrum.n_latent) == 0
    assert isinstance(spectrum.tail(n_visible), float)


def test_the_first_latents_of_a_list_are_those_of_largest_variance():
    spectrum = Empirical([1.0, 0.0, 4.0, 2.0])
    assert spectrum.head(2).eigenvalues.tolist() == [4.0, 2.0]
    assert (spectrum.head(4).rank, spectrum.head(4).n_latent) == (3, 4)
    assert [spectrum.tail(k) for k in range(5)] == [7.0, 3.0, 1.0, 0.0, 0.0]


@pytest.mark.parametrize("n_visible", [1, 64, 10**6, 1e9, 10**14, 10**15])
@pytest.mark.parametrize("alpha", [0.05, 1.0, 5.0])
def test_1e15_latents_can_be_split_anywhere(alpha, n_visible):
    spectrum = PowerLaw(alpha, 10**15, 2.0)
    assert spectrum.head(n_visible) == PowerLaw(alpha, int(n_visible), 2.0)
    assert spectrum.head(n_visible).trace + spectrum.tail(n_visible) == pytest.approx(spectrum.trace, rel=1e-13)


@pytest.mark.parametrize("n_visible", [0, 1, 64, 10**6, 10**9, 10**14])
def test_tails_of_1e15_latents_are_polygamma_functions(n_visible):
    for alpha, scale in ((1, 3.0), (2, 0.5), (3, 1.0)):
        beyond = polygamma(alpha, n_visible + 1.0) - polygamma(alpha, 1e15 + 1)
        expected = scale * (-1) ** (alpha + 1) * beyond / [1, 1, 2, 6][alpha]
        assert PowerLaw(alpha, 10**15, scale).tail(n_visible) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("spectrum", [PART, Empirical(PART.eigenvalues)], ids=["power law", "list"])
@pytest.mark.parametrize(("method", "least"), [("head", 1), ("tail", 0)])
def test_a_bad_number_of_visible_latents_is_refused_by_name(spectrum, method, least):
    for bad in (least - 1, 201, None, *NOT_COUNTS):
        with pytest.raises(ValueError, match=f"^n_visible must be a whole number from {least} to 200; got"):
            getattr(spectrum, method)(bad)


def test_what_is_not_a_spectrum_is_refused_by_its_type():
    assert check_spectrum(PART) is PART
    with pytest.raises(ValueError, match=r"^spectrum must be a PowerLaw or an Empirical; got list$"):
        check_spectrum([1.0, 0.5])
