"""Real data through their kernel: populations, predictions without a fit, and the experiments they predict."""

import inspect
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import brentq
from scipy.stats import norm
from sklearn.datasets import load_digits

from scaling_laws.eigenframework import Measurement, Population, forecast_loss, measure_loss, predict_loss
from scaling_laws.features import ACTIVATIONS, feature_kernel
from scaling_laws.natural import load_digits_population, load_patch_population
from scaling_laws.plateaus import truncated_loss
from scaling_laws.spectra import Empirical
from scaling_laws.theory import solve_delta, test_loss


def population_of(values, projections):
    """A population with the given eigenvalues and squared projections, in descending order of the eigenvalues."""
    population = object.__new__(Population)
    spectrum = Empirical(values)
    assert_array_equal(spectrum.eigenvalues, values)
    for name, value in {"spectrum": spectrum, "projections": np.asarray(projections, dtype=float)}.items():
        object.__setattr__(population, name, value)
    return population


@lru_cache
def small(activation="relu"):
    """60 inputs in 8 dimensions."""
    rng = np.random.default_rng(3)
    inputs = rng.standard_normal((60, 8)) * np.arange(1, 9) ** -0.5
    return Population(inputs, np.sign(inputs[:, 0]) + inputs[:, 1] * inputs[:, 2], activation)


@lru_cache
def gaussian_like():
    """1,000 Gaussian inputs with a power law, linear features, and a target of which some is out of reach."""
    rng = np.random.default_rng(4)
    inputs = rng.standard_normal((1000, 120)) * np.arange(1, 121) ** -0.8
    target = inputs @ rng.standard_normal(120) + 0.3 * rng.standard_normal(1000)
    return Population(inputs, target, "linear")


VALUES = np.append(np.arange(1, 101) ** -1.7, np.zeros(10))
PROJECTIONS = np.random.default_rng(1).exponential(size=110) * (VALUES + 1e-3)
ROUGH = population_of(VALUES, PROJECTIONS)
TWO_SIZES = np.sqrt([0.16] * 9 + [10 - 9 * 0.16])  # <s^2> = 1

sizes = st.one_of(st.integers(1, 300), st.floats(0, 4).map(lambda exponent: 10.0**exponent))
positive = st.floats(-4, 3).map(lambda exponent: 10.0**exponent)
ridges = st.one_of(st.just(0.0), positive)
scale_lists = st.lists(st.floats(0.05, 20), min_size=1, max_size=12)
populations = st.tuples(
    st.lists(st.tuples(st.floats(-3, 1), st.floats(0, 2)), min_size=1, max_size=30), st.integers(0, 5)
).map(
    lambda parts: population_of(
        [*sorted((10**e for e, _ in parts[0]), reverse=True), *np.zeros(parts[1])],
        [*(b for _, b in parts[0]), *np.full(parts[1], 0.3)],
    )
)

# --------------------------------------------------------------------------------------------------------- populations


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_eigenvalues_are_those_of_the_kernel_over_its_size(activation):
    inputs = np.random.default_rng(0).standard_normal((40, 6))
    population = Population(inputs, inputs[:, 0], activation, feature_var=0.7)
    kernel = feature_kernel(inputs, activation=activation, feature_var=0.7)
    values = population.spectrum.eigenvalues
    assert isinstance(population.spectrum, Empirical)
    assert values.shape == population.projections.shape == population.scales.shape == (40,)
    assert (np.diff(values) <= 0).all()
    expected = np.linalg.eigvalsh(kernel)[::-1] / 40
    assert_allclose(values, expected, rtol=1e-9, atol=1e-13 * values[0])
    assert values.sum() == pytest.approx(np.trace(kernel) / 40, rel=1e-12)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_scales_are_the_root_mean_squares_of_the_features(activation):
    inputs = np.random.default_rng(1).standard_normal((10, 4)) * np.linspace(0.3, 2, 10)[:, None]
    population = Population(inputs, inputs[:, 0], activation, feature_var=2.0)
    weights = np.random.default_rng(2).standard_normal((200_000, 4)) * np.sqrt(2 / 4)
    square = np.mean(ACTIVATIONS[activation](inputs @ weights.T) ** 2, axis=1)
    assert_allclose(population.scales, np.sqrt(square / square.mean()), rtol=0.03)
    assert np.mean(population.scales**2) == pytest.approx(1, rel=1e-12)


def test_scales_of_relu_features_are_lengths():
    inputs = np.random.default_rng(1).standard_normal((30, 4))
    lengths = np.linalg.norm(inputs, axis=1)
    assert_allclose(Population(inputs, inputs[:, 0]).scales, lengths / np.sqrt(np.mean(lengths**2)), rtol=1e-12)


@given(st.integers(1, 30), st.integers(1, 10), st.integers(0, 10**6))
def test_the_projections_add_up_to_the_mean_square(size, n_inputs, seed):
    rng = np.random.default_rng(seed)
    inputs, target = rng.standard_normal((size, n_inputs)), rng.standard_normal(size)
    for activation in ("relu", "linear"):
        population = Population(inputs, target, activation)
        assert (population.projections >= 0).all()
        assert population.projections.sum() == pytest.approx(np.mean(target**2), rel=1e-12)


def test_each_eigenfunction_is_projected_on_itself():
    plain = small()
    values, functions = np.linalg.eigh(feature_kernel(plain.inputs) / 60)
    for k in (0, 1, 7, 59):
        own = Population(plain.inputs, -3 * np.sqrt(60) * functions[:, 59 - k])  # of mean square 9
        assert_allclose(own.projections, 9.0 * (np.arange(60) == k), atol=1e-12)
        assert own.spectrum.eigenvalues[k] == pytest.approx(values[59 - k], rel=1e-9)


