"""Figures for a page with two themes and for a phone: the same figure drawn again, not a filter over its picture.

Under the dark theme what is black or grey on the paper swaps its lightness: axes, labels, text, and lines and
surfaces without a hue. Colours stay, and so does everything drawn over an image, a heat map or a photograph.
For a phone, panels that stand side by side are stacked.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.collections import Collection, QuadMesh
from matplotlib.colors import to_rgba_array
from matplotlib.contour import QuadContourSet
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

NARROW = 3.8  # inches: the width of a phone's column at 100 dots an inch
STRUCK = ".struck"  # a note beside the pictures of a figure with labels that a line goes through
COLOURS = {
    Line2D: ["color", "markerfacecolor", "markeredgecolor"],
    Text: ["color"],
    Patch: ["edgecolor", "facecolor"],
    Collection: ["edgecolor", "facecolor"],
}


class Canvas(FigureCanvasAgg):
    """A canvas whose formulae are parsed once for all figures.

    Matplotlib keeps the formulae of 10, 100, ... at the ticks with the parser, and makes a parser for every picture.
    """

    parser = None

    def get_renderer(self) -> RendererAgg:
        """What draws, with the parser of the first."""
        renderer = super().get_renderer()
        Canvas.parser = renderer.mathtext_parser = Canvas.parser or renderer.mathtext_parser
        return renderer


@contextmanager
def own_canvas(figure: Figure) -> Iterator[Canvas]:
    """A `Canvas` for a figure, which has its own again afterwards."""
    before = figure.canvas
    try:
        yield before if isinstance(before, Canvas) else Canvas(figure)
    finally:
        figure.set_canvas(before)


def png_of(figure: Figure, dpi: float) -> bytes:
    """The picture of a figure, drawn once, where `Figure.savefig` draws one with a layout engine twice.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure; its resolution is `dpi` from then on, so that legends stay where this picture puts them.
    dpi : float
        Dots an inch.
    """
    figure.set_dpi(dpi)
    with own_canvas(figure) as canvas:
        canvas.draw()
    picture, file = Image.fromarray(np.asarray(canvas.buffer_rgba())), io.BytesIO()
    if picture.getextrema()[3][0] == 255:  # no more bytes than needed, in two thirds of the time
        picture = picture.convert("RGB")
    picture.save(file, format="png", compress_level=3, dpi=(dpi, dpi))
    return file.getvalue()


def save_variants(figure: Figure, png: bytes, folder: Path) -> None:
    """Write the dark picture of a figure, and both for a phone if it has panels side by side.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure, just drawn; it is left recoloured and stacked, so this comes last.
    png : bytes
        Its picture by `png_of`, after which the files are named: the SHA-256 sum with ``-dark``, ``-narrow``,
        ``-narrow-dark``.
    folder : Path
        Where to write.
    """
    stem = hashlib.sha256(png).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)

    def save(suffix: str) -> None:
        layout, dark = figure.get_layout_engine(), suffix.endswith("dark")
        if dark:
            figure.set_layout_engine("none")  # everything stands where it does in the light picture, drawn just before
        part = folder / f"{stem}{suffix}.part"
        part.write_bytes(png_of(figure, figure.dpi))
        figure.set_layout_engine(layout)
        part.replace(folder / f"{stem}{suffix}.png")

    undo = darken(figure)
    save("-dark")
    undo()  # before new ticks copy the colours of old ones
    struck = struck_labels(figure)
    if stack(figure):
        save("-narrow")
        struck += [f"{label} (stacked)" for label in struck_labels(figure)]
        darken(figure)
        save("-narrow-dark")
    (folder / f"{stem}{STRUCK}").write_text("\n".join(struck))


def struck_labels(figure: Figure) -> list[str]:
    """The labels and legend entries of a figure that a line goes through, as it was last drawn."""
    struck = set()
    for axes in figure.axes:
        legend = axes.get_legend()
        labels = [text for text in axes.texts if text.get_bbox_patch() is None]
        labels += legend.get_texts() if legend and not legend.get_frame_on() else []
        lines = [line for line in axes.lines if line.get_visible() and line.get_linestyle() != "None"]
        covers = [patch for patch in axes.patches if to_rgba_array(patch.get_facecolor())[0, 3] == 1]
        for text in filter(Text.get_text, labels):
            box = text.get_window_extent()
            letters = Bbox.intersection(box.expanded(0.95, 0.55), axes.bbox)  # without the space around them
            middle = box.get_points().mean(axis=0)
            covered = max((p.get_zorder() for p in covers if p.get_window_extent().contains(*middle)), default=-1)
            paths = [line.get_transform().transform_path(line.get_path()) for line in lines if line.zorder > covered]
            if letters and any(path.intersects_bbox(letters, filled=False) for path in paths):
                struck.add(text.get_text())
    return sorted(struck)


def swap(colours: Any) -> np.ndarray | None:
    """The colours with the lightness of greys swapped, or None where nothing is to be done."""
    try:
        rgba = to_rgba_array(colours)
    except (ValueError, TypeError):  # 'auto', 'none'
        return None
    grey = np.ptp(rgba[:, :3], axis=1) < 0.06
    if not (grey & (rgba[:, 3] > 0)).any():
        return None
    rgba[grey, :3] = 1 - 0.93 * rgba[grey, :3]
    return rgba


def is_picture(axes: Axes) -> bool:
    """Whether the axes hold an image, a heat map or filled contours, whose colours must stay."""
    return any(
        isinstance(child, AxesImage | QuadMesh) or (isinstance(child, QuadContourSet) and child.filled)
        for child in axes.get_children()
    )


def artists(parent: Artist) -> Iterator[Artist]:
    """All artists of a figure but those over a picture."""
    kept = set()
    if isinstance(parent, Axes) and is_picture(parent):
        furniture = {*parent.spines.values(), parent.xaxis, parent.yaxis, parent.title, parent._left_title}
        kept = set(parent.get_children()) - furniture
    for child in parent.get_children():
        if child not in kept:
            yield child
            yield from artists(child)


def darken(figure: Figure) -> Callable[[], None]:
    """Swap the lightness of all that is grey in a figure, without a background, in place; return what undoes it."""
    old, new = [], []
    backgrounds = {figure.patch, *(axes.patch for axes in figure.axes)}
    for artist in artists(figure):
        if isinstance(artist, Collection) and artist.get_array() is not None:
            if getattr(artist, "colors", None) is None:  # its colours are values
                continue
            old.append((artist.set_array, artist.get_array()))  # contour lines of a colour that was given
            new.append((artist.set_array, None))
        if artist in backgrounds:
            continue
        for name in (name for kind, names in COLOURS.items() if isinstance(artist, kind) for name in names):
            before = getattr(artist, f"get_{name}")()
            after = swap(before)
            if after is not None:
                put = getattr(artist, f"set_{name}")
                old.append((put, before))
                new.append((put, after if isinstance(artist, Collection) else after[0]))
    for patch in backgrounds:
        old.append((patch.set_facecolor, patch.get_facecolor()))
        new.append((patch.set_facecolor, "none"))
    for put, after in new:  # only now: the colours of a marker may be those of its line
        put(after)

    def undo() -> None:
        for put, before in old:
            put(before)

    return undo


def stack(figure: Figure) -> bool:
    """Stack panels that stand side by side, in place; whether there are any."""
    panels = [axes for axes in figure.axes if axes.get_subplotspec() is not None]
    shares = [1.0 if axes.axison and (*axes.get_xticks(), *axes.get_yticks()) else 0.4 for axes in panels]
    grids = {axes.get_subplotspec().get_gridspec() for axes in panels}
    if len(grids) != 1 or next(iter(grids)).ncols < 2 or shares.count(1.0) < 2:  # pictures stay side by side
        return False
    old = [(axes, axes.get_subplotspec(), axes.get_xlabel(), axes.get_ylabel()) for axes in panels]
    column = figure.add_gridspec(len(panels), 1, height_ratios=shares)
    height = figure.get_size_inches()[1] / next(iter(grids)).nrows
    figure.set_size_inches(NARROW, sum(shares) * max(2.5, 0.88 * height))
    for row, (axes, place, xlabel, ylabel) in enumerate(old):
        axes.set_subplotspec(column[row, 0])
        beside = [label for _, other, _, label in old if other.rowspan.start == place.rowspan.start and label]
        below = [label for _, other, label, _ in old if other.colspan.start == place.colspan.start and label]
        axes.set(xlabel=xlabel or (below or [""])[-1], ylabel=ylabel or (beside or [""])[0])
        axes.tick_params(labelleft=True, labelbottom=True)  # shared axes hide the inner ones
    if len(figure.axes) > len(panels):
        figure.draw_without_rendering()  # the layout of a colour bar settles at the second drawing
    return True
