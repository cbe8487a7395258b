"""Write homework as source notebooks of nbgrader: python tools/homework.py FOLDER --help

An assignment a chapter, with the exercises that the teaching guide proposes, or one with exercises of your choice. The
numbers of a question depend on the term, or on the student, where `homework_variants` has others than the book's.
"""

import argparse
import ast
import difflib
import re
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import nbformat
from homework_variants import VARIANTS
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from plain_notebooks import DIRECTIVE, MACRO, ROOT, Book, option, plain_text

from scaling_laws.exercises import ANSWERS, _Function
from scaling_laws.grade import _name as assignment_of
from scaling_laws.grade import seal

POINTS = {True: 3, False: 2}  # a function, or anything else
ANSWER = re.compile(r'^answer = None  # (.*)\ncheck\("([\w-]+)", answer\)$')
LINK = re.compile(r"\[([^\]]*)\]\(\w+\.ipynb#cell-id=[\w-]+\)")  # a place in the book, which has a number
NAME = re.compile(r"\w[\w.-]*")
HEAD = """# {title}

{whose}Each exercise has a cell with `answer = None`: put your answer in place of `None`, with lines before it where
you need them. It is marked by what `answer` is after this cell. A number is right when it rounds to the digits that the
exercise asks for; a function is called with several arguments. Show how you got there in cells of your own.

Keep the cells that are here: your answers are found by them. The notebook is marked alone and run from the top, so copy
here what you need of a chapter. Equations and figures have the numbers of the book."""


@dataclass(frozen=True)
class Exercise:
    """An exercise as the book has it."""

    label: str
    chapter: Path
    text: str  # the directive
    wanted: str  # the comment in the cell of its answer
    macros: dict[str, str]

    def varied(self, seed: str | None) -> tuple["Exercise", dict | None]:
        """Return the exercise with other numbers, and the setting; without a seed or a variant as it is."""
        if seed is None or self.label not in VARIANTS:
            return self, None
        variant = VARIANTS[self.label]
        setting = variant.draw(f"{seed}/{self.label}")
        text, _, wanted = variant.rewrite(f"{self.text}\0{self.wanted}", setting).partition("\0")
        return Exercise(self.label, self.chapter, text, wanted, self.macros), setting


class Item(NamedTuple):
    """An exercise of an assignment."""

    label: str
    points: float


def read_exercises(book: Book) -> dict[str, Exercise]:
    """Return all exercises with a machine check, in the book's order."""
    found = {}
    for path in book.notebooks:
        cells = nbformat.read(path, as_version=4).cells
        macros = dict(pair for cell in cells for pair in MACRO.findall(cell.source))
        wanted = {match[2]: match[1] for cell in cells if (match := ANSWER.match(cell.source))}
        for cell in cells:
            for match in DIRECTIVE.finditer(cell.source) if cell.cell_type == "markdown" else ():
                label = option(match, "label")
                if match["name"] == "exercise" and label in wanted:
                    found[label] = Exercise(label, path, match[0], wanted[label], macros)
    return found


def proposed(guide: Path = ROOT / "book" / "teaching.md") -> dict[str, list[str]]:
    """Return the homework that the teaching guide proposes, by the name of the assignment."""
    row = re.compile(r"^\| \d+ \| \[\d+\]\((\d+)_\w+\.ipynb\) \| \d+ \|([^|]*)\|", flags=re.M)
    rows = row.findall(guide.read_text(encoding="utf-8"))
    return {f"homework_{number}": re.findall(r"\{ref\}`([\w-]+)`", labels) for number, labels in rows}


def title_of(chapter: Path) -> str:
    """Return the title of a chapter's homework."""
    text = "\n".join(cell.source for cell in nbformat.read(chapter, as_version=4).cells[:2])
    return f"Homework to chapter {int(chapter.stem[:2])}: {re.search(r'^# (.+)$', text, flags=re.M)[1]}"


