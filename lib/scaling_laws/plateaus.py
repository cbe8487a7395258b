r"""Where a scaling law stops: four plateaus, and what lies beyond the last latent.

Stands beside chapter 11 of the book. The loss is a sum of three parts,

.. math:: L = L_{\text{signal}} + L_{\text{noise}} + L_{\text{unseen}} ,

and the first is at least as large as each of three floors, set by the features, by the samples and by the ridge.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ._validation import MAX_SIZE, real_array
from .spectra import Spectrum, check_spectrum
from .theory import LARGEST, decompose, solve_delta, test_loss

# How far the signal part may exceed the sum of its floors before variance is to blame: with the best ridge it stays
# below 1.3 times the sum for alpha <= 2, without ridge it exceeds it near N = T (chapter 11).
PEAK = 2.0
REGIMES = ("features", "samples", "ridge", "label noise", "unseen latents", "variance", "resolved")


def truncated_loss(
    spectrum: Spectrum,
    n_visible: int,
    n_features: ArrayLike,
    n_samples: ArrayLike,
    ridge: ArrayLike = 0.0,
    *,
    weight_var: ArrayLike = 1.0,
    noise_var: ArrayLike = 0.0,
    feature_var: ArrayLike = 1.0,
) -> np.ndarray:
    r"""Test loss of a student whose features see only the first latents.

    Parameters
    ----------
    spectrum : PowerLaw or Empirical
        Eigenvalues of the latent covariance, seen and unseen.
    n_visible : int
        Number :math:`M_0 \le M` of latents that the features see.
    n_features, n_samples : array_like
        Numbers of features :math:`N` and training samples :math:`T`, from 1 to 1e15; everything broadcasts.
    ridge : array_like, default 0
        :math:`\gamma \ge 0`.
    weight_var, noise_var : array_like
        Teacher variance :math:`\sigma_w^2 \ge 0` and label noise :math:`\sigma_\varepsilon^2 \ge 0`.
    feature_var : array_like, default 1
        :math:`\sigma_u^2 > 0`: the weights on the visible latents have variance :math:`\sigma_u^2/M`, with the number
        :math:`M` of all latents.

    Returns
    -------
    ndarray or float
        Expected squared error on a fresh sample in excess of the label noise.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    With :math:`\tau^2 = \sigma_w^2 \sum_{I>M_0} \lambda_I`, the loss of `theory.test_loss` for the first :math:`M_0`
    latents and the label noise :math:`\sigma_\varepsilon^2 + \tau^2`, plus :math:`\tau^2` (chapter 11).

    Examples
    --------
    >>> from scaling_laws.spectra import PowerLaw
    >>> spectrum = PowerLaw(1.0, 10**6)
    >>> print(truncated_loss(spectrum, 100, 1000, [50, 200, 10**6]).round(5))
    [0.05712 0.0199  0.00995]
    >>> print(f"{spectrum.tail(100):.5f}")
    0.00995
    """
    head, unseen = check_spectrum(spectrum).head(n_visible), spectrum.tail(n_visible)
    floor = real_array("weight_var", weight_var, at_least=0, at_most=LARGEST) * unseen
    noise_var = real_array("noise_var", noise_var, at_least=0, at_most=LARGEST) + floor
    feature_var = _visible_share(spectrum, head, feature_var)
    return floor + test_loss(
        head, n_features, n_samples, ridge, weight_var=weight_var, noise_var=noise_var, feature_var=feature_var
    )


class PlateauLevels(NamedTuple):
    r"""What holds the loss up; see `plateau_levels`.

    Attributes
    ----------
    features : ndarray or float
        Floor of the signal part set by the number of features: its limit for unlimited samples, no ridge.
    samples : ndarray or float
        Floor of the signal part set by the number of samples: its limit for unlimited features, no ridge.
    ridge : ndarray or float
        Floor of the signal part set by the ridge: its limit for unlimited sizes at the same :math:`\gamma/NT`.
    noise : ndarray or float
        Part of the loss due to the label noise.
    unseen : ndarray or float
        Part of the loss due to latents that the features do not see.
    signal : ndarray or float
        The rest of the loss: at least the largest of the three floors.

    Examples
    --------
    >>> PlateauLevels(0.1, 0.2, 0.0, 0.05, 0.0, 0.3).test_loss
    0.35
    """

    features: np.ndarray
    samples: np.ndarray
    ridge: np.ndarray
    noise: np.ndarray
    unseen: np.ndarray
    signal: np.ndarray

    @property
    def test_loss(self) -> np.ndarray:
        """The whole loss, ``signal + noise + unseen``."""
        return self.signal + self.noise + self.unseen


def plateau_levels(
    spectrum: Spectrum,
    n_features: ArrayLike,
    n_samples: ArrayLike,
    ridge: ArrayLike = 0.0,
    *,
    n_visible: int | None = None,
    weight_var: ArrayLike = 1.0,
    noise_var: ArrayLike = 0.0,
    feature_var: ArrayLike = 1.0,
) -> PlateauLevels:
    r"""The floors and parts of the test loss, each with one cause.

    Parameters
    ----------
    spectrum, n_features, n_samples, ridge, weight_var, noise_var, feature_var
        As in `truncated_loss`.
    n_visible : int, optional
        Number of latents that the features see; None: all of them.

    Returns
    -------
    PlateauLevels
        A named tuple of arrays of the broadcast shape (floats for scalar arguments).

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    With :math:`\Delta_N` the root of :math:`df_1(\Delta_N) = N` and :math:`\Delta_\gamma = \gamma M/(\sigma_u^2 N T)`
    the floors are :math:`\sigma_w^2 N \Delta_N`, :math:`\sigma_w^2 T \Delta_T` and :math:`\sigma_w^2 \Delta_\gamma
    (df_1 - df_2)`, the last one at :math:`\Delta_\gamma`. The parts are :math:`\sigma_\varepsilon^2 \mathcal{A}` for
    the noise and :math:`\tau^2 (1 + \mathcal{A})` for unseen latents, with the amplification :math:`\mathcal{A}` of the
    noise in `theory.test_loss` (chapter 11).

    Examples
    --------
    >>> from scaling_laws.spectra import PowerLaw
    >>> levels = plateau_levels(PowerLaw(1.0, 10**6), 100, [200, 20_000], noise_var=0.01)
    >>> print(levels.features.round(4), levels.samples.round(4))
    [0.0244 0.0244] [0.0123 0.0001]
    >>> print(levels.noise.round(5), levels.test_loss.round(4))
    [1.e-02 5.e-05] [0.0589 0.0246]
    """
    check_spectrum(spectrum)
    visible = spectrum.n_latent if n_visible is None else n_visible
    head, unseen = spectrum.head(visible), spectrum.tail(visible)
    noise_var = real_array("noise_var", noise_var, at_least=0, at_most=LARGEST)
    feature_var = _visible_share(spectrum, head, feature_var)
    parts = decompose(head, n_features, n_samples, ridge, weight_var=weight_var, noise_var=1.0, feature_var=feature_var)
    n, t, ridge, weight_var, feature_var = (
        np.asarray(x, dtype=float) for x in (n_features, n_samples, ridge, weight_var, feature_var)
    )
    floor = weight_var * unseen
    delta = ridge * head.n_latent / (feature_var * n * t)
    levels = (
        weight_var * n * solve_delta(head, n, MAX_SIZE),
        weight_var * t * solve_delta(head, MAX_SIZE, t),
        weight_var * delta * head.mode_sum(delta, 1, 1),
        _amplified(noise_var, parts.noise),
        _amplified(floor, 1 + parts.noise),
        parts.signal,
    )
    return PlateauLevels(*(level[()] for level in np.broadcast_arrays(*levels)))


def diagnose(
    spectrum: Spectrum,
    n_features: ArrayLike,
    n_samples: ArrayLike,
    ridge: ArrayLike = 0.0,
    *,
    n_visible: int | None = None,
    weight_var: ArrayLike = 1.0,
    noise_var: ArrayLike = 0.0,
    feature_var: ArrayLike = 1.0,
) -> np.ndarray:
    r"""Name what holds the test loss up.

    Parameters
    ----------
    spectrum, n_features, n_samples, ridge, n_visible, weight_var, noise_var, feature_var
        As in `plateau_levels`.

    Returns
    -------
    ndarray of str, or str
        One of `REGIMES` for each setting. ``"label noise"`` and ``"unseen latents"`` where that part of the loss is the
        largest. Elsewhere the cause of the highest floor, ``"features"``, ``"samples"`` or ``"ridge"``; but
        ``"variance"`` where the signal part is more than twice the sum of its floors, as near N = T with too small a
        ridge. Where half of a ridge to be blamed would not lower the loss, the noise that calls for it is named in its
        place. ``"resolved"`` where the loss is zero.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    The boundaries between regimes are crossovers, not transitions (chapter 11).

    Examples
    --------
    >>> from scaling_laws.spectra import PowerLaw
    >>> print(diagnose(PowerLaw(1.0, 10**6), 1000, [100, 1000, 10_000], 1e-9))
    ['samples' 'variance' 'features']
    """
    variances = {"weight_var": weight_var, "noise_var": noise_var, "feature_var": feature_var}
    levels = plateau_levels(spectrum, n_features, n_samples, ridge, n_visible=n_visible, **variances)
    half = plateau_levels(spectrum, n_features, n_samples, np.asarray(ridge) / 2, n_visible=n_visible, **variances)
    floors = np.stack([levels.features, levels.samples, levels.ridge])
    highest = np.argmax(floors, axis=0)
    largest = np.argmax([levels.signal, levels.noise, levels.unseen], axis=0)
    variance = levels.signal > PEAK * floors.sum(axis=0)
    # Half the ridge would improve the signal part, but not the loss: the ridge is needed against noise.
    needed = (half.signal < levels.signal) & (half.test_loss >= levels.test_loss)
    needed &= (largest == 0) & (highest == 2) & ~variance
    conditions = [
        levels.test_loss == 0,
        (largest == 1) | needed & (levels.noise >= levels.unseen),
        (largest == 2) | needed,
        variance,
    ]
    names = ["resolved", "label noise", "unseen latents", "variance"]
    return np.select(conditions, names, np.array(REGIMES)[highest])[()]


def _visible_share(spectrum: Spectrum, head: Spectrum, feature_var: ArrayLike) -> np.ndarray:
    """The feature variance for a model of the visible latents alone, whose weights have variance / M_0, not / M."""
    return real_array("feature_var", feature_var, above=0, at_most=LARGEST) * head.n_latent / spectrum.n_latent


def _amplified(variance: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Their product; 0 without variance, even where the factor is infinite."""
    variance, factor = np.broadcast_arrays(variance, factor)
    return np.multiply(variance, factor, out=np.zeros(factor.shape), where=variance > 0)
