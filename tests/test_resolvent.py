"""Eigenvalue densities, resolvents, edges."""

import inspect
import json
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad
from scipy.optimize import minimize_scalar

from scaling_laws.diagrams import wick_moment
from scaling_laws.resolvent import (
    marchenko_pastur_density,
    sample_covariance_density,
    sample_covariance_edges,
    spectral_density,
    spectral_edges,
    stieltjes,
)
from scaling_laws.spectra import Empirical, PowerLaw
from scaling_laws.theory import decompose, solve_delta

SCIKIT_RMT = json.loads((Path(__file__).parent / "data" / "marchenko_pastur.json").read_text())
RATIOS = [0.01, 0.3, 0.9, 1.0, 1.1, 4.0, 100.0]
NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)

PART = PowerLaw(0.7, 200)
LEVELS = Empirical(np.repeat([4.0, 1.0, 0.1], [10, 20, 30]))
PADDED = Empirical([*np.repeat([5.0, 1.0], [3, 30]), *np.zeros(12)])
# Sizes on every side of the rank, fractions, and the rank itself
SETTINGS = [
    (PART, 30, 50),
    (PART, 300, 60),
    (PART, 400, 700),
    (PART, 17.25, 29.5),
    (LEVELS, 25, 40),
    (LEVELS, 500, 800),
    (LEVELS, 60.5, 61),
    (PADDED, 20, 90),
    (PADDED, 90, 200),
    (PowerLaw(1.0, 10**6), 40, 60),
    (PowerLaw(0.1, 10**15), 40, 60),
    (PowerLaw(3.0, 10**15), 40, 60),
    (PowerLaw(0.01, 3), 1.5, 2),
]
HARD = [(PART, 60, 60), (PART, 200, 200), (PART, 200, 500), (PART, 500, 200), (PADDED, 33, 400), (LEVELS, 60, 60)]
NAMES = [f"{type(spectrum).__name__}-{spectrum.n_latent:.0e}-{n}-{t}" for spectrum, n, t in SETTINGS]


@cache
def model(spectrum, n, t, **variance):
    """Density and edges of the full model, and what the number of eigenvalues is counted in."""
    edges = spectral_edges(spectrum, n, t, **variance)
    return lambda eigenvalue: spectral_density(eigenvalue, spectrum, n, t, **variance), edges, n


@cache
def sample_covariance(spectrum, t):
    """The same for a sample covariance."""
    edges = sample_covariance_edges(spectrum, t)
    return lambda eigenvalue: sample_covariance_density(eigenvalue, spectrum, t), edges, spectrum.n_latent


def white(size):
    return Empirical(np.ones(size))


def masses(density, bands):
    """Integrals over bands, in an angle that takes away the roots at their ends and the pole at 0 of a hard edge.

    Panels are halved until that no longer changes their integral: gaps that are about to open leave cusps.
    """
    low, high = np.asarray(bands, float).T
    log_width, soft = np.log(high / np.where(low > 0, low, 1)), low > 0

    def panel(band, start, stop):
        angle = start[:, None] + (stop - start)[:, None] * (1 + NODES) / 2
        sine, cosine, width, top = np.sin(angle), np.cos(angle), log_width[band, None], high[band, None]
        eigenvalue = top * np.where(soft[band, None], np.exp(-width * cosine**2), sine**6)
        slope = eigenvalue * np.where(soft[band, None], 2 * width * sine, 6 / sine) * cosine
        return (stop - start) / 2 * (slope * density(eigenvalue) @ WEIGHTS)

    total, band = np.zeros(len(low)), np.arange(len(low))
    start, stop = 0.0 * band, 0 * band + np.pi / 2
    whole = first = panel(band, start, stop)
    while band.size:
        middle = (start + stop) / 2
        ends = np.append(start, middle), np.append(middle, stop)
        halves = panel(np.tile(band, 2), *ends).reshape(2, -1)
        wrong = np.abs(halves.sum(axis=0) - whole)
        go_on = (wrong > 1e-9 * np.abs(whole)) & (wrong > 1e-11 * first[band]) & (stop - start > 1e-5)
        np.add.at(total, band[~go_on], halves.sum(axis=0)[~go_on])
        start, stop = (end.reshape(2, -1)[:, go_on].ravel() for end in ends)
        whole, band = halves[:, go_on].ravel(), np.tile(band[go_on], 2)
    return total


def clipped(bands, low, high):
    """The parts of the bands between two eigenvalues."""
    parts = np.clip(bands, low, high)
    return parts[parts[:, 1] > parts[:, 0]]


def inside(bands, n_points=9):
    """Points in every band, the ends left out."""
    shares = (np.arange(n_points) + 0.5) / n_points
    low = np.where(bands[:, 0] > 0, bands[:, 0], 1e-3 * bands[:, 1])
    return (low * (bands[:, 1] / low) ** shares[:, None]).T.ravel()


def gaps(bands):
    """The intervals between the bands."""
    return np.column_stack([bands[:-1, 1], bands[1:, 0]])


