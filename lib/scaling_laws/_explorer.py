"""What an interactive figure is made of, for `explorers`: its design, its widgets under a kernel, its picture."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from html import escape
from typing import Any, NamedTuple

import ipywidgets as widgets
import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from . import plotting
from ._themes import png_of
from ._validation import one_of, real_number, whole_number

DIGITS = 3  # significant digits of a value set by a slider
PER_DECADE = 20  # positions of a logarithmic slider
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
DECADES = 8  # most decades that a logarithmic ordinate shows
WIDTH, HEIGHT = 5.6, 3.7  # of a panel, in inches
LEGEND = {"frameon": True, "framealpha": 0.8, "edgecolor": "none"}  # readable on a surface, too
LINES = {"line": "-", "dashed": "--", "dotted": ":"}


class Control(NamedTuple):
    """One quantity that the reader sets.

    The kind is ``"linear"``, ``"log"``, ``"zero"`` (logarithmic, with 0 at the left end of the slider) or ``"choice"``
    (one of the options).
    """

    name: str
    label: str
    low: float = 0.0
    high: float = 1.0
    kind: str = "log"
    unit: str = ""
    whole: bool = False
    options: tuple[str, ...] = ()

    @property
    def steps(self) -> int:
        """Number of the last position of the slider; the first is 0."""
        if self.kind == "choice":
            return len(self.options) - 1
        if self.kind == "linear":
            return round((self.high - self.low) * 100)
        return round(np.log10(self.high / self.low) * PER_DECADE) + (self.kind == "zero")

    def at(self, position: int) -> float:
        """The value at a position of the slider."""
        first = self.kind == "zero"
        if position < first:
            return 0.0
        share = (position - first) / (self.steps - first)
        linear = self.kind == "linear"
        value = self.low + (self.high - self.low) * share if linear else self.low * (self.high / self.low) ** share
        value = float(f"{value:.{DIGITS}g}")
        return min(max(round(value) if self.whole else value, self.low), self.high)

    def position(self, value: float) -> int:
        """The position of the slider nearest to a value; several positions may have the same small whole number."""
        first = self.kind == "zero"
        if value < self.low:
            return 0
        of = (lambda x: x) if self.kind == "linear" else np.log
        share = (of(value) - of(self.low)) / (of(self.high) - of(self.low))
        return first + round((self.steps - first) * share)

    def check(self, value: Any) -> Any:
        """Return `value`, or raise `ValueError` naming the control and its range."""
        if self.kind == "choice":
            return one_of(self.name, value, self.options)
        if self.whole:
            return whole_number(self.name, value, at_least=self.low, at_most=self.high)
        value = real_number(self.name, value, at_least=0 if self.kind == "zero" else self.low, at_most=self.high)
        if 0 < value < self.low:
            raise ValueError(f"{self.name} must be 0 or at least {self.low:g}; got {value:g}")
        return value


class Panel(NamedTuple):
    """One pair of axes: titles, and which of the two are logarithmic."""

    x: str
    y: str
    x_log: bool = True
    y_log: bool = True


class Curve(NamedTuple):
    """How one curve is drawn: a colour of `plotting` in lower case, and a style.

    The styles are ``"line"``, ``"dashed"``, ``"dotted"``, ``"dots"``, ``"vertical"`` and ``"horizontal"`` (lines at the
    abscissae, or ordinates, across the panel) and ``"heat"``. Only lines and dots set the range of the ordinate.
    """

    name: str
    label: str
    color: str = "blue"
    style: str = "line"
    panel: int = 0


class Picture(NamedTuple):
    """What a setting looks like.

    For every curve its abscissae and ordinates, and for ``"heat"`` a table of values with a row for each ordinate; the
    range of every panel's abscissa; numbers and words to be shown under the picture.
    """

    curves: dict[str, tuple]
    ranges: list[tuple[float, float]]
    readings: dict[str, float | str]


class Design(NamedTuple):
    """An interactive figure.

    `compute` takes the values of the controls to a `Picture`. `experiment` takes them to an iterator over the share
    that is done and the points so far, each ``(panel, x, mean, stderr)``; above the values in `largest` it would take
    too long, and `Explorer.simulate` lowers them. `readings` holds the labels of the picture's readings.
    """

    name: str
    title: str
    controls: tuple[Control, ...]
    panels: tuple[Panel, ...]
    curves: tuple[Curve, ...]
    readings: dict[str, str]
    compute: Callable[..., Picture]
    experiment: Callable[..., Iterator[tuple[float, list[tuple]]]]
    largest: dict[str, float]


class Explorer(widgets.VBox):
    """An interactive figure, made by the functions of `explorers`.

    Its attributes are ``values``, the present value of every control, and ``picture``, what they look like: its
    ``curves``, by name, and ``readings``. What the reader does by hand, `set`, `simulate` and `draw` do in code.
    """

    def __init__(self, design: Design, values: dict[str, Any]) -> None:
        self.design = design
        self._initial = {control.name: control.check(values[control.name]) for control in design.controls}
        self._rows = {control.name: _Row(control, self._on_change, self._say) for control in design.controls}
        self._image = widgets.Image(format="png", layout={"max_width": "100%", "align_self": "flex-start"})
        self._legend = {
            curve.name: widgets.ToggleButton(value=True, description=curve.label, layout={"width": "auto"})
            for curve in design.curves
            if curve.label
        }
        for button in self._legend.values():
            button.observe(lambda change: self._draw(), names="value")
        reset, self._simulate = widgets.Button(description="reset"), widgets.Button(description="simulate")
        reset.on_click(lambda button: self.set(**self._initial))
        self._simulate.on_click(lambda button: self._on_simulate())
        self._progress = widgets.FloatProgress(min=0, max=1, layout={"visibility": "hidden"})
        self._readings, self._message = widgets.HTML(), widgets.Label()
        legend = widgets.Box(list(self._legend.values()), layout={"flex_flow": "row wrap"})
        buttons = widgets.HBox([reset, self._simulate, self._progress])
        rows = [row.box for row in self._rows.values()]
        super().__init__([self._image, legend, self._readings, *rows, buttons, self._message])
        self.values: dict[str, Any] = {}
        self._figure = _sheet_of(design)
        self.set(**self._initial)

    def set(self, **values: Any) -> None:
        """Set some of the controls by name; `ValueError` if a name is unknown or a value outside its range."""
        controls = {control.name: control for control in self.design.controls}
        checked = {one_of("control", name, controls): controls[name].check(value) for name, value in values.items()}
        for name, value in checked.items():
            self._rows[name].show(value)
        self.values = self.values | checked
        self.picture, self._points, self._is_running = self.design.compute(**self.values), [], False
        items = [
            f"{label} <b>{_words(self.picture.readings[name])}</b>" for name, label in self.design.readings.items()
        ]
        self._readings.value, self._message.value = " &emsp; ".join(items), ""
        self._draw()

    def simulate(self) -> None:
        """Add Monte-Carlo points, with a progress bar, at a setting made small enough to be simulated.

        An interrupt of the kernel keeps the points that are there.
        """
        try:
            for _ in self._steps():
                pass
        except KeyboardInterrupt:
            self._say("interrupted")

    def draw(self) -> Figure:
        """The picture as a matplotlib figure in the course's style."""
        return self._draw_on(_sheet_of(self.design))

    def _draw_on(self, figure: Figure) -> Figure:
        hidden = {name for name, button in self._legend.items() if not button.value}
        return _fill(figure, self.design, hidden, self.picture, self._points)

    def __repr__(self) -> str:
        setting = ", ".join(f"{name}={value!r}" for name, value in self.values.items())
        return f"explorers.{self.design.name}({setting})"

    def _on_change(self, name: str, value: Any) -> None:
        """A control was moved by hand."""
        self.set(**{name: value})

    def _on_simulate(self) -> None:
        """The button: simulate, or stop; which of the two is what it says."""
        if self._simulate.description == "stop":
            self._is_running = False
        else:
            self._task = asyncio.get_running_loop().create_task(self._in_steps())

    async def _in_steps(self) -> None:
        """Simulate, and listen to the reader in between: JupyterLab's interrupt does not reach what a button starts."""
        try:
            for _ in self._steps():
                await asyncio.sleep(0.02)
        except Exception as error:  # of a task nobody waits for
            self._say(f"the simulation failed: {error}")
            raise

    def _steps(self) -> Iterator[None]:
        """The steps of a simulation, until it is done, or is stopped, or a control is moved."""
        small = {name: top for name, top in self.design.largest.items() if self.values[name] > top}
        self.set(**small)
        labels = [control.label for control in self.design.controls if control.name in small]
        self._say("made smaller to be simulated: " + ", ".join(labels) if small else "")
        self._is_running, self._simulate.description = True, "stop"
        self._progress.value, self._progress.layout.visibility = 0, "visible"
        try:
            for share, points in self.design.experiment(**self.values):
                self._progress.value, self._points = share, points
                self._draw()
                yield
                if not self._is_running:
                    break
        finally:
            self._is_running, self._simulate.description = False, "simulate"
            self._progress.layout.visibility = "hidden"

    def _say(self, message: str) -> None:
        self._message.value = message

    def _draw(self) -> None:
        self._image.value = png_of(self._draw_on(self._figure), 110)  # new axes take a third of the time

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict, dict]:
        """The widget for a notebook; for the book the picture, and the element that its scripts look for."""
        design, figure = self.design, self.draw()
        element = {
            "name": design.name,
            "title": design.title,
            "controls": [control._asdict() | {"steps": control.steps} for control in design.controls],
            "panels": [panel._asdict() for panel in design.panels],
            "curves": [curve._asdict() for curve in design.curves],
            "readings": design.readings,
            "values": self.values,
        }
        text = escape(json.dumps(element, ensure_ascii=False))
        data = {
            **(super()._repr_mimebundle_(**kwargs) or {}),
            "text/plain": repr(self),
            "text/html": f'<div class="explorer" data-explorer="{text}"></div>',
            "image/png": png_of(figure, 200),
        }
        width, height = (round(100 * inches) for inches in figure.get_size_inches())
        return data, {"image/png": {"width": width, "height": height}}


