#!/usr/bin/env bash
# The rows of the page "Tools of the trade" on PyTorch 2.14.1 and weightwatcher 0.7.7 that have no script of their own.
#
# Prints the figures of these rows, and fails if one has changed. Most of its time is the installation: PyTorch comes with
# 3 GB of packages.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 weightwatcher==0.7.7 powerlaw==2.0.0 numpy==2.4.6 \
  scipy==1.17.1
export HOME="$folder" # matplotlib writes a list of fonts there
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" -B "$here/rows_torch.py"
echo "as found"
