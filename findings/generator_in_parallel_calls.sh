#!/usr/bin/env bash
# joblib 1.6.0, concurrent.futures, Dask 2026.8.0: one Generator given to many calls has as much noise as the back end likes.
#
# 400 trials draw one number each from the same `rng`. One after another, or in threads, they draw 400 numbers. A process
# gets a copy of the generator with each task, in the state it has when the task is sent.
#   expected: 400 numbers whatever runs them, or a word that the generator was copied
#   seen:     concurrent.futures and Dask: 1 number, 400 times. joblib with "loky" or "multiprocessing": tasks travel in
#             batches, each with a copy of the generator as it was at the start, so there are as many numbers as tasks in
#             the largest batch. joblib fits that size to the time they take: 64 here for an empty task, 8 or 16 for one of 10 ms.
#             Nobody warns, and the caller's `rng` is where it was
# Why it matters: the trials of joblib are seeded and vary, so they look sound, but the first numbers come with every batch.
# The error of the mean of the 400 is too small by the factor that is printed, and the longer a trial takes, the worse. With
# n_jobs=1, as one tests, it is right. The joblib example on random states is about NumPy's global one. Give each call a
# child: `rng.spawn(400)`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet joblib==1.6.0 dask==2026.8.0 numpy==2.4.6
cat >"$folder/trials.py" <<'PY'
import concurrent.futures
import multiprocessing
import time

import dask
import joblib
import numpy as np

N_TRIALS = 400


def trial(rng):
    return rng.standard_normal()


def slow_trial(rng):
    time.sleep(0.01)
    return rng.standard_normal()


def by_joblib(backend, generators, one_trial=trial):
    return joblib.Parallel(n_jobs=2, backend=backend)(joblib.delayed(one_trial)(rng) for rng in generators)


def by_slow(backend, generators):
    return by_joblib(backend, generators, slow_trial)


def by_futures(kind, generators):
    pool = concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))
    with concurrent.futures.ThreadPoolExecutor(2) if kind == "threads" else pool as executor:
        return [future.result() for future in [executor.submit(trial, rng) for rng in generators]]


def by_dask(scheduler, generators):
    return dask.compute(*[dask.delayed(trial)(rng) for rng in generators], scheduler=scheduler, num_workers=2)


def different(run, kind):
    counts = np.unique(run(kind, [np.random.default_rng(0)] * N_TRIALS), return_counts=True)[1]
    spawned = len(set(run(kind, np.random.default_rng(0).spawn(N_TRIALS))))
    factor = np.sqrt(np.sum(counts**2) / N_TRIALS)  # of the error of a mean in which draws come several times
    one = f"one Generator: {counts.size:3}, error too small by {factor:4.1f}"
    print(f"{run.__name__[3:]:8} {kind:16} {one}; a child each: {spawned}", flush=True)
    assert spawned == N_TRIALS, "changed: children do not help"
    return counts.size


if __name__ == "__main__":
    print("joblib", joblib.__version__, "dask", dask.__version__)
    print(f"different numbers among {N_TRIALS} trials")
    assert different(by_joblib, "threading") == N_TRIALS, "changed: threads do not share"
    assert different(by_futures, "threads") == N_TRIALS, "changed: threads do not share"
    for backend in ("loky", "multiprocessing"):
        assert 1 <= different(by_joblib, backend) < N_TRIALS, "changed: all trials differ"
    assert 1 <= different(by_slow, "loky") < N_TRIALS / 4, "changed: slow trials differ"
    assert different(by_futures, "processes") == 1, "changed: the trials differ"
    assert different(by_dask, "processes") == 1, "changed: the trials differ"
PY
"$folder/venv/bin/python" "$folder/trials.py"
echo "as found"
