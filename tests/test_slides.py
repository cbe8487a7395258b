"""The slides: complete, drawn from the chapters and the teaching guide, legible, and alone in their folder."""

import importlib
import re
from functools import cache
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.heavy  # for teachers: "make test" is no slower for it
CHAPTERS = sorted((ROOT / "book").glob("[0-9][0-9]_*.ipynb"))
GUIDE = (ROOT / "book" / "teaching.md").read_text(encoding="utf-8")
WRITTEN = ROOT / "_build" / "slides"
NUMBER = re.compile(r"\\tag\{([\w.]+)\}")


@pytest.fixture(scope="module", autouse=True)
def program(tool):
    return tool("slides")


@pytest.fixture(scope="module")
def decks(program):
    return {deck.stem: deck for deck in program.decks()}


@pytest.fixture(scope="module")
def page_of(program, decks, tmp_path_factory):
    """A function that writes a chapter's deck, with empty pictures, and returns its page."""
    folder = tmp_path_factory.mktemp("slides")

    @cache
    def page(path):
        deck = decks[path.stem]
        labels = [slide.figure.label for slide in deck.slides if slide.figure]
        pictures = {label: {"file": f"figures/{label}.png", "width": 590, "height": 370} for label in labels}
        program.write_deck(deck, pictures, program.Book.read(), folder)
        return BeautifulSoup((folder / f"{path.stem}.html").read_text(encoding="utf-8"), "html.parser")

    return page


def each_chapter(test):
    return pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)(test)


@each_chapter
def test_deck_has_the_parts_of_a_lesson(decks, path):
    slides = decks[path.stem].slides
    assert 12 <= len(slides) <= 20
    assert [slide.kind for slide in slides[:3]] == ["title", "", "question"]
    assert "?" in slides[1].text and slides[2].text.endswith("?")
    assert sum(slide.figure is not None for slide in slides) >= 3
    assert sum(bool(slide.labels) and slide.figure is None for slide in slides) >= 3  # equations, and the homework
    titles = [slide.title for slide in slides]
    assert any(title.startswith("What could go wrong") for title in titles)
    assert "Takeaways" in titles and titles[-1] == "Homework" and all(titles)


@each_chapter
def test_what_a_chapter_marks_is_shown_and_all_that_is_shown_is_marked(decks, path):
    cells = nbformat.read(path, as_version=4).cells
    shown = "\n".join(slide.text for slide in decks[path.stem].slides)
    marks = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    pieces = [piece.split("<!-- end -->")[0].strip() for piece in re.split(r"<!-- (?:slide|more).*? -->", marks)[1:]]
    assert len(pieces) >= 6 and all(piece in shown for piece in pieces)
    said = [note for slide in decks[path.stem].slides for note in slide.notes]
    assert all(note in said for note in re.findall(r"<!-- note -->\s*(.*?)\s*<!-- end -->", marks, flags=re.S))
    figures = [cell.id for cell in cells if cell.metadata.get("slideshow", {}).get("slide_type") == "slide"]
    assert [slide.figure.cell for slide in decks[path.stem].slides if slide.figure] == figures
    own = [slide for slide in decks[path.stem].slides[1:-1] if slide.kind == ""]
    lists = {"What could go wrong", "Takeaways"}
    assert sum(slide.title not in lists for slide in own) == marks.count("<!-- slide")


def test_every_misconception_of_the_teaching_guide_is_in_the_notes_of_its_chapter_once(decks):
    for chapter, deck in enumerate(decks.values(), start=1):
        lesson = re.search(rf"^### Chapter {chapter}: .*?(?=^##)", GUIDE, flags=re.M | re.S)[0]
        assert f"{deck.minutes} minutes" in deck.slides[0].notes[0]
        said = re.findall(r'^- (".*)', lesson, flags=re.M)
        notes = [note.removeprefix("**A misconception.** ") for slide in deck.slides for note in slide.notes]
        assert len(said) >= 2 and [notes.count(one) for one in said] == [1] * len(said)
        assert deck.slides[2].text in lesson


def test_minutes_are_those_of_the_sessions(decks):
    minutes = {stem: deck.minutes for stem, deck in decks.items()}
    assert sum(minutes.values()) == 15 * 90
    assert {stem[:2]: time for stem, time in minutes.items() if time != 90} == {"08": 180, "14": 45, "15": 45}
    plans = [
        note for note in decks["08_solving_the_model"].slides[0].notes if note.startswith("**In class.** 10 homework")
    ]
    assert len(plans) == 2 and "napkin" in plans[0] and "three moves" in plans[1]


