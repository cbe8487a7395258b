#!/usr/bin/env bash
# Dask distributed 2026.8.0: the executor of a Client computes equal calls once, so unseeded trials have no spread.
#
# `Client.get_executor()` promises the interface of `concurrent.futures`. Ten trials of one experiment are ten equal calls,
# which draw other numbers each if they are not seeded, or from a generator that the worker makes.
#   expected: as with every other executor, ten calls and ten results
#   seen:     one call, its result ten times, from `submit` as from `map`. `pure=False` gives ten. The same ten calls through
#             `dask.delayed`, `dask.bag` or joblib's "dask" back end are ten without being told
# Why it matters: a program in which only the executor was exchanged runs, faster even, and reports an error of zero. The
# guide to the client says that it takes functions for pure; the reference of its executor promises one that is fully
# compatible with concurrent.futures, whose users do not know the word. Give each call its own child of a seed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet distributed==2026.8.0 dask==2026.8.0 joblib==1.6.0 numpy==2.4.6
cat >"$folder/trials.py" <<'PY'
import concurrent.futures

import dask
import dask.bag
import distributed
import joblib
import numpy as np


def trial(n_samples):
    return float(np.random.default_rng().standard_normal(n_samples).mean())


def submitted(executor):
    return [future.result() for future in [executor.submit(trial, 100) for _ in range(10)]]


if __name__ == "__main__":
    print("distributed", distributed.__version__)
    options = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": None}
    with distributed.Client(**options) as client, joblib.parallel_config("dask"):
        found = {
            "concurrent.futures": submitted(concurrent.futures.ThreadPoolExecutor(2)),
            "executor, submit": submitted(client.get_executor()),
            "executor, map": list(client.get_executor().map(trial, [100] * 10)),
            "executor, pure=False": submitted(client.get_executor(pure=False)),
            "dask.delayed": dask.compute(*[dask.delayed(trial)(100) for _ in range(10)]),
            "dask.bag": dask.bag.from_sequence([100] * 10, npartitions=2).map(trial).compute(),
            "joblib": joblib.Parallel()(joblib.delayed(trial)(100) for _ in range(10)),
        }
    for name, means in found.items():
        n_different = len(set(means))
        print(f"{name:22} {n_different:2} different of 10, error of the mean {np.std(means) / 10**0.5:.3f}")
        expected = 1 if name in ("executor, submit", "executor, map") else 10
        assert n_different == expected, f"changed: {name} gives {n_different} different results"
PY
"$folder/venv/bin/python" "$folder/trials.py"
echo "as found"
