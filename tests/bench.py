"""How long the library takes, beside an earlier version and beside what anybody would do: python tests/bench.py

Each row: the shortest of some calls, the same at commit 4f3cc71, and their ratio; indented below, a peer or a limit.
The earlier times were stored with the speed of the machine at that time, and are scaled to its speed now. Nothing is
asserted. With --store the times of the library that is imported become those of the earlier version.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from time import perf_counter
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import Ridge

from scaling_laws import explorers
from scaling_laws.allocation import compute_optimal, optimal_loss
from scaling_laws.diagrams import _classes, wick_moment
from scaling_laws.dynamics import compute_frontier
from scaling_laws.experiments import simulate, sweep
from scaling_laws.latent import LatentModel
from scaling_laws.phenomenology import fit_power_law_curve
from scaling_laws.regression import ridge_path
from scaling_laws.resolvent import spectral_density, spectral_edges
from scaling_laws.spectra import Empirical, PowerLaw
from scaling_laws.theory import solve_delta, test_loss

STORED = Path(__file__).parent / "data" / "bench.json"
SECONDS = 0.5  # for which a call is repeated
MILLION, HUGE = PowerLaw(alpha=1.0, n_latent=10**6), PowerLaw(alpha=1.0, n_latent=10**15)
SIZES = np.geomspace(10, 1e5, 100)
SIZE, N_LATENT = 800, 2000  # N = T and M of the simulation
RIDGES = np.geomspace(1e-6, 1, 30)
LARGE = 4000, 50_000  # N = T and M of the trial whose memory is measured
PEAK = """
import re, sys
from scaling_laws.experiments import simulate
from scaling_laws.latent import LatentModel
from scaling_laws.spectra import PowerLaw
n, n_latent = map(int, sys.argv[1:])
simulate(LatentModel(PowerLaw(1.0, n_latent)), n, n, 1e-3, n_trials=1)
print(round(int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1.024e-6, 2))
"""


class Row(NamedTuple):
    """What is timed: its name, the call, and peers by name."""

    what: str
    call: Callable[[], object]
    peers: Mapping[str, Callable[[], object]] = MappingProxyType({})


def best(call):
    """Shortest time of a call, in seconds."""
    times = []
    while sum(times) < SECONDS or len(times) < 3:
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return min(times)


def calibration():
    """Speed of this machine: a product of matrices, and sums over arrays that fit in a cache."""
    matrix, array = np.random.default_rng(0).standard_normal((500, 500)), np.linspace(1, 2, 10**4)
    return best(lambda: (matrix @ matrix, [(1 / (1 + k + array)).sum() for k in range(500)]))


def time_of(seconds):
    unit, factor = next((u, f) for u, f in [("s", 1), ("ms", 1e3), ("µs", 1e6)] if seconds * f >= 1 or u == "µs")
    return f"{seconds * factor:8.1f} {unit:2}"


def theory():
    small = SIZES[::4]
    eigenvalues = MILLION.eigenvalues
    listed = Empirical(eigenvalues[:2000])
    rows = [
        Row(
            "optimal_loss with noise, grid of 25 x 25, M = 1e15",
            partial(optimal_loss, HUGE, small[:, None], small, noise_var=0.1),
            {"test_loss, the same grid, one ridge": partial(test_loss, HUGE, small[:, None], small, 1e-6)},
        ),
        Row(
            "test_loss, grid of 100 x 100, M = 1e6",
            partial(test_loss, MILLION, SIZES[:, None], SIZES, 1e-6),
            {"adding 10^6 terms of df1, once": lambda: (eigenvalues / (eigenvalues + 1e-4)).sum()},
        ),
        Row("test_loss, grid of 100 x 100, M = 1e15", partial(test_loss, HUGE, SIZES[:, None], SIZES, 1e-6)),
        Row("test_loss, grid of 25 x 25, 2000 eigenvalues", partial(test_loss, listed, small[:, None], small, 1e-6)),
        Row("solve_delta, one setting, M = 1e15", partial(solve_delta, HUGE, 100, 200, 1e-6)),
        Row("mode_sum, 10,000 values of delta, M = 1e15", partial(HUGE.mode_sum, np.geomspace(1e-12, 1, 10**4), 1, 0)),
        Row(
            "compute_optimal with noise, 7 budgets, M = 1e15",
            partial(compute_optimal, HUGE, np.geomspace(1e2, 1e8, 7), noise_var=0.1),
        ),
        Row("compute_frontier, 6 budgets, M = 1e15", partial(compute_frontier, HUGE, np.geomspace(1e3, 1e8, 6))),
    ]
    return rows


def random_matrices():
    """Densities and diagrams of chapters 6 and 7."""
    rows, rng = [], np.random.default_rng(0)
    for n, t in [(100, 200), (2000, 2000)]:
        edges = spectral_edges(MILLION, n, t)
        places = np.geomspace(max(edges[0, 0], 1e-9), edges[-1, 1], 500)
        matrix = rng.standard_normal((n, t))
        peer = {f"eigenvalues of one matrix with N = {n}": partial(lambda m: np.linalg.eigvalsh(m @ m.T), matrix)}
        what = f"N = {n}, T = {t}, M = 1e6"
        rows += [
            Row(f"spectral_density, 500 places, {what}", partial(spectral_density, places, MILLION, n, t), peer),
            Row(f"spectral_edges, {len(edges)} bands, {what}", partial(spectral_edges, MILLION, n, t)),
        ]

    def enumerate_diagrams():
        _classes.cache_clear()
        wick_moment(4, 10, 20, np.ones(30))

    return [*rows, Row("wick_moment, all 105^2 diagrams of order 4", enumerate_diagrams)]


def simulation():
    """One trial, beside the steps that it cannot avoid; and the students of many ridges, one by one."""
    model, rng = LatentModel(PowerLaw(alpha=1.0, n_latent=N_LATENT)), np.random.default_rng(0)
    latents, weights = rng.standard_normal((2, SIZE, N_LATENT))
    latents *= np.sqrt(model.spectrum.eigenvalues)
    features = latents @ weights.T
    labels, gram = latents @ rng.standard_normal(N_LATENT), features.T @ features

    def unavoidable():
        rng.standard_normal((2, SIZE, N_LATENT))
        features = latents @ weights.T
        np.linalg.eigh(features.T @ features)

    def one_by_one():
        for ridge in RIDGES:
            Ridge(alpha=ridge, fit_intercept=False).fit(features, labels)

    what = f"30 ridges, N = T = {SIZE}"
    return [
        Row(
            f"simulate, one trial, {what}, M = {N_LATENT}",
            partial(simulate, model, SIZE, SIZE, RIDGES, n_trials=1),
            {"drawing, features, Gram matrix and its eigh": unavoidable},
        ),
        Row(
            f"ridge_path, {what}",
            partial(ridge_path, features, labels, RIDGES),
            {"scikit-learn's Ridge, one by one": one_by_one, "numpy.linalg.eigh, once": partial(np.linalg.eigh, gram)},
        ),
    ]


def at_scale():
    """Two workers of Dask beside the time that two could take at best, and the memory of one large trial."""
    grid = {"n_features": 200, "n_samples": 200, "ridge": RIDGES, "n_trials": 200}
    run = partial(sweep, LatentModel(PowerLaw(alpha=1.0, n_latent=N_LATENT)), **grid)
    serial = best(run)
    print(f"{'sweep of 200 trials, N = T = 200, here':62}{time_of(serial)}", flush=True)
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        print("    on two workers: 'make cluster' first")
    else:
        with LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
            run(executor=client.get_executor(), n_trials=4)  # workers import the library
            shared = best(partial(run, executor=client.get_executor()))
        print(f"{'    on two workers, times half of that':62}{shared / (serial / 2):8.2f}", flush=True)
    n, n_latent = LARGE
    peak = subprocess.run(
        [sys.executable, "-c", PEAK, str(n), str(n_latent)], capture_output=True, text=True, check=True
    )
    print(
        f"simulate, N = T = {n}, M = {n_latent}: peak {peak.stdout.strip()} GB; latents and weights of a trial are "
        f"{16 * n * n_latent / 1e9:.1f} GB, and c3edb28 took 5.1 GB"
    )


def fits_and_figures():
    x, noise = np.geomspace(10, 1e6, 25), np.exp(0.02 * np.random.default_rng(0).standard_normal(25))
    y = (x**-0.4 + 0.1) * noise
    rows = [Row("fit_power_law_curve, 40 bootstraps", partial(fit_power_law_curve, x, y, n_bootstrap=40))]

    def update(figure, control, positions):
        figure.set(**{control.name: control.at(next(positions) % control.steps)})

    for name, design in explorers.DESIGNS.items():
        control = next(control for control in design.controls if control.kind != "choice")
        figure, positions = getattr(explorers, name)(), iter(range(10, 10**6, 7))
        rows.append(Row(f"explorers.{name}, an update with its picture", partial(update, figure, control, positions)))
    return rows


def main():
    speed, seconds = calibration(), {}
    stored = json.loads(STORED.read_text()) if STORED.exists() else {"calibration": speed, "seconds": {}}
    scale = speed / stored["calibration"]
    print(f"{'':62}{'now':>11}{'4f3cc71':>11}   times faster")
    for row in [*theory(), *random_matrices(), *simulation(), *fits_and_figures()]:
        seconds[row.what] = now = best(row.call)
        before = stored["seconds"].get(row.what)
        beside = f"{time_of(before * scale)}{before * scale / now:11.1f}" if before else ""
        print(f"{row.what:62}{time_of(now)}{beside}", flush=True)
        for what, call in row.peers.items():
            print(f"    {what:58}{time_of(best(call))}", flush=True)
    at_scale()
    if "--store" in sys.argv:
        STORED.write_text(json.dumps({"calibration": speed, "seconds": seconds}, indent=1) + "\n")


if __name__ == "__main__":
    main()