class _Row:
    """A control as widgets: a slider with a field to type into, or a list to choose from."""

    def __init__(self, control: Control, on_change: Callable[[str, Any], None], say: Callable[[str], None]) -> None:
        self._control, self._on_change, self._say, self._value = control, on_change, say, None
        label = widgets.Label(control.label, layout={"width": "14em"})
        if control.kind == "choice":
            self._slider, self._field = None, widgets.Dropdown(options=control.options)
            self.box = widgets.HBox([label, self._field])
        else:
            self._slider = widgets.IntSlider(max=control.steps, readout=False)
            self._field = widgets.FloatText(layout={"width": "14em"})
            self._slider.observe(lambda change: self._take(control.at(change["new"])), names="value")
            self.box = widgets.HBox([label, self._slider, self._field, widgets.Label(control.unit)])
        self._field.observe(lambda change: self._take(change["new"]), names="value")

    def show(self, value: Any) -> None:
        """Show a value, without passing it on."""
        self._value = None
        if self._slider:
            self._slider.value = self._control.position(value)
        self._field.value = value
        self._value = value

    def _take(self, value: Any) -> None:
        """Pass on a value that the reader has set."""
        before = self._value
        if before is None or value == before:
            return
        try:
            self._control.check(value)
        except ValueError as error:
            self.show(before)
            self._say(str(error))
        else:
            self._on_change(self._control.name, value)


