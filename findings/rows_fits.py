"""Figures for the page "Tools of the trade": fits and intervals. Run by rows_fits.sh."""

import warnings

import arch.bootstrap
import iminuit.cost
import lmfit
import numpy as np
import optuna
import statsmodels.api as sm
import xarray
from rows import expect, heading
from scipy import optimize, stats
from scipy.special import huber
from sklearn.utils import resample

TRUE_LAW = {"e": 1.8172, "a": 482.01, "alpha": 0.3478, "b": 2085.43, "beta": 0.3658}
SEARCHED = {"e": (0.5, 3), "alpha": (0.05, 1), "beta": (0.05, 1)}
TWO_SIDED = 1.96  # standard errors in a 95 % interval


def law(n, d, e, a, alpha, b, beta):
    return e + a * n**-alpha + b * d**-beta


def runs():
    """240 runs as in chapter 1."""
    rng = np.random.default_rng(7)
    n = np.exp(rng.uniform(np.log(7e7), np.log(1.6e10), 240))
    d = np.exp(rng.uniform(np.log(5e9), np.log(5e11), 240))
    return n, d, law(n, d, **TRUE_LAW) * np.exp(0.005 * rng.standard_normal(240))


def log_curve(x, a, alpha, e):
    return np.log(a * x**-alpha + e)


def plain_constants():
    heading("curve_fit, Chinchilla's constants as they stand; true 0.348, 0.366", "scipy")
    n, d, loss = runs()

    def model(sizes, e, a, alpha, b, beta):
        return law(*sizes, e, a, alpha, b, beta)

    for name, options in [
        ("no start", {}),
        ("no start, bounds (0, inf)", {"bounds": (0, np.inf)}),
        ("a start", {"p0": [1, 100, 0.5, 100, 0.5]}),
    ]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found, covariance = optimize.curve_fit(model, (n, d), loss, **options)
        errors = np.sqrt(np.diag(covariance))
        warned = any(issubclass(one.category, optimize.OptimizeWarning) for one in caught)
        print(f"{name:26} {found[2]:.3f}±{errors[2]:.3f} {found[4]:.3f}±{errors[4]:.3f}, warns of the fit: {warned}")
        right = abs(found[2] - 0.348) < 0.02 and abs(found[4] - 0.366) < 0.02
        expect(right != (name == "no start") and warned != right, f"curve_fit, {name}")


def robust_errors():
    heading("curve_fit(loss='huber'): error of alpha from 300 curves", "scipy")
    rng, x, truth = np.random.default_rng(0), np.geomspace(1, 1e4, 60), (5, 0.4, 0.3)
    for threshold in (0.001, 0.01345):
        found, claimed = [], []
        for _ in range(300):
            y = log_curve(x, *truth) + 0.01 * rng.standard_normal(60)
            best, covariance = optimize.curve_fit(
                log_curve, x, y, p0=truth, bounds=(0, np.inf), method="trf", loss="huber", f_scale=threshold
            )
            found.append(best[1])
            claimed.append(covariance[1, 1] ** 0.5)
        covered = np.mean(np.abs(np.array(found) - 0.4) < TWO_SIDED * np.array(claimed))
        print(
            f"f_scale {threshold}: scatter {np.std(found):.5f}, claimed {np.median(claimed):.5f}, covers {covered:.0%}"
        )
        expect(abs(np.std(found) / np.median(claimed) - 1) < 0.25, "the errors of curve_fit with a Huber loss")


def by_lmfit():
    heading("lmfit's methods, Chinchilla's constants; true 0.348, 0.366", "lmfit")
    n, d, loss = runs()
    model = lmfit.Model(law, independent_vars=["n", "d"])
    for method in ("leastsq", "least_squares", "nelder", "powell", "lbfgsb"):
        start = model.make_params(e={"value": 1, "min": 0}, a={"value": 100, "min": 0}, b={"value": 100, "min": 0})
        start["alpha"].set(value=0.5, min=0, max=2)
        start["beta"].set(value=0.5, min=0, max=2)
        found = model.fit(loss, start, n=n, d=d, method=method)
        values = " ".join(f"{name} {found.best_values[name]:.5g}" for name in ("alpha", "beta", "a", "b"))
        print(f"{method:14} {values}, success {found.success}, errors given {found.errorbars}")
        expect(found.success and found.errorbars == method.startswith("least"), f"lmfit, {method}")
        error = abs(found.best_values["beta"] - 0.366)
        expect(error < 0.02 if found.errorbars else error > 0.1, f"the exponent of lmfit, {method}")


