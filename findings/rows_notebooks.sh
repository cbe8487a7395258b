#!/usr/bin/env bash
# The figures of those rows of book/tools.md on executors, tables, exports and notebooks that have no script here.
#
# Prints the figures of these rows, and fails if one has changed. Some 30 s of computing on a free core, besides the installation.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 polars==2.1.0 dask==2026.8.0 \
  joblib==1.6.0 skl2onnx==1.20.0 onnx==1.23.2 onnxruntime==1.32.0 array-api-strict==2.6.1 papermill==2.7.0 nbval==0.11.0 \
  nbclient==0.11.0 nbformat==5.11.1 jupytext==1.19.6 ipykernel==7.4.0 ipywidgets==8.1.9 anywidget==0.11.0 pytest==9.2.0
export IPYTHONDIR="$folder/ipython" PATH="$folder/venv/bin:$PATH" SCIPY_ARRAY_API=1
mkdir -p "$IPYTHONDIR/profile_default"
echo "c.IPKernelApp.log_level = 40" >"$IPYTHONDIR/profile_default/ipython_kernel_config.py" # else it warns at every start
cd "$folder"
python -B "$here/rows_notebooks.py"
echo "as found"
