r"""Interactive figures: one call each, alive under a kernel and in the built book.

What the functions return is an ipywidgets object. Under a kernel its sliders drive the library, and a button adds
simulations. In the built book there is no kernel: there the object shows itself as a picture, and as a small element
that holds the whole design of the figure, which the scripts in ``book/_static`` bring to life. Each design is written
once, here. What it computes is written twice, here and in ``book/_static/explorers.js``, under the same names; the two
are compared in a browser.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from . import allocation, asymptotics, resolvent, theory
from ._explorer import Control, Curve, Design, Explorer, Panel, Picture
from ._validation import MAX_SIZE
from .experiments import simulate
from .features import RandomFeatures
from .latent import LatentModel
from .plateaus import diagnose, plateau_levels
from .spectra import PowerLaw
from .tasks import loss_exponents, optimal_loss_asymptotic, split_ratio

N_TRIALS = 10  # of every simulated point
SIMULATED = {"n_latent": 2000, "n_features": 300, "n_samples": 300}  # largest settings that are simulated

ALPHA = Control("alpha", "exponent α", 0.1, 2.0, "linear")
LATENT = Control("n_latent", "latents M", 10, 10**15, unit="latents", whole=True)
FEATURES = Control("n_features", "features N", 1, 10**12, unit="features", whole=True)
SAMPLES = Control("n_samples", "samples T", 1, 10**12, unit="samples", whole=True)
RIDGE = Control("ridge", "ridge γ", 1e-12, 1e3, "zero")
NOISE = Control("noise_var", "label noise σ²", 1e-6, 10.0, "zero")


def _spectrum(alpha, n_latent, delta) -> Picture:
    law = PowerLaw(alpha, n_latent)
    ranks, scales = np.geomspace(1, n_latent, 120), np.geomspace(min(law.eigenvalue(n_latent), delta) / 10, 10, 160)
    df1, df2 = law.degrees_of_freedom(scales)
    here1, here2 = law.degrees_of_freedom(delta)
    levels = law.eigenvalue(ranks)
    curves = {
        "eigenvalues": (ranks, levels),
        "resolved": (ranks, levels**2 / (levels + delta)),
        "delta": ([], [delta]),
        "rank": ([here1], []),
        "df1": (scales, df1),
        "df2": (scales, df2),
        "law": (scales, asymptotics.spectral_constant(alpha) * scales ** (-1 / (1 + alpha))),
        "here": ([delta, delta], [here1, here2]),
    }
    share = 1 - delta * here1 / law.trace
    readings = {"df1": here1, "df2": here2, "share": share}
    return Picture(curves, [(ranks[0], ranks[-1]), (scales[0], scales[-1])], readings)


def _density(alpha, n_latent, n_features, n_samples) -> Picture:
    n, t = n_features, n_samples
    lower, upper = (1 - np.sqrt(n / t)) ** 2, (1 + np.sqrt(n / t)) ** 2
    shares = (1 - np.cos(np.pi * np.arange(200) / 199)) / 2
    lower = max(lower, 1e-6 * upper)
    white = lower * (upper / lower) ** shares
    law = PowerLaw(alpha, n_latent)
    modes = min(n, t, n_latent)
    high = 4 * (1 + law.trace / n) * (1 + law.trace / t)
    places = np.geomspace(high, law.eigenvalue(min(3 * modes, n_latent)) / 30, 240)
    unit = n * t / n_latent
    levels = law.eigenvalue(np.arange(1, min(modes, 10) + 1))
    curves = {
        "white": (white, white * resolvent.marchenko_pastur_density(white, n / t)),
        "ridge": (places, unit * places * resolvent.spectral_density(unit * places, law, n, t)),
        "levels": (levels, 0 * levels),
    }
    readings = {"ratio": n / t, "zeros_white": max(0.0, 1 - t / n), "zeros": 1 - modes / n}
    return Picture(curves, [(upper / 1e4, 2 * upper), (places[-1], high)], readings)


def _test_loss(alpha, n_latent, n_features, n_samples, ridge, noise_var) -> Picture:
    law = PowerLaw(alpha, n_latent)
    limits = min(max(1, n_samples / 1e3), n_features), max(n_samples * 1e3, n_features)
    n = np.sort([*np.geomspace(*limits, 240), n_features])
    parts = theory.decompose(law, n, n_samples, ridge, noise_var=noise_var)
    here = theory.decompose(law, n_features, n_samples, ridge, noise_var=noise_var)
    curves = {
        "test_loss": (n, parts.test_loss),
        "train_loss": (n, parts.train_loss),
        "features": (n, asymptotics.bottleneck_loss(alpha, n)),
        "samples": ([], [asymptotics.bottleneck_loss(alpha, n_samples)]),
        "equal": ([n_samples], []),
        "here": ([n_features], [here.test_loss]),
    }
    readings = {"test_loss": here.test_loss, "bias": here.bias, "inflation": here.inflation, "noise": here.noise}
    return Picture(curves, [limits], readings | {"df1": here.df1})


def _loss_surface(alpha, n_latent, compute, split, tuning, ridge, noise_var) -> Picture:
    law = PowerLaw(alpha, n_latent)
    best = lambda n, t: allocation.optimal_loss(law, n, t, noise_var=noise_var)  # noqa: E731
    fixed = lambda n, t: theory.test_loss(law, n, t, ridge, noise_var=noise_var)  # noqa: E731
    loss = best if tuning == "best ridge" else fixed
    side = np.geomspace(np.sqrt(compute) / 100, np.sqrt(compute) * 100, 25)
    ratios = np.geomspace(1e-4, 1e4, 161)
    along = np.sqrt(compute * ratios), np.sqrt(compute / ratios)
    here = np.sqrt(compute * split), np.sqrt(compute / split)
    with np.errstate(divide="ignore"):
        surface = np.log10(loss(side, side[:, None]))
    losses = {"best": best(*along), "fixed": fixed(*along)}
    at_best, at_here = float(ratios[_first_minimum(losses["best"])]), float(loss(*here))
    curves = {
        "surface": (side, side, surface),
        "isocompute": along,
        "here": ([here[0]], [here[1]]),
        "best": (ratios, losses["best"]),
        "fixed": (ratios, losses["fixed"]),
        "equal": ([1.0], []),
        "split": ([split], [at_here]),
    }
    readings = {"test_loss": at_here, "best_split": at_best, "least": losses["best"].min()}
    readings["fixed_split"] = float(ratios[_first_minimum(losses["fixed"])])
    return Picture(curves, [(side[0], side[-1]), (ratios[0], ratios[-1])], readings)


def _first_minimum(losses) -> int:
    """Where a curve is smallest; the first place where several agree but for rounding, or are all zero."""
    return int(np.argmax(losses <= losses.min() * (1 + 1e-9)))


def _tasks(alpha, task_exponent, split, compute, n_latent) -> Picture:
    law, b = PowerLaw(alpha, n_latent), max(task_exponent, -0.9 * alpha)
    ratios = np.geomspace(1e-3, 1e3, 117)  # one of them is 1, none another power of ten
    along, here = (
        (np.sqrt(compute * ratios), np.sqrt(compute / ratios)),
        (np.sqrt(compute * split), np.sqrt(compute / split)),
    )
    best, at_here = (allocation.optimal_loss(law, *sizes, task_exponent=b) for sizes in (along, here))
    closed = (ratios, optimal_loss_asymptotic(alpha, b, *along)) if b < 1 else ([], [])
    with np.errstate(divide="ignore"):
        limit = 1 / split_ratio(alpha, b)
    (alphas, *_), flat = _map_of_splits(), np.linspace(0.1, 1, 40)
    curves = {
        "best": (ratios, best),
        "closed": closed,
        "equal": ([1.0], []),
        "limit": ([limit] if np.isfinite(limit) else [], []),
        "dot": ([split], [at_here]),
        "map": _map_of_splits(),
        "isotropic": ([], [0.0]),
        "finite": ([], [1.0]),
        "ridgeless": (flat, np.sqrt(flat * (2 - flat))),
        "saturated": (alphas, 2 + alphas),
        "edge": (alphas, -alphas),
        "place": ([alpha], [b]),
    }
    ridge = allocation.optimal_ridge(law, *here, task_exponent=b)
    readings = {
        "b": b,
        "task": _kind_of_task(alpha, b),
        "best_split": float(ratios[_first_minimum(best)]),
        "limit": limit,
    }
    readings |= {"compute": loss_exponents(alpha, b).compute, "test_loss": at_here}
    return Picture(
        curves, [(ratios[0], ratios[-1]), (0.1, 2.0)], readings | {"ridge": "zero" if ridge == 0 else "positive"}
    )


@cache
def _map_of_splits() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Exponents of spectrum and task, and the log of the best N/T of large compute, the same for all settings."""
    alphas, exponents = np.linspace(0.1, 2, 24), np.linspace(-1.5, 4, 24)
    inside = exponents[:, None] > -alphas
    with np.errstate(divide="ignore"):
        table = np.where(inside, -np.log10(split_ratio(alphas, np.where(inside, exponents[:, None], 0))), np.nan)
    parts = alphas, exponents, np.where(np.isfinite(table), table, np.nan)
    for part in parts:
        part.setflags(write=False)
    return parts