def test_a_misconception_stands_where_its_cure_is_shown(decks):
    places = {
        slide.figure.label if slide.figure else slide.title: "\n".join(slide.notes)
        for slide in decks["01_scaling_laws"].slides
    }
    assert "A good fit knows its constants" in places["fig-recovery"]
    assert "A straight line on logarithmic axes gives" in places["A straight line misleads"]
    assert "contradict each other" in places["Homework"]
    wrong = [slide for slide in decks["12_tasks"].slides if "Fit two exponents" in "\n".join(slide.notes)]
    assert [slide.figure.label for slide in wrong] == ["fig-task-real"]


def test_homework_is_that_of_the_timetable(decks):
    titles = [re.findall(r"Exercise ([\d.]+)\.\*\* (.+)", deck.slides[-1].text) for deck in decks.values()]
    assert titles[0] == [
        ("1.1", "The price of halving"),
        ("1.4", "How an offset hides an exponent"),
        ("1.5", "A function for local exponents"),
    ]
    assert [len(of_chapter) for of_chapter in titles] == [4 if path.name[:2] == "08" else 3 for path in CHAPTERS]


@each_chapter
def test_page_has_the_book_s_numbers_no_markup_and_nothing_from_elsewhere(program, page_of, decks, path):
    page, targets = page_of(path), program.Book.read().targets
    places = [tag[name] for name in ("src", "href") for tag in page.select(f"[{name}]")]
    assert places and all(re.match(r"(figures|reveal|mathjax)/|slides\.css$|data:,$", place) for place in places)
    assert "//" not in re.sub(r"<script>.*?</script>|\\\[.*?\\\]", "", str(page), flags=re.S)
    assert len(page.select("section")) == len(decks[path.stem].slides) == len(page.select("aside.notes"))
    for section, slide in zip(page.select("section"), decks[path.stem].slides, strict=True):
        equations = [targets[label].text.strip("()") for label in slide.labels if label.startswith("eq-")]
        assert NUMBER.findall(section.select_one(".slide").get_text()) == equations
        if slide.figure:
            assert section.figcaption.strong.get_text() == f"{targets[slide.figure.label].text}."
            assert section.img["alt"] == slide.figure.alt
    for script in page.select("script"):
        script.decompose()
    text = re.sub(r"\\\[.*?\\\]|\\\(.*?\\\)", "", page.get_text(), flags=re.S)
    assert re.findall(r"[{}$*`\\]|<!--|\]\(|:::", text) == []


def test_no_slide_speaks_of_a_neighbour_on_the_page(decks):
    places = r"\b(?:drawn|derived|described|proved|shown|printed|formulas|latents|fits|see|,|\()\s*(?:above|below)\b"
    orphans = rf"{places}|\b(?:(?:next|last|this) section|(?:next|last|the) cell|column|we shall)\b"
    shown = [(deck.stem, slide.title, slide.text) for deck in decks.values() for slide in deck.slides]
    captions = [(deck.stem, s.title, s.figure.caption) for deck in decks.values() for s in deck.slides if s.figure]
    found = [(*place, found) for *place, text in shown + captions if (found := re.findall(f".*{orphans}.*", text))]
    assert found == []


@each_chapter
def test_text_does_not_break_off(decks, path):
    ends = [re.sub(r"\s*\$\$( \(eq-[\w-]+\))?$", "", slide.text.strip()) for slide in decks[path.stem].slides]
    assert [end[-60:] for end in ends if end and end[-1] in ",;:"] == []


@each_chapter
def test_an_interactive_figure_of_a_session_is_in_its_deck_with_a_word_on_what_it_is(decks, path):
    deck = decks[path.stem]
    planned = re.findall(r"explorer \{numref\}`([\w-]+)`", "\n".join(deck.slides[0].notes))
    notes = {slide.figure.label: slide.notes for slide in deck.slides if slide.figure}
    assert all("This is a still. Open the book: Figure" in notes[label][-1] for label in planned)


# ---------------------------------------------------------------- a small chapter


def chapter(*cells):
    made = [new_markdown_cell(cell) if isinstance(cell, str) else cell for cell in cells]
    return new_notebook(cells=made).cells


def figure(caption):
    settings = {"figure": {"name": "fig-kaplan", "caption": caption}, "image": {"alt": "Lines."}}
    return new_code_cell("draw()", metadata={"mystnb": settings, "slideshow": {"slide_type": "slide", "title": "See"}})


