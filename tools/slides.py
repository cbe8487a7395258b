"""Write slides, a deck a chapter: python tools/slides.py _build/slides

What a deck shows stands in the chapter. Marks in its text, which the page and its copies leave out, say what goes on a
slide; the first begins a new one, the second adds to it, and the third adds to its notes:

    <!-- slide: A title -->What it shows.<!-- end --> What it does not. <!-- more -->What it shows, too.<!-- end -->
    <!-- note -->What the speaker says.<!-- end -->

Without a title the slide has that of its section. A figure is a slide if its cell says so: {"slideshow": {"slide_type":
"slide", "title": ...}}; marks in its caption say what of it is shown. The rest comes from the chapter's sections "What
could go wrong" and "Takeaways" and from the teaching guide: the opening question, the homework, the speaker's notes.
"""

import base64
import html
import importlib.util
import re
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import yaml
from jinja2 import Environment, FileSystemLoader
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from plain_notebooks import DIRECTIVE, EQUATION, ROOT, Book, option, plain_text

EXECUTED = ROOT / "_build" / "jupyter_execute" / "book"  # what 'make book' leaves
TEMPLATES = ROOT / "tools" / "slide_templates"
REVEALJS = ROOT / ".venv" / "reveal" / "sphinx_revealjs" / "_static" / "revealjs"
REVEAL = ["dist/reset.css", "dist/reveal.css", "dist/reveal.js", "plugin/notes/notes.js"]
MATHJAX = ["tex-svg.js", "input/tex/extensions"]  # curves, not fonts: a browser does not load fonts from a disk

MARK = re.compile(r"<!-- (slide|more|note)(?:: (.*?))? -->\s*(.*?)\s*<!-- end -->", flags=re.S)
HEADING = re.compile(r"^##+ +(.+)$", flags=re.M)
LABEL = re.compile(r"\{(?:eq|numref|ref)\}`([^`]+)`")
SENTENCE_END = re.compile(r"(?<=[.?!])(?<!al\.)(?<!vs\.)\s+(?=[A-Z*$({\[\"])")
COMMAND = re.compile(r"\\[A-Za-z]+|[{}$\\*`]")
FULL = 1000  # letters that a slide with a list holds
TOGETHER = re.compile(r'[(\[“‘]*<span class="math inline">.*?</span>[,.;:)?!’”\]%]*')


@dataclass(frozen=True)
class Figure:
    """A figure on a slide, and the cell that draws it."""

    label: str
    number: str
    caption: str
    alt: str
    cell: str


@dataclass
class Slide:
    """A slide: its text, in Markdown, or its figure, what it shows of the book by label, and the speaker's notes."""

    title: str
    text: str = ""
    kind: str = ""
    figure: Figure | None = None
    labels: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Deck:
    """The slides of a chapter."""

    stem: str
    title: str
    minutes: int
    slides: list[Slide]


@dataclass(frozen=True)
class Lesson:
    """What the teaching guide says of a chapter, in its Markdown."""

    minutes: int
    question: str
    remark: str
    bullets: list[str]
    plans: list[str]
    homework: list[str]


def lessons(guide: str) -> dict[int, Lesson]:
    """Read the teaching guide's sections and its two tables, of sessions and of homework."""
    plans, minutes, homework = {}, {}, {}
    for chapters, plan in re.findall(r"^\| \d+ \| (.*hapter \d+\]\([^)]*\)): (.*?) \|$", guide, flags=re.M):
        numbers = [int(number) for number in re.findall(r"hapter (\d+)\]", chapters)]
        for number in numbers:  # a chapter may have two sessions, or half of one
            plans.setdefault(number, []).append(plan)
            time = sum(map(int, re.findall(r"(?:^|· )(\d+) ", plan)))
            minutes[number] = minutes.get(number, 0) + time // len(numbers)
    for number, labels in re.findall(r"^\| \d+ \| \[?(\d+)\b.*? \| \d+ \| (.*?) \|$", guide, flags=re.M):
        homework.setdefault(int(number), []).extend(LABEL.findall(labels))
    found = {}
    for number, text in re.findall(r"^### Chapter (\d+): [^\n]*\n(.*?)(?=^##|\Z)", guide, flags=re.M | re.S):
        question, remark = re.match(r"\s*Open with: \*(.+?)\*(.*)", text).groups()
        bullets = re.findall(r"^- (.*(?:\n  .*)*)", text, flags=re.M)
        n = int(number)
        found[n] = Lesson(minutes[n], question, remark.strip(), bullets, plans[n], homework[n])
    return found