def _kind_of_task(alpha, b) -> str:
    """The region of the map of chapter 12."""
    if b <= 0:
        return "hard: N < T" if b < 0 else "isotropic: N = T"
    if b < 1:
        return "easy: a constant N/T > 1"
    return "very easy: N/T grows without end" if alpha <= 1 else "very easy: a constant N/T > 1"


def _plateaus(alpha, n_latent, n_visible, n_features, n_samples, ridge_per_sample, noise_var) -> Picture:
    law, visible = PowerLaw(alpha, n_latent), min(n_visible, n_latent)
    limits = min(max(1, n_features / 1e3), n_samples), max(min(n_features * 1e5, MAX_SIZE), n_samples)
    t = np.sort([*np.geomspace(*limits, 240), n_samples])
    setting = {"n_visible": visible, "noise_var": noise_var}
    levels = plateau_levels(law, n_features, t, ridge_per_sample * t, **setting)
    here = plateau_levels(law, n_features, n_samples, ridge_per_sample * n_samples, **setting)
    curves = {name: (t, getattr(levels, name)) for name in ("test_loss", *levels._fields)}
    curves["here"] = ([n_samples], [here.test_loss])
    regime = str(diagnose(law, n_features, n_samples, ridge_per_sample * n_samples, **setting))
    readings = {"regime": regime, "test_loss": here.test_loss, "signal": here.signal, "noise": here.noise}
    return Picture(curves, [limits], readings | {"unseen": here.unseen})


