"""Write marchenko_pastur.json, the yardstick of test_resolvent: python tests/data/make_marchenko_pastur.py

The numbers are scikit-rmt's. It needs numpy < 2, so it cannot be installed beside the course; give it an environment of
its own:

    python -m venv rmt
    rmt/bin/pip install scikit-rmt==2.1.1
    rmt/bin/python tests/data/make_marchenko_pastur.py

Stored, one row for each ratio q = (dimension)/(samples): the argument `ratio`, the edges `lambda_minus` and
`lambda_plus`, the points `eigenvalue`, and `pdf` at these points. All as scikit-rmt returns them, for beta = 1 and
sigma = 1, none converted. No conversion is needed: its pdf for q > 1 is the density per dimension without the zero
modes, of mass 1/q, which is the library's convention too. (Its cdf for q > 1 is something else, and is not stored.)
The first points lie in the support, the last ones outside, before and after it.
"""

import json
from pathlib import Path

import numpy as np

RATIOS = (0.01, 0.25, 0.5, 0.9, 1.0, 1.5, 4.0, 50.0)
INSIDE = (0.001, 0.01, 0.03, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.97, 0.99, 0.999)  # shares of the support
OUTSIDE = (-3.0, -0.1, -1e-6)  # shares of the lower edge are added, and multiples of the upper one
BEFORE, AFTER = (1e-6, 0.1, 0.5, 0.9, 0.999), (1.001, 1.1, 2.0, 1e3)


def row(ratio: float) -> dict:
    """Edges and density at one ratio."""
    from skrmt.ensemble.spectral_law import MarchenkoPasturDistribution  # here: pytest imports this file without it

    law = MarchenkoPasturDistribution(ratio=ratio, beta=1, sigma=1.0)
    low, high = float(law.lambda_minus), float(law.lambda_plus)
    inside = [low + share * (high - low) for share in INSIDE]
    before = [share * low for share in BEFORE if low > 0]
    points = np.array([*inside, *OUTSIDE, *before, *(factor * high for factor in AFTER)])
    return {
        "ratio": ratio,
        "lambda_minus": low,
        "lambda_plus": high,
        "eigenvalue": points.tolist(),
        "pdf": law.pdf(points).tolist(),
    }


if __name__ == "__main__":
    rows = [row(ratio) for ratio in RATIOS]
    path = Path(__file__).with_name("marchenko_pastur.json")
    path.write_text("[\n" + ",\n".join(json.dumps(entry) for entry in rows) + "\n]\n")
