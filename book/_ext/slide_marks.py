"""Leave the marks of slides out of the pages: comments that say what goes on a slide; see tools/slides.py.

The page is then, to the letter, what it would be without them: of a notebook's file, whose text stands line by line,
a line that is a comment goes as a whole, for an empty one could end a list.
"""

import re

COMMENT = re.compile(r'^\s*"<!--.*?-->\\n",\n|<!--.*?-->', flags=re.M)


def drop_comments(app, docname, source):
    source[0] = COMMENT.sub("", source[0])


def setup(app):
    app.connect("source-read", drop_comments)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
