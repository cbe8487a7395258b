"""What students get: complete, without solutions, and usable without the book."""

import importlib
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.heavy  # for teachers: "make test" is no slower for it

ROOT = Path(__file__).parents[1]
CHAPTERS = sorted((ROOT / "book").glob("*.ipynb"))
ANSWER = re.compile(r"^answer = None", flags=re.M)


@pytest.fixture(scope="module")
def program():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "tools"))
        yield importlib.import_module("student_copies")


@pytest.fixture(scope="module")
def folder(program, tmp_path_factory):
    made = tmp_path_factory.mktemp("copies") / "student"
    program.main(str(made))
    return made


def cells(path):
    return nbformat.read(path, as_version=4).cells


def test_the_folder_holds_all_chapters_the_library_and_how_to_run_them(folder):
    assert [path.name for path in sorted((folder / "book").glob("*.ipynb"))] == [path.name for path in CHAPTERS]
    data = {path.name: path.read_bytes() for path in (ROOT / "book" / "data").iterdir()}
    assert {path.name: path.read_bytes() for path in (folder / "book" / "data").iterdir()} == data
    modules = {path.name for path in (ROOT / "lib" / "scaling_laws").glob("*.py")}
    assert {path.name for path in (folder / "lib" / "scaling_laws").iterdir()} >= modules
    assert CHAPTERS[0].name in (folder / "README.md").read_text()
    pins = (folder / "requirements.txt").read_text().splitlines()
    assert pins[-1] == "." and all(re.fullmatch(r"[\w-]+==[\d.]+", line) for line in pins[:-1]) and len(pins) == 10
    assert not [path for path in folder.rglob("*") if path.name == "__pycache__" or path.suffix == ".egg-info"]


def test_the_exam_stays_with_the_teacher(folder):
    kept = {path.name for path in (ROOT / "teaching").iterdir()}
    assert "exam_answers.md" in kept and not kept & {path.name for path in folder.rglob("*")}
    assert "teaching" not in {path.name for path in folder.rglob("*")}


@pytest.mark.parametrize("name", [path.name for path in CHAPTERS])
def test_answers_keep_their_cells_and_solutions_are_gone(folder, name):
    book, copy = cells(ROOT / "book" / name), cells(folder / "book" / name)
    answers = [cell.id for cell in book if ANSWER.search(cell.source)]
    assert [cell.id for cell in copy if ANSWER.search(cell.source)] == answers
    inside, removed = False, set()
    for cell in book:
        inside |= "solution-start" in cell.source
        removed |= {cell.id} if inside else set()
        inside &= "solution-end" not in cell.source
    assert not removed & {cell.id for cell in copy}
    assert not re.search("solution-(start|end)|Solution of", "\n".join(cell.source for cell in copy))


def test_no_cell_uses_what_only_a_solution_defines(folder):
    ruff = shutil.which("ruff", path=Path(sys.executable).parent)
    run = [ruff, "check", "--isolated", "--no-cache", "--select", "F821", folder / "book"]
    assert subprocess.run(run, capture_output=True).returncode == 0
    chapter = cells(folder / "book" / CHAPTERS[0].name)
    broken = nbformat.v4.new_notebook(cells=[*chapter, nbformat.v4.new_code_cell("print(of_a_solution)")])
    other = folder.parent / "broken.ipynb"
    nbformat.write(broken, other)
    assert subprocess.run([*run[:-1], other], capture_output=True).returncode == 1


def test_links_lead_to_what_is_in_the_folder(folder):
    ids = {path.name: {cell.id for cell in cells(path)} for path in (folder / "book").glob("*.ipynb")}
    for path in (folder / "book").glob("*.ipynb"):
        text = "\n".join(cell.source for cell in cells(path) if cell.cell_type == "markdown")
        for address in re.findall(r"\]\(<?([^)>\s]+)>?\)", text):
            file, _, name = address.partition("#cell-id=")
            if file in ids:
                assert not name or name in ids[file], f"{path.name}: {address}"
            else:
                assert "://" in address or (folder / "book" / file).exists(), f"{path.name}: {address}"


def test_the_findings_that_chapters_name_are_there_and_no_others(folder):
    text = "\n".join(path.read_text() for path in (folder / "book").glob("*.ipynb"))
    named = set(re.findall(r"findings/(\w+\.\w+)", text))
    assert named == {path.name for path in (folder / "findings").iterdir()} and named


def test_the_archive_is_the_folder_and_the_same_each_time(program, folder):
    archive = folder.with_suffix(".zip")
    with zipfile.ZipFile(archive) as packed:
        names = {name: packed.read(name) for name in packed.namelist()}
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert names == {f"student/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in files}
    again = archive.with_name("again.zip")
    program.write_archive(folder, again)
    assert again.read_bytes() == archive.read_bytes()


def test_a_run_that_was_cut_short_leaves_the_copies_of_the_run_before(program, tmp_path, monkeypatch):
    made = tmp_path / "student"
    made.mkdir()
    (made / "README.md").write_text("of the run before")

    def interrupt(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(program, "write_archive", interrupt)
    with pytest.raises(KeyboardInterrupt):
        program.main(str(made))
    assert [path.read_text() for path in made.iterdir()] == ["of the run before"]
    monkeypatch.undo()
    program.main(str(made))
    assert {path.name for path in tmp_path.iterdir()} == {"student", "student.zip"}


@pytest.mark.parametrize("name", ["10_equiparameterization.ipynb", "12_tasks.ipynb"])
def test_a_copy_runs_from_the_top(folder, name):
    notebook = nbformat.read(folder / "book" / name, as_version=4)
    where = {"metadata": {"path": str(folder / "book")}}
    NotebookClient(notebook, timeout=300, resources=where, shutdown_kernel="immediate").execute()
    shown = [str(output.get("data", output)) for cell in notebook.cells for output in cell.get("outputs", [])]
    open_answers = sum(bool(ANSWER.search(cell.source)) for cell in notebook.cells)
    assert sum("No answer yet" in text for text in shown) == open_answers > 3
