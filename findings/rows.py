"""What the rows_*.py beside it share."""

from importlib.metadata import version

import numpy as np


def heading(text, *packages):
    print(f"\n{text} ({', '.join(f'{name} {version(name)}' for name in packages)})", flush=True)


def expect(condition, what):
    assert condition, f"changed: {what}"


def random_features(n_features, n_samples, seed, n_latent=2000):
    """Features and labels of the course's model with alpha = 1, and the exact test loss of coefficients."""
    rng = np.random.default_rng(seed)
    eigenvalues = np.arange(1, n_latent + 1) ** -2.0
    latents = rng.standard_normal((n_samples, n_latent)) * np.sqrt(eigenvalues)
    weights = rng.standard_normal((n_features, n_latent)) / np.sqrt(n_latent)
    teacher = rng.standard_normal(n_latent)

    def loss(coefficients, intercept=0.0):
        errors = teacher - weights.T @ np.asarray(coefficients, float).ravel()
        return (errors**2 * eigenvalues).sum() + intercept**2

    return latents @ weights.T, latents @ teacher, loss
