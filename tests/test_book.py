"""The built book in a real browser: needs `make book` and Chromium. Nothing here is ever skipped."""

import functools
import re
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import pytest
from conftest import HTML

pytestmark = pytest.mark.browser

PAGES = sorted(str(p.relative_to(HTML)) for p in (HTML / "book").rglob("*.html"))
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


@pytest.fixture
def page(request):
    assert request.param, f"no page under {HTML / 'book'}: run 'make book' first"
    return request.param


def each_page(test):
    return pytest.mark.parametrize("page", PAGES or [None], indirect=True)(test)


@pytest.fixture
def open_page(open_tab, page):
    """Open the page in a tab that is closed afterwards."""
    return functools.partial(open_tab, page)


@each_page
@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_page_is_typeset_complete_and_fits(open_page, width, scheme):
    tab = open_page(width, scheme)
    seen = tab.evaluate(INSPECT)
    assert tab.evaluate("document.documentElement.dataset.theme") == scheme
    markup = [seen["text"][max(0, m.start() - 40) : m.end() + 40] for m in RAW_MARKUP.finditer(seen["text"])]
    complaints = [*seen["found"], *(f"raw markup: {text!r}" for text in markup)]
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
