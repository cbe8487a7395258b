"""The built book in a real browser: needs `make book` and Chromium. Nothing here is ever skipped."""

import functools
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest
from bs4 import BeautifulSoup
from conftest import HTML, IN_VIEW, leave

pytestmark = pytest.mark.browser

PAGES = sorted(str(p.relative_to(HTML)) for p in (HTML / "book").rglob("*.html"))
VIEWS = [(400, "light"), (1200, "light"), (1400, "light"), (1400, "dark"), (1200, "dark"), (400, "dark")]
EXPLORER = re.compile(r'data-explorer="{&quot;name&quot;: &quot;(\w+)')
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

  // what is wider than its box must be seen to scroll; a boxed result is never
  const shown = e => e.checkVisibility() && e.clientWidth > 0;
  const isCut = e => e.scrollWidth > e.clientWidth + 1;
  const boxes = all('div.math mjx-container, pre, table', article).filter(e => shown(e) && isCut(e));
  say('cut off without a sign', boxes.filter(e => !e.classList.contains('scrolls') || e.tabIndex != 0), outer);
  const framed = 'mjx-menclose, mjx-mstyle[style*="border"]';
  say('boxed result is cut off', boxes.filter(e => e.querySelector(framed)), outer);
  const middle = e => { const box = e.getBoundingClientRect(); return (box.top + box.bottom) / 2; };
  say('number of an equation is not beside it', all('div.math .eqno', article).filter(e => shown(e)
    && Math.abs(middle(e) - middle(e.parentElement)) > e.parentElement.clientHeight / 2), outer);

  // one picture of a figure shows, drawn for this theme and width, with its own colours
  for (const figure of all('figure', article).filter(e => e.querySelector('picture') && !e.querySelector('svg'))) {
    const images = all('img', figure).filter(shown), dark = document.documentElement.dataset.theme == 'dark';
    if (images.length != 1) { found.push(`${images.length} pictures in ${figure.id}`); continue; }
    const image = images[0], file = image.currentSrc.split('/').at(-1), style = getComputedStyle(image);
    if (/-dark[.]png$/.test(file) != dark) found.push(`${figure.id} shows ${file}`);
    if (style.filter != 'none') found.push(`${figure.id} is filtered: ${style.filter}`);
    const sheet = style.backgroundColor;
    if (dark && sheet != "rgba(0, 0, 0, 0)") found.push(`${figure.id} lies on ${sheet}`);
    const stacks = figure.querySelector('source');
    if (stacks && /-narrow/.test(file) != (innerWidth <= 640)) found.push(`${figure.id} at ${innerWidth}: ${file}`);
    const words = figure.querySelector('figcaption').innerText, beside = /\\b(Left|Right):/, below = /\\b(Top|Bottom):/;
    if (stacks && (innerWidth <= 640 ? beside : below).test(words)) found.push(`caption of ${figure.id}: ${words}`);
    const scale = image.getBoundingClientRect().width / (image.naturalWidth / (stacks && innerWidth <= 640 ? 1 : 2));
    if (scale < 0.5) found.push(`${figure.id} is drawn at ${scale.toFixed(2)} of its size`);
  }
  const ids = all('[id]').map(e => e.id).filter(id => !/^(MJX|mjx)/.test(id));
  const twice = ids.filter((id, i) => ids.indexOf(id) != i);
  if (twice.length) found.push('ids twice: ' + [...new Set(twice)]);

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


SETTLED = """async () => {  // formulas and pictures have taken the width that the window has now
  const article = document.querySelector('article') ?? document.body, {dataset} = document.documentElement;
  for (let still = 0, width; still < 5; still = article.clientWidth === width ? still + 1 : 0) {  // bars slide in
    width = article.clientWidth;
    await new Promise(requestAnimationFrame);
  }
  while (window.MathJax?.startup && dataset.fitted != article.clientWidth) await new Promise(requestAnimationFrame);
  await Promise.all([...document.images].map(image => image.decode().catch(() => 0)));
}"""


UNFOLD = """() => {  // what is folded must fit too
  document.querySelectorAll('.toggle-hidden').forEach(e => e.classList.remove('toggle-hidden'));
  document.querySelectorAll('details').forEach(e => { e.open = true; });
}"""