def no_offset():
    heading("lmfit, 200 curves whose offset is 0, bounded below by 0", "lmfit")
    rng, x = np.random.default_rng(0), np.geomspace(10, 1e5, 25)
    model = lmfit.Model(log_curve)
    covered, without = 0, 0
    for _ in range(200):
        y = log_curve(x, 5, 0.4, 0) + 0.01 * rng.standard_normal(25)
        start = model.make_params(a={"value": 1, "min": 0}, alpha={"value": 0.5, "min": 0}, e={"value": 0.1, "min": 0})
        found = model.fit(y, start, x=x)
        error = found.params["alpha"].stderr
        without += error is None
        covered += error is not None and abs(found.best_values["alpha"] - 0.4) < TWO_SIDED * error
    print(f"no error given: {without}; with an error, the true exponent inside: {covered} of {200 - without}")
    expect(20 < without < 80 and covered > 0.93 * (200 - without), "lmfit with a constant on its bound")


def starts_at_a_bound():
    heading("iminuit, offset starting at its bounds; true 0.4", "iminuit")
    x = np.geomspace(10, 1e5, 25)
    for seed in range(3):
        y = log_curve(x, 5, 0.4, 0.3) + 0.01 * np.random.default_rng(seed).standard_normal(25)
        for start in (0, np.exp(y.min())):
            minuit = iminuit.Minuit(iminuit.cost.LeastSquares(x, y, 0.01, log_curve), a=1, alpha=0.5, e=start)
            minuit.limits["e"], minuit.limits["a"], minuit.limits["alpha"] = (0, np.exp(y.min())), (0, None), (0, None)
            minuit.migrad()
            print(f"start {start:.3f}: {minuit.values['alpha']:.3f}±{minuit.errors['alpha']:.3f}, valid {minuit.valid}")
            expect(minuit.valid and abs(minuit.values["alpha"] - 0.4) < 0.02, "iminuit from a bound")


def by_optuna():
    heading("Optuna, 500 trials of five constants; true 0.348, 0.366", "optuna")
    n, d, loss = runs()
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def objective(trial):
        e, alpha, beta = (trial.suggest_float(name, *ends) for name, ends in SEARCHED.items())
        a, b = (trial.suggest_float(name, 1, 1e5, log=True) for name in "ab")
        return huber(1e-3, np.log(loss) - np.log(law(n, d, e, a, alpha, b, beta))).sum()

    at_truth = huber(1e-3, np.log(loss) - np.log(law(n, d, **TRUE_LAW))).sum()
    print(f"objective at the truth {at_truth:.2g}")
    for seed in range(3):
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
        study.optimize(objective, n_trials=500)
        best = study.best_params
        print(f"TPE, seed {seed}: {best['alpha']:.3f} {best['beta']:.3f}, objective {study.best_value:.2g}")
        expect(study.best_value > 5 * at_truth, "Optuna finds the constants")


def straight_line():
    heading("OLS of log y on log x, 200 curves, true exponent 0.4", "statsmodels")
    rng, x = np.random.default_rng(0), np.geomspace(10, 1e5, 25)
    for offset in (0, 0.05, 0.3):
        found, covered = [], 0
        for _ in range(200):
            y = log_curve(x, 5, 0.4, offset) + 0.01 * rng.standard_normal(25)
            fit = sm.OLS(y, sm.add_constant(np.log(x))).fit()
            low, high = -fit.conf_int()[1][::-1]
            found.append(-fit.params[1])
            covered += low <= 0.4 <= high
        print(
            f"offset {offset}: {np.mean(found):.3f}, intervals that hold 0.4 {covered / 200:.0%}, R2 {fit.rsquared:.3f}"
        )
        expect(
            covered > 180 if offset == 0 else covered == 0 and fit.rsquared > 0.95, f"a straight line, offset {offset}"
        )


def by_xarray():
    heading("DataArray.curvefit, six curves at once, no start given; true 0.4", "xarray")
    rng, x = np.random.default_rng(0), np.geomspace(10, 1e5, 25)
    y = np.exp(log_curve(x, 5, 0.4, 0.3) + 0.01 * rng.standard_normal((6, 25)))
    table = xarray.DataArray(y, dims=("seed", "x"), coords={"x": x})
    fit = table.curvefit("x", lambda x, a, alpha, e: a * x**-alpha + e)
    found = fit.curvefit_coefficients.sel(param="alpha").values
    print(found.round(3))
    expect(np.abs(found - 0.4).max() < 0.02, "curvefit of xarray")


