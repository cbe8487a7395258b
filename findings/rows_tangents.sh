#!/usr/bin/env bash
# The rows of the page "Tools of the trade" on neural-tangents 0.6.5.
#
# Prints the figures of these rows, and fails if one has changed. The package asks for JAX 0.4.16 or later and tf2jax 0.3.5 or
# later, and does not import with the newest of either.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet neural-tangents==0.6.5 tensorflow==2.21.0 jax==0.5.3 jaxlib==0.5.3 tf2jax==0.3.6 \
  numpy==2.4.6 scipy==1.17.1
export TF_CPP_MIN_LOG_LEVEL=3 # it imports TensorFlow, which tells of the processor
"$folder/venv/bin/python" -B "$here/rows_tangents.py"
"$folder/venv/bin/pip" install --quiet jax==0.10.2 jaxlib==0.10.2
"$folder/venv/bin/python" -c "import neural_tangents" 2>"$folder/said" && { echo "changed: it imports with JAX 0.10.2"; exit 1; }
echo "with JAX 0.10.2: $(tail -1 "$folder/said" | sed 's/ (.*//')"
grep -q "cannot import name 'Jaxpr' from 'jax.core'" "$folder/said" || { echo "changed: another error"; exit 1; }
echo "as found"