OPEN_SOLUTIONS = """() => {  // each must be folded, its title in reach of a click, and open then
  const found = [], all = (s, root = document) => [...root.querySelectorAll(s)];
  for (const solution of all('.solution, .admonition.dropdown')) {
    const title = solution.querySelector(':scope > .admonition-title');
    const content = solution.querySelector(':scope > :not(.admonition-title)');
    const complain = what => found.push(`${what}: ${solution.textContent.trim().slice(0, 80)}`);
    if (!solution.classList.contains('toggle-hidden') || content.checkVisibility({visibilityProperty: true})) {
      complain('open');
    }
    title.scrollIntoView({block: 'center', behavior: 'instant'});
    const box = title.getBoundingClientRect();
    const hit = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    if (!title.contains(hit)) complain('covered');
    hit?.click();
    if (!content.checkVisibility() || content.getBoundingClientRect().height < 5) complain('does not open');
  }
  scrollTo({top: 0, behavior: 'instant'});
  return found;
}"""


@each_page
def test_page_folds_solutions_is_typeset_complete_and_fits_at_all_widths_and_in_both_themes(open_tab, page):
    """A page is opened at the address of its explorer, if it has one: among typeset formulas the figure is in view."""
    explorer, [(width, scheme), *_] = EXPLORER.search((HTML / page).read_text(encoding="utf-8")), VIEWS
    tab = open_tab(f"{page}#{explorer[1]}?" if explorer else page, width, scheme, height=160 if explorer else 900)
    tab.add_style_tag(content="* { transition: none !important }")  # so bars need not slide in
    tab.evaluate(SETTLED)
    complaints = []
    if explorer and not tab.locator("figure", has=tab.locator(".explorer")).first.evaluate(IN_VIEW):
        complaints += ["the figure of the page's address is not in view"]
    tab.set_viewport_size({"width": width, "height": 900})
    complaints += tab.evaluate(OPEN_SOLUTIONS)
    tab.evaluate(UNFOLD)
    for (_, before), (width, scheme) in pairwise([VIEWS[0], *VIEWS]):
        tab.set_viewport_size({"width": width, "height": 900})
        if scheme != before:  # the browser would work as long on the theme that it has
            tab.emulate_media(color_scheme=scheme)
        tab.wait_for_function("scheme => document.documentElement.dataset.theme === scheme", arg=scheme)
        tab.evaluate(SETTLED)
        seen = tab.evaluate(INSPECT)
        complaints += [f"{width} {scheme}: {text}" for text in seen["found"]]
    markup = [seen["text"][max(0, m.start() - 40) : m.end() + 40] for m in RAW_MARKUP.finditer(seen["text"])]
    complaints += [f"raw markup: {text!r}" for text in markup]
    assert not complaints, "\n".join(complaints)


@each_page
def test_figures_equations_and_exercises_number_by_chapter(page):
    chapter = re.match(r"book/(\d\d)_", page)
    text = (HTML / page).read_text(encoding="utf-8")
    article = text[text.index("<article") : text.index("</article>")]
    numbers = re.findall(r'class="caption-number">(?:Figure|Table) ([\w.]+)', article)
    numbers += re.findall(r'class="eqno">\(([\w.]+)\)', article)
    numbers += re.findall(r'class="caption-number">Exercise ([\w.]+)', article)
    if chapter:
        assert numbers
        assert {number.split(".")[0] for number in numbers} == {str(int(chapter[1]))}


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


@pytest.mark.xdist_group("links")  # each page is read once
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


CHAPTER = "book/03_generative_model.html"
SHORT = "book/teaching.html"  # a page with a few formulas
TYPESET = """() => {
  const formulas = [...document.querySelectorAll('.math')];
  const done = formulas.length > 20 && formulas.every(e => e.querySelector('mjx-container'));
  return document.readyState == 'complete' && done;
}"""
STORE = "settings => localStorage.setItem('MathJax-Menu-Settings', JSON.stringify(settings))"
FORGET = "localStorage.removeItem('MathJax-Menu-Settings')"


@pytest.fixture(
    scope="module",
    params=[pytest.param(source, marks=pytest.mark.xdist_group(f"menu-{source}")) for source in ("http", "disk")],
)
def short_page(new_tab, address, request):
    tab = new_tab(SHORT, root=address if request.param == "http" else HTML.as_uri() + "/")
    yield tab
    leave(tab)


