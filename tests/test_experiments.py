"""Monte-Carlo experiments."""

import multiprocessing
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from scaling_laws import experiments
from scaling_laws.experiments import simulate, simulate_parts
from scaling_laws.features import ACTIVATIONS, KERNELS, RandomFeatures
from scaling_laws.latent import LatentModel
from scaling_laws.regression import ridge_path
from scaling_laws.spectra import PowerLaw
from scaling_laws.theory import decompose, test_loss

MODEL = LatentModel(PowerLaw(0.8, 100), noise_var=0.05)
RIDGES = np.array([[0.0, 1e-3, 1e-1], [1.0, 10.0, 1e3]])
each_activation = pytest.mark.parametrize("activation", sorted(ACTIVATIONS))


def run(**options):
    return simulate(MODEL, 20, 30, RIDGES, **{"n_trials": 5, **options})


def test_the_same_seed_gives_the_same_result_and_another_seed_another():
    first, second, other = run(seed=1), run(seed=1), run(seed=2)
    assert_array_equal(first.trials, second.trials)
    assert_array_equal(first.train_trials, second.train_trials)
    assert (first.trials != other.trials).all()


def test_every_trial_is_its_own_experiment_and_more_trials_continue_fewer():
    few, many = run(n_trials=3), run(n_trials=6)
    assert np.unique(many.trials[:, 0, 1]).size == 6
    assert_array_equal(many.trials[:3], few.trials)


def test_threads_and_processes_give_the_same_result():
    here = run()
    with ThreadPoolExecutor(2) as threads:
        in_threads = run(executor=threads)
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as processes:
        in_processes = run(executor=processes)
    for elsewhere in (in_threads, in_processes):
        assert_allclose(elsewhere.trials, here.trials, rtol=1e-8)
        assert_allclose(elsewhere.train_trials, here.train_trials, rtol=1e-8, atol=1e-20)


@pytest.mark.parametrize("shape", [(), (4,), (2, 3), (0,)])
def test_results_have_the_shape_of_the_ridges(shape):
    found = simulate(MODEL, 6, 5, np.full(shape, 0.1), n_trials=3)
    assert found.trials.shape == found.train_trials.shape == (3, *shape)
    for summary in (found.mean, found.stderr, found.train_mean, found.train_stderr):
        assert np.shape(summary) == shape


def test_each_ridge_in_an_array_gives_what_it_gives_alone():
    together = run()
    for index in np.ndindex(RIDGES.shape):
        alone = simulate(MODEL, 20, 30, RIDGES[index], n_trials=5)
        assert_allclose(together.trials[(slice(None), *index)], alone.trials, rtol=1e-8)


def test_mean_and_standard_error_are_those_of_the_trials():
    found = run()
    for trials, mean, stderr in (
        (found.trials, found.mean, found.stderr),
        (found.train_trials, found.train_mean, found.train_stderr),
    ):
        assert_allclose(mean, sum(trials) / 5, rtol=1e-13)
        assert_allclose(stderr, np.sqrt(sum((trials - mean) ** 2) / (5 * 4)), rtol=1e-12)


def test_a_single_trial_has_no_standard_error():
    found = run(n_trials=1)
    assert np.isnan(found.stderr).all()
    assert np.isnan(found.train_stderr).all()
    assert np.isfinite(found.mean).all()


def test_the_progress_bar_is_off_unless_asked_for_and_goes_to_stderr(capsys):
    run()
    assert capsys.readouterr() == ("", "")
    with ThreadPoolExecutor(1) as executor:
        for options in ({}, {"executor": executor}):
            run(progress=True, **options)
            out, err = capsys.readouterr()
            assert (out, "5/5" in err) == ("", True)


def replay(seed, **options):
    """Teacher, features of the training latents and labels of the first trial of `run`, drawn in its order."""
    rng = np.random.default_rng(np.random.SeedSequence(seed).spawn(1)[0])
    teacher, latents = MODEL.draw_teacher(rng), MODEL.draw_latents(30, rng)
    labels = MODEL.draw_labels(latents, teacher, rng)
    feature_map = RandomFeatures.draw(20, 100, rng, **options)
    return teacher, feature_map, feature_map(latents), labels


