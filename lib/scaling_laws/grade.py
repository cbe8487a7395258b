r"""Marks for submitted notebooks: ``python -m scaling_laws.grade FOLDER``, where FOLDER has one folder a student.

Each notebook runs in a process of its own, with a time limit, and reports its answers. The marks are given outside that
process, by the checks of the notebooks as they were handed out. The answer cells are found by their ids.

This is no sandbox. A submission runs as you, with your files and your network: Python refuses it the folders of the
submissions and of the checks, but a program that it starts can read them. And the answers to the book's own exercises
are in this library, which students have. `seal` keeps other numbers from being read, not from being searched for: there
are some ten thousand candidates, at about ten milliseconds each.
"""

from __future__ import annotations

import argparse
import ast
import csv
import hashlib
import json
import math
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from .exercises import ANSWERS, Verdict, _Number, _one_number

COLUMNS = ["student", "assignment", "exercise", "points", "max points", "status", "message"]
LARGEST = 100 * 2**20  # bytes of a notebook; and of a report a tenth of that
LONGEST = 1e6  # seconds for a notebook
SETS_ANSWER = re.compile(r"^(answer\s*=[^=]|def answer\b)", flags=re.M)


class NotAnswered(AssertionError):
    """An exercise without an answer, which is not the same as a wrong one.

    Examples
    --------
    >>> raise NotAnswered("gcv: not answered")
    Traceback (most recent call last):
    scaling_laws.grade.NotAnswered: gcv: not answered
    """


class Mark(NamedTuple):
    """A line of the table of marks.

    Attributes
    ----------
    student, assignment, exercise : str
        Whose answer to what; no exercise where a file is no notebook of the course, or where there is none.
    points, max_points : float
        The points given, and those to be had.
    status : str
        "right", "wrong" or "not answered"; or why there is nothing to judge: "error" in the answer's cell, "no cell"
        for the answer, "stopped" before that cell had run, "damaged": the notebook cannot be marked, or "no notebook"
        in a student's folder.
    message : str
        The same in a sentence.

    Examples
    --------
    >>> Mark("ada", "homework_01", "local-exponent", 3, 3, "right", "Correct.").points
    3
    """

    student: str
    assignment: str
    exercise: str
    points: float
    max_points: float
    status: str
    message: str


# ---------------------------------------------------------------- numbers that a check does not show


def seal(value: float, digits: int | None, salt: str) -> dict[str, Any]:
    """Return what tells right numbers from wrong ones without showing them: arguments for `mark`.

    Parameters
    ----------
    value : float
        The right answer.
    digits : int or None
        The significant digits that the exercise asks for; None for a whole number.
    salt : str
        Anything that is not used for another seal.

    Returns
    -------
    dict
        `digits`, `salt`, and as `digests` slow hashes of all numbers of one digit more that `check` would accept.

    Examples
    --------
    >>> sealed = seal(2 / 3, 2, salt="an example")
    >>> mark("df-ratio", 0.667, **sealed)
    >>> mark("df-ratio", 0.68, **sealed)
    Traceback (most recent call last):
    AssertionError: df-ratio: Not right.
    """
    answer = _Number(lambda: value, digits, "")
    if digits is None:
        texts = {_rounded(value, digits)}
    else:
        low, high = abs(value) - answer.tolerance, abs(value) + answer.tolerance
        step = 10.0 ** (np.floor(np.log10(low)) - digits)
        sizes = step * np.arange(np.ceil(low / step), np.floor(high / step) + 1)
        texts = {_rounded(float(size), digits) for size in np.copysign(sizes, value)}
        texts = {text for text in texts if low <= abs(float(text)) <= high}  # above a power of ten the steps are wider
    return {"digits": digits, "salt": salt, "digests": sorted(_digest(salt, text) for text in texts)}


def _rounded(value: float, digits: int | None) -> str:
    """With one significant digit more than is asked for; a whole number as it is."""
    if digits is not None:
        return f"{value:.{digits}e}"
    whole = round(value)
    return str(whole) if abs(value - whole) <= 1e-6 else repr(value)


