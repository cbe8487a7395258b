"""Draw readme.svg, the picture of the README: python book/_static/draw_readme.py"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from scaling_laws import plotting
from scaling_laws.spectra import PowerLaw
from scaling_laws.theory import test_loss

plotting.use_style()
plt.rcParams["svg.fonttype"] = "none"
plt.rcParams["svg.hashsalt"] = "readme"
ridges = np.geomspace(1e-9, 10, 241)[:, None]
n_features = np.geomspace(10, 1e6, 100)
figure, axes = plt.subplots(figsize=(6.4, 3.6))
for power, color in zip([2, 3, 4, 5], [plotting.YELLOW, plotting.ORANGE, plotting.GREEN, plotting.BLUE], strict=True):
    loss = test_loss(PowerLaw(1.0, 10**6), n_features, 10**power, ridges).min(axis=0)
    axes.plot(n_features, loss, color=color, label=f"{10**power:,} samples")
axes.set(xscale="log", yscale="log", xlabel="features (trained parameters)", ylabel="test loss")
axes.legend()
figure.savefig(Path(__file__).with_name("readme.svg"), metadata={"Date": None}, facecolor="white")