@pytest.fixture(scope="module")
def fresh():
    return MODEL.draw_latents(50_000, np.random.default_rng(99))


@each_activation
def test_the_exact_loss_agrees_with_a_large_test_set(fresh, activation):
    options = {"activation": activation, "feature_var": 3.0}
    found = run(n_trials=1, seed=7, **options)
    teacher, feature_map, features, labels = replay(7, **options)
    test_features = feature_map(fresh)
    for index in np.ndindex(RIDGES.shape):
        coefficients = ridge_path(features, labels, RIDGES[index])
        squares = (test_features @ coefficients - fresh @ teacher) ** 2
        assert abs(found.mean[index] - squares.mean()) < 4 * squares.std() / np.sqrt(squares.size)
        train_loss = np.mean((features @ coefficients - labels) ** 2)
        assert found.train_mean[index] == pytest.approx(train_loss, rel=1e-8, abs=1e-20)


def test_the_loss_of_linear_features_follows_from_their_moments_too(monkeypatch):
    monkeypatch.setitem(ACTIVATIONS, "identity", ACTIVATIONS["linear"])
    monkeypatch.setitem(KERNELS, "identity", KERNELS["linear"])
    by_moments, linear = run(activation="identity", feature_var=2.0), run(feature_var=2.0)
    assert_allclose(by_moments.trials, linear.trials, rtol=1e-8)
    assert_array_equal(by_moments.train_trials, linear.train_trials)


def variance_of_labels(seed):
    """Sum of w^2 lambda of the first trial: the loss of a student that always answers 0."""
    return replay(seed)[0] ** 2 @ MODEL.spectrum.eigenvalues


@each_activation
def test_a_huge_ridge_leaves_all_of_the_variance_of_the_labels(activation):
    found = simulate(MODEL, 20, 30, 1e15, n_trials=1, activation=activation, seed=3)
    assert found.mean == pytest.approx(variance_of_labels(3), rel=1e-8)


@pytest.mark.parametrize("activation", ["cos", "quadratic"])
def test_even_features_learn_nothing_of_a_linear_teacher(activation):
    for seed in range(5):
        found = run(n_trials=1, activation=activation, seed=seed)
        assert (found.mean >= variance_of_labels(seed) * (1 - 1e-12)).all()
    average = run(n_trials=100, activation=activation)
    assert (average.mean > MODEL.spectrum.trace - 4 * average.stderr).all()


@pytest.mark.parametrize(("n", "t"), [(40, 80), (80, 40), (60, 60)])
def test_simulation_agrees_with_theory(n, t):
    model = LatentModel(PowerLaw(0.6, 200), weight_var=2.0, noise_var=0.1)
    ridges = np.array([0.02, 0.3, 5.0])
    found = simulate(model, n, t, ridges, n_trials=100, feature_var=3.0, seed=11)
    parts = decompose(model.spectrum, n, t, ridges, weight_var=2.0, noise_var=0.1, feature_var=3.0)
    assert (abs(found.mean - parts.test_loss) < 4 * found.stderr).all()
    assert (abs(found.train_mean - parts.train_loss) < 4 * found.train_stderr).all()


class InterruptedExecutor(Executor):
    """Its first trial ends like a press of Ctrl-C; the others never begin."""

    def __init__(self):
        self.futures = []

    def submit(self, fn, /, *args, **kwargs):
        self.futures.append(Future())
        if len(self.futures) == 1:
            self.futures[0].set_exception(KeyboardInterrupt())
        return self.futures[-1]


def test_an_interrupt_cancels_the_trials_that_have_not_begun():
    executor = InterruptedExecutor()
    with pytest.raises(KeyboardInterrupt):
        run(executor=executor)
    assert [future.cancelled() for future in executor.futures] == [False, True, True, True, True]


@pytest.mark.parametrize(
    ("name", "bad"),
    [(name, bad) for name in ("n_features", "n_samples", "n_trials") for bad in (0, -1, 2.5, np.nan, "3", None)]
    + [("ridge", bad) for bad in (-1e-9, [1.0, -1.0], np.nan, np.inf, "a", 1j)]
    + [("feature_var", bad) for bad in (0, -1, np.nan, [1.0])]
    + [("seed", bad) for bad in (-1, 0.5, "x", None)]
    + [("activation", bad) for bad in ("step", "", None, 1, ["relu"])]
    + [("model", bad) for bad in (None, PowerLaw(1.0, 3))],
)
def test_a_bad_argument_is_refused_by_name(name, bad):
    with pytest.raises(ValueError, match=f"^{name} must be"):
        # a trial that began would raise NotImplementedError
        simulate(**{"model": MODEL, "n_features": 2, "n_samples": 3, "ridge": 0.1, name: bad}, executor=Executor())


