"""Outside CI: _build/spectra/bin/python -m pytest experiments/test_spectra.py (needs pytest, and spectra.txt)."""

import json
from collections import Counter

import numpy as np
import pytest
import spectra
from sklearn.datasets import load_sample_images

from scaling_laws import natural
from scaling_laws.features import RandomFeatures
from scaling_laws.spectra import fit_spectrum

TEXT = np.random.default_rng(0).choice(np.frombuffer(b"abcde", np.uint8), 3000, p=[0.4, 0.3, 0.15, 0.1, 0.05])


def test_the_spectrum_of_contexts_is_that_of_their_indicators():
    windows = np.lib.stride_tricks.sliding_window_view(TEXT, 3)
    indicators = np.eye(256)[windows].reshape(len(windows), -1)
    expected = natural.covariance_eigenvalues(indicators)
    found = spectra.context_eigenvalues(TEXT, 3)
    assert np.count_nonzero(found) >= 12  # five bytes, four modes each
    np.testing.assert_allclose(found[:12], expected[:12], rtol=0.02)  # ends of the text count differently


def test_groups_of_bytes_are_counted_as_by_hand():
    counts = Counter(bytes(TEXT[i : i + 3]) for i in range(TEXT.size - 2))
    expected = np.sort(list(counts.values()))[::-1] / counts.total()
    np.testing.assert_allclose(spectra.group_frequencies(TEXT, 3), expected)
    assert spectra.group_frequencies(np.frombuffer(bytes([255] * 9), np.uint8), 8).tolist() == [1.0]


def test_variances_of_indicators_are_nearly_their_frequencies():
    frequencies = spectra.group_frequencies(TEXT, 1)
    values = np.linalg.eigvalsh(np.diag(frequencies) - np.outer(frequencies, frequencies))[::-1]
    assert (values[:-1] <= frequencies[:-1]).all() and (values[:-1] >= frequencies[1:]).all()


def test_the_kernel_is_that_of_many_features():
    rng = np.random.default_rng(1)
    inputs = rng.standard_normal((400, 8)) / np.arange(1, 9)
    kernel = np.array(spectra.kernel_eigenvalues(inputs))
    unit = 8 / np.mean(np.sum(inputs**2, axis=1))
    many = RandomFeatures.draw(20_000, 8, rng, activation="relu", feature_var=unit)(inputs) / np.sqrt(20_000)
    drawn = np.linalg.svd(many - many.mean(axis=0), compute_uv=False) ** 2 / 400
    assert kernel.size == 100
    np.testing.assert_allclose(kernel[:20], spectra.correct_eigenvalues(drawn[:399], 399)[:20], rtol=0.05)


def test_patches_are_those_of_the_library():
    images = [image.mean(axis=2) for image in load_sample_images().images]
    found = np.concatenate([spectra.patches(image) for image in images])
    np.testing.assert_allclose(found, natural.load_patch_population(size=20, normalise=False), atol=1e-12)


def test_some_data_sets_are_measured_again_and_give_what_is_stored():
    stored = json.loads(spectra.RESULTS.read_text())
    for source in (spectra.climate, spectra.words, spectra.genes):
        for name, entry in source():
            assert stored[name]["source"] == entry["source"]
            np.testing.assert_allclose(stored[name]["covariance"], entry["covariance"], rtol=1e-3)


def test_a_power_law_comes_out_of_the_kernel_of_its_samples():
    """Two sizes of sample give one exponent."""
    inputs = np.random.default_rng(2).standard_normal((1600, 64)) * np.arange(1.0, 65) ** -0.75
    fits = [fit_spectrum(spectra.kernel_eigenvalues(inputs[:n]), ranks=(10, 100)) for n in (1600, 800)]
    assert abs(fits[0].alpha - fits[1].alpha) < 0.15


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "spectra.json"
    spectra.write(path, {"a": {"covariance": [2.0, 1.0], "kernel": {"10": [1.0]}}})
    assert json.loads(path.read_text())["a"]["covariance"] == [2.0, 1.0]
    before = path.read_bytes()
    with pytest.raises(TypeError):
        spectra.write(path, {"a": object()})
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
