"""Gradient flow: the loss in the course of training, its frontier, and students that are stopped early."""

import inspect
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad, solve_ivp
from scipy.linalg import expm

from scaling_laws.asymptotics import bottleneck_loss, local_exponent
from scaling_laws.dynamics import (
    Frontier,
    _loss_and_slopes,
    _newton,
    compute_frontier,
    flow_asymptotic,
    flow_path,
    gradient_flow_loss,
    simulate_flow,
)
from scaling_laws.experiments import Simulation, simulate
from scaling_laws.features import RandomFeatures
from scaling_laws.latent import LatentModel
from scaling_laws.regression import ridge_path
from scaling_laws.resolvent import marchenko_pastur_density, sample_covariance_edges
from scaling_laws.spectra import Empirical, PowerLaw
from scaling_laws.theory import solve_delta, test_loss

SHORT = PowerLaw(0.7, 60, 2.0)
LONG = PowerLaw(1.0, 10**15)

power_laws = st.builds(PowerLaw, st.floats(0.05, 3), st.integers(1, 200), st.floats(-2, 2).map(lambda e: 10**e))
lists = st.tuples(st.lists(st.floats(-3, 1).map(lambda e: 10**e), min_size=1, max_size=30), st.integers(0, 5)).map(
    lambda parts: Empirical([*parts[0], *np.zeros(parts[1])])
)
spectra = st.one_of(power_laws, lists)
sizes = st.one_of(st.integers(1, 40), st.floats(0, 4).map(lambda e: 10.0**e))
positive = st.floats(-2, 2).map(lambda e: 10.0**e)


def times_of(spectrum, count=15):
    """Times from before anything to after everything is learned."""
    largest, smallest = spectrum.eigenvalue(1), spectrum.eigenvalue(spectrum.rank)
    return np.array([0, *np.geomspace(1e-8 / largest, 1e3 / smallest, count), np.inf])


def direct(eigenvalues, time):
    """The loss with unlimited features and samples, latent by latent."""
    return np.exp(-2 * np.multiply.outer(time, eigenvalues)) @ eigenvalues


# ------------------------------------------------------------------------------------------- nothing, or one, is scarce


@given(spectra)
def test_with_nothing_scarce_every_latent_decays_by_itself(spectrum):
    time = times_of(spectrum)[:-1]
    expected = direct(spectrum.eigenvalues, time)
    natural = np.array([np.sum(spectrum.eigenvalues / (1 + 2 * t * spectrum.eigenvalues)) for t in time])
    found = gradient_flow_loss(spectrum, time)
    assert (np.abs(found - expected) <= 3e-10 * natural).all()
    assert gradient_flow_loss(spectrum, np.inf) == 0


@pytest.mark.parametrize("alpha", [0.1, 0.5, 1.0, 2.0])
def test_with_nothing_scarce_a_hundred_thousand_latents_do_too(alpha):
    spectrum = PowerLaw(alpha, 10**5, 3.0)
    time = np.array([0, 1e-12, 1e-3, 1, 1e2, 1e4, 1e6])
    assert_allclose(gradient_flow_loss(spectrum, time), direct(spectrum.eigenvalues, time), rtol=1e-10)


def test_the_last_latent_is_followed_far_beyond_rounding():
    time = np.array([10, 40, 150, 300.0])
    assert_allclose(gradient_flow_loss(Empirical([1.0, 3.0]), time), np.exp(-2 * time) + 3 * np.exp(-6 * time), 1e-10)


def measured_with_samples(eigenvalues, n_samples, time, rng):
    """tr Lambda exp(-2 t S) for one draw of a sample covariance S: the loss averaged over the teacher."""
    draws = rng.standard_normal((n_samples, eigenvalues.size)) * np.sqrt(eigenvalues)
    rates, vectors = np.linalg.eigh(draws.T @ draws / n_samples)
    return np.exp(-2 * np.multiply.outer(time, rates)) @ (eigenvalues @ vectors**2)


