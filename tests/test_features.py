"""Random feature maps, their kernels and moments."""

from functools import partial
from itertools import combinations_with_replacement
from math import exp, factorial, lgamma, log, pi, prod, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import integrate, special, stats

from scaling_laws.eigenframework import Population
from scaling_laws.features import (
    ACTIVATIONS,
    KERNELS,
    RandomFeatures,
    arccos_kernel,
    feature_kernel,
    hermite_coefficients,
    product_spectrum,
)
from scaling_laws.spectra import Empirical, PowerLaw

FUNCTIONS = {  # the activations by other words than the library's
    "linear": lambda z: 1.0 * z,
    "relu": lambda z: (z + abs(z)) / 2,
    "erf": lambda z: 2 * special.ndtr(np.sqrt(2) * z) - 1,
    "tanh": lambda z: 1 - 2 * special.expit(-2 * z),
    "sign": lambda z: 1.0 * (z > 0) - (z < 0),
    "cos": lambda z: np.exp(1j * z).real,
    "quadratic": lambda z: z * z,
}
SMOOTH = sorted(FUNCTIONS.keys() - {"relu", "sign"})
# tanh is a series cut off; an arcsine turns a rounding error of 1e-16 at correlation 1 into one of 1e-8
TOLERANCE = dict.fromkeys(FUNCTIONS, 1e-11) | {"tanh": 1e-9, "sign": 1e-7}
VARIANCES = np.array([0.0, 0.3, 2.0, 12.0])
ANGLES = np.array([0.0, 0.4, pi / 2, 2.0, pi])  # correlations from 1 through 0 to -1
SPECTRUM = Empirical([3.0, 1.0, 0.25, 0.0])
WEIGHTS = np.random.default_rng(5).standard_normal((5, 4))

each_activation = pytest.mark.parametrize("activation", sorted(FUNCTIONS))


def legendre_panels(edges, n_nodes):
    """Nodes and weights of Gauss-Legendre quadrature between neighbouring edges."""
    node, weight = np.polynomial.legendre.leggauss(n_nodes)
    half = np.diff(edges)[:, None] / 2
    return (edges[:-1, None] + half * (1 + node)).ravel(), (half * weight).ravel()


def plane_average(function, first_var, second_var, angle):
    """E f(a) f(b) in polar coordinates, where the kinks of f lie on rays between the panels."""
    radius, radial_weight = legendre_panels(np.linspace(0, 12, 4), 40)
    rays = np.sort(np.mod(np.array([0, pi, angle, angle + pi]) + pi / 2, 2 * pi))
    turn, turn_weight = legendre_panels(np.append(rays, rays[0] + 2 * pi), 80)
    first = function(np.sqrt(first_var) * radius[:, None] * np.cos(turn))
    second = function(np.sqrt(second_var) * radius[:, None] * np.cos(turn - angle))
    density = radius * np.exp(-(radius**2) / 2) / (2 * pi)
    return (radial_weight * density) @ (first * second) @ turn_weight


def line_average(function, variance=1.0):
    """E f(a) for a centred Gaussian a."""

    def integrand(z):
        return function(sqrt(variance) * z) * np.exp(-z * z / 2) / sqrt(2 * pi)

    return integrate.quad(integrand, -14, 14, points=[0], epsabs=1e-12, limit=500)[0]


def mean_square(activation, variance):
    return line_average(lambda z: FUNCTIONS[activation](z) ** 2, variance)


