"""Settings shared by every test file, and a browser for those that look at the built book."""

import functools
import gc
import http.server
import importlib
import os
import shutil
import threading
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the matrices are small, and xdist already fills the cores
os.environ.pop("MPLBACKEND", None)  # some clusters and containers set one, and notebooks then show no figure

import pytest
from _ext.kernel_ports import use_own_ports
from hypothesis import settings

use_own_ports()  # several workers start kernels

settings.register_profile("course", derandomize=True, deadline=None, max_examples=60, database=None)
settings.load_profile("course")

HTML = Path(__file__).parents[1] / "_build" / "html"
IN_VIEW = """figure => {  // its upper edge
  const {left, top, width} = figure.getBoundingClientRect(), at = document.elementFromPoint(left + width / 2, top + 30);
  return top > -1 && top + 30 < innerHeight && figure.contains(at);
}"""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def pytest_collection_finish():
    gc.freeze()  # thousands of tests stay to the end: to look through them again and again takes a tenth of the time


@pytest.fixture(scope="module")
def tool():
    """A function that imports a program from tools/, which is no part of the library; they read the book once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(HTML.parents[1] / "tools"))
        book = importlib.import_module("plain_notebooks").Book
        patch.setattr(book, "read", functools.cache(book.read))
        yield importlib.import_module


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def address():
    """Where the built book is served."""
    handler = functools.partial(Quiet, directory=str(HTML))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def profile():
    """One browser; a function for its profiles, one for each set of options."""
    from playwright.sync_api import sync_playwright

    names = "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"  # the first works a fifth less
    program = next(filter(None, map(shutil.which, names)), None)
    assert program, "no Chromium: install the package 'chromium-headless-shell' or 'chromium'"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)

        @functools.cache
        def profile_(**options):
            options = {name: list(value) if isinstance(value, tuple) else value for name, value in options.items()}
            return browser.new_context(**options)

        yield profile_
        browser.close()


@pytest.fixture(scope="module")
def new_tab(profile, address):
    """A function that opens a page in a tab; what the browser complains of is in `tab.said`.

    Without typesetting its formulas a long page is there in a fraction of the time. A tab that was left is taken again:
    to make one costs as much as to load a page.
    """
    tabs = []

    def make(kind, root, typeset, options):
        tab = profile(**options).new_page()
        if not typeset:
            tab.route("**/mathjax/**", lambda route: route.fulfill(body="", content_type="text/javascript"))
        tab.kind, tab.said = kind, (said := [])
        tab.on("console", lambda m: said.append(f"console: {m.text}") if m.type == "error" else None)
        tab.on("pageerror", lambda error: said.append(f"script error: {error}"))
        tab.on("requestfailed", lambda r: said.append(f"failed request: {r.url}"))
        tab.on("response", lambda r: said.append(f"status {r.status}: {r.url}") if r.status >= 400 else None)
        local = (root, "data:", "blob:", "about:")
        tab.on("request", lambda r: None if r.url.startswith(local) else said.append(f"request elsewhere: {r.url}"))
        tabs.append(tab)
        return tab

    def new_tab_(page, width=1400, scheme="light", height=900, root=address, typeset=True, **options):
        kind = root, typeset, options
        left = (tab for tab in tabs if tab.url == "about:blank" and tab.kind == kind and not tab.is_closed())
        tab = next(left, None) or make(kind, root, typeset, options)
        tab.said.clear()
        tab.set_viewport_size({"width": width, "height": height})
        tab.emulate_media(media="null", color_scheme=scheme, reduced_motion="reduce")  # so it need not glide there
        tab.goto(root + page)
        return tab

    return new_tab_


def leave(tab):
    """Leave a tab for the next page."""
    tab.goto("about:blank")


@pytest.fixture
def open_tab(new_tab):
    """The same for one test: leaves its tabs, in which nothing may have been said."""
    tabs = []

    def open_tab_(*args, **options):
        tabs.append(new_tab(*args, **options))
        return tabs[-1]

    yield open_tab_
    said = [text for tab in tabs for text in tab.said]
    for tab in tabs:
        leave(tab)
    assert not said, "\n".join(said)
