"""Rows of the page "Tools of the trade" that need PyTorch; run by rows_torch.sh."""

import logging
import warnings
from importlib.metadata import version

import numpy as np
import torch
from rows import expect, random_features

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)


def rotated(eigenvalues):
    basis = torch.linalg.qr(torch.randn(len(eigenvalues), len(eigenvalues)))[0]
    matrix = basis * eigenvalues @ basis.T
    return (matrix + matrix.T) / 2


def minimum_norm():
    print("minimum norm, N = 100 features, T = 100 samples, 20 draws: median test loss")
    found = {}
    for seed in range(20):
        features, labels, loss = random_features(100, 100, seed)
        for dtype in [torch.float64, torch.float32]:
            X, y = torch.tensor(features, dtype=dtype), torch.tensor(labels[:, None], dtype=dtype)
            for driver in ["gelsd", "gelsy", "gels"]:
                found.setdefault((driver, dtype), []).append(loss(torch.linalg.lstsq(X, y, driver=driver)[0]))
            found.setdefault(("pinv", dtype), []).append(loss(torch.linalg.pinv(X) @ y))
    median = {key: np.median(losses) for key, losses in found.items()}
    for (name, dtype), value in median.items():
        print(f"  {name:6} {dtype!s:14} {value:.3f}")
    exact = median["gelsd", torch.float64]
    for driver in ["gelsy", "gelsd", "pinv"]:
        expect(median[driver, torch.float32] < 0.6 * exact, f"{driver} in float32 keeps the peak")
        expect(abs(median[driver, torch.float64] / exact - 1) < 1e-6, f"{driver} in float64")
    expect(abs(median["gels", torch.float32] / exact - 1) < 1e-3, "gels in float32 loses the peak")


def largest_eigenvalues():
    once = torch.arange(1.0, 1001) ** -1.5
    repeated = torch.arange(1.0, 41).repeat_interleave(8) ** -2
    worst = [
        (torch.lobpcg(rotated(all_of), k=k)[0] / all_of[:k] - 1).abs().max()
        for all_of, k in [(once, 50), (repeated, 20)]
    ]
    print(f"lobpcg: worst error of 50 {worst[0]:.1e}; of 20 where each has eight copies {worst[1]:.1e}")
    expect(max(worst) < 1e-8, "lobpcg is off")


def weight_watcher():
    import weightwatcher

    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    print("weightwatcher: alpha of a matrix, and how many of 500 eigenvalues its fit keeps")
    rng = np.random.default_rng(0)
    cases = {
        alpha: (
            np.linalg.qr(rng.standard_normal((500, 500)))[0]
            * np.arange(1, 501) ** (-(1 + alpha) / 2)
            @ np.linalg.qr(rng.standard_normal((500, 500)))[0]
        )
        for alpha in [0.5, 1.0]
    }
    cases |= {f"Gaussian {draw}": rng.standard_normal((1000, 500)) / 30 for draw in range(3)}
    seen = {}
    for name, matrix in cases.items():
        layer = torch.nn.Linear(matrix.shape[1], matrix.shape[0], bias=False, dtype=torch.float32)
        layer.weight.data = torch.tensor(matrix, dtype=torch.float32)
        row = weightwatcher.WeightWatcher(model=torch.nn.Sequential(layer)).analyze().iloc[0]
        seen[name] = row.alpha
        theory = f", theory {1 + 1 / (1 + name):.3f}" if isinstance(name, float) else ", theory: no power law"
        print(f"  {name}: {row.alpha:.3f} from {row.num_pl_spikes:.0f}, says '{row.warning}'{theory}")
    expect(all(abs(seen[alpha] - 1 - 1 / (1 + alpha)) < 0.02 for alpha in [0.5, 1.0]), "weightwatcher's exponent")
    gaussian = [value for name, value in seen.items() if isinstance(name, str)]
    expect(max(gaussian) > 1.3 * min(gaussian), "weightwatcher agrees on Gaussian matrices")


for package in ["torch", "weightwatcher", "powerlaw"]:
    print(package, version(package))
minimum_norm()
largest_eigenvalues()
weight_watcher()