def _scaling_law(alpha, n_latent, noise_var) -> Picture:
    law, n = PowerLaw(alpha, n_latent), np.geomspace(10, 1e6, 90)
    loss = lambda n, t: allocation.optimal_loss(law, n, t, noise_var=noise_var)  # noqa: E731
    curves = {f"T{power}": (n, loss(n, 10**power)) for power in (2, 3, 4, 5)}
    curves["law"] = (n, asymptotics.bottleneck_loss(alpha, n))
    behind, ahead = loss(1e3 * np.exp([-0.05, 0.05]), 1e5)
    with np.errstate(divide="ignore", invalid="ignore"):  # where there is no loss there is no exponent
        exponent = np.log(behind / ahead) / 0.1
    return Picture(curves, [(n[0], n[-1])], {"alpha": alpha, "exponent": exponent})


def _spectrum_experiment(alpha, n_latent, delta) -> Iterator:
    """Eigenvalues of sample covariances, at a dozen ranks."""
    rng, law, n_samples = np.random.default_rng(0), PowerLaw(alpha, n_latent), SIMULATED["n_samples"]
    ranks = np.unique(np.geomspace(1, min(n_samples, n_latent), 12).astype(int))
    found = []
    for trial in range(N_TRIALS):
        latents = LatentModel(law).draw_latents(n_samples, rng)
        found.append(np.linalg.svd(latents, compute_uv=False)[ranks - 1] ** 2 / n_samples)
        yield (trial + 1) / N_TRIALS, _points(0, ranks, found)


def _density_experiment(alpha, n_latent, n_features, n_samples) -> Iterator:
    """Histograms of eigenvalues, per unit of their logarithm."""
    rng, law = np.random.default_rng(0), PowerLaw(alpha, n_latent)
    ranges = _density(alpha, n_latent, n_features, n_samples).ranges
    bins = [np.geomspace(low, high, 30) for low, high in ranges]
    found = [], []
    for trial in range(N_TRIALS):
        weights = RandomFeatures.draw(n_features, n_latent, rng)
        features = weights(LatentModel(law).draw_latents(n_samples, rng)) * np.sqrt(n_latent / n_features)
        for matrix, edges, counts in zip((rng.standard_normal(features.shape), features), bins, found, strict=True):
            eigenvalues = np.linalg.svd(matrix, compute_uv=False) ** 2 / n_samples
            counts.append(np.histogram(eigenvalues, edges)[0] / n_features / np.log(edges[1] / edges[0]))
        centres = [np.sqrt(edges[1:] * edges[:-1]) for edges in bins]
        yield (trial + 1) / N_TRIALS, [p for k in (0, 1) for p in _points(k, centres[k], found[k])]