def simulated(spectrum, n, t, n_trials, rng, *, is_complex=True):
    """Eigenvalues of the feature matrix, zeros included. For complex entries the first correction is 1/N^2, not 1/N."""

    def gaussian(*shape):
        real = rng.standard_normal(shape)
        return (real + 1j * rng.standard_normal(shape)) / np.sqrt(2) if is_complex else real

    trials = np.zeros((n_trials, n))
    for trial in trials:
        x = gaussian(t, spectrum.n_latent) * np.sqrt(spectrum.eigenvalues)
        u = gaussian(n, spectrum.n_latent) / np.sqrt(spectrum.n_latent)
        trial[: min(n, t)] = np.linalg.svd(x @ u.T, compute_uv=False) ** 2
    return trials


# ----------------------------------------------------------------------------------------------- one random matrix


@pytest.mark.parametrize("row", SCIKIT_RMT, ids=[f"ratio {row['ratio']}" for row in SCIKIT_RMT])
def test_the_density_of_white_data_is_scikit_rmts(row):
    found = marchenko_pastur_density(row["eigenvalue"], row["ratio"])
    assert_allclose(found, row["pdf"], rtol=1e-12, atol=0)
    assert np.count_nonzero(found) == 13
    edges = sample_covariance_edges(white(900), 900 / row["ratio"])
    assert_allclose(edges, [[row["lambda_minus"], row["lambda_plus"]]], rtol=1e-12, atol=0)


@pytest.mark.parametrize("ratio", RATIOS)
def test_the_density_of_white_data_has_mass_mean_and_variance_of_its_law(ratio):
    def integral(power):
        def integrand(angle):
            eigenvalue = 1 + ratio - 2 * np.sqrt(ratio) * np.cos(angle)
            return eigenvalue**power * marchenko_pastur_density(eigenvalue, ratio) * 2 * np.sqrt(ratio) * np.sin(angle)

        return quad(integrand, 0, np.pi, epsabs=0, epsrel=1e-12, limit=500)[0]

    assert integral(0) == pytest.approx(min(1, 1 / ratio), rel=1e-11)
    assert integral(1) == pytest.approx(1, rel=1e-11)
    assert integral(2) == pytest.approx(1 + ratio, rel=1e-11)


def test_the_density_of_white_data_is_infinite_at_zero_only_for_as_many_samples_as_dimensions():
    assert_array_equal(marchenko_pastur_density(0.0, [0.5, 1.0, 2.0]), [0, np.inf, 0])
    assert marchenko_pastur_density([[0.5], [1.0]], [0.5, 1.0, 2.0]).shape == (2, 3)
    assert isinstance(marchenko_pastur_density(1.0, 0.5), float)


@pytest.mark.parametrize("ratio", RATIOS)
def test_a_sample_covariance_of_white_data_follows_marchenko_and_pastur(ratio):
    edges = sample_covariance_edges(white(100), 100 / ratio)
    assert_allclose(edges, [[(1 - np.sqrt(ratio)) ** 2, (1 + np.sqrt(ratio)) ** 2]], rtol=1e-12, atol=0)
    eigenvalue = inside(edges, 40)
    found = sample_covariance_density(eigenvalue, white(100), 100 / ratio)
    assert_allclose(found, marchenko_pastur_density(eigenvalue, ratio), rtol=1e-11)


@pytest.mark.parametrize("t", [5, 30, 100, 199.5, 1000])
@pytest.mark.parametrize("levels", [(5.0, 1.0), (1.1, 1.0), (1e4, 1.0)])
def test_the_density_for_two_levels_is_the_root_of_a_cubic(levels, t):
    # Silverstein's equation for the companion transform s: z = -1/s + (M/T) sum of w lambda/(1 + lambda s)
    counts = np.array([20, 80])
    density, edges, m = sample_covariance(Empirical(np.repeat(levels, counts)), t)
    (one, other), (a, b) = levels, counts / t
    for z in inside(edges, 7):
        product = np.polymul([one, 1], [other, 1])
        cubic = np.polyadd(
            z * np.append(product, 0) + np.append(0, product),
            -np.append(np.polyadd(a * one * np.array([other, 1]), b * other * np.array([one, 1])), 0),
        )
        assert density(z) == pytest.approx(t / m * np.roots(cubic).imag.max() / np.pi, rel=1e-9)


def critical_values(levels, weights):
    """Silverstein and Choi: edges are z(s) = -1/s + sum w lambda/(1 + lambda s) at the real s where z'(s) = 0."""
    levels, weights = np.array(levels), np.array(weights)
    factors = [np.array([level, 1.0]) for level in levels]
    square = np.array([1.0])
    for factor in factors:
        square = np.polymul(square, np.polymul(factor, factor))
    slope = square  # times s^2: 1 - s^2 sum w lambda^2/(1 + lambda s)^2
    for factor, level, weight in zip(factors, levels, weights, strict=True):
        others = np.polydiv(square, np.polymul(factor, factor))[0]
        slope = np.polysub(slope, weight * level**2 * np.append(others, [0, 0]))
    root = np.roots(slope)
    root = root[np.abs(root.imag) < 1e-9 * np.abs(root)].real
    return np.sort(-1 / root + (weights * levels / (1 + levels * root[:, None])).sum(axis=1))


