"""Rows of the page "Tools of the trade" that need PyTorch; run by rows_torch.sh."""

import logging
import warnings
from importlib.metadata import version

import gpytorch
import numpy as np
import torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(0)


def expect(condition, what):
    assert condition, f"changed: {what}"


def random_features(n_features, n_samples, seed, n_latent=2000):
    """Features and labels of the course's model with alpha = 1, and the exact test loss of coefficients."""
    rng = np.random.default_rng(seed)
    eigenvalues = np.arange(1, n_latent + 1) ** -2.0
    latents = rng.standard_normal((n_samples, n_latent)) * np.sqrt(eigenvalues)
    weights = rng.standard_normal((n_features, n_latent)) / np.sqrt(n_latent)
    teacher = rng.standard_normal(n_latent)

    def loss(coefficients):
        return ((teacher - weights.T @ coefficients.double().numpy().ravel()) ** 2 * eigenvalues).sum()

    return torch.tensor(latents @ weights.T), torch.tensor(latents @ teacher)[:, None], loss


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
            X, y = features.to(dtype), labels.to(dtype)
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


def low_rank():
    print("first k of 1000 singular values, squared, alpha = 0.5: error of the last, and alpha fitted to ranks 10 to k")
    eigenvalues = torch.arange(1.0, 1001) ** -1.5
    matrix = rotated(eigenvalues.sqrt())
    for name, values in {
        "svd_lowrank(q=50)": torch.svd_lowrank(matrix, q=50)[1],
        "svd_lowrank(q=60, niter=7)": torch.svd_lowrank(matrix, q=60, niter=7)[1][:50],
        "pca_lowrank(q=50)": torch.pca_lowrank(matrix, q=50)[1],
    }.items():
        error = values[-1] ** 2 / eigenvalues[49] - 1
        slope = np.polyfit(np.log(np.arange(10, 51)), np.log(values[9:].numpy() ** 2), 1)[0]
        print(f"  {name:27} {error:+.3f}  alpha {-slope - 1:.3f}")
        if "niter" in name:
            expect(abs(error) < 0.01, "more iterations do not help")
        else:
            expect(error < -0.15 and abs(-slope - 1.5) > 0.05, f"{name} is accurate")
    worst = (torch.lobpcg(rotated(eigenvalues), k=50)[0] / eigenvalues[:50] - 1).abs().max()
    repeated = torch.arange(1.0, 41).repeat_interleave(8) ** -2
    worst_repeated = (torch.lobpcg(rotated(repeated), k=20)[0] / repeated[:20] - 1).abs().max()
    print(f"  lobpcg: worst error of 50 {worst:.1e}; of 20 where each has eight copies {worst_repeated:.1e}")
    expect(worst < 1e-8 and worst_repeated < 1e-8, "lobpcg is off")


class GaussianProcess(gpytorch.models.ExactGP):
    """A process with the kernel exp(-|x - x'|^2 / 8)."""

    def __init__(self, inputs, labels, likelihood):
        super().__init__(inputs, labels, likelihood)
        self.mean_module = gpytorch.means.ZeroMean()
        self.covar_module = gpytorch.kernels.RBFKernel()
        self.covar_module.lengthscale = 2.0

    def forward(self, inputs):
        return gpytorch.distributions.MultivariateNormal(self.mean_module(inputs), self.covar_module(inputs))


def gaussian_process(inputs, labels, tests, ridge):
    """Predictions and marginal likelihood per sample."""
    likelihood = gpytorch.likelihoods.GaussianLikelihood(noise_constraint=gpytorch.constraints.GreaterThan(1e-8))
    likelihood.noise = ridge
    model = GaussianProcess(inputs, labels, likelihood)
    with torch.no_grad():
        model.eval()
        predictions = model(tests).mean
        model.train()
        evidence = gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, model)(model(inputs), labels)
    return predictions, evidence.item()


def gaussian_processes():
    print(
        "GPyTorch, ridge 1e-3: worst prediction against a Cholesky solution, log evidence per sample and the true one"
    )
    inputs, direction, tests = torch.randn(801, 8), torch.randn(8), torch.randn(300, 8)
    for n_samples, settings in [(800, None), (801, None), (801, gpytorch.settings.max_cholesky_size(5000))]:
        x, y, ridge = inputs[:n_samples], torch.sin(inputs[:n_samples] @ direction), 1e-3
        gram = torch.exp(-(torch.cdist(x, x) ** 2) / 8) + ridge * torch.eye(n_samples)
        dual = torch.linalg.solve(gram, y)
        reference = torch.exp(-(torch.cdist(tests, x) ** 2) / 8) @ dual
        truth = -(y @ dual + torch.logdet(gram) + n_samples * np.log(2 * np.pi)) / 2 / n_samples
        with warnings.catch_warnings(record=True) as caught, settings or gpytorch.settings.debug():
            warnings.simplefilter("always")
            predictions, evidence = gaussian_process(x, y, tests, ridge)
        worst = (predictions - reference).abs().max().item()
        print(
            f"  T = {n_samples}{', max_cholesky_size 5000' if settings else ''}: worst {worst:.1e}, evidence"
            f" {evidence:.3f} for {truth:.3f}, {len(caught)} warnings"
        )
        if n_samples == 801 and settings is None:
            expect(worst > 1e-3 and evidence - truth > 0.2 and not caught, "GPyTorch is exact, or warns, at T = 801")
        else:
            expect(worst < 1e-8 and abs(evidence - truth) < 1e-6, "the Cholesky solution is off")


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


for package in ["torch", "gpytorch", "linear_operator", "weightwatcher", "powerlaw"]:
    print(package, version(package))
minimum_norm()
low_rank()
gaussian_processes()
weight_watcher()