def measured_with_features(eigenvalues, n_features, time, rng):
    """The same for a student of random features that learns on the average loss, straight from its definition."""
    n_latent, feature_var = eigenvalues.size, 1.7
    u = rng.normal(0, np.sqrt(feature_var / n_latent), (n_features, n_latent))
    rates, vectors = np.linalg.eigh(u * eigenvalues @ u.T)
    learned = -np.expm1(-np.multiply.outer(time, rates) * n_latent / (feature_var * n_features))
    from_latents = vectors.T @ u
    students = (from_latents.T * (learned / rates)[:, None, :]) @ (from_latents * eigenvalues)  # beta = student @ w
    return ((np.eye(n_latent) - students) ** 2).sum(axis=2) @ eigenvalues


@pytest.mark.parametrize("experiment", [measured_with_samples, measured_with_features])
def test_the_loss_agrees_with_random_matrices(experiment):
    cases, rng = [(0.5, 250, 60), (1.0, 200, 80), (0.3, 150, 100)], np.random.default_rng(5)
    if experiment is measured_with_samples:
        cases += [(0.4, 120, 150), (0.3, 100, 400)]
    for alpha, n_latent, size in cases:
        spectrum = PowerLaw(alpha, n_latent, 1.5)
        time = np.array([0.1, 1, 10, 100, 1e5 if size < n_latent else 300])
        trials = np.array([experiment(spectrum.eigenvalues, size, time, rng) for _ in range(20)])
        expected = gradient_flow_loss(spectrum, time, size)
        stderr = trials.std(axis=0, ddof=1) / np.sqrt(20)
        assert (stderr < 0.02 * expected).all()
        # real matrices of a finite size differ from the limit by up to 0.4/N: measured with 800 trials
        assert (abs(trials.mean(axis=0) - expected) < 3.5 * stderr + 0.4 * expected / size).all()


@pytest.mark.parametrize("size", [5, 20, 49.5, 50.5, 60, 200])
def test_white_latents_decay_with_the_marchenko_pastur_density(size):
    ratio, time = 50 / size, np.array([1e-3, 0.3, 2.0, 30.0, 300.0])
    low, high = (1 - np.sqrt(ratio)) ** 2, (1 + np.sqrt(ratio)) ** 2

    def integrand(angle, t):
        """With mu = middle - half cos(angle), where the roots at both edges are gone."""
        mu = (low + high) / 2 - (high - low) / 2 * np.cos(angle)
        density = marchenko_pastur_density(mu, ratio)
        return density * np.exp(-2 * t * (mu - low)) * (high - low) / 2 * np.sin(angle)

    options = {"epsabs": 0, "epsrel": 1e-10, "limit": 400, "points": [0.01, 0.1, 0.5]}
    learning = [np.exp(-2 * t * low) * quad(integrand, 0, np.pi, (t,), **options)[0] for t in time]
    expected = 50 * (np.array(learning) + max(0, 1 - 1 / ratio))
    assert_allclose(gradient_flow_loss(Empirical(np.ones(50)), time, size), expected, rtol=1e-8)


@settings(max_examples=30)
@given(spectra, sizes, st.floats(0, 1))
def test_the_first_moments_of_a_sample_covariance_set_the_beginning(spectrum, size, share):
    lam = spectrum.eigenvalues
    time = 10 ** (-5 + 1.5 * share) / lam.sum()
    first, second, third = (np.sum(lam**k) for k in (1, 2, 3))
    expected = 2 * time * second - 2 * time**2 * (third + first * second / size)
    assert lam.sum() - gradient_flow_loss(spectrum, time, size) == pytest.approx(expected, rel=2e-5)


# ----------------------------------------------------------------------------------------------------- limits, monotony


