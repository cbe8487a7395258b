"""Students whose features learn, against finite differences, closed forms and their frozen twins."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import approx_fprime, minimize

from scaling_laws.latent import LatentModel
from scaling_laws.quadratic import QuadraticModel, TwoLayer, _gradients, train_two_layer
from scaling_laws.regression import ridge_path
from scaling_laws.spectra import PowerLaw


def setting(strength=1.0, n_features=6, n_latent=15, n_samples=25, seed=0, noise_var=0.1):
    """A quadratic model with latents and labels to train it on."""
    rng = np.random.default_rng(seed)
    data = LatentModel(PowerLaw(1.0, n_latent), noise_var=noise_var)
    latents = data.draw_latents(n_samples, rng)
    labels = data.draw_labels(latents, data.draw_teacher(rng), rng)
    return QuadraticModel.draw(n_features, n_latent, rng, strength=strength), latents, labels


def objective(model, latents, labels, ridge, coefficients):
    return np.sum((model(latents, coefficients) - labels) ** 2) / 2 + ridge * np.sum(coefficients**2) / 2


def numerical_gradient(function, point):
    """Central differences, exact to rounding for the quadratic functions of this file."""
    steps = 1e-4 * np.eye(point.size)
    return np.array([(function(point + s) - function(point - s)) / 2e-4 for s in steps])


# -------------------------------------------------------------------------------------------------- the quadratic model


@pytest.mark.parametrize("strength", [0.0, 0.7, -2.0])
def test_the_output_is_the_sum_of_the_definition(strength):
    model, latents, _ = setting(strength)
    theta = np.random.default_rng(1).standard_normal(6)
    for x, output in zip(latents, model(latents, theta), strict=True):
        features = [u @ x for u in model.weights]
        meta_features = [[v @ x for v in row] for row in model.meta_weights]
        quadratic = sum(theta[j] * meta_features[j][k] * theta[k] for j in range(6) for k in range(6))
        assert output == pytest.approx(theta @ features + strength / 2 * quadratic, rel=1e-12)


@pytest.mark.parametrize("strength", [0.0, 0.7, -2.0])
def test_effective_weights_are_the_derivative_of_the_student(strength):
    model, *_ = setting(strength)
    theta = np.random.default_rng(2).standard_normal(6)
    assert_allclose(model.effective_weights(theta), numerical_gradient(model.student, theta), rtol=1e-8, atol=1e-9)


def test_the_student_is_linear_in_the_latents_but_not_in_the_coefficients():
    model, latents, _ = setting()
    theta = np.random.default_rng(3).standard_normal(6)
    combined = model(2 * latents[:5] - 3 * latents[5:10], theta)
    assert_allclose(combined, 2 * model(latents[:5], theta) - 3 * model(latents[5:10], theta), atol=1e-12)
    assert_allclose(model(np.eye(15), theta), model.student(theta), rtol=1e-14)
    assert not np.allclose(model.student(2 * theta), 2 * model.student(theta))


def test_drawn_weights_have_the_stated_variances():
    model = QuadraticModel.draw(40, 50, np.random.default_rng(4), feature_var=3.0)
    scale = 3.0 / 50
    on_diagonal = np.eye(40, dtype=bool)
    above = np.triu(np.ones((40, 40), dtype=bool), 1)
    for values, variance in (
        (model.weights, scale),
        (model.meta_weights[above], scale**2),
        (model.meta_weights[on_diagonal], 2 * scale**2),
    ):
        error = np.sqrt(2 / values.size)  # relative standard error of a mean of squares of Gaussians
        assert abs(np.mean(values**2) / variance - 1) < 4 * error
        assert abs(values.mean()) < 4 * np.sqrt(variance / values.size)
    assert_array_equal(model.meta_weights, model.meta_weights.swapaxes(0, 1))
    assert model.strength == 1.0


def test_meta_features_favour_no_direction_of_the_coefficients():
    rng = np.random.default_rng(5)
    values = QuadraticModel.draw(4, 40_000, rng, feature_var=40_000.0).meta_weights  # 40 000 draws of variance 1
    axis, diagonal = np.eye(4)[0], np.full(4, 0.5)
    for direction in (axis, diagonal):
        form = np.einsum("j,jki,k->i", direction, values, direction)
        assert abs(np.mean(form**2) - 2) < 4 * 2 * np.sqrt(2 / form.size)


def test_the_scale_of_the_features_only_rescales_coefficients_and_ridge():
    _, latents, labels = setting()
    small, large = (QuadraticModel.draw(6, 15, np.random.default_rng(6), feature_var=s) for s in (1.0, 9.0))
    theta = np.random.default_rng(7).standard_normal(6)
    assert_allclose(large.student(theta / 3), small.student(theta), rtol=1e-12)
    learned = small.fit(latents, labels, 0.1)
    assert_allclose(large.fit(latents, labels, 0.9), learned / 3, rtol=1e-6)


@pytest.mark.parametrize("n_latent", [200, 800])
@pytest.mark.parametrize("n_features", [10, 40])
def test_at_strength_one_features_change_by_about_as_much_as_they_are(n_features, n_latent):
    changes = []
    for seed in range(4):
        model, latents, labels = setting(1.0, n_features, n_latent, 5 * n_features, seed, noise_var=0.0)
        moved = model.effective_weights(model.fit(latents, labels, 0.01)) - model.weights
        changes.append(np.linalg.norm(moved) / np.linalg.norm(model.weights))
    assert 0.5 < np.mean(changes) < 1.5


# --------------------------------------------------------------------------------------------------------- its training


@pytest.mark.parametrize("ridge", [1e-6, 0.1, 10.0])
@pytest.mark.parametrize("n_samples", [4, 25])
def test_without_strength_the_fit_is_ridge_regression(n_samples, ridge):
    model, latents, labels = setting(0.0, n_samples=n_samples)
    frozen = ridge_path(latents @ model.weights.T, labels, ridge)
    for start in (None, np.zeros(6), np.arange(6.0)):
        assert_allclose(model.fit(latents, labels, ridge, start=start), frozen, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("strength", [0.3, 1.0, -2.0])
@pytest.mark.parametrize("n_samples", [4, 12, 40])  # fewer and more samples than features, and than latents
def test_the_fit_is_a_minimum(n_samples, strength):
    model, latents, labels = setting(strength, n_samples=n_samples)
    learned = model.fit(latents, labels, 0.05)

    def loss(theta):
        return objective(model, latents, labels, 0.05, theta)

    size = np.linalg.norm(numerical_gradient(loss, np.zeros(6)))
    assert np.linalg.norm(numerical_gradient(loss, learned)) < 1e-5 * size
    for direction in np.random.default_rng(8).standard_normal((20, 6)):
        assert loss(learned) <= min(loss(learned + 1e-2 * direction), loss(learned - 1e-2 * direction))
    assert loss(learned) < loss(ridge_path(latents @ model.weights.T, labels, 0.05))


def test_another_optimiser_finds_the_same_minimum():
    model, latents, labels = setting(0.5)
    other = minimize(lambda theta: objective(model, latents, labels, 0.1, theta), np.zeros(6), tol=1e-10)
    assert_allclose(model.fit(latents, labels, 0.1), other.x, atol=1e-4 * np.abs(other.x).max())


def test_a_fit_that_starts_at_a_minimum_stays_there():
    model, latents, labels = setting()
    learned = model.fit(latents, labels, 0.1)
    assert_allclose(model.fit(latents, labels, 0.1, start=learned, max_iterations=20), learned, rtol=1e-5)


def test_learned_features_beat_the_floor_of_frozen_ones_and_moving_them_at_random_does_not_help():
    floors = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        deviation = np.sqrt(PowerLaw(1.0, 150).eigenvalues)
        teacher = rng.standard_normal(150)
        model = QuadraticModel.draw(20, 150, rng, strength=2.0)
        # the latents' covariance as "samples": the exact test loss is the training loss
        learned = model.fit(np.diag(deviation), deviation * teacher, 1e-7, max_iterations=2000)
        at_random = rng.standard_normal(20)
        at_random *= np.linalg.norm(learned) / np.linalg.norm(at_random)

        def floor(weights, deviation=deviation, teacher=teacher):
            best = ridge_path((weights * deviation).T, deviation * teacher, 0.0)
            return np.sum((deviation * (best @ weights - teacher)) ** 2)

        tested = np.sum((deviation * (model.student(learned) - teacher)) ** 2)
        moved = [floor(model.effective_weights(theta)) for theta in (np.zeros(20), at_random, learned)]
        floors.append([*moved, tested])
    frozen, at_random, learned, tested = np.log(floors).T
    for gain in (frozen - learned, frozen - tested, at_random - learned):
        assert gain.mean() > 3 * gain.std(ddof=1) / np.sqrt(gain.size)
    assert abs(np.mean(frozen - at_random)) < 0.5 * np.mean(frozen - learned)


def test_too_few_iterations_are_reported():
    model, latents, labels = setting(2.0)
    with pytest.raises(RuntimeError, match="after 2 iterations; raise max_iterations"):
        model.fit(latents, labels, 1e-6, max_iterations=2)


# ------------------------------------------------------------------------------------------------ the two-layer network


def network_setting(n_samples=60, n_inputs=4, seed=0):
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((n_samples, n_inputs))
    return inputs, np.abs(inputs @ rng.standard_normal(n_inputs)) - 1


def network_loss(first, second, inputs, targets):
    """Half the mean squared error, unit by unit."""
    output = sum(a * np.maximum(inputs @ w, 0) for w, a in zip(first, second, strict=True)) / len(second)
    return np.mean((output - targets) ** 2) / 2


def test_gradients_are_the_derivatives_of_the_loss():
    inputs, targets = network_setting()
    rng = np.random.default_rng(1)
    first, second = rng.standard_normal((7, 4)), rng.standard_normal(7)
    loss, of_first, of_second = _gradients(first, second, inputs, targets, True)
    assert loss / 2 == pytest.approx(network_loss(first, second, inputs, targets), rel=1e-12)
    numerical = approx_fprime(first.ravel(), lambda w: network_loss(w.reshape(7, 4), second, inputs, targets), 1e-7)
    assert_allclose(of_first.ravel(), numerical, atol=1e-6 * np.abs(numerical).max() + 1e-7)
    numerical = approx_fprime(second, lambda a: network_loss(first, a, inputs, targets), 1e-7)
    assert_allclose(of_second, numerical, atol=1e-6 * np.abs(numerical).max() + 1e-7)


@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
@pytest.mark.parametrize("train_first", [True, False])
def test_a_step_is_against_the_gradient_of_the_decayed_loss(train_first, weight_decay):
    inputs, targets = network_setting()
    options = {"train_first": train_first, "weight_decay": weight_decay, "step": 0.05, "seed": 3}
    before, after = (train_two_layer(inputs, targets, 8, n_steps=n, **options) for n in (5, 6))

    def loss(parameters):
        first, second = parameters[:32].reshape(8, 4), parameters[32:]
        return network_loss(first, second, inputs, targets) + weight_decay / 16 * np.sum(parameters**2)

    parameters = np.concatenate([before.first.ravel(), before.second])
    gradient = numerical_gradient(loss, parameters)
    moved = (np.concatenate([after.first.ravel(), after.second]) - parameters) / (-0.05 * 8)
    if not train_first:
        gradient[:32] = 0
    assert_allclose(moved, gradient, atol=1e-5 * np.abs(gradient).max())


def test_the_twin_keeps_its_first_layer_and_both_start_alike():
    inputs, targets = network_setting()
    twin = train_two_layer(inputs, targets, 10, train_first=False, n_steps=50, weight_decay=0.1, seed=5)
    start, other = (train_two_layer(inputs, targets, 10, n_steps=0, seed=seed) for seed in (5, 6))
    assert_array_equal(twin.first, start.first)
    assert not np.allclose(start.first, other.first)
    assert_array_equal(start.second, 0)
    assert start.train_losses == pytest.approx([np.mean(targets**2)])
    assert not np.allclose(train_two_layer(inputs, targets, 10, n_steps=50, seed=5).first, start.first)


def test_the_start_has_the_stated_variance():
    first = train_two_layer(np.ones((2, 50)), [1.0, 2.0], 400, n_steps=0).first
    assert abs(np.mean(first**2) * 50 - 1) < 4 * np.sqrt(2 / first.size)


def test_the_twin_converges_to_ridge_regression():
    inputs, targets = network_setting(n_samples=60)
    twin = train_two_layer(inputs, targets, 12, train_first=False, step=2.0, n_steps=4000, weight_decay=0.02)
    expected = ridge_path(twin.features(inputs) / 12, targets, 0.02 * 60 / 12)
    assert_allclose(twin.second, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("train_first", [True, False])
def test_the_training_loss_falls_with_small_steps_and_ends_where_the_network_is(train_first):
    inputs, targets = network_setting()
    network = train_two_layer(inputs, targets, 30, train_first=train_first, step=0.02, n_steps=200)
    assert network.train_losses.shape == (201,)
    assert np.all(np.diff(network.train_losses) < 0)
    assert network.train_losses[-1] == pytest.approx(np.mean((network(inputs) - targets) ** 2), rel=1e-12)
    assert np.isnan(network.validation_losses).all()


@pytest.mark.parametrize("n_hidden", [30, 300])
def test_features_move_alike_at_any_width(n_hidden):
    inputs, targets = network_setting()
    moved = train_two_layer(inputs, targets, n_hidden, n_steps=300).first
    start = train_two_layer(inputs, targets, n_hidden, n_steps=0).first
    assert 0.5 < np.linalg.norm(moved - start) / np.linalg.norm(start) < 2


def test_early_stopping_returns_the_best_step():
    inputs, targets = network_setting(n_samples=15)
    validation = network_setting(n_samples=200)[0], network_setting(n_samples=200)[1] + 1
    network = train_two_layer(inputs, targets, 30, n_steps=300, validation=validation)
    best = int(network.validation_losses.argmin())
    assert 0 < best < 300
    loss = np.mean((network(validation[0]) - validation[1]) ** 2)
    assert network.validation_losses[best] == pytest.approx(loss, rel=1e-12)
    stopped = train_two_layer(inputs, targets, 30, n_steps=best)
    assert_array_equal(stopped.first, network.first)
    assert_array_equal(stopped.second, network.second)
    assert_array_equal(stopped.train_losses, network.train_losses[: best + 1])


def test_equal_seeds_give_equal_networks():
    inputs, targets = network_setting()
    first, second = (train_two_layer(inputs, targets, 10, n_steps=20, seed=9) for _ in range(2))
    assert_array_equal(first.first, second.first)
    assert_array_equal(first.second, second.second)


def test_too_large_a_step_is_reported():
    inputs, targets = network_setting()
    for step in (1e3, 1e300):
        with pytest.raises(FloatingPointError, match="choose a smaller step"):
            train_two_layer(inputs, targets, 10, step=step)


def test_a_target_of_zero_stays_learned():
    network = train_two_layer(network_setting()[0], np.zeros(60), 10, n_steps=5)
    assert_array_equal(network.train_losses, 0)


# -------------------------------------------------------------------------------------------------------- bad arguments

MODEL, LATENTS, LABELS = setting()
INPUTS, TARGETS = network_setting()
NOT_REAL = [np.nan, np.inf, "1", 1j, None]
NOT_COUNTS = [0, -1, 2.5, np.nan, "5", True, None]


def refuses(name, function, values):
    for bad in values:
        with pytest.raises(ValueError, match=f"^{name} must "):
            function(bad)


def test_bad_weights_are_refused_by_name():
    u, v = MODEL.weights, MODEL.meta_weights
    lopsided = v.copy()
    lopsided[0, 1, 0] += 1e-9
    refuses("weights", lambda bad: QuadraticModel(bad, v), [u[0], np.zeros((0, 15)), u * np.nan, "u", None])
    refuses("meta_weights", lambda bad: QuadraticModel(u, bad), [v[0], v[:5, :5], v[..., :3], v * np.nan, lopsided])
    refuses("strength", lambda bad: QuadraticModel(u, v, bad), [*NOT_REAL, [1.0, 2.0]])


@pytest.mark.parametrize("name", ["n_features", "n_latent", "strength", "feature_var"])
def test_bad_arguments_of_draw_are_refused_by_name(name):
    good = {"n_features": 3, "n_latent": 5, "strength": 1.0, "feature_var": 1.0}
    bad = {"strength": NOT_REAL, "feature_var": [0, -1.0, *NOT_REAL]}.get(name, NOT_COUNTS)
    refuses(name, lambda value: QuadraticModel.draw(rng=np.random.default_rng(0), **{**good, name: value}), bad)


@pytest.mark.parametrize("method", [MODEL.effective_weights, MODEL.student, lambda theta: MODEL(LATENTS, theta)])
def test_bad_coefficients_are_refused_by_name(method):
    refuses("coefficients", method, [np.zeros(5), np.zeros((6, 1)), 1.0, np.full(6, np.nan), ["a"] * 6, None])


def test_bad_arguments_of_fit_are_refused_by_name():
    good = {"latents": LATENTS, "labels": LABELS, "ridge": 0.1, "start": None, "max_iterations": 100}
    bad_latents = [LATENTS[0], LATENTS[:, :-1], LATENTS[:0], LATENTS * np.nan, None]
    for name, values in {
        "latents": bad_latents,
        "labels": [LABELS[1:], LABELS[:, None], LABELS * np.inf, None],
        "ridge": [0, -1.0, *NOT_REAL],
        "start": [np.zeros(5), 1.0, np.full(6, np.nan)],
        "max_iterations": NOT_COUNTS,
    }.items():
        refuses(name, lambda value, name=name: MODEL.fit(**{**good, name: value}), values)
    refuses("latents", lambda bad: MODEL(bad, np.zeros(6)), bad_latents)


def test_bad_arguments_of_the_network_are_refused_by_name():
    good = {"inputs": INPUTS, "targets": TARGETS, "n_hidden": 5, "n_steps": 2}
    for name, values in {
        "inputs": [INPUTS[0], INPUTS[:0], INPUTS * np.nan, None],
        "targets": [TARGETS[1:], TARGETS[:, None], TARGETS * np.nan, None],
        "n_hidden": NOT_COUNTS,
        "n_steps": NOT_COUNTS[1:],
        "step": [0, -1.0, *NOT_REAL],
        "weight_decay": [-1.0, *NOT_REAL],
        "seed": [-1, 0.5, None],
        "validation": [1.0, (INPUTS,), [INPUTS, TARGETS], "ab"],
    }.items():
        refuses(name, lambda value, name=name: train_two_layer(**{**good, name: value}), values)
    refuses(
        "validation inputs",
        lambda bad: train_two_layer(**good, validation=(bad, TARGETS)),
        [INPUTS[0], INPUTS[:, :-1], INPUTS * np.nan, None],
    )
    refuses("validation targets", lambda bad: train_two_layer(**good, validation=(INPUTS, bad)), [TARGETS[1:], None])
    network = TwoLayer(np.ones((3, 4)), np.ones(3), np.zeros(1), np.zeros(1))
    refuses("inputs", network, [INPUTS[0], INPUTS[:, :-1], INPUTS * np.nan, None])