def marked(source: str) -> list[tuple[str, str, str]]:
    """Return what is marked in a text: whether it begins a slide, goes on or is a note, title or section, and text."""
    if "<!--" in (rest := MARK.sub("", source)):
        raise ValueError(f"a mark for slides does not open or close: {rest[rest.index('<!--') :][:60]!r}")
    found = []
    for match in MARK.finditer(source):
        headings = HEADING.findall(source[: match.start()])
        found.append((match[1], match[2] or (headings[-1] if headings else ""), match[3]))
    return found


def section(cells: list[nbformat.NotebookNode], title: str) -> str:
    """Return the Markdown of a section that begins with a title, of all its cells."""
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    found = re.search(rf"^## {title}.*\n((?:(?!## ).*\n?)*)", text, flags=re.M)
    return found[1] if found else ""


def points(text: str) -> list[str]:
    """Return the items of a list, or the paragraphs that begin with bold words."""
    return re.findall(r"^(?:- )?(\*\*.*)", text, flags=re.M)


def gist(point: str) -> str:
    """Return the bold words that a point begins with and the sentence after them, or what they begin."""
    sentences = SENTENCE_END.split(point)
    bold = re.match(r"\*\*.+?[.?!:]\*\*\s+", point)
    if not bold:
        return sentences[0]
    return bold[0] + SENTENCE_END.split(point[bold.end() :])[0]


