#!/usr/bin/env bash
# scipy 1.17.1: svds with solver "propack" returns zeros for the smallest singular values, without a warning.
#
# The smallest singular values make the peak at N = T of chapter 5, and `which="SM"` asks for them. A square and a tall
# Gaussian matrix, whose smallest singular values random matrix theory knows: of order 1/sqrt(T), and sqrt(T) - sqrt(N).
#   expected: what a full decomposition gives, as "arpack" does, or an error
#   seen:     three zeros for any matrix, and singular vectors that are none: A v has length 11 to 25 where the value says 0.
#             It is so in 1.16.3, too
# Why it matters: a matrix of full rank is taken for singular, and a ridge looks necessary that is not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scipy==1.17.1 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import warnings

import numpy as np
import scipy
from scipy.sparse.linalg import svds

print("scipy", scipy.__version__)
for shape in [(200, 200), (200, 100), (60, 40)]:
    A = np.random.default_rng(0).standard_normal(shape)
    true = np.linalg.svd(A, compute_uv=False)[:-4:-1]
    arpack = np.sort(svds(A, 3, which="SM", rng=0)[1])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        left, found, right = svds(A, 3, which="SM", solver="propack", rng=0)
    lengths = np.linalg.norm(A @ right.T, axis=0)
    print(f"{shape}: true {true.round(3)}, propack {found}, |A v| {lengths.round(1)}, {len(caught)} warnings")
    assert np.allclose(arpack, true), "changed: arpack is off"
    assert not found.any() and lengths.min() > 10 and not caught, "changed: propack finds other values, or warns"
PY
echo "as found"
