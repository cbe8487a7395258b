#!/usr/bin/env bash
# joblib 1.6.0, concurrent.futures, Dask 2026.8.0: one Generator given to many calls has as much noise as the back end likes.
#
# 400 trials draw one number each from the same `rng`. One after another, or in threads, they draw 400 numbers. A process
# gets a copy of the generator with each task, in the state it has when the task is sent.
#   expected: 400 numbers whatever runs them, or a word that the generator was copied
#   seen:     concurrent.futures and Dask: 1 number, 400 times. joblib with "loky" or "multiprocessing": 64 numbers here,
#             since tasks travel in batches, whose size joblib fits to the time they take, and a batch shares one copy. It
#             depends on the machine, too. Nobody warns, and the caller's `rng` is where it was
# Why it matters: the trials of joblib are seeded and vary, so they look sound, but an error bar from 400 of which 64 are
# different is too small by the root of 400/64, 2.5. With n_jobs=1, as one tests, it is right. The joblib example on random
# states is about NumPy's global one. Give each call a child: `rng.spawn(400)`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet joblib==1.6.0 dask==2026.8.0 numpy==2.4.6
cat >"$folder/trials.py" <<'PY'
import concurrent.futures
import multiprocessing

import dask
import joblib
import numpy as np

N_TRIALS = 400


def trial(rng):
    return rng.standard_normal()


def by_joblib(backend, generators, n_jobs=2):
    return joblib.Parallel(n_jobs=n_jobs, backend=backend)(joblib.delayed(trial)(rng) for rng in generators)


def by_futures(kind, generators):
    pool = concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))
    with concurrent.futures.ThreadPoolExecutor(2) if kind == "threads" else pool as executor:
        return [future.result() for future in [executor.submit(trial, rng) for rng in generators]]


def by_dask(scheduler, generators):
    return dask.compute(*[dask.delayed(trial)(rng) for rng in generators], scheduler=scheduler, num_workers=2)


def different(run, kind):
    shared = len(set(run(kind, [np.random.default_rng(0)] * N_TRIALS)))
    spawned = len(set(run(kind, np.random.default_rng(0).spawn(N_TRIALS))))
    print(f"{run.__name__[3:]:8} {kind:16} one Generator: {shared:3}, a child each: {spawned}", flush=True)
    assert spawned == N_TRIALS, "changed: children do not help"
    return shared


if __name__ == "__main__":
    print("joblib", joblib.__version__, "dask", dask.__version__)
    print(f"different numbers among {N_TRIALS} trials")
    assert different(by_joblib, "threading") == N_TRIALS, "changed: threads do not share"
    assert different(by_futures, "threads") == N_TRIALS, "changed: threads do not share"
    for backend in ("loky", "multiprocessing"):
        assert 1 <= different(by_joblib, backend) < N_TRIALS, "changed: all trials differ"
    assert different(by_futures, "processes") == 1, "changed: the trials differ"
    assert different(by_dask, "processes") == 1, "changed: the trials differ"
PY
"$folder/venv/bin/python" "$folder/trials.py"
echo "as found"
