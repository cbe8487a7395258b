"""What every chapter's notebook promises its reader, and every public name of the library its user."""

import ast
import dis
import importlib
import inspect
import pkgutil
import re
from collections import Counter
from functools import cache
from pathlib import Path
from types import CodeType

import nbformat
import pytest
import yaml
from numpydoc.docscrape import NumpyDocString
from reading import count_words, reading_minutes, unfenced

import scaling_laws

BOOK = Path(__file__).parents[1] / "book"
NOTEBOOKS = sorted(BOOK.glob("*.ipynb"))
CHAPTERS = sorted(BOOK.glob("[0-9][0-9]_*.ipynb"))
MODULES = [m.name for m in pkgutil.iter_modules(scaling_laws.__path__) if not m.name.startswith("_")]

MAX_CELL_LINES = 25
MAX_LINE = 88  # characters: what a page shows without scrolling
MAX_DEFINITION_LINES = 10  # unless the cell has the tag "naive": then showing it is the lesson
CLOSING_SECTIONS = ["Takeaways", "Exercises", "Further reading"]
FORBIDDEN = {
    "a global seed or the global generator": r"\brandom\.seed\b|\b(?:np|numpy)\.random\.(?!default_rng|Generator|Seed)",
    "the network": r"\w+://|\bimport (?:urllib|requests|httpx|socket)\b|\bfrom (?:urllib|http)\b|\bfetch_\w+\(",
    "an absolute path": r"""["'](?:/|~/|~["']|[A-Za-z]:[\\/])\w*""",
}
NUMBERS = "one two three four five six seven eight nine ten eleven twelve".split()
REPEATED = (
    rf"(?<![\w.^$])(?:([\d,]+|{'|'.join(NUMBERS)}) and )?([\d,]+|{'|'.join(NUMBERS)}) (?:trials|draws|students|seeds)\b"
)
REPETITIONS = "trials|draws|students|seeds|size|count"  # names that hold how often something is done
LABELS = [  # every way to name something that a reference can point to
    r"^\((?P<label>[\w:.-]+)\)=\s*$",
    r"^\s*:(?:label|name): *(?P<label>\S+)",
    r"\$\$ *\((?P<label>[\w:.-]+)\)",
    r"\\label\{(?P<label>[^}]+)\}",
]


def each_notebook(test):
    return pytest.mark.parametrize("path", NOTEBOOKS or [None], ids=lambda path: path.stem if path else "none")(test)


def each_chapter(test):
    return pytest.mark.parametrize("path", CHAPTERS or [None], ids=lambda path: path.stem if path else "none")(test)


@cache
def load(path):
    assert path is not None, f"there is no notebook in {BOOK}"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def shown_cells(path):
    """The cells that stand in the page."""
    return [cell for cell in load(path).cells if "remove-cell" not in cell.metadata.get("tags", [])]


def code_cells(path):
    return [cell for cell in load(path).cells if cell.cell_type == "code"]


def markdown(path):
    return "\n\n".join(cell.source for cell in shown_cells(path) if cell.cell_type == "markdown")


def headings(text):
    return [(len(m[1]), m[2].strip()) for line in unfenced(text) if (m := re.match(r"(#{1,6}) +(.+)", line))]


def test_prose_is_counted_without_code_mathematics_and_options():
    text = """(sec-a)=
# Two words
% not this
A `name` and $x + y$ and {eq}`loss`, [three more words](http://not.this).

$$ not = this $$ (eq-a)

\\begin{align} not &= this \\end{align}

```python
not = this  # nor this
```

````{note} A title
:class: not-this
Body text.
```{math}
:label: eq-b
not = this
```
More body.
````
:::{figure} not.png
:name: fig-not
not this
:::
"""
    assert count_words(text) == 2 + 4 + 3 + 2 + 2 + 2
    assert headings(text) == [(1, "Two words")]