@settings(max_examples=30)
@given(spectra, sizes)
def test_training_begins_at_the_total_variance_and_ends_at_the_bottleneck(spectrum, size):
    begin, end = gradient_flow_loss(spectrum, [0, np.inf], size)
    assert begin == pytest.approx(spectrum.trace, rel=1e-14)
    expected = size * solve_delta(spectrum, size, 10**15) if size < spectrum.rank else 0
    assert end == pytest.approx(expected, rel=1e-12, abs=0)
    assert end == pytest.approx(test_loss(spectrum, size, 10**15), rel=1e-6, abs=1e-9 * begin)
    slowest = spectrum.eigenvalue(spectrum.rank)
    if abs(size / spectrum.rank - 1) > 0.1:
        assert gradient_flow_loss(spectrum, 1e7 / slowest, size) == pytest.approx(end, rel=1e-9, abs=1e-30)


def test_the_bottleneck_of_a_long_power_law_is_the_known_one():
    size = np.geomspace(1e3, 1e9, 7)
    found = gradient_flow_loss(LONG, [[1e30], [np.inf]], size)
    assert_allclose(found, np.tile(bottleneck_loss(1.0, size, shift=0.5), (2, 1)), rtol=1e-5)


@settings(max_examples=30)
@given(spectra)
def test_a_plentiful_resource_is_as_good_as_an_unlimited_one(spectrum):
    time = times_of(spectrum)[:8]
    assert_allclose(gradient_flow_loss(spectrum, time, 1e15), gradient_flow_loss(spectrum, time), rtol=1e-8)


@settings(max_examples=30)
@given(spectra)
def test_the_loss_falls_with_time_and_with_the_size(spectrum):
    rank = spectrum.rank
    size = np.unique(np.clip([1, 1.5, rank / 2, rank - 0.01, rank, rank + 0.01, 2 * rank, 1e3 * rank], 1, 1e15))
    time = times_of(spectrum)
    loss = gradient_flow_loss(spectrum, time, size[:, None])
    assert np.isfinite(loss).all()
    assert (loss >= 0).all()
    slack = 1e-8 * loss + 1e-11 * spectrum.trace / (1 + time * spectrum.trace)
    assert (np.diff(loss, axis=1) <= slack[:, :-1]).all()
    assert (np.diff(loss, axis=0) <= slack[:-1]).all()
    assert (loss >= gradient_flow_loss(spectrum, time) - slack).all()
    assert (loss >= loss[:, -1:]).all()


@pytest.mark.parametrize("size", [61, 100, 3000])
def test_with_more_than_enough_features_the_smallest_eigenvalue_sets_the_end(size):
    (edge, _), *_ = sample_covariance_edges(SHORT, size)
    time = np.array([90, 100]) / edge  # the loss is about 1e-80
    loss = gradient_flow_loss(SHORT, time, size)
    # behind a root-like edge: exp(-2 edge t) t^(-3/2)
    assert np.log(loss[0] / loss[1]) == pytest.approx(20 + 1.5 * np.log(100 / 90), abs=0.1)
    assert 1e-100 < loss[1] < 1e-80
    assert gradient_flow_loss(SHORT, 1e9 / edge, size) == 0


def test_with_exactly_enough_features_the_end_is_algebraic():
    # ridge = Delta^2 tr(1/Lambda)/M at the hard edge, so the transform is M/sqrt(ridge tr(1/Lambda)/M)
    time = 1e6 / SHORT.eigenvalue(60) * np.array([1, 1e2, 1e9, 1e30])
    expected = 60**1.5 / np.sqrt(np.sum(1 / SHORT.eigenvalues) * np.pi * 2 * time)
    assert_allclose(gradient_flow_loss(SHORT, time, 60) / expected, [1, 1, 1, 1], atol=2e-3)
    assert gradient_flow_loss(SHORT, time[2], 60) == pytest.approx(expected[2], rel=1e-6)


# ---------------------------------------------------------------------------------------------------- units and lengths


@settings(max_examples=30)
@given(spectra, sizes, positive, positive)
def test_the_loss_scales_with_the_teacher_and_the_units(spectrum, size, weight_var, unit):
    time = times_of(spectrum, 6)
    loss = gradient_flow_loss(spectrum, time, size)
    assert_allclose(gradient_flow_loss(spectrum, time, size, weight_var=weight_var), weight_var * loss, rtol=1e-14)
    scaled = Empirical(unit * spectrum.eigenvalues)
    assert_allclose(gradient_flow_loss(scaled, time / unit, size), unit * loss, rtol=1e-8, atol=1e-250)


