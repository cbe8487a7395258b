#!/usr/bin/env bash
# Sphinx 7.4.7 and 9.0.4: for every reference to a numbered figure the whole page on which it stands is read from the
# disk and unpickled again; and pybtex 0.26.1 searches all installed packages at every citation.
#
# A book is built whose one page has a figure, and whose other page names that figure, and a paper, N times.
#   expected: the page of the figure read once or a few times, and the style of citations looked up once
#   seen:     N times more often: N = 40 and N = 80 differ by 40 readings of the figure's page (41 and 81; from
#             _resolve_numref_xref, which calls env.get_doctree), and by 38 searches (48 and 86)
# Both happen where pages are resolved, which a parallel build does in one process while the others wait. In a profile of
# this book's writing, 324 such references took 17 of 53 seconds, and 281 look-ups of a style 7.
# Why it matters: an executed book is edited by writing it again and again. Cache both, as book/_ext/fast_references.py.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat > "$folder/count.py" <<'PY'
import sys
from pathlib import Path

import pybtex.plugin
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


def build(folder, times):
    """Readings of the figure's page, and searches through the packages, of a build with so many references."""
    source = Path(folder) / str(times)
    source.mkdir()
    extensions = ["sphinxcontrib.bibtex"]
    (source / "conf.py").write_text(f"extensions = {extensions}\nnumfig = True\nbibtex_bibfiles = ['a.bib']\n")
    (source / "a.bib").write_text("@article{one, author={A. Author}, title={T}, journal={J}, year={2000}}\n")
    (source / "index.rst").write_text("Book\n====\n\n.. toctree::\n\n   figures\n   text\n")
    (source / "figures.rst").write_text("Figures\n=======\n\n.. _curve:\n\n.. figure:: a.png\n\n   A curve.\n")
    (source / "a.png").write_bytes(b"")
    sentences = "\n".join(["See :numref:`curve` and :cite:`one`."] * times)
    (source / "text.rst").write_text(f"Text\n====\n\n{sentences}\n\n.. bibliography::\n")
    counts = {"pages": 0, "packages": 0}
    read, search = BuildEnvironment.get_doctree, pybtex.plugin.entry_points

    def counted_read(self, name):
        counts["pages"] += name == "figures"
        return read(self, name)

    def counted_search(**what):
        counts["packages"] += 1
        return search(**what)

    BuildEnvironment.get_doctree, pybtex.plugin.entry_points = counted_read, counted_search
    target = source / "built"
    Sphinx(source, source, target, target / "trees", "html", status=None, warning=None).build()
    BuildEnvironment.get_doctree, pybtex.plugin.entry_points = read, search
    return counts


few, many = build(sys.argv[1], 40), build(sys.argv[1], 80)
print(few, many)
assert many["pages"] - few["pages"] == 40, "the page is no longer read at every reference"
assert many["packages"] - few["packages"] > 30, "the packages are no longer searched at every citation"
PY
for version in 7.4.7 9.0.4; do
  python3 -m venv "$folder/$version"
  "$folder/$version/bin/pip" install --quiet sphinx==$version sphinxcontrib-bibtex==2.7.0 pybtex==0.26.1
  mkdir "$folder/$version-books"
  echo "Sphinx $version, 40 and 80 references:"
  "$folder/$version/bin/python" "$folder/count.py" "$folder/$version-books"
done
