#!/usr/bin/env bash
# GPyTorch 1.15.2: from 801 training points on, predictions and evidence are approximate, without a warning.
#
# A Gaussian process with a Gaussian kernel of eight inputs is kernel ridge regression; its noise is the ridge, here 1e-3.
#   expected: what a Cholesky solution gives, at 801 points as at 800; or a word that another method has taken over
#   seen:     exact at 800. At 801 predictions are off by up to 0.03, where the labels have size 1; the evidence per sample is
#             -4.0 for -4.5 and changes from call to call. Conjugate gradients stop at a tolerance that suits a search for
#             hyperparameters, and 800 is the default of `max_cholesky_size`. With 5000 there, 801 points are exact
# Why it matters: a learning curve of a kernel, measured in steps of 100 samples, has a step at 800 that is the program's.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 gpytorch==1.15.2 linear_operator==0.6.1 numpy==2.4.6
OMP_NUM_THREADS=1 "$folder/venv/bin/python" - <<'PY'
import warnings
from contextlib import nullcontext

import gpytorch
import numpy as np
import torch

RIDGE = 1e-3
torch.set_default_dtype(torch.float64)
torch.manual_seed(0)
inputs, direction, tests = torch.randn(801, 8), torch.randn(8), torch.randn(300, 8)


class GaussianProcess(gpytorch.models.ExactGP):
    """A process with the kernel exp(-|x - x'|^2 / 8)."""

    def __init__(self, inputs, labels, likelihood):
        super().__init__(inputs, labels, likelihood)
        self.mean_module = gpytorch.means.ZeroMean()
        self.covar_module = gpytorch.kernels.RBFKernel()
        self.covar_module.lengthscale = 2.0

    def forward(self, inputs):
        return gpytorch.distributions.MultivariateNormal(self.mean_module(inputs), self.covar_module(inputs))


def fitted(x, y):
    """Predictions, and the evidence per sample in two calls."""
    likelihood = gpytorch.likelihoods.GaussianLikelihood(noise_constraint=gpytorch.constraints.GreaterThan(1e-8))
    likelihood.noise = RIDGE
    model = GaussianProcess(x, y, likelihood)
    log_marginal = gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, model)
    with torch.no_grad():
        model.eval()
        predictions = model(tests).mean
        model.train()
        return predictions, [log_marginal(model(x), y).item() for _ in range(2)]


def by_cholesky(x, y):
    gram = torch.exp(-(torch.cdist(x, x) ** 2) / 8) + RIDGE * torch.eye(len(x))
    dual = torch.cholesky_solve(y[:, None], torch.linalg.cholesky(gram))[:, 0]
    evidence = -(y @ dual + torch.logdet(gram) + len(x) * np.log(2 * np.pi)) / 2 / len(x)
    return torch.exp(-(torch.cdist(tests, x) ** 2) / 8) @ dual, evidence.item()


print("torch", torch.__version__, "gpytorch", gpytorch.__version__)
for n_samples, largest in [(800, None), (801, None), (801, 5000)]:
    x, y = inputs[:n_samples], torch.sin(inputs[:n_samples] @ direction)
    exact, true_evidence = by_cholesky(x, y)
    setting = gpytorch.settings.max_cholesky_size(largest) if largest else nullcontext()
    with warnings.catch_warnings(record=True) as caught, setting:
        warnings.simplefilter("always")
        predictions, evidence = fitted(x, y)
    worst = (predictions - exact).abs().max().item()
    print(f"{n_samples} points, max_cholesky_size {largest or 'as it is'}: predictions off by up to {worst:.1e}, evidence"
          f" {evidence[0]:.3f} and {evidence[1]:.3f} for {true_evidence:.3f}, {len(caught)} warnings")
    if n_samples == 801 and not largest:
        assert worst > 1e-3 and evidence[0] - true_evidence > 0.2, "changed: exact at 801 points"
        assert evidence[0] != evidence[1] and not caught, "changed: it warns, or repeats itself"
    else:
        assert worst < 1e-8 and abs(evidence[0] - true_evidence) < 1e-6, "changed: the Cholesky solution is off"
PY
echo "as found"
