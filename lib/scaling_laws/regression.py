"""Ridge regression for a whole path of ridges from one factorisation.

Stands beside chapter 5 of the book.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ._validation import real_array

EPS = np.finfo(float).eps
GRAM_LIMIT = 1e3 * EPS  # below this share of the largest s^2 + ridge, the Gram matrix has lost the small ones


def ridge_path(features: ArrayLike, labels: ArrayLike, ridges: ArrayLike) -> np.ndarray:
    r"""Ridge regression coefficients for many ridges.

    Parameters
    ----------
    features : array_like, shape (T, N)
        Feature matrix :math:`\Phi`, one sample a row.
    labels : array_like, shape (T,)
        Labels :math:`y`.
    ridges : array_like
        Ridges :math:`\gamma \ge 0`, any shape; 0 asks for the minimum-norm least-squares fit.

    Returns
    -------
    ndarray, shape ``ridges.shape + (N,)``
        Minimisers :math:`\theta` of :math:`|\Phi\theta - y|^2 + \gamma|\theta|^2`.

    Raises
    ------
    ValueError
        If the shapes do not match, a ridge is negative, or a value is not finite.

    Notes
    -----
    With :math:`\Phi = \sum_k s_k a_k b_k^\top`, :math:`\theta = \sum_k \frac{s_k}{s_k^2 + \gamma}\, b_k\,
    (a_k \cdot y)` (chapter 5). The squares :math:`s_k^2` come from one eigendecomposition of the smaller
    of :math:`\Phi\Phi^\top` and :math:`\Phi^\top\Phi`. Forming those squares the condition number, so when
    some :math:`s_k^2 + \gamma` is too small for it a singular value decomposition of :math:`\Phi`
    itself is used. At :math:`\gamma = 0`, singular values below rounding count as zero.

    Examples
    --------
    >>> coefficients = ridge_path([[1.0, 0.0], [0.0, 2.0]], [1.0, 1.0], [0.0, 1.0])
    >>> coefficients
    array([[1. , 0.5],
           [0.5, 0.4]])
    """
    features = real_array("features", features)
    labels = real_array("labels", labels)
    ridges = real_array("ridges", ridges, at_least=0)
    if features.ndim != 2 or not features.size:
        raise ValueError(f"features must be a non-empty matrix of shape (T, N); got shape {features.shape}")
    if labels.shape != features.shape[:1]:
        raise ValueError(f"labels must have shape ({features.shape[0]},) to match features; got {labels.shape}")

    shrink = ridges.reshape(-1, 1)
    square, projection, to_coefficients = _gram_modes(features, labels)
    if square.min() + ridges.min(initial=np.inf) < GRAM_LIMIT * square.max():
        singular, projection, to_coefficients = _singular_modes(features, labels)
        keep = singular > max(features.shape) * EPS * singular.max(initial=0.0)
        # s / (s^2 + ridge), 0 for modes without signal
        factor = np.where(keep, singular, 0.0) / np.where(keep, singular**2 + shrink, 1.0)
    else:
        factor = 1 / (square + shrink)
    return ((factor * projection) @ to_coefficients).reshape(*ridges.shape, features.shape[1])


def _gram_modes(features, labels):
    """Eigenvalues s^2 of the smaller Gram matrix, and theta = sum_k projection_k row_k / (s_k^2 + ridge)."""
    n_samples, n_features = features.shape
    if n_features <= n_samples:  # primal: theta = (Phi'Phi + ridge)^-1 Phi'y
        square, vectors = _eigh(features.T @ features)
        return square, vectors.T @ (features.T @ labels), vectors.T
    square, vectors = _eigh(features @ features.T)  # dual: theta = Phi'(Phi Phi' + ridge)^-1 y
    return square, vectors.T @ labels, vectors.T @ features


def _eigh(gram):
    square, vectors = np.linalg.eigh(gram)
    return np.maximum(square, 0.0), vectors


def _singular_modes(features, labels):
    left, singular, right = np.linalg.svd(features, full_matrices=False)
    return singular, left.T @ labels, right
