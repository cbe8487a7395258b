#!/usr/bin/env bash
# nonlinshrink 0.7: with as many samples as variables the shrunk covariance loses two thirds of the variance.
#
# Nonlinear shrinkage should bring the eigenvalues of a sample covariance near those of the best estimator with the same
# eigenvectors. A Gaussian sample with the power law I^-1.5, 100 variables, and 200, 100 or 50 samples.
#   expected: a smaller error than the sample covariance has, at N = T as well, and about the same trace, which it knows well
#   seen:     about the error of the sample covariance at 200 and 50. At 100 the trace is a third of the true one, and the error
#             that of an estimate which is zero
# Why it matters: N = T is where a shrunk covariance is most wanted. Nothing is raised, and the matrix is positive.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet nonlinshrink==0.7 numpy==2.4.6 scipy==1.17.1
"$folder/venv/bin/python" - <<'PY'
import warnings
from importlib.metadata import version

import nonlinshrink
import numpy as np

warnings.simplefilter("ignore", DeprecationWarning)
print("nonlinshrink", version("nonlinshrink"))
eigenvalues = np.arange(1, 101) ** -1.5
for n_samples in [200, 100, 50]:
    rows = []
    for seed in range(10):
        X = np.random.default_rng(seed).standard_normal((n_samples, 100)) * np.sqrt(eigenvalues)
        sample = np.cov(X.T)
        basis = np.linalg.eigh(sample)[1]
        best = (basis * (basis**2).T.dot(eigenvalues)) @ basis.T
        shrunk = nonlinshrink.shrink_cov(X)
        errors = [((C - np.diag(eigenvalues)) ** 2).sum() / (eigenvalues**2).sum() for C in (sample, best, shrunk)]
        rows.append([*errors, np.trace(sample) / eigenvalues.sum(), np.trace(shrunk) / eigenvalues.sum()])
    sample, best, shrunk, trace, shrunk_trace = np.mean(rows, axis=0)
    print(f"T = {n_samples}: error of the sample {sample:.3f}, of the best {best:.3f}, of shrink_cov {shrunk:.3f};"
          f" trace of the sample {trace:.2f}, of shrink_cov {shrunk_trace:.2f}")
    if n_samples == 100:
        assert shrunk > 5 * sample and shrunk_trace < 0.6 < trace, "changed: N = T is right"
    else:
        assert shrunk < 1.3 * sample and abs(shrunk_trace - 1) < 0.1, "changed: N away from T"
PY
echo "as found"