def exact_coefficient(activation, p, variance):
    """Hermite coefficients in closed form, for all activations but tanh."""
    if not variance:
        return FUNCTIONS[activation](0.0) * (p == 0)
    k, odd = divmod(p, 2)
    odd_factorial = lgamma(2 * k + 1) - k * log(2) - lgamma(k + 1)  # log of 1 * 3 * ... * (2k - 1)
    size = (-1) ** k * exp(odd_factorial - lgamma(p + 1) / 2)
    match activation:
        case "linear":
            return sqrt(variance) * (p == 1)
        case "quadratic":
            return variance * ((p == 0) + sqrt(2) * (p == 2))
        case "relu":
            return sqrt(variance) * (0.5 * (p == 1) if odd else size / sqrt(2 * pi) / (1 - p))
        case "sign":
            return odd * sqrt(2 / pi) * size
        case "cos":
            return 0.0 if odd else (-1) ** k * exp(k * log(variance) - (variance + lgamma(p + 1)) / 2)
        case "erf":  # a Gaussian is its derivative
            return odd * sqrt(2 / pi) * size * (2 * variance / (1 + 2 * variance)) ** (p / 2)


def assert_average(samples, expected):
    """The mean of the samples is the expected one, within five standard errors."""
    error = abs(samples.mean(axis=0) - expected)
    assert (error <= 5 * samples.std(axis=0) / np.sqrt(len(samples)) + 1e-12).all()


def test_weights_are_gaussian_with_variance_feature_var_over_n_latent():
    weights = RandomFeatures.draw(200, 500, np.random.default_rng(0), feature_var=3.0).weights
    assert weights.shape == (200, 500)
    assert stats.kstest(weights.ravel(), stats.norm(scale=np.sqrt(3.0 / 500)).cdf).pvalue > 0.01


def test_weights_of_different_features_are_independent():
    weights = RandomFeatures.draw(50, 4000, np.random.default_rng(1)).weights
    overlap = weights @ weights.T
    assert abs(overlap - np.eye(50)).max() < 5 * np.sqrt(2 / 4000)


def test_a_linear_feature_is_a_weighted_sum_of_latents():
    rng = np.random.default_rng(2)
    features = RandomFeatures.draw(3, 4, rng)
    latents = rng.standard_normal((5, 4))
    by_hand = [[sum(features.weights[j, i] * x[i] for i in range(4)) for j in range(3)] for x in latents]
    np.testing.assert_allclose(features(latents), by_hand, rtol=1e-13)


def test_the_activation_acts_on_every_entry(monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "square", np.square)
    weights = np.array([[1.0, 2.0], [0.5, -1.0]])
    assert RandomFeatures(weights, "square")(np.array([[1.0, 1.0]])).tolist() == [[9.0, 0.25]]


@each_activation
def test_an_activation_is_the_function_of_its_name(activation):
    z = np.linspace(-3, 3, 61)
    assert_allclose(ACTIVATIONS[activation](z), FUNCTIONS[activation](z), rtol=1e-12, atol=1e-14)


def test_the_same_generator_state_draws_the_same_features():
    first, second, other = (RandomFeatures.draw(3, 4, np.random.default_rng(s)).weights for s in (0, 0, 1))
    np.testing.assert_array_equal(first, second)
    assert (first != other).all()


@pytest.mark.parametrize("name", ["n_features", "n_latent", "feature_var"])
@pytest.mark.parametrize("bad", [0, -1, np.nan, np.inf, "two", 1j, [1, 2]])
def test_a_bad_argument_of_draw_is_refused_by_name(name, bad):
    arguments = {"n_features": 3, "n_latent": 4, "feature_var": 1.0, name: bad}
    with pytest.raises(ValueError, match=name):
        RandomFeatures.draw(rng=np.random.default_rng(0), **arguments)


@pytest.mark.parametrize("weights", [1.0, np.ones(3), np.ones((2, 2, 2)), np.ones((0, 3))])
def test_weights_that_are_no_matrix_are_refused(weights):
    with pytest.raises(ValueError, match="weights"):
        RandomFeatures(weights)


def test_an_unknown_activation_is_refused_and_the_known_ones_are_listed():
    with pytest.raises(ValueError, match=r"activation must be one of .*linear.*; got 'step'"):
        RandomFeatures(np.ones((2, 2)), "step")


def test_latents_of_the_wrong_shape_are_refused_by_name():
    with pytest.raises(ValueError, match="latents"):
        RandomFeatures(np.ones((2, 3)))(np.ones((5, 4)))


