"""Rows of the page "Tools of the trade" on KeOps; run by rows_keops.sh."""

import warnings

import numpy as np
import pykeops
from pykeops.numpy import LazyTensor
from rows import expect, heading

pykeops.set_verbose(False)


def by_keops():
    heading("kernel ridge by LazyTensor.solve, 1000 points of 8 variables: worst prediction", "pykeops")
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


by_keops()
