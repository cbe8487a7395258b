"""Rows of the page "Tools of the trade" on neural-tangents; run by rows_tangents.sh."""

import jax
import numpy as np
from neural_tangents import stax
from rows import expect, heading


def relu_kernels(X):
    """Chapter 4's kernel of ReLU features, and the neural tangent kernel of one hidden layer of them."""
    lengths, products = np.linalg.norm(X, axis=1), X @ X.T / X.shape[1]
    cosines = np.clip(X @ X.T / np.outer(lengths, lengths), -1, 1)
    angles, scale = np.arccos(cosines), np.outer(lengths, lengths) / X.shape[1]
    features = scale * (np.sin(angles) + (np.pi - angles) * cosines) / 2 / np.pi
    return {"nngp": features, "ntk": features + products * (np.pi - angles) / 2 / np.pi}


def by_neural_tangents():
    heading("Dense, ReLU, Dense: worst relative error, near inputs a distance of 1e-4 apart", "neural-tangents", "jax")
    kernel = stax.serial(stax.Dense(1), stax.Relu(), stax.Dense(1))[2]
    X = np.random.default_rng(0).standard_normal((200, 64))
    near = X + 1e-4 / 8 * np.random.default_rng(1).standard_normal(X.shape)
    both = np.concatenate([X, near])
    for precise in (False, True):
        jax.config.update("jax_enable_x64", precise)
        for name, exact in relu_kernels(both).items():
            found = np.asarray(kernel(jax.numpy.asarray(both), None, name))
            error = np.abs(found / exact - 1)
            diagonal, pairs = np.diag(error).max(), np.diag(error[:200, 200:]).max()
            other = np.abs(found - exact)[:200, :200][~np.eye(200, dtype=bool)].max() / exact.max()
            print(f"{found.dtype}, {name:4}: diagonal {diagonal:.0e}, near {pairs:.0e}, others {other:.0e}")
            loses_half = name == "ntk" and not precise
            expect((diagonal > 2e-5) == loses_half and other < 1e-6, f"neural-tangents, {name}")


by_neural_tangents()