@pytest.mark.heavy
@each_activation
def test_kernels_agree_with_integration_over_the_plane(activation):
    expected = [
        [[plane_average(FUNCTIONS[activation], v, w, angle) for angle in ANGLES] for w in VARIANCES] for v in VARIANCES
    ]
    deviation, tolerance = np.sqrt(VARIANCES), TOLERANCE[activation]
    first = deviation[:, None] * [1.0, 0.0]
    second = (deviation[:, None, None] * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)).reshape(-1, 2)
    kernel = feature_kernel(first, second, activation=activation, feature_var=2.0)
    assert_allclose(kernel.reshape(np.shape(expected)), expected, rtol=tolerance, atol=tolerance)
    if activation in KERNELS:
        v, w = VARIANCES[:, None, None], VARIANCES[:, None]
        kernel = KERNELS[activation](v, w, np.sqrt(v * w) * np.cos(ANGLES))
        assert_allclose(np.broadcast_to(kernel, np.shape(expected)), expected, rtol=tolerance, atol=tolerance)


@each_activation
def test_the_kernel_of_an_input_with_itself_is_the_mean_square_feature(activation):
    inputs = np.array([[0.0, 0.0, 0.0], [0.6, -0.3, 0.1], [1.0, -2.0, 2.0]])
    expected = [mean_square(activation, x @ x) for x in inputs]
    found = np.diag(feature_kernel(inputs, activation=activation, feature_var=3.0))
    assert_allclose(found, expected, rtol=TOLERANCE[activation], atol=1e-12)


def test_the_series_of_the_tanh_kernel_is_long_enough_at_every_variance():
    for variance in np.geomspace(1e-3, 18, 40):
        found = feature_kernel([[1.0]], activation="tanh", feature_var=variance)
        assert found[0, 0] == pytest.approx(mean_square("tanh", variance), rel=1e-9)


@each_activation
def test_a_kernel_matrix_is_symmetric_and_has_no_negative_eigenvalue(activation):
    inputs = np.random.default_rng(6).standard_normal((12, 3))
    inputs = np.concatenate([inputs, -inputs[:4], inputs[:2], 2 * inputs[2:4], np.zeros((1, 3))])
    kernel = feature_kernel(inputs, activation=activation, feature_var=2.0)
    assert_allclose(kernel, kernel.T, atol=1e-13)
    assert np.linalg.eigvalsh(kernel).min() > -TOLERANCE[activation] * kernel.max()


@each_activation
def test_a_kernel_between_two_sets_is_a_block_of_the_kernel_of_both(activation):
    inputs = np.random.default_rng(7).standard_normal((7, 3))
    both = feature_kernel(inputs, activation=activation, feature_var=0.7)
    block = feature_kernel(inputs[:2], inputs[2:], activation=activation, feature_var=0.7)
    assert block.shape == (2, 5)
    assert_allclose(block, both[:2, 2:], atol=1e-10)


@each_activation
def test_the_kernel_is_the_average_over_many_random_features(activation):
    inputs = np.random.default_rng(8).standard_normal((4, 3))
    features = RandomFeatures.draw(200_000, 3, np.random.default_rng(9), activation=activation, feature_var=1.5)
    feature = features(inputs).T
    kernel = feature_kernel(inputs, activation=activation, feature_var=1.5)
    assert_average(feature[:, :, None] * feature[:, None, :], kernel)


@pytest.mark.parametrize("activation", SMOOTH)
def test_a_kernel_agrees_with_gauss_hermite_quadrature(activation):
    node, weight = special.roots_hermitenorm(80)
    first, second = [0.5, -0.2], [0.1, 0.6]
    f = FUNCTIONS[activation]
    by_hand = weight @ (f(np.add.outer(0.5 * node, -0.2 * node)) * f(np.add.outer(0.1 * node, 0.6 * node))) @ weight
    found = feature_kernel([first], [second], activation=activation, feature_var=2.0)
    assert_allclose(found, [[by_hand / (2 * pi)]], rtol=1e-9)