@pytest.mark.parametrize(("n", "t"), [(12, 25), (25, 12), (20, 20)])
def test_the_parts_add_up_to_the_loss_of_independent_trials(n, t):
    parts = simulate_parts(MODEL, n, t, [1e-2, 1.0], n_draws=3, n_trials=60)
    whole = simulate(MODEL, n, t, [1e-2, 1.0], n_trials=400, seed=1)
    totals = sum(parts)
    error = np.hypot(totals.std(axis=0) / np.sqrt(60), whole.stderr)
    assert (abs(totals.mean(axis=0) - whole.mean) < 4 * error).all()


@pytest.mark.heavy
@pytest.mark.parametrize(("n", "t"), [(60, 120), (120, 60), (60, 60)])
def test_the_parts_agree_with_the_theory_up_to_corrections_in_the_inverse_sizes(n, t):
    model, ridge = LatentModel(PowerLaw(0.7, 300), weight_var=2.0, noise_var=0.05), np.array([1e-2, 1.0])
    found = simulate_parts(model, n, t, ridge, n_trials=8)
    theory = decompose(model.spectrum, n, t, ridge, weight_var=2.0, noise_var=0.05)
    bias, df2, rest = theory.bias, theory.df2, theory.df1 - theory.df2
    by_features, by_samples = df2 / (n - df2), df2 / (t - df2)
    interaction = (df2**2 + rest**2 * (1 + by_features + by_samples)) / ((n - df2) * (t - df2) - rest**2)
    expected = np.array([bias, bias * by_features, bias * by_samples, bias * interaction, theory.noise])
    assert_allclose(expected.sum(axis=0), theory.test_loss, rtol=1e-12)
    deviation, error = np.array(found.mean) / expected - 1, np.array(found.stderr) / expected
    assert (abs(deviation) < 1 / theory.df1 + 4 * error).all()


@pytest.mark.parametrize("deviations", [(2.0, 3.0, 0.5), (0.3, 0.2, 5.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)])
def test_the_analysis_of_variance_is_unbiased(deviations):
    rng = np.random.default_rng(0)
    shapes = [(4000, 3, 1, 2), (4000, 1, 3, 2), (4000, 3, 3, 2)]
    cells = 1.0 + sum(d * rng.standard_normal(shape) for d, shape in zip(deviations, shapes, strict=True))
    estimates = np.array([experiments._analysis_of_variance(table) for table in cells])
    expected = 2 * np.square([1.0, *deviations])  # two components each
    error = estimates.std(axis=0) / np.sqrt(len(estimates)) + 1e-12
    assert (abs(estimates.mean(axis=0) - expected) < 4 * error).all()


def test_a_change_of_units_of_the_features_changes_no_part():
    plain = simulate_parts(MODEL, 8, 9, [0.0, 0.1], n_trials=2)
    scaled = simulate_parts(MODEL, 8, 9, [0.0, 0.7], n_trials=2, feature_var=7.0)
    assert_allclose(scaled, plain, rtol=1e-8, atol=1e-12)


def test_without_ridge_and_with_more_features_than_latents_the_parts_are_those_of_least_squares():
    model = LatentModel(PowerLaw(1.0, 10), noise_var=0.1)
    parts = simulate_parts(model, 20, 30, 0.0, n_trials=100)
    assert abs(parts.mean.noise - 0.1 * 10 / (30 - 10 - 1)) < 4 * parts.stderr.noise
    assert_allclose(parts[:4], 0, atol=1e-12)


def test_without_noise_there_is_no_noise_part_and_without_a_teacher_nothing_else():
    silent = simulate_parts(LatentModel(PowerLaw(1.0, 30)), 5, 6, 0.1, n_trials=2)
    assert not silent.noise.any()
    untaught = simulate_parts(LatentModel(PowerLaw(1.0, 30), weight_var=0, noise_var=1.0), 5, 6, 0.1, n_trials=2)
    assert not any(part.any() for part in untaught[:4])
    assert (untaught.noise > 0).all()


