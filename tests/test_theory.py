"""The solution of the model."""

import inspect
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import brentq

from scaling_laws.spectra import Empirical, PowerLaw
from scaling_laws.theory import decompose, solve_delta, test_loss, train_loss

ROWS = json.loads((Path(__file__).parent / "data" / "losses.json").read_text())
SETTINGS = ("n_features", "n_samples", "ridge")
VARIANCES = ("weight_var", "noise_var", "feature_var")

spectra = st.builds(PowerLaw, st.floats(0.01, 5), st.floats(0, 15).map(lambda exponent: int(10**exponent)))
sizes = st.one_of(st.integers(1, 10**6), st.floats(0, 13).map(lambda exponent: 10.0**exponent))
ridges = st.one_of(st.just(0.0), st.floats(-20, 12).map(lambda exponent: 10.0**exponent))
PART = PowerLaw(0.7, 200)


@pytest.mark.parametrize("listed", [False, True], ids=["power law", "list"])
@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
def test_reference_rows_of_40_digit_arithmetic_are_reproduced(row, listed):
    spectrum = PowerLaw(row["alpha"], row["n_latent"], row["scale"])
    spectrum = Empirical(spectrum.eigenvalues) if listed else spectrum
    arguments = {name: row[name] for name in SETTINGS + VARIANCES}
    parts = decompose(spectrum, **arguments)
    for field in ("delta", "df1", "df2", "signal", "noise", "test_loss", "train_loss"):
        assert getattr(parts, field) == pytest.approx(row[field], rel=1e-9, abs=0), field
    assert test_loss(spectrum, **arguments) == parts.test_loss
    assert train_loss(spectrum, **arguments) == parts.train_loss
    assert solve_delta(spectrum, *(row[n] for n in SETTINGS), feature_var=row["feature_var"]) == parts.delta


@given(spectra, st.integers(1, 10**6), st.integers(1, 10**6), st.floats(1e-3, 0.9), st.floats(0.1, 10))
def test_delta_solves_its_equation(spectrum, n, t, share, feature_var):
    resolved = share * min(n, t, spectrum.rank)  # the equation backwards: from df1 to Delta to the ridge
    delta = np.exp(brentq(lambda x: spectrum.mode_sum(np.exp(x), 1, 0) - resolved, -200, 30, xtol=1e-13, rtol=1e-14))
    df1 = spectrum.mode_sum(delta, 1, 0)
    ridge = delta * (n - df1) * (t - df1) * feature_var / spectrum.n_latent
    assert solve_delta(spectrum, n, t, ridge, feature_var=feature_var) == pytest.approx(delta, rel=1e-11)


@given(spectra, sizes, sizes, ridges)
@example(PowerLaw(0.01, 10**15), 10**13, 10**13, 1e-20)
def test_features_and_samples_are_dual(spectrum, n, t, ridge):
    one, other = decompose(spectrum, n, t, ridge), decompose(spectrum, t, n, ridge)
    assert_allclose([one.delta, one.signal, one.df1], [other.delta, other.signal, other.df1], rtol=1e-12)


@given(spectra, sizes, sizes, ridges, ridges)
def test_a_larger_ridge_resolves_fewer_modes(spectrum, n, t, ridge, other):
    parts = decompose(spectrum, n, t, np.sort([ridge, other]))
    assert parts.df1[1] <= parts.df1[0] * (1 + 1e-12)
    assert parts.delta[1] >= parts.delta[0] * (1 - 1e-12)
    assert (parts.df1 <= min(n, t, spectrum.rank) * (1 + 1e-12)).all()


@given(spectra, sizes, sizes, ridges)
def test_the_parts_fit_together(spectrum, n, t, ridge):
    parts = decompose(spectrum, n, t, ridge, noise_var=0.3)
    assert parts.inflation >= 1 - 1e-12
    if np.isfinite(parts.test_loss):
        assert parts.signal == pytest.approx(parts.bias * parts.inflation, rel=1e-12)
        assert parts.test_loss == pytest.approx(parts.signal + parts.noise, rel=1e-14)
    if parts.df1 < 0.9 * t:  # generalised cross-validation, where 1 - df1/T keeps its digits
        assert parts.train_loss / (1 - parts.df1 / t) ** 2 == pytest.approx(parts.test_loss + 0.3, rel=1e-10)