@pytest.mark.parametrize("n_latent", [100, 700, 3000])
@pytest.mark.parametrize("alpha", [0.2, 1.0, 2.5])
def test_a_power_law_and_the_list_of_its_eigenvalues_agree(alpha, n_latent):
    spectrum = PowerLaw(alpha, n_latent, 0.5)
    size, time = np.array([1, 30.5, n_latent - 1, n_latent, n_latent + 20, 1e6])[:, None], times_of(spectrum, 8)
    found, expected = (gradient_flow_loss(s, time, size) for s in (spectrum, Empirical(spectrum.eigenvalues)))
    assert_allclose(found, expected, rtol=1e-8, atol=1e-290)


@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_1e15_latents_cost_no_more_than_a_few(alpha):
    start = perf_counter()
    time, size = np.geomspace(1, 1e10, 20), np.geomspace(1, 1e12, 20)[:, None]
    loss = gradient_flow_loss(PowerLaw(alpha, 10**15), time, size)
    assert perf_counter() - start < 2
    shorter = PowerLaw(alpha, 10**14)
    missing = PowerLaw(alpha, 10**15).tail(10**14)  # too small to be learned: it adds to the loss, and little else
    resolved = loss > 20 * missing
    assert resolved.mean() > 0.3
    assert_allclose((loss - missing)[resolved], gradient_flow_loss(shorter, time, size)[resolved], rtol=0.01)
    assert_allclose(loss[size[:, 0] < 1e4], gradient_flow_loss(PowerLaw(alpha, 10**15), time, size[size < 1e4, None]))


@pytest.mark.parametrize("spectrum", [Empirical([1.0, 0.1, 0.01]), LONG])
@pytest.mark.parametrize("size", [1.0, 2.5, 100.0])
def test_newton_finds_the_one_root_in_the_upper_half_plane_from_anywhere(spectrum, size):
    rng = np.random.default_rng(0)
    ridge, start = 10 ** rng.uniform(-4, 1, (2, 200)) * np.exp(1j * rng.uniform(0.05, 2.6, (2, 200)))
    delta = _newton(spectrum, np.full(200, size), ridge, start)
    assert (delta.imag >= ridge.imag).all()
    df1 = spectrum.continued_sums(delta)[0]
    assert_allclose(delta * (1 - df1 / size), ridge, rtol=1e-8)


def test_where_rounding_prevents_an_answer_none_is_given():
    time, size = np.geomspace(1, 1e27, 300), np.array([[1], [2]])
    answered = np.isfinite(gradient_flow_loss(Empirical([1.0, 1e-24]), time, size))
    assert not answered[0].all()
    assert answered[1].all()
    assert np.isfinite(gradient_flow_loss(Empirical([1.0, 1e-16]), time, size)).all()


def test_nothing_is_lost_at_very_short_very_long_and_extreme_scales():
    time = np.array([0, 1e-300, 1e-5, 1, 1e5, 1e300, 1.7e308, np.inf])
    for spectrum in (LONG, PowerLaw(0.05, 10**6, 1e-100), PowerLaw(4.0, 1000, 1e10), Empirical([1e100, 1e90, 0])):
        rank = spectrum.rank
        size = np.clip([1, rank * (1 - 1e-12), rank, rank * (1 + 1e-12), 1e15], 1, 1e15)[:, None]
        loss = gradient_flow_loss(spectrum, time, size)
        assert np.isfinite(loss).all()
        assert_allclose(loss[:, :2], spectrum.trace, rtol=1e-12)


# ---------------------------------------------------------------------------------------------- laws of long power laws