def _digest(salt: str, text: str) -> str:
    return hashlib.scrypt(text.encode(), salt=salt.encode(), n=2**12, r=8, p=1, dklen=8).hex()


def _verdict(label: str, answer: Any, sealed: dict[str, Any]) -> Verdict:
    if not sealed:
        return ANSWERS[label].check(answer)
    try:
        given = _one_number(answer)
    except ValueError as error:
        return Verdict(False, str(error))
    right = _digest(sealed["salt"], _rounded(given, sealed["digits"])) in sealed["digests"]
    return Verdict(True, "Correct.") if right else Verdict(False, "Not right.")


def mark(label: str, answer: Any, **sealed: Any) -> None:
    """Raise an error unless an answer is right: what a test cell of nbgrader needs.

    Parameters
    ----------
    label : str
        The exercise's label.
    answer : float, callable, list of str or None
        The answer.
    **sealed
        What `seal` returned, for a number that is not the book's.

    Raises
    ------
    NotAnswered
        If the answer is None.
    AssertionError
        If it is not right; the message names the exercise.

    Examples
    --------
    >>> mark("ols-limit", 0.1)
    >>> mark("ols-limit", None)
    Traceback (most recent call last):
    scaling_laws.grade.NotAnswered: ols-limit: not answered
    """
    if answer is None:
        raise NotAnswered(f"{label}: not answered")
    verdict = _verdict(label, answer, sealed)
    if not verdict:
        raise AssertionError(f"{label}: {verdict.message}")


# ---------------------------------------------------------------- notebooks


class _Cell(NamedTuple):
    """A code cell."""

    id: str
    grade_id: str
    source: str
    points: float


@dataclass(frozen=True)
class _Task:
    """An exercise of an assignment: the cell of its answer, and how to check that."""

    label: str
    cell: str
    points: float
    sealed: dict[str, Any]

    def find(self, cells: list[_Cell]) -> int:
        """Return the place of the answer's cell in a submission; `ValueError` if it is not there once."""
        named = [place for place, cell in enumerate(cells) if self.cell in (cell.id, cell.grade_id)]
        # some programs give cells new ids, and a copy of a cell may have either name
        places = named or [place for place, cell in enumerate(cells) if f'check("{self.label}"' in cell.source]
        if len(places) > 1:
            raise ValueError(f"The cell of the answer to {self.label} is there {len(places)} times.")
        if places:
            return places[0]
        raise ValueError(f"The cell of the answer to {self.label} is not there.")


@dataclass(frozen=True)
class _Assignment:
    """A notebook as it was handed out."""

    tasks: list[_Task]
    student: str | None  # whose numbers it has, if they are one student's

    @classmethod
    def read(cls, path: Path) -> _Assignment:
        cells, student = _read(path)
        tasks = [
            _Task(label, cell.id if own else f"{cell.grade_id}-answer", cell.points, sealed)
            for cell in cells
            for label, sealed, own in _checks(cell.source)
        ]
        return cls(tasks, student)


def _checks(source: str) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Label, seal, and whether the answer stands in the same cell, for each ``mark(...)`` or ``check(..., answer)``."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # a magic, say
        return
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name("mark"), args=[ast.Constant(label), _], keywords=keywords):
                yield label, {keyword.arg: ast.literal_eval(keyword.value) for keyword in keywords}, False
            case ast.Call(func=ast.Name("check"), args=[ast.Constant(label), ast.Name("answer")]):
                yield label, {}, True


def _read(path: Path) -> tuple[list[_Cell], str | None]:
    """Return the code cells of a notebook, and whose it is; `ValueError` says what is wrong with it."""
    if path.is_symlink() or not path.is_file():
        raise ValueError("It is no file of its own.")
    if path.stat().st_size > LARGEST:
        raise ValueError(f"It has more than {LARGEST // 2**20} MB.")
    try:
        notebook = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise ValueError("It is not JSON, so it is no notebook.") from None
    try:
        cells = [
            _Cell(str(cell.get("id")), str(own.get("grade_id")), "".join(cell["source"]), own.get("points", 1))
            for cell in notebook["cells"]
            if cell["cell_type"] == "code"
            for own in [cell["metadata"].get("nbgrader", {})]
        ]
        return cells, notebook["metadata"].get("scaling_laws", {}).get("student")
    except (KeyError, TypeError, AttributeError):
        raise ValueError("It is JSON, but no valid notebook of format 4.") from None


