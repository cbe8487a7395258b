"""One figure style for the whole course.

Figures are drawn dark on white. For the book's dark theme each is drawn a second time, with the lightness of greys
swapped and all hues kept, so the colours must show on both: they are those of Okabe and Ito, safe for colour-blind
readers.
"""

from __future__ import annotations

import os
from base64 import b64encode
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.scale import LogScale, register_scale
from matplotlib.ticker import LogLocator
from numpy.typing import ArrayLike

from ._themes import own_canvas, png_of, save_variants
from ._validation import has_method, real_array, real_number

BLUE, ORANGE, GREEN, PINK, SKY, YELLOW = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"
BLACK, GREY = "#222222", "#8A8A8A"
DECADES = 10**1.2  # an axis that spans less keeps all its minor ticks, for they may have labels
ONE_AXES = "one matplotlib Axes, such as plt.subplots()[1]"

STYLE = {
    "figure.figsize": (5.9, 3.7),
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "savefig.bbox": "standard",
    "font.size": 11,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "mathtext.fontset": "cm",
    "text.color": BLACK,
    "axes.edgecolor": BLACK,
    "axes.labelcolor": BLACK,
    "xtick.color": BLACK,
    "ytick.color": BLACK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=[BLUE, ORANGE, GREEN, PINK, SKY, YELLOW]),
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.grid": True,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "legend.fontsize": 10,
}


class _FewTicks(LogLocator):
    """Minor ticks of a logarithmic axis: 2 and 5 where it spans decades, for drawing all takes half a figure's time."""

    def tick_values(self, vmin: float, vmax: float) -> np.ndarray:
        """Where the ticks are, from `vmin` to `vmax`."""
        low, high = sorted((vmin, vmax))
        self.set_params(subs=(2, 5) if low > 0 and high / low > DECADES else "auto")
        return super().tick_values(vmin, vmax)


class _LogScale(LogScale):
    """Matplotlib's, with few minor ticks."""

    def __init__(self, *args, **kwargs) -> None:  # up to version 3.10 an axis comes first
        super().__init__(*args, **kwargs)

    def set_default_locators_and_formatters(self, axis) -> None:
        super().set_default_locators_and_formatters(axis)
        axis.set_minor_locator(_FewTicks())


def use_style() -> None:
    """Draw all further figures in the course's style, at twice the screen's resolution.

    Examples
    --------
    >>> use_style()
    >>> plt.rcParams["axes.spines.top"]
    False
    """
    plt.rcParams.update(STYLE)
    register_scale(_LogScale)
    try:
        from IPython import get_ipython
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:
        return
    if get_ipython() is None:
        return
    set_matplotlib_formats("retina")  # now, for it would take the place of the next line's
    get_ipython().display_formatter.formatters["image/png"].for_type(Figure, _show)


def _show(figure: Figure) -> tuple[str, dict] | None:
    """The picture of a figure for a notebook, and its size there; an empty figure has none."""
    if not figure.axes:
        return None
    dpi = figure.dpi
    width, height = (round(dpi * inches) for inches in figure.get_size_inches())
    with own_canvas(figure):
        picture = png_of(figure, 2 * dpi)
        if folder := os.environ.get("SCALING_LAWS_FIGURES"):  # set while the book is built
            save_variants(figure, picture, Path(folder))
    figure.set_dpi(dpi)
    return b64encode(picture).decode(), {"width": width, "height": height}


def plot_simulation(
    axes: Axes, x: ArrayLike, mean: ArrayLike, stderr: ArrayLike, *, color: str = BLACK, **style
) -> ErrorbarContainer:
    """Draw simulated means as dots with bars of two standard errors.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    x, mean, stderr : array_like, shape (n,)
        Abscissae, means and their standard errors.
    color : str
        Colour of dots and bars.
    **style
        Passed on to `matplotlib.axes.Axes.errorbar`, such as ``label``.

    Returns
    -------
    matplotlib.container.ErrorbarContainer
        What was drawn.

    Examples
    --------
    >>> figure, axes = plt.subplots()
    >>> bars = plot_simulation(axes, [1, 2], [3.0, 4.0], [0.1, 0.2])
    >>> plt.close(figure)
    """
    has_method("axes", axes, "errorbar", ONE_AXES)
    x, mean, stderr = (_ordinates(*pair) for pair in (("x", x), ("mean", mean), ("stderr", stderr)))
    style = {"fmt": "o", "markersize": 4, "elinewidth": 1.2, "capsize": 2, "linestyle": "none", "zorder": 3} | style
    return axes.errorbar(x, mean, yerr=2 * stderr, color=color, ecolor=color, **style)


def slope_guide(axes: Axes, x: tuple[float, float], y: float, exponent: float, label: str) -> None:
    """Draw a dashed line of a given slope on logarithmic axes, through ``(x[0], y)``.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Axes with two logarithmic scales.
    x : (float, float)
        Where the line begins and ends.
    y : float
        Ordinate at its beginning.
    exponent : float
        Slope.
    label : str
        Written above the middle of the line.

    Examples
    --------
    >>> figure, axes = plt.subplots()
    >>> slope_guide(axes, (1, 10), 1.0, -1, "slope -1")
    >>> plt.close(figure)
    """
    has_method("axes", axes, "plot", ONE_AXES)
    ends, y, exponent = real_array("x", x, above=0), real_number("y", y), real_number("exponent", exponent)
    if ends.shape != (2,):
        raise ValueError(f"x must be a pair (begin, end); got shape {ends.shape}")
    axes.plot(ends, y * (ends / ends[0]) ** exponent, color=GREY, linestyle="--", linewidth=1.2)
    middle = np.sqrt(ends[0] * ends[1])
    at = (middle, y * (middle / ends[0]) ** exponent)
    axes.annotate(label, at, xytext=(4, 4), textcoords="offset points", color=GREY, fontsize=10)


def _ordinates(name: str, values: ArrayLike) -> np.ndarray:
    """`values` as floats; those that are not numbers leave gaps, as the error of a single trial does."""
    array = np.asarray(values)
    if array.dtype.kind == "f":
        return array
    return real_array(name, values)
