"""Measure what the page "At scale" says: one sweep run in four ways, and the time and memory of single trials.

    python experiments/at_scale.py

Needs 'make cluster'; writes book/data/at_scale.json. Some minutes, on a machine that does nothing else.
"""

import contextlib
import json
import multiprocessing
import os
import platform
import re
import socket
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from importlib.metadata import version
from pathlib import Path

import numpy as np
from distributed import Client, LocalCluster

from scaling_laws.experiments import simulate, sweep, trial_cost
from scaling_laws.latent import LatentModel
from scaling_laws.spectra import PowerLaw

STORED = Path(__file__).parents[1] / "book" / "data" / "at_scale.json"
MODEL = LatentModel(PowerLaw(alpha=1.0, n_latent=2000))
GRID = {"n_features": 200, "n_samples": 200, "ridge": np.geomspace(1e-6, 1, 30), "n_trials": 200}
SIZES = [(200, 2000), (500, 6250), (1000, 12_500), (2000, 25_000), (4000, 50_000)]  # N = T, M
DEAF = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"


def seconds(executor=None):
    """Shortest of three runs, after a small one in which workers import the library."""
    sweep(MODEL, **GRID | {"n_trials": 8}, executor=executor)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        sweep(MODEL, **GRID, executor=executor)
        times.append(time.perf_counter() - start)
    return round(min(times), 3)


@contextlib.contextmanager
def by_hand(n_workers):
    """A scheduler and workers as a shell starts them; the scheduler's address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    dask, quiet = [sys.executable, "-m", "dask"], {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    commands = [["scheduler", "--host", address, "--no-dashboard"]]
    commands += n_workers * [["worker", address, "--nthreads", "1", "--no-dashboard"]]
    processes = [subprocess.Popen([*dask, *command], **quiet) for command in commands]
    try:
        yield address
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()


def ways():
    """Seconds of the sweep in each of the four ways."""
    yield "one process", seconds()
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        yield "two processes", seconds(pool)
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "preload": DEAF}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        yield "LocalCluster, two workers", seconds(client.get_executor())
    with by_hand(2) as address, Client(address, timeout=60) as client:
        client.wait_for_workers(2)
        yield "scheduler and two workers by hand", seconds(client.get_executor())


def trial(n, n_latent, activation):
    """In a process of its own: seconds, and the peak of its memory in GB, which Linux counts."""
    start = time.perf_counter()
    simulate(LatentModel(PowerLaw(1.0, n_latent)), n, n, 1e-3, n_trials=1, activation=activation)
    took = time.perf_counter() - start
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]
    return round(took, 3), round(int(peak) * 1.024e-6, 3)


def main():
    found = {
        "machine": f"{os.cpu_count()} cores {platform.machine()}, one thread each",
        "versions": {name: version(name) for name in ("numpy", "distributed")},
        "sweep": {name: value for name, value in GRID.items() if name != "ridge"} | {"n_ridges": 30, "n_latent": 2000},
        "seconds": {},
        "trials": [],
    }
    for way, took in ways():
        found["seconds"][way] = took
        print(f"{way:40}{took:8.2f} s", flush=True)
    for activation, sizes in {"linear": SIZES, "relu": SIZES[-2:]}.items():
        for n, n_latent in sizes:
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                took, peak = pool.submit(trial, n, n_latent, activation).result()
            flops, n_bytes = trial_cost(n_latent, n, n, activation)
            entry = {"activation": activation, "n": n, "n_latent": n_latent, "seconds": took, "peak_GB": peak}
            found["trials"].append(entry | {"flops": flops, "n_bytes": n_bytes})
            print(f"{activation} N = T = {n}, M = {n_latent}: {took:.2f} s, {peak:.2f} GB", flush=True)
    STORED.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