@pytest.mark.parametrize("shape", [(), (2,), (2, 3), (0,)])
def test_parts_have_the_shape_of_the_ridges(shape):
    parts = simulate_parts(MODEL, 4, 5, np.full(shape, 0.1), n_draws=2, n_trials=3)
    for name in parts._fields:
        assert getattr(parts, name).shape == (3, *shape)
        assert np.shape(getattr(parts.mean, name)) == np.shape(getattr(parts.stderr, name)) == shape


def test_parts_depend_on_the_seed_only_and_each_ridge_is_its_own():
    first, second, other = (simulate_parts(MODEL, 6, 5, [0.0, 0.1], n_trials=2, seed=s) for s in (0, 0, 1))
    assert_array_equal(first, second)
    assert (np.array(first) != np.array(other)).all()
    assert_allclose(np.array(first)[..., 1], simulate_parts(MODEL, 6, 5, 0.1, n_trials=2), rtol=1e-10)


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("model", "a model"),
        ("n_features", 0),
        ("n_samples", 2.5),
        ("ridge", -1.0),
        ("n_draws", 1),
        ("n_trials", 0),
        ("feature_var", 0.0),
        ("seed", -1),
    ],
)
def test_a_bad_argument_of_simulate_parts_is_refused_by_name(name, bad):
    arguments = {"model": MODEL, "n_features": 4, "n_samples": 5, "ridge": 0.1, name: bad}
    with pytest.raises(ValueError, match=name):
        simulate_parts(**arguments)


def test_a_number_of_workers_is_no_executor():
    with pytest.raises(ValueError, match=r"^executor must be such as .*ProcessPoolExecutor.*; got 4$"):
        simulate(LatentModel(PowerLaw(1.0, 10)), 3, 4, 1.0, executor=4)


@pytest.mark.parametrize("activation", ["linear", "relu"])
@pytest.mark.parametrize(("n", "t"), [(5, 8), (8, 5)])
def test_averaging_over_the_teacher_adds_up_the_losses_of_all_directions(activation, n, t):
    model = LatentModel(PowerLaw(0.7, 6), weight_var=2.0, noise_var=0.3, task_exponent=0.4)
    ridge, seed = np.array([[0.01], [1.0]]), np.random.SeedSequence(5).spawn(1)[0]
    run = simulate(model, n, t, ridge, n_trials=1, activation=activation, average_teacher=True, seed=5)
    rng = np.random.default_rng(seed)
    latents = model.draw_latents(t, rng)
    feature_map = RandomFeatures.draw(n, 6, rng, activation=activation)
    features, test, train = feature_map(latents), 0.0, 0.0
    second, moment = feature_map.second_moment(model.spectrum), feature_map.latent_moment(model.spectrum)
    directions = [(np.sqrt(2.0 * (k + 1) ** -0.4) * np.eye(6)[k], np.zeros(t)) for k in range(6)]
    directions += [(np.zeros(6), np.sqrt(0.3) * np.eye(t)[k]) for k in range(t)]
    for teacher, noise in directions:  # the loss is a quadratic form: one direction at a time
        labels = latents @ teacher + noise
        theta = ridge_path(features, labels, ridge)
        square = np.vecdot(theta @ second, theta) - 2 * theta @ (moment @ teacher)
        test += square + teacher**2 @ model.spectrum.eigenvalues
        train += np.mean((theta @ features.T - labels) ** 2, axis=-1)
    assert_allclose(run.trials[0], test, rtol=1e-10)
    assert_allclose(run.train_trials[0], train, rtol=1e-10)


def test_averaging_over_the_teacher_leaves_less_scatter_and_the_same_mean():
    model = LatentModel(PowerLaw(1.0, 200), noise_var=0.01)
    drawn, averaged = (simulate(model, 30, 60, 1e-3, n_trials=60, average_teacher=mean) for mean in (False, True))
    assert averaged.stderr < 0.5 * drawn.stderr
    assert abs(averaged.mean - test_loss(model.spectrum, 30, 60, 1e-3, noise_var=0.01)) < 4 * averaged.stderr
