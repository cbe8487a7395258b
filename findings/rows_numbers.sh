#!/usr/bin/env bash
# The rows of the page "Tools of the trade" on linear algebra, spectra and kernels that have no script of their own.
#
# Prints the figures of these rows, and fails if one has changed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet scikit-learn==1.9.1 numpy==2.4.6 scipy==1.17.1
OPENBLAS_NUM_THREADS=1 "$folder/venv/bin/python" -B "$here/rows_numbers.py"
echo "as found"
