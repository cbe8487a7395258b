"""Serve MathJax from the book itself, with only the files a page may load.

The package sphinx-mathjax-offline holds all of MathJax 3 (24 MB); a page needs the TeX component, its fonts and
the TeX extensions that load on demand.
"""

import importlib.util
import shutil
from pathlib import Path

PARTS = ["tex-chtml.js", "output/chtml/fonts", "input/tex/extensions"]


def copy_mathjax(app, exception):
    if exception is not None or app.builder.format != "html":
        return
    package = Path(importlib.util.find_spec("sphinx-mathjax-offline").origin).parent
    source, target = package / "static" / "mathjax", Path(app.outdir) / "_static" / "mathjax"
    for part in PARTS:
        (target / part).parent.mkdir(parents=True, exist_ok=True)
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part, dirs_exist_ok=True)
        else:
            shutil.copyfile(source / part, target / part)


def setup(app):
    app.connect("build-finished", copy_mathjax)
    app.config.mathjax_path = "mathjax/tex-chtml.js"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
