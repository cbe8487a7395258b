#!/usr/bin/env bash
# joblib 1.6.0: with a Generator as argument, Memory gives one experiment when it computes and another when it remembers.
#
# A cached function draws from the `rng` that it is given. Memory finds a call by the arguments' content, and the state of
# a Generator is its content; so far all is well. But a call that is found does not draw, and leaves the state as it is.
#   expected: the second run of a seeded script to give the numbers of the first
#   seen:     first run: four trials, four results. Second run: the first trial is found, the generator stands still, so
#             trials two to four are found as the first one, too: four equal results. The error bar is zero, and whatever
#             is drawn after the trials is other than before
# Why it matters: the first run is right, so one trusts the script; the figure made again from the cache is the wrong one.
# The guide says, where it speaks of methods, that Memory is for pure functions; of generators it says nothing. Hand in a
# seed and make the Generator inside.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet joblib==1.6.0 numpy==2.4.6
cd "$folder"
cat >script.py <<'PY'
import joblib
import numpy as np

memory = joblib.Memory("cache", verbose=0)


@memory.cache
def trial(n_samples, rng):
    return rng.standard_normal(n_samples).mean()


@memory.cache
def trial_with_own(n_samples, seed):
    return np.random.default_rng(seed).standard_normal(n_samples).mean()


rng = np.random.default_rng(0)
means = [trial(100, rng) for _ in range(4)]
print(f"one Generator: {np.round(means, 3)} error {np.std(means) / 2:.3f} next draw {rng.standard_normal():.3f}")
own = [trial_with_own(100, seed) for seed in range(4)]
print(f"a seed each:   {np.round(own, 3)} error {np.std(own) / 2:.3f}")
PY
venv/bin/python -c 'import joblib; print("joblib", joblib.__version__)'
for run in first second; do
    venv/bin/python script.py >"$run.txt"
    echo "$run run"
    cat "$run.txt"
done
grep -q "one Generator: .* error 0.000" first.txt && { echo "the first run has no spread: the script is at fault"; exit 1; }
grep -q "one Generator: .* error 0.000" second.txt || { echo "changed: the second run has a spread"; exit 1; }
[ "$(tail -1 first.txt)" = "$(tail -1 second.txt)" ] || { echo "changed: seeds do not help"; exit 1; }
echo "as found"
