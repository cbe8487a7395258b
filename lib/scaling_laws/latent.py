"""The generative model of data: Gaussian latents, a linear teacher, label noise.

Stands beside chapter 3 of the book.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ._validation import check_generator, real_array, real_number, whole_number
from .spectra import Spectrum, check_spectrum, check_task_exponent


@dataclass(frozen=True)
class LatentModel:
    r"""Latents :math:`x \sim N(0, \Lambda)`, labels :math:`y = w \cdot x + \varepsilon`.

    Parameters
    ----------
    spectrum : PowerLaw or Empirical
        Eigenvalues of :math:`\Lambda`, which is taken diagonal.
    weight_var : float, default 1
        Variance :math:`\sigma_w^2 \ge 0` of each teacher weight; of the first one, if they differ.
    noise_var : float, default 0
        Variance :math:`\sigma_\varepsilon^2 \ge 0` of the label noise.
    task_exponent : float, default 0
        :math:`b`: the teacher weight at rank :math:`I` has variance :math:`\sigma_w^2 I^{-b}`. More than
        :math:`-\alpha` for a `PowerLaw`, at least -5 for an `Empirical`, and at most 5.

    Raises
    ------
    ValueError
        If a variance is negative, infinite or not a number, or the task exponent outside its range.

    Notes
    -----
    The data model of Maloney, Roberts and Sully, arXiv:2210.16859, with one output per input.

    Examples
    --------
    >>> from scaling_laws.spectra import PowerLaw
    >>> rng = np.random.default_rng(0)
    >>> model = LatentModel(PowerLaw(alpha=1.0, n_latent=100), noise_var=0.01)
    >>> teacher, latents = model.draw_teacher(rng), model.draw_latents(5, rng)
    >>> latents.shape, model.draw_labels(latents, teacher, rng).shape
    ((5, 100), (5,))
    """

    spectrum: Spectrum
    weight_var: float = 1.0
    noise_var: float = 0.0
    task_exponent: float = 0.0

    def __post_init__(self) -> None:
        check_spectrum(self.spectrum)
        object.__setattr__(self, "weight_var", real_number("weight_var", self.weight_var, at_least=0))
        object.__setattr__(self, "noise_var", real_number("noise_var", self.noise_var, at_least=0))
        object.__setattr__(self, "task_exponent", check_task_exponent(self.spectrum, self.task_exponent))

    @property
    def task_weights(self) -> np.ndarray:
        r"""Variances :math:`I^{-b}` of the teacher weights in units of `weight_var`, shape (M,)."""
        return np.arange(1.0, self.spectrum.n_latent + 1) ** -self.task_exponent

    def draw_teacher(self, rng: np.random.Generator) -> np.ndarray:
        r"""Teacher weights :math:`w`, shape (M,)."""
        check_generator(rng)
        return np.sqrt(self.weight_var * self.task_weights) * rng.standard_normal(self.spectrum.n_latent)

    def draw_latents(self, n_samples: int, rng: np.random.Generator) -> np.ndarray:
        r"""Latent vectors as rows, shape (n_samples, M)."""
        n_samples = whole_number("n_samples", n_samples)
        check_generator(rng)
        latents = rng.standard_normal((n_samples, self.spectrum.n_latent))
        latents *= np.sqrt(self.spectrum.eigenvalues)
        return latents

    def draw_labels(self, latents: np.ndarray, teacher: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        r"""Labels :math:`w \cdot x + \varepsilon`, shape (n_samples,)."""
        check_generator(rng)
        latents, teacher = real_array("latents", latents), real_array("teacher", teacher)
        n_latent = self.spectrum.n_latent
        if latents.ndim != 2 or latents.shape[1] != n_latent:
            raise ValueError(f"latents must have shape (n_samples, {n_latent}); got {latents.shape}")
        if teacher.shape != (n_latent,):
            raise ValueError(f"teacher must have shape ({n_latent},); got {teacher.shape}")
        noise = np.sqrt(self.noise_var) * rng.standard_normal(len(latents))
        return latents @ teacher + noise