def _sheet_of(design: Design) -> Figure:
    """The panels of an explorer, empty, in the course's style."""
    n_panels = len(design.panels)
    width = WIDTH * n_panels
    # margins by hand: the engine that finds them takes longer than all the rest
    margins = {"left": 0.76 / width, "right": 1 - 0.18 / width, "bottom": 0.55 / HEIGHT, "top": 1 - 0.15 / HEIGHT}
    with mpl.rc_context(plotting.STYLE | {"figure.constrained_layout.use": False}):
        figure = Figure(figsize=(width, HEIGHT))
        all_axes = figure.subplots(1, n_panels, squeeze=False, gridspec_kw=margins | {"wspace": 0.22})[0]
        for axes, panel in zip(all_axes, design.panels, strict=True):
            axes.set(xlabel=panel.x, ylabel=panel.y)
            axes.set(xlim=(0.1, 1), ylim=(0.1, 1))  # before the scales, which complain of limits below zero
            axes.set(xscale="log" if panel.x_log else "linear", yscale="log" if panel.y_log else "linear")
            axes.minorticks_off()  # they take most of the time of drawing, and typeset powers of ten the rest
            for axis in (axes.xaxis, axes.yaxis):
                if axis.get_scale() == "log":
                    axis.set_major_formatter(_power_of_ten)
    return figure