@given(spectra, sizes, sizes, ridges, st.floats(1e-6, 1e6))
def test_losses_do_not_depend_on_units(spectrum, n, t, ridge, unit):
    expected = decompose(spectrum, n, t, ridge, noise_var=0.1)
    # latents in other units: eigenvalues, features squared and Delta scale alike, teacher variance inversely
    scaled = PowerLaw(spectrum.alpha, spectrum.n_latent, unit)
    latents = decompose(scaled, n, t, ridge * unit, weight_var=1 / unit, noise_var=0.1)
    features = decompose(spectrum, n, t, ridge * unit, noise_var=0.1, feature_var=unit)
    labels = decompose(spectrum, n, t, ridge, weight_var=unit, noise_var=0.1 * unit)
    for other, delta, loss in ((latents, unit, 1), (features, 1, 1), (labels, 1, unit)):
        assert_allclose(other.delta, delta * expected.delta, rtol=1e-9)
        assert_allclose(other.test_loss, loss * expected.test_loss, rtol=1e-9)
        assert_allclose(other.train_loss, loss * expected.train_loss, rtol=1e-9)


@pytest.mark.parametrize("ridge", [0.0, 1e-3])
def test_latents_of_zero_variance_change_only_the_normalisation_of_the_features(ridge):
    padded = Empirical([*PART.eigenvalues, *np.zeros(100)])
    n, t = np.array([[50], [200], [400]]), np.array([60, 200, 500])
    expected = decompose(PART, n, t, ridge)
    for found, wanted in zip(decompose(padded, n, t, ridge, feature_var=1.5), expected, strict=True):
        assert_allclose(found, wanted, rtol=1e-11)


@pytest.mark.parametrize(("n", "t"), [(50, 80), (80, 50), (7, 1000), (150, 160), (199, 10**6)])
def test_ridgeless_losses_have_their_closed_form(n, t):
    least = min(n, t)
    delta = brentq(lambda d: np.sum(PART.eigenvalues / (PART.eigenvalues + d)) - least, 1e-12, 10, xtol=1e-300)
    parts = decompose(PART, n, t, weight_var=2.5, noise_var=0.4)
    assert parts.delta == pytest.approx(delta, rel=1e-10)
    assert parts.signal == pytest.approx(2.5 * least * delta / (1 - least / max(n, t)), rel=1e-9)
    if n < t:
        assert parts.noise == pytest.approx(0.4 * n / (t - n), rel=1e-9)
        assert parts.train_loss == pytest.approx((parts.test_loss + 0.4) * (1 - n / t) ** 2, rel=1e-12)
    else:
        df2 = np.sum((PART.eigenvalues / (PART.eigenvalues + delta)) ** 2)
        assert parts.noise == pytest.approx(0.4 * (t / (n - t) + df2 / (t - df2)), rel=1e-8)
        assert parts.train_loss == 0


@pytest.mark.parametrize(("n", "t"), [(201, 250), (250, 201), (300, 300), (200, 900), (10**15, 10**15)])
def test_with_more_features_and_samples_than_latents_only_noise_is_left(n, t):
    parts = decompose(PART, n, t, noise_var=0.4)
    assert (parts.delta, parts.signal) == (0, 0)
    assert parts.noise == pytest.approx(0.4 * 200 / (t - 200), rel=1e-12)


@given(st.integers(1, 199), st.floats(0, 2))
def test_the_ridgeless_loss_diverges_where_features_and_samples_match(n, noise_var):
    assert test_loss(PART, n, n, noise_var=noise_var) == np.inf
    assert train_loss(PART, n, n, noise_var=noise_var) == 0
    assert np.isfinite(test_loss(PART, n, n, 1e-12, noise_var=noise_var))