@pytest.mark.parametrize("t", [2, 7.5, 40, 59, 61, 90, 200, 3000])
@pytest.mark.parametrize(
    ("levels", "counts"),
    [((3.0, 1.0), (30, 30)), ((8.0, 2.0, 1.0), (1, 19, 40)), ((9.0, 3.0, 1.0, 0.2), (5, 10, 15, 30))],
)
def test_the_edges_of_a_sample_covariance_are_the_critical_values_of_silversteins_equation(levels, counts, t):
    edges = sample_covariance_edges(Empirical(np.repeat(levels, counts)), t)
    assert_allclose(edges.ravel(), critical_values(levels, np.array(counts) / t), rtol=1e-9)


@pytest.mark.parametrize("t", [1e6, 1e10, 1e14])
def test_with_very_many_samples_every_band_is_a_narrow_semicircle(t):
    density, bands, m = sample_covariance(PowerLaw(1.0, 10), t)
    centre, radius = bands.mean(axis=1)[:, None], np.diff(bands) / 2
    angle = np.linspace(0.3, np.pi - 0.3, 101)
    expected = 2 * np.sin(angle) / (np.pi * radius) / m
    assert_allclose(density(centre - radius * np.cos(angle)), expected, rtol=4 / np.sqrt(t) + 4e-15 * np.sqrt(t))


# --------------------------------------------------------------------------------------------------- the full model


@pytest.mark.parametrize(("n", "t"), [(30, 50), (50, 30), (50, 50), (100, 100), (100, 250), (300, 200), (77.5, 1e4)])
def test_for_white_latents_free_probability_gives_a_cubic(n, t):
    # S-transforms multiply: with y = z tr(z - C)^-1/M - 1 for the M x M matrix C with the same nonzero eigenvalues,
    # z y = M (1 + y)(N/M + y)(T/M + y). Edges are critical values of z(y).
    m = 100
    density, edges, _ = model(white(m), n, t)
    cubic = m * np.poly([-1.0, -n / m, -t / m])
    critical = np.roots(np.polysub(np.append(np.polyder(cubic), 0), cubic))  # y z'(y) = 0
    critical = critical[np.abs(critical.imag) < 1e-6].real
    values = np.polyval(cubic, critical) / np.where(critical == 0, 1, critical)
    assert_allclose(edges[0], [values[values > 0].min() if edges[0, 0] else 0, values.max()], rtol=1e-7)
    assert len(edges) == 1
    for z in inside(edges, 15):
        share = np.abs(np.roots(np.polysub(cubic, [z, 0])).imag).max() / (np.pi * z)
        assert density(z) == pytest.approx(m / n * share, rel=1e-9)


@pytest.mark.parametrize("counts", [(30, 30), (1, 200), (50, 3)])
@pytest.mark.parametrize("levels", [(3.0, 1.0), (1.2, 1.0), (1e6, 1.0)])
def test_a_gap_opens_at_the_size_where_the_slope_of_z_changes_sign(levels, counts):
    levels, counts = np.array(levels), np.array(counts)
    spectrum = Empirical(np.repeat(levels, counts))

    def least(combination):
        """Least value between the poles of a sum over f = lambda/(lambda + Delta)."""

        def value(share):
            delta = -levels[0] * (levels[1] / levels[0]) ** np.asarray(share)
            return counts @ combination(levels[:, None] / (levels[:, None] + delta.reshape(1, -1)))

        shares = np.linspace(0, 1, 3001)[1:-1]
        best = shares[np.argmin(value(shares))] + np.array([-1, 1]) / 3000.001
        return minimize_scalar(lambda share: value(share)[0], bounds=best, options={"xatol": 1e-12}).fun

    size = least(lambda f: f**2)  # slope of z: T - df2
    assert len(sample_covariance_edges(spectrum, size * (1 - 1e-5))) == 1
    assert len(sample_covariance_edges(spectrum, size * (1 + 1e-5))) == 2
    size = least(lambda f: 2 * f**2 - f)  # for N = T: (N - df1) (N + df1 - 2 df2)
    assert len(spectral_edges(spectrum, size * (1 - 1e-5), size * (1 - 1e-5))) == 1
    assert len(spectral_edges(spectrum, size * (1 + 1e-5), size * (1 + 1e-5))) == 2


@pytest.mark.parametrize("n", [1, 50, 1e6])
def test_for_equal_sizes_and_white_latents_the_spectrum_ends_at_the_growth_rate_of_the_fuss_catalan_numbers(n):
    edges = spectral_edges(white(50), n, n) if n == 50 else spectral_edges(white(1), 1, 1) * n
    assert_allclose(edges, [[0, 27 / 4 * n]], rtol=1e-12)