def test_the_order_of_the_inputs_and_all_signs_do_not_matter():
    plain, order = small(), np.random.default_rng(0).permutation(60)
    other = Population(plain.inputs[order], plain.target[order])
    assert_allclose(other.spectrum.eigenvalues, plain.spectrum.eigenvalues, rtol=1e-9)
    assert_allclose(other.projections, plain.projections, rtol=1e-6, atol=1e-12)
    assert_allclose(other.scales, plain.scales[order], rtol=1e-12)
    assert_allclose(Population(-plain.inputs, -plain.target).projections, plain.projections, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("size", [1, 2, 3, 40])
def test_the_projections_are_those_on_the_eigenvectors_of_the_kernel(size):
    inputs, target = np.random.default_rng(size).standard_normal((2, size, 3))
    for vector in (target[:, 0], np.zeros(size), np.eye(size)[0], -np.eye(size)[0], np.eye(size)[-1]):
        population = Population(inputs, vector)
        values, vectors = np.linalg.eigh(feature_kernel(inputs) / size)
        assert_allclose(population.spectrum.eigenvalues, values[::-1], rtol=1e-9, atol=1e-14)
        assert_allclose(population.projections, (vector @ vectors)[::-1] ** 2 / size, atol=1e-13)


@pytest.mark.parametrize("n_inputs", [1, 3, 20])
def test_linear_features_of_fewer_inputs_than_samples_leave_zero_eigenvalues(n_inputs):
    rng = np.random.default_rng(n_inputs)
    inputs, rest = rng.standard_normal((50, n_inputs)), rng.standard_normal(50)
    population = Population(inputs, rest, "linear", feature_var=3.0)
    assert (population.spectrum.rank, population.spectrum.n_latent) == (n_inputs, 50)
    assert (population.spectrum.eigenvalues[n_inputs:] == 0).all()
    covariance = 3.0 / n_inputs * inputs.T @ inputs / 50
    assert_allclose(population.spectrum.eigenvalues[:n_inputs], np.linalg.eigvalsh(covariance)[::-1], rtol=1e-9)
    residual = rest - inputs @ np.linalg.lstsq(inputs, rest)[0]
    assert population.projections[n_inputs:].sum() == pytest.approx(np.mean(residual**2), rel=1e-9)


def test_duplicated_inputs_leave_zero_eigenvalues_too():
    plain = small()
    double = Population(np.repeat(plain.inputs, 2, axis=0), np.repeat(plain.target, 2))
    assert (double.spectrum.rank, double.spectrum.n_latent) == (60, 120)
    assert_allclose(double.spectrum.eigenvalues[:60], plain.spectrum.eigenvalues, rtol=1e-9)
    assert_allclose(double.projections[:60], plain.projections, rtol=1e-6, atol=1e-12)
    assert_allclose(double.projections[60:], 0, atol=1e-20)


def test_a_population_keeps_copies_of_what_it_is_given_and_takes_lists():
    inputs, target = np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([1, -1])
    population = Population(inputs, target)
    inputs[:] = 0
    assert population.inputs.tolist() == [[1.0, 2.0], [0.0, 1.0]]
    assert population.target.tolist() == [1.0, -1.0]
    assert population.target.dtype == float
    assert (population.activation, population.feature_var) == ("relu", 1.0)
    listed = Population([[1, 2], [0, 1]], [1, -1])
    assert_array_equal(listed.projections, population.projections)
    with pytest.raises(AttributeError):
        population.target = target


def test_a_population_that_comes_again_is_the_same_and_its_own():
    first = Population(small().inputs, small().target)
    first.projections[:] = 0
    assert_array_equal(Population(small().inputs, small().target).projections, small().projections)
    assert (Population(small().inputs, 2 * small().target).projections != small().projections).all()


INPUTS = [[1.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("inputs", ([[np.nan]], [1.0])),
        ("inputs", ([["1"]], [1.0])),
        ("inputs", (None, [1.0])),
        ("target", (INPUTS, [1.0])),
        ("target", (INPUTS, [[1.0, 2.0]])),
        ("target", (INPUTS, 1.0)),
        ("target", (INPUTS, [1.0, np.inf])),
        ("target", (INPUTS, [1.0, 1j])),
        ("activation", (INPUTS, [1.0, 2.0], "step")),
        ("activation", (INPUTS, [1.0, 2.0], None)),
        *(("feature_var", (INPUTS, [1.0, 2.0], "relu", bad)) for bad in (0, -1, np.nan, np.inf, "1", [1.0, 2.0])),
    ],
)
def test_what_makes_no_population_is_refused_by_name(name, arguments):
    with pytest.raises(ValueError, match=f"^{name} must"):
        Population(*arguments)


@pytest.mark.parametrize("inputs", [1.0, [1.0, 2.0], np.zeros((2, 0)), np.zeros((0, 2)), np.zeros((2, 3))])
def test_inputs_without_shape_or_size_are_refused_by_name(inputs):
    with pytest.raises(ValueError, match=r"^inputs must"):
        Population(inputs, [1.0, 2.0])


# ------------------------------------------------------------------------------------------- predictions, samples alike


@given(populations, sizes, sizes, ridges)
def test_an_isotropic_teacher_gives_the_loss_of_the_model(population, n, t, ridge):
    values = population.spectrum.eigenvalues
    rank = population.spectrum.rank
    if ridge == 0 and (n == t or min(n, t) == rank):
        t = n = 1.5 * max(n, t, rank)  # what happens at zero ridge there has tests of its own
        t *= 2
    expected = 2.5 * test_loss(population.spectrum, n, t, ridge, feature_var=values.size)
    found = predict_loss(population_of(values, 2.5 * values), n, t, ridge)
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-14 * values.sum())