@each_notebook
def test_notebook_is_stored_executed_without_images_errors_or_warnings(path):
    cells = code_cells(path)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), "run 'make refresh'"
    for cell in cells:
        assert cell.source.strip(), f"cell {cell.id} is empty"
        assert "execution" not in cell.metadata, "run 'make refresh'"
        for output in cell.outputs:
            assert output.output_type != "error", f"cell {cell.id} raised {output.ename}"
            assert output.get("name") != "stderr", f"cell {cell.id} wrote to stderr: {output.text}"
            images = [kind for kind in output.get("data", {}) if kind.startswith("image/")]
            assert not images, f"cell {cell.id} stores {images}: run 'make refresh'"


@each_notebook
def test_notebook_opens_with_its_title_and_what_the_reader_gets(path):
    title, opening = shown_cells(path)[:2]
    assert title.cell_type == opening.cell_type == "markdown"
    assert re.fullmatch(r"(\([\w:.-]+\)=\n+)?# [^\n]+", title.source.strip()), "the first cell is more than the title"
    assert [level for level, _ in headings(markdown(path))].count(1) == 1
    for words in ["Objectives", "Prerequisites", "Reading time"]:
        assert words in opening.source, f"the second cell lacks {words!r}"
    linked = re.findall(r"scaling_laws\.(\w+)", opening.source)
    assert linked, "the second cell does not link to the chapter's module"
    assert set(linked) <= set(MODULES), f"no such module: {set(linked) - set(MODULES)}"


@each_chapter
def test_chapter_ends_with_takeaways_exercises_and_further_reading(path):
    sections = [words for level, words in headings(markdown(path)) if level == 2]
    assert sections[-3:] == CLOSING_SECTIONS


@each_chapter
def test_chapter_has_five_exercises_each_followed_by_a_folded_solution(path):
    text = markdown(path)
    pattern = r"^(?:`{3,}|:{3,})\{(exercise|solution)(-start|-end)?\}[ \t]*(.*)\n((?:[ \t]*:[\w-]+:.*\n)*)"
    blocks = [m.groups() for m in re.finditer(pattern, text + "\n", flags=re.M)]
    starts = [block for block in blocks if block[1] != "-end"]
    for kind in ["exercise", "solution"]:
        gates = [gate for name, gate, *_ in blocks if name == kind and gate]
        assert gates == ["-start", "-end"] * (len(gates) // 2), f"{kind}-start and {kind}-end do not pair up"

    labels = [re.search(r":label: *(\S+)", options) for kind, _, _, options in starts if kind == "exercise"]
    assert len(labels) >= 5, f"only {len(labels)} exercises"
    assert all(labels), "an exercise has no label"
    expected = [word for label in labels for word in (("exercise", label[1]), ("solution", label[1]))]
    found = [(kind, title.strip() if kind == "solution" else None) for kind, _, title, _ in starts]
    found = [(kind, title or expected[min(i, len(expected) - 1)][1]) for i, (kind, title) in enumerate(found)]
    assert found == expected, "each exercise must be followed by its own solution"
    for kind, _, title, options in starts:
        assert kind == "exercise" or "dropdown" in options, f"the solution of {title} is not folded"


@each_chapter
def test_chapter_has_four_figures_with_name_caption_and_description(path):
    figures = 0
    for cell in code_cells(path):
        settings = cell.metadata.get("mystnb", {})
        figure = settings.get("figure")
        draws = any(o.get("data", {}).get("text/plain", "").startswith("<Figure size") for o in cell.outputs)
        if figure is not None:
            figures += 1
            assert figure.get("name", "").startswith("fig-"), f"cell {cell.id}: the figure's name is no 'fig-...'"
            assert figure.get("caption", "").strip(), f"cell {cell.id}: the figure has no caption"
        if figure is not None or draws:
            description = settings.get("image", {}).get("alt", "")
            assert len(description) >= 40, f"cell {cell.id}: alt text of {len(description)} characters"
    assert figures >= 4, f"only {figures} figures"


def taken_and_made(code):
    """The names that a piece of code takes from before, and those it makes."""
    taken, made = set(), set()
    for step in dis.get_instructions(code):
        if step.opname == "STORE_NAME":
            made.add(step.argval)
        elif step.opname in ("LOAD_NAME", "LOAD_GLOBAL") and step.argval not in made:
            taken.add(step.argval)
        elif isinstance(step.argval, CodeType):
            taken |= taken_and_made(step.argval)[0] - made
    return taken, made


def repetitions(tree):
    """The whole numbers in some code at the places that say how often something is done."""

    def whole(node):
        values = (part.value for part in ast.walk(node) if isinstance(part, ast.Constant))
        return {value for value in values if type(value) is int}

    parameters = {
        node.name: [arg.arg for arg in node.args.args] for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)
    }
    named = []  # pairs of a name and what it is given
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=function, args=values, keywords=keywords):
                function = ast.unparse(function)
                sizes = ["size"] * len(values) if re.match(r"range$|rng\.", function) else []
                named += [
                    *zip(sizes or parameters.get(function, []), values, strict=False),
                    *((k.arg, k.value) for k in keywords),
                ]
            case ast.Dict(keys=keys, values=values):
                named += [(ast.unparse(key), value) for key, value in zip(keys, values, strict=True) if key]
            case ast.Assign(targets=[target], value=value) | ast.For(target=target, iter=value):
                named.append((ast.unparse(target), value))
            case ast.arguments(args=args, defaults=defaults):
                named += zip([arg.arg for arg in args[::-1]], defaults[::-1], strict=False)
    return set().union(*(whole(value) for name, value in named if re.search(REPETITIONS, name or "")))


