#!/usr/bin/env bash
# scikit-learn 1.9.1 with xarray 2026.9.0: a DataArray is taken, cut and handed on, and its labels are not looked at.
#
# pandas and polars tables carry names of columns, and scikit-learn refuses a table whose columns stand in another order
# than in `fit`. xarray is made for labels, too: it aligns by them in every operation of its own.
#   expected: the labels compared as for a table, or the DataArray refused, as a Dataset is
#   seen:     the DataArray is fitted; `train_test_split` returns DataArrays again, labels and all; and `predict` takes
#             features in another order, and a target with its samples in another order, by position, without a word. On
#             a linear target without noise the coefficients are exact, and the predictions worse than their mean
# Why it matters: results of a sweep live in xarray because it keeps the order straight. One `sel`, `sortby` or `groupby`
# on the way, and the model sees other features than it was fitted to. Say `.to_pandas()` at the border: then the
# features' order is compared. (The order of the samples is not, from pandas either: align first.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-learn==1.9.1 xarray==2026.9.0 pandas==3.1.1 polars==2.1.0 numpy==2.4.6 \
  scipy==1.17.1
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import polars
import sklearn
import xarray
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split

print("scikit-learn", sklearn.__version__, "xarray", xarray.__version__)
names = ["log_n", "log_d", "log_width"]
values = np.random.default_rng(0).standard_normal((60, 3))
data = xarray.DataArray(values, dims=("run", "feature"), coords={"run": np.arange(60), "feature": names})
target = data @ xarray.DataArray([1.0, 2.0, -3.0], dims="feature", coords={"feature": names})

train, test, y_train, y_test = train_test_split(data, target, random_state=0)
assert type(test) is xarray.DataArray and list(test.feature.values) == names, "changed: the split drops the labels"
model = LinearRegression().fit(train, y_train)
other = test.sel(feature=names[::-1])
assert bool((other == test).all()), "xarray itself finds the two equal, by their labels"
print("coefficients:", np.round(model.coef_, 6))
print(f"R2 on the test set {model.score(test, y_test):.2f}, with its features in another order {model.score(other, y_test):.2f}")
assert model.score(test, y_test) > 0.999999 and model.score(other, y_test) < 0, "changed: the order is noticed"

shuffled = y_train.sortby("run")
assert bool((shuffled == y_train).all()), "xarray itself finds the two equal, by their labels"
moved = LinearRegression().fit(train, shuffled)
print(f"R2 with the target's runs in another order {moved.score(test, y_test):.2f}")
assert moved.score(test, y_test) < 0.5, "changed: the samples are aligned"

for name, table in [("pandas", train.to_pandas()), ("polars", polars.DataFrame(train.values, schema=names))]:
    try:
        LinearRegression().fit(table, y_train.values).predict(table[names[::-1]])
        raise SystemExit(f"changed: {name} columns in another order are taken")
    except ValueError as error:
        print(f"{name}: {str(error).splitlines()[0]}")
try:
    LinearRegression().fit(train.to_dataset("feature"), y_train)
    raise SystemExit("changed: a Dataset is taken")
except TypeError as error:
    print(f"Dataset: {str(error)[:60]}")
PY
echo "as found"