@pytest.mark.parametrize("alpha", [0.3, 1.0, 2.5])
def test_the_closed_form_is_the_integral_over_latents(alpha):
    time, scale, rate = 7.0, 3.0, 1 + alpha

    def integrand(log_rank):
        eigenvalue = scale * np.exp(-rate * log_rank)
        return eigenvalue * np.exp(-2 * time * eigenvalue + log_rank)

    expected = 1.5 * quad(integrand, -6, 30 / alpha, epsabs=0, epsrel=1e-11, limit=500, points=[0, 1, 3, 10])[0]
    assert flow_asymptotic(alpha, time, weight_var=1.5, scale=scale) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("alpha", [0.6, 1.0, 2.0])
def test_a_long_power_law_is_learned_as_its_closed_form_says(alpha):
    spectrum, time = PowerLaw(alpha, 10**15, 2.0), np.array([1e3, 1e5, 1e8])
    unlearned = 2 * 1e15**-alpha / alpha
    found = gradient_flow_loss(spectrum, time, weight_var=3.0)
    assert_allclose(found + 3 * unlearned, flow_asymptotic(alpha, time, weight_var=3.0, scale=2.0), rtol=1e-8)


@pytest.mark.parametrize("alpha", [0.7, 1.0, 2.0])
def test_time_and_size_have_different_exponents(alpha):
    spectrum = PowerLaw(alpha, 10**15)
    in_time = local_exponent(lambda t: gradient_flow_loss(spectrum, t), [1e4, 1e6])
    assert_allclose(in_time, alpha / (1 + alpha), rtol=1e-4)
    assert_allclose(local_exponent(lambda t: flow_asymptotic(alpha, t), [1.0, 10.0]), alpha / (1 + alpha), rtol=1e-7)
    in_size = local_exponent(lambda n: gradient_flow_loss(spectrum, 1e30, n), [1e4, 1e6])
    assert_allclose(in_size, alpha, rtol=1e-3)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_size_and_time_enter_through_one_ratio(alpha):
    spectrum, size = PowerLaw(alpha, 10**15), np.array([1e3, 1e5])
    for reduced in (0.1, 1.0, 10.0):
        loss = size**alpha * gradient_flow_loss(spectrum, reduced * size ** (1 + alpha), size)
        assert loss[0] == pytest.approx(loss[1], rel=2e-3)


# --------------------------------------------------------------------------------------------------------- the frontier


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_the_frontier_of_a_long_power_law_has_the_known_exponents(alpha):
    compute = np.array([1e16, 1e18])
    n, t, loss = np.log(compute_frontier(PowerLaw(alpha, 10**15), compute))
    found = np.array([np.diff(x)[0] for x in (n, t, loss)]) / np.log(100)
    assert_allclose(found, np.array([1, 1 + alpha, -alpha]) / (2 + alpha), rtol=0.01)


@pytest.mark.parametrize("spectrum", [LONG, SHORT, Empirical([*np.ones(5), *np.full(50, 1e-5)])])
def test_no_other_split_of_the_compute_does_better(spectrum):
    compute = np.array([0.1, 1.0, 1.3, 3.0, 1e3, 1e5, 1e9])
    found = compute_frontier(spectrum, compute)
    assert isinstance(found, Frontier)
    assert_allclose(found.n_features * found.time, compute, rtol=1e-12)
    assert ((found.n_features >= 1) & (found.n_features <= 1e15)).all()
    assert_array_equal(found.test_loss, gradient_flow_loss(spectrum, found.time, found.n_features))
    size = np.append(np.geomspace(1, 1e10, 400), 1e15)[:, None]
    grid = gradient_flow_loss(spectrum, compute / size, size)
    assert (found.test_loss <= grid.min(axis=0) * (1 + 1e-9)).all()
    near = abs(np.log(found.n_features / size[np.argmin(grid, axis=0), 0])) < 0.1
    assert near[found.test_loss > 1e-100].all()


def test_with_little_compute_one_feature_is_best():
    n, t, loss = compute_frontier(LONG, 1e-3)
    assert (n, t) == (1, 1e-3)
    assert loss == gradient_flow_loss(LONG, 1e-3, 1)


