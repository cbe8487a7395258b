"""Show each figure as it was drawn for the page's theme and for a phone's width.

While the book is built every kernel is told a folder; `scaling_laws.plotting` writes the further pictures of a figure
there, named after the one that the notebook holds. The page then offers them all, and the browser takes one. Where a
phone's picture stacks the panels, the caption's "left" and "right" are there "top" and "bottom". A label that a line
goes through is a warning.
"""

import os
import re
import shutil
from pathlib import Path

from sphinx.util import logging

logger = logging.getLogger(__name__)
FOLDER = "figures"  # beside the folder of the pages
NARROW = "(max-width: 640px)"
IMAGE = re.compile(r'<img\b[^>]*\bsrc="(?P<path>[^"]*_images/)(?P<stem>[0-9a-f]{64})\.png"[^>]*/?>')
FIGURE = re.compile(r"<figure\b.*?</figure>", re.DOTALL)
SIDE = re.compile(r"\b(?:[Ll]eft|[Rr]ight)(?=:)|(?<=\()(?:left|right)(?=[),])")
STACKED = {"Left": "Top", "Right": "Bottom", "left": "top", "right": "bottom"}


def tell_kernels(app):
    os.environ["SCALING_LAWS_FIGURES"] = str(Path(app.outdir).parent / FOLDER)
    os.environ.pop("MPLBACKEND", None)  # some clusters and containers set one that shows nothing in a notebook


def offer_all(app, pagename, templatename, context, doctree):
    folder, images = Path(app.outdir).parent / FOLDER, Path(app.outdir) / "_images"

    def offer(match):
        def picture(theme, ending):
            image, narrow = match[0], folder / f"{match['stem']}-narrow{ending}.png"
            if ending:
                image = image.replace(match["stem"], match["stem"] + ending)
            source = f'<source media="{NARROW}" srcset="{match["path"]}{narrow.name} 2x">' if narrow.exists() else ""
            return f'<picture class="only-{theme}">{source}{image}</picture>'

        note = folder / f"{match['stem']}.struck"
        if note.exists() and (struck := note.read_text()):
            logger.warning("%s: a line goes through a label of a figure: %s", pagename, struck)
        variants = list(folder.glob(f"{match['stem']}-*.png"))
        if not variants:
            return match[0]
        images.mkdir(exist_ok=True)
        for variant in variants:
            shutil.copyfile(variant, images / variant.name)
        return picture("light", "") + picture("dark", "-dark")

    if "body" in context:
        context["body"] = FIGURE.sub(name_sides, IMAGE.sub(offer, context["body"]))


def name_sides(match):
    """The words of a caption for panels that stand beside or below each other."""
    picture, start, caption = match[0].partition("<figcaption")
    if "<source" not in picture:
        return match[0]
    both = lambda side: f'<span class="beside">{side[0]}</span><span class="stacked">{STACKED[side[0]]}</span>'  # noqa: E731
    return picture + start + SIDE.sub(both, caption)


def setup(app):
    app.connect("builder-inited", tell_kernels)
    app.connect("html-page-context", offer_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
