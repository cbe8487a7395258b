"""Rows of the page "Tools of the trade" on neural-tangents or KeOps; run by rows_kernels.sh with either name."""

import sys
import warnings

import numpy as np
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
    import jax
    from neural_tangents import stax

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


def by_keops():
    heading("kernel ridge by LazyTensor.solve, 1000 points of 8 variables: worst prediction", "pykeops")
    import pykeops
    from pykeops.numpy import LazyTensor

    pykeops.set_verbose(False)
    rng = np.random.default_rng(0)
    X, direction, tests = rng.standard_normal((1000, 8)), rng.standard_normal(8), rng.standard_normal((300, 8))
    y = np.sin(X @ direction)[:, None]

    def lazy(A, B):
        A, B = LazyTensor(A[:, None]), LazyTensor(B[None])
        return (-((A - B) ** 2).sum(-1) / 8).exp()

    def dense(A, B):
        return np.exp(-((A[:, None] - B) ** 2).sum(-1) / 8)

    for kind in (np.float64, np.float32):
        x, labels, new = X.astype(kind), y.astype(kind), tests.astype(kind)
        for ridge in (1.0, 1e-3):
            exact = dense(tests, X) @ np.linalg.solve(dense(X, X) + ridge * np.eye(1000), y)
            gram = dense(x, x) + kind(ridge) * np.eye(1000, dtype=kind)
            direct = dense(new, x) @ np.linalg.solve(gram, labels)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                found = lazy(new, x) @ lazy(x, x).solve(labels, alpha=ridge)
            errors = [np.abs(predicted - exact).max() for predicted in (found, direct)]
            name = np.dtype(kind).name
            print(f"{name}, ridge {ridge:g}: KeOps {errors[0]:.0e}, NumPy {errors[1]:.0e}, {len(caught)} warnings")
            expect(errors[0] < (1e-5 if name == "float64" else 1e-2), f"KeOps at ridge {ridge}")


{"neural-tangents": by_neural_tangents, "KeOps": by_keops}[sys.argv[1]]()