def direct_loss(values, projections, n, t, ridge):
    """Bias and variance of section 4 of the design, with the root of the Delta equation from bisection."""

    def excess(log_delta):
        delta = np.exp(log_delta)
        df1 = np.sum(values / (values + delta))
        return -1.0 if df1 >= min(n, t) else np.log(delta * (n - df1) * (t - df1) / ridge)

    delta = np.exp(brentq(excess, -200, 200, xtol=1e-13))
    df1, df2 = np.sum(values / (values + delta)), np.sum((values / (values + delta)) ** 2)
    bias = projections @ (delta / (values + delta) - delta * (n - df1) / (n - df2) * values / (values + delta) ** 2)
    variance = (n * df2 + df1**2 - 2 * df1 * df2) / ((n - df2) * t)
    return bias / (1 - variance)


def test_the_prediction_is_bias_over_one_minus_variance():
    rng = np.random.default_rng(0)
    for _ in range(100):
        n, t, ridge = *10 ** rng.uniform(0.1, 3, 2), 10 ** rng.uniform(-2, 3)
        expected = direct_loss(VALUES, PROJECTIONS, n, t, ridge)
        assert predict_loss(ROUGH, n, t, ridge) == pytest.approx(expected, rel=1e-8)


def test_the_prediction_for_a_real_population_comes_from_its_kernel_and_target():
    population = small()
    kernel = feature_kernel(population.inputs) / 60
    values, vectors = np.linalg.eigh(kernel)
    projections = (vectors.T @ population.target) ** 2 / 60
    for n, t, ridge in ((10, 30, 0.1), (30, 10, 0.01), (100, 300, 1e-2), (20, 20, 3.0)):
        expected = direct_loss(values, projections, n, t, ridge)
        assert predict_loss(population, n, t, ridge) == pytest.approx(expected, rel=1e-8)


@given(populations, sizes, sizes, positive)
def test_what_the_features_do_not_see_is_noise_and_a_floor(population, n, t, ridge):
    values, rank = population.spectrum.eigenvalues, population.spectrum.rank
    hidden = 0.7 * (np.arange(values.size + 3) == values.size + 1)  # all of it on modes without variance
    only = predict_loss(population_of([*values, 0, 0, 0], hidden), n, t, ridge)
    head, size = population.spectrum.head(rank), values.size + 3
    noise = test_loss(head, n, t, ridge, weight_var=0, noise_var=0.7, feature_var=rank)
    assert only == pytest.approx(0.7 + noise, rel=1e-6)
    # and the same in a model with latents that the features do not see, whose weights have variance 1/M
    weight_var = 0.7 / 1e-4
    whole = Empirical([*head.eigenvalues, 1e-4 * head.eigenvalues[-1]])
    seen = predict_loss(population_of([*values, 0, 0, 0], [*head.eigenvalues, *np.zeros(size - rank)]), n, t, ridge)
    expected = truncated_loss(whole, rank, n, t, ridge, weight_var=weight_var, feature_var=rank + 1)
    assert weight_var * (seen + only / 0.7 * whole.tail(rank)) == pytest.approx(expected, rel=1e-6)


@given(sizes, sizes, ridges, st.integers(0, 1000))
def test_the_prediction_is_linear_in_the_squared_target(n, t, ridge, seed):
    if ridge == 0 and (n == t or min(n, t) == 100):
        ridge = 1e-3
    first, second = np.random.default_rng(seed).exponential(size=(2, 110))
    losses = [predict_loss(population_of(VALUES, b), n, t, ridge) for b in (first, second, 2 * first + 3 * second)]
    assert losses[2] == pytest.approx(2 * losses[0] + 3 * losses[1], rel=1e-9)


def test_no_ridge_is_the_limit_of_small_ridges():
    for n, t in ((10, 40), (40, 10), (99, 300), (300, 99), (150, 400), (400, 150)):
        assert predict_loss(ROUGH, n, t) == pytest.approx(predict_loss(ROUGH, n, t, 1e-7), rel=1e-4)


@pytest.mark.parametrize(("n", "t"), [(10, 40), (40, 10)])
def test_without_ridge_the_smaller_size_is_resolved(n, t):
    delta = solve_delta(Empirical(VALUES), min(n, t), 10**15)
    missed, df2 = delta / (VALUES + delta), np.sum((VALUES / (VALUES + delta)) ** 2)
    if n < t:  # every coefficient is determined: the loss of unlimited samples, inflated
        expected = PROJECTIONS @ missed / (1 - n / t)
    else:
        expected = PROJECTIONS @ (missed * ((n - t) * missed + t - df2)) * t / ((n - t) * (t - df2))
    assert predict_loss(ROUGH, n, t) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("size", [1, 10, 99])
def test_without_ridge_the_prediction_is_infinite_at_equal_sizes(size):
    assert predict_loss(ROUGH, size, size) == np.inf
    assert predict_loss(small(), min(size, 59), min(size, 59), 0.0) == np.inf
    assert np.isfinite(predict_loss(ROUGH, size, size, 1e-9))


@pytest.mark.parametrize(("n", "t"), [(150, 400), (400, 150), (1e5, 1e3)])
def test_beyond_the_rank_least_squares_with_noise_is_left(n, t):
    assert predict_loss(ROUGH, n, t) == pytest.approx(PROJECTIONS[100:].sum() * t / (t - 100), rel=1e-9)
    assert predict_loss(small(), n, t) == pytest.approx(0, abs=1e-20)


def test_unlimited_data_and_features_leave_what_the_features_do_not_see():
    assert predict_loss(ROUGH, 1e15, 1e15) == pytest.approx(PROJECTIONS[100:].sum(), rel=1e-9)
    assert predict_loss(ROUGH, 50, 20, 1e20) == pytest.approx(PROJECTIONS.sum(), rel=1e-9)


