"""The chapters as plain notebooks: what they say without the book, and that nobody's work is lost."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from functools import cache
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from conftest import HTML
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "book").glob("*.ipynb"))
NUMBERS = {
    "eq-kaplan-single": "(1.1)",
    "eq-optimal-modes": "(10.4)",
    "eq-noisy-split": "(10.12)",
    "eq-tool-gaussian": "(A.1)",
    "fig-three-spectra": "Figure 2.1",
    "fig-raw": "Figure 13.5",
    "fig-tool-smearing": "Figure A.1",
    "kaplan-halving": "Exercise 1.1",
    "own-data": "Exercise 13.6",
}


@pytest.fixture(scope="module", autouse=True)
def plain(tool):
    return tool("plain_notebooks")


@pytest.fixture(scope="module")
def copy_of(plain):
    """A function that makes a chapter plain, once."""
    return cache(lambda path: plain.plain_notebook(path, plain.Book.read()))


# ---------------------------------------------------------------- the chapters


def code(notebook):
    """The code cells of a notebook that the page shows: name and source."""
    shown = [cell for cell in notebook.cells if "remove-cell" not in cell.metadata.get("tags", [])]
    return [(cell.id, cell.source) for cell in shown if cell.cell_type == "code"]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_chapter_becomes_a_plain_notebook_with_its_code_unchanged(copy_of, path):
    copy = copy_of(path)
    nbformat.validate(copy)
    text = "\n\n".join(cell.source for cell in copy.cells if cell.cell_type == "markdown")
    assert re.findall(r"\{[\w:+-]+\}`[^`]*`?|(?:```|:::)\{.*|^\([\w:.-]+\)=|\\newcommand.*", text, flags=re.M) == []
    assert code(copy) == code(nbformat.read(path, as_version=4))
    assert not any(cell.outputs or cell.execution_count for cell in copy.cells if cell.cell_type == "code")
    closed = False  # a closed heading hides all up to the next one: it must hide a solution, and no more
    for cell in copy.cells:
        heading = re.match("#+ (Solution)?", cell.source if cell.cell_type == "markdown" else "")
        closed = bool(heading[1]) if heading else closed
        assert not (closed and re.search("^answer = None", cell.source, flags=re.M)), cell.id


def test_links_lead_to_cells_and_files_that_are_there(copy_of):
    names = {path.name: {cell.id for cell in copy_of(path).cells} for path in CHAPTERS}
    links = 0
    for path in CHAPTERS:
        text = "\n".join(cell.source for cell in copy_of(path).cells if cell.cell_type == "markdown")
        for address in re.findall(r"\]\(<?([^)>\s]+)>?\)", text):
            file, _, name = address.partition("#cell-id=")
            if file in names:
                assert not name or name in names[file], f"{path.name}: {address}"
            else:
                assert "://" in address or (ROOT / "lab" / file).resolve().exists(), f"{path.name}: {address}"
            links += 1
    assert links > 500


@pytest.mark.parametrize("label", NUMBERS)
def test_equations_figures_and_exercises_have_the_numbers_of_the_book(plain, label):
    assert plain.Book.read().targets[label].text == NUMBERS[label]


@pytest.mark.browser
def test_every_number_is_the_one_in_the_built_book(plain):
    targets, wrong = plain.Book.read().targets, {}
    stems = {Path(target.file).stem for target in targets.values()}
    pages = {stem: BeautifulSoup((HTML / "book" / f"{stem}.html").read_bytes(), "html.parser") for stem in stems}
    places = {stem: {place["id"]: place for place in page.find_all(id=True)} for stem, page in pages.items()}
    for label, target in targets.items():
        known = places[Path(target.file).stem]
        place = known.get(f"equation-{label}") or known.get(label)
        number = place and place.find(class_=["eqno", "caption-number"])
        shown = number.find(string=True).strip() if number else "nothing"
        wrong |= {label: shown} if shown != target.text else {}
    assert len(targets) > 100 and wrong == {}


# ---------------------------------------------------------------- a small book

CHAPTER = [
    ("macros", "$\\newcommand{\\T}{\\mathsf{T}}$"),
    ("title", "# One"),
    (
        "text",
        "{cite:t}`lovelace` and {cite:p}`lovelace,two`, {mod}`~scaling_laws.theory`:\n\n$$\nx^\\T\n$$ (eq-x)",
    ),
    ("link", "See {eq}`eq-x`, {numref}`fig-x`, {ref}`ask-x` and {eq}`eq-far`."),
    ("page", "As [an appendix](tools.md) and [chapter 2](y.ipynb) say."),
    ("box", "```{admonition} Mind\n:class: warning\nthe {eq}`eq-x`\n```\n\n$$y$$"),
    ("proof", "```{admonition} Proof\n:class: dropdown\nShort.\n```"),
    ("ask", "```{exercise} Sums\n:label: ask-x\nHow much?\n```"),
    ("answer", "```{solution-start} ask-x\n:class: dropdown\n```\nSECRET words\n\n```{solution-end}\n```"),
    ("ask2", "```{exercise} Code\n:label: ask-y\nHow often?\n```"),
    ("answer2", "```{solution-start} ask-y\n:class: dropdown\n```\nSECRET steps"),
    ("SECRET = 7",),
    ("end2", "```{solution-end}\n```"),
]
BIB = """@article{lovelace, author={Lovelace, Ada}, year={1843}, doi={10.1/x}}
@article{two, author={One, A and Two, B and Three, C}, year={2022}, eprint={2210.16859}}"""


def save(path, *cells):
    """Save a notebook of Markdown cells (name, text) and code cells (source,)."""
    made = [
        new_markdown_cell(cell[1], id=cell[0]) if len(cell) == 2 else new_code_cell(cell[0], id=f"code{i}")
        for i, cell in enumerate(cells)
    ]
    for cell in made:
        cell.metadata.tags = ["remove-cell"] if cell.id == "macros" else []
    figure = new_code_cell("draw()", id="figure", metadata={"mystnb": {"figure": {"name": f"fig-{path.stem}"}}})
    figure.metadata.mystnb.figure.caption = "Like $a^\\T$ in {eq}`eq-x`."
    nbformat.write(new_notebook(cells=[*made, figure], metadata={"language_info": {"name": "python"}}), path)


@pytest.fixture
def convert(plain, tmp_path):
    """A function that makes the first of two chapters and an appendix plain, with cells added to its own."""
    (tmp_path / "book").mkdir()
    parts = "[{numbered: 1, chapters: [{file: book/x}, {file: book/y}]}, {chapters: [{file: book/z}]}]"
    (tmp_path / "_toc.yml").write_text(f"parts: {parts}")
    (tmp_path / "book" / "references.bib").write_text(BIB)
    save(tmp_path / "book" / "y.ipynb", ("first", "$$y$$ (eq-y)"), ("second", "$$y$$\n\n$$\nz\n$$ (eq-far)"))
    save(tmp_path / "book" / "z.ipynb")

    def convert_(*cells, **options):
        path = tmp_path / "book" / "x.ipynb"
        save(path, *CHAPTER, *cells)
        return plain.plain_notebook(path, plain.Book.read(tmp_path), **options)

    return convert_


def test_roles_and_directives_say_what_the_book_shows(convert):
    cells = {cell.id: cell.source for cell in convert().cells}
    lovelace, two = (
        "[Lovelace{}1843{}](<https://doi.org/10.1/x>)",
        "[One et al., 2022](<https://arxiv.org/abs/2210.16859>)",
    )
    opening, _, formula = cells["text"].partition("\n\n")
    module = "[`scaling_laws.theory`](../lib/scaling_laws/theory.py)"
    assert opening == f"{lovelace.format(' (', ')')} and ({lovelace.format(', ', '')}; {two}), {module}:"
    assert formula == "$$\nx^\\mathsf{T}\n\\tag{1.1}\n$$"
    x, figure = "[(1.1)](x.ipynb#cell-id=text)", "[Figure 1.1](x.ipynb#cell-id=figure)"
    ask = "[Exercise 1.1](x.ipynb#cell-id=ask)"
    assert cells["link"] == f"See {x}, {figure}, {ask} and [(2.2)](y.ipynb#cell-id=second)."
    assert cells["page"] == "As an appendix and [chapter 2](y.ipynb) say."
    assert cells["box"] == f"> **Mind**\n>\n> the {x}\n\n$$y$$"
    assert cells["proof"] == "<details>\n<summary><strong>Proof</strong></summary>\n\nShort.\n\n</details>"
    assert cells["ask"] == "### Exercise 1.1 (Sums)\n\nHow much?"
    assert cells["figure-caption"] == f"**Figure 1.1.** Like $a^\\mathsf{{T}}$ in {x}."
    assert "macros" not in cells


def test_solutions_are_closed_if_text_as_details_and_otherwise_under_a_heading(convert):
    cells = convert().cells
    names = [cell.id for cell in cells]
    text = cells[names.index("answer")].source
    assert text.startswith("<details>\n<summary><strong>Solution of Exercise 1.1</strong></summary>\n\nSECRET words")
    start = names.index("answer2-heading")
    assert names[start : start + 3] == ["answer2-heading", "answer2", "code11"]
    assert cells[start].source == "#### Solution of Exercise 1.2"
    assert cells[start].metadata == {"jp-MarkdownHeadingCollapsed": True}


def test_nothing_of_a_solution_is_left_in_a_notebook_without_solutions(convert):
    with_solutions, without = convert(), convert(solutions=False)
    assert "SECRET words" in str(with_solutions) and "SECRET = 7" in str(with_solutions)
    assert "SECRET" not in str(without) and "olution" not in str(without)
    assert {"ask", "ask2", "figure", "figure-caption"} <= {cell.id for cell in without.cells}


@pytest.mark.parametrize(
    "source, what",
    [("{doc}`x`", "{doc}"), ("```{margin}\nx\n```", "{margin}"), ("{eq}`eq-none`", "eq-none"), ("(label)=", "label")],
)
def test_what_is_not_known_is_an_error_that_names_notebook_and_cell(convert, source, what):
    with pytest.raises(ValueError, match=r"x\.ipynb, cell new: .*" + re.escape(what)):
        convert(("new", f"As in\n\n{source}\n"))


# ---------------------------------------------------------------- a reader's copy


@pytest.fixture
def copy(plain, convert, tmp_path):
    """A copy as it was written, the function that writes it again, and one that writes that of a newer chapter."""
    path = tmp_path / "lab.ipynb"
    assert plain.write(convert(), path) == "written"
    return path, lambda: plain.write(convert(), path), lambda: plain.write(convert(("new", "More.")), path)


def test_a_copy_in_which_nobody_worked_follows_the_chapter(copy):
    path, again, newer = copy
    assert again() == "as it was"
    run = nbformat.read(path, as_version=4)
    run.cells[-2].execution_count = 1
    nbformat.write(run, path)  # it was run, and saved
    assert newer() == "written"
    assert "More." in path.read_text()


@pytest.mark.parametrize("new", [False, True])
def test_a_copy_in_which_a_reader_worked_is_kept(copy, new):
    path, again, newer = copy
    changed = nbformat.read(path, as_version=4)
    changed.cells[-2].source = "answer = 42"
    nbformat.write(changed, path)
    before = path.read_bytes()
    result = newer() if new else again()
    assert path.read_bytes() == before
    assert result == "as it was" if not new else result.startswith("kept, with your changes")


@pytest.mark.parametrize(
    "content", [b"no notebook", b"\xff", b'{"cells": [], "metadata": {}, "nbformat": 4}', b"[]", b""]
)
def test_a_file_from_elsewhere_is_kept(copy, content):
    path, again, _ = copy
    path.write_bytes(content)
    assert again().startswith("kept") and path.read_bytes() == content


@pytest.mark.heavy
def test_copies_have_beside_them_what_chapters_read(plain, tmp_path):
    plain.main(str(tmp_path / "lab"))
    data = {path.name: path.read_bytes() for path in (ROOT / "book" / "data").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "lab" / "data").iterdir()} == data
    assert {path.name for path in (tmp_path / "lab").glob("*.ipynb")} >= {path.name for path in CHAPTERS}
    plain.main(str(tmp_path / "lab"))  # a second time, too


# ---------------------------------------------------------------- in JupyterLab


@pytest.fixture
def lab(tmp_path):
    """The address of JupyterLab as `make lab` starts it; with an empty home, and copies of its own."""
    if not (ROOT / ".venv" / ".lab").exists():
        pytest.skip("JupyterLab is not installed: make .venv/.lab")
    copies = ROOT / "_build" / "lab"
    shutil.rmtree(copies, ignore_errors=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tmp_path / "home"
    home.mkdir()
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "XDG"))}
    command = ["make", "lab", f"PORT={port}", "COPIES=_build/lab", "LABFLAGS=--no-browser --IdentityProvider.token=t"]
    with open(tmp_path / "said", "w+") as said:
        server = subprocess.Popen(
            command, cwd=ROOT, env=outer | {"HOME": str(home)}, stdout=said, stderr=said, start_new_session=True
        )
        try:
            while "is running at" not in (tmp_path / "said").read_text():
                assert server.poll() is None, (tmp_path / "said").read_text()
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/"
            end = urllib.request.Request(f"http://127.0.0.1:{port}/api/shutdown?token=t", method="POST")
            urllib.request.urlopen(end).close()
            server.wait(20)
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGTERM)
    assert list(home.rglob("*")) == [], "something was written outside this folder"


LOOK = """() => {  // what a reader would stumble over
  const found = [], pages = [...document.querySelectorAll('.jp-RenderedMarkdown')];
  document.querySelectorAll('mjx-merror, mjx-mtext[style*="red"], [mathcolor="red"]').forEach(
    e => found.push('error in a formula: ' + e.closest('mjx-container').parentElement.textContent));
  for (const page of pages) {
    const text = page.cloneNode(true);
    text.querySelectorAll('code, mjx-container').forEach(e => e.remove());
    const raw = text.textContent.match(/\\{[\\w:+-]+\\}|:::|```|\\$|\\\\\\w+/);
    if (raw) found.push(`not typeset: ${raw[0]} in ${text.textContent.slice(0, 200)}`);
  }
  return found;
}"""
RENDERED = """() => [...document.querySelectorAll('h2')].some(e => e.textContent.startsWith('Further reading'))
  && document.querySelectorAll('h4').length >= 5"""


@pytest.mark.browser
def test_first_chapters_read_well_in_jupyterlab(lab, new_tab):
    for path in CHAPTERS[:3]:
        number, proofs = int(path.stem[:2]), 0
        tab = new_tab(f"doc/tree/_build/lab/{path.name}?token=t", root=lab)
        tab.wait_for_function(RENDERED, polling=300, timeout=60000)
        for _ in range(30):  # the last formulas are typeset a moment later
            if not (found := tab.evaluate(LOOK)):
                break
            tab.wait_for_timeout(200)
        assert found == []
        assert tab.locator("h3", has_text=f"Exercise {number}.1 (").count() == 1
        heading = tab.locator(".jp-MarkdownCell", has=tab.locator("h4", has_text=f"Solution of Exercise {number}.1"))
        inside = heading.locator("xpath=following-sibling::*[1]")
        assert not inside.is_visible()
        heading.get_by_role("button", name="cells hidden").click()
        inside.wait_for(state="visible")
        for proof in tab.locator("details").all():
            body = proof.locator("p").first
            assert not body.is_visible()
            proof.locator("summary").click()
            body.wait_for(state="visible")
            proofs += 1
        assert proofs == 2 * (number == 2)
        # JupyterLab itself gives up some of the requests with which it keeps up to date
        assert [text for text in tab.said if not text.startswith("failed request")] == []
        tab.close()