@pytest.mark.parametrize(
    "settings",
    [
        {"explorer": True, "inTabOrder": True},
        {"collapsible": True},
        {"renderer": "SVG"},
        {"renderer": "NoSuchRenderer"},
        {"assistiveMml": True, "zoom": "Click"},
    ],
    ids=lambda settings: "-".join(settings),
)
def test_no_setting_of_the_formula_menu_takes_the_formulas_away(short_page, settings):
    """A setting is stored, of all pages; after a reload the formulas must be there, or come back by themselves."""
    short_page.evaluate(STORE, settings)
    short_page.reload()
    short_page.wait_for_function(TYPESET)  # a page that repairs itself loads once more
    short_page.evaluate(FORGET)


def test_equations_can_be_spoken_over_http(open_tab, address):
    tab = open_tab("genindex.html")
    tab.evaluate(STORE, {"explorer": True, "speech": True})
    tab.goto(address + SHORT)
    tab.wait_for_function("document.querySelector('mjx-container [data-semantic-speech], mjx-container[aria-label]')")
    tab.evaluate(FORGET)
    tab.said[:] = [said for said in tab.said if "favicon" not in said]  # cut short by the second page


def test_paper_is_light_whatever_the_screen(open_tab):
    tab = open_tab(CHAPTER, scheme="dark", typeset=False)
    tab.emulate_media(media="print", color_scheme="dark")
    tab.wait_for_function("document.documentElement.dataset.theme === 'light'")
    assert tab.evaluate("getComputedStyle(document.querySelector('article p')).color").startswith("rgb(")
    assert tab.evaluate("[...document.querySelectorAll('picture.only-dark')].every(e => !e.checkVisibility())")
    tab.emulate_media(media="screen", color_scheme="dark")
    tab.wait_for_function("document.documentElement.dataset.theme === 'dark'")


def test_examples_of_the_reference_are_copied_without_prompts(open_tab):
    tab = open_tab("book/reference.html", typeset=False, permissions=("clipboard-read", "clipboard-write"))
    example = tab.locator(".highlight", has_text=">>>").first
    example.hover()
    example.locator("button.copybtn").click()
    copied = tab.evaluate("navigator.clipboard.readText()")
    assert copied.strip() and ">>>" not in copied


def test_search_from_disk_is_silent_and_knows_greek_letters(new_tab):
    for root in [None, HTML.as_uri() + "/"]:
        options = {} if root is None else {"root": root}
        tab = new_tab("search.html?q=λ", **options)
        tab.wait_for_selector("#search-results li a")
        tab.wait_for_load_state("networkidle")
        assert not [said for said in tab.said if root is None or ("font" not in said and "ERR_FAILED" not in said)]
        assert len(tab.said) <= 20  # the icons, once; not one complaint for each result
        leave(tab)


def test_the_book_can_be_published_from_a_branch():
    assert (HTML / ".nojekyll").exists()


def test_a_notebook_is_saved_by_the_download_button_and_not_offered_from_disk(open_tab, new_tab):
    tab, name = open_tab(CHAPTER, typeset=False), Path(CHAPTER).stem + ".ipynb"
    with tab.expect_download() as download:
        tab.evaluate("document.querySelector('a[href$=\".ipynb\"]').click()")
    assert download.value.suggested_filename == name
    assert nbformat.read(download.value.path(), as_version=4).cells
    tab = new_tab(CHAPTER, root=HTML.as_uri() + "/", typeset=False)
    assert tab.locator('a[href$=".ipynb"]').count() == 0
    leave(tab)


IGNORED = "NBVAL_IGNORE_OUTPUT"  # run times, and what depends on the release of Python


@pytest.mark.parametrize("notebook", sorted((HTML.parents[1] / "book").glob("*.ipynb")), ids=lambda path: path.stem)
def test_page_prints_what_the_notebook_stores_line_by_line(notebook):
    """So two builds of one commit show the same text, into whatever pieces the kernel cuts it."""
    stored = [
        "".join(output.text for output in cell.outputs if output.output_type == "stream")
        for cell in nbformat.read(notebook, as_version=4).cells
        if cell.cell_type == "code" and IGNORED not in cell.source
    ]
    text = re.sub("</?span[^>]*>", "", (HTML / "book" / f"{notebook.stem}.html").read_text(encoding="utf-8"))
    page = BeautifulSoup(text, "html.parser")  # without the colours of the code, in a quarter of the time
    shown = [
        "".join(output.get_text() for output in cell.select(".output.stream"))
        for cell in page.select("div.cell")
        if IGNORED not in cell.select_one(".cell_input").get_text()
    ]
    assert [text.strip() for text in shown if text.strip()] == [text.strip() for text in stored if text.strip()]
