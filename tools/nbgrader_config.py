"""Settings of nbgrader for homework: 'make homework' copies this file into the folder in which nbgrader works."""

import os
import sys
from itertools import pairwise
from pathlib import Path

import nbformat
from nbgrader.converters import Autograde
from nbgrader.preprocessors import NbGraderPreprocessor

HERE = Path(__file__).parent


class CheckCells(NbGraderPreprocessor):
    """Refuse a notebook whose cells nbgrader could not tell apart, or with another's numbers, and say whose it is.

    Left to itself, nbgrader 0.9.6 stops at a cell that was copied, and marks nobody after it; a notebook without
    metadata it passes in silence, and points whose test cell was deleted it takes away without a word.
    """

    def preprocess(self, nb, resources):
        """Look at the names of the cells before anything else does."""
        about = resources["nbgrader"]
        whose = f"{about['student']}, {about['assignment']}"
        source = HERE / "source" / about["assignment"] / f"{about['notebook']}.ipynb"
        handed_out = nbformat.read(source, as_version=4)
        for notebook in (handed_out, nb):
            owner = dict(notebook.metadata.get("scaling_laws") or {}).get("student", about["student"])
            if owner != about["student"]:
                raise ValueError(f"{whose}: this has the numbers of {owner}")
        cells = [cell for cell in handed_out.cells if "nbgrader" in cell.metadata]
        known = [cell.metadata["nbgrader"] for cell in cells]
        answers = [settings["grade_id"] for settings in known if settings["solution"]]
        found = [cell.metadata["nbgrader"] for cell in nb.cells if "nbgrader" in cell.metadata]
        names = [settings.get("grade_id") for settings in found]
        if copied := sorted({str(name) for name in names if names.count(name) > 1}):
            raise ValueError(f"{whose}: more than one cell is called {', '.join(copied)}")
        right = [(settings["grade_id"], settings["schema_version"]) for settings in known]
        for settings in found:
            if (settings.get("grade_id"), settings.get("schema_version")) not in right:
                raise ValueError(f"{whose}: a cell's metadata were changed; it is called {settings.get('grade_id')}")
        missing = [name for name in answers if name not in names]
        if missing == answers:
            raise ValueError(f"{whose}: no cell has the metadata by which it is found")
        if missing:
            self.log.warning("%s: these cells are missing: %s", whose, ", ".join(missing))
        for before, cell in pairwise(cells):
            settings, before = cell.metadata["nbgrader"], before.metadata["nbgrader"]["grade_id"]
            if settings["grade"] and settings["grade_id"] not in names:
                places = [place for place, one in enumerate(nb.cells) if names_cell(one) == before]
                nb.cells.insert(places[0] + 1 if places else len(nb.cells), cell)
                self.log.warning("%s: a test cell was missing, and is put back: %s", whose, settings["grade_id"])
        return nb, resources


def names_cell(cell):
    """Return the name by which nbgrader knows a cell."""
    return cell.metadata.get("nbgrader", {}).get("grade_id")


c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "scaling-laws"
c.ClearSolutions.code_stub = {"python": "answer = None"}
c.Autograde.sanitize_preprocessors = [CheckCells, *Autograde.sanitize_preprocessors.default_args[0]]
c.Execute.timeout = 120  # seconds for a cell
c.Execute.extra_arguments = ["--HistoryManager.hist_file=:memory:", "--IPKernelApp.log_level=40"]

# nbgrader calls alembic by its bare name; and IPython's settings stay in this folder
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
os.environ.setdefault("IPYTHONDIR", str(HERE / ".ipython"))