# ---------------------------------------------------------------- running and judging


def _run(cells: list[tuple[str, str | None]], closed: list[Path], timeout: float) -> tuple[dict[str, dict], str]:
    """Run cells in a new process. Return the reports by label, and why there are not all of them."""
    with (
        TemporaryDirectory(prefix="marking-", ignore_cleanup_errors=True) as folder,
        TemporaryFile() as report,  # nameless, so that nothing can be put in its place
    ):
        task = {"cells": cells, "closed": [str(one.resolve()) for one in closed]}
        paths = [str(Path(__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
        own = {
            "IPYTHONDIR": folder,
            "MPLBACKEND": "module://matplotlib_inline.backend_inline",
            "PYTHONPATH": os.pathsep.join(paths),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "scaling_laws._submission"],
            cwd=folder,
            env={"OPENBLAS_NUM_THREADS": "1"} | os.environ | own,
            stdin=subprocess.PIPE,
            stdout=report,
            stderr=subprocess.DEVNULL,  # a submission may print without end
            start_new_session=True,
        )
        try:
            process.communicate(json.dumps(task).encode(), timeout)
            end = f"The notebook's process ended by itself, with exit code {process.returncode}."
        except subprocess.TimeoutExpired:
            end = f"The notebook was stopped after {timeout:g} seconds."
        finally:
            _kill(process)
        report.seek(0)
        return _reports(report.read(LARGEST // 10)), end


def _reports(written: bytes) -> dict[str, dict]:
    """Return the reports in what a process has written, by label. A student's code may have written anything."""
    reports = {}
    for line in written.splitlines():
        try:
            report = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(report, dict) and isinstance(report.get("label"), str):
            reports[report["label"]] = report
    return reports


def _kill(process: subprocess.Popen) -> None:
    """End a process and those that it started, but for any that made a session of its own: it lives on."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.kill()
    process.wait()


def _rebuilt(answer: dict) -> Any:
    """An answer from its report: something to which a check says what it would say to the answer itself."""
    match answer:
        case {"kind": "none"}:
            return None
        case {"kind": "numbers", "shape": shape, "values": None} if math.prod(shape) <= 10**7:  # a check copies them
            return np.broadcast_to(np.nan, shape)
        case {"kind": "numbers", "shape": shape, "values": values}:
            return np.reshape(values, shape)
        case {"kind": "names", "names": names}:
            return names
        case {"kind": "text", "text": text}:
            return text
        case {"kind": "function", "outcomes": outcomes}:
            return _replayed(outcomes)
        case {"kind": "other", "type": name}:
            return type(name, (), {})()
    raise ValueError(f"a report of {answer!r}")


def _replayed(outcomes: list[dict]) -> Any:
    """A function that returns, call by call, what a student's function returned."""
    remaining = iter(outcomes)

    def function(*arguments):
        outcome = next(remaining)
        if outcome["kind"] == "raised":
            raise type(outcome["type"], (Exception,), {})(outcome["text"])
        return _rebuilt(outcome)

    return function


def _judge(task: _Task, report: dict) -> tuple[str, str]:
    """Status and message for a report."""
    answer = _rebuilt(report["answer"])
    if answer is None:
        if report["error"]:
            return "error", f"The cell raised {report['error']}"
        return "not answered", "No answer: `answer` is None after its cell."
    verdict = _verdict(task.label, answer, task.sealed)
    return "right" if verdict else "wrong", verdict.message


def _set_below(cells: list[_Cell], places: dict[int, str]) -> set[str]:
    """Return the labels of exercises after whose cell another one, before the next exercise, sets `answer`."""
    labels, label = set(), None
    for place, cell in enumerate(cells):
        if place in places:
            label = places[place]
        elif label and SETS_ANSWER.search(cell.source):
            labels.add(label)
    return labels


def _mark_notebook(
    path: Path, key: tuple[str, str], assignment: _Assignment, closed: list[Path], timeout: float
) -> list[Mark]:
    """Run a submitted notebook and mark its answers; `key` is whose and which it is."""

    def line(task, status, message):
        message = " ".join(message.split())  # in one line, also in programs that cannot read others
        points = task.points if status == "right" else 0
        return Mark(*key, task.label, points, task.points, status, message)

    try:
        cells, owner = _read(path)
        for one in (assignment.student, owner):
            if one not in (None, key[0]):
                raise ValueError(f"It has the numbers of {str(one)[:100]}.")
        places, missing = {}, {}
        for task in assignment.tasks:
            try:
                places[task.find(cells)] = task.label
            except ValueError as error:
                missing[task.label] = str(error)
        labelled = [(cell.source, places.get(place)) for place, cell in enumerate(cells)]
        reports, end = _run(labelled, closed, timeout)
    except Exception as error:  # whatever one student hands in, the others are marked
        return [line(task, "damaged", str(error) or type(error).__name__) for task in assignment.tasks]
    below = _set_below(cells, places)
    marks = []
    for task in assignment.tasks:
        try:
            if task.label in missing:
                marks.append(line(task, "no cell", missing[task.label]))
            elif task.label not in reports:
                marks.append(line(task, "stopped", end))
            else:
                status, message = _judge(task, reports[task.label])
                if status == "not answered" and task.label in below:
                    message += " A cell below sets it, which does not count."
                marks.append(line(task, status, message))
        except Exception as error:  # a report is data from a student's process, and may be anything
            marks.append(line(task, "damaged", f"The report of the answer makes no sense: {type(error).__name__}."))
    return marks


# ---------------------------------------------------------------- a folder


def _assignments(source: Path) -> dict[str, _Assignment]:
    """All notebooks with checks in a folder, by name."""
    found = {}
    for path in _notebooks(source):
        try:
            assignment = _Assignment.read(path)
        except ValueError as error:
            raise ValueError(f"source: {path}: {error}") from None
        if assignment.tasks and path.stem in found:
            raise ValueError(f"source must have one notebook of each name; there are two {path.name}")
        if assignment.tasks:
            found[path.stem] = assignment
    if not found:
        raise ValueError(f"source must be a folder of notebooks with checks; there are none in {source}")
    return found


def _notebooks(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)


def _default_source(folder: Path) -> Path:
    """Beside the submissions, as nbgrader has it; otherwise the book."""
    places = [folder.resolve().parent / "source", Path(__file__).parents[2] / "book"]
    for place in places:
        if place.is_dir():
            return place
    raise ValueError("source must be given: the folder of the notebooks as they were handed out, checks included")


def _marks(path: Path) -> list[Mark]:
    """Read a table of marks, if there is one."""
    if not path.exists():
        return []
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
    except (OSError, ValueError, csv.Error):
        rows = []
    if not rows or rows[0] != COLUMNS:
        raise ValueError(f"output must be a table of marks, or a new file; {path} is something else")
    marks = []
    for number, row in enumerate(rows[1:], start=2):
        try:
            marks.append(Mark(*row[:3], float(row[3]), float(row[4]), *row[5:]))
        except (ValueError, IndexError, TypeError):
            raise ValueError(f"output: row {number} of {path} is damaged; got {','.join(row)!r}") from None
    return marks


def _write(marks: list[Mark], path: Path) -> None:
    """Write the table: all of it or nothing."""
    part = path.with_name(path.name + ".part")
    try:
        with open(part, "w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(COLUMNS)
            table.writerows([*mark[:3], f"{mark.points:g}", f"{mark.max_points:g}", *mark[5:]] for mark in marks)
        os.replace(part, path)
    except OSError as error:
        raise ValueError(f"output: {path} cannot be written: {error.strerror}") from None


def _name(path: Path, assignments: dict[str, _Assignment]) -> str:
    """Return which assignment a file is: that of its name, up to case and to the number that a browser puts behind."""
    plain = re.sub(r" ?\(\d+\)$", "", path.stem).casefold()
    alike = [name for name in assignments if name.casefold() == plain]
    return alike[0] if path.stem not in assignments and len(alike) == 1 else path.stem


def grade_folder(
    folder: str | os.PathLike,
    source: str | os.PathLike | None = None,
    *,
    output: str | os.PathLike | None = None,
    timeout: float = 120.0,
    again: bool = False,
    progress: bool = False,
) -> list[Mark]:
    """Mark all notebooks of a folder and write the table of marks, after each notebook anew.

    Parameters
    ----------
    folder : path
        With one folder a student, and notebooks anywhere in that.
    source : path, optional
        The notebooks as they were handed out, with their checks: the source folder of ``make homework``, or the book
        for copies of ``make student``. By default the folder ``source`` beside `folder`, or else the book.
    output : path, optional
        The table; ``marks.csv`` in `folder` by default.
    timeout : float, default 120
        Seconds for one notebook.
    again : bool, default False
        Mark also what stands in the table already.
    progress : bool, default False
        Show a progress bar.

    Returns
    -------
    list of Mark
        The table.

    Raises
    ------
    ValueError
        If there is nothing to mark with, the table is another file or cannot be written, or `timeout` is none.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     grade_folder(folder, "book")
    []
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"folder must be one with a folder a student; there is none at {folder}")
    if not 0 < timeout <= LONGEST:
        raise ValueError(f"timeout must be seconds, more than 0 and at most a million; got {timeout}")
    source = _default_source(folder) if source is None else Path(source)
    output = folder / "marks.csv" if output is None else Path(output)
    assignments = _assignments(source)
    marks = [] if again else [mark for mark in _marks(output) if mark.status != "no notebook"]
    done = {(mark.student, mark.assignment) for mark in marks}
    paths = [(path, (path.relative_to(folder).parts[0], _name(path, assignments))) for path in _notebooks(folder)]
    keys = Counter(key for _, key in paths)
    here = {student for student, _ in keys}
    for one in sorted(folder.iterdir()):
        if one.is_dir() and one.name not in here and not one.name.startswith("."):
            marks.append(Mark(one.name, "", "", 0, 0, "no notebook", "There is no notebook in the folder."))
    _write(marks, output)
    for path, key in tqdm(paths, unit="notebook", disable=not progress):
        if key in done:
            continue
        done.add(key)
        name = key[1]
        if path.parent == folder:
            marks.append(Mark("", name, "", 0, 0, "damaged", "It lies in no student's folder."))
        elif name not in assignments:
            marks.append(Mark(*key, "", 0, 0, "damaged", f"There is no notebook {path.name} in {source.name}."))
        elif keys[key] > 1:
            tasks, message = assignments[name].tasks, f"There are {keys[key]} notebooks of this name: keep one."
            marks += [Mark(*key, task.label, 0, task.points, "damaged", message) for task in tasks]
        else:
            marks += _mark_notebook(path, key, assignments[name], [folder, source], timeout)
        _write(marks, output)
    return marks


def _main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m scaling_laws.grade", description="Mark the notebooks of a class. This is no sandbox."
    )
    parser.add_argument("folder", type=Path, help="one folder a student, with notebooks in it")
    parser.add_argument("--source", type=Path, help="the notebooks as handed out, with checks (default: beside FOLDER)")
    parser.add_argument("--output", type=Path, help="the table of marks (default: marks.csv in FOLDER)")
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds for one notebook (default: 120)")
    parser.add_argument("--again", action="store_true", help="mark also what stands in the table")
    given = parser.parse_args(arguments)
    output = given.output or given.folder / "marks.csv"
    try:
        marks = grade_folder(**vars(given), progress=True)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        print(f"Stopped. What is marked stands in {output}; the same command goes on from there.", file=sys.stderr)
        return 130
    trouble = (one for one in marks if one.status in ("damaged", "stopped", "no cell", "no notebook"))
    for line in dict.fromkeys(f"{', '.join(filter(None, one[:2]))}: {one.message}" for one in trouble):
        print(line)
    counts = Counter(mark.status for mark in marks)
    print(f"{output}: " + (", ".join(f"{count} {status}" for status, count in counts.items()) or "nothing to mark"))
    return 0


if __name__ == "__main__":
    sys.exit(_main())
