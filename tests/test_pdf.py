"""The book as one PDF: how its pages are arranged, and, where TeX is installed, the PDF that 'make pdf' wrote."""

import importlib
import os
import re
import shutil
import subprocess
import sys
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
    """A function that imports one of the two programs."""
    with pytest.MonkeyPatch.context() as patch:
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
    file = page(block, other, nodes.container("", figure))
    arrange.number_equations(file, {"equation-eq-x": (8, 12)})
    arrange.number_figures(file, {"fig-x": ("A", 1)})
    assert r"\booknumber{equation}{8.12}" in block.astext() and r"\label{equation:book/page:eq-x}" in block.astext()
    assert other.astext() == "y = 2"
    assert latex(file) == [r"\booknumber{figure}{A.1}"]
    assert figure.parent.index(figure) == 1  # the number is set just before


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
    cells = [[nodes.entry("", nodes.paragraph("", text)) for text in ("short", "a long cell " * 9)] for _ in range(rows)]
    group += nodes.tbody("", *[nodes.row("", *row) for row in cells])
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


@pytest.fixture(scope="module")
def pdf(tool):
    """The PDF, opened."""
    if packages := tool("print_book").missing():
        pytest.skip(f"TeX is not installed: apt-get install {' '.join(packages)}")
    if not PDF.exists():
        pytest.skip("there is no PDF: run 'make pdf'")
    return pytest.importorskip("pypdf", reason="pypdf is not installed: 'make pdf' does it").PdfReader(PDF)
