"""Look up once what Sphinx and pybtex look up at every reference: half of the time in which pages are written.

For the number of a figure Sphinx 7.4 reads the whole page on which it stands from the disk, and for the style of a
citation pybtex 0.26 looks through all installed packages.
"""

from functools import cache

import pybtex.plugin
from sphinx.domains.std import StandardDomain


class PagesReadOnce:
    """The environment of a build, for those who only look at pages."""

    def __init__(self, env):
        self.env, self.get_doctree = env, cache(env.get_doctree)

    def __getattr__(self, name):
        return getattr(self.env, name)


class NumberedReferences(StandardDomain):
    pages = None  # of the environment, once all are read

    def resolve_xref(self, env, *args):
        if self.pages is None:
            self.pages = PagesReadOnce(env)
        return super().resolve_xref(self.pages, *args)


def setup(app):
    pybtex.plugin.entry_points = cache(pybtex.plugin.entry_points)
    app.add_domain(NumberedReferences, override=True)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
