#!/usr/bin/env bash
# myst-nb 1.4.0: nb_merge_streams promises one stream, the same in every run, and ends a line after every piece.
#
# A kernel sends what a cell prints in pieces, cut by a timer. One line printed in two calls can so arrive as one piece
# or as two. Merged, the same cell gives "R agrees: True" or "R" and " agrees: True" on two lines, and blank lines between
# pieces vanish.
#   expected: pieces joined as they were printed, whatever the cuts, as nbclient's coalesce_streams does
#   seen:     a line break after every piece
# Why it matters: a page of an executable book is not the same twice, a table breaks at random, and a comparison of stored
# outputs (nbval merges by joining) does not notice. The course joins the pieces of a cell before myst-nb sees them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet myst-nb==1.4.0 nbclient==0.11.0 nbformat==5.10.4
"$folder/venv/bin/python" - <<'PY'
from importlib.metadata import version

from myst_nb.core.utils import coalesce_streams
from nbformat.v4 import new_output


def page(pieces):
    outputs = [new_output("stream", name="stdout", text=text) for text in pieces]
    return coalesce_streams(outputs)[0]["text"]


whole = page(["R agrees: True\n"])
cut = page(["R", " agrees: True\n"])
blank = page(["head\n", "\n\n", "tail\n"])
print("myst-nb", version("myst-nb"))
print("printed in one piece: ", repr(whole))
print("the same in two:      ", repr(cut))
print("two blank lines apart:", repr(blank))
assert whole == "R agrees: True\n"
assert cut == "R\n agrees: True\n", "changed: pieces are joined now"
assert blank == "head\ntail\n", "changed: blank lines stay now"
PY
echo "as found"
