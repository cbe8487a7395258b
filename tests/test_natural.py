"""Real data."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from scaling_laws.natural import (
    covariance_eigenvalues,
    load_digits_population,
    load_patch_population,
    load_text_population,
)


def test_digits_are_the_images_of_scikit_learn_on_a_scale_from_0_to_1():
    digits = load_digits_population()
    assert digits.shape == (1797, 64)
    assert (digits.min(), digits.max()) == (0.0, 1.0)
    np.testing.assert_array_equal(digits[100].reshape(8, 8) * 16, load_digits().images[100])


@pytest.mark.parametrize(("size", "stride"), [(2, 9), (12, 4), (16, 16), (200, 100)])
def test_normalised_patches_have_mean_0_and_standard_deviation_1(size, stride):
    patches = load_patch_population(size, stride)
    assert patches.shape[1] == size**2
    assert np.isfinite(patches).all()
    np.testing.assert_allclose(patches.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(patches.std(axis=1), 1, rtol=1e-12)


def test_raw_patches_tile_both_photographs_and_keep_their_contrast():
    patches = load_patch_population(20, 10, normalise=False)
    rows, columns = (427 - 20) // 10 + 1, (640 - 20) // 10 + 1  # both photographs have 427 x 640 pixels
    assert patches.shape == (2 * rows * columns, 400)
    np.testing.assert_allclose(patches.mean(axis=1), 0, atol=1e-12)
    contrast = patches.std(axis=1)
    assert contrast.max() > 5 * np.median(contrast)
    assert load_patch_population(20, 10).shape[0] == np.count_nonzero(contrast > 0.02)


def test_patches_are_the_same_every_time():
    np.testing.assert_array_equal(load_patch_population(8, 8), load_patch_population(8, 8))


@pytest.mark.parametrize("name", ["size", "stride"])
@pytest.mark.parametrize("bad", [0, -1, 201, 2.5, np.nan, "8", [8]])
def test_a_bad_size_or_stride_is_refused_by_name(name, bad):
    with pytest.raises(ValueError, match=f"^{name} must be"):
        load_patch_population(**{name: bad})


def test_co_occurrence_counts_are_symmetric_whole_and_not_negative():
    counts = load_text_population(300)
    assert counts.shape == (300, 300)
    np.testing.assert_array_equal(counts, counts.T)
    assert (counts >= 0).all()
    np.testing.assert_array_equal(counts, counts.round())


def test_a_wider_window_counts_more_and_a_larger_vocabulary_extends_a_smaller_one():
    narrow, wide = load_text_population(100, window=1), load_text_population(100, window=3)
    assert (wide >= narrow).all()
    assert wide.sum() > 2 * narrow.sum()
    np.testing.assert_array_equal(load_text_population(150, window=1)[:100, :100], narrow)


def test_co_occurrences_are_counted_as_by_hand(monkeypatch):
    monkeypatch.setattr("pydoc_data.topics.topics", {"b": "a c.", "a": "The a, the B! a"})
    # words: the a the b a a c; the most frequent: a (3), the (2), then b before c
    assert load_text_population(3, window=1).tolist() == [[2, 2, 1], [2, 0, 1], [1, 1, 0]]


@pytest.mark.parametrize(("name", "bad"), [("n_words", 1), ("n_words", 2001), ("window", 0), ("window", 101)])
def test_a_bad_vocabulary_or_window_is_refused_by_name(name, bad):
    with pytest.raises(ValueError, match=f"^{name} must be"):
        load_text_population(**{name: bad})


@pytest.mark.parametrize("shape", [(200, 30), (30, 30), (20, 50)])
def test_covariance_eigenvalues_agree_with_principal_component_analysis(shape):
    data = np.random.default_rng(0).standard_normal(shape) * np.arange(1, shape[1] + 1) + 7
    values, yardstick = covariance_eigenvalues(data), PCA().fit(data).explained_variance_
    expected = np.zeros(shape[1])
    expected[: yardstick.size] = yardstick * (shape[0] - 1) / shape[0]
    np.testing.assert_allclose(values, expected, rtol=1e-9, atol=1e-11 * expected[0])


def test_eigenvalues_of_digits_add_up_to_their_variance():
    digits = load_digits_population()
    values = covariance_eigenvalues(digits)
    assert values.shape == (64,)
    assert (np.diff(values) <= 0).all()
    assert values.sum() == pytest.approx(digits.var(axis=0).sum(), rel=1e-12)
    assert np.count_nonzero(values) == np.linalg.matrix_rank(digits - digits.mean(axis=0))