def test_the_arccos_kernel_takes_lists_and_rounded_covariances():
    assert isinstance(arccos_kernel(1, 1, 1), float)
    assert arccos_kernel(1, 1, 1 + 1e-15) == pytest.approx(0.5, rel=1e-14)
    assert_allclose(arccos_kernel([1, 4], [[1], [1]], [0, 0]), np.array([[1, 2], [1, 2]]) / (2 * pi), rtol=1e-14)


@each_activation
def test_hermite_coefficients_agree_with_adaptive_quadrature(activation):
    def integrand(z, p, variance):
        return FUNCTIONS[activation](sqrt(variance) * z) * special.eval_hermitenorm(p, z) / sqrt(factorial(p))

    variances = (0.0, 0.5, 9.0)
    expected = [[line_average(partial(integrand, p=p, variance=v)) for p in range(8)] for v in variances]
    found = hermite_coefficients(activation, 8, variances)
    assert_allclose(found, expected, atol=1e-11)


@pytest.mark.parametrize("variance", [0.0, 0.3, 1.0, 100.0, 900.0])
@pytest.mark.parametrize("activation", sorted(FUNCTIONS.keys() - {"tanh"}))
def test_hermite_coefficients_agree_with_their_closed_form_to_high_degree(activation, variance):
    expected = [exact_coefficient(activation, p, variance) for p in range(501)]
    assert_allclose(hermite_coefficients(activation, 501, variance), expected, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("linear", [0, 1, 0, 0, 0, 0]),
        ("quadratic", [1, 0, sqrt(2), 0, 0, 0]),
        ("relu", [1 / sqrt(2 * pi), 1 / 2, 1 / (2 * sqrt(pi)), 0, -1 / sqrt(48 * pi), 0]),
        ("sign", [0, sqrt(2 / pi), 0, -1 / sqrt(3 * pi), 0, sqrt(3 / 20 / pi)]),
        ("cos", np.array([1, 0, -1 / sqrt(2), 0, 1 / sqrt(24), 0]) / sqrt(np.e)),
    ],
)
def test_the_first_hermite_coefficients_are_those_of_the_textbook(activation, expected):
    assert_allclose(hermite_coefficients(activation, 6), expected, atol=1e-13)


@pytest.mark.parametrize("variance", [0.4, 4.0])
@pytest.mark.parametrize("activation", SMOOTH)
def test_squared_hermite_coefficients_add_up_to_the_mean_square(activation, variance):
    total = np.sum(hermite_coefficients(activation, 400, variance) ** 2)
    assert total == pytest.approx(mean_square(activation, variance), rel=1e-9)


@pytest.mark.parametrize("variance", [0.0, 2.0, [1.0], [[0.0, 1.0, 2.0], [3.0, 50.0, 5.0]], np.zeros((2, 0))])
def test_hermite_coefficients_have_the_shape_of_the_variances(variance):
    found = hermite_coefficients("tanh", 5, variance)
    assert found.shape == (*np.shape(variance), 5)
    for index in np.ndindex(np.shape(variance)):
        assert_allclose(found[index], hermite_coefficients("tanh", 5, np.asarray(variance)[index]), atol=1e-13)


def test_scaling_the_input_scales_relu_coefficients_and_leaves_those_of_sign():
    one, many = ([hermite_coefficients(name, 30, v) for name in ("relu", "sign")] for v in (1.0, [0.01, 7.0, 900.0]))
    assert_allclose(many[0], np.sqrt([[0.01], [7.0], [900.0]]) * one[0], rtol=1e-11, atol=1e-12)
    assert_allclose(many[1], np.tile(one[1], (3, 1)), rtol=1e-11, atol=1e-12)


def brute_force_products(eigenvalues, degree, n_products):
    return sorted(map(prod, combinations_with_replacement(eigenvalues, degree)), reverse=True)[:n_products]


