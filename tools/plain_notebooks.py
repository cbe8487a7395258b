"""Write the chapters as plain notebooks, for JupyterLab and the like: python tools/plain_notebooks.py lab

The chapters are written for the book: roles such as {eq}, directives such as exercises, figures whose captions stand in
a cell's settings. A plain notebook says the same in what every program that opens notebooks shows, with the numbers of
the book. A copy in which somebody has worked is never overwritten.
"""

import hashlib
import os
import platform
import re
import shutil
import sys
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from string import ascii_uppercase

import nbformat
import yaml
from nbformat.v4 import new_markdown_cell
from pybtex.database import parse_file

ROOT = Path(__file__).parents[1]
HOW_TO = """*The figures appear when the cells run, from the top: in JupyterLab by **Run → Run All Cells**. \
This is your copy of the chapter: change what you like, and put your answers to the exercises in place of `None`.*"""

ROLE = re.compile(r"\{([\w:+-]+)\}`([^`]+)`")
EQUATION = re.compile(r"\$\$(.+?)\s*\$\$(?:[ \t]*\(([\w:.-]+)\))?", flags=re.S)
DIRECTIVE = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\{(?P<name>[\w:-]+)\}[ \t]*(?P<title>.*)\n"
    r"(?P<options>(?::[\w-]+:.*\n)*)(?P<body>(?:.*\n)*?)(?P=fence)[ \t]*$",
    flags=re.M,
)
GATE = re.compile(r"^(`{3,})\{solution-(start|end)\}[ \t]*(.*)\n(?::[\w-]+:.*\n)*\1[ \t]*$", flags=re.M)
MACRO = re.compile(r"\\newcommand\{\\(\w+)\}\{(.*)\}")
COMMENT = re.compile(r"^<!--.*?-->\n|\n<!--.*?-->\Z|<!--.*?-->", flags=re.M)
PAGE = re.compile(r"\[([^\]]+)\]\([\w-]+\.md\)")  # a link to a page that is no notebook: it is not among the copies
LEFT_OVER = re.compile(r"\{[\w:+-]+\}`|^\s*(?:`{3,}|:{3,})\{.*|^\([\w:.-]+\)=\s*$", flags=re.M)


@dataclass(frozen=True)
class Target:
    """Something that references point to: how they call it, and where it stands."""

    text: str
    file: str
    cell: str

    @property
    def link(self) -> str:
        return f"[{self.text}]({self.file}#cell-id={self.cell})"


@dataclass(frozen=True)
class Book:
    """What the chapters refer to: everything with a number by its label, and the literature by its key."""

    notebooks: list[Path]
    targets: dict[str, Target]
    literature: dict

    @classmethod
    def read(cls, root: Path = ROOT) -> "Book":
        """Number equations, figures and exercises of each notebook in their order, as the book does."""
        toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
        letters, chapter, notebooks, targets = iter(ascii_uppercase), 0, [], {}
        for part in toc["parts"]:
            for entry in part["chapters"]:
                chapter += bool(part.get("numbered"))
                path = root / f"{entry['file']}.ipynb"
                if path.exists():
                    notebooks.append(path)
                    targets |= _number(path, str(chapter) if part.get("numbered") else next(letters))
        return cls(notebooks, targets, parse_file(str(root / "book" / "references.bib")).entries)

    def resolve(self, role: str, key: str) -> str:
        """Return what the book shows for {role}`key`, in Markdown."""
        if role in ("eq", "numref", "ref"):
            return self.targets[key].link
        if role == "cite:t":
            return ", ".join(self._cite(one.strip(), "{} ({})") for one in key.split(","))
        if role == "cite:p":
            return "(" + "; ".join(self._cite(one.strip(), "{}, {}") for one in key.split(",")) + ")"
        if role == "mod":
            return f"[`{key.lstrip('~')}`](../lib/{key.lstrip('~').replace('.', '/')}.py)"
        raise ValueError(f"the role {{{role}}} is not known")

    def _cite(self, key: str, form: str) -> str:
        entry = self.literature[key]
        people = entry.persons.get("author") or entry.persons["editor"]
        names = [" ".join(str(part) for part in (*p.rich_prelast_names, *p.rich_last_names)) for p in people]
        text = form.format(" and ".join(names) if len(names) < 3 else f"{names[0]} et al.", entry.fields["year"])
        addresses = {"eprint": "https://arxiv.org/abs/{}", "doi": "https://doi.org/{}", "url": "{}"}
        found = [form.format(entry.fields[field]) for field, form in addresses.items() if field in entry.fields]
        return f"[{text}](<{found[0]}>)" if found else text