def item(text: str, exercises: dict[str, Exercise]) -> Item:
    """Return what 'label' or 'label=points' stands for."""
    label, _, points = text.partition("=")
    if label not in exercises:
        near = difflib.get_close_matches(label, exercises, n=1)
        advice = f"; there is {near[0]!r}" if near else ""
        raise ValueError(f"no exercise with a machine check is called {label!r}{advice}")
    try:
        worth = float(points) if points else POINTS[isinstance(ANSWERS[label], _Function)]
    except ValueError:
        raise ValueError(f"points must be a number; got {text!r}") from None
    if not 0 < worth < 1e6:
        raise ValueError(f"points must be greater than 0; got {text!r}")
    return Item(label, int(worth) if worth == int(worth) else worth)


def imports(chapters: Iterable[Path]) -> str:
    """Return the import statements of chapters, without the check: it would know other numbers."""
    lines = {}
    for path in chapters:
        cell = next(cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")
        for node in ast.parse(cell.source).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias for alias in node.names if alias.name != "check"]
                if len(names) == len(node.names):
                    lines[ast.get_source_segment(cell.source, node)] = None
                elif names:
                    node.names = names
                    lines[ast.unparse(node)] = None
    return "\n".join(lines)


def nbgrader(name: str, *, solution: bool = False, points: float | None = None) -> dict:
    """Return the metadata by which nbgrader knows a cell."""
    grade = points is not None
    settings = {"grade": grade, "grade_id": name, "locked": not solution, "schema_version": 3, "solution": solution}
    return {"nbgrader": settings | {"task": False} | ({"points": points} if grade else {})}


def exercise_cells(exercise: Exercise, points: float, seed: str | None, book: Book) -> list[nbformat.NotebookNode]:
    """Return the cells of an exercise: text, answer and, hidden from students, the check."""
    label = exercise.label
    exercise, setting = exercise.varied(seed)
    text = LINK.sub(r"\1", plain_text(exercise.text, book, exercise.macros))
    heading, _, body = text.partition("\n")
    worth = f"{points:g} point" + ("s" if points != 1 else "")
    sealed = {} if setting is None else seal(answer(label, setting), ANSWERS[label].digits, f"{seed}/{label}")
    extra = "".join(f", {name}={value!r}" for name, value in sealed.items())
    check = f"""# {label}: {worth}
### BEGIN HIDDEN TESTS
from scaling_laws.grade import mark

mark("{label}", globals().pop("answer", None){extra})
### END HIDDEN TESTS"""
    blank = f"# {exercise.wanted}\n### BEGIN SOLUTION\nanswer = None\n### END SOLUTION"
    return [
        new_markdown_cell(f"{heading}\n\n*{worth}*\n{body}", id=f"{label}-text", metadata=nbgrader(f"{label}-text")),
        new_code_cell(blank, id=f"{label}-answer", metadata=nbgrader(f"{label}-answer", solution=True)),
        new_code_cell(check, id=label, metadata=nbgrader(label, points=points)),
    ]


def answer(label: str, setting: dict | None) -> float | list[str] | None:
    """Return the right answer, if it is no function."""
    if setting is not None:
        return float(VARIANTS[label].answer(**setting))
    return None if isinstance(ANSWERS[label], _Function) else ANSWERS[label].value


def source_notebook(
    title: str, items: list[Item], exercises: dict[str, Exercise], book: Book, term: str | None, student: str | None
) -> nbformat.NotebookNode:
    """Return an assignment for all students, or for one of them."""
    whose = f"Numbers for **{student}**. " if student else ""
    chapters = dict.fromkeys(exercises[one.label].chapter for one in items)
    cells = [
        new_markdown_cell(HEAD.format(title=title, whose=whose), id="head"),
        new_code_cell(imports(chapters), id="imports"),
    ]
    for one in items:
        cells += exercise_cells(exercises[one.label], one.points, seed(term, student), book)
    python = {"display_name": "Python 3", "language": "python", "name": "python3"}
    about = {"student": student} if student else {}
    notebook = new_notebook(cells=cells, metadata={"kernelspec": python, "scaling_laws": about | {"term": term or ""}})
    nbformat.validate(notebook)
    return notebook


def seed(term: str | None, student: str | None) -> str | None:
    """Return what the numbers depend on; None for those of the book."""
    return f"{term or ''}/{student or ''}" if term or student else None