def _points(panel, x, trials) -> list[tuple]:
    """Means over trials as points, those that are not zero; a single trial is shown without an error."""
    mean, n = np.mean(trials, axis=0), len(trials)
    stderr = np.std(trials, axis=0, ddof=1) / np.sqrt(n) if n > 1 else 0 * mean
    return [(panel, *point) for point in zip(x, mean, stderr, strict=True) if point[1] > 0]


def _loss_experiment(panel, settings, law, noise_var, feature_var=1.0, offset=0.0, task_exponent=0.0) -> Iterator:
    """Simulated losses at settings (x, N, T, ridge); those of a task are averaged over its teachers."""
    points, model = [], LatentModel(law, noise_var=noise_var, task_exponent=task_exponent)
    options = {"n_trials": N_TRIALS, "feature_var": feature_var, "average_teacher": task_exponent != 0}
    for x, n, t, ridge in settings:
        run = simulate(model, int(n), int(t), ridge, seed=len(points), **options)
        points.append((panel, x, run.mean + offset, run.stderr))
        yield len(points) / len(settings), list(points)


def _test_loss_experiment(alpha, n_latent, n_features, n_samples, ridge, noise_var) -> Iterator:
    sizes = np.unique(np.geomspace(max(3, n_samples / 1e3), 1.5 * SIMULATED["n_features"], 10).astype(int))
    settings = [(n, n, n_samples, ridge) for n in sizes]
    return _loss_experiment(0, settings, PowerLaw(alpha, n_latent), noise_var)


def _loss_surface_experiment(alpha, n_latent, compute, split, tuning, ridge, noise_var) -> Iterator:
    """Whole sizes only, so that their product differs from the compute by up to 1.3 per cent."""
    law, ratios = PowerLaw(alpha, n_latent), 10.0 ** np.arange(-1.25, 1.5, 0.25)
    n, t = np.rint(np.sqrt(compute * ratios)), np.rint(np.sqrt(compute / ratios))
    best = tuning == "best ridge"
    ridges = allocation.optimal_ridge(law, n, t, noise_var=noise_var) if best else np.full(n.shape, ridge)
    return _loss_experiment(1, list(zip(n / t, n, t, ridges, strict=True)), law, noise_var)


def _tasks_experiment(alpha, task_exponent, split, compute, n_latent) -> Iterator:
    law, b, ratios = PowerLaw(alpha, n_latent), max(task_exponent, -0.9 * alpha), 10.0 ** np.arange(-1.25, 1.5, 0.25)
    n, t = np.rint(np.sqrt(compute * ratios)), np.rint(np.sqrt(compute / ratios))
    ridges = allocation.optimal_ridge(law, n, t, task_exponent=b)
    return _loss_experiment(0, list(zip(n / t, n, t, ridges, strict=True)), law, 0.0, task_exponent=b)


def _plateaus_experiment(alpha, n_latent, n_visible, n_features, n_samples, ridge_per_sample, noise_var) -> Iterator:
    """Latents that the features do not see are independent of the others: label noise, and an error of their own."""
    law, visible = PowerLaw(alpha, n_latent), min(n_visible, n_latent)
    unseen, sizes = law.tail(visible), np.unique(np.geomspace(max(3, n_features / 1e3), 1000, 10).astype(int))
    settings = [(t, n_features, t, ridge_per_sample * t) for t in sizes]
    return _loss_experiment(0, settings, law.head(visible), noise_var + unseen, visible / n_latent, unseen)


def _scaling_law_experiment(alpha, n_latent, noise_var) -> Iterator:
    law = PowerLaw(alpha, n_latent)
    sizes = [(20, 100), (50, 100), (150, 100), (400, 100), (30, 1000), (100, 1000), (300, 1000)]
    settings = [(n, n, t, allocation.optimal_ridge(law, n, t, noise_var=noise_var)) for n, t in sizes]
    return _loss_experiment(0, settings, law, noise_var)


