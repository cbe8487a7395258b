"""Leave the marks of slides out of the pages: comments that say what goes on a slide; see tools/slides.py."""

import re

COMMENT = re.compile(r"<!--.*?-->")


def drop_comments(app, docname, source):
    source[0] = COMMENT.sub("", source[0])


def setup(app):
    app.connect("source-read", drop_comments)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