def _number(path: Path, chapter: str) -> dict[str, Target]:
    """Return the targets in a notebook: the book counts each kind for itself."""
    found = {"({})": [], "Figure {}": [], "Exercise {}": []}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            figure = cell.metadata.get("mystnb", {}).get("figure")
            found["Figure {}"] += [(figure.get("name"), cell.id)] if figure else []
            continue
        found["({})"] += [(label, cell.id) for _, label in EQUATION.findall(cell.source) if label]
        exercises = [match for match in DIRECTIVE.finditer(cell.source) if match["name"] == "exercise"]
        found["Exercise {}"] += [(option(match, "label"), cell.id) for match in exercises]
    return {
        label: Target(form.format(f"{chapter}.{number}"), path.name, cell)
        for form, places in found.items()
        for number, (label, cell) in enumerate(places, start=1)
    }


def option(directive: re.Match, name: str) -> str:
    found = re.search(rf"^:{name}:[ \t]*(.*?)[ \t]*$", directive["options"], flags=re.M)
    return found[1] if found else ""


def folded(title: str, body: str) -> str:
    """Return Markdown that opens on a click."""
    return f"<details>\n<summary><strong>{title}</strong></summary>\n\n{body.strip()}\n\n</details>"


def quoted(title: str, body: str) -> str:
    """Return a block quote. A formula in it takes one line: JupyterLab would typeset the quotation marks."""
    body = EQUATION.sub(lambda match: " ".join(match[0].split()), f"**{title}**\n\n{body.strip()}")
    return "\n".join(f"> {line}".rstrip() for line in body.splitlines())


def plain_text(text: str, book: Book, macros: dict[str, str]) -> str:
    """Return MyST as plain Markdown; macros are written out, so that each formula stands by itself."""

    def tag(match):
        if match[2] is None:
            return match[0]
        return f"$${match[1]}\n\\tag{{{book.targets[match[2]].text.strip('()')}}}\n$$"

    def directive(match):
        if match["name"] == "exercise":
            return f"### {book.targets[option(match, 'label')].text} ({match['title']})\n\n{match['body'].strip()}"
        if match["name"] == "admonition":
            form = folded if "dropdown" in option(match, "class") else quoted
            return form(match["title"], match["body"])
        raise ValueError(f"the directive {{{match['name']}}} is not known")

    text = DIRECTIVE.sub(directive, EQUATION.sub(tag, COMMENT.sub("", PAGE.sub(r"\1", text))))
    text = ROLE.sub(lambda match: book.resolve(*match.groups()), text)
    for name, meaning in macros.items():
        text = re.sub(rf"\\{name}(?![A-Za-z])", lambda _, meaning=meaning: meaning, text)
    if left := LEFT_OVER.search(text):
        raise ValueError(f"what {left[0].strip()!r} means is not known")
    return text


def plain_cells(cell: nbformat.NotebookNode, book: Book, macros: dict[str, str]) -> list[nbformat.NotebookNode]:
    """Return a cell in plain form, with the caption of its figure, if it has one, in another."""
    settings, tags = cell.metadata.get("mystnb", {}), cell.metadata.get("tags", [])
    cell = deepcopy(cell)
    cell.metadata = {"jupyter": {"source_hidden": True}} if "hide-input" in tags else {}
    if cell.cell_type == "markdown":
        cell.source = plain_text(cell.source, book, macros)
        return [cell] if cell.source.strip() else []
    cell.outputs, cell.execution_count = [], None
    if "figure" not in settings:
        return [cell]
    name = book.targets[settings["figure"]["name"]].text
    caption = f"**{name}.** {plain_text(settings['figure']['caption'], book, macros)}"
    return [cell, new_markdown_cell(caption, id=f"{cell.id}-caption")]


