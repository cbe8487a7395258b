r"""Closed forms for long power laws: from the spectrum to the scaling law.

Stands beside chapter 9 of the book. With many latents the sum over modes is nearly an integral, and

.. math:: df_1(\Delta) \simeq k_\alpha\,(\lambda_+/\Delta)^{1/(1+\alpha)} - \tfrac12, \qquad
    k_\alpha = \frac{\pi/(1+\alpha)}{\sin[\pi/(1+\alpha)]} .
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from ._validation import MAX_SIZE, real_array

STEP = 1e-4  # in log size, of the difference quotient of a local exponent: its square is the error


def spectral_constant(alpha: ArrayLike) -> np.ndarray:
    r"""The constant :math:`k_\alpha` in the number of resolved latents of a power law.

    Parameters
    ----------
    alpha : array_like
        Spectral exponent :math:`\alpha > 0`.

    Returns
    -------
    ndarray or float
        :math:`k_\alpha = [\pi/(1+\alpha)]/\sin[\pi/(1+\alpha)]`, at least 1.

    Raises
    ------
    ValueError
        If `alpha` is not positive.

    Notes
    -----
    The integral :math:`\int_0^\infty dy/(1 + y^{1+\alpha})` (chapters 2 and 9).

    Examples
    --------
    >>> print(spectral_constant([0.5, 1.0, 2.0]).round(4))
    [2.4184 1.5708 1.2092]
    """
    angle = np.pi / (1 + real_array("alpha", alpha, above=0))
    return (angle / np.sin(angle))[()]


def delta_asymptotic(alpha: ArrayLike, df1: ArrayLike, *, scale: ArrayLike = 1.0, shift: ArrayLike = 0.0) -> np.ndarray:
    r"""The scale at which `df1` latents of a long power law are resolved.

    Parameters
    ----------
    alpha : array_like
        Spectral exponent :math:`\alpha > 0`.
    df1 : array_like
        Number of resolved latents :math:`s = df_1(\Delta) > 0`.
    scale : array_like, default 1
        Largest eigenvalue :math:`\lambda_+ > 0`.
    shift : array_like, default 0
        Added to `df1`. At 0: the leading order; at 1/2: with the first correction, which comes from replacing the
        sum by an integral.

    Returns
    -------
    ndarray or float
        :math:`\Delta = \lambda_+ [k_\alpha/(s + \text{shift})]^{1+\alpha}`, in the units of the eigenvalues.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    Derived in chapter 9 for :math:`1 \ll s \ll M`. Without the shift the relative error is about
    :math:`(1+\alpha)/(2s)`. With it the relative error is of the order :math:`s^{-2-\alpha}`, from the smallest
    ranks, and :math:`(s/M)^\alpha`, from the end of the spectrum.

    Examples
    --------
    >>> from scaling_laws.spectra import PowerLaw
    >>> exact = PowerLaw(alpha=0.5, n_latent=10**15).mode_sum(delta_asymptotic(0.5, 100, shift=[0.0, 0.5]), 1, 0)
    >>> print(exact.round(4))
    [ 99.5001 100.0001]
    """
    alpha = real_array("alpha", alpha, above=0)
    resolved = real_array("df1", df1, above=0) + real_array("shift", shift, at_least=0)
    scale = real_array("scale", scale, above=0)
    return (scale * (spectral_constant(alpha) / resolved) ** (1 + alpha))[()]


def bottleneck_loss(
    alpha: ArrayLike, size: ArrayLike, *, weight_var: ArrayLike = 1.0, scale: ArrayLike = 1.0, shift: ArrayLike = 0.0
) -> np.ndarray:
    r"""Test loss without ridge when one resource is scarce and the other plentiful: the scaling law.

    Parameters
    ----------
    alpha : array_like
        Spectral exponent :math:`\alpha > 0`.
    size : array_like
        The scarce one of :math:`N` and :math:`T`, from 1 to 1e15.
    weight_var : array_like, default 1
        Teacher variance :math:`\sigma_w^2 \ge 0`.
    scale, shift : array_like
        As in `delta_asymptotic`.

    Returns
    -------
    ndarray or float
        :math:`L = \sigma_w^2 N \Delta_N`; at ``shift=0`` this is :math:`\sigma_w^2 \lambda_+ k_\alpha^{1+\alpha}
        N^{-\alpha}`.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    The limit :math:`T \to \infty` of the ridgeless loss of chapter 8, with `delta_asymptotic` for Delta. By duality the
    same holds for :math:`T` and :math:`N \to \infty`; both are for an isotropic teacher. Label noise does not enter
    for scarce features.

    Examples
    --------
    >>> from scaling_laws.spectra import PowerLaw
    >>> from scaling_laws.theory import test_loss
    >>> print(f"{bottleneck_loss(1.0, 100):.5f} {test_loss(PowerLaw(1.0, 10**12), 100, 1e15):.5f}")
    0.02467 0.02443
    """
    size = real_array("size", size, at_least=1, at_most=MAX_SIZE)
    weight_var = real_array("weight_var", weight_var, at_least=0)
    return (weight_var * size * delta_asymptotic(alpha, size, scale=scale, shift=shift))[()]


def local_exponent(loss: Callable[[np.ndarray], ArrayLike], size: ArrayLike) -> np.ndarray:
    r"""The exponent that a loss has locally, :math:`-d \log L/d \log(\text{size})`.

    Parameters
    ----------
    loss : callable
        Positive function of an array of sizes, elementwise: ``loss(size)`` has the shape of ``size``.
    size : array_like
        Where to take the slope; positive.

    Returns
    -------
    ndarray or float
        The local exponent, of the shape of `size`; a pure power law :math:`x^{-\alpha}` has :math:`\alpha`
        everywhere.

    Raises
    ------
    ValueError
        If `size` is not positive, or `loss` is not positive there.

    Notes
    -----
    A central difference in the logarithm of the size, with a step of 1e-4.

    Examples
    --------
    >>> local_exponent(lambda n: n**-0.5 + 0.1, [1.0, 100.0]).round(4)
    array([0.4545, 0.25  ])
    """
    size = real_array("size", size, above=0)
    if not callable(loss):
        raise ValueError(f"loss must be a function of the size; got {type(loss).__name__}")
    ahead, behind = (_positive(loss(size * np.exp(step))) for step in (STEP, -STEP))
    return (np.log(behind / ahead) / (2 * STEP))[()]


def _positive(losses: ArrayLike) -> np.ndarray:
    """What a reader's function returned, refused where it is not positive or no number at all."""
    try:
        return real_array("loss", losses, above=0)
    except ValueError as error:
        raise ValueError(f"loss must be positive at the given sizes: {error}") from None
