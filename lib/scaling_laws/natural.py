"""Real data that comes with the packages the course needs: nothing is downloaded.

Stands beside chapter 2 of the book; chapters 4 and 13 use the same data.
"""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
from numpy.typing import ArrayLike

from ._validation import real_array, whole_number


def load_digits_population() -> np.ndarray:
    """The 1,797 handwritten digits of 8 x 8 pixels that ship with scikit-learn.

    Returns
    -------
    ndarray, shape (1797, 64)
        Pixel values from 0 to 1, one image a row, not centred.

    References
    ----------
    E. Alpaydin and C. Kaynak, Optical recognition of handwritten digits, UCI (1998).

    Examples
    --------
    >>> load_digits_population().shape
    (1797, 64)
    """
    from sklearn.datasets import load_digits

    return load_digits().data / 16


def load_patch_population(size: int = 12, stride: int = 4, *, normalise: bool = True) -> np.ndarray:
    """Square grey patches of the two photographs that ship with scikit-learn.

    Parameters
    ----------
    size : int, default 12
        Side of a patch in pixels, from 2 to 200.
    stride : int, default 4
        Step between neighbouring patches, in pixels.
    normalise : bool, default True
        Divide each patch by its contrast (its standard deviation) after removing its mean. Patches
        with a contrast below 2 % of full scale, such as clear sky, are then left out.

    Returns
    -------
    ndarray, shape (n_patches, size**2)
        One patch a row, each with mean 0.

    Raises
    ------
    ValueError
        If `size` or `stride` is outside its range.

    Examples
    --------
    >>> load_patch_population(size=12).shape
    (15260, 144)
    """
    from sklearn.datasets import load_sample_images

    size = whole_number("size", size, at_least=2, at_most=200)
    stride = whole_number("stride", stride, at_most=200)
    patches = []
    for image in load_sample_images().images:
        grey = image.mean(axis=2) / 255
        windows = np.lib.stride_tricks.sliding_window_view(grey, (size, size))[::stride, ::stride]
        patches.append(windows.reshape(-1, size**2))
    patches = np.concatenate(patches)
    patches -= patches.mean(axis=1, keepdims=True)
    if not normalise:
        return patches
    contrast = patches.std(axis=1)
    seen = contrast > 0.02
    return patches[seen] / contrast[seen, None]


def load_text_population(n_words: int = 1000, window: int = 4) -> np.ndarray:
    """Which words keep company: co-occurrence counts in the Python language reference.

    The text is the reference manual's own prose, which comes with the interpreter for its ``help()``
    (about 65,000 words; it grows a little with every Python release).

    Parameters
    ----------
    n_words : int, default 1000
        Size of the vocabulary: the most frequent words, from 2 to 2000.
    window : int, default 4
        Two words co-occur when they stand at most this many words apart, from 1 to 100.

    Returns
    -------
    ndarray, shape (n_words, n_words)
        Row: a word. Column: how often each word of the vocabulary occurs near it.

    Raises
    ------
    ValueError
        If `n_words` or `window` is outside its range.

    References
    ----------
    P. Turney and P. Pantel, "From frequency to meaning: vector space models of semantics", Journal of
    Artificial Intelligence Research 37 (2010).

    Examples
    --------
    >>> load_text_population(n_words=500).shape
    (500, 500)
    """
    from pydoc_data.topics import topics

    n_words = whole_number("n_words", n_words, at_least=2, at_most=2000)
    window = whole_number("window", window, at_most=100)
    words = re.findall("[a-z]+", " ".join(topics[name] for name in sorted(topics)).lower())
    vocabulary = {word: i for i, (word, _) in enumerate(Counter(words).most_common(n_words))}
    index = np.array([vocabulary.get(word, -1) for word in words])
    counts = np.zeros((n_words, n_words))
    for distance in range(1, window + 1):
        first, second = index[:-distance], index[distance:]
        both = (first >= 0) & (second >= 0)
        np.add.at(counts, (first[both], second[both]), 1)
    return counts + counts.T


def covariance_eigenvalues(data: ArrayLike) -> np.ndarray:
    """Eigenvalues of the covariance of the rows of `data`, in descending order: its PCA spectrum.

    Parameters
    ----------
    data : array_like, shape (n_samples, n_inputs)
        One sample a row.

    Returns
    -------
    ndarray, shape (n_inputs,)
        Eigenvalues; those lost in rounding are 0.

    Raises
    ------
    ValueError
        If `data` is not a non-empty matrix of finite numbers.

    Examples
    --------
    >>> covariance_eigenvalues(np.array([[1.0, 0.0], [-1.0, 0.0]]))
    array([1., 0.])
    """
    data = real_array("data", data)
    if data.ndim != 2 or not data.size:
        raise ValueError(f"data must be a non-empty matrix, one sample a row; got shape {data.shape}")
    centred = data - data.mean(axis=0)
    values = np.linalg.eigvalsh(centred.T @ centred / len(data))[::-1]
    return np.where(values > values[0] * values.size * np.finfo(float).eps, values, 0.0)