@pytest.mark.heavy
@pytest.mark.parametrize(("spectrum", "n", "t"), SETTINGS, ids=NAMES)
def test_bands_hold_whole_numbers_of_eigenvalues_and_all_that_are_not_zero(spectrum, n, t):
    for least, (density, bands, dimension) in (
        (min(n, t, spectrum.rank), model(spectrum, n, t)),
        (min(t, spectrum.rank), sample_covariance(spectrum, t)),
    ):
        if dimension < 1e9:  # the density per latent of 1e15 latents: see the limit of many features
            counts = dimension * masses(density, bands)
            assert (counts[1:] > 0.5).all()
            assert_allclose(counts[1:], np.round(counts[1:]), rtol=0, atol=1e-8)
            assert counts.sum() == pytest.approx(least, rel=1e-8)


@pytest.mark.parametrize(("spectrum", "n", "t"), HARD)
def test_a_spectrum_that_reaches_down_to_zero_has_all_its_mass_in_one_open_ended_band(spectrum, n, t):
    density, bands, _ = model(spectrum, n, t)
    assert bands[0, 0] == 0
    assert density(0.0) == np.inf
    assert n * masses(density, bands).sum() == pytest.approx(min(n, t, spectrum.rank), rel=1e-7)


@pytest.mark.parametrize(("spectrum", "n", "t"), SETTINGS, ids=NAMES)
def test_away_from_a_hard_edge_the_spectrum_ends_above_zero(spectrum, n, t):
    for density, bands, _ in (model(spectrum, n, t), sample_covariance(spectrum, t)):
        assert bands[0, 0] > 0
        assert_array_equal(density([-1.0, -1e-9, 0.0]), 0)


def test_the_way_the_density_grows_towards_a_hard_edge_is_known():
    m, inverse_trace = 200, np.sum(1 / PART.eigenvalues)
    mu = 1e-13 * spectral_edges(PART, 60, 60)[0, 1]
    # both brackets vanish: b^2 = -z M/Delta, at the Delta where df1 = N
    expected = np.sqrt(m / solve_delta(PART, 60, 1e15) / mu) / (60 * np.pi)
    assert spectral_density(mu, PART, 60, 60) == pytest.approx(expected, rel=1e-5)
    # one bracket vanishes with Delta: b = Delta tr(1/Lambda), and -z M = Delta b (T - M)
    expected = np.sqrt(m * inverse_trace / (300 * mu)) / (np.pi * 200)
    assert spectral_density(mu, PART, 200, 500) == pytest.approx(expected, rel=1e-5)
    assert spectral_density(mu, PART, 500, 200) == pytest.approx(expected * 200 / 500, rel=1e-5)
    # both do: -z M = Delta b^2
    expected = np.sin(np.pi / 3) * (m * inverse_trace) ** (1 / 3) * mu ** (-2 / 3) / (np.pi * 200)
    assert spectral_density(1e-12 * mu, PART, 200, 200) == pytest.approx(1e8 * expected, rel=1e-5)
    # one random matrix: -z T = Delta b
    expected = np.sqrt(200 * inverse_trace / mu) / (np.pi * 200)
    assert sample_covariance_density(mu, PART, 200) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("spectrum", "n", "t"), SETTINGS + HARD)
def test_the_density_is_positive_in_the_bands_and_only_there(spectrum, n, t):
    for density, bands, dimension in (model(spectrum, n, t), sample_covariance(spectrum, t)):
        ends = bands[bands > 0]
        scan = np.geomspace(ends[0] / 3, ends[-1] * 3, 200)
        scan = scan[np.abs(scan[:, None] / ends - 1).min(axis=1) > 1e-6]
        in_band = np.searchsorted(bands.ravel(), scan) % 2 == 1
        strength = np.pi * scan * density(scan)  # the imaginary part of (dimension - df1)/dimension
        assert 0.01 < in_band.mean() < 0.99
        assert (strength[in_band] > 1e-9 * min(n, t, spectrum.rank) / dimension).all()
        assert (strength[~in_band] < 1e-14).all()


@pytest.mark.parametrize(("spectrum", "n", "t"), SETTINGS + HARD)
def test_features_and_samples_are_dual(spectrum, n, t):
    bands = spectral_edges(spectrum, n, t)
    assert_allclose(bands, spectral_edges(spectrum, t, n), rtol=1e-10)
    eigenvalue = inside(bands)
    one, other = spectral_density(eigenvalue, spectrum, n, t), spectral_density(eigenvalue, spectrum, t, n)
    assert_allclose(n * one, t * other, rtol=1e-9)


@pytest.mark.parametrize("n", [10**6, 10**9, 10**15])
def test_duality_survives_more_features_than_latents_of_which_there_are_many(n):
    spectrum, t = PowerLaw(1.0, n), 50
    eigenvalue = inside(spectral_edges(spectrum, t, n))
    expected = t / n * spectral_density(eigenvalue, spectrum, t, n)
    assert_allclose(spectral_density(eigenvalue, spectrum, n, t), expected, rtol=1e-8)


