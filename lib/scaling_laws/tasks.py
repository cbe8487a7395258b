r"""What the teacher decides: exponents, the best split, and the sign of the ridge, in closed form.

Stands beside chapter 12 of the book. The teacher's weights fall with the rank, :math:`w_I^2 = \sigma_w^2 I^{-b}`, on a
long power-law spectrum, :math:`\lambda_I \propto I^{-(1+\alpha)}`. Everywhere :math:`b > -\alpha`, so that the target
has a variance. The exact losses are those of `theory` and `allocation` with ``task_exponent``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ._search import find_root
from ._validation import MAX_SIZE, real_array
from .spectra import STEEPEST_TASK


class Exponents(NamedTuple):
    r"""How the loss falls with each resource; see `loss_exponents`.

    Attributes
    ----------
    features, samples : ndarray or float
        With one resource, the other unlimited.
    compute : ndarray or float
        With the product :math:`NT`, at the best split.

    Examples
    --------
    >>> Exponents(1.0, 2.0, 0.75).samples
    2.0
    """

    features: np.ndarray
    samples: np.ndarray
    compute: np.ndarray


def loss_exponents(alpha: ArrayLike, task_exponent: ArrayLike = 0.0) -> Exponents:
    r"""Exponents of the loss of a long power law without label noise, with the best ridge that is not negative.

    Parameters
    ----------
    alpha : array_like
        Spectral exponent :math:`\alpha > 0`.
    task_exponent : array_like, default 0
        :math:`b`, above :math:`-\alpha` and at most 5; broadcasts against `alpha`.

    Returns
    -------
    Exponents
        Named tuple ``(features, samples, compute)`` of positive numbers. At :math:`b = 1` and :math:`b = 2 + \alpha`,
        where they change their form, the powers come with logarithms.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    Chapter 12: :math:`\min(\alpha + b, 1 + \alpha)` for features, :math:`\min[\alpha + b, 2(1 + \alpha)]` for samples,
    and with :math:`b' = \min(b, 2 + \alpha)` half the exponent of features for compute, but :math:`(\alpha + b')/(1 +
    b')` for :math:`\alpha < 1 < b`. Those of samples are the capacity and source exponents of Caponnetto and De Vito
    (2007) in the notation of arXiv:2105.15004 without noise.

    Examples
    --------
    >>> print(loss_exponents(alpha=0.5, task_exponent=[0.5, 2.0]).samples)
    [1.  2.5]
    """
    alpha, b = _power_law_task(alpha, task_exponent)
    features, samples = np.minimum(alpha + b, 1 + alpha), np.minimum(alpha + b, 2 * (1 + alpha))
    apart = (alpha < 1) & (b > 1)
    compute = np.where(apart, samples / (1 + np.minimum(np.maximum(b, 0), 2 + alpha)), features / 2)
    return Exponents(features[()], samples[()], compute[()])


def split_ratio(alpha: ArrayLike, task_exponent: ArrayLike = 0.0) -> np.ndarray:
    r"""The best number of samples a feature, :math:`T/N`, of a large product :math:`NT`.

    Parameters
    ----------
    alpha : array_like
        Spectral exponent :math:`\alpha > 0`.
    task_exponent : array_like, default 0
        :math:`b`, above :math:`-\alpha` and at most 5; broadcasts against `alpha`.

    Returns
    -------
    ndarray or float
        The limit of :math:`T/N` for a long power law, :math:`N T \to \infty`, no label noise and the best ridge that is
        not negative: 1 for an isotropic teacher; 0 for :math:`b \ge 1` and :math:`\alpha \le 1`, where the best ratio
        falls without end.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    With :math:`b' = \min(b, 1)`, :math:`\alpha_y = \alpha + b'` and the share of features in use :math:`p = p_N`, the
    root in :math:`(0, 1)` of

    .. math:: \alpha(\alpha-1)\, b' p^3 + [(\alpha-1)(\alpha+2) + \alpha b'(1-3\alpha)]\, p^2
        - \alpha\, [2(1+\alpha) - b'(1+3\alpha)]\, p + \alpha(1+\alpha)(1-b') = 0 ,

    :math:`T/N = p\,(\alpha_y+2)\,[\alpha + (1-\alpha)\,p]\,/\,\alpha_y\,[1+\alpha-\alpha p]`. For :math:`\alpha < 1`
    and :math:`b > \sqrt{\alpha(2-\alpha)}` the best ridge is 0, and :math:`r = T/N` solves :math:`\alpha_y b\, r^2 +
    [2 - \alpha_y(2b-1)]\, r = \alpha_y(1-b)` (chapter 12). The limit is slow: corrections fall as
    :math:`(NT)^{-(1-b)/2}`, or :math:`(NT)^{-1/2}` for :math:`b < 0`.

    Examples
    --------
    >>> print(split_ratio(1.0, [-0.2, 0.0, 0.5]).round(3))
    [1.239 1.    0.609]
    """
    alpha, b = _power_law_task(alpha, task_exponent)
    alpha, b = np.broadcast_arrays(alpha, np.minimum(b, 1.0))
    alpha_y, ratio = alpha + b, np.zeros(alpha.shape)
    some = (b < 1) | (alpha > 1)
    ratio[some] = _tuned_ratio(alpha[some], b[some], alpha_y[some])
    bare = (b < 1) & (alpha < 1) & (b > np.sqrt(np.maximum(alpha * (2 - alpha), 0)))
    linear, constant = 2 - alpha_y * (2 * b - 1), alpha_y * (1 - b)
    root = linear + np.sqrt(np.maximum(linear**2 + 4 * alpha_y * b * constant, 0))
    return np.where(bare, 2 * constant / np.where(bare, root, 1.0), ratio)[()]


def optimal_loss_asymptotic(
    alpha: ArrayLike, task_exponent: ArrayLike, n_features: ArrayLike, n_samples: ArrayLike
) -> np.ndarray:
    r"""The loss with the best ridge that is not negative, in closed form, for a long power law without label noise.

    Parameters
    ----------
    alpha : array_like
        Spectral exponent :math:`\alpha > 0`.
    task_exponent : array_like
        :math:`b`, above :math:`-\alpha` and below 1.
    n_features, n_samples : array_like
        Numbers of features :math:`N` and training samples :math:`T`, from 1 to 1e15; everything broadcasts.

    Returns
    -------
    ndarray or float
        The loss for :math:`\sigma_w^2 = \lambda_+ = 1`.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    The least value, in the number :math:`s \le \min(N, T)` of resolved latents, of

    .. math:: \frac{\pi/(1+\alpha)}{\sin[\pi(\alpha+b)/(1+\alpha)]} \Bigl(\frac{k_\alpha}{s}\Bigr)^{\alpha+b}\,
        \frac{1 - b + b\,s/N}{1 + \alpha - \alpha\,(s/N + s/T) - (1-\alpha)\,s^2/NT}

    (chapter 12). Corrections are of relative order :math:`s^{-(1-b)}`, or :math:`1/s` for :math:`b < 0`.

    Examples
    --------
    >>> print(optimal_loss_asymptotic(1.0, 0.5, [100, 200], [200, 100]).round(5))
    [0.00668 0.00529]
    """
    alpha, b = _power_law_task(alpha, task_exponent)
    if (b >= 1).any():
        raise ValueError(f"task_exponent must be less than 1; got {np.max(b):g}")
    n = real_array("n_features", n_features, at_least=1, at_most=MAX_SIZE)
    t = real_array("n_samples", n_samples, at_least=1, at_most=MAX_SIZE)
    setting = np.broadcast_arrays(alpha, b, n, t)
    most, alpha, b, n, t = (value.ravel() for value in (np.minimum(setting[2], setting[3]), *setting))

    def fall(s, alpha, b, n, t):
        """Minus the slope of log loss in log s, and how fast that falls."""
        p, q = s / n, s / t
        taken, both = 1 - b + b * p, (1 - alpha) * p * q
        rising = alpha * (p + q) + 2 * both
        left = 1 + alpha - alpha * (p + q) - both
        value = alpha + b - b * p / taken - rising / left
        return value, b * (1 - b) * p / taken**2 + (rising + 2 * both) / left + (rising / left) ** 2

    s = find_root(fall, 1e-9 * most, most, (alpha, b, n, t), guess=most / 2)
    p, q, angle = s / n, s / t, np.pi / (1 + alpha)
    prefactor = angle / np.sin(angle * (alpha + b)) * (angle / np.sin(angle) / s) ** (alpha + b)
    loss = prefactor * (1 - b + b * p) / (1 + alpha - alpha * (p + q) - (1 - alpha) * p * q)
    return loss.reshape(setting[0].shape)[()]


def negative_ridge_threshold(task_exponent: ArrayLike) -> np.ndarray:
    r"""The number of features a sample, :math:`N/T`, beyond which a negative ridge would be best.

    Parameters
    ----------
    task_exponent : array_like
        :math:`b`, from -5 to 1.

    Returns
    -------
    ndarray or float
        The threshold, for a long power law without label noise, whatever its :math:`\alpha`; infinite for :math:`b \le
        0`, where a negative ridge never helps, and for 1, where the ratio grows with the size. Above it the best ridge
        that is not negative is 0.

    Raises
    ------
    ValueError
        If `task_exponent` is outside its range.

    Notes
    -----
    :math:`1 + 2/[\sqrt{1-b^2} - (1-b)]`, least at :math:`b = 1/\sqrt2`, where it is :math:`3 + 2\sqrt2` (chapter 12).
    On negative ridges see Kobak, Lomond and Sanchez, arXiv:1805.10939, and Wu and Xu, arXiv:2006.05800.

    Examples
    --------
    >>> print(negative_ridge_threshold([0.0, 0.25, 0.5]).round(2))
    [  inf 10.16  6.46]
    """
    b = real_array("task_exponent", task_exponent, at_least=-STEEPEST_TASK, at_most=1)
    easy = (b > 0) & (b < 1)
    safe = np.where(easy, b, 0.5)
    return np.where(easy, 1 + 2 / (np.sqrt(1 - safe**2) - (1 - safe)), np.inf)[()]


def _power_law_task(alpha, task_exponent) -> tuple[np.ndarray, np.ndarray]:
    """Check that the target of each pair has a variance."""
    alpha = real_array("alpha", alpha, above=0)
    b = real_array("task_exponent", task_exponent, at_most=STEEPEST_TASK)
    if (b <= -alpha).any():
        raise ValueError(f"task_exponent must be greater than -alpha; got {np.min(b):g} with alpha {np.min(alpha):g}")
    return alpha, b


def _tuned_ratio(alpha, b, alpha_y) -> np.ndarray:
    """T/N where the slope of the loss vanishes, from the cubic equation of `split_ratio`; it falls from p = 0 to 1."""
    cubic, constant = alpha * (alpha - 1) * b, alpha * (1 + alpha) * (1 - b)
    square = (alpha - 1) * (alpha + 2) + alpha * b * (1 - 3 * alpha)
    linear = -alpha * (2 * (1 + alpha) - b * (1 + 3 * alpha))

    def value_and_fall(p, cubic, square, linear, constant):
        value = ((cubic * p + square) * p + linear) * p + constant
        return value, -p * ((3 * cubic * p + 2 * square) * p + linear)

    low = np.full(alpha.shape, 1e-300)
    p = find_root(value_and_fall, low, np.ones(alpha.shape), (cubic, square, linear, constant))
    return p * (alpha_y + 2) * (alpha + (1 - alpha) * p) / (alpha_y * (1 + alpha - alpha * p))