def test_marks_begin_slides_and_go_on_with_them(program):
    cells = chapter(
        "## One\n\nNot this. <!-- slide -->This,<!-- end --> not this, <!-- more -->and this.<!-- end -->",
        "No mark.\n\n### Two",
        "<!-- slide -->\nText.\n<!-- end -->\n\n<!-- slide: Its own -->Words $x$.<!-- end -->",
        figure("<!-- slide -->Short,<!-- end --> then long. <!-- slide -->Dots.<!-- end -->"),
    )
    slides = program.chapter_slides(cells, program.Book.read())
    assert [(slide.title, slide.text.split()) for slide in slides[:3]] == [
        ("One", ["This,", "and", "this."]),
        ("Two", ["Text."]),
        ("Its own", ["Words", "$x$."]),
    ]
    assert slides[3].figure.caption == "Short. Dots." and slides[3].notes == ["Short, then long. Dots."]


@pytest.mark.parametrize("text", ["<!-- slide -->never ends", "ends <!-- end -->", "<!-- slid -->a<!-- end -->"])
def test_a_mark_that_does_not_open_or_close_is_an_error(program, text):
    with pytest.raises(ValueError, match="mark for slides"):
        program.chapter_slides(chapter(text), program.Book.read())


def test_a_note_goes_to_the_slide_before_it_of_text_or_a_figure(program):
    said = "<!-- note -->Say $x$.\n\nAnd more.<!-- end -->"
    text, drawn = program.chapter_slides(
        chapter(f"## One\n\n<!-- slide -->Seen.<!-- end --> {said}", figure("Lines."), said), program.Book.read()
    )
    assert text.text.strip() == "Seen." and text.notes == drawn.notes == ["Say $x$.\n\nAnd more."]
    with pytest.raises(ValueError, match=r"no slide"):
        program.chapter_slides(chapter(said), program.Book.read())


def test_text_goes_on_with_a_slide_of_text_only(program):
    for before in [], [figure("Lines.")]:
        with pytest.raises(ValueError, match=r"no slide of text that 'Text\.'"):
            program.chapter_slides(chapter(*before, "<!-- more -->Text.<!-- end -->"), program.Book.read())


def test_a_list_takes_as_few_slides_as_hold_it_and_each_has_the_notes_of_its_items(program):
    items = {f"**{i}.** {'word ' * 50}": f"{i} in full" for i in range(5)}
    slides = program.lists("Five", items)
    assert [slide.notes for slide in slides] == [["0 in full", "1 in full"], ["2 in full", "3 in full", "4 in full"]]
    assert [slide.text.count("- **") for slide in slides] == [2, 3]
    assert program.lists("One", {"**a** b": "**a** b"})[0].notes == []


@pytest.mark.parametrize(
    ("point", "short"),
    [
        ("**One thing.** It is so. And more.", "**One thing.** It is so."),
        ("**Why?** Bordelon et al. (2024) know. More.", "**Why?** Bordelon et al. (2024) know."),
        ("**Momentum**, well tuned, is faster. More.", "**Momentum**, well tuned, is faster."),
        ("**One thing.** At $N = T$ 0.5. $x$ is so.", "**One thing.** At $N = T$ 0.5."),
    ],
)
def test_of_what_could_go_wrong_a_slide_has_the_gist(program, point, short):
    assert program.gist(point) == short


def test_a_book_that_is_missing_or_older_than_a_chapter_is_named(program, decks, tmp_path):
    deck = decks["01_scaling_laws"]
    with pytest.raises(SystemExit, match="run 'make book' first"):
        program.pictures(deck, tmp_path, tmp_path)
    nbformat.write(new_notebook(cells=[new_code_cell("old()")]), tmp_path / "01_scaling_laws.ipynb")
    with pytest.raises(SystemExit, match=r"another version of 01_scaling_laws\.ipynb"):
        program.pictures(deck, tmp_path, tmp_path)


@each_chapter
def test_pages_and_copies_leave_the_marks_out(path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "book" / "_ext"))
    source = [path.read_text(encoding="utf-8")]
    importlib.import_module("slide_marks").drop_comments(None, path.stem, source)
    notebook = nbformat.reads(source[0], as_version=4)
    assert "<!--" not in source[0]
    copy = importlib.import_module("plain_notebooks").plain_notebook
    copied = copy(path, importlib.import_module("plain_notebooks").Book.read())
    assert not [cell.source for cell in (*notebook.cells, *copied.cells) if "<!--" in cell.source]


