"""Random feature maps."""

import numpy as np
import pytest
from scipy import stats

from scaling_laws.features import ACTIVATIONS, RandomFeatures


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


@pytest.mark.parametrize("weights", [1.0, np.ones(3), np.ones((2, 2, 2))])
def test_weights_that_are_no_matrix_are_refused(weights):
    with pytest.raises(ValueError, match="weights"):
        RandomFeatures(weights)


def test_an_unknown_activation_is_refused_and_the_known_ones_are_listed():
    with pytest.raises(ValueError, match=r"activation must be one of .*linear.*; got 'step'"):
        RandomFeatures(np.ones((2, 2)), "step")


def test_latents_of_the_wrong_shape_are_refused_by_name():
    with pytest.raises(ValueError, match="latents"):
        RandomFeatures(np.ones((2, 3)))(np.ones((5, 4)))
