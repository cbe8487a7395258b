"""Random features: a fixed random map from latents to what the student sees.

Stands beside chapter 4 of the book.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ._validation import real_array, real_number, whole_number

ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"linear": lambda preactivation: preactivation}


@dataclass(frozen=True, eq=False)
class RandomFeatures:
    r"""The feature map :math:`\varphi(x) = \sigma(u x)` with fixed weights :math:`u`.

    Parameters
    ----------
    weights : ndarray, shape (N, M)
        Feature weights :math:`u`.
    activation : str, default "linear"
        Name of :math:`\sigma`, a key of `ACTIVATIONS`.

    Raises
    ------
    ValueError
        If the weights are not a matrix or the activation is not known.

    Notes
    -----
    Random features were introduced by Rahimi and Recht (2007); arXiv:2210.16859 takes the linear
    map with :math:`u_{jI} \sim N(0, \sigma_u^2/M)`.

    Examples
    --------
    >>> features = RandomFeatures.draw(3, 10, np.random.default_rng(0))
    >>> features(np.ones((5, 10))).shape
    (5, 3)
    """

    weights: np.ndarray
    activation: str = "linear"

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", real_array("weights", self.weights))
        if self.weights.ndim != 2:
            raise ValueError(f"weights must be a matrix of shape (N, M); got shape {self.weights.shape}")
        if self.activation not in ACTIVATIONS:
            raise ValueError(f"activation must be one of {sorted(ACTIVATIONS)}; got {self.activation!r}")

    @classmethod
    def draw(
        cls,
        n_features: int,
        n_latent: int,
        rng: np.random.Generator,
        *,
        activation: str = "linear",
        feature_var: float = 1.0,
    ) -> RandomFeatures:
        r"""Draw :math:`u_{jI} \sim N(0, \sigma_u^2/M)` for `n_features` features of `n_latent` latents."""
        n_features, n_latent = whole_number("n_features", n_features), whole_number("n_latent", n_latent)
        deviation = np.sqrt(real_number("feature_var", feature_var, above=0) / n_latent)
        return cls(deviation * rng.standard_normal((n_features, n_latent)), activation)

    def __call__(self, latents: np.ndarray) -> np.ndarray:
        """Features of each row of `latents`, shape (n_samples, N)."""
        latents = np.asarray(latents)
        if latents.ndim != 2 or latents.shape[1] != self.weights.shape[1]:
            raise ValueError(f"latents must have shape (n_samples, {self.weights.shape[1]}); got {latents.shape}")
        return ACTIVATIONS[self.activation](latents @ self.weights.T)