def test_predictions_broadcast_and_scalars_give_floats():
    n, t, ridge = np.array([[10], [50]]), np.array([20, 30, 200]), np.array([1e-3, 1.0])[:, None, None]
    for options in ({}, {"scales": TWO_SIZES}):
        losses = predict_loss(ROUGH, n, t, ridge, **options)
        assert losses.shape == (2, 2, 3)
        one_by_one = [predict_loss(ROUGH, *setting, **options) for setting in np.broadcast(n, t, ridge)]
        assert_allclose(losses.ravel(), one_by_one, rtol=1e-12)
        assert all(isinstance(loss, float) for loss in one_by_one)
        assert predict_loss(ROUGH, [], 10, 1.0, **options).shape == (0,)


NOT_REAL = [np.nan, np.inf, -np.inf, "1", 1j, None, [1.0, np.nan]]
BAD = {
    "population": [None, 1.0, np.ones(5), Population, Empirical(VALUES)],
    **{name: [0, 0.99, -1, 1.01e15, [5, 0], *NOT_REAL] for name in ("n_features", "n_samples")},
    "ridge": [-1e-300, 1.1e60, [1.0, -1.0], *NOT_REAL],
    "scales": [1.0, [], [[1.0]], [0.0, 0.0], [1.0, -1.0], *(bad for bad in NOT_REAL if bad is not None)],
}
GOOD = {"population": ROUGH, "n_features": 10, "n_samples": 20, "ridge": 0.1}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_argument_of_the_prediction_is_refused_by_name(name):
    assert set(inspect.signature(predict_loss).parameters) == set(BAD)
    for options in ({}, {"scales": [1.0, 2.0]}):
        for bad in [*BAD[name], *([0.0, [1.0, 0.0]] if name == "ridge" and options else [])]:
            with pytest.raises(ValueError, match=f"^{name} must be"):
                predict_loss(**{**GOOD, **options, name: bad})


def test_scales_need_a_ridge():
    for ridge in (0.0, 1e-300, [1.0, 0.0]):
        with pytest.raises(ValueError, match=r"^ridge must be finite and at least 1e-200 and at most 1e\+60; got"):
            predict_loss(ROUGH, 10, 20, ridge, scales=[1.0])


@pytest.mark.parametrize(
    ("n", "t"), [(100, 300), (300, 100), (100, 100)], ids=["features", "samples", "features and samples"]
)
def test_without_ridge_sizes_equal_to_the_rank_are_no_exception(n, t):
    expected = PROJECTIONS[100:].sum() * t / (t - 100) if t > 100 else np.inf
    assert predict_loss(ROUGH, n, t) == pytest.approx(expected, rel=1e-6)


def test_without_ridge_both_sizes_may_equal_the_size_of_the_population():
    population = small()
    assert predict_loss(population, 60, 60) == pytest.approx(predict_loss(population, 60, 60, 1e-10), rel=1e-2)


def test_beyond_the_rank_the_prediction_falls_as_the_square_of_a_small_ridge():
    values, projections = np.linspace(1, 0.1, 50), np.ones(50)
    for ridge in (1e-8, 1e-10, 1e-12, 1e-14):
        delta = ridge / (250 * 150)
        square = delta**2 * (projections @ (250 / values**2) + projections @ (1 / values) * np.sum(1 / values))
        expected = square * 200 / (250 * 150)
        found = predict_loss(population_of(values, projections), 300, 200, ridge)
        assert found == pytest.approx(expected, rel=1e-4, abs=0)


def test_nothing_to_be_learned_is_no_loss_even_at_equal_sizes():
    assert predict_loss(population_of(VALUES, np.zeros(110)), 10, 10) == 0


# ------------------------------------------------------------------------------------ predictions, samples of all sizes


@given(populations, sizes, sizes, positive, positive, st.integers(1, 5))
def test_scales_all_alike_change_nothing(population, n, t, ridge, scale, count):
    if t > 1e3:
        ridge *= t
    expected = predict_loss(population, n, t, ridge)
    found = predict_loss(population, n, t, ridge, scales=np.full(count, scale))
    assert found == pytest.approx(expected, rel=1e-8, abs=1e-13 * population.projections.sum())