DESIGNS = {
    design.name: design
    for design in (
        Design(
            "spectrum",
            "A power-law spectrum, and how many of its latents are resolved at a scale",
            (ALPHA, LATENT, Control("delta", "scale Δ", 1e-12, 10.0)),
            (Panel("rank I", "eigenvalue λ"), Panel("scale Δ", "degrees of freedom")),
            (
                Curve("eigenvalues", "eigenvalues λ"),
                Curve("resolved", "resolved part λ²/(λ + Δ)", "orange", "dashed"),
                Curve("delta", "scale Δ", "grey", "horizontal"),
                Curve("rank", "rank df₁", "green", "vertical"),
                Curve("df1", "df₁", "green", panel=1),
                Curve("df2", "df₂", "pink", panel=1),
                Curve("law", "power law, exponent −1/(1+α)", "grey", "dashed", 1),
                Curve("here", "", "green", "dots", 1),
            ),
            {"df1": "df₁ =", "df2": "df₂ =", "share": "share of the variance resolved:"},
            _spectrum,
            _spectrum_experiment,
            {"n_latent": SIMULATED["n_latent"]},
        ),
        Design(
            "density",
            "Density of the eigenvalues of a feature matrix, white and from power-law data",
            (
                ALPHA,
                LATENT,
                Control("n_features", "features N", 2, 1000, unit="features", whole=True),
                Control("n_samples", "samples T", 2, 1000, unit="samples", whole=True),
            ),
            (
                Panel("eigenvalue / T, white features", "density per log", y_log=False),
                Panel("eigenvalue · M/(NT), the model's features", "density per log", y_log=False),
            ),
            (
                Curve("white", "Marchenko and Pastur"),
                Curve("ridge", "power-law data", "orange", panel=1),
                Curve("levels", "first eigenvalues λ of the data", "green", "dots", 1),
            ),
            {"ratio": "N/T =", "zeros_white": "share of zero eigenvalues, white:", "zeros": "model:"},
            _density,
            _density_experiment,
            SIMULATED,
        ),
        Design(
            "test_loss",
            "Test loss against the number of features",
            (ALPHA, SAMPLES, RIDGE, NOISE, LATENT, FEATURES),
            (Panel("features N", "loss"),),
            (
                Curve("test_loss", "test loss L"),
                Curve("train_loss", "training loss", "pink", "dotted"),
                Curve("features", "asymptote: features scarce", "orange", "dashed"),
                Curve("samples", "asymptote: samples scarce", "green", "horizontal"),
                Curve("equal", "N = T", "grey", "vertical"),
                Curve("here", "", "blue", "dots"),
            ),
            {
                "test_loss": "at the dot: L =",
                "bias": "= bias",
                "inflation": "× inflation",
                "noise": "+ noise",
                "df1": "with df₁ =",
            },
            _test_loss,
            _test_loss_experiment,
            {"n_latent": SIMULATED["n_latent"], "n_samples": SIMULATED["n_samples"]},
        ),
        Design(
            "loss_surface",
            "The loss over features and samples, and along a curve of constant compute",
            (
                ALPHA,
                Control("compute", "compute C = N T", 1e4, 1e16),
                Control("split", "split N/T of the dot", 1e-4, 1e4),
                NOISE,
                Control("tuning", "surface and dot", kind="choice", options=("best ridge", "fixed ridge")),
                RIDGE,
                LATENT,
            ),
            (Panel("features N", "samples T"), Panel("split N/T at constant N T", "test loss L")),
            (
                Curve("surface", "log₁₀ of the test loss", style="heat"),
                Curve("isocompute", "N T = C", "orange", "dashed"),
                Curve("here", "", "orange", "dots"),
                Curve("best", "best ridge", "blue", panel=1),
                Curve("fixed", "fixed ridge", "pink", "dashed", 1),
                Curve("equal", "N = T", "grey", "vertical", 1),
                Curve("split", "", "orange", "dots", 1),
            ),
            {
                "test_loss": "at the dot: L =",
                "least": "least loss:",
                "best_split": "best N/T with the best ridge:",
                "fixed_split": "with the fixed ridge:",
            },
            _loss_surface,
            _loss_surface_experiment,
            {"n_latent": SIMULATED["n_latent"], "compute": 1e4},
        ),
        Design(
            "tasks",
            "The loss of a task along a curve of constant compute, and the plane of spectrum and task",
            (
                ALPHA,
                Control("task_exponent", "task exponent b", -1.5, 4.0, "linear"),
                Control("split", "split N/T of the dot", 1e-3, 1e3),
                Control("compute", "compute C = N T", 1e4, 1e16),
                LATENT,
            ),
            (
                Panel("split N/T at constant N T", "test loss L"),
                Panel("exponent α of the spectrum", "task exponent b", x_log=False, y_log=False),
            ),
            (
                Curve("best", "best ridge"),
                Curve("closed", "closed form, b < 1", "orange", "dashed"),
                Curve("equal", "N = T", "grey", "vertical"),
                Curve("limit", "best N/T of large compute", "green", "vertical"),
                Curve("dot", "", "blue", "dots"),
                Curve("map", "log₁₀ of the best N/T of large compute", style="heat", panel=1),
                Curve("isotropic", "b = 0", "grey", "horizontal", 1),
                Curve("finite", "b = 1", "orange", "horizontal", 1),
                Curve("ridgeless", "above: no ridge at the best split", "pink", "dashed", 1),
                Curve("saturated", "above: b changes nothing", "black", "dotted", 1),
                Curve("edge", "below: no law", "black", "line", 1),
                Curve("place", "", "orange", "dots", 1),
            ),
            {
                "task": "the task is",
                "b": "b =",
                "best_split": "best N/T:",
                "limit": "of large compute:",
                "compute": "exponent of compute:",
                "test_loss": "at the dot: L =",
                "ridge": "best ridge:",
            },
            _tasks,
            _tasks_experiment,
            {"n_latent": SIMULATED["n_latent"], "compute": 1e4},
        ),
        Design(
            "plateaus",
            "Test loss against the number of samples, and everything that can hold it up",
            (
                ALPHA,
                FEATURES,
                Control("n_visible", "latents that are seen, M₀", 1, 10**15, unit="latents", whole=True),
                Control("ridge_per_sample", "ridge per sample γ/T", 1e-15, 1.0, "zero"),
                NOISE,
                LATENT,
                SAMPLES,
            ),
            (Panel("samples T", "test loss L"),),
            (
                Curve("test_loss", "test loss L"),
                Curve("signal", "signal part", "black"),
                Curve("features", "floor: features", "orange", "dashed"),
                Curve("samples", "floor: samples", "green", "dashed"),
                Curve("ridge", "floor: ridge", "sky", "dashed"),
                Curve("noise", "label noise", "pink", "dotted"),
                Curve("unseen", "unseen latents", "grey", "dashed"),
                Curve("here", "", "blue", "dots"),
            ),
            {
                "regime": "at the dot held up by:",
                "test_loss": "L =",
                "signal": "= signal",
                "noise": "+ noise",
                "unseen": "+ unseen",
            },
            _plateaus,
            _plateaus_experiment,
            SIMULATED,
        ),
        Design(
            "scaling_law",
            "The scaling law of the model, with the best ridge",
            (ALPHA, LATENT, NOISE),
            (Panel("features N", "test loss L"),),
            (
                Curve("T2", "T = 100 samples", "yellow"),
                Curve("T3", "T = 1000", "orange"),
                Curve("T4", "T = 10 000", "green"),
                Curve("T5", "T = 100 000", "blue"),
                Curve("law", "power law, exponent −α", "grey", "dashed"),
            ),
            {"alpha": "exponent of the spectrum α =", "exponent": "of the loss at N = 1000, T = 100 000:"},
            _scaling_law,
            _scaling_law_experiment,
            {"n_latent": SIMULATED["n_latent"]},
        ),
    )
}