@pytest.mark.parametrize("t", [30, 200, 450])
@pytest.mark.parametrize("n_latent", [200, 10**6, 10**15])
def test_infinitely_many_features_give_a_sample_covariance(n_latent, t):
    spectrum = PowerLaw(0.7, n_latent)
    density, bands, m = sample_covariance(spectrum, t)
    variance = m / (1e15 * t)  # phi phi^T = X^T X/T for infinitely many features
    assert_allclose(spectral_edges(spectrum, 1e15, t, feature_var=variance), bands, rtol=1e-6, atol=1e-9 * bands[0, 1])
    eigenvalue = inside(bands)
    many = spectral_density(eigenvalue, spectrum, t, 1e15, feature_var=variance)  # per sample: the dual
    assert_allclose(m * density(eigenvalue), t * many, rtol=1e-6)


@pytest.mark.parametrize(("spectrum", "n", "t"), [*SETTINGS[:7:2], *HARD[::2]])
def test_units_of_latents_and_features_are_those_of_the_spectrum(spectrum, n, t):
    density, bands, _ = model(spectrum, n, t)
    eigenvalue, expected = inside(bands), density(inside(bands))
    scaled = Empirical(1e-5 * spectrum.eigenvalues)
    for other, unit, arguments in (
        (spectrum, 300.0, {"feature_var": 300.0}),
        (spectrum, 1e-9, {"feature_var": 1e-9}),
        (scaled, 1e-5, {}),
        (scaled, 7.0, {"feature_var": 7e5}),
    ):
        density, edges, _ = model(other, n, t, **arguments)
        assert_allclose(edges, unit * bands, rtol=1e-10)
        assert_allclose(density(unit * eigenvalue), expected / unit, rtol=1e-9)
    assert_allclose(sample_covariance_edges(scaled, t), 1e-5 * sample_covariance_edges(spectrum, t), rtol=1e-10)


@pytest.mark.parametrize(("n", "t"), [(30, 50), (300, 40), (60, 60), (90, 700)])
def test_repeating_every_level_and_both_sizes_changes_only_the_unit(n, t):
    spectrum = Empirical([9.0, 5.0, 5.0, 3.0, *np.ones(56)])
    tripled = Empirical(np.repeat(spectrum.eigenvalues, 3))
    bands = spectral_edges(spectrum, n, t)
    assert_allclose(spectral_edges(tripled, 3 * n, 3 * t), 3 * bands, rtol=1e-10)
    assert_allclose(sample_covariance_edges(tripled, 3 * t), sample_covariance_edges(spectrum, t), rtol=1e-10)
    density = spectral_density(inside(bands), spectrum, n, t)
    assert_allclose(3 * spectral_density(3 * inside(bands), tripled, 3 * n, 3 * t), density, rtol=1e-9)


@pytest.mark.parametrize(("n", "t"), [(20, 90), (90, 20), (90, 200), (33, 400), (25, 25)])
def test_latents_of_zero_variance_change_only_normalisations(n, t):
    bare = Empirical(PADDED.eigenvalues[: PADDED.rank])
    share = bare.n_latent / PADDED.n_latent
    density, bands, _ = model(bare, n, t)
    padded, edges, _ = model(PADDED, n, t, feature_var=1 / share)
    assert_allclose(edges, bands, rtol=1e-12)
    assert_allclose(padded(inside(bands)), density(inside(bands)), rtol=1e-10)
    density, bands, _ = sample_covariance(bare, t)
    padded, edges, _ = sample_covariance(PADDED, t)
    assert_allclose(edges, bands, rtol=1e-12)
    assert_allclose(padded(inside(bands)), share * density(inside(bands)), rtol=1e-10)


@pytest.mark.parametrize(("m", "n", "t"), [(2000, 50, 80), (2000, 300.5, 70), (2000, 2000, 9), (600, 700, 900)])
@pytest.mark.parametrize("alpha", [0.1, 1.0, 4.0])
def test_a_power_law_agrees_with_the_list_of_its_eigenvalues(alpha, m, n, t):
    spectrum = PowerLaw(alpha, m)
    listed = Empirical(spectrum.eigenvalues)
    bands = spectral_edges(listed, n, t)
    assert_allclose(spectral_edges(spectrum, n, t), bands, rtol=1e-9)
    eigenvalue = inside(bands[[0, -1]], 6)
    found = spectral_density(eigenvalue, spectrum, n, t)
    assert_allclose(found, spectral_density(eigenvalue, listed, n, t), rtol=1e-9)


@pytest.mark.heavy
def test_a_power_law_of_a_million_latents_agrees_with_the_list_of_its_eigenvalues():
    spectrum = PowerLaw(1.0, 10**6)
    eigenvalue = inside(spectral_edges(spectrum, 100, 200), 1)[:1]
    expected = spectral_density(eigenvalue, Empirical(spectrum.eigenvalues), 100, 200)
    assert_allclose(spectral_density(eigenvalue, spectrum, 100, 200), expected, rtol=1e-9)