def _fill(figure: Figure, design: Design, hidden: set[str], picture: Picture, points: list[tuple]) -> Figure:
    """Draw a picture, with simulated points, in the place of what is in the panels; the same figure."""
    with mpl.rc_context(plotting.STYLE | {"figure.constrained_layout.use": False}):
        for k, (axes, panel) in enumerate(zip(figure.axes[: len(design.panels)], design.panels, strict=True)):
            shown = [curve for curve in design.curves if curve.panel == k and curve.name not in hidden]
            heat = next((picture.curves[curve.name] for curve in shown if curve.style == "heat"), None)
            is_there = _empty(axes, heat)
            axes.set(xlim=sorted(picture.ranges[k]), ylim=_ordinates(design, picture, k))
            for curve in shown:
                if not (curve.style == "heat" and is_there):
                    _draw_curve(figure, axes, curve, picture.curves[curve.name])
            here = [point for at, *point in points if at == k]
            if here:
                plotting.plot_simulation(axes, *zip(*here, strict=True), label="simulation")
            if axes.get_legend_handles_labels()[0]:
                axes.legend(fontsize=9, loc="upper right" if panel.y_log else "best", **LEGEND)
    return figure


def _empty(axes: Axes, heat: tuple | None) -> bool:
    """Remove all that was drawn but this heat map, and leave the axes; whether the map is there."""
    axes.containers.clear()  # what is in them is among the lines and collections
    is_there = False
    for artist in [*axes.lines, *axes.collections, *filter(None, [axes.get_legend()])]:
        if heat is not None and getattr(artist, "heat", None) is heat:
            is_there = True
            continue
        if getattr(artist, "colorbar", None):
            artist.colorbar.remove()
        artist.remove()
    return is_there


def _power_of_ten(value: float, position: int) -> str:
    """The label of a tick on a logarithmic axis, as plain text."""
    exponent = round(np.log10(value), 9)
    return "10" + f"{exponent:.0f}".translate(SUPERSCRIPTS) if exponent.is_integer() else f"{value:g}"


def _draw_curve(figure, axes, curve, data) -> None:
    color, (x, y, *table) = getattr(plotting, curve.color.upper()), data
    if curve.style == "heat":
        mesh = axes.pcolormesh(x, y, np.ma.masked_invalid(table[0]), cmap="viridis", shading="nearest", rasterized=True)
        figure.colorbar(mesh, ax=axes, label=curve.label)
        mesh.heat = data  # which it need not draw again
    elif curve.style == "dots":
        axes.plot(x, y, "o", color=color, label=curve.label, zorder=4)
    elif curve.style in LINES:
        axes.plot(x, y, LINES[curve.style], color=color, label=curve.label)
    else:
        line = axes.axvline if curve.style == "vertical" else axes.axhline
        for at in x if curve.style == "vertical" else y:
            line(at, color=color, linestyle=":", linewidth=1.3, label=curve.label)


def _ordinates(design: Design, picture: Picture, panel: int) -> tuple[float, float]:
    """Range of a panel's ordinate: whole decades, or from zero."""
    curves = [curve for curve in design.curves if curve.panel == panel]
    for curve in curves:
        if curve.style == "heat":
            return picture.curves[curve.name][1][0], picture.curves[curve.name][1][-1]
    values = np.concatenate([picture.curves[c.name][1] for c in curves if c.style in ("line", "dots")])
    values = values[np.isfinite(values) & (values > 0)]
    if not values.size:  # nothing that can be drawn
        return 1e-9, 1.0
    if not design.panels[panel].y_log:
        return 0.0, 1.08 * values.max()
    dots = np.concatenate([[np.inf], *(picture.curves[c.name][1] for c in curves if c.style == "dots")])
    top = np.ceil(np.log10(values.max()))
    bottom = max(np.floor(np.log10(0.3 * values.min())), top - DECADES)
    return min(10.0**bottom, dots[dots > 0].min() / 3), 10.0**top  # a dot is never out of view


def _words(value: float | str) -> str:
    """A reading as text, with as many digits as are of use."""
    if isinstance(value, str):
        return value
    return f"{value:.4g}" if np.isfinite(value) else "∞" if value > 0 else "–"
