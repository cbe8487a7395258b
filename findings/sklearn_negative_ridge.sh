#!/usr/bin/env bash
# scikit-learn 1.9.1: Ridge refuses the ridge -0.1 and takes array([-0.1]); one solver then answers with ridge 0.
#
# Chapter 12: for an easy task and many features a negative ridge is best, and the normal equations have a unique solution
# as long as it is above minus the smallest eigenvalue.
#   expected: one rule for a number and for the same number in an array; and where negative ridges are taken, one answer
#   seen:     the number is refused as outside [0, inf); in an array it is not looked at. "svd" and "cholesky" then solve
#             the problem, "lsqr" takes the square root of the ridge, warns of that root only, and returns the least-squares
#             solution without a ridge, with 10 features and 50 samples as with 50 and 10
# Why it matters: who tunes a ridge for each output (an array) can leave the range without noticing, and who looks for the
# negative ridges of the theory with "lsqr" finds that they change nothing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PY'
import warnings

import numpy as np
import sklearn
from sklearn.linear_model import Ridge

print("scikit-learn", sklearn.__version__)
for n_samples, n_features in [(50, 10), (10, 50)]:
    X = np.random.default_rng(0).standard_normal((n_samples, n_features))
    y = X[:, 0]
    try:
        Ridge(alpha=-0.1, fit_intercept=False).fit(X, y)
        refused = False
    except ValueError as error:
        refused = True
        print("-0.1:", str(error)[:80])
    assert refused, "changed: the number is taken"
    dual = np.linalg.solve(X @ X.T - 0.1 * np.eye(n_samples), y) @ X  # (X'X - 0.1)^-1 X'y for either shape
    plain = np.linalg.lstsq(X, y)[0]
    for solver in ["svd", "cholesky", "lsqr"]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = Ridge(alpha=np.array([-0.1]), fit_intercept=False, solver=solver).fit(X, y).coef_
        error, moved = np.abs(found - dual).max(), np.abs(found - plain).max()
        said = sorted({str(warning.message) for warning in caught})
        print(f"{solver:9} off the solution by {error:.1e}, off that without ridge by {moved:.1e}, warns: {said}")
        if solver == "lsqr":
            assert moved < 1e-3 * np.abs(dual - plain).max() < error, "changed: lsqr does something else"
        else:
            assert error < 1e-10 and not said, "changed: a direct solver differs"
PY
echo "as found"