def spectrum(alpha: float = 1.0, n_latent: int = 10**6, delta: float = 1e-4) -> Explorer:
    r"""A power-law spectrum, and how many of its latents are resolved at a scale.

    Parameters
    ----------
    alpha : float, default 1
        Spectral exponent :math:`\alpha`, from 0.1 to 2.
    n_latent : int, default 10**6
        Number of latents :math:`M`, from 10 to 1e15.
    delta : float, default 1e-4
        Scale :math:`\Delta`, from 1e-12 to 10.

    Returns
    -------
    Explorer
        An ipywidgets object; its ``picture`` holds the curves and readings of the present ``values``.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    The simulation draws the sample covariance of 300 samples, ten times.

    Examples
    --------
    >>> explorer = spectrum(alpha=1.0, delta=1e-4)
    >>> print(f"{explorer.picture.readings['df1']:.2f}")
    156.57
    """
    return Explorer(DESIGNS["spectrum"], {"alpha": alpha, "n_latent": n_latent, "delta": delta})


def density(alpha: float = 1.0, n_latent: int = 10**6, n_features: int = 100, n_samples: int = 200) -> Explorer:
    r"""Density of the eigenvalues of a feature matrix, for white features and for those of the model.

    Parameters
    ----------
    alpha : float, default 1
        Spectral exponent :math:`\alpha`, from 0.1 to 2.
    n_latent : int, default 10**6
        Number of latents :math:`M`, from 10 to 1e15.
    n_features, n_samples : int
        Numbers of features :math:`N` and samples :math:`T`, from 2 to 1000.

    Returns
    -------
    Explorer
        As `spectrum` does.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    Chapter 6. Eigenvalues are in units of :math:`T` for white features and of :math:`NT/M` for the model's.

    Examples
    --------
    >>> density(n_features=200, n_samples=50).picture.readings["zeros"]
    0.75
    """
    values = {"alpha": alpha, "n_latent": n_latent, "n_features": n_features, "n_samples": n_samples}
    return Explorer(DESIGNS["density"], values)


