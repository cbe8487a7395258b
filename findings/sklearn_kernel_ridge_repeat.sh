#!/usr/bin/env bash
# scikit-learn 1.9.1: KernelRidge at ridge zero with one input twice misses training points that have nothing to do with it.
#
# Twenty Gaussian coordinates, 100 samples, one input there twice with two labels, as in repeated measurements.
#   expected: the least-squares solution: the mean of the two labels there, and all other points met
#   seen:     in a quarter of 30 draws other points are missed by 1 to 5 (the labels have variance 1). Most of these draws announce
#             "Using least-squares solution", and the answer is none: what rounding leaves of the zero eigenvalue is kept, and its
#             coefficients are so large that sums over them lose all digits. A pseudoinverse meets all points
# Why it matters: the kernel limit of chapter 13 is ridgeless, real data have repeats, and such a fit interpolates wrongly.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PY'
import warnings

import numpy as np
import sklearn
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import rbf_kernel

print("scikit-learn", sklearn.__version__)
missed, reference, said = [], [], set()
for seed in range(30):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((100, 20)), rng.standard_normal(100)
    X[1] = X[0]
    K = rbf_kernel(X, gamma=0.1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = KernelRidge(alpha=0, kernel="rbf", gamma=0.1).fit(X, y).predict(X)
    missed.append(np.abs(fitted - y)[2:].max())
    reference.append(np.abs(K @ np.linalg.pinv(K, rcond=1e-12, hermitian=True) @ y - y)[2:].max())
    said |= {str(warning.message)[:70] for warning in caught if missed[-1] > 0.1}
print("largest miss away from the repeat:", np.sort(missed)[::-1][:8].round(3), "and less")
print(f"of the pseudoinverse: {max(reference):.0e}")
print("said where it is off:", *said, sep="\n  ")
assert max(reference) < 1e-10, "the problem itself is at fault"
assert sum(miss > 0.1 for miss in missed) >= 3, "changed: other points are met"
PY
echo "as found"