# ------------------------------------------------------------------------------------------------------- simulations


@cache
def trials(setting):
    """Eigenvalues of 60 random matrices, the same for every test."""
    spectrum, n, t = SIMULATED[setting]
    return simulated(spectrum, n, t, 60, np.random.default_rng(setting))


SIMULATED = [(LEVELS, 40, 120), (LEVELS, 120, 60), (LEVELS, 80, 80), (PowerLaw(0.5, 300), 60, 100)]


def z_scores(samples, expected):
    stderr = samples.std(axis=0, ddof=1) / np.sqrt(len(samples))
    return (samples.mean(axis=0) - expected) / stderr


@pytest.mark.parametrize("setting", range(3))
def test_histograms_of_simulated_eigenvalues_follow_the_density(setting):
    spectrum, n, t = SIMULATED[setting]
    density, bands, _ = model(spectrum, n, t)
    shares = np.array([0.15, 0.3, 0.5, 0.7, 0.85])
    low, high = bands[0]
    low = low if low > 0 else high / 1e4
    bins = np.sort(np.append(low * (high / low) ** shares, bands[-1, 0] + shares * np.diff(bands[-1])))
    bins = np.unique([low / 1e9, *bins, 10 * bands[-1, 1]])
    expected = [n * masses(density, clipped(bands, *ends)).sum() for ends in pairwise(bins)]
    counts = np.array([np.histogram(trial, bins)[0] for trial in trials(setting)])
    scores = z_scores(counts, expected)
    assert np.abs(scores).max() < 4
    assert 0.2 < np.mean(np.square(scores)) < 2


def test_gaps_of_the_density_are_gaps_of_simulated_matrices_with_the_same_numbers_above():
    spectrum, n, t = Empirical(np.repeat([1000.0, 30.0, 1.0], [5, 25, 120])), 200, 400
    density, bands, _ = model(spectrum, n, t)
    above = np.round([n * masses(density, bands[k:]).sum() for k in range(1, len(bands))])
    assert_array_equal(above, [30, 5])
    for trial in simulated(spectrum, n, t, 20, np.random.default_rng(7), is_complex=False):
        for (low, high), expected in zip(gaps(bands), above, strict=True):
            margin = 0.2 * (high - low)  # edges fluctuate
            assert np.count_nonzero(trial > low + margin) == np.count_nonzero(trial > high - margin) == expected


@pytest.mark.parametrize("setting", range(4))
def test_the_resolvent_of_simulated_matrices_is_the_stieltjes_transform(setting):
    spectrum, n, t = SIMULATED[setting]
    top = spectral_edges(spectrum, n, t)[-1, 1]
    z = top * np.array([0.5 + 0.5j, 0.1 + 0.1j, -0.1 + 0.02j, 0.02 + 0.05j, 1.3 + 0.3j, 0.05 - 0.1j])
    samples = (1 / (trials(setting)[:, :, None] - z)).mean(axis=1)
    expected = stieltjes(z, spectrum, n, t)
    scores = [z_scores(samples.real, expected.real), z_scores(samples.imag, expected.imag)]
    assert np.abs(scores).max() < 4
    assert 0.1 < np.mean(np.square(scores)) < 2.5


# ------------------------------------------------------------------------------------------------- complex ridges


@pytest.mark.parametrize("feature_var", [1.0, 30.0])
@pytest.mark.parametrize(("spectrum", "n", "t"), SETTINGS + HARD)
def test_at_minus_the_ridge_the_transform_is_the_trace_that_solves_the_model(spectrum, n, t, feature_var):
    ridge = np.geomspace(1e-8, 1e6, 15)
    parts = decompose(spectrum, t, n, ridge, noise_var=0.3, feature_var=feature_var)  # n and t exchanged
    found = stieltjes(-ridge, spectrum, n, t, feature_var=feature_var)
    assert (np.abs(found.imag) <= 1e-14 * found.real).all()
    # 1 - df1/N without a subtraction: the training loss over the test loss
    assert_allclose(ridge * found.real, np.sqrt(parts.train_loss / (parts.test_loss + 0.3)), rtol=1e-9)
    delta = solve_delta(spectrum, n, t, 10.0, feature_var=feature_var)
    if spectrum.n_latent < 1e9:
        df1 = np.sum(spectrum.eigenvalues / (spectrum.eigenvalues + delta))
        found = stieltjes(-10.0, spectrum, n, t, feature_var=feature_var)
        assert found.real == pytest.approx((n - df1) / (n * 10.0), rel=1e-11)


@given(
    st.builds(PowerLaw, st.floats(0.01, 5), st.floats(0, 15).map(lambda exponent: int(10**exponent))),
    st.floats(0, 6).map(lambda exponent: 10.0**exponent),
    st.floats(0, 6).map(lambda exponent: 10.0**exponent),
    st.floats(-3, 3),
    st.floats(1e-3, np.pi - 1e-3),
)
def test_the_transform_is_that_of_a_positive_measure(spectrum, n, t, exponent, angle):
    z = 10.0**exponent * n * t / spectrum.n_latent * np.exp(1j * angle)
    found, mirrored = stieltjes([z, np.conj(z)], spectrum, n, t)
    assert mirrored == np.conj(found)
    assert found.imag > 0
    assert (z * found).imag >= -1e-14 * abs(z * found)  # no negative eigenvalues
    assert abs(found) <= (1 + 1e-12) / abs(z.imag)


