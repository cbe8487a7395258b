#!/usr/bin/env bash
# Matplotlib 3.11.2: "The results are cached" says the docstring of MathTextParser.parse, but no figure finds there what
# another has left. The cache is one for all parsers, the parser is part of its key, and every renderer makes its own.
#
# Ten figures with the same logarithmic axes are saved, in the same format, size and resolution.
#   expected: the formulae of their ticks, $\mathdefault{10^{3}}$ and so on, parsed in the first, eight in all
#   seen:     parsed anew for every figure, eight each time; with one parser for all renderers eight in all, and pictures
#             that are the same to the last byte
# Why it matters: pyparsing takes some milliseconds a formula, and a book of log-log plots, or a widget that draws at
# every move of a slider, draws the same powers of ten thousands of times. In two chapters of this book, with figures
# for light and dark pages and for phones, it was a quarter of the drawing.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet matplotlib==3.11.2 numpy==2.4.6 pyparsing==3.3.3
MPLBACKEND=agg MPLCONFIGDIR="$folder" "$folder/env/bin/python" - <<'PY'
import io
import time

import matplotlib.pyplot as plt
from matplotlib import _mathtext
from matplotlib.backends.backend_agg import RendererAgg

COUNT, parse, start = [], _mathtext.Parser.parse, RendererAgg.__init__


def counted(self, text, *options):
    COUNT.append(text)
    return parse(self, text, *options)


def drawn():
    figure, axes = plt.subplots(layout="constrained")
    axes.loglog([1, 1e3], [1e-4, 1])
    return figure


def save(figure):
    """The picture, how many formulae were parsed for it, and the seconds it took."""
    COUNT.clear()
    file, begin = io.BytesIO(), time.perf_counter()
    figure.savefig(file, format="png", dpi=100)
    plt.close(figure)
    return file.getvalue(), len(COUNT), time.perf_counter() - begin


def several(label):
    pictures, parsed, seconds = zip(*(save(drawn()) for _ in range(10)))
    print(f"{label:32} parsed {parsed}, median {sorted(seconds)[5]:.3f} s a picture")
    return pictures, parsed


def with_one_parser(self, *options):
    start(self, *options)
    self.mathtext_parser = PARSER


_mathtext.Parser.parse = counted
save(drawn())  # fonts and grammar are made ready
as_it_is, parsed = several("as it is")
PARSER = RendererAgg(10, 10, 100).mathtext_parser
RendererAgg.__init__ = with_one_parser
shared, parsed_once = several("one parser for all renderers")
assert set(parsed) == {8}, "formulae are no longer parsed for every figure"
assert sum(parsed_once) == 8 and as_it_is == shared
PY