def test_loss(
    alpha: float = 1.0,
    n_latent: int = 10**6,
    n_features: int = 200,
    n_samples: int = 1000,
    ridge: float = 1e-9,
    noise_var: float = 0.0,
) -> Explorer:
    r"""Test loss against the number of features, with both of its asymptotes.

    Parameters
    ----------
    alpha : float, default 1
        Spectral exponent :math:`\alpha`, from 0.1 to 2.
    n_latent : int, default 10**6
        Number of latents :math:`M`, from 10 to 1e15.
    n_features : int, default 200
        Number of features :math:`N`, from 1 to 1e12, of the dot on the curve.
    n_samples : int, default 1000
        Number of samples :math:`T`, from 1 to 1e12.
    ridge : float, default 1e-9
        :math:`\gamma`: 0, or from 1e-12 to 1e3.
    noise_var : float, default 0
        Label noise :math:`\sigma_\varepsilon^2`: 0, or from 1e-6 to 10.

    Returns
    -------
    Explorer
        As `spectrum` does.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    Chapter 8, and `asymptotics.bottleneck_loss` for the asymptotes.

    Examples
    --------
    >>> explorer = test_loss(alpha=0.5, n_features=100)
    >>> explorer.set(n_features=400)
    >>> print(f"{explorer.picture.readings['test_loss']:.4f}")
    0.3078
    """
    values = {"alpha": alpha, "n_latent": n_latent, "n_features": n_features, "n_samples": n_samples}
    return Explorer(DESIGNS["test_loss"], values | {"ridge": ridge, "noise_var": noise_var})


test_loss.__test__ = False  # a figure, not a pytest case


def loss_surface(
    alpha: float = 1.0,
    n_latent: int = 10**6,
    compute: float = 1e6,
    split: float = 1.0,
    tuning: str = "best ridge",
    ridge: float = 1e-10,
    noise_var: float = 0.0,
) -> Explorer:
    r"""The loss as a surface over features and samples, and along a curve of constant compute.

    Parameters
    ----------
    alpha : float, default 1
        Spectral exponent :math:`\alpha`, from 0.1 to 2.
    n_latent : int, default 10**6
        Number of latents :math:`M`, from 10 to 1e15.
    compute : float, default 1e6
        :math:`C = N T`, from 1e4 to 1e16.
    split : float, default 1
        :math:`N/T` of the dot on the curve, from 1e-4 to 1e4.
    tuning : str, default "best ridge"
        What the surface shows: ``"best ridge"`` or ``"fixed ridge"``.
    ridge : float, default 1e-10
        The fixed ridge :math:`\gamma`: 0, or from 1e-12 to 1e3.
    noise_var : float, default 0
        Label noise :math:`\sigma_\varepsilon^2`: 0, or from 1e-6 to 10.

    Returns
    -------
    Explorer
        As `spectrum` does.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    Chapter 10. The best splits are read off a grid of 20 to a decade.

    Examples
    --------
    >>> print(f"{loss_surface().picture.readings['best_split']:.3g}")
    1
    """
    values = {"alpha": alpha, "n_latent": n_latent, "compute": compute, "split": split}
    return Explorer(DESIGNS["loss_surface"], values | {"tuning": tuning, "ridge": ridge, "noise_var": noise_var})