def solution(exercise: str, cells: list[nbformat.NotebookNode]) -> list[nbformat.NotebookNode]:
    """Return the solution of an exercise, closed: a heading that hides its cells, or one cell if it is all text."""
    title = f"Solution of {exercise}"
    if all(cell.cell_type == "markdown" for cell in cells):
        body = "\n\n".join(cell.source for cell in cells)
        return [new_markdown_cell(folded(title, body), id=cells[0].id)]
    closed = {"jp-MarkdownHeadingCollapsed": True}
    return [new_markdown_cell(f"#### {title}", id=f"{cells[0].id}-heading", metadata=closed), *cells]


def plain_notebook(path: Path, book: Book, *, solutions: bool = True) -> nbformat.NotebookNode:
    """Return a chapter as a plain notebook, not run, with or without the solutions of its exercises."""
    notebook = nbformat.read(path, as_version=4)
    macros, cells, exercise, inside = {}, [], None, []
    for cell in notebook.cells:
        if "remove-cell" in cell.metadata.get("tags", []):  # the page has what stands there by other means
            macros |= MACRO.findall(cell.source)
            continue
        gates = {match[2]: match[3].strip() for match in GATE.finditer(cell.source)}
        cell.source = GATE.sub("", cell.source).strip() if gates else cell.source
        try:
            exercise = book.targets[gates["start"]].text if "start" in gates else exercise
            (cells if exercise is None else inside).extend(plain_cells(cell, book, macros))
        except KeyError as error:
            raise ValueError(f"{path.name}, cell {cell.id}: there is no {error} in the book") from error
        except ValueError as error:
            raise ValueError(f"{path.name}, cell {cell.id}: {error}") from error
        if "end" in gates:
            cells += solution(exercise, inside) if solutions else []
            exercise, inside = None, []
    notebook.cells = [cells[0], new_markdown_cell(HOW_TO, id="how-to-run"), *cells[1:]]
    notebook.metadata["language_info"]["version"] = platform.python_version()  # or opening it would be a change
    notebook.metadata["scaling_laws"] = {"written": digest(notebook)}
    return notebook


def digest(notebook: nbformat.NotebookNode) -> str:
    """Of what stands in the cells: running them does not change it."""
    text = repr([(cell.cell_type, cell.source) for cell in notebook.cells])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def write(notebook: nbformat.NotebookNode, path: Path) -> str:
    """Write a copy, unless a reader has worked in the one that is there; say what happened to it."""
    new = notebook.metadata["scaling_laws"]["written"]
    if path.exists():
        try:
            there = nbformat.read(path, as_version=4)
            written = there.metadata["scaling_laws"]["written"]
        except (nbformat.reader.NotJSONError, nbformat.ValidationError, KeyError, AttributeError, UnicodeDecodeError):
            return "kept: it was not written by this command"
        if written == new:
            return "as it was"
        if digest(there) != written:
            return "kept, with your changes; the chapter is newer: rename the copy to get the new one as well"
    part = path.with_suffix(".part")
    part.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    os.replace(part, path)
    return "written"


def main(folder: str) -> None:
    book = Book.read()
    copies = {path.name: plain_notebook(path, book) for path in book.notebooks}
    shutil.copytree(ROOT / "book" / "data", Path(folder, "data"), dirs_exist_ok=True)  # which chapters read
    for name, notebook in copies.items():
        result = write(notebook, Path(folder, name))
        if result != "as it was":
            print(f"{folder}/{name}: {result}")


if __name__ == "__main__":
    main(*sys.argv[1:])
