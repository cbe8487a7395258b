"""The book as one PDF: how its pages are arranged, and, where TeX is installed, the PDF that 'make pdf' wrote."""

import importlib
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import nbformat
import pytest
import yaml
from bs4 import BeautifulSoup
from conftest import HTML
from docutils import nodes
from sphinx import addnodes

ROOT = Path(__file__).parents[1]
PDF = ROOT / "_build" / "solving-neural-scaling-laws.pdf"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
CHAPTERS = [ROOT / f"{e['file']}.ipynb" for part in TOC["parts"] if part.get("numbered") for e in part["chapters"]]


@pytest.fixture(scope="module")
def tool():
    """A function that imports one of the two programs, or pypdf."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / ".venv" / "pdf"))
        patch.syspath_prepend(str(ROOT / "tools"))
        yield importlib.import_module


@pytest.fixture
def arrange(tool):
    return tool("printed_book")


def page(*content):
    return addnodes.start_of_file("", nodes.section("", nodes.title("", "A page"), *content), docname="book/page")


def latex(tree):
    return [node.astext() for node in tree.findall(nodes.raw)]


def test_equations_and_figures_get_the_numbers_of_the_page(arrange):
    block = nodes.math_block("", "x = 1", ids=["equation-eq-x"], label="eq-x", docname="book/page")
    other = nodes.math_block("", "y = 2")
    figure = nodes.figure("", nodes.image(uri="x.png"), nodes.caption("", "What."), ids=["fig-x"])
    file = page(block, other, nodes.container("", nodes.paragraph("", "Before."), figure))
    arrange.number_equations(file, {"equation-eq-x": (8, 12)})
    arrange.number_figures(file, {"fig-x": ("A", 1)})
    assert r"\booknumber{equation}{8.12}" in block.astext() and r"\label{equation:book/page:eq-x}" in block.astext()
    assert other.astext() == "y = 2"
    (number,) = file.findall(nodes.raw)
    assert number.astext() == r"\booknumber{figure}{A.1}"
    assert figure.parent.index(figure) == figure.parent.index(number) + 1  # it is set just before


def exercise(arrange, name="easy"):
    from sphinx_exercise.nodes import exercise_subtitle, exercise_title

    title = exercise_title("", "Exercise", exercise_subtitle("", "by hand"))
    box = arrange.exercise_enumerable_node("", title, nodes.paragraph("", "How much?"), ids=[name], label=name)
    content = nodes.section("", nodes.paragraph("", "Two."), ids=["solution-content"])
    solution = arrange.solution_node("", nodes.title("", "Solution"), content, target_label=name)
    return box, solution


def test_an_exercise_keeps_its_place_and_its_solution_moves(arrange):
    box, solution = exercise(arrange)
    file, moved = page(box, nodes.paragraph("", "Between."), solution, nodes.paragraph("", "After.")), []
    arrange.move_solutions(file, "book/page", {"easy": (3, 1)}, moved)
    put, between, after = file[0].children[1:]
    assert (put["kind"], put[0].astext()) == ("exercisebox", "Exercise 3.1 (by hand)")
    assert latex(put) == [r"\solutionlink{\detokenize{solution:easy}}"]
    assert (between.astext(), after.astext()) == ("Between.", "After.")
    head, text = moved
    assert head.astext() == r"\bookentry{\detokenize{solution:easy}}{Exercise 3.1}{\detokenize{book/page:easy}}"
    assert text.astext() == "Two." and not isinstance(text, nodes.section)


def test_an_exercise_without_a_solution_has_no_link(arrange):
    box, _ = exercise(arrange)
    file, moved = page(box), []
    arrange.move_solutions(file, "book/page", {"easy": (3, 1)}, moved)
    assert not latex(file) and not moved


def code_cell(*outputs, hidden=True):
    source = nodes.container("", nodes.literal_block("", "plot()"), classes=["cell_input"])
    shown = nodes.container("", *outputs, classes=["cell_output"])
    return nodes.container("", source, shown, classes=["cell", *(["tag_hide-input"] if hidden else [])])


def test_folded_code_moves_from_its_figure_and_other_code_stays(arrange):
    figure = nodes.figure("", nodes.image(uri="x.png"), nodes.caption("", "What."), ids=["fig-x"])
    folded, text, open_ = code_cell(figure), code_cell(nodes.paragraph("", "1")), code_cell(hidden=False)
    moved = []
    arrange.move_code(page(folded, text, open_), "book/page", {"fig-x": (3, 2)}, moved)
    assert [node.astext() for node in moved][1:] == ["plot()"] and "{Figure 3.2}" in moved[0].astext()
    assert not [node for node in folded if "cell_input" in node["classes"]]
    assert "plot()" in text.astext() and "plot()" in open_.astext()
    assert latex(figure) == [r" \codelink{\detokenize{code:book/page:fig-x}}"]


def test_boxes_keep_their_kind_and_proofs_are_open(arrange):
    def admonition(*classes):
        return nodes.admonition("", nodes.title("", "Why"), nodes.paragraph("", "So."), classes=list(classes))

    file = page(admonition("dropdown"), admonition("tip"))
    arrange.put_boxes(file)
    assert [box["kind"] for box in file.findall(arrange.Box)] == ["proofbox", "remarkbox"]
    assert file.astext().count("So.") == 2


def test_an_interactive_figure_says_where_it_moves(arrange):
    def figure(html):
        forms = nodes.container("", nodes.raw("", html, format="html"))
        return nodes.figure("", forms, nodes.caption("", "Loss."), ids=["f"])

    moving, still = figure('<div class="explorer"></div>'), figure("<div></div>")
    arrange.mark_explorers(page(moving, still))
    assert [f[1].astext() for f in (moving, still)] == ["Loss. Interactive in the web edition.", "Loss."]


def table(rows):
    group = nodes.tgroup("", *[nodes.colspec(colwidth=50) for _ in range(2)], cols=2)
    texts = ["short", "a long cell " * 9]
    group += nodes.tbody("", *[nodes.row("", *[nodes.entry("", nodes.Text(t)) for t in texts]) for _ in range(rows)])
    return nodes.table("", group)


def test_a_long_table_has_columns_that_wrap(arrange):
    long, short = table(arrange.LONG + 1), table(arrange.LONG)
    arrange.set_widths(page(long, short))
    widths = [column["colwidth"] for column in long.findall(nodes.colspec)]
    assert "colwidths-given" in long["classes"] and widths[0] < widths[1]
    assert not short["classes"]


def test_a_reference_says_the_number_of_the_page(arrange):
    class Transform(arrange.KeepNumbers):
        def __init__(self, document):
            self.document = document

    text = addnodes.number_reference("", "", nodes.inline("", "Figure 8.3"), refid="fig-x", title="Figure %s")
    tree = page(nodes.paragraph("", "", text))
    Transform(tree).run()
    (found,) = tree.findall(nodes.reference)
    assert (type(found), found["refid"], found.astext()) == (nodes.reference, "fig-x", "Figure 8.3")


LOG = """Overfull \\hbox (9.2pt too wide) in paragraph at lines 3--4
{}
LaTeX Font Info: nothing
"""


@pytest.mark.parametrize(
    "line",
    [
        "Overfull \\hbox (10.5pt too wide) in paragraph at lines 7--8",
        "Missing character: There is no ∎ (U+220E) in font [x]!",
        "LaTeX Warning: Hyper reference `fig-x' on page 3 undefined on input line 5.",
        "LaTeX Warning: Reference `fig-x' on page 3 undefined on input line 5.",
        "LaTeX Warning: Label `fig-x' multiply defined.",
        "! Undefined control sequence.",
    ],
)
def test_what_a_reader_would_see_as_a_fault_is_found_in_the_log(tool, line):
    faults = tool("print_book").faults
    assert faults(LOG.format(line)) == [line]
    assert faults(LOG.format("LaTeX Warning: Float too large")) == []


def test_without_tex_make_says_at_once_what_to_install(tmp_path):
    for name in ["Makefile", "requirements.txt", "requirements-pdf.txt", "pyproject.toml"]:
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ["make", "cat", "sed", "tr", "sh", "id", "grep"]:
        (programs / name).symlink_to(shutil.which(name))
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    run = subprocess.run(
        ["make", "pdf", f"PYTHON={sys.executable}"],
        cwd=tmp_path, env=outer | {"PATH": str(programs)}, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode != 0 and "apt-get install" in run.stderr and "texlive-xetex" in run.stderr
    assert not (tmp_path / ".venv").exists()  # nothing was done before


def test_without_the_pages_it_says_what_to_run_first(tool, tmp_path, monkeypatch):
    program = tool("print_book")
    monkeypatch.setattr(program, "missing", list)
    monkeypatch.setattr(program, "DOCTREES", tmp_path)
    with pytest.raises(SystemExit, match="make book"):
        program.main(str(tmp_path / "book.pdf"))


# the PDF itself


LABEL = re.compile(r"\\newlabel\{(.+?)\}\{\{(.*?)\}\{(\d+|[ivx]+)\}\{.*\}\{(.*?)\}\{\}\}$", flags=re.M)
RAW_MARKUP = re.compile(r"\?\?|\{[\w:-]+\}`|\\(?:begin|end|ref|eqref|label|cite|hyperref)\{|</?(?:div|span)\b|:::")


class Print:
    """The PDF: the text of its pages, its labels with (number, page, anchor), its links and its outline."""

    def __init__(self, reader, aux):
        self.reader, self.anchors = reader, reader.named_destinations
        self.labels = {name: (number, page, anchor) for name, number, page, anchor in LABEL.findall(aux)}
        self.page_of = {name: reader.get_destination_page_number(place) for name, place in self.anchors.items()}
        with ProcessPoolExecutor() as pool:
            spans = [range(start, len(reader.pages), os.cpu_count()) for start in range(os.cpu_count())]
            self.text = dict(pair for pairs in pool.map(read_pages, spans) for pair in pairs)

    def page(self, label):
        """The page, counted from 0, on which a label is."""
        return self.page_of[self.labels[label][2]]

    def links(self, page):
        found = [note.get_object().get("/A", {}) for note in self.reader.pages[page].get("/Annots", [])]
        return [str(action.get_object()["/D"]) for action in found if action.get("/S") == "/GoTo"]

    def outline(self, entries, depth=0):
        for entry in entries:
            if isinstance(entry, list):
                yield from self.outline(entry, depth + 1)
            else:
                yield depth, entry.title


def read_pages(span):
    """Pages with their text, without spaces: a PDF has none, only distances."""
    import pypdf

    pages = pypdf.PdfReader(PDF).pages
    return [(number, "".join(pages[number].extract_text().split())) for number in span]


@pytest.fixture(scope="module")
def printed(tool):
    """The PDF that 'make pdf' wrote, read once."""
    program = tool("print_book")
    if packages := program.missing():
        pytest.skip(f"TeX is not installed: apt-get install {' '.join(packages)}")
    if not PDF.exists():
        pytest.skip("there is no PDF: run 'make pdf'")
    pypdf = pytest.importorskip("pypdf", reason="pypdf is not installed: 'make pdf' does it")
    return Print(pypdf.PdfReader(PDF), (program.WORK / "book.aux").read_text())


def web_pages():
    """The pages of the web edition, parsed."""
    paths = [HTML / f"{e['file']}.html" for part in TOC["parts"] for e in part["chapters"]]
    return {f"book/{path.stem}": BeautifulSoup(path.read_text(), "html.parser") for path in paths}


@pytest.fixture(scope="module")
def web():
    return web_pages()


@pytest.mark.heavy
def test_the_outline_has_all_parts_and_chapters_with_their_numbers(printed):
    outline = list(printed.outline(printed.reader.outline))
    texts = ["\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells) for path in CHAPTERS]
    titles = [re.search("^# (.+)", text, flags=re.M)[1] for text in texts]
    chapters = [title for depth, title in outline if depth == 1]
    numbered = [f"{number} {title}" for number, title in enumerate(titles, start=1)]
    assert [title for title in chapters if title[0].isdigit()] == numbered
    assert chapters[-5:] == ["Reproducibility", "Run it elsewhere", "Solutions", "Code of the figures", "Bibliography"]
    parts = [title for depth, title in outline if depth == 0]
    assert len(parts) == 1 + len(TOC["parts"]) and parts[0] == "Introduction"


@pytest.mark.heavy
def test_all_links_lead_somewhere(printed):
    links = [link for page in range(len(printed.reader.pages)) for link in printed.links(page)]
    assert len(links) > 1500
    assert not set(links) - set(printed.anchors)


@pytest.mark.heavy
def test_no_markup_and_no_unresolved_reference_is_printed(printed):
    found = {page + 1: set(RAW_MARKUP.findall(text)) for page, text in printed.text.items()}
    assert not {page: marks for page, marks in found.items() if marks}


@pytest.mark.heavy
def test_equations_and_figures_have_the_numbers_of_the_web_edition(printed, web):
    equations = figures = 0
    for page, soup in web.items():
        for block in soup.select("div.math[id]"):
            number = block.select_one(".eqno").contents[0].strip("()")
            label = f"equation:{page}:{block['id'].removeprefix('equation-')}"
            assert printed.labels[label][0] == number
            assert f"({number})" in printed.text[printed.page(label)]
            equations += 1
        for figure in soup.select("figure[id]"):
            name = figure.select_one(".caption-number").text.strip()
            label = f"{page}:{figure['id']}"
            assert f"Figure {printed.labels[label][0]}" == name
            assert f"{name}.".replace(" ", "") in printed.text[printed.page(label)]
            figures += 1
    assert equations > 200 and figures > 100


@pytest.mark.heavy
def test_each_exercise_and_its_solution_lead_to_each_other(printed, web):
    exercises = 0
    for page, soup in web.items():
        for box in soup.select("div.exercise[id]"):
            name = box.select_one(".caption-number").text.strip()
            exercise, solution = f"{page}:{box['id']}", f"solution:{box['id']}"
            assert name.replace(" ", "") in printed.text[printed.page(exercise)]
            box_may_go_on = printed.links(printed.page(exercise)) + printed.links(printed.page(exercise) + 1)
            assert printed.labels[solution][2] in box_may_go_on
            assert name.replace(" ", "") in printed.text[printed.page(solution)]
            assert printed.labels[exercise][2] in printed.links(printed.page(solution))
            assert printed.page(solution) >= printed.page(":solutions") > printed.page(exercise)
            exercises += 1
    assert exercises == sum(path.read_text().count("{exercise}") for path in CHAPTERS)


@pytest.mark.heavy
def test_a_figure_is_there_once_and_sharp(printed):
    sizes = [image.image.width for page in range(20, 60) for image in printed.reader.pages[page].images]
    assert sizes and min(sizes) > 700
    files = [name for name in (ROOT / "_build" / "latex").glob("*.png") if "dark" in name.name or "narrow" in name.name]
    assert not files