def test_a_page_without_its_marks_is_to_the_letter_what_it_was(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "book" / "_ext"))
    text = '- a\n<!-- more -->\n- b\n<!-- end -->\n\nc <!-- slide: A "title" -->d<!-- end -->\n<!-- slide -->\ne'
    source = [nbformat.writes(new_notebook(cells=[new_markdown_cell(text)]))]
    importlib.import_module("slide_marks").drop_comments(None, "x", source)
    assert nbformat.reads(source[0], as_version=4).cells[0].source == "- a\n- b\n\nc d\ne"


# ---------------------------------------------------------------- in a browser

LOOK = """async () => {  // what the last row could not read
  await Promise.all([...document.images].map(image => image.decode()));
  const found = [], slides = Reveal.getSlides();
  slides.forEach((section, number) => {
    Reveal.slide(number);
    const slide = section.querySelector('.slide'), box = slide.getBoundingClientRect(), scale = box.width / 1280;
    const say = (what, e) => found.push(`slide ${number + 1}, ${what}: ${(e.textContent || e.outerHTML).slice(0, 60)}`);
    if (!box.width) say('not shown', slide);
    for (const e of slide.querySelectorAll('*')) {
      if (e.closest('mjx-assistive-mml') || (e.closest('svg') && e.localName != 'svg')) continue;
      const {left, right, top, bottom} = e.getBoundingClientRect(), room = 8 * scale;
      const inside = left >= box.left + room && right <= box.right - room && top >= box.top + room
        && bottom <= box.bottom - room;
      if (!inside) say('beyond its edge', e);
      const own = [...e.childNodes].some(node => node.nodeType == Node.TEXT_NODE && node.data.trim());
      if (own && !e.closest('mjx-container') && parseFloat(getComputedStyle(e).fontSize) < 28) say('small', e);
    }
    const image = slide.querySelector('img');
    if (image) {  // with its caption it takes the width of the slide, or its height
      const [figure, caption, shown] = [slide.querySelector('figure'), slide.querySelector('figcaption'), image].map(
        e => e.getBoundingClientRect());
      const drawn = Math.min(shown.width, shown.height * image.naturalWidth / image.naturalHeight);
      const beside = caption.left >= shown.left + shown.width, below = caption.top >= shown.bottom;
      if (!beside && !below) say('caption on its figure', image);
      const wide = drawn / figure.width / (beside ? 0.73 : 1);
      const high = (beside ? shown.height : caption.bottom - shown.top) / figure.height;
      if (Math.max(wide, high) < 0.94) say('smaller than its place', image);
    }
    const wrong = 'mjx-merror, [data-mml-node="merror"], [data-mml-node="mtext"][fill="red"]';
    slide.querySelectorAll(wrong).forEach(e => say('error in a formula', e));
    if (/\\\\[a-z(\\[]/i.test(slide.innerText)) say('not typeset', slide);
  });
  return found;
}"""


@pytest.mark.browser
@each_chapter
def test_every_slide_fits_is_legible_and_complete_from_disk(open_tab, path):
    assert (WRITTEN / f"{path.stem}.html").exists(), "run 'make slides' first"
    tab = open_tab(f"{path.stem}.html", root=f"{WRITTEN.as_uri()}/", width=1280, height=720)
    tab.wait_for_function("window.Reveal?.isReady()")
    assert tab.evaluate(LOOK) == []


@pytest.mark.browser
def test_keys_move_and_each_slide_has_a_page_when_printed(open_tab):
    name = f"{CHAPTERS[0].stem}.html"
    tab = open_tab(name, root=f"{WRITTEN.as_uri()}/", width=1280, height=720)
    tab.wait_for_function("window.Reveal?.isReady()")
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("Reveal.getIndices().h") == 1
    tab.goto(f"{WRITTEN.as_uri()}/{name}?print-pdf")
    tab.wait_for_function("document.querySelectorAll('.pdf-page').length > 0")
    sizes = tab.evaluate("""[...document.querySelectorAll('.pdf-page')].map(page => {
      const [outer, inner] = [page, page.querySelector('.slide')].map(e => e.getBoundingClientRect());
      return inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1 && inner.height > 700;
    })""")
    assert sizes == [True] * tab.evaluate("Reveal.getTotalSlides()")
