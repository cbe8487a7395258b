#!/usr/bin/env bash
# The rows of the page "Tools of the trade" on PyTorch 2.14.1, GPyTorch 1.15.2 and weightwatcher 0.7.7.
#
# Prints the figures of these rows, and fails if one has changed. It needs two minutes of computing, but PyTorch comes with
# 3 GB of packages, whose installation may take longer than that.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.14.1 gpytorch==1.15.2 linear_operator==0.6.1 weightwatcher==0.7.7 \
  powerlaw==2.0.0 numpy==2.4.6 scipy==1.17.1
cd "$folder"
OMP_NUM_THREADS=1 "$folder/venv/bin/python" "$here/rows_torch.py"
echo "as found"
