"""Rows of the page "Tools of the trade" that have no script of their own; run by rows_numbers.sh."""

import warnings
from importlib.metadata import version

import numpy as np
import scipy.linalg
from rows import expect, random_features
from scipy import stats
from scipy.sparse.linalg import svds
from sklearn.covariance import OAS, LedoitWolf
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF
from sklearn.kernel_approximation import Nystroem, RBFSampler, SkewedChi2Sampler
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import ElasticNet, LinearRegression, Ridge
from sklearn.metrics.pairwise import rbf_kernel

RANKS = np.arange(1, 1001.0)


def with_spectrum(eigenvalues, rng):
    """A matrix whose squared singular values are given, in random bases."""
    left, right = (np.linalg.qr(rng.standard_normal((eigenvalues.size, eigenvalues.size)))[0] for _ in range(2))
    return (left * np.sqrt(eigenvalues)) @ right


def minimum_norm():
    solvers = {
        "numpy lstsq": lambda X, y: np.linalg.lstsq(X, y)[0],
        "LinearRegression": lambda X, y: LinearRegression(fit_intercept=False).fit(X, y).coef_,
        "Ridge(alpha=0)": lambda X, y: Ridge(alpha=0, fit_intercept=False).fit(X, y).coef_,
    }
    for driver in ["gelsd", "gelss", "gelsy"]:
        solvers[f"scipy lstsq {driver}"] = lambda X, y, driver=driver: scipy.linalg.lstsq(X, y, lapack_driver=driver)[0]
    problems = [random_features(100, 100, seed) for seed in range(20)]
    for name, solve in solvers.items():
        medians, warned = [], 0
        for dtype in [np.float64, np.float32]:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                medians.append(np.median([loss(solve(X.astype(dtype), y.astype(dtype))) for X, y, loss in problems]))
            warned = len(caught)
        print(f"N = T, {name}: median float64 {medians[0]:.3f}, float32 {medians[1]:.3f}, {warned} warnings in float32")
        expect(abs(medians[0] - 3.772) < 1e-3, f"{name} in float64")
        agrees = abs(medians[1] - 3.772) < 1e-2
        expect(agrees != (name == "Ridge(alpha=0)") and (agrees or warned), f"{name} in float32")


def intercept_moves_the_peak():
    medians = {}
    for n_features in [98, 99, 100, 101]:
        draws = [random_features(n_features, 100, seed) for seed in range(60)]
        for intercept in [False, True]:
            fits = [(LinearRegression(fit_intercept=intercept).fit(X, y), loss) for X, y, loss in draws]
            medians[intercept, n_features] = np.median([loss(fit.coef_, fit.intercept_) for fit, loss in fits])
    for intercept in [False, True]:
        row = {n: medians[intercept, n] for n in [98, 99, 100, 101]}
        print(f"100 samples, intercept {intercept}: median loss", {n: round(float(v), 2) for n, v in row.items()})
        expect(max(row, key=row.get) == 100 - intercept, "where the peak is")


