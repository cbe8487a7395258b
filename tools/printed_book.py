"""A Sphinx extension that arranges the pages of the book as one printed document, with the numbers of the web edition.

Sphinx hands its LaTeX builder all pages as one tree. Here the tree gets parts, and two appendices: worked solutions
and the code of figures, each linked with where it was folded in the page. LaTeX would count anew, so the numbers that
the pages show are written into the tree. Boxes keep their kind, and interactive figures say where they move.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.math import wrap_displaymath
from sphinx_exercise.nodes import exercise_enumerable_node, solution_node
from sphinxcontrib.bibtex.nodes import bibliography

EXPLORER = 'class="explorer"'
FIRST = "Introduction"  # the first page has the book's title, which stands on a page of its own here
LONG = 25  # rows: such a table may break between pages


class Box(nodes.General, nodes.Element):
    """A box of some kind; its first child is its title."""


class BoxTitle(nodes.General, nodes.TextElement):
    """The title of a box."""


@dataclass
class Later:
    """What moves out of the chapters, by page: (number, nodes)."""

    solutions: dict[str, list] = field(default_factory=lambda: defaultdict(list))
    code: dict[str, list] = field(default_factory=lambda: defaultdict(list))


def tex(text: str) -> nodes.raw:
    return nodes.raw("", text, format="latex")


def label(*parts: str) -> str:
    """A label as Sphinx writes it."""
    return rf"\detokenize{{{':'.join(parts)}}}"


def dotted(number: tuple) -> str:
    return ".".join(map(str, number))


def has_class(node: nodes.Node, name: str) -> bool:
    return isinstance(node, nodes.Element) and name in node.get("classes", [])


def find_all(tree: nodes.Element, kind) -> list:
    """All nodes of a kind, in a list: the tree may be changed while going through it."""
    return list(tree.findall(kind))


class ArrangeBook(SphinxPostTransform):
    """Number, box and move what the pages hold; put parts around the chapters."""

    default_priority = 1  # before myst-nb chooses among the forms of an output, and before references are resolved
    formats = ("latex",)

    def run(self, **kwargs) -> None:
        root, later = self.config.root_doc, Later()
        files = {file["docname"]: file for file in find_all(self.document, addnodes.start_of_file)}
        files = {root: take_root(self.document, root), **files}
        for name, file in files.items():
            numbers = self.env.toc_fignumbers.get(name, {})
            number_equations(file, numbers.get("displaymath", {}))
            number_figures(file, numbers.get("figure", {}))
            mark_explorers(file)
            put_boxes(file)
            move_solutions(file, name, numbers.get("exercise", {}), later.solutions[name])
            move_code(file, name, numbers.get("figure", {}), later.code[name])
            keep_literature(file, name)
            set_widths(file)
        self.document.children = []
        del self.document["docname"]  # or the first page would have two labels
        self.document += self.book(files, later)

    def book(self, files: dict, later: Later) -> nodes.section:
        """Return the whole: front matter, parts, and what was moved."""
        whole = nodes.section("", nodes.title("", self.config.html_title))  # Sphinx takes this one for the title page
        whole += [tex(r"\setcounter{secnumdepth}{-1}"), files[self.config.root_doc]]
        for toctree in self.env.get_doctree(self.config.root_doc).findall(addnodes.toctree):
            numbered = bool(toctree.get("numbered"))
            part = toctree["caption"].split(" · ")[-1]  # its number is set by LaTeX
            whole += tex(f"\\bookpart{{{-1 if numbered else -2}}}{{{part}}}{{{0 if numbered else -2}}}")
            whole += [files[name] for name in toctree["includefiles"] if not bibliographies(files[name])]
        whole += self.gathered("Solutions", "solutions", later.solutions)
        whole += self.gathered("Code of the figures", "code-of-figures", later.code)
        for name, file in files.items():  # Sphinx sets the entries at the end, under a heading of its own
            whole += [addnodes.start_of_file("", entries, docname=name) for entries in bibliographies(file)]
        return whole

    def gathered(self, title: str, name: str, by_page: dict) -> nodes.section:
        """Return a chapter with what was moved out of each page."""
        chapter = nodes.section("", nodes.title("", title), ids=[name])
        for page, items in by_page.items():
            if items:
                number = dotted(self.env.toc_secnumbers.get(page, {}).get("", ()))
                name_of_page = self.env.titles[page].deepcopy().children
                if page == self.config.root_doc:
                    name_of_page = [nodes.Text(FIRST)]
                heading = nodes.title("", f"{number} ".lstrip(), *name_of_page)
                file = addnodes.start_of_file("", *items, docname=page)
                chapter += nodes.section("", heading, file, ids=[f"{name}-{page.replace('/', '-')}"])
        return chapter


def bibliographies(file: nodes.Element) -> list[nodes.Element]:
    return find_all(file, bibliography)


def take_root(document: nodes.document, name: str) -> addnodes.start_of_file:
    """Return the first page as a file like the others, without the rest of the book."""
    page = document[0]
    for node in find_all(page, nodes.Element):
        if has_class(node, "toctree-wrapper") or has_class(node, "latex-tableofcontents"):
            node.parent.remove(node)
    page["docname"] = name
    page[0] = nodes.title("", FIRST)
    return addnodes.start_of_file("", page, docname=name)


def number_equations(file: nodes.Element, numbers: dict) -> None:
    """Give each labelled equation its number."""
    for block in find_all(file, nodes.math_block):
        number = next((numbers[name] for name in block["ids"] if name in numbers), None)
        if number is None:
            continue
        target = f"equation:{block['docname']}:{block['label']}"
        body = wrap_displaymath(block.astext(), target, False).strip()
        block.children = [nodes.Text(f"\\begingroup\\booknumber{{equation}}{{{dotted(number)}}}%\n{body}\\endgroup")]
        block["nowrap"], block["label"] = True, None


def number_figures(file: nodes.Element, numbers: dict) -> None:
    """Give each figure its number."""
    for figure in find_all(file, nodes.figure):
        number = next((numbers[name] for name in figure["ids"] if name in numbers), None)
        if number is not None:
            figure.parent.insert(figure.parent.index(figure), tex(f"\\booknumber{{figure}}{{{dotted(number)}}}"))


def mark_explorers(file: nodes.Element) -> None:
    """Say in the caption of an interactive figure where it is interactive."""
    for figure in find_all(file, nodes.figure):
        if any(EXPLORER in node.astext() for node in figure.findall(nodes.raw)):
            for caption in figure.findall(nodes.caption):
                caption += [nodes.Text(" "), nodes.emphasis("", "Interactive in the web edition.")]


def put_boxes(file: nodes.Element) -> None:
    """Box the admonitions: proofs, which the page folds, and remarks."""
    for node in find_all(file, nodes.admonition):
        kind = "proofbox" if has_class(node, "dropdown") else "remarkbox"
        title, *content = node.children
        node.replace_self(Box("", BoxTitle("", "", *title.children), *content, kind=kind, ids=node["ids"]))


def move_solutions(file: nodes.Element, page: str, numbers: dict, solutions: list) -> None:
    """Box the exercises, and move their solutions."""
    solved = {node["target_label"]: node for node in find_all(file, solution_node)}
    for exercise in find_all(file, exercise_enumerable_node):
        name = exercise["label"]
        number = dotted(next(numbers[one] for one in exercise["ids"] if one in numbers))
        title, *content = exercise.children
        subtitle = [child for part in title.children if isinstance(part, nodes.Element) for child in part.children]
        heading = [nodes.Text(f"Exercise {number} ("), *subtitle, nodes.Text(")")]
        box = Box("", BoxTitle("", "", *heading), *content, kind="exercisebox", ids=exercise["ids"])
        box["labels"] = [label("exercise", name)]  # sphinx-exercise refers to it
        if name in solved:
            box += tex(f"\\solutionlink{{{label('solution', name)}}}")
            solution = solved[name]
            solution.parent.remove(solution)
            link = f"\\bookentry{{{label('solution', name)}}}{{Exercise {number}}}{{{label(page, exercise['ids'][0])}}}"
            content = [child for part in solution.children[1:] for child in unpacked(part)]
            solutions += [tex(link), *content]
        exercise.replace_self(box)


def unpacked(node: nodes.Element) -> list[nodes.Node]:
    """The content of what sphinx-exercise holds as a section."""
    return node.children if isinstance(node, nodes.section) else [node]


def move_code(file: nodes.Element, page: str, numbers: dict, listings: list) -> None:
    """Move the code that the page folds beside its figure."""
    for cell in [node for node in file.findall(nodes.container) if has_class(node, "tag_hide-input")]:
        figure = next(iter(cell.findall(nodes.figure)), None)
        sources = [node for node in cell.children if has_class(node, "cell_input")]
        if figure is None or not sources:
            continue
        name = figure["ids"][0]
        for source in sources:
            cell.remove(source)
        for caption in figure.findall(nodes.caption):
            caption += tex(f" \\codelink{{{label('code', page, name)}}}")
        entry = f"\\bookentry{{{label('code', page, name)}}}{{Figure {dotted(numbers[name])}}}{{{label(page, name)}}}"
        listings += [tex(entry), *sources]


def keep_literature(file: nodes.Element, page: str) -> None:
    """Leave what a docstring cites at its end; Sphinx would move it to the bibliography."""
    for node in find_all(file, addnodes.only):
        if node["expr"] == "latex":  # numpydoc repeats there what is cited, for a bibliography
            node.parent.remove(node)
    citations = find_all(file, nodes.citation)
    cited = {name: (f"[{node[0].astext()}]", node["ids"][0]) for node in citations for name in node["names"]}
    for node in citations:
        number, *content = node.children
        content[0].insert(0, nodes.Text(f"[{number.astext()}] "))
        node.replace_self([tex(rf"\phantomsection\label{{{label(page, node['ids'][0])}}}"), *content])
    for node in find_all(file, addnodes.pending_xref):
        if node["refdomain"] == "citation":
            text, name = cited[node["reftarget"].lower()]
            node.replace_self(nodes.reference("", text, refid=name, internal=True))


def set_widths(file: nodes.Element) -> None:
    """Give the columns of a table that breaks between pages widths by their content; LaTeX would not wrap its cells."""
    for table in find_all(file, nodes.table):
        rows = find_all(table, nodes.row)
        if len(rows) <= LONG:
            continue
        table["classes"] += ["longtable", "colwidths-given"]
        lengths = zip(*([len(entry.astext()) for entry in row.children] for row in rows), strict=True)
        for column, found in zip(table.findall(nodes.colspec), lengths, strict=True):
            column["colwidth"] = min(max(*found, 6), 60)


class KeepNumbers(SphinxPostTransform):
    """Let references to numbered things say the page's numbers, not those that LaTeX would count."""

    default_priority = 11  # after references are resolved
    formats = ("latex",)

    def run(self, **kwargs) -> None:
        for node in find_all(self.document, addnodes.number_reference):
            node.replace_self(nodes.reference(node.rawsource, "", *node.children, **node.attributes))


def open_box(translator, node: Box) -> None:
    translator.body.append(f"\n\\begin{{{node['kind']}}}{{")
    translator.no_latex_floats += 1
    names = [translator.hypertarget(name, anchor=False) for name in node["ids"]]
    names += [f"\\label{{{name}}}" for name in node.get("labels", [])]
    if names:
        translator.body.append(r"\phantomsection" + "".join(names))


def close_box(translator, node: Box) -> None:
    translator.body.append(f"\n\\end{{{node['kind']}}}\n")
    translator.no_latex_floats -= 1


def close_title(translator, node: BoxTitle) -> None:
    translator.body.append("}\n")


def setup(app):
    app.add_node(Box, latex=(open_box, close_box))
    app.add_node(BoxTitle, latex=(lambda translator, node: None, close_title))
    app.add_post_transform(ArrangeBook)
    app.add_post_transform(KeepNumbers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
