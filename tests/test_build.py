"""A small book, built with the project's own extension for parallel and repeated builds."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

pytestmark = pytest.mark.heavy

ROOT = Path(__file__).parents[1]
KEPT = {"sphinx": ["local_extensions", "config"], "execute": ["execute_notebooks", "allow_errors"]}


def config():
    """The book's settings, as far as they are about building."""
    whole = yaml.safe_load((ROOT / "_config.yml").read_text())
    part = {group: {name: whole[group][name] for name in names} for group, names in KEPT.items()}
    part["sphinx"]["local_extensions"] = {"parallel_build": "book/_ext"}
    part["sphinx"]["config"] = {k: v for k, v in whole["sphinx"]["config"].items() if k.startswith("nb_execution")}
    return yaml.safe_dump({"title": "A small book", "only_build_toc_files": True, **part})


@pytest.fixture
def book(tmp_path):
    """A folder with a book of two notebooks and a function of the library; build(), text(page) and runs(page)."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "small.py").write_text("def f():\n    return 'one'\n")
    (tmp_path / "book").mkdir()
    shutil.copytree(ROOT / "book" / "_ext", tmp_path / "book" / "_ext")
    (tmp_path / "_config.yml").write_text(config())
    (tmp_path / "requirements.txt").write_text("numpy\n")
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: book/a\nchapters:\n- file: book/b\n")
    for name in "ab":
        code = f"import uuid, small\nprint('{name} says', small.f())\nprint('run', uuid.uuid4())"
        cells = [new_markdown_cell(f"# Page {name}"), new_code_cell(code)]
        nbformat.write(new_notebook(cells=cells), tmp_path / "book" / f"{name}.ipynb")

    class Book:
        folder = tmp_path

        def build(self):
            program = Path(sys.executable).with_name("jupyter-book")
            usual = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
            return subprocess.run(
                [program, "build", ".", "-W", "-n", "--keep-going"],
                cwd=tmp_path,
                env=usual | {"PYTHONPATH": str(tmp_path / "lib")},
                capture_output=True,
                text=True,
            )

        def text(self, page):
            return (tmp_path / "_build" / "html" / "book" / f"{page}.html").read_text()

        def runs(self):
            return [self.text(page).split("run ")[1][:36] for page in "ab"]

    return Book()


def test_a_build_executes_what_changed_and_never_misses_a_change(book):
    first = book.build()
    assert first.returncode == 0, first.stderr
    assert all(f"{page} says one" in book.text(page) for page in "ab")
    runs = book.runs()

    assert book.build().returncode == 0
    assert book.runs() == runs  # nothing has changed, nothing was executed

    library, before = book.folder / "lib" / "small.py", (book.folder / "lib" / "small.py").stat()
    library.write_text("def f():\n    return 'two'\n")
    os.utime(library, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a copy or a checkout may leave it
    assert book.build().returncode == 0
    assert all(f"{page} says two" in book.text(page) for page in "ab")

    runs, page = book.runs(), book.folder / "book" / "b.ipynb"
    before = page.stat()
    page.write_text(page.read_text().replace("b says", "B says"))
    os.utime(page, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert book.build().returncode == 0
    assert "B says two" in book.text("b")
    assert book.runs()[0] == runs[0]


def test_a_failing_cell_is_named_and_the_next_build_does_not_take_its_page_for_good(book):
    page = book.folder / "book" / "b.ipynb"
    good = page.read_text()
    page.write_text(good.replace("small.f())", "small.g())"))
    for _ in range(2):
        failed = book.build()
        said = failed.stdout + failed.stderr
        assert failed.returncode != 0
        assert "b.ipynb" in said and "small.g()" in said and "has no attribute 'g'" in said
    page.write_text(good)
    assert book.build().returncode == 0
    assert "b says one" in book.text("b")


def test_a_kernel_whose_page_is_done_is_ended_and_not_asked_to_end(book):
    page = book.folder / "book" / "b.ipynb"
    code = page.read_text().replace("import uuid", "import atexit, pathlib, uuid")
    page.write_text(code.replace("print('run'", "atexit.register(pathlib.Path('asked').touch)\\nprint('run'"))
    assert book.build().returncode == 0
    assert "b says one" in book.text("b") and not (page.parent / "asked").exists()


def test_a_build_that_was_cut_short_is_done_again(book):
    assert book.build().returncode == 0
    html, text = book.folder / "_build" / "html" / "book" / "a.html", book.text("a")
    html.write_text(text[: len(text) // 2])  # as an interruption may leave a page
    (book.folder / "_build" / ".doctrees" / "complete").unlink()  # what a build puts there at its end
    assert book.build().returncode == 0
    assert "a says one" in book.text("a")