@pytest.mark.parametrize("degree", [1, 2, 3, 5])
@pytest.mark.parametrize(
    "spectrum",
    [
        PowerLaw(1.0, 9),
        PowerLaw(0.1, 12, 3.0),
        Empirical([0.3]),
        Empirical(np.ones(6)),
        Empirical([2.0, 2.0, 2.0, 1.0, 1.0, 0.5, 0.0, 0.0]),
        Empirical([1.0, 0.0, 0.0, 0.0]),
        Empirical(1 - np.arange(10) / 1000),  # flat: the largest products are made of many latents
    ],
)
def test_products_agree_with_listing_them_all(spectrum, degree):
    for n_products in (1, 2, 3, 14, 60, 400, 10**4):
        expected = brute_force_products(spectrum.eigenvalues, degree, n_products)
        assert_allclose(product_spectrum(spectrum, degree, n_products), expected, rtol=1e-13)


eigenvalue_lists = st.lists(st.sampled_from([0.0, 0.5, 0.9, 1.0, 1.1, 2.0, 3.0]) | st.floats(0.1, 10), max_size=7)


@given(eigenvalue_lists, st.integers(1, 4), st.integers(1, 200))
def test_products_of_any_spectrum_descend_and_agree_with_listing_them_all(eigenvalues, degree, n_products):
    spectrum = Empirical([*eigenvalues, 1.0])
    found = product_spectrum(spectrum, degree, n_products)
    assert (np.diff(found) <= 0).all()
    assert_allclose(found, brute_force_products(spectrum.eigenvalues, degree, n_products), rtol=1e-13)


def test_products_of_one_factor_are_the_eigenvalues():
    for spectrum in (SPECTRUM, PowerLaw(0.7, 4)):
        assert_array_equal(product_spectrum(spectrum, 1, 100), spectrum.eigenvalues)
        assert_array_equal(product_spectrum(spectrum, 1, 2), spectrum.eigenvalues[:2])


@pytest.mark.parametrize("alpha", [0.1, 1.0])
def test_products_of_two_power_law_eigenvalues_are_counted_by_the_divisor_function(alpha):
    rank = np.arange(1, 2001)
    n_divisors = np.array([np.count_nonzero(n % rank[:n] == 0) for n in rank])
    n_pairs = (np.cumsum(n_divisors) + np.floor(np.sqrt(rank))) / 2  # i <= j with ij <= n
    products = product_spectrum(PowerLaw(alpha, 10**15), 2, int(n_pairs[-1]))
    number = products ** (-1 / (1 + alpha))  # the integers ij, in ascending order
    assert_allclose(number, np.round(number), rtol=1e-12)
    assert_array_equal(np.searchsorted(np.round(number), rank, side="right"), n_pairs)


@each_activation
def test_moments_are_the_averages_over_many_latents(activation):
    features = RandomFeatures(WEIGHTS, activation)
    latents = np.random.default_rng(10).standard_normal((200_000, 4)) * np.sqrt(SPECTRUM.eigenvalues)
    feature = features(latents)
    assert_average(feature[:, :, None] * feature[:, None, :], features.second_moment(SPECTRUM))
    assert_average(feature[:, :, None] * latents[:, None, :], features.latent_moment(SPECTRUM))


def test_moments_of_linear_features_are_products_of_matrices():
    features, covariance = RandomFeatures(WEIGHTS), np.diag(SPECTRUM.eigenvalues)
    assert_allclose(features.second_moment(SPECTRUM), WEIGHTS @ covariance @ WEIGHTS.T, rtol=1e-12)
    assert_allclose(features.latent_moment(SPECTRUM), WEIGHTS @ covariance, rtol=1e-11)