@each_notebook
def test_as_many_trials_as_a_caption_says_are_in_the_code_of_its_figure(path):
    cells = list(code_cells(path))
    code = [re.sub(r"(?m)^%.*$", "", cell.source) for cell in cells]
    names = [taken_and_made(compile(source, "cell", "exec")) for source in code]
    for last, cell in enumerate(cells):
        caption = cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", "")
        said = {word.lower() for words in re.findall(REPEATED, caption, re.IGNORECASE) for word in words if word}
        todo, seen = [last] if said else [], set()
        while todo:  # the cells that made what this figure shows, the nearest for every name
            here = todo.pop()
            seen.add(here)
            makers = (next((i for i in reversed(range(here)) if name in names[i][1]), None) for name in names[here][0])
            todo += {i for i in makers if i is not None} - seen
        done = repetitions(ast.parse("\n".join(code[i] for i in seen)))
        counts = {NUMBERS.index(word) + 1 if word in NUMBERS else int(word.replace(",", "")) for word in said}
        assert counts <= done, f"cell {cell.id}: the caption says {said}, the code {sorted(done)}"


@each_notebook
def test_notebook_defines_for_jupyter_the_macros_that_the_book_configures(path):
    config = yaml.safe_load((BOOK.parent / "_config.yml").read_text(encoding="utf-8"))
    macros = config["sphinx"]["config"]["mathjax3_config"]["tex"]["macros"]
    first = load(path).cells[0]
    assert first.metadata.get("tags") == ["remove-cell"], "the page has the macros already"
    assert dict(re.findall(r"\\newcommand\{\\(\w+)\}\{(.*)\}", first.source)) == macros


@each_notebook
def test_solutions_are_folded_in_jupyter_and_nothing_else_is(path):
    inside = False
    for cell in load(path).cells:
        gates = re.findall(r"\{solution-(start|end)\}", cell.source) if cell.cell_type == "markdown" else []
        assert len(gates) <= 2, cell.source[:60]
        within = inside or gates[:1] == ["start"]
        folded = {"source_hidden": True} | ({"outputs_hidden": True} if cell.cell_type == "code" else {})
        assert cell.metadata.get("jupyter", {}) == (folded if within else {}), cell.source[:60]
        assert not (within and "{exercise" in cell.source), "the next question would be folded, too"
        inside = gates[-1] == "start" if gates else inside


