"""Make every page of the book work without a network, and without a script error.

MathJax is served from the book itself: the package sphinx-mathjax-offline holds all of MathJax 3 (24 MB), of which
a page needs the TeX component, its fonts, the TeX extensions that load on demand, and all that a formula's menu can ask
for, speech included. The scripts of sphinx-thebe, which Jupyter Book adds although live code is off, declare the same
constant twice; they are left out.
"""

import importlib.util
import re
import shutil
from pathlib import Path

from myst_nb.core import render

PARTS = ["tex-chtml.js", "core.js", "loader.js", "startup.js", "input", "output", "a11y", "sre", "ui"]
# sphinx-exercise gives all exercises, and all solutions, of a page the same id
TWICE = re.compile(r' id="(?:exercise|solution)-content"')


merge_streams = render.coalesce_streams


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


def publish_all(app, exception):
    """On some hosts a folder whose name begins with an underscore is left out, unless this file is there."""
    if exception is None and app.builder.format == "html":
        (Path(app.outdir) / ".nojekyll").touch()


def drop_repeated_ids(app, pagename, templatename, context, doctree):
    if "body" in context:
        context["body"] = TWICE.sub("", context["body"])


def join_streams(outputs):
    """Join what a cell prints, piece by piece, as it was printed; myst-nb ends a line after each piece."""
    joined, first = [], {}
    for output in outputs or []:
        name = output.get("name") if output["output_type"] == "stream" else None
        if name in first:
            first[name]["text"] += output["text"]
            continue
        joined.append(output)
        if name:
            first[name] = output
    return merge_streams(joined)


def drop_thebe(app, pagename, templatename, context, doctree):
    def is_thebe(script):
        body = script.attributes.get("body") or ""
        return "thebe" in str(script.filename or "") or "THEBE" in body or "thebe" in body

    context["script_files"] = [s for s in context["script_files"] if not (hasattr(s, "attributes") and is_thebe(s))]


def setup(app):
    render.coalesce_streams = join_streams
    app.connect("build-finished", copy_mathjax)
    app.connect("build-finished", publish_all)
    app.connect("html-page-context", drop_repeated_ids)
    app.add_js_file("page.js", loading_method="defer", priority=300)  # before MathJax
    app.connect("html-page-context", drop_thebe, priority=900)
    app.config.mathjax_path = "mathjax/tex-chtml.js"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