def test_the_frontier_does_not_depend_on_the_teacher_and_broadcasts():
    compute, weight_var = np.array([10.0, 1e4]), np.array([[0.0], [1.0], [2.5]])
    found, alone = compute_frontier(SHORT, compute, weight_var=weight_var), compute_frontier(SHORT, compute)
    assert {part.shape for part in found} == {(3, 2)}
    for k, variance in enumerate(weight_var):
        assert_allclose([part[k] for part in found], [alone[0], alone[1], variance * alone[2]], rtol=1e-12)
    for one, entry in zip(compute, np.transpose(alone), strict=True):
        assert_allclose(compute_frontier(SHORT, one), entry, rtol=1e-5)
    assert all(isinstance(part, float) for part in compute_frontier(SHORT, 10.0))
    assert {part.shape for part in compute_frontier(SHORT, [])} == {(0,)}


# ------------------------------------------------------------------------------------------------------------- students


@pytest.mark.parametrize("shape", [(12, 5), (5, 12), (6, 6)])
def test_the_path_solves_the_differential_equation(shape):
    rng = np.random.default_rng(3)
    features, labels, times = rng.standard_normal(shape), rng.standard_normal(shape[0]), np.array([0, 0.03, 0.4, 3.0])
    found = solve_ivp(
        lambda _, theta: features.T @ (labels - features @ theta),
        (0, 3),
        np.zeros(shape[1]),
        t_eval=times,
        rtol=1e-10,
        atol=1e-12,
    )
    assert_allclose(flow_path(features, labels, times), found.y.T, atol=1e-8)


@pytest.mark.parametrize("shape", [(12, 5), (5, 12)])
def test_the_path_ends_at_the_minimum_norm_fit_and_begins_with_the_gradient(shape):
    rng = np.random.default_rng(4)
    features, labels = rng.standard_normal(shape), rng.standard_normal(shape[0])
    features[:, 3] = features[:, 0]  # a direction that is never learned
    features[3] = features[0]
    fit = ridge_path(features, labels, 0.0)
    for late in (np.inf, 1e6, 1e300):
        assert_allclose(flow_path(features, labels, late), fit, rtol=1e-9)
    assert_allclose(flow_path(features, labels, 1e-12), 1e-12 * features.T @ labels, rtol=1e-9)
    assert not flow_path(features, labels, 0).any()
    assert not flow_path(np.zeros(shape), labels, [0, 1, np.inf]).any()


def test_directions_lost_in_rounding_are_not_learned_at_any_time():
    features = np.array([[1.0, 1.0], [1.0, 1.0 + 2e-16], [1.0, 1.0]])
    for late in (1e3, 1e40, np.inf):
        assert_allclose(flow_path(features, [1.0, 2.0, 0.0], late), [0.5, 0.5], rtol=1e-12)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
def test_paths_and_simulations_have_the_shape_of_the_times(shape):
    times = np.linspace(0, 2, int(np.prod(shape))).reshape(shape)
    assert flow_path(np.ones((4, 2)), np.ones(4), times).shape == (*shape, 2)
    found = simulate_flow(LatentModel(SHORT), 6, 5, times, n_trials=3)
    assert isinstance(found, Simulation)
    assert found.trials.shape == found.train_trials.shape == (3, *shape)
    assert gradient_flow_loss(SHORT, times, 3).shape == shape