def contour(low, high, n_points=600):
    """Points of a circle through two real numbers, and weights for -1/(2 pi i) times the integral around it."""
    turn = np.exp(2j * np.pi * (np.arange(n_points) + 0.5) / n_points)
    return (low + high) / 2 + (high - low) / 2 * turn, -(high - low) / 2 * turn / n_points


@pytest.mark.parametrize(("spectrum", "n", "t"), [SETTINGS[k] for k in (0, 1, 2, 3, 4, 5, 7, 8, 9)] + HARD)
def test_contour_integrals_count_the_eigenvalues_inside(spectrum, n, t):
    bands = spectral_edges(spectrum, n, t)
    z, weight = contour(-0.2 * bands[-1, 1], 1.2 * bands[-1, 1])
    assert weight @ stieltjes(z, spectrum, n, t) == pytest.approx(1, abs=1e-12)  # the zero modes too
    wide = np.flatnonzero(bands[1:, 0] / bands[:-1, 1] > 1.5)  # gaps
    for (_, end), (start, _) in zip(bands[wide], bands[wide + 1], strict=True):
        z, weight = contour(np.sqrt(end * start), 1.2 * bands[-1, 1])
        count = n * weight @ stieltjes(z, spectrum, n, t)
        assert count == pytest.approx(round(count.real), abs=1e-9)
        assert 0.9 < count.real < min(n, t)


@pytest.mark.parametrize(("n", "t"), [(6, 9), (9, 6), (4, 2.5), (30, 30)])
def test_moments_of_the_transform_are_sums_of_planar_diagrams(n, t):
    eigenvalues = np.array([3.0, 1.0, 1.0, 0.5, 0.0])
    spectrum = Empirical(eigenvalues)
    z, weight = contour(-20.0 * n * t, 20.0 * n * t)
    transform = stieltjes(z, spectrum, n, t, feature_var=2.0)
    for k in range(1, 5):
        expected = wick_moment(k, n, t, eigenvalues, feature_var=2.0, planar_only=True)
        assert n * (weight * z**k) @ transform == pytest.approx(expected, rel=1e-9)
    density, bands, _ = model(spectrum, n, t, feature_var=2.0)
    first = n * masses(lambda eigenvalue: eigenvalue * density(eigenvalue), bands).sum()
    assert first == pytest.approx(n * t * 2 / 5 * 5.5, rel=1e-9)


def test_far_away_the_transform_is_that_of_its_first_moments():
    z, spectrum, n, t = 1e7 * np.exp(1j * np.arange(0.3, 6, 0.7)), Empirical([3.0, 1.0, 0.5]), 6, 4
    first, second = 4.5 * t / 3, (4.5**2 * (n + t) * t + 10.25 * n * t**2) / 9
    assert_allclose(-z * stieltjes(z, spectrum, n, t), 1 + first / z + second / z**2, rtol=1e-15)
    slope = z * (-z * stieltjes(z, spectrum, n, t) - 1)
    assert_allclose(slope, first + second / z, rtol=1e-8)


# ------------------------------------------------------------------------------------------------ anything at all

sizes = st.one_of(st.integers(1, 300), st.floats(0, 3).map(lambda exponent: 10.0**exponent))
spectra = st.one_of(
    st.builds(PowerLaw, st.floats(0.01, 5), st.floats(0, 15).map(lambda exponent: int(10**exponent))),
    st.lists(st.sampled_from([0.0, 1e-6, 0.3, 1.0, 1.1, 2.0, 50.0]), min_size=1, max_size=12)
    .filter(any)
    .map(lambda levels: Empirical(np.repeat(levels, 7))),
)


@pytest.mark.heavy
@given(spectra, sizes, sizes)
@example(PowerLaw(1.4, 1874), 1874, 1)  # the other size is the rank
@example(PowerLaw(0.72, 1885), 1885, 1185)
@example(PowerLaw(0.06, 600), 600, 600)
def test_bands_are_ordered_and_the_density_is_finite_and_positive_in_them(spectrum, n, t):
    for density, bands, _ in (model(spectrum, n, t), sample_covariance(spectrum, t)):
        ends = bands.ravel()
        assert np.isfinite(ends).all()
        assert (ends >= 0).all()
        assert (np.diff(ends) > -1e-12 * ends[1:]).all()
        found = density(inside(bands, 3))
        assert np.isfinite(found).all()
        assert (found > 0).all()
    assert len(bands) <= spectrum.rank