def letters_for_the_ridge():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((200, 5)), rng.standard_normal(200)
    exact = np.linalg.solve(X.T @ X + 20 * np.eye(5), X.T @ y)
    fits = {
        "Ridge(alpha=20)": Ridge(alpha=20, fit_intercept=False),
        "ElasticNet(alpha=20/T, l1_ratio=0)": ElasticNet(alpha=20 / 200, l1_ratio=0, fit_intercept=False, tol=1e-10),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        errors = {name: np.abs(fit.fit(X, y).coef_ - exact).max() for name, fit in fits.items()}
    print("ridge 20:", {name: f"{error:.0e}" for name, error in errors.items()})
    expect(max(errors.values()) < 1e-6, "what alpha means")


def smallest_singular_values():
    A = np.random.default_rng(2).standard_normal((200, 200))
    true = np.linalg.svd(A, compute_uv=False)[-1]
    for solver in ["arpack", "lobpcg"]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = svds(A, 3, which="SM", solver=solver, return_singular_vectors=False, rng=0).min()
        print(f"smallest singular value at N = T = 200: {true:.5f}, svds {solver} {found:.5f}, {len(caught)} warnings")
        expect((abs(found / true - 1) < 1e-6) if solver == "arpack" else (found > 10 * true and caught), solver)


def largest_singular_values():
    rng = np.random.default_rng(0)
    for alpha in [0.2, 0.5]:
        eigenvalues = RANKS ** -(1 + alpha)
        found = TruncatedSVD(50, random_state=0).fit(with_spectrum(eigenvalues, rng)).singular_values_ ** 2
        slope = np.polyfit(np.log(RANKS[9:50]), np.log(found[9:]), 1)[0]
        error = found[49] / eigenvalues[49] - 1
        print(f"TruncatedSVD, 50 of 1000, alpha {alpha}: last value off by {error:.1%}, fitted alpha {-slope - 1:.3f}")
        expect(-0.05 < error < 0 and abs(-slope - 1 - alpha) < 0.01, "TruncatedSVD")


def pca_in_single_precision():
    rng = np.random.default_rng(0)
    eigenvalues = RANKS[:200] ** -3
    for n_samples in [1990, 2000]:
        left = rng.standard_normal((n_samples, 200))
        left = np.linalg.qr(left - left.mean(0))[0]
        X = (left * np.sqrt(eigenvalues * (n_samples - 1))) @ np.linalg.qr(rng.standard_normal((200, 200)))[0]
        model = PCA().fit(X.astype(np.float32))
        error = np.abs(model.explained_variance_ / eigenvalues - 1).max()
        print(f"PCA, float32, alpha 2, {n_samples} samples of 200: {model._fit_svd_solver}, worst error {error:.0e}")
        expect((error > 4e-3) == (n_samples == 2000), "PCA in float32")


def shrinkage():
    for n_samples in [100, 400]:
        rows = []
        eigenvalues = RANKS[:200] ** -1.5
        for seed in range(10):
            X = np.random.default_rng(seed).standard_normal((n_samples, 200)) * np.sqrt(eigenvalues)
            sample = X.T @ X / n_samples
            vectors = np.linalg.eigh(sample)[1]
            best = (vectors * (vectors**2).T.dot(eigenvalues)) @ vectors.T
            fits = [model(assume_centered=True).fit(X).covariance_ for model in (LedoitWolf, OAS)]
            errors = [((C - np.diag(eigenvalues)) ** 2).sum() / (eigenvalues**2).sum() for C in (sample, best, *fits)]
            tail = np.linalg.eigvalsh(fits[0])[0] / eigenvalues[-1]
            rows.append([*errors, tail])
        sample, best, ledoit, oas, tail = np.mean(rows, axis=0)
        print(
            f"200 variables, alpha 0.5, T = {n_samples}: error of the sample {sample:.3f}, of the best with its vectors"
            f" {best:.3f}, OAS {oas:.3f}, LedoitWolf {ledoit:.3f}, its smallest eigenvalue {tail:.1f} times true"
        )
        expect(best < ledoit < 1.1 * sample and abs(oas / ledoit - 1) < 0.05, "shrinkage")


def pareto():
    for free in [True, False]:
        fits = [
            stats.pareto.fit(stats.pareto(2 / 3).rvs(1000, random_state=seed), **({} if free else {"floc": 0}))[0]
            for seed in range(20)
        ]
        spread = np.std(fits)
        print(
            f"stats.pareto.fit, {'free loc' if free else 'floc=0'}: {np.mean(fits):.3f} +- {spread:.3f}, theory 0.667"
        )
        expect(abs(np.mean(fits) - 2 / 3) < 0.02 and (spread > 0.025) == free, "pareto.fit")


def kernels():
    X, y = load_digits(return_X_y=True)
    X, y = X / 16, np.where(y % 2, 1.0, -1.0)
    process = GaussianProcessRegressor(RBF(2.0), alpha=0.1, optimizer=None).fit(X[:200], y[:200]).predict(X[200:400])
    kernel_ridge = KernelRidge(alpha=0.1, kernel="rbf", gamma=1 / 8).fit(X[:200], y[:200]).predict(X[200:400])
    print(f"GaussianProcessRegressor(alpha) against KernelRidge(alpha): {np.abs(process - kernel_ridge).max():.0e}")
    nystroem = Nystroem(gamma=0.01, n_components=300, random_state=0).fit(X[:300])
    basis, inside, outside = nystroem.components_, nystroem.transform(X[:300]), nystroem.transform(X[300:600])
    to_basis = rbf_kernel(X[300:600], basis, gamma=0.01)
    projected = to_basis @ np.linalg.solve(rbf_kernel(basis, gamma=0.01), to_basis.T)
    errors = [
        np.abs(inside @ inside.T - rbf_kernel(X[:300], gamma=0.01)).max(),
        np.abs(outside @ outside.T - projected).max(),
    ]
    print(f"Nystroem with all 300 samples: error inside {errors[0]:.0e}, of the projection outside {errors[1]:.0e}")
    expect(np.abs(process - kernel_ridge).max() < 1e-10 and max(errors) < 1e-9, "exact kernels")
    A = X[:100]
    roots = np.sqrt(A + 0.5)
    skewed = np.prod(2 * roots[:, None] * roots / (A[:, None] + A + 1), axis=2)
    for name, sampler, kernel in [
        ("RBFSampler", lambda n: RBFSampler(gamma=0.1, n_components=n, random_state=0), rbf_kernel(A, gamma=0.1)),
        ("SkewedChi2Sampler", lambda n: SkewedChi2Sampler(skewedness=0.5, n_components=n, random_state=0), skewed),
    ]:
        rms = []
        for n_features in [100, 10_000]:
            Z = sampler(n_features).fit_transform(A)
            rms.append(np.sqrt(np.mean((Z @ Z.T - kernel) ** 2)))
        print(f"{name}: error of the kernel {rms[0]:.4f} with 100 features, {rms[1]:.4f} with 10,000")
        expect(6 < rms[0] / rms[1] < 14, f"the rate of {name}")


for package in ["numpy", "scipy", "scikit-learn"]:
    print(package, version(package))
minimum_norm()
intercept_moves_the_peak()
letters_for_the_ridge()
smallest_singular_values()
largest_singular_values()
pca_in_single_precision()
shrinkage()
pareto()
kernels()