def test_a_simulated_student_flows_in_the_units_of_the_theory():
    model, n, t, feature_var = LatentModel(PowerLaw(0.5, 12, 2.0), 1.5, 0.3), 5, 7, 2.3
    times = np.array([0, 0.2, 3.0, 50.0])
    found = simulate_flow(model, n, t, times, n_trials=2, feature_var=feature_var, seed=9)
    for trial, seed in enumerate(np.random.SeedSequence(9).spawn(2)):
        rng = np.random.default_rng(seed)
        w, x = model.draw_teacher(rng), model.draw_latents(t, rng)
        y = model.draw_labels(x, w, rng)
        u = RandomFeatures.draw(n, 12, rng, feature_var=feature_var).weights
        pull = 12 / (feature_var * n) * u.T @ u / t  # d beta/dt = pull X^T (y - X beta)
        generator = np.block([[-pull @ x.T @ x, (pull @ x.T @ y)[:, None]], [np.zeros((1, 13))]])
        beta = np.array([expm(time * generator)[:12, 12] for time in times])
        assert_allclose(found.trials[trial], (beta - w) ** 2 @ model.spectrum.eigenvalues, rtol=1e-8)
        assert_allclose(found.train_trials[trial], np.mean((beta @ x.T - y) ** 2, axis=1), rtol=1e-8)


@pytest.mark.heavy
@pytest.mark.parametrize(("n", "t"), [(20, 2000), (2000, 20)])
def test_simulated_students_learn_as_predicted_when_one_resource_is_plentiful(n, t):
    model, times = LatentModel(PowerLaw(0.6, 150, 2.0), weight_var=2.0), np.array([0.1, 1, 10, 100, np.inf])
    found = simulate_flow(model, n, t, times, n_trials=100, feature_var=0.4, seed=1)
    expected = gradient_flow_loss(model.spectrum, times, 20, weight_var=2.0)
    assert (np.abs(found.mean - expected) < 3.5 * found.stderr).all()
    assert (found.stderr < 0.1 * expected).all()


def test_a_student_that_never_stops_is_ridgeless_and_noise_makes_stopping_pay():
    model = LatentModel(PowerLaw(0.6, 100), noise_var=0.5)
    found = simulate_flow(model, 30, 40, [1.0, 10.0, 1e9, np.inf], n_trials=10)
    ridgeless = simulate(model, 30, 40, 0.0, n_trials=10)
    assert_allclose(found.trials[:, 3], ridgeless.trials, rtol=1e-7)
    assert_allclose(found.train_trials[:, 3], ridgeless.train_trials, rtol=1e-7)
    assert_allclose(found.trials[:, 2], found.trials[:, 3], rtol=1e-3)
    assert found.mean[1] < found.mean[3] / 2
    assert (np.diff(found.train_mean) <= 1e-12).all()


def test_the_same_seed_gives_the_same_students_and_another_seed_others():
    run = lambda **options: simulate_flow(LatentModel(SHORT), 5, 9, [1.0, 2.0], n_trials=3, **options).trials  # noqa: E731
    assert_array_equal(run(seed=2), run(seed=2))
    assert (run(seed=2) != run(seed=3)).all()
    assert_array_equal(simulate_flow(LatentModel(SHORT), 5, 9, [1.0, 2.0], n_trials=2, seed=2).trials, run(seed=2)[:2])
    assert_array_equal(simulate_flow(LatentModel(SHORT), 5, 9, 2.0, n_trials=3).trials.shape, (3,))


# ------------------------------------------------------------------------------------------------ shapes, bad arguments


def test_settings_broadcast_and_each_entry_is_its_own():
    time, size, weight_var = (
        np.array([0, 1.0, 1e9, np.inf]),
        np.array([[3], [60], [500]]),
        np.array([1, 2])[:, None, None],
    )
    found = gradient_flow_loss(SHORT, time, size, weight_var=weight_var)
    assert found.shape == (2, 3, 4)
    entries = np.nditer(np.broadcast_arrays(time, size, weight_var))
    one_by_one = [gradient_flow_loss(SHORT, t, n, weight_var=v) for t, n, v in entries]
    assert_allclose(found.ravel(), one_by_one, rtol=1e-12)
    assert flow_asymptotic([1.0, 2.0], [[1.0], [2.0], [3.0]], weight_var=np.ones((4, 1, 1))).shape == (4, 3, 2)
    assert isinstance(gradient_flow_loss(SHORT, 1, 3), float)
    assert isinstance(gradient_flow_loss(SHORT, 1), float)
    assert isinstance(flow_asymptotic(1, 1), float)
    assert gradient_flow_loss(SHORT, [], 3).shape == gradient_flow_loss(SHORT, 1, []).shape == (0,)