@pytest.mark.parametrize("spectrum", [PART, Empirical([3.0, 1.0, 0.5, 0.0]), PowerLaw(1.0, 1)])
def test_the_ridgeless_corner_is_the_limit_of_small_ridges(spectrum):
    size = spectrum.rank
    inverse_trace = np.sum(1 / spectrum.eigenvalues[:size])
    corner = decompose(spectrum, size, size, weight_var=2.0)
    assert corner.test_loss == pytest.approx(2 * size**2 / (3 * inverse_trace), rel=1e-12)
    assert corner.test_loss == pytest.approx(test_loss(spectrum, size, size, 1e-22, weight_var=2.0), rel=1e-6)
    assert corner.delta == 0
    assert corner.df1 == pytest.approx(size, rel=1e-12)
    assert test_loss(spectrum, size, size, noise_var=1e-3) == np.inf


@pytest.mark.parametrize("noise_var", [0.0, 0.1])
@pytest.mark.parametrize(("n", "t"), [(200, 200), (300, 200), (200, 150), (10**15, 1), (1, 1)])
def test_an_interpolating_fit_has_exactly_no_training_loss(n, t, noise_var):
    assert train_loss(PART, n, t, noise_var=noise_var) == 0


@pytest.mark.parametrize("ridge", [1e-9, 1e-3, 1.0, 100.0])
@pytest.mark.parametrize("t", [10, 150, 1000])
def test_infinitely_many_features_give_kernel_ridge_regression(t, ridge):
    eigenvalues, n = PART.eigenvalues, 1e15  # features of n/M times the linear kernel
    delta = brentq(
        lambda d: d * (t - np.sum(eigenvalues / (eigenvalues + d))) - ridge,
        max(brentq(lambda d: np.sum(eigenvalues / (eigenvalues + d)) - t, 1e-99, 10, xtol=1e-300) if t < 200 else 0, 0),
        ridge + 10,
        xtol=1e-300,
        rtol=1e-15,
    )
    resolved = eigenvalues / (eigenvalues + delta)
    expected = (2 * np.sum(eigenvalues * (1 - resolved) ** 2) + 0.1) / (1 - np.sum(resolved**2) / t)
    parts = decompose(PART, n, t, ridge * n / 200, weight_var=2.0, noise_var=0.1)
    assert parts.delta == pytest.approx(delta, rel=1e-9)
    assert parts.test_loss + 0.1 == pytest.approx(expected, rel=1e-9)


@given(spectra, st.integers(1, 10**6), st.integers(1, 10**6))
def test_an_infinite_ridge_leaves_the_variance_of_the_teacher(spectrum, n, t):
    parts = decompose(spectrum, n, t, 1e40, weight_var=3.0, noise_var=0.2)
    assert parts.test_loss == pytest.approx(3 * spectrum.trace, rel=1e-10)
    assert parts.train_loss == pytest.approx(3 * spectrum.trace + 0.2, rel=1e-10)


@pytest.mark.parametrize("n_latent", [1, 2, 64, 65, 10**6, 10**15])
@pytest.mark.parametrize("alpha", [0.01, 0.3, 5.0])
def test_extreme_settings_give_no_warning_no_nan_and_nothing_negative(alpha, n_latent):
    size = np.array([1, 1.5, 2, 63, 64, 65, 1e3, 1e6, 1e13, 1e15])
    ridge = np.array([0, 1e-200, 1e-40, 1e-20, 1e-6, 1, 1e6, 1e12, 1e60])[:, None, None]
    for scale in (1e-12, 1.0, 1e12):
        for part in decompose(PowerLaw(alpha, n_latent, scale), size, size[:, None], ridge, noise_var=0.1):
            assert part.shape == (9, 10, 10)
            assert not np.isnan(part).any()
            assert (part >= 0).all()


@pytest.mark.parametrize("function", [solve_delta, test_loss, train_loss])
def test_arguments_broadcast_and_each_entry_is_its_own_setting(function):
    n, t, ridge = np.array([[10], [300], [50]]), np.array([20, 50, 200, 400]), np.array([0, 0.1])[:, None, None]
    values = function(PART, n, t, ridge)
    assert values.shape == (2, 3, 4)
    one_by_one = [function(PART, *setting) for setting in np.nditer([n, t, ridge])]
    assert_allclose(values.ravel(), one_by_one, rtol=1e-12)
    assert function(PART, [], 10).shape == (0,)


def test_variances_broadcast_too():
    parts = decompose(PART, 10, 20, weight_var=[1.0, 2.0], noise_var=[[0.0], [1.0], [2.0]])
    assert {part.shape for part in parts} == {(3, 2)}
    assert_array_equal(parts.noise[2], 2 * parts.noise[1])


