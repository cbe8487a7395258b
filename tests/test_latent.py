"""The generative model of data."""

import numpy as np
import pytest
from scipy import stats

from scaling_laws.latent import LatentModel
from scaling_laws.spectra import Empirical, PowerLaw

SPECTRUM = Empirical([4.0, 1.0, 0.25, 0.0])


def test_each_latent_is_gaussian_with_its_eigenvalue_as_variance():
    latents = LatentModel(SPECTRUM).draw_latents(20_000, np.random.default_rng(0))
    assert latents.shape == (20_000, 4)
    for column, eigenvalue in zip(latents.T[:3], SPECTRUM.eigenvalues, strict=False):
        assert stats.kstest(column, stats.norm(scale=np.sqrt(eigenvalue)).cdf).pvalue > 0.01
    assert not latents[:, 3].any()


def test_latents_are_uncorrelated_across_modes_and_samples():
    latents = LatentModel(PowerLaw(0.5, 20)).draw_latents(20_000, np.random.default_rng(1))
    correlation = np.corrcoef(latents, rowvar=False) - np.eye(20)
    assert abs(correlation).max() < 5 / np.sqrt(20_000)
    assert abs(np.mean(latents[1:, 0] * latents[:-1, 0])) < 5 / np.sqrt(20_000)


def test_teacher_weights_are_gaussian_with_variance_weight_var():
    teacher = LatentModel(PowerLaw(1.0, 20_000), weight_var=2.5).draw_teacher(np.random.default_rng(2))
    assert stats.kstest(teacher, stats.norm(scale=np.sqrt(2.5)).cdf).pvalue > 0.01


def test_labels_are_the_teacher_plus_gaussian_noise_of_variance_noise_var():
    rng = np.random.default_rng(3)
    model = LatentModel(PowerLaw(1.0, 10), noise_var=0.09)
    teacher, latents = model.draw_teacher(rng), model.draw_latents(20_000, rng)
    noise = model.draw_labels(latents, teacher, rng) - np.einsum("ti,i->t", latents, teacher)
    assert stats.kstest(noise, stats.norm(scale=0.3).cdf).pvalue > 0.01
    assert abs(np.corrcoef(noise, latents @ teacher)[0, 1]) < 5 / np.sqrt(20_000)


def test_labels_without_noise_are_the_teacher_exactly():
    rng = np.random.default_rng(4)
    labels = LatentModel(SPECTRUM).draw_labels(np.eye(4), np.array([1.0, 2.0, 3.0, 4.0]), rng)
    assert labels.tolist() == [1.0, 2.0, 3.0, 4.0]


def test_a_model_without_teacher_has_zero_weights():
    assert not LatentModel(SPECTRUM, weight_var=0).draw_teacher(np.random.default_rng(5)).any()


def test_draws_depend_on_the_generator_only():
    model = LatentModel(SPECTRUM, noise_var=1.0)
    first, second, other = (model.draw_latents(3, np.random.default_rng(s)) for s in (0, 0, 1))
    np.testing.assert_array_equal(first, second)
    assert (first[:, :3] != other[:, :3]).all()


@pytest.mark.parametrize("name", ["weight_var", "noise_var"])
@pytest.mark.parametrize("bad", [-1e-12, np.nan, np.inf, "one", 1j, [1.0, 2.0], None])
def test_a_bad_variance_is_refused_by_name(name, bad):
    with pytest.raises(ValueError, match=name):
        LatentModel(SPECTRUM, **{name: bad})


@pytest.mark.parametrize("bad", [0, -3, 1.5, np.nan, "two"])
def test_a_bad_number_of_samples_is_refused_by_name(bad):
    with pytest.raises(ValueError, match="n_samples"):
        LatentModel(SPECTRUM).draw_latents(bad, np.random.default_rng(0))


@pytest.mark.parametrize("bad", [0, None, np.random, np.random.RandomState(0)])
def test_a_seed_in_place_of_a_generator_is_refused_by_name(bad):
    model = LatentModel(SPECTRUM)
    for draw in (
        lambda: model.draw_teacher(bad),
        lambda: model.draw_latents(3, bad),
        lambda: model.draw_labels(np.ones((3, 4)), np.ones(4), bad),
    ):
        with pytest.raises(ValueError, match=r"^rng must be a numpy.random.Generator.*default_rng"):
            draw()


def test_a_list_in_place_of_a_spectrum_is_refused_by_name():
    with pytest.raises(ValueError, match="spectrum must be a PowerLaw or an Empirical; got list"):
        LatentModel([1.0, 0.5])


def test_a_spectrum_too_large_to_list_cannot_be_drawn_from():
    with pytest.raises(ValueError, match="n_latent"):
        LatentModel(PowerLaw(1.0, 10**9)).spectrum.eigenvalues  # noqa: B018


def test_labels_of_the_wrong_shape_are_refused_by_name():
    model = LatentModel(PowerLaw(1.0, 4))
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="latents"):
        model.draw_labels(np.ones((3, 5)), np.ones(4), rng)
    with pytest.raises(ValueError, match="teacher"):
        model.draw_labels(np.ones((3, 4)), np.ones(5), rng)


def test_latents_that_are_no_numbers_have_no_labels():
    model, rng = LatentModel(PowerLaw(1.0, 2)), np.random.default_rng(0)
    for bad in ([["a", "b"]], None, [[np.nan, 1.0]]):
        with pytest.raises(ValueError, match=r"^latents must be .*finite; got "):
            model.draw_labels(bad, [1.0, 1.0], rng)
    assert model.draw_labels(np.array([[1, 10**20]], dtype=object), [10**20, 1], rng).tolist() == [2e20]
