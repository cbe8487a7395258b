"""How long a notebook takes to read: one rule for all, from what there is to read before the exercises."""

import re

FENCE = re.compile(r"^\s*(`{3,}|~{3,}|:{3,})(?:\{([\w:-]+)\})?[ \t]*(.*)$")
NOT_PROSE = {"math", "code", "code-block", "code-cell", "raw", "eval-rst", "bibliography", "figure", "image"}

WORDS_PER_MINUTE = 120
MINUTES_PER_STEP = 2.0  # a line of a displayed formula, with pencil and paper
MINUTES_PER_SYMBOL = 0.1  # a formula in the text
MINUTES_PER_LINE = 0.13  # a line of code that is not folded away
MINUTES_PER_FIGURE = 2.0


def unfenced(text):
    """Lines of MyST outside code and mathematics; directives keep their title and body, not their options."""
    fences = []
    for line in text.splitlines():
        fence = FENCE.match(line)
        closes = fence and fences and not fence[2] and not fence[3] and fence[1].startswith(fences[-1][0])
        if closes:
            fences.pop()
        elif fences and not fences[-1][1]:
            continue
        elif fence:
            is_prose = fence[2] not in NOT_PROSE if fence[2] else fence[1][0] == ":"
            fences.append((fence[1], is_prose))
            if is_prose:
                yield fence[3]
        elif not (fences and re.match(r"\s*:[\w-]+:", line)):
            yield line


def count_words(text):
    """Words of prose: inline code counts, mathematics, comments, labels, roles' targets and addresses do not."""
    text = "\n".join(unfenced(text))
    text = re.sub(r"^\([\w:.-]+\)=\s*$|^%.*$", " ", text, flags=re.M)
    text = re.sub(r"<!--.*?-->|\$\$.*?\$\$( *\([\w:.-]+\))?|\\begin\{(\w+\*?)\}.*?\\end\{\2\}", " ", text, flags=re.S)
    text = re.sub(r"(?<!\\)\$[^$]+\$|\{[\w:-]+\}`[^`]*`|\]\([^)]*\)|https?://\S+", " ", text)
    return len(re.findall(r"[^\W\d_][\w'’-]*", text))


def reading_minutes(notebook):
    """Minutes of attentive reading, in tens; exercises, folded code and what is printed do not count."""
    cells = [cell for cell in notebook.cells if "remove-cell" not in cell.metadata.get("tags", [])]
    end = next((i for i, cell in enumerate(cells) if re.search(r"^## Exercises", cell.source, flags=re.M)), len(cells))
    text = "\n\n".join(cell.source for cell in cells[: end + 1] if cell.cell_type == "markdown")
    text = re.split(r"^## Exercises", text, flags=re.M)[0]
    displayed = re.findall(r"\$\$(.*?)\$\$", text, flags=re.S)
    steps = sum(1 + formula.count(r"\\") + formula.count(r"\qquad") for formula in displayed)
    symbols = len(re.findall(r"(?<!\$)\$[^$]+\$(?!\$)", text))
    code = [cell for cell in cells[:end] if cell.cell_type == "code"]
    lines = sum(len(cell.source.splitlines()) for cell in code if "hide-input" not in cell.metadata.get("tags", []))
    figures = sum("figure" in cell.metadata.get("mystnb", {}) for cell in code)
    minutes = count_words(text) / WORDS_PER_MINUTE + MINUTES_PER_STEP * steps + MINUTES_PER_SYMBOL * symbols
    minutes += MINUTES_PER_LINE * lines + MINUTES_PER_FIGURE * figures
    return round(minutes / 10) * 10


def state_reading_time(notebook):
    """Write the measured time into the notebook, in place, where it states one."""
    for cell in notebook.cells:
        stated = r"(?<=\*\*Reading time\.\*\* About )\d+(?= minutes)"
        cell.source = re.sub(stated, str(reading_minutes(notebook)), cell.source)
