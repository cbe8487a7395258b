#!/usr/bin/env bash
# scipy 1.17.1: eigsh leaves out copies of a repeated eigenvalue at a tolerance of 1e-8 and says nothing.
#
# Kernels with a symmetry have repeated eigenvalues: on a sphere each degree has its own. Here a power law I^-2, every
# eigenvalue eight times, in a random basis, and the 40 largest are asked for.
#   expected: five levels with eight copies each, to about the tolerance; a missing one reported
#   seen:     with 1e-8 one is missing for six of ten starting vectors, in its place stands one of the sixth level, 31 %
#             too small; at 1e-2 up to fifteen. Even with the default, tol=0, one start of the ten loses a copy. svds with
#             "arpack" loses them, too, and with "lobpcg", a block method, none
# Methods that start from a single vector find further copies through rounding errors only, when the first has converged
# far enough; the pages of eigsh and svds do not say so.
# Why it matters: degrees of freedom and exponents are counts of eigenvalues, and every value found is an eigenvalue to
# 14 digits, so a look at the residuals does not show the loss.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import scipy
from scipy.sparse.linalg import eigsh, svds

print("scipy", scipy.__version__)
exact = np.repeat(np.arange(1, 41.0) ** -2, 8)
rng = np.random.default_rng(0)
basis = np.linalg.qr(rng.standard_normal((exact.size, exact.size)))[0]
K = (basis * exact) @ basis.T
K = (K + K.T) / 2


def missing(values):
    """How many of the values are more than 1 % off those that should be there."""
    return (np.abs(np.sort(values)[::-1] / exact[: len(values)] - 1) > 0.01).sum()


starts = rng.standard_normal((10, exact.size))
counts = {}
for tol in [0, 1e-8, 1e-2]:
    counts[tol] = [missing(eigsh(K, 40, tol=tol, v0=v0, return_eigenvectors=False)) for v0 in starts]
    print(f"eigsh, tol {tol:g}: missing of 40, for ten starts: {np.array(counts[tol])}")
for solver in ["arpack", "lobpcg"]:
    values = svds(K, 20, solver=solver, tol=1e-2, rng=np.random.default_rng(1), return_singular_vectors=False)
    counts[solver] = missing(values)
    print(f"svds, {solver}, tol 0.01: missing of 20: {counts[solver]}")
values, vectors = eigsh(K, 40, tol=1e-8, v0=starts[0])
residual = np.abs(K @ vectors - vectors * values).max()
print(f"largest residual at tol 1e-8: {residual:.1e}")
assert any(counts[1e-8]) and all(counts[1e-2]), "changed: all copies are found"
assert residual < 1e-8, "changed: what is found is no eigenvalue"
assert counts["arpack"] and not counts["lobpcg"], "changed: svds"
PY
echo "as found"