def tasks(
    alpha: float = 1.0,
    task_exponent: float = 0.5,
    split: float = 1.0,
    compute: float = 1e6,
    n_latent: int = 10**12,
) -> Explorer:
    r"""A teacher that favours some latents: the loss along a curve of constant compute, and where its task stands.

    Parameters
    ----------
    alpha : float, default 1
        Spectral exponent :math:`\alpha`, from 0.1 to 2.
    task_exponent : float, default 0.5
        :math:`b` of :math:`w_I^2 \propto I^{-b}`, from -1.5 to 4; below :math:`-0.9\,\alpha` that is taken.
    split : float, default 1
        :math:`N/T` of the dot on the curve, from 1e-3 to 1e3.
    compute : float, default 1e6
        :math:`C = N T`, from 1e4 to 1e16.
    n_latent : int, default 10**12
        Number of latents :math:`M`, from 10 to 1e15.

    Returns
    -------
    Explorer
        As `spectrum` does.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    Chapter 12. The best split is read off a grid of 19 to a decade.

    Examples
    --------
    >>> print(tasks(task_exponent=2.0).picture.readings["task"])
    very easy: N/T grows without end
    """
    values = {"alpha": alpha, "task_exponent": task_exponent, "split": split, "compute": compute}
    return Explorer(DESIGNS["tasks"], values | {"n_latent": n_latent})


def plateaus(
    alpha: float = 1.0,
    n_latent: int = 10**6,
    n_visible: int = 500,
    n_features: int = 100,
    n_samples: int = 1000,
    ridge_per_sample: float = 1e-8,
    noise_var: float = 0.01,
) -> Explorer:
    r"""Test loss against the number of samples, with everything that can hold it up.

    Parameters
    ----------
    alpha : float, default 1
        Spectral exponent :math:`\alpha`, from 0.1 to 2.
    n_latent : int, default 10**6
        Number of latents :math:`M`, from 10 to 1e15.
    n_visible : int, default 500
        Number :math:`M_0` of latents that the features see, from 1 to 1e15; all of them from :math:`M` on.
    n_features : int, default 100
        Number of features :math:`N`, from 1 to 1e12.
    n_samples : int, default 1000
        Number of samples :math:`T`, from 1 to 1e12, of the dot on the curve.
    ridge_per_sample : float, default 1e-8
        :math:`\gamma/T`: 0, or from 1e-15 to 1.
    noise_var : float, default 0.01
        Label noise :math:`\sigma_\varepsilon^2`: 0, or from 1e-6 to 10.

    Returns
    -------
    Explorer
        As `spectrum` does.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Notes
    -----
    Chapter 11; the reading names what `scaling_laws.plateaus.diagnose` finds at the dot.

    Examples
    --------
    >>> plateaus(n_visible=100, n_samples=10**7).picture.readings["regime"]
    'unseen latents'
    """
    values = {"alpha": alpha, "n_latent": n_latent, "n_visible": n_visible, "n_features": n_features}
    values |= {"n_samples": n_samples, "ridge_per_sample": ridge_per_sample, "noise_var": noise_var}
    return Explorer(DESIGNS["plateaus"], values)


def scaling_law(alpha: float = 1.0, n_latent: int = 10**6, noise_var: float = 0.0) -> Explorer:
    r"""The scaling law of the model: loss with the best ridge against features, for four sizes of training set.

    Parameters
    ----------
    alpha : float, default 1
        Spectral exponent :math:`\alpha`, from 0.1 to 2.
    n_latent : int, default 10**6
        Number of latents :math:`M`, from 10 to 1e15.
    noise_var : float, default 0
        Label noise :math:`\sigma_\varepsilon^2`: 0, or from 1e-6 to 10.

    Returns
    -------
    Explorer
        As `spectrum` does.

    Raises
    ------
    ValueError
        If an argument is outside its range.

    Examples
    --------
    >>> print(f"{scaling_law(alpha=0.5).picture.readings['exponent']:.3f}")
    0.503
    """
    return Explorer(DESIGNS["scaling_law"], {"alpha": alpha, "n_latent": n_latent, "noise_var": noise_var})
