#!/usr/bin/env bash
# scikit-rmt 2.1.1: its Marchenko-Pastur law has the zeros at the edge of the band, draws none, and ignores the seed.
#
# With q = M/T = 2 half of the eigenvalues are zero, and the band begins at (1 - sqrt(q))^2 = 0.17 (chapter 6).
#   expected: a distribution function of 1/2 between 0 and 0.17; samples with mean 1, half of them zeros, and the same ones
#             for the same random_state
#   seen:     0 below 0.17 and 1/2 right above, a mean of 2, and other numbers in each call. At q = 1 samples hold NaN
# Densities are right, inside the band. Ensembles keep their seed and give the eigenvalues of X'X, not divided by T.
# Why it matters: quantiles, Kolmogorov-Smirnov tests and means of more variables than samples are all wrong.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-rmt==2.1.1 numpy==1.26.4 scipy==1.12.0
export HOME="$folder" # matplotlib writes a list of fonts there
"$folder/venv/bin/python" - <<'PY'
import warnings
from importlib.metadata import version

import numpy as np
from skrmt.ensemble import MarchenkoPasturDistribution, WishartEnsemble

warnings.simplefilter("ignore")  # square roots of negative numbers, outside the band
print("scikit-rmt", version("scikit-rmt"))
for ratio in [0.5, 2.0]:
    law = MarchenkoPasturDistribution(beta=1, ratio=ratio, sigma=1.0)
    low, high = (1 - ratio**0.5) ** 2, (1 + ratio**0.5) ** 2
    x = np.linspace(low, high, 1001)[1:-1]
    off = np.abs(law.pdf(x) - np.sqrt((high - x) * (x - low)) / (2 * np.pi * ratio * x)).max()
    below, above = law.cdf(np.array([low / 2, low + 1e-6]))
    first, second = (law.rvs(size=2000, random_state=7) for _ in range(2))
    print(f"q = {ratio}: density off by {off:.0e}; distribution function below the band {below:.2f}, at its start"
          f" {above:.2f}; sample: mean {first.mean():.2f}, zeros {(first < low / 2).mean():.2f}, repeats:"
          f" {np.array_equal(first, second)}")
    assert off < 1e-10, "changed: the density"
    assert not np.array_equal(first, second), "changed: the seed counts"
    if ratio > 1:
        assert below == 0 and abs(above - 0.5) < 1e-4, "changed: the zeros are at 0"
        assert first.min() > low and abs(first.mean() - ratio) < 0.1, "changed: zeros are drawn"
square = MarchenkoPasturDistribution(beta=1, ratio=1.0, sigma=1.0).rvs(size=2000, random_state=7)
print(f"q = 1: {np.isnan(square).sum()} of 2000 are NaN")
assert np.isnan(square).any(), "changed: q = 1"
means = [WishartEnsemble(beta=1, p=200, n=400, random_state=1).eigvals().mean() for _ in range(2)]
print(f"WishartEnsemble, 400 samples: mean eigenvalue {means[0]:.1f}, again {means[1]:.1f}")
assert means[0] == means[1] and abs(means[0] / 400 - 1) < 0.02, "changed: the ensemble"
PY
echo "as found"