@pytest.mark.parametrize("distance", [1e-12, -1e-9, -1e-12])
@pytest.mark.parametrize("spectrum", [PowerLaw(1.0, 3), PowerLaw(0.3, 600)])
def test_sizes_close_to_the_rank_or_to_each_other_are_not_special(spectrum, distance):
    m = spectrum.n_latent
    for n, t in (
        (m * (1 + distance), 1.5 * m),
        (m + m * distance, m + 2 * m * distance),
        (m / 2 + m * distance, m / 2),
    ):
        bands = spectral_edges(spectrum, n, t)
        assert np.isfinite(bands).all()
        assert (bands > 0).all()
        eigenvalue = [bands[0, 0] / 2, *inside(bands[:1], 3), *inside(bands[-1:], 3)]
        density = spectral_density(eigenvalue, spectrum, n, t)
        assert np.isfinite(density).all()
        assert (density[1:] > 0).all()


def test_entries_of_an_array_are_evaluated_one_by_one():
    for density, bands, _ in (model(PART, 30, 50), model(PART, 60, 60), sample_covariance(PART, 250)):
        eigenvalue = np.append(inside(bands, 2), [-1.0, 0.0, 100.0, 1e-9])
        table = eigenvalue[: 2 * (eigenvalue.size // 2)].reshape(2, -1)
        assert_allclose(density(table).ravel(), [density(mu) for mu in table.ravel()], rtol=1e-12)
        assert density([]).shape == (0,)
        assert isinstance(density(0.1), float)
    z = np.array([[1.0, 2j, -1.0], [0.3 - 1j, 1e-3, 1e3 + 1j]])
    one_by_one = np.reshape([stieltjes(value, PART, 30, 50) for value in z.ravel()], z.shape)
    assert_allclose(stieltjes(z, PART, 30, 50), one_by_one, rtol=1e-12)
    assert isinstance(stieltjes(1j, PART, 30, 50), complex)
    assert stieltjes([], PART, 30, 50).shape == (0,)


def test_on_the_real_axis_the_transform_is_the_limit_from_above():
    mu = inside(spectral_edges(PART, 30, 50))
    transform = stieltjes(mu, PART, 30, 50)
    assert_allclose(transform.imag / np.pi, spectral_density(mu, PART, 30, 50), rtol=1e-14)
    assert_allclose(stieltjes(mu + 1e-13j * mu, PART, 30, 50), transform, rtol=1e-9)


NOT_REAL = [np.nan, np.inf, -np.inf, "1", None, 1j, [1.0, np.nan]]
BAD_SIZE = [0, 0.999, -1, 1.01e15, [5, 6], *NOT_REAL]
BAD = {
    "eigenvalue": NOT_REAL,
    "ratio": [0, -1.0, [1.0, 0.0], *NOT_REAL],
    "z": [0, 0j, [1j, 0.0], np.nan, complex(1, np.nan), complex(np.inf, 1), "1", None, ["a"]],
    "spectrum": [None, 1.0, [1.0, 2.0], np.ones(3), "PowerLaw", PowerLaw],
    "n_features": BAD_SIZE,
    "n_samples": BAD_SIZE,
    "feature_var": [0, -1.0, [1.0, 2.0], *NOT_REAL],
}
GOOD = {"eigenvalue": 0.1, "ratio": 0.5, "z": 1j, "spectrum": PART, "n_features": 10, "n_samples": 20}


@pytest.mark.parametrize(
    ("function", "name", "bad"),
    [
        (function, name, bad)
        for function in (
            marchenko_pastur_density,
            stieltjes,
            spectral_density,
            spectral_edges,
            sample_covariance_density,
            sample_covariance_edges,
        )
        for name in inspect.signature(function).parameters
        for bad in BAD[name]
    ],
)
def test_a_bad_argument_is_refused_by_name(function, name, bad):
    arguments = {name: GOOD[name] for name in inspect.signature(function).parameters if name in GOOD}
    function(**arguments)
    with pytest.raises(ValueError, match=f"^{name} must be"):
        function(**{**arguments, name: bad})


def test_bands_too_many_to_list_are_refused_by_name_but_the_density_is_known():
    spectrum = PowerLaw(1.0, 10**15)
    with pytest.raises(ValueError, match=r"^n_samples \(or n_features\) must be smaller"):
        spectral_edges(spectrum, 1e12, 1e14)
    with pytest.raises(ValueError, match=r"^n_samples \(or n_features\) must be smaller"):
        sample_covariance_edges(spectrum, 1e12)
    assert spectral_density(1e-6, spectrum, 1e12, 1e14) > 0


def test_points_may_be_whole_numbers_of_any_size_and_no_text():
    spectrum = PowerLaw(1.0, 30)
    points = np.array([1 + 1j, -(10**20)], dtype=object)
    assert_allclose(stieltjes(points, spectrum, 20, 30), stieltjes([1 + 1j, -1e20], spectrum, 20, 30))
    for bad in ("1+1j", None, [[1], [1, 2]]):
        with pytest.raises(ValueError, match=r"^z must be .*finite; got "):
            stieltjes(bad, spectrum, 20, 30)