def test_the_second_moment_of_quadratic_features_pairs_four_latents():
    covariance = np.diag(SPECTRUM.eigenvalues)
    pairings = ("ij,kl->ijkl", "ik,jl->ijkl", "il,jk->ijkl")
    fourth = sum(np.einsum(pairing, covariance, covariance) for pairing in pairings)
    expected = np.einsum("ai,aj,bk,bl,ijkl->ab", WEIGHTS, WEIGHTS, WEIGHTS, WEIGHTS, fourth)
    assert_allclose(RandomFeatures(WEIGHTS, "quadratic").second_moment(SPECTRUM), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("activation", "slope"),
    [
        ("relu", lambda v: 1 / 2),
        ("erf", lambda v: 2 / sqrt(pi * (1 + 2 * v))),
        ("tanh", lambda v: line_average(lambda z: np.cosh(z) ** -2, v)),
        ("sign", lambda v: sqrt(2 / (pi * v))),
        ("cos", lambda v: 0),
        ("quadratic", lambda v: 0),
    ],
)
def test_features_correlate_with_latents_through_their_mean_slope(activation, slope):
    linear = WEIGHTS * SPECTRUM.eigenvalues
    expected = [slope(u @ row) * row for u, row in zip(WEIGHTS, linear, strict=True)]
    assert_allclose(RandomFeatures(WEIGHTS, activation).latent_moment(SPECTRUM), expected, rtol=1e-10, atol=1e-12)


def test_a_power_law_and_the_list_of_its_eigenvalues_have_the_same_moments():
    features, spectrum = RandomFeatures(WEIGHTS, "relu"), PowerLaw(1.0, 4)
    listed = Empirical(spectrum.eigenvalues)
    assert_array_equal(features.second_moment(spectrum), features.second_moment(listed))
    assert_array_equal(features.latent_moment(spectrum), features.latent_moment(listed))


@pytest.mark.parametrize("moment", [RandomFeatures.second_moment, RandomFeatures.latent_moment])
@pytest.mark.parametrize("n_latent", [1, 3, 5])
def test_a_spectrum_of_the_wrong_size_is_refused_by_name(moment, n_latent):
    with pytest.raises(ValueError, match=r"^spectrum must have 4 latents; got"):
        moment(RandomFeatures(WEIGHTS, "relu"), PowerLaw(1.0, n_latent))


UNKNOWN = ["step", "", None, 3, ["relu"], np.array(["relu", "tanh"])]


@pytest.mark.parametrize(
    ("name", "bad"),
    [("first", b) for b in (1.0, [1.0], [[[1.0]]], [[]], [[np.nan]], [["a"]], [[1j]], np.ones((3, 0)))]
    + [("second", b) for b in (1.0, [1.0, 2.0], [[1.0]], [[1.0, 2.0, 3.0]], [[1.0, np.inf]])]
    + [("feature_var", b) for b in (0, -1.0, np.nan, [1.0], "1")]
    + [("activation", b) for b in UNKNOWN],
)
def test_a_bad_argument_of_the_kernel_is_refused_by_name(name, bad):
    with pytest.raises(ValueError, match=f"^{name} must "):
        feature_kernel(**{"first": np.ones((3, 2)), "second": np.ones((1, 2)), name: bad})


@pytest.mark.parametrize("name", ["first_var", "second_var", "covariance"])
@pytest.mark.parametrize("bad", [np.nan, [1.0, -np.inf], "a", 1j])
def test_a_bad_argument_of_the_arccos_kernel_is_refused_by_name(name, bad):
    arguments = {"first_var": 1.0, "second_var": 1.0, "covariance": 0.5}
    negative = bad if name == "covariance" else -1e-9
    for value in (bad, negative):
        with pytest.raises(ValueError, match=f"^{name} must be"):
            arccos_kernel(**{**arguments, name: value})


@pytest.mark.parametrize(
    ("name", "bad"),
    [("activation", b) for b in UNKNOWN]
    + [("n_coefficients", b) for b in (0, -1, 2001, 2.5, np.nan, "3", None)]
    + [("variance", b) for b in (-1e-9, [1.0, -2.0], 1.1e4, np.nan, np.inf, "a", 1j)],
)
def test_a_bad_argument_of_the_hermite_coefficients_is_refused_by_name(name, bad):
    with pytest.raises(ValueError, match=f"^{name} must be"):
        hermite_coefficients(**{"activation": "relu", "n_coefficients": 3, "variance": 1.0, name: bad})