def spread(items: list[str]) -> list[list[str]]:
    """Deal items out to as few slides as hold them, about as much to each."""
    sizes = [len(COMMAND.sub("", item)) + 40 for item in items]
    share, dealt, so_far = sum(sizes) / -(-sum(sizes) // FULL), [], 0
    for item, size in zip(items, sizes, strict=True):
        group = int((so_far + size / 2) / share)
        dealt += [[] for _ in range(group + 1 - len(dealt))]
        dealt[group].append(item)
        so_far += size
    return [group for group in dealt if group]


def lists(title: str, items: dict[str, str]) -> list[Slide]:
    """Return slides with a list; where an item is the gist of more, that is in the notes."""
    return [
        Slide(
            title,
            "\n".join(f"- {item}" for item in group),
            notes=[items[item] for item in group if items[item] != item],
        )
        for group in spread(list(items))
    ]


def figure_slide(cell: nbformat.NotebookNode, book: Book) -> Slide:
    """Return the slide of a figure; its whole caption is in the notes."""
    settings, caption = cell.metadata.mystnb, cell.metadata.mystnb.figure.caption
    parts = [text.rstrip(" ,;:") for *_, text in marked(caption)] or [caption]
    shown = " ".join(part if part[-1] in ".?!" else f"{part}." for part in parts)
    figure = Figure(
        label=settings.figure.name,
        number=book.targets[settings.figure.name].text,
        caption=shown,
        alt=settings.image.alt,
        cell=cell.id,
    )
    notes = [MARK.sub(r"\3", caption)] if shown != caption else []
    if "explorers." in cell.source:
        notes.append(f"This is a still. Open the book: {figure.number} answers the hand there, with tasks beside it.")
    return Slide(cell.metadata.slideshow.title, kind="figure", figure=figure, labels=[figure.label], notes=notes)


def chapter_slides(cells: list[nbformat.NotebookNode], book: Book) -> list[Slide]:
    """Return the slides that a chapter marks, in its order."""
    slides, heading = [], ""
    for cell in cells:
        if cell.cell_type == "code":
            if cell.metadata.get("slideshow", {}).get("slide_type") == "slide":
                slides.append(figure_slide(cell, book))
            continue
        for kind, title, text in marked(cell.source):
            if kind == "slide":
                slides.append(Slide(title or heading))
            elif not slides or (kind == "more" and slides[-1].figure):
                raise ValueError(f"cell {cell.id}: there is no slide of text that {text[:40]!r} could go on with")
            if kind == "note":
                slides[-1].notes.append(text)
                continue
            slides[-1].text += f"\n\n{text}"
            slides[-1].labels += [label for _, label in EQUATION.findall(text) if label]
        heading = (HEADING.findall(cell.source) or [heading])[-1]
    return slides


def homework(cells: list[nbformat.NotebookNode], book: Book, labels: list[str]) -> Slide:
    """Return the slide with the exercises that the timetable sets."""
    text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    exercises = [match for match in DIRECTIVE.finditer(text) if match["name"] == "exercise"]
    titles = {option(match, "label"): match["title"] for match in exercises}
    items = "\n".join(f"- **{book.targets[label].text}.** {titles[label]}" for label in labels)
    return Slide("Homework", items, kind="homework", labels=labels)


def deck(path: Path, number: int, book: Book, lesson: Lesson) -> Deck:
    """Return the deck of a chapter, its text as the chapter has it."""
    cells = nbformat.read(path, as_version=4).cells
    title = next(match[1] for cell in cells if (match := re.match(r"# (.+)", cell.source)))
    about = next(cell.source for cell in cells if "**Objectives.**" in cell.source)
    objectives = re.search(r"\*\*Objectives\.\*\* .*", about)[0]
    goals, *misconceptions = lesson.bullets
    start = Slide(title, f"Chapter {number} of *Solving Neural Scaling Laws*", kind="title")
    start.notes = [f"**Time.** {lesson.minutes} minutes.", *(f"**In class.** {plan}." for plan in lesson.plans)]
    start.notes += [goals, objectives]
    ask = Slide("Before we begin", lesson.question, kind="question")
    remark = re.sub(r"^\((.*)\)$", r"See \1.", lesson.remark)
    ask.notes = ["Collect answers, one sentence each, before the next slide.", remark]
    try:
        question, *shown = chapter_slides(cells, book)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error
    wrong = section(cells, "What could go wrong")
    if wrong and not MARK.search(wrong):
        shown += lists("What could go wrong", {gist(point): point for point in points(wrong)})
    shown += lists("Takeaways", {point: point for point in points(section(cells, "Takeaways"))})
    slides = [start, question, ask, *shown, homework(cells, book, lesson.homework)]
    for said in misconceptions:  # where its cure is shown, or with what could go wrong
        places = [slide for slide in slides if set(slide.labels) & set(LABEL.findall(said))]
        place = places[0] if places else next(slide for slide in slides if slide.title == "What could go wrong")
        place.notes.insert(0, f"**A misconception.** {said}")
    return Deck(path.stem, f"{number}. {title}", lesson.minutes, slides)


def decks(root: Path = ROOT) -> list[Deck]:
    """Return the decks of all numbered chapters."""
    book, guide = Book.read(root), lessons((root / "book" / "teaching.md").read_text(encoding="utf-8"))
    chapters = [path for path in book.notebooks if path.name[:2].isdigit()]
    return [deck(path, number, book, guide[number]) for number, path in enumerate(chapters, start=1)]


def room_beside(caption: str, width: int, height: int) -> int:
    """Return the width of a figure beside its caption, or zero if it has more room above it; all in pixels."""
    letters = len(COMMAND.sub("", caption)) + 15
    below = min(1190 / width, (580 - 12 - 37 * -(-letters // 80)) / height)
    beside = min(870 / width, 580 / height)
    lines = letters / ((1190 - 28 - beside * width) / 14)
    return int(beside * width) if beside >= below and 37 * lines < 560 else 0


def markdown(book: Book) -> MarkdownIt:
    """Return what renders the book's Markdown for a slide: references as text, formulas left for MathJax."""
    parser = MarkdownIt("commonmark", {"typographer": True}).enable(["table", "smartquotes"])
    brackets = {True: r"\[{}\]", False: r"\({}\)"}
    dollarmath_plugin(parser, renderer=lambda tex, how: brackets[how["display_mode"]].format(html.escape(tex)))
    for link in ("link_open", "link_close"):  # a deck stands alone
        parser.add_render_rule(link, lambda *_: "")
    parser.core.ruler.before("normalize", "book", lambda state: setattr(state, "src", plain_text(state.src, book, {})))
    return parser


def pictures(deck: Deck, executed: Path, folder: Path) -> dict[str, dict]:
    """Write the pictures of a deck as the built book has them, and return file and size by the figure's label."""
    there, now = executed / f"{deck.stem}.ipynb", ROOT / "book" / f"{deck.stem}.ipynb"
    if not there.exists():
        raise SystemExit("There is no book yet to take the figures from: run 'make book' first.")
    built, written = (nbformat.read(path, as_version=4).cells for path in (there, now))
    code = [[cell.source for cell in cells if cell.cell_type == "code"] for cells in (built, written)]
    if code[0] != code[1]:
        raise SystemExit(f"The built book has another version of {now.name}: run 'make book' first.")
    cells, found = {cell.id: cell for cell in built}, {}
    for figure in filter(None, (slide.figure for slide in deck.slides)):
        output = next(out for out in cells[figure.cell].outputs if "image/png" in out.get("data", {}))
        (folder / "figures").mkdir(exist_ok=True)
        (folder / "figures" / f"{figure.label}.png").write_bytes(base64.b64decode(output.data["image/png"]))
        found[figure.label] = {"file": f"figures/{figure.label}.png", **output.metadata["image/png"]}
    return found


def write_deck(deck: Deck, pictures: dict[str, dict], book: Book, folder: Path) -> None:
    """Write the page of a deck."""
    macros = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["sphinx"]["config"]["mathjax3_config"]
    templates, parser = Environment(loader=FileSystemLoader(TEMPLATES)), markdown(book)

    def rendered(render):  # a line does not break between a formula and the mark before or after it
        return lambda text: TOGETHER.sub(r'<span class="together">\g<0></span>', render(text))

    templates.filters |= {"markdown": rendered(parser.render), "inline": rendered(parser.renderInline)}
    templates.filters["room"] = room_beside
    page = templates.get_template("slides.html").render(deck=deck, pictures=pictures, tex=macros["tex"])
    (folder / f"{deck.stem}.html").write_text(page + "\n", encoding="utf-8")


def write_shared(decks: list[Deck], folder: Path) -> None:
    """Write the list of decks, the style sheet, and the scripts that all decks load."""
    if not REVEALJS.exists():
        raise SystemExit("reveal.js is not there: 'make slides' installs it.")
    page = Environment(loader=FileSystemLoader(TEMPLATES)).get_template("index.html").render(decks=decks)
    (folder / "index.html").write_text(page + "\n", encoding="utf-8")
    shutil.copy(TEMPLATES / "slides.css", folder)
    mathjax = Path(importlib.util.find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax"
    for source, parts, flat in [(REVEALJS, REVEAL, True), (mathjax, MATHJAX, False)]:
        for part in parts:
            target = folder / source.name.removesuffix("js") / (Path(part).name if flat else part)
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if (source / part).is_dir() else shutil.copyfile)(source / part, target)


def main(name: str) -> None:
    folder, part = Path(name), Path(name).with_suffix(".part")  # an interrupted run leaves nothing that looks finished
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    book, all_decks = Book.read(), decks()
    for one in all_decks:
        write_deck(one, pictures(one, EXECUTED, part), book, part)
    write_shared(all_decks, part)
    shutil.rmtree(folder, ignore_errors=True)
    part.replace(folder)
    print(f"Slides: open {folder.resolve()}/index.html in a browser.")


if __name__ == "__main__":
    main(*sys.argv[1:])
