"""Ridge regression for a whole path of ridges from one factorisation.

Stands beside chapter 5 of the book.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np
from array_api_compat import device
from numpy.typing import ArrayLike

from ._libraries import array_library, real_array_of
from ._validation import real_array

EPS = float(np.finfo(float).eps)
GRAM_LIMIT = 1e3 * EPS  # below this share of the largest, d^2 + ridge is lost in the rounding of the Gram matrix
REFINEMENTS = 2  # each gains a factor of at least GRAM_LIMIT / EPS in accuracy


def ridge_path(features: ArrayLike, labels: ArrayLike, ridges: ArrayLike) -> np.ndarray:
    r"""Ridge regression coefficients for many ridges.

    Parameters
    ----------
    features : array_like, shape (T, N)
        Feature matrix :math:`\Phi`, one sample a row. An array of another library that follows the array API standard,
        such as PyTorch or CuPy, stays where it is, and all the work is done there, in double precision.
    labels : array_like, shape (T,)
        Labels :math:`y`, of the same library.
    ridges : array_like
        Ridges :math:`\gamma \ge 0`, any shape; 0 asks for the minimum-norm least-squares fit.

    Returns
    -------
    array, shape ``ridges.shape + (N,)``
        Of the library of `features`: minimisers :math:`\theta` of :math:`|\Phi\theta - y|^2 + \gamma|\theta|^2`.

    Raises
    ------
    ValueError
        If the shapes do not match, a ridge is negative, or a value is not finite.

    Notes
    -----
    With :math:`\Phi = \sum_k d_k \tilde e_k e_k^\top`, :math:`\theta = \sum_k \frac{d_k}{d_k^2 + \gamma}\, e_k\,
    (\tilde e_k \cdot y)` (chapter 5). The squares :math:`d_k^2` come from one eigendecomposition of the smaller
    of :math:`\Phi\Phi^\top` and :math:`\Phi^\top\Phi`. Forming those squares the condition number; two
    steps of iterative refinement, whose residuals come from :math:`\Phi` itself, win the accuracy
    back. When some :math:`d_k^2 + \gamma` is too small even for that, a singular value decomposition
    of :math:`\Phi` is used. At :math:`\gamma = 0`, singular values below rounding count as zero.

    Examples
    --------
    >>> coefficients = ridge_path([[1.0, 0.0], [0.0, 2.0]], [1.0, 1.0], [0.0, 1.0])
    >>> coefficients
    array([[1. , 0.5],
           [0.5, 0.4]])
    """
    xp = array_library(features)
    features, labels = real_array_of("features", features, xp), real_array_of("labels", labels, xp)
    ridges = real_array("ridges", ridges, at_least=0)
    if features.ndim != 2 or 0 in features.shape:
        raise ValueError(f"features must be a non-empty matrix of shape (T, N); got shape {tuple(features.shape)}")
    if labels.shape != features.shape[:1]:
        got = tuple(labels.shape)
        raise ValueError(f"labels must have shape ({features.shape[0]},) to match features; got {got}")

    shrink = xp.asarray(ridges.reshape(-1, 1), device=device(features))
    by_samples = features.shape[0] < features.shape[1]
    gram = features @ features.T if by_samples else features.T @ features
    square, vectors = xp.linalg.eigh(gram)
    if float(square[0]) + ridges.min(initial=np.inf) <= GRAM_LIMIT * float(square[-1]):
        coefficients = _by_singular_values(xp, features, labels, shrink)
    elif by_samples:
        coefficients = _dual(features, labels, shrink, square, vectors)
    else:
        coefficients = _primal(features, labels, shrink, square, vectors)
    return xp.reshape(coefficients, (*ridges.shape, features.shape[1]))


def shrunk_inverse(singular: np.ndarray, ridge: ArrayLike, shape: tuple[int, int]) -> np.ndarray:
    r"""The factors :math:`d_k/(d_k^2 + \gamma)` of ridge regression, 0 where :math:`d_k` is rounding.

    Parameters
    ----------
    singular : ndarray, shape (n,)
        Singular values :math:`d_k` of the features, in descending order.
    ridge : array_like
        Ridges :math:`\gamma \ge 0`, of a shape that broadcasts with `singular`.
    shape : (int, int)
        Shape of the feature matrix, which sets the size of rounding errors.

    Returns
    -------
    ndarray
        The factors, of the broadcast shape.

    Examples
    --------
    >>> shrunk_inverse(np.array([2.0, 1e-18]), 0.0, (3, 2))
    array([0.5, 0. ])
    """
    singular, ridge = real_array("singular", singular, at_least=0), real_array("ridge", ridge, at_least=0)
    return _shrunk_inverse(np, singular, ridge, shape) if singular.size else singular + 0 * ridge


def _shrunk_inverse(xp: ModuleType, singular, ridge, shape):
    keep = singular > max(shape) * EPS * xp.max(singular)
    return xp.where(keep, singular, 0.0) / xp.where(keep, singular**2 + ridge, 1.0)


def _primal(features, labels, shrink, square, vectors):
    """theta = (Phi'Phi + ridge)^-1 Phi'y; then the error of the first solution is solved for, twice."""
    coefficients = _solve(features.T @ labels, shrink, square, vectors)
    for _ in range(REFINEMENTS):
        residual = (labels - coefficients @ features.T) @ features - shrink * coefficients
        coefficients = coefficients + _solve(residual, shrink, square, vectors)
    return coefficients


def _dual(features, labels, shrink, square, vectors):
    """theta = Phi'a with a = (Phi Phi' + ridge)^-1 y, refined likewise."""
    dual = _solve(labels, shrink, square, vectors)
    for _ in range(REFINEMENTS):
        residual = labels - (dual @ features) @ features.T - shrink * dual
        dual = dual + _solve(residual, shrink, square, vectors)
    return dual @ features


def _solve(right, shrink, square, vectors):
    """Solve (gram + ridge) x = right for every ridge, given the eigendecomposition of the Gram matrix."""
    return (right @ vectors / (square + shrink)) @ vectors.T


def _by_singular_values(xp, features, labels, shrink):
    left, singular, right = xp.linalg.svd(features, full_matrices=False)
    return (_shrunk_inverse(xp, singular, shrink, features.shape) * (labels @ left)) @ right