def test_scalars_give_floats():
    values = [*decompose(PART, 10, 20, 0.1), solve_delta(PART, 10, 20), test_loss(PART, 9, 9), train_loss(PART, 9, 8)]
    assert all(isinstance(value, float) for value in values)


NOT_REAL = [np.nan, np.inf, -np.inf, "1", 1j, None, [1.0, np.nan]]
BAD = {
    **{name: [0, -1, 1.01e15, [5, 0], *NOT_REAL] for name in ("n_features", "n_samples")},
    **{name: [-1e-300, [0.0, -1.0], *NOT_REAL] for name in ("ridge", "weight_var", "noise_var")},
    "feature_var": [0, -1.0, [1.0, 0.0], *NOT_REAL],
}


@pytest.mark.parametrize(
    ("function", "name", "bad"),
    [
        (function, name, bad)
        for function in (solve_delta, decompose, test_loss, train_loss)
        for name in inspect.signature(function).parameters
        for bad in BAD.get(name, [])
    ],
)
def test_a_bad_argument_is_refused_by_name(function, name, bad):
    with pytest.raises(ValueError, match=f"^{name} must be"):
        function(PART, **{"n_features": 10, "n_samples": 20, "ridge": 0.1, name: bad})


def measured_losses(spectrum, n, t, ridge, noise_var, rng):
    """Test and training loss of one experiment, straight from their definition."""
    eigenvalues, n_latent = spectrum.eigenvalues, spectrum.n_latent
    x = rng.normal(0, np.sqrt(eigenvalues), (t, n_latent))
    w = rng.normal(0, 1, n_latent)
    u = rng.normal(0, np.sqrt(1 / n_latent), (n, n_latent))
    y = x @ w + rng.normal(0, np.sqrt(noise_var), t)
    phi = x @ u.T
    if ridge:
        theta = np.linalg.solve(phi.T @ phi + ridge * np.eye(n), phi.T @ y)
    else:
        theta = np.linalg.lstsq(phi, y)[0]
    return np.sum(eigenvalues * (w - u.T @ theta) ** 2), np.mean((phi @ theta - y) ** 2)


@pytest.mark.heavy
def test_theory_agrees_with_solving_random_instances_of_the_model():
    settings = [(60, 120, 0.0), (120, 60, 0.0), (60, 120, 0.05), (120, 60, 0.05), (100, 100, 0.02), (100, 100, 1.0)]
    scores, rng = [], np.random.default_rng(2024)
    for alpha, noise_var in ((1.0, 0.05), (0.4, 0.0), (0.4, 0.5)):
        spectrum = PowerLaw(alpha, 300)
        for n, t, ridge in settings:
            trials = np.array([measured_losses(spectrum, n, t, ridge, noise_var, rng) for _ in range(80)])
            parts = decompose(spectrum, n, t, ridge, noise_var=noise_var)
            error = trials.mean(axis=0) - [parts.test_loss, parts.train_loss]
            stderr = trials.std(axis=0, ddof=1) / np.sqrt(len(trials))
            scores.extend(error[stderr > 1e-12] / stderr[stderr > 1e-12])
    assert len(scores) == 33  # the training loss of an interpolating fit does not fluctuate
    assert np.abs(scores).max() < 4
    assert 0.4 < np.mean(np.square(scores)) < 1.8


def test_without_ridge_a_grid_has_the_deltas_of_its_settings_and_they_depend_on_the_smaller_size_alone():
    law, sizes = PowerLaw(1.0, 50), np.array([3, 10, 49, 50, 51, 400])  # N = T, and more than there are latents
    grid = solve_delta(law, sizes[:, None], sizes, 0.0)
    alone = [[solve_delta(law, n, t, 0.0) for t in sizes] for n in sizes]
    assert_allclose(grid, alone, rtol=1e-12)
    assert np.array_equal(grid, grid[np.minimum.outer(range(6), range(6)), 5])
    mixed = solve_delta(law, 10, [20, 10, 20], [0.0, 0.0, 1e-3])
    assert mixed[0] == mixed[1] < mixed[2]
