"""The built book in a real browser: needs `make book` and Chromium. Nothing here is ever skipped."""

import functools
import http.server
import re
import shutil
import threading
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import sync_playwright

pytestmark = pytest.mark.browser

HTML = Path(__file__).parents[1] / "_build" / "html"
PAGES = sorted(str(p.relative_to(HTML)) for p in (HTML / "book").rglob("*.html"))
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
VIEWS = [(width, scheme) for width in (1400, 400) for scheme in ("light", "dark")]
RAW_MARKUP = re.compile(r"```|:::|\{[\w:-]+\}`|\\(?:begin|ref|eqref|label|cite)\{|\\[(\[]|\$\$|\?\?\?")

# Runs in the page once it has loaded; returns what a reader would stumble over.
INSPECT = """async () => {
  const found = [], all = (s, root = document) => [...root.querySelectorAll(s)];
  const say = (what, items, text) => items.forEach(e => found.push(what + ': ' + text(e).slice(0, 120)));
  const outer = e => e.outerHTML, article = document.querySelector('article') || document.body;
  if (all('.math').length) {
    if (!window.MathJax?.startup?.promise) return {found: ['MathJax is not loaded'], text: ''};
    await MathJax.startup.promise;
  }
  await document.fonts.ready;
  say('formula not typeset', all('.math').filter(e => !e.querySelector('mjx-container')), outer);
  const wrong = 'mjx-merror, mjx-mtext[style*="red"]';  // red: a macro that nobody defined
  say('error in a formula', all('.math').filter(e => e.querySelector(wrong) || /\\?{3}/.test(e.textContent)), outer);

  const width = document.documentElement.clientWidth;
  const over = document.documentElement.scrollWidth - width;
  if (over > 1) found.push(`the page scrolls sideways by ${over} px`);
  const scrolls = e => e != article && (/auto|scroll/.test(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
  const isOut = box => box.left < -1 || box.right > width + 1;
  say('formula runs off the page', all('mjx-math', article).filter(
    e => e.checkVisibility() && isOut(e.getBoundingClientRect()) && !scrolls(e)), outer);

  say('image does not load', all('img').filter(e => !e.complete || !e.naturalWidth), outer);
  say('image without alt text', all('img').filter(e => !e.alt.trim()), outer);
  say('figure without caption', all('figure', article).filter(
    e => !e.querySelector('figcaption')?.textContent.trim()), outer);

  const titles = all('h1').filter(e => e.checkVisibility());
  if (titles.length != 1) found.push(`${titles.length} main headings`);
  const walker = document.createTreeWalker(article, NodeFilter.SHOW_TEXT), texts = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!node.parentElement.closest('pre, code, script, style, .math')) texts.push(node.data);
  }
  return {found, text: texts.join('')};
}"""


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
def contexts():
    """One browser, one profile per width and colour scheme."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert program, "no Chromium: install the package 'chromium'"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield {
            (width, scheme): browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
            for width, scheme in VIEWS
        }
        browser.close()


@pytest.fixture
def page(request):
    assert request.param, f"no page under {HTML / 'book'}: run 'make book' first"
    return request.param


def each_page(test):
    return pytest.mark.parametrize("page", PAGES or [None], indirect=True)(test)


@pytest.fixture
def open_page(contexts, address, page):
    """Open the page in a tab that is closed afterwards; what the browser complains of is in `tab.said`."""
    tabs = []

    def open_(width, scheme):
        tab = contexts[width, scheme].new_page()
        tabs.append(tab)
        tab.said = said = []
        tab.on("console", lambda m: said.append(f"console: {m.text}") if m.type == "error" else None)
        tab.on("pageerror", lambda error: said.append(f"script error: {error}"))
        tab.on("requestfailed", lambda r: said.append(f"failed request: {r.url}"))
        tab.on("response", lambda r: said.append(f"status {r.status}: {r.url}") if r.status >= 400 else None)
        local = (address, "data:", "blob:")
        tab.on("request", lambda r: None if r.url.startswith(local) else said.append(f"request elsewhere: {r.url}"))
        tab.goto(address + page)
        return tab

    yield open_
    for tab in tabs:
        tab.close()


@each_page
@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_page_is_typeset_complete_and_fits(open_page, width, scheme):
    tab = open_page(width, scheme)
    seen = tab.evaluate(INSPECT)
    assert tab.evaluate("document.documentElement.dataset.theme") == scheme
    markup = [seen["text"][max(0, m.start() - 40) : m.end() + 40] for m in RAW_MARKUP.finditer(seen["text"])]
    complaints = [*tab.said, *seen["found"], *(f"raw markup: {text!r}" for text in markup)]
    assert not complaints, "\n".join(complaints)


@each_page
def test_solutions_are_folded_and_open_on_a_click(open_page):
    tab = open_page(400, "light")
    solutions = tab.locator(".solution, .admonition.dropdown").all()
    for solution in solutions:
        assert "toggle-hidden" in solution.get_attribute("class").split(), f"open: {solution.inner_text()[:80]}"
        assert not solution.locator("> :not(.admonition-title)").first.is_visible()
    for solution in solutions:
        solution.locator("> .admonition-title").click()
        content = solution.locator("> :not(.admonition-title)").first
        content.wait_for(state="visible", timeout=2000)
        assert content.bounding_box()["height"] > 5
    assert not tab.said, "\n".join(tab.said)


class Links(HTMLParser):
    """The ids of a page and what it points to."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.targets = {"", "top"}, []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids |= {attrs.get("id"), attrs.get("name") if tag == "a" else None}
        self.targets += [attrs[key] for key in ("href", "src") if attrs.get(key)]


parse = functools.cache(Links)


@each_page
def test_links_lead_somewhere(page):
    here, broken = HTML / page, []
    for target in parse(here).targets:
        link = urlsplit(target)
        if link.scheme or link.netloc:
            continue
        file = (here.parent / unquote(link.path)).resolve() if link.path else here
        file = file / "index.html" if file.is_dir() else file
        if not file.is_file() or (file.suffix == ".html" and unquote(link.fragment) not in parse(file).ids):
            broken.append(target)
    assert not broken, "dead links: " + ", ".join(broken)
