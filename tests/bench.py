"""How long the library takes, the best of five: python tests/bench.py

Nothing is asserted. The indented rows of `simulate` are what a trial cannot avoid.
"""

from functools import partial
from time import perf_counter

import numpy as np

from scaling_laws.diagrams import _classes, wick_moment
from scaling_laws.experiments import simulate
from scaling_laws.latent import LatentModel
from scaling_laws.resolvent import spectral_density, spectral_edges
from scaling_laws.spectra import PowerLaw
from scaling_laws.theory import solve_delta, test_loss

REPEATS = 5
SIZE, N_LATENT = 800, 2000  # N = T and M of the simulation


def best(function):
    """Shortest time of a call, in seconds."""
    times = []
    for _ in range(REPEATS):
        start = perf_counter()
        function()
        times.append(perf_counter() - start)
    return min(times)


def show(what, seconds):
    unit, factor = next((u, f) for u, f in [("s", 1), ("ms", 1e3), ("µs", 1e6)] if seconds * f >= 1 or u == "µs")
    print(f"{what:<64}{seconds * factor:8.1f} {unit}")


def theory():
    sizes, deltas = np.geomspace(10, 1e5, 100), np.geomspace(1e-12, 1, 10**4)
    for n_latent in (10**6, 10**15):
        spectrum = PowerLaw(alpha=1.0, n_latent=n_latent)
        rows = {
            "test_loss, grid of 100 x 100": partial(test_loss, spectrum, sizes[:, None], sizes, 1e-6),
            "solve_delta, one setting": partial(solve_delta, spectrum, 100, 200, 1e-6),
            "mode_sum, 10,000 values of delta": partial(spectrum.mode_sum, deltas, 1, 0),
        }
        for what, function in rows.items():
            show(f"{what}, M = {n_latent:.0e}", best(function))


def random_matrices():
    """Densities and diagrams of chapters 6 and 7."""
    for n, t in [(100, 200), (2000, 2000)]:
        spectrum = PowerLaw(alpha=1.0, n_latent=10**6)
        edges = spectral_edges(spectrum, n, t)
        places = np.geomspace(max(edges[0, 0], 1e-9), edges[-1, 1], 500)
        what = f"N = {n}, T = {t}, M = 1e6"
        show(f"spectral_density, 500 places, {what}", best(partial(spectral_density, places, spectrum, n, t)))
        show(f"spectral_edges, {len(edges)} bands, {what}", best(partial(spectral_edges, spectrum, n, t)))

    def enumerate_diagrams():
        _classes.cache_clear()
        wick_moment(4, 10, 20, np.ones(30))

    show("wick_moment, all 105^2 diagrams of order 4", best(enumerate_diagrams))


def simulation():
    model, ridges = LatentModel(PowerLaw(alpha=1.0, n_latent=N_LATENT)), np.geomspace(1e-6, 1, 30)
    total = best(partial(simulate, model, SIZE, SIZE, ridges, n_trials=1))
    show(f"simulate, one trial, 30 ridges, N = T = {SIZE}, M = {N_LATENT}", total)

    rng = np.random.default_rng(0)
    latents, weights = rng.standard_normal((2, SIZE, N_LATENT))
    latents *= np.sqrt(model.spectrum.eigenvalues)
    features = latents @ weights.T
    gram = features.T @ features
    steps = {
        "draw latents and weights": lambda: rng.standard_normal((2, SIZE, N_LATENT)),
        "features": lambda: latents @ weights.T,
        "Gram matrix": lambda: features.T @ features,
        "numpy.linalg.eigh of it": lambda: np.linalg.eigh(gram),
    }
    times = {step: best(function) for step, function in steps.items()}
    for step, seconds in times.items():
        show(f"    {step}", seconds)
    show("    sum", sum(times.values()))
    print(f"simulate takes {total / sum(times.values()):.2f} times that sum")


if __name__ == "__main__":
    theory()
    random_matrices()
    simulation()
