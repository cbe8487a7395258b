"""Keep the interactive figures of the book alive without a kernel, and a picture where there is no script either.

Such an output has several forms: a widget, a picture, and an element for the page's scripts. myst-nb would show one of
them. Here the page gets the picture and, in the same figure, the element; the scripts put one in the place of the
other. The state of the widgets, which nothing in the page could use, is left out.
"""

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

SCRIPTS = ["solver.js", "drawing.js", "explorers.js"]
MARK = 'class="explorer"'


class ShowPictureAndElement(SphinxPostTransform):
    default_priority = 3  # before myst-nb chooses
    formats = ("html",)

    def run(self, **kwargs):
        for bundle in list(self.document.findall(nodes.container)):
            if bundle.get("nb_element") != "mime_bundle":
                continue
            forms = {form["mime_type"]: form.children for form in bundle.children}
            elements = forms.get("text/html", [])
            if MARK in "".join(element.astext() for element in elements):
                for element in elements:
                    element["classes"] = []  # not styled as the output of a cell
                bundle.replace_self([*forms["image/png"], *elements])


def add_scripts(app, pagename, templatename, context, doctree):
    """The scripts and their style sheet, on pages with an interactive figure."""
    if doctree is not None and any(MARK in node.astext() for node in doctree.findall(nodes.raw)):
        for script in SCRIPTS:
            app.add_js_file(script, loading_method="defer")
        app.add_css_file("explorers.css")


def drop_widget_state(app, pagename, templatename, context, doctree):
    def is_state(script):
        return "widget-state" in str(getattr(script, "attributes", {}).get("type"))

    context["script_files"] = [script for script in context["script_files"] if not is_state(script)]


def setup(app):
    app.add_post_transform(ShowPictureAndElement)
    app.connect("html-page-context", add_scripts)
    app.connect("html-page-context", drop_widget_state, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
