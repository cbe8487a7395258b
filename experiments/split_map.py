"""Measure where the best split of a product N T lies, for many spectra and tasks: the map of the page "At scale".

    python experiments/split_map.py run --workers 2     # hours; the same command goes on where it was stopped
    python experiments/split_map.py store               # the spectra that are there, into book/data/split_map.npz

For each alpha one sweep, in a file of its own in _build/split_map: all tasks b, all ways to split N T = 300^2, all
ridges, ten trials each, averaged over the teacher.
"""

import argparse
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from scaling_laws.experiments import sweep
from scaling_laws.latent import LatentModel
from scaling_laws.spectra import PowerLaw

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "_build" / "split_map"
STORED = ROOT / "book" / "data" / "split_map.npz"

N_LATENT, PRODUCT, N_TRIALS, SEED = 10_000, 300**2, 10, 2022
ALPHAS = np.array([0.3, 0.4, 0.5, 0.7, 0.85, 1.0, 1.4, 2.0, 2.8, 4.0])
TASKS = np.round(np.linspace(-0.2, 1.6, 16), 2)
N_FEATURES = np.round(300 / np.sqrt(np.geomspace(0.05, 3, 25))).astype(int)  # T/N from 0.05 to 3
N_SAMPLES = np.round(PRODUCT / N_FEATURES).astype(int)
FACTORS = np.append(0, np.geomspace(0.03, 300, 24))


def ridges(alpha):
    """In units of the ridge that matters, as gamma M ~ N T Delta and Delta ~ T^-(1 + alpha): chapter 10."""
    return FACTORS * 300 ** (1 - alpha) / N_LATENT


def run(alpha, n_trials=N_TRIALS, **options):
    return sweep(
        LatentModel(PowerLaw(alpha, N_LATENT)),
        N_FEATURES,
        N_SAMPLES,
        ridges(alpha),
        task_exponent=TASKS[:, None],
        n_trials=n_trials,
        average_teacher=True,
        seed=SEED,
        path=FOLDER / f"alpha-{alpha}.csv",
        **options,
    )


def complete(path):
    """Whether a file has all lines of its sweep."""
    if not path.exists():
        return False
    with open(path, encoding="utf-8") as file:
        return sum(1 for _ in file) > TASKS.size * N_FEATURES.size * FACTORS.size * N_TRIALS


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "store"])
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    if options.what == "run":
        with ProcessPoolExecutor(options.workers, multiprocessing.get_context("spawn")) as pool:
            for alpha in ALPHAS[[0, 5, 7, 2, 9, 3, 6, 8, 1, 4]]:  # coarse first
                print(f"alpha = {alpha}")
                run(alpha, executor=pool, progress=True)
        return
    there = [alpha for alpha in ALPHAS if complete(FOLDER / f"alpha-{alpha}.csv")]
    found = [run(alpha) for alpha in there]
    np.savez_compressed(
        STORED,
        ridge=np.array([ridges(alpha) for alpha in there]),
        mean=np.array([one.mean for one in found], np.float32),
        stderr=np.array([one.stderr / one.mean for one in found], np.float16),  # in units of the mean
        seeds=np.array([one.settings["seed"][..., 0] for one in found]),
        **{"alpha": there, "task_exponent": TASKS, "n_features": N_FEATURES, "n_samples": N_SAMPLES},
        **{"n_latent": N_LATENT, "n_trials": N_TRIALS, "base_seed": SEED},
    )
    print(f"{STORED}: {STORED.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
