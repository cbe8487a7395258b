#!/usr/bin/env bash
# The row of the page "Tools of the trade" on KeOps 2.3.
#
# Prints its figures, and fails if one has changed. KeOps compiles its formulas: it needs a C++ compiler.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pykeops==2.3 keopscore==2.3 numpy==2.4.6
export HOME="$folder" # KeOps keeps there what it has compiled
"$folder/venv/bin/python" -B "$here/rows_keops.py"
echo "as found"
