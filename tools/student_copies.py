"""Write what students get: plain chapters without solutions, and the library: python tools/student_copies.py FOLDER

The folder is made anew, and beside it a zip archive of it. Nothing in it needs the book or a MyST extension.
"""

import re
import shutil
import sys
import tomllib
import zipfile
from pathlib import Path

import nbformat
from plain_notebooks import ROOT, Book, plain_notebook

MADE = (1980, 1, 1, 0, 0, 0)  # so that the same files make the same archive
README = """# Solving Neural Scaling Laws: student copies

The chapters of the course as notebooks, without solutions, and the library behind them. Python 3.11 or newer:

    python3 -m venv .venv
    .venv/bin/python -m pip install -r requirements.txt
    .venv/bin/jupyter lab book/{first}

(On Windows `.venv\\Scripts` in place of `.venv/bin`.) Run a notebook from the top. Exercises have a cell with
`answer = None`: put your answer in place of `None`, and `check` says whether it is right, or gives a hint. Keep these
cells: a teacher finds your answers by them.
"""


def requirements() -> str:
    """Return what the notebooks need, in the course's versions."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = [re.match(r"[\w-]+", one)[0] for one in project["dependencies"]] + ["ipykernel", "jupyterlab"]
    pinned = "\n".join((ROOT / f"requirements{of}.txt").read_text(encoding="utf-8") for of in ("", "-lab"))
    return "\n".join(re.search(rf"^{name}==.*$", pinned, flags=re.M)[0] for name in names) + "\n.\n"


def write_folder(folder: Path) -> None:
    """Write notebooks, library and instructions into a new folder."""
    book = Book.read()
    (folder / "book").mkdir(parents=True)
    (folder / "findings").mkdir()
    for path in book.notebooks:
        notebook = plain_notebook(path, book, solutions=False)
        nbformat.validate(notebook)
        nbformat.write(notebook, folder / "book" / path.name)
        for name in re.findall(r"`(findings/[\w.]+)`", nbformat.writes(notebook)):
            shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "book" / "data", folder / "book" / "data")
    unneeded = shutil.ignore_patterns("__pycache__", "*.egg-info")
    shutil.copytree(ROOT / "lib", folder / "lib", ignore=unneeded)
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "README.md").write_text(README.format(first=book.notebooks[0].name), encoding="utf-8")
    (folder / "requirements.txt").write_text(requirements(), encoding="utf-8")


def write_archive(folder: Path, archive: Path) -> None:
    """Pack the folder."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                name = zipfile.ZipInfo(str(folder.name / path.relative_to(folder)), MADE)
                packed.writestr(name, path.read_bytes(), zipfile.ZIP_DEFLATED)


def main(name: str) -> None:
    folder, archive = Path(name), Path(name).with_suffix(".zip")
    part = folder.with_suffix(".part")  # an interrupted run leaves nothing that looks finished
    shutil.rmtree(part, ignore_errors=True)
    write_folder(part / folder.name)
    write_archive(part / folder.name, part / archive.name)
    shutil.rmtree(folder, ignore_errors=True)
    (part / folder.name).replace(folder)
    (part / archive.name).replace(archive)
    part.rmdir()
    print(f"Student copies: the folder {folder} and the archive {archive}.")


if __name__ == "__main__":
    main(*sys.argv[1:])