@pytest.mark.parametrize(
    ("name", "bad"),
    [("spectrum", b) for b in ([1.0, 0.5], np.ones(3), None)]
    + [("degree", b) for b in (0, -1, 1.5, 10**3, np.nan, "2")]
    + [("n_products", b) for b in (0, -1, 10**7, 2.5, np.nan, None)],
)
def test_a_bad_argument_of_the_products_is_refused_by_name(name, bad):
    with pytest.raises(ValueError, match=f"^{name} must be"):
        product_spectrum(**{"spectrum": SPECTRUM, "degree": 2, "n_products": 5, name: bad})


@pytest.mark.parametrize("feature_var", [100.0, 1e9])
def test_a_tanh_too_steep_for_its_series_is_refused_by_name(feature_var):
    with pytest.raises(ValueError, match=r"^feature_var is too large"):
        feature_kernel([[1.0], [0.1]], activation="tanh", feature_var=feature_var)


@each_activation
def test_a_feature_that_sees_no_varying_latent_is_uncorrelated_with_all(activation):
    assert not RandomFeatures([[0.0, 0.0], [0.0, 1.0]], activation).latent_moment(Empirical([1.0, 0.0])).any()


def test_a_list_in_place_of_a_spectrum_is_refused_by_name():
    with pytest.raises(ValueError, match=r"^spectrum must be a PowerLaw or an Empirical"):
        RandomFeatures(np.ones((2, 2))).second_moment([1.0, 0.5])


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_a_preactivation_too_large_is_reported_as_too_large_a_feature_variance(activation):
    with pytest.raises(ValueError, match=r"^feature_var is too large: a preactivation has variance"):
        RandomFeatures([[1e3, 0.0]], activation).latent_moment(Empirical([1.0, 1.0]))


@each_activation
@pytest.mark.parametrize("size", [1, 31, 32, 33, 70])
def test_a_kernel_with_itself_is_the_one_with_a_copy(activation, size):
    inputs = np.random.default_rng(0).standard_normal((size, 5))
    rounding = 1e-7 if activation == "sign" else 1e-13  # its arcsine is steep at the diagonal
    both = feature_kernel(inputs, activation=activation), feature_kernel(inputs, inputs.copy(), activation=activation)
    assert_allclose(*both, rtol=0, atol=rounding)
    assert_array_equal(both[0], both[0].T)


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("size", [1e76, 1e100, 1e200])
def test_inputs_whose_kernel_would_overflow_are_refused(size):
    inputs = np.random.default_rng(0).standard_normal((6, 3))
    for kernel in (
        lambda large: Population(large, inputs[:, 0]),
        feature_kernel,
        lambda large: feature_kernel(inputs, large, activation="erf"),
        lambda large: RandomFeatures(large, "relu").second_moment(Empirical(np.ones(3))),
    ):
        assert kernel(1e74 * inputs) is not None
        with pytest.raises(ValueError, match=r"^inputs or weights are too large: a preactivation's variance exceeds"):
            kernel(size * inputs)


@each_activation
def test_the_diagonal_of_a_kernel_is_the_mean_square_to_rounding(activation):
    inputs = np.random.default_rng(0).standard_normal((50, 7))
    variance = np.sum(inputs**2, axis=1) / 7
    if activation in KERNELS:
        expected = [KERNELS[activation](v, v, v) for v in variance]
        np.testing.assert_allclose(np.diag(feature_kernel(inputs, activation=activation)), expected, rtol=1e-14)


@pytest.mark.parametrize("activation", ["linear", "relu", "cos", "tanh"])
def test_latents_given_as_python_numbers_have_features(activation):
    features = RandomFeatures([[1.0, 0.0]], activation)
    assert_allclose(features(np.array([[1, 10**20]], dtype=object)), features([[1.0, 1e20]]))
    for bad in ([["a", "b"]], None, [[np.nan, 1.0]]):
        with pytest.raises(ValueError, match=r"^latents must be .*finite; got "):
            features(bad)
