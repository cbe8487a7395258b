#!/usr/bin/env bash
# Ray 2.60.0: a Generator that a remote function uses exists once in each worker, so that the noise depends on their number.
#
# 400 calls draw one number each from one `rng`, on two workers: handed over as an argument, or used from the function as a
# name of the script, as any Python function may.
#   expected: 400 numbers, as from one function in one process; or a word that the generator was copied
#   seen:     as an argument, or from `ray.put`, each call has its own copy: 1 number, 400 times. As a name the function is
#             sent with a copy to each worker, which then draws on: about as many numbers as one of the two workers did calls,
#             most of them twice. `ray.util.multiprocessing.Pool` and joblib's back end "ray" send tasks in batches, with a
#             copy each: as many numbers as a batch has tasks. Nobody warns
# An actor that keeps the generator draws 400, and so do 400 children. Calls without a seed differ, equal calls, too.
# Why it matters: the trials vary and look sound, and the error of their mean is too small by the square root of the number
# of workers: on a cluster of 100 by ten. Give each call a child: `rng.spawn(400)`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet ray==2.60.0 joblib==1.6.0 numpy==2.4.6
cat >"$folder/trials.py" <<'PY'
import sys

import joblib
import numpy as np
import ray
from ray.util.joblib import register_ray
from ray.util.multiprocessing import Pool

N_TRIALS = 400
shared = np.random.default_rng(0)


def draw(rng):
    return float(rng.standard_normal())


@ray.remote
def from_argument(rng):
    return draw(rng)


@ray.remote
def from_name():
    return draw(shared)


@ray.remote
def unseeded(n_samples):
    return float(np.random.default_rng().standard_normal(n_samples).mean())


@ray.remote
class Trials:
    def __init__(self):
        self.rng = np.random.default_rng(0)

    def trial(self):
        return draw(self.rng)


def by_pool(rng):
    with Pool(2) as pool:
        return pool.map(draw, [rng] * N_TRIALS)


def by_joblib(rng):
    register_ray()
    with joblib.parallel_config("ray", n_jobs=2):
        return joblib.Parallel()(joblib.delayed(draw)(rng) for _ in range(N_TRIALS))


options = {"num_cpus": 2, "include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}
ray.init(_temp_dir=sys.argv[1], **options)
print("ray", ray.__version__)
rng = np.random.default_rng(0)
put, actor = ray.put(rng), Trials.remote()
found = {
    "argument": ray.get([from_argument.remote(rng) for _ in range(N_TRIALS)]),
    "ray.put": ray.get([from_argument.remote(put) for _ in range(N_TRIALS)]),
    "name": ray.get([from_name.remote() for _ in range(N_TRIALS)]),
    "a child each": ray.get([from_argument.remote(child) for child in np.random.default_rng(0).spawn(N_TRIALS)]),
    "unseeded, equal": ray.get([unseeded.remote(100) for _ in range(N_TRIALS)]),
    "actor": ray.get([actor.trial.remote() for _ in range(N_TRIALS)]),
    "Pool": by_pool(rng),
    "joblib": by_joblib(rng),
}
different = {}
for name, values in found.items():
    counts = np.unique(values, return_counts=True)[1]
    different[name] = counts.size
    print(f"{name:16} {counts.size:3} different numbers, error too small by {np.sqrt(np.sum(counts**2) / N_TRIALS):4.1f}")
ray.shutdown()
assert different["argument"] == different["ray.put"] == 1, "changed: an argument is not copied for each call"
for name in ["name", "Pool", "joblib"]:
    assert 1 < different[name] < 0.8 * N_TRIALS, f"changed: {name}"
for name in ["a child each", "unseeded, equal", "actor"]:
    assert different[name] == N_TRIALS, f"changed: {name} repeats numbers"
PY
RAY_USAGE_STATS_ENABLED=0 "$folder/venv/bin/python" "$folder/trials.py" "$folder/ray" # no figures of use are sent
echo "as found"