@each_notebook
def test_reading_time_is_measured(path):
    stated = re.search(r"\*\*Reading time\.\*\* About (\d+) minutes", markdown(path))
    assert stated and int(stated[1]) == reading_minutes(load(path)), "run 'make refresh'"


@each_chapter
def test_chapter_is_a_chapter_long(path):
    assert 2000 <= count_words(markdown(path)) <= 4500


@each_notebook
def test_code_lines_fit_the_page(path):
    wide = [line for cell in code_cells(path) for line in cell.source.splitlines() if len(line) > MAX_LINE]
    assert not wide, "\n".join(wide)


@each_notebook
def test_code_cells_are_short_and_plain_python(path):
    for cell in code_cells(path):
        n_lines = len(cell.source.splitlines())
        assert n_lines <= MAX_CELL_LINES, f"cell {cell.id} has {n_lines} lines"
        tree = ast.parse(cell.source, filename=cell.id)  # % and ! lines are syntax errors
        assert "get_ipython" not in cell.source
        if "naive" in cell.metadata.get("tags", []):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                length = node.end_lineno - node.lineno + 1
                assert length <= MAX_DEFINITION_LINES, f"{node.name} in cell {cell.id} has {length} lines"


@each_notebook
@pytest.mark.parametrize("what", FORBIDDEN)
def test_code_cells_need_nothing_from_outside(path, what):
    for cell in code_cells(path):
        found = re.search(FORBIDDEN[what], cell.source)
        assert not found, f"cell {cell.id} uses {what}: {found[0]!r}"


def test_labels_are_unique_in_the_whole_book():
    labels = Counter()
    texts = [markdown(path) for path in NOTEBOOKS] + [p.read_text(encoding="utf-8") for p in BOOK.glob("*.md")]
    for pattern in LABELS:
        labels.update(m["label"] for text in texts for m in re.finditer(pattern, text, flags=re.M))
    for path in NOTEBOOKS:
        figures = [cell.metadata.get("mystnb", {}).get("figure") or {} for cell in code_cells(path)]
        labels.update(figure["name"] for figure in figures if "name" in figure)
    assert [label for label, count in labels.items() if count > 1] == []


def public_names():
    for module in map(importlib.import_module, (f"scaling_laws.{name}" for name in MODULES)):
        for name, value in vars(module).items():
            defined_here = getattr(value, "__module__", None) == module.__name__
            if defined_here and not name.startswith("_") and (inspect.isclass(value) or inspect.isroutine(value)):
                yield pytest.param(value, id=f"{module.__name__}.{name}")


@pytest.mark.parametrize("module", MODULES)
def test_every_module_says_what_it_is_for(module):
    assert inspect.getdoc(importlib.import_module(f"scaling_laws.{module}"))


@pytest.mark.parametrize("public", list(public_names()))
def test_every_public_name_is_documented_with_an_example(public):
    text = inspect.getdoc(public) or ""
    docstring = NumpyDocString(text)
    assert docstring["Summary"], "no summary line"
    assert any(line.startswith(">>>") for line in docstring["Examples"]), "no Examples section that runs"
    if inspect.isfunction(public):
        described = {name.strip(" *") for entry in docstring["Parameters"] for name in entry.name.split(",")}
        assert set(inspect.signature(public).parameters) <= described, "a parameter is not described"
        return
    for name, member in vars(public).items():
        function = getattr(member, "__func__", getattr(member, "func", member))  # classmethod, cached_property
        if not name.startswith("_") and (inspect.isfunction(function) or isinstance(function, property)):
            assert inspect.getdoc(function), f"{public.__name__}.{name} has no docstring"