NOT_REAL = [np.nan, -np.inf, "1", 1j, [1.0, np.nan]]
NOT_FINITE = [np.inf, None, *NOT_REAL]
NOT_COUNTS = [0, -1, 2.5, "5", True, [3], None]
MATRIX = np.ones((4, 2))
GOOD = {
    gradient_flow_loss: {"spectrum": SHORT, "time": 1.0, "size": 3, "weight_var": 1.0},
    flow_asymptotic: {"alpha": 1.0, "time": 1.0, "weight_var": 1.0, "scale": 1.0},
    compute_frontier: {"spectrum": SHORT, "compute": 10.0, "weight_var": 1.0},
    flow_path: {"features": MATRIX, "labels": np.ones(4), "times": 1.0},
    simulate_flow: {
        "model": LatentModel(SHORT),
        "n_features": 3,
        "n_samples": 4,
        "times": 1.0,
        "n_trials": 2,
        "feature_var": 1.0,
        "seed": 0,
        "progress": False,
    },
}
BAD = {
    "spectrum": [None, 1.0, [1.0, 0.5], PowerLaw],
    "time": [-1e-300, [1.0, -1.0], [[1.0], [np.inf, 2.0]], None, *NOT_REAL],
    "times": [-1e-300, [1.0, -1.0], [[1.0], [1.0, 2.0]], None, *NOT_REAL],
    "size": [0, 0.99, 1.01e15, [5, 0], *NOT_REAL, np.inf],
    "weight_var": [-1e-300, *NOT_FINITE],
    "alpha": [0, -1.0, *NOT_FINITE],
    "scale": [0, -1.0, *NOT_FINITE],
    "compute": [0, -1.0, [1.0, 0.0], *NOT_FINITE],
    "features": [1.0, np.ones(4), np.ones((2, 2, 2)), np.ones((0, 3)), [[np.nan]], "a"],
    "labels": [1.0, np.ones(3), np.ones((4, 1)), [np.nan] * 4, "a"],
    "model": [None, SHORT],
    "n_features": NOT_COUNTS,
    "n_samples": NOT_COUNTS,
    "n_trials": NOT_COUNTS,
    "feature_var": [0, -1.0, [1.0], *NOT_FINITE],
    "seed": [-1, 0.5, None],
}
REFUSALS = [(function, name) for function, good in GOOD.items() for name in good if name != "progress"]


@pytest.mark.parametrize(("function", "name"), REFUSALS, ids=lambda x: getattr(x, "__name__", x))
def test_a_bad_argument_is_refused_by_name(function, name):
    assert set(inspect.signature(function).parameters) == set(GOOD[function])
    function(**GOOD[function])
    extra = [0.0, np.inf] if (function, name) == (flow_asymptotic, "time") else []
    for bad in [*BAD[name], *extra]:
        with pytest.raises(ValueError, match=f"^{name} must"):
            function(**{**GOOD[function], name: bad})


@given(st.floats(0.2, 3), st.floats(0.3, 4), st.floats(0.5, 5))
def test_the_loss_changes_with_time_and_size_at_the_rates_that_the_frontier_uses(alpha, log_n, log_t):
    spectrum, step = PowerLaw(alpha, 10**5), 1e-3
    n, t = 10 ** np.array([log_n]), 10 ** np.array([log_t])
    loss, by_time, by_size = _loss_and_slopes(spectrum, t, n)
    shift = np.exp(step * np.array([1, -1, 2, -2]))
    for rate, (times, sizes) in ((by_time, (t * shift, n)), (by_size, (t, n * shift))):
        up, down, up2, down2 = _loss_and_slopes(spectrum, times, sizes)[0]
        assert (8 * (up - down) - (up2 - down2)) / (12 * step) == pytest.approx(rate[0], rel=1e-6, abs=1e-7 * loss[0])