def handout(source: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return what students get if nbgrader does not make it: the source without its checks."""
    cells = [cell for cell in source.cells if not cell.metadata.get("nbgrader", {}).get("grade")]
    for cell in cells:
        cell.source = re.sub(r"^### (BEGIN|END) SOLUTION\n?", "", cell.source, flags=re.M).strip()
    return new_notebook(cells=cells, metadata=source.metadata)


def read_students(path: Path) -> list[str]:
    """Return the names in a file, one a line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", "it is not")
        raise ValueError(f"students: {path} must be a text file in UTF-8: {reason}") from None
    names = [line.strip() for line in text.splitlines() if line.strip()]
    wrong = next((name for name in names if not NAME.fullmatch(name)), None)
    if wrong is not None:
        raise ValueError(f"students: {path}: a name must be letters, digits, '_', '.' and '-'; got {wrong!r}")
    if len(set(names)) < len(names) or not names:
        raise ValueError(f"students: {path} must name each student once, one a line")
    return names


def refuse_changes(texts: dict[Path, str], submitted: Path) -> None:
    """Raise an error if a file would change with which somebody's work is waiting to be marked."""
    names = {path.stem: None for path in texts}
    waiting = {assignment_of(path, names) for path in submitted.rglob("*.ipynb")}
    for path, text in texts.items():
        if path.stem in waiting and path.exists() and path.read_text(encoding="utf-8") != text:
            raise ValueError(f"{path} would change, and there are submissions for it: use another folder")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Write homework as source notebooks of nbgrader.")
    parser.add_argument("folder", type=Path, help="where to: nbgrader's course folder")
    parser.add_argument("--exercises", default="", help="label or label=points, several; one assignment of these")
    parser.add_argument("--name", default="homework", help="what that assignment is called (default: homework)")
    parser.add_argument("--term", default="", help="any word: numbers other than the book's, the same for all")
    parser.add_argument("--students", type=Path, help="a file with a name a line: other numbers for each of them")
    parser.add_argument("--key", action="store_true", help="print the right answers")
    given = parser.parse_args(arguments)
    try:
        write(given)
    except (OSError, ValueError) as error:
        sys.exit(f"make homework: {error}")


def write(given: argparse.Namespace) -> None:
    """Write all assignments."""
    if not NAME.fullmatch(given.name):
        raise ValueError(f"a name must be letters, digits, '_', '.' and '-'; got {given.name!r}")
    book = Book.read()
    exercises = read_exercises(book)
    if given.exercises.strip():
        chosen = {(given.name, given.name.capitalize()): given.exercises.split()}
    else:
        chosen = {(name, title_of(exercises[labels[0]].chapter)): labels for name, labels in proposed().items()}
    students = read_students(given.students) if given.students else [None]
    chosen = {key: [item(text, exercises) for text in labels] for key, labels in chosen.items()}
    texts, keys = {}, []
    for (name, title), items in chosen.items():
        if len({one.label for one in items}) < len(items):
            raise ValueError(f"each exercise once, please; got {' '.join(one.label for one in items)}")
        for student in students:
            assignment = f"{name}-{student}" if student else name
            notebook = source_notebook(title, items, exercises, book, given.term, student)
            file = f"{assignment}.ipynb"
            texts[given.folder / "source" / assignment / file] = nbformat.writes(notebook) + "\n"
            texts[given.folder / "handout" / file] = nbformat.writes(handout(notebook)) + "\n"
            for one in items if given.key else ():
                _, setting = exercises[one.label].varied(seed(given.term, student))
                keys.append(f"{assignment}\t{one.label}\t{answer(one.label, setting)}\t{setting or ''}")
    refuse_changes(texts, given.folder / "submitted")
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    shutil.copy(Path(__file__).with_name("nbgrader_config.py"), given.folder)
    for line in keys:
        print(line)
    labels = [one.label for items in chosen.values() for one in items]
    written = f"Assignments written to {given.folder}: {len(chosen) * len(students)}."
    print(written, numbers(labels, given.term, students))


def numbers(labels: list[str], term: str, students: list[str | None]) -> str:
    """Say whose numbers the exercises have."""
    if not seed(term, students[0]):
        return "All numbers are the book's."
    whose = [f"for term {term}"] * bool(term) + [f"for each of {len(students)} students"] * bool(students[0])
    varied = sum(label in VARIANTS for label in labels)
    return f"Exercises with numbers {' and '.join(whose)}: {varied} of {len(labels)}; the others have the book's."


if __name__ == "__main__":
    main()
