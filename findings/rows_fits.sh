#!/usr/bin/env bash
# The figures of those rows of book/tools.md on fits and intervals that have no script here.
#
# Prints the figures of these rows, and fails if one has changed. Some 60 s of computing on a free core, besides the installation.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 scipy==1.17.1 scikit-learn==1.9.1 lmfit==1.3.4 iminuit==2.33.0 \
  optuna==5.0.0 statsmodels==0.15.0 arch==8.0.0 pandas==3.1.1 xarray==2026.9.0
cd "$folder"
"$folder/venv/bin/python" -B "$here/rows_fits.py"
echo "as found"