def test_scales_all_alike_change_nothing_to_nine_digits():
    rng = np.random.default_rng(5)
    for _ in range(60):
        n, t, ridge = *np.floor(10 ** rng.uniform(0, 2.7, 2)), 10 ** rng.uniform(-2, 3)
        expected = predict_loss(ROUGH, n, t, ridge)
        assert predict_loss(ROUGH, n, t, ridge, scales=[3.0, 3.0]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("ridge", [1e-200, 1e-60, 1e-20, 1e20, 1e30, 1e60])
def test_with_scales_any_ridge_is_answered(ridge):
    n, t = np.array([1, 20, 50, 100, 300])[:, None], np.array([1, 20, 60, 100, 400, 10**15])
    found = predict_loss(ROUGH, n, t, ridge, scales=[2.0, 2.0, 2.0])
    assert_allclose(found, predict_loss(ROUGH, n, t, ridge), rtol=1e-12)
    found = predict_loss(ROUGH, n, t, ridge, scales=TWO_SIZES)
    assert (np.isfinite(found) & (found > 0)).all()
    if ridge < 1:  # nothing changes any more, but at the peaks
        away = (n != t) & ((np.minimum(n, t) != 100) | (n < t))
        assert_allclose(found[away], predict_loss(ROUGH, n, t, 1e-18, scales=TWO_SIZES)[away], rtol=1e-4)
    else:
        assert_allclose(found[:, :-1], PROJECTIONS.sum(), rtol=1e-12)


@given(scale_lists, positive, sizes, st.integers(1, 300))
def test_only_ratios_of_scales_count_and_how_often_each_occurs(scales, factor, n, t):
    expected = predict_loss(ROUGH, n, t, 0.3, scales=scales)
    assert predict_loss(ROUGH, n, t, 0.3, scales=factor * np.array(scales)) == pytest.approx(expected, rel=1e-8)
    assert predict_loss(ROUGH, n, t, 0.3, scales=scales[::-1] * 2) == pytest.approx(expected, rel=1e-8)


def test_samples_without_size_are_no_samples():
    # half of the samples are empty, the others have twice the mean square: a quarter of everything, in other units
    values, projections = VALUES, PROJECTIONS
    for n, t, ridge in ((20, 100, 0.3), (100, 20, 0.3), (60, 50, 5.0)):
        found = predict_loss(ROUGH, n, t, ridge, scales=[1.0, 0.0])
        doubled = predict_loss(population_of(2 * values, 2 * projections), n, t / 2, ridge)
        assert found == pytest.approx(doubled / 2, rel=1e-8)


def objective(values, projections, n, t, ridge, square, extra):
    """Least value of (sum of squared errors + ridge |theta|^2) if a share of the population's error is added.

    The additional term counts as very many samples of very small sizes. Then sum_t s^2/(1 + s^2 c) = h with c h = df1,
    Delta (N - df1) h = ridge, and the least value is h sum_k b_k^2 g_k on average.
    """

    def parts(log_delta):
        g = 1 / (1 + values / np.exp(log_delta))
        df1 = np.sum(1 - g)
        return g, df1, ridge / (np.exp(log_delta) * (n - df1)) if df1 < n else np.inf

    def excess(log_delta):
        _, df1, h = parts(log_delta)
        return 1.0 if h == np.inf else 1 - (extra + t * np.mean(square / (1 + square * df1 / h))) / h

    g, _, h = parts(brentq(excess, -100, 100, xtol=1e-14, rtol=1e-15))
    return h * (projections @ g)


def test_the_prediction_is_the_slope_of_the_average_objective():
    rng = np.random.default_rng(6)
    for _ in range(40):
        n, t, ridge = *10 ** rng.uniform(0.3, 2.5, 2), 10 ** rng.uniform(-2, 2)
        scales = np.exp(rng.uniform(0.1, 1.5) * rng.standard_normal(rng.integers(2, 20)))
        setting = (VALUES, PROJECTIONS, n, t, ridge, scales**2 / np.mean(scales**2))
        step = 1e-5 * t
        slope = [(objective(*setting, h) - objective(*setting, -h)) / (2 * h) for h in (step, 2 * step)]
        expected = (4 * slope[0] - slope[1]) / 3
        assert predict_loss(ROUGH, n, t, ridge, scales=scales) == pytest.approx(expected, rel=2e-6)


MODES = np.arange(1, 251) ** -1.6
TEACHER = np.random.default_rng(5).standard_normal(250)
LOG_NORMAL = np.exp(0.8 * norm.ppf((np.arange(4000) + 0.5) / 4000) - 0.64)
ELLIPTICAL = {
    "two sizes": (TWO_SIZES, lambda rng, count: rng.choice(TWO_SIZES, count)),
    "log-normal": (LOG_NORMAL, lambda rng, count: np.exp(0.8 * rng.standard_normal(count) - 0.64)),
}


def simulate(n, t, ridge, draw, n_trials, seed):
    """Linear features of elliptical latents s g, with the exact test loss averaged over s."""
    rng, losses = np.random.default_rng(seed), []
    for _ in range(n_trials):
        latents = draw(rng, t)[:, None] * rng.standard_normal((t, MODES.size)) * np.sqrt(MODES)
        weights = rng.standard_normal((n, MODES.size))
        features, labels = latents @ weights.T, latents @ TEACHER
        if n <= t:
            student = np.linalg.solve(features.T @ features + ridge * np.eye(n), features.T @ labels)
        else:
            student = features.T @ np.linalg.solve(features @ features.T + ridge * np.eye(t), labels)
        losses.append((student @ weights - TEACHER) ** 2 @ MODES)
    return np.mean(losses), np.std(losses, ddof=1) / np.sqrt(n_trials)


@pytest.mark.heavy
def test_predictions_with_scales_agree_with_elliptical_data():
    population, deviations, plain, scores = population_of(MODES, TEACHER**2 * MODES), [], [], []
    settings = [(60, 120, 0.3), (120, 60, 0.3), (90, 90, 0.6), (70, 200, 1e-3), (80, 160, 30.0)]
    for name, (scales, draw) in ELLIPTICAL.items():
        for i, (n, t, ridge) in enumerate(settings):
            measured, error = simulate(n, t, ridge, draw, 120, seed=i)
            predicted = predict_loss(population, n, t, ridge, scales=scales)
            deviations.append(measured / predicted - 1)
            plain.append(measured / predict_loss(population, n, t, ridge) - 1)
            scores.append((measured - predicted) / np.hypot(error, 0.7 * predicted / min(n, t)))
            assert abs(scores[-1]) < 3.5, (name, n, t, ridge, measured, predicted, error)
    assert np.sqrt(np.mean(np.square(scores))) < 1.6
    assert abs(np.mean(deviations)) < 0.02
    assert np.count_nonzero(np.abs(plain) > 0.1) >= 7  # where the sizes are ignored


# ------------------------------------------------------------------------------------------------- inputs not drawn yet


def test_in_a_very_large_population_the_forecast_is_the_prediction():
    values, projections = np.zeros((2, 200_000))
    values[:110], projections[:110] = VALUES, PROJECTIONS
    n, t, ridge = np.array([[20], [90], [300]]), np.array([25, 80, 400]), np.array([1e-3, 1.0])[:, None, None]
    found = forecast_loss(population_of(values, projections), n, t, ridge)
    assert_allclose(found, predict_loss(ROUGH, n, t, ridge), rtol=5e-3)


def weighted_objective(n, t, ridge, weight):
    """Least value of (sum of squared errors + ridge |theta|^2) if inputs that were not drawn count with a weight.

    With equations of their own: sum_p w_p c/(1 + w_p c) = df1 over all inputs, h = df1/(c (1 - df1/P)), Delta (N - df1)
    h = ridge, and the least value is h sum_k y_k^2 g_k on average.
    """
    size = VALUES.size

    def parts(log_c):
        c = np.exp(log_c)
        df1 = t * c / (1 + c) + (size - t) * weight * c / (1 + weight * c)
        h = df1 / (c * (1 - df1 / size))
        delta = ridge / ((n - df1) * h) if df1 < n else np.inf
        return df1, h, delta

    def excess(log_c):
        df1, _, delta = parts(log_c)
        return df1 - np.sum(VALUES / (VALUES + delta))

    _, h, delta = parts(brentq(excess, -40, 40, xtol=1e-14, rtol=1e-15))
    return h * (PROJECTIONS @ (delta / (VALUES + delta)))


def test_the_forecast_is_the_slope_of_the_objective_in_the_weight_of_what_was_not_drawn():
    rng = np.random.default_rng(7)
    for _ in range(40):
        n, t, ridge = 10 ** rng.uniform(0.5, 2.5), rng.uniform(3, 100), 10 ** rng.uniform(-2, 2)
        slope = [
            (weighted_objective(n, t, ridge, step) - weighted_objective(n, t, ridge, -step)) / (2 * step)
            for step in (1e-5, 2e-5)
        ]
        expected = (4 * slope[0] - slope[1]) / 3 / (VALUES.size - t)
        assert forecast_loss(ROUGH, n, t, ridge) == pytest.approx(expected, rel=2e-5)


def orthogonal_losses(population, n, t, ridge, n_trials, seed):
    """Losses on what was not drawn, with random orthogonal functions in place of the eigenfunctions."""
    rng, losses = np.random.default_rng(seed), []
    scale, teacher = np.sqrt(population.spectrum.eigenvalues), np.sqrt(population.projections)
    for _ in range(n_trials):
        functions = np.linalg.qr(rng.standard_normal((scale.size, scale.size)))[0] * np.sqrt(scale.size)
        weights = scale[:, None] * rng.standard_normal((scale.size, n))
        features, labels = functions @ weights, functions @ teacher
        gram = features[:t].T @ features[:t] + ridge * np.eye(n)
        student = np.linalg.solve(gram, features[:t].T @ labels[:t])
        losses.append(np.mean((features[t:] @ student - labels[t:]) ** 2))
    return np.mean(losses), np.std(losses, ddof=1) / np.sqrt(n_trials)


@pytest.mark.heavy
def test_the_forecast_agrees_with_random_orthogonal_functions():
    values = np.arange(1, 301) ** -1.6
    population = population_of(values, np.random.default_rng(8).exponential(size=300) * values)
    scores, plain = [], []
    for i, (n, t, ridge) in enumerate([(40, 150, 1e-2), (150, 100, 0.1), (80, 80, 0.1), (100, 250, 0.3)]):
        measured, error = orthogonal_losses(population, n, t, ridge, 60, seed=i)
        predicted = forecast_loss(population, n, t, ridge)
        scores.append((measured - predicted) / np.hypot(error, 0.7 * predicted / min(n, t)))
        plain.append(measured / predict_loss(population, n, t, ridge))
    assert np.max(np.abs(scores)) < 3.5
    assert np.min(plain) > 1.1


def test_what_is_left_of_a_real_population_has_the_loss_of_the_forecast():
    population, ratios = digits(), []
    for n, t in ((100, 300), (400, 200), (300, 500)):
        run = measure_loss(population, n, t, 1.0, replace=False, n_trials=20, seed=1)
        unseen = (1000 * run.test - t * run.train).mean() / (1000 - t)
        ratios.append(unseen / forecast_loss(population, n, t, 1.0))
        assert unseen / predict_loss(population, n, t, 1.0) > 1.15
    assert 0.93 < np.min(ratios) < np.max(ratios) < 1.15


def test_forecasts_broadcast_and_no_ridge_is_their_limit():
    n, t = np.array([[10], [50], [200]]), np.array([20, 60, 109])
    losses = forecast_loss(ROUGH, n, t, 0.3)
    one_by_one = [forecast_loss(ROUGH, *setting, 0.3) for setting in np.broadcast(n, t)]
    assert_allclose(losses.ravel(), one_by_one, rtol=1e-12)
    assert all(isinstance(loss, float) for loss in one_by_one)
    assert forecast_loss(ROUGH, [], 10, 1.0).shape == (0,)
    assert_allclose(forecast_loss(ROUGH, n, t), forecast_loss(ROUGH, n, t, 1e-8), rtol=1e-4)
    assert forecast_loss(ROUGH, 30, 30) == np.inf


@pytest.mark.parametrize("name", ["population", "n_features", "n_samples", "ridge"])
def test_a_bad_argument_of_the_forecast_is_refused_by_name(name):
    assert list(inspect.signature(forecast_loss).parameters) == list(GOOD)
    for bad in BAD[name]:
        with pytest.raises(ValueError, match=f"^{name} must be"):
            forecast_loss(**{**GOOD, name: bad})


def test_a_forecast_needs_an_input_that_is_left():
    with pytest.raises(ValueError, match=r"^n_samples must be below 110, so that an input is left; got 110"):
        forecast_loss(ROUGH, 5, [10, 110], 1.0)
    assert np.isfinite(forecast_loss(ROUGH, 5, 109.5, 1.0))


# -------------------------------------------------------------------------------------------------------- measurements


def naive_trials(population, n, t, ridge, replace, n_trials, seed):
    """The same experiments from the normal equations, every sample left out in turn."""
    results = []
    for child in np.random.SeedSequence(seed).spawn(n_trials):
        rng, n_inputs = np.random.default_rng(child), population.inputs.shape[1]
        weights = np.sqrt(population.feature_var / n_inputs) * rng.standard_normal((n, n_inputs))
        drawn = rng.choice(len(population.inputs), t, replace=replace)
        features = ACTIVATIONS[population.activation](population.inputs @ weights.T)
        inner, labels = features[drawn], population.target[drawn]

        def fit(rows, answers):
            return np.linalg.solve(rows.T @ rows + ridge * np.eye(n), rows.T @ answers)

        student = fit(inner, labels)
        test, train = np.mean((features @ student - population.target) ** 2), np.mean((inner @ student - labels) ** 2)
        df = np.trace(inner @ np.linalg.solve(inner.T @ inner + ridge * np.eye(n), inner.T))
        left_out = [inner[i] @ fit(np.delete(inner, i, 0), np.delete(labels, i)) - labels[i] for i in range(t)]
        results.append([test, train, train / (1 - df / t) ** 2, np.mean(np.square(left_out))])
    return np.transpose(results)


@pytest.mark.parametrize("replace", [True, False])
@pytest.mark.parametrize(("n", "t", "ridge"), [(5, 12, 0.1), (12, 5, 0.1), (7, 7, 1e-2), (30, 40, 5.0)])
def test_losses_and_estimates_agree_with_a_naive_experiment(n, t, ridge, replace):
    for population in (small(), Population(small().inputs, small().target, "erf", 3.0)):
        found = measure_loss(population, n, t, ridge, replace=replace, estimates=True, n_trials=4, seed=9)
        assert_allclose(found, naive_trials(population, n, t, ridge, replace, 4, 9), rtol=1e-7)


def test_ridgeless_fits_of_few_features_agree_with_a_naive_experiment():
    found = measure_loss(small("erf"), 5, 30, 0.0, estimates=True, n_trials=4)
    assert_allclose(found, naive_trials(small("erf"), 5, 30, 0.0, True, 4, 0), rtol=1e-6)


def test_measured_and_predicted_losses_agree_on_gaussian_data():
    population, scores, ratios = gaussian_like(), [], []
    settings = [(40, 120, 1e-3), (120, 40, 1e-3), (60, 60, 1e-2), (60, 90, 0.3), (100, 50, 1.0), (200, 300, 1e-2)]
    for i, (n, t, ridge) in enumerate(settings):
        measured = measure_loss(population, n, t, ridge, n_trials=60, seed=i)
        predicted = predict_loss(population, n, t, ridge)
        allowance = 1 / min(n, t) + 0.1 * t / 1000  # some inputs are drawn again
        scores.append((measured.mean.test - predicted) / np.hypot(measured.stderr.test, allowance * predicted))
        ratios.append(measured.mean.test / predicted)
    assert np.max(np.abs(scores)) < 3.5
    assert 0.97 < np.mean(ratios) < 1.05


def test_both_estimates_from_training_data_find_the_loss_of_gaussian_data():
    for i, (n, t, ridge) in enumerate([(40, 120, 1e-3), (60, 90, 0.3), (100, 50, 1.0), (60, 60, 1.0)]):
        losses = measure_loss(gaussian_like(), n, t, ridge, estimates=True, n_trials=60, seed=i)
        for estimate in (losses.gcv, losses.loo):
            difference = estimate - losses.test
            error = difference.std(ddof=1) / np.sqrt(60)
            assert abs(difference.mean()) < 3.5 * error + 2 * losses.mean.test / min(n, t)
        assert (losses.mean.train < losses.mean.test).all()


def test_without_replacement_every_sample_is_another_one():
    population = small()  # all samples seen: train is test
    losses = measure_loss(population, 30, 60, 1e-3, replace=False, n_trials=5)
    assert_allclose(losses.train, losses.test, rtol=1e-9)
    again = measure_loss(population, 30, 60, 1e-3, n_trials=5)
    assert (np.abs(again.train / again.test - 1) > 0.1).all()
    assert again.test.mean() > 1.2 * losses.test.mean()  # a third of the population was not seen
    default = measure_loss(population, 30, 60, 1e-3, n_trials=5, replace=True)
    assert_array_equal(default, again)


def test_estimates_come_when_asked_for_and_leave_the_losses_as_they_are():
    for n, t in [(20, 30), (30, 20)]:
        asked = measure_loss(small(), n, t, [0.0, 0.1], estimates=True, n_trials=3)
        plain = measure_loss(small(), n, t, [0.0, 0.1], n_trials=3)
        assert_array_equal(plain[:2], asked[:2])
        assert np.isnan(plain[2:]).all()
        assert np.isfinite([asked.gcv[:, 1], asked.loo[:, 1]]).all()


def test_several_ridges_are_the_same_experiments_as_one_by_one():
    ridge, options = np.array([[1e-3, 0.1, 2.0], [10.0, 0.5, 1e-6]]), {"estimates": True, "n_trials": 3, "seed": 2}
    together = measure_loss(small(), 20, 30, ridge, **options)
    assert isinstance(together, Measurement)
    assert {losses.shape for losses in together} == {(3, 2, 3)}
    for index in np.ndindex(2, 3):
        alone = measure_loss(small(), 20, 30, ridge[index], **options)
        assert {losses.shape for losses in alone} == {(3,)}
        assert_allclose([losses[:, *index] for losses in together], alone, rtol=1e-9)


def test_means_and_errors_are_those_of_the_trials():
    losses = measure_loss(small(), 20, 30, [[0.1, 1.0]], estimates=True, n_trials=7)
    assert isinstance(losses.mean, Measurement)
    assert isinstance(losses.stderr, Measurement)
    for trials, mean, error in zip(losses, losses.mean, losses.stderr, strict=True):
        assert_allclose(mean, trials.sum(axis=0) / 7)
        assert_allclose(error, np.sqrt(((trials - mean) ** 2).sum(axis=0) / 6 / 7))
    alone = measure_loss(small(), 20, 30, 0.1, estimates=True, n_trials=1)
    assert all(isinstance(value, float) for value in (*alone.mean, *alone.stderr))
    assert np.isnan(alone.stderr).all()


def test_seeds_repeat_experiments_and_progress_only_shows_them(capfd):
    def losses(**options):
        return np.array(measure_loss(small(), 20, 30, 0.1, estimates=True, n_trials=3, **options))

    assert_array_equal(losses(), losses(seed=0))
    assert capfd.readouterr() == ("", "")
    assert_array_equal(losses(progress=True), losses())
    assert "3/3" in capfd.readouterr().err
    assert len(np.unique([losses(seed=seed)[0] for seed in range(3)])) == 9
    assert_array_equal(losses()[:, :2], measure_loss(small(), 20, 30, 0.1, estimates=True, n_trials=2))
    assert measure_loss(small(), 20, 30, 0.1).test.shape == (20,)


def test_where_the_fit_interpolates_estimates_are_not_numbers():
    losses = measure_loss(small("erf"), 40, 12, [0.0, 1e-3], replace=False, estimates=True, n_trials=3)
    assert np.isfinite([losses.test, losses.train]).all()
    assert_allclose(losses.train[:, 0], 0, atol=1e-20)
    assert (losses.train[:, 1] > 1e-12).all()
    for estimate in (losses.gcv, losses.loo):
        assert np.isnan(estimate[:, 0]).all()
        assert np.isfinite(estimate[:, 1]).all()
    assert np.isfinite(measure_loss(small("erf"), 12, 40, 0.0, estimates=True, n_trials=3)).all()


BAD_MEASUREMENT = {
    "population": [None, 1.0, np.ones(5), Population, Empirical(VALUES)],
    **{name: [0, -1, 2.5, np.nan, "5", True, [3]] for name in ("n_features", "n_samples", "n_trials")},
    "ridge": [-1e-300, [1.0, -1.0], *NOT_REAL],
    "seed": [-1, 0.5, None, "1"],
}


@pytest.mark.parametrize("name", BAD_MEASUREMENT)
def test_a_bad_argument_of_the_measurement_is_refused_by_name(name):
    assert set(inspect.signature(measure_loss).parameters) == {*BAD_MEASUREMENT, "replace", "estimates", "progress"}
    good = {"population": small(), "n_features": 5, "n_samples": 6, "ridge": 1.0}
    for bad in BAD_MEASUREMENT[name]:
        with pytest.raises(ValueError, match=f"^{name} must be"):
            measure_loss(**{**good, name: bad})


def test_only_with_replacement_can_there_be_more_samples_than_inputs():
    with pytest.raises(ValueError, match=r"^n_samples must be at most 60 without replacement; got 61"):
        measure_loss(small(), 5, 61, 1.0, replace=False)
    assert np.isfinite(measure_loss(small(), 5, 60, 1.0, replace=False, n_trials=1).test).all()
    assert np.isfinite(measure_loss(small(), 5, 61, 1.0, n_trials=1).test).all()


# ------------------------------------------------------------------------------------------------------------ real data


@lru_cache
def digits():
    chosen = np.random.default_rng(0).permutation(1797)[:1000]
    return Population(load_digits_population()[chosen], np.where(load_digits().target % 2, 1.0, -1.0)[chosen])


def ratio(population, n, t, ridge, n_trials=20, **options):
    """Measured over predicted."""
    measured = measure_loss(population, n, t, ridge, n_trials=n_trials, seed=1).mean.test
    return measured / predict_loss(population, n, t, ridge, **options)


@pytest.mark.parametrize(
    ("n", "t", "ridge"),
    [(100, 400, 0.01), (100, 400, 1.0), (400, 100, 1.0), (200, 60, 0.1), (100, 1000, 0.1), (100, 100, 1.0)],
)
def test_the_loss_on_digits_is_predicted(n, t, ridge):
    assert 0.9 < ratio(digits(), n, t, ridge) < 1.15


@lru_cache
def photographs(normalise):
    """1,000 patches; to tell whether the left half is the brighter one."""
    patches = load_patch_population(normalise=normalise)
    patches = patches[np.random.default_rng(0).permutation(len(patches))[:1000]]
    return Population(patches, np.sign(patches.reshape(-1, 12, 12)[:, :, :6].sum(axis=(1, 2))))


def test_the_loss_on_normalised_patches_is_predicted():
    assert 0.9 < ratio(photographs(True), 100, 400, 1e-3) < 1.15
    assert_allclose(photographs(True).scales, 1, rtol=1e-12)


def test_raw_patches_need_their_scales():
    population = photographs(False)
    assert population.scales.max() > 5 * np.median(population.scales)
    assert ratio(population, 100, 400, 1e-4) > 1.8
    assert 1 / 1.4 < ratio(population, 100, 400, 1e-4, scales=population.scales) < 1.4


# ----------------------------------------------------------------------------------------------- scales, in the corners


@pytest.mark.parametrize(("n", "t"), [(10, 20), (20, 10), (300, 200)])
def test_small_ridges_with_scales_all_alike_change_nothing(n, t):
    for ridge in (1e-9, 1e-12):
        expected = predict_loss(ROUGH, n, t, ridge)
        assert predict_loss(ROUGH, n, t, ridge, scales=[1.0, 1.0]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("n", "t"), [(10, 1e10), (1e6, 1e6), (1e15, 1e15)])
def test_large_sizes_with_scales_all_alike_change_nothing(n, t):
    expected = predict_loss(ROUGH, n, t, 1.0)
    assert predict_loss(ROUGH, n, t, 1.0, scales=[1.0, 1.0]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_the_unit_of_the_scales_does_not_matter(unit):
    expected = predict_loss(ROUGH, 10, 20, 1.0, scales=[1.0, 2.0])
    assert predict_loss(ROUGH, 10, 20, 1.0, scales=[unit, 2 * unit]) == pytest.approx(expected, rel=1e-9)
