#!/usr/bin/env bash
# scikit-learn 1.9.1: RidgeCV with an intercept reports a leave-one-out error far too large at a small ridge.
#
# Forty digits of 64 pixels, odd or even: with more features than samples the leave-one-out error has a limit at ridge zero.
#   expected: what forty refits give, 0.923, at the ridges 1e-14 to 1e-6 alike; it is so without an intercept
#   seen:     0.923 down to 1e-10 and 283 at 1e-14, without a warning. 1.7.0 gives 0.923
# Centring makes one eigenvalue of the Gram matrix zero. Here rounding leaves 8e-14 of it, more than the ridge; by how much
# the error is off differs between processors, and with gcv_mode="svd" it is infinite.
# Why it matters: a search over ridges for the ridgeless limit sees a wall there, and chooses another ridge.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import sklearn
from sklearn.datasets import load_digits
from sklearn.linear_model import RidgeCV

print("scikit-learn", sklearn.__version__)
X, y = load_digits(return_X_y=True)
X, y = X[:40], np.where(y[:40] % 2, 1.0, -1.0)


def refits(ridge, intercept):
    """Mean squared error at each sample of the fit to the 39 others."""
    errors = []
    for t in range(len(y)):
        others = np.arange(len(y)) != t
        x_mean, y_mean = (X[others].mean(0), y[others].mean()) if intercept else (0.0, 0.0)
        left, singular, right = np.linalg.svd(X[others] - x_mean, full_matrices=False)
        keep = singular > 1e-10 * singular[0]
        shrunk = np.where(keep, singular / (singular**2 + ridge), 0.0)
        errors.append(y[t] - y_mean - (X[t] - x_mean) @ (shrunk * ((y[others] - y_mean) @ left) @ right))
    return np.mean(np.square(errors))


ratios = {}
for intercept in [True, False]:
    for ridge in [1e-14, 1e-10, 1e-6, 1.0]:
        model = RidgeCV(alphas=[ridge], fit_intercept=intercept, store_cv_results=True).fit(X, y)
        reported, true = model.cv_results_.mean(), refits(ridge, intercept)
        ratios[intercept, ridge] = reported / true
        print(f"intercept {intercept}, ridge {ridge:g}: RidgeCV {reported:.4f}, refits {true:.4f}")
wrong = ratios.pop((True, 1e-14))
assert abs(wrong - 1) > 0.2, "changed: right at 1e-14, too"
assert all(abs(ratio - 1) < 1e-3 for ratio in ratios.values()), "changed: wrong elsewhere"
PY
echo "as found"
