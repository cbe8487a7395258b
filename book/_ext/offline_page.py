"""Make every page of the book work without a network, and without a script error.

MathJax is served from the book itself: the package sphinx-mathjax-offline holds all of MathJax 3 (24 MB), of which
a page needs the TeX component, its fonts and the TeX extensions that load on demand. The scripts of sphinx-thebe,
which Jupyter Book adds although live code is off, declare the same constant twice; they are left out.
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


def drop_thebe(app, pagename, templatename, context, doctree):
    def is_thebe(script):
        body = script.attributes.get("body") or ""
        return "thebe" in str(script.filename or "") or "THEBE" in body or "thebe" in body

    context["script_files"] = [s for s in context["script_files"] if not (hasattr(s, "attributes") and is_thebe(s))]


def setup(app):
    app.connect("build-finished", copy_mathjax)
    app.connect("html-page-context", drop_thebe, priority=900)
    app.config.mathjax_path = "mathjax/tex-chtml.js"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