def intervals():
    heading("95 % intervals, share that holds the truth, 500 samples each", "scipy", "scikit-learn", "arch")
    rng = np.random.default_rng(0)

    def mean(x, axis=-1):
        return x.mean(axis)

    def deviation(x, axis=-1):
        return x.std(axis, ddof=1)

    cases = [
        ("mean of 3 seeds", lambda: rng.standard_normal(3), mean, 0),
        ("mean of 5 seeds", lambda: rng.standard_normal(5), mean, 0),
        ("mean of 20 seeds", lambda: rng.standard_normal(20), mean, 0),
        ("deviation of 10", lambda: rng.standard_normal(10), deviation, 1),
        ("mean of 20, heavy tail", lambda: rng.pareto(2.5, 20), mean, 1 / 1.5),
    ]
    for name, draw, statistic, truth in cases:
        shares = {}
        for method in ("percentile", "basic", "bca"):
            options = {"method": method, "n_resamples": 999, "vectorized": True, "rng": rng}
            ends = [stats.bootstrap((draw(),), statistic, **options).confidence_interval for _ in range(500)]
            shares[method] = np.mean([low <= truth <= high for low, high in ends])
        print(
            f"scipy.stats.bootstrap, {name}: {', '.join(f'{method} {share:.0%}' for method, share in shares.items())}"
        )
        expect((max(shares.values()) < 0.9) == (name != "mean of 20 seeds"), f"bootstrap, {name}")
    by_resample, by_student = 0, 0
    for _ in range(500):
        x = rng.standard_normal(5)
        means = [resample(x, random_state=rng.integers(2**31)).mean() for _ in range(200)]
        low, high = np.quantile(means, [0.025, 0.975])
        by_resample += low <= 0 <= high
        by_student += abs(x.mean()) < stats.t.ppf(0.975, 4) * x.std(ddof=1) / 5**0.5
    print(f"mean of 5 seeds: sklearn.utils.resample {by_resample / 500:.0%}, Student's t {by_student / 500:.0%}")
    expect(by_resample < 0.87 * 500 and 0.92 * 500 < by_student < 0.98 * 500, "resample, or Student's t")
    x = rng.lognormal(size=15)
    for method in ("percentile", "basic", "bca"):
        ours = stats.bootstrap((x,), np.mean, method=method, rng=1).confidence_interval
        theirs = arch.bootstrap.IIDBootstrap(x, seed=1).conf_int(np.mean, 9999, method=method).ravel()
        print(f"{method}: scipy {ours.low:.8f} {ours.high:.8f}, arch {theirs[0]:.8f} {theirs[1]:.8f}")
        expect(np.allclose(ours, theirs, rtol=1e-8), f"SciPy and arch agree, {method}")
    covered = 0
    for _ in range(200):
        bootstrap = arch.bootstrap.IIDBootstrap(rng.standard_normal(10), seed=int(rng.integers(2**31)))
        low, high = bootstrap.conf_int(np.mean, 200, method="studentized", studentize_reps=25).ravel()
        covered += low <= 0 <= high
    print(f"arch, studentized, mean of 10, 200 samples: {covered / 200:.0%}")
    expect(covered > 0.9 * 200, "arch, studentized")


def seeds_that_matter():
    heading("exponent from 6 sizes with 5 seeds each, each seed with a slope of its own, 300 samples", "scipy")
    rng, log_n = np.random.default_rng(0), np.log(np.geomspace(100, 3200, 6))

    def slope(x, y, axis=-1):
        x = x - x.mean(axis, keepdims=True)
        return (x * y).sum(axis) / (x * x).sum(axis)

    for spread in (0, 0.02):
        by_runs, by_seeds = 0, 0
        for _ in range(300):
            slopes = -0.4 + spread * rng.standard_normal((5, 1))
            y, x = slopes * (log_n - log_n.mean()) + 0.02 * rng.standard_normal((5, 6)), np.tile(log_n, (5, 1))
            options = {"n_resamples": 999, "vectorized": True, "rng": rng, "method": "percentile"}
            low, high = stats.bootstrap((x.ravel(), y.ravel()), slope, paired=True, **options).confidence_interval
            by_runs += low <= -0.4 <= high
            each = slope(x, y)
            by_seeds += abs(each.mean() + 0.4) < stats.t.ppf(0.975, 4) * each.std(ddof=1) / 5**0.5
        print(
            f"spread {spread}: bootstrap of runs {by_runs / 300:.0%}, Student's t over the seeds {by_seeds / 300:.0%}"
        )
        expect(by_seeds > 0.91 * 300 and (by_runs < 0.8 * 300) == (spread > 0), "bootstrap of runs")


for part in (
    plain_constants,
    robust_errors,
    by_lmfit,
    no_offset,
    starts_at_a_bound,
    by_optuna,
    straight_line,
    by_xarray,
):
    part()
intervals()
seeds_that_matter()
