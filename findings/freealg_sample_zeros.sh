#!/usr/bin/env bash
# freealg 0.12.2: samples of its Marchenko-Pastur law leave out the zeros, so their mean is 2 where that of the law is 1.
#
# With twice as many variables as samples half of the eigenvalues are zero (chapter 6). Density, Stieltjes transform and
# the matrices that the same class draws agree with that.
#   expected: sample() has zeros in that share, or says that it draws from the rest
#   seen:     no zeros: mean 2 and smallest value at the edge of the band
# Why it matters: any sum over such a sample, a moment or degrees of freedom, is off by the ratio.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet freealg==0.12.2 numpy==2.4.6 scipy==1.17.1
export HOME="$folder" # matplotlib writes a list of fonts there
cd "$folder"
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

import numpy as np
from freealg.distributions import MarchenkoPastur

print("freealg", version("freealg"))
for ratio in [0.5, 2.0]:
    law = MarchenkoPastur(ratio)
    low, high = (1 - ratio**0.5) ** 2, (1 + ratio**0.5) ** 2
    x = np.linspace(low, high, 100_001)[1:-1]
    density = np.sqrt((high - x) * (x - low)) / (2 * np.pi * ratio * x)
    sample, matrix = law.sample(10_000, seed=0), np.linalg.eigvalsh(law.matrix(500, seed=0))
    print(f"M/T = {ratio}: density off by {np.abs(law.density(x) - density).max():.0e}, its mass"
          f" {np.trapezoid(law.density(x), x):.3f}; mean and share of zeros: sample {sample.mean():.3f},"
          f" {(sample < low / 2).mean():.2f}, matrix {matrix.mean():.3f}, {(matrix < low / 2).mean():.2f}")
    assert np.allclose(law.density(x), density) and abs(matrix.mean() - 1) < 0.02, "changed: density or matrix"
    if ratio > 1:
        assert sample.min() > low and abs(sample.mean() - ratio) < 0.05, "changed: the sample has zeros"
PY
echo "as found"
