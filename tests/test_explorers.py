"""Interactive figures, driven by their widgets: no browser and no kernel."""

import asyncio
import inspect
import json
import os
import struct
import subprocess
import sys
from html import unescape
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad
from scipy.optimize import brentq, minimize_scalar

from scaling_laws import _explorer, experiments, explorers, plotting

ROWS = json.loads((Path(__file__).parent / "data" / "losses.json").read_text())
DESIGNS = explorers.DESIGNS
CONTROLS = {f"{d.name}-{c.name}": c for d in DESIGNS.values() for c in d.controls}
SLIDERS = {key: c for key, c in CONTROLS.items() if c.kind != "choice"}
KINDS = {"alpha": "linear", "task_exponent": "linear", "tuning": "choice"} | dict.fromkeys(
    ("ridge", "ridge_per_sample", "noise_var"), "zero"
)
SMALL = {  # settings at which an experiment is a matter of seconds
    "spectrum": {"alpha": 0.6, "n_latent": 10},
    "density": {"alpha": 0.7, "n_latent": 400, "n_features": 80, "n_samples": 160},
    "test_loss": {"alpha": 0.7, "n_latent": 200, "n_samples": 100, "ridge": 1e-3, "noise_var": 0.05},
    "loss_surface": {"alpha": 0.7, "n_latent": 200, "compute": 1e4, "ridge": 0.01, "noise_var": 0.05},
    "tasks": {"alpha": 0.7, "task_exponent": 0.5, "compute": 1e4, "n_latent": 200},
    "plateaus": {"alpha": 0.5, "n_latent": 200, "n_visible": 60, "n_features": 40, "n_samples": 200}
    | {"ridge_per_sample": 1e-3, "noise_var": 0.1},
    "scaling_law": {"alpha": 0.7, "n_latent": 200, "noise_var": 0.1},
}
DRAWN, REAL_PNG = [], _explorer.png_of

every_design = pytest.mark.parametrize("name", DESIGNS)
every_slider = pytest.mark.parametrize("control", SLIDERS.values(), ids=SLIDERS)


@pytest.fixture(autouse=True, scope="module")
def _figures_are_kept_and_not_turned_into_pixels():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_explorer, "png_of", lambda figure, dpi: DRAWN.append(figure) or b"%d" % len(DRAWN))
        yield


def make(name, **values):
    return getattr(explorers, name)(**values)


def look(explorer):
    """The widgets that a reader sees, by what they are for."""
    image, legend, readings, *rows, buttons, message = explorer.children
    reset, simulate, progress = buttons.children
    rows = dict(zip((control.name for control in explorer.design.controls), (r.children for r in rows), strict=True))
    legend = {button.description: button for button in legend.children}
    assert (reset.description, simulate.description) in [("reset", "simulate"), ("reset", "stop")]
    return SimpleNamespace(**locals())


def press_simulate(explorer, do=lambda: None):
    """Press the button as a reader does, in a running event loop, and do something else after the first point."""

    async def press():
        look(explorer).simulate.click()
        while not explorer._points and not explorer._task.done():
            await asyncio.sleep(0)
        do()
        await explorer._task

    asyncio.run(press())


def by_sums(eigenvalues, n, t, ridge_latents, noise_var=0.0):
    """Loss by direct sums: the equation and the loss of chapter 8. `ridge_latents` is the ridge times M."""
    df = lambda delta, power: np.sum((eigenvalues / (eigenvalues + delta)) ** power)  # noqa: E731
    root = lambda f, low: np.exp(brentq(lambda x: f(np.exp(x)), np.log(low), 25, xtol=1e-13, rtol=1e-13))  # noqa: E731
    delta = root(lambda x: df(x, 1) - min(n, t), 1e-25) if min(n, t) < eigenvalues.size else 1e-25
    if ridge_latents:
        delta = root(lambda x: x * (n - df(x, 1)) * (t - df(x, 1)) - ridge_latents, delta)
    one, two = df(delta, 1), df(delta, 2)
    above = n * t * delta * (one - two) + noise_var * (n * two + one * (one - 2 * two))
    return above / ((n - one) * (t - one) + (n + t - 2 * one) * (one - two))


def best_by_sums(eigenvalues, n, t, noise_var):
    loss = lambda x: by_sums(eigenvalues, n, t, np.exp(x), noise_var)  # noqa: E731
    return minimize_scalar(loss, bounds=(-25, 15), method="bounded", options={"xatol": 1e-6}).fun


def power_law(alpha, n_latent, **_):
    return np.arange(1.0, n_latent + 1) ** -(1 + alpha)


# ------------------------------------------------------------------------------------------------------------- controls


@every_slider
def test_a_slider_runs_from_end_to_end_in_steps_of_a_twentieth_of_a_decade_or_of_a_hundredth(control):
    values = [control.at(p) for p in range(control.steps + 1)]
    zero, linear = control.kind == "zero", control.kind == "linear"
    length = 100 * (control.high - control.low) if linear else 20 * np.log10(control.high / control.low)
    assert control.kind == KINDS.get(control.name, "log")
    assert values[0] == (0 if zero else control.low)
    assert (values[zero], values[-1]) == (control.low, control.high)
    assert control.steps == round(length) + zero
    if linear:
        assert_allclose(np.diff(values), 0.01, atol=1e-12)
    else:
        steps = np.diff(np.log10([v for v in values if v > (100 if control.whole else 0)]))
        assert_allclose(steps, 1 / 20, atol=0.0045)  # of 3 digits
    assert control.whole == control.name.startswith("n_")
    assert all(float(f"{v:.3g}") == v and isinstance(v, int if control.whole else float) for v in values[zero:])
    assert all(control.check(v) == v for v in values)


@every_slider
def test_the_position_of_a_value_is_the_place_where_the_slider_shows_it(control):
    for p in range(control.steps + 1):
        back = control.position(control.at(p))
        assert control.at(back) == control.at(p)
        assert back == p or (control.whole and control.at(p) < 10)  # where several places have one whole number


@every_slider
@settings(max_examples=15)
@given(share=st.floats(0, 1))
def test_a_value_between_two_positions_is_shown_at_the_nearest(control, share):
    scale = (lambda x: x) if control.kind == "linear" else np.log
    low, high, first = scale(control.low), scale(control.high), control.kind == "zero"
    value = float(np.clip(low + (high - low) * share if scale is not np.log else np.exp(low + (high - low) * share),
                          control.low, control.high))  # fmt: skip
    assert abs(control.position(value) - first - share * (control.steps - first)) <= 0.5 + 1e-6
    if not control.whole:
        assert control.check(value) == value


def bad_values(control):
    """Values that a control has to refuse."""
    common = [np.nan, np.inf, -np.inf, "1", 1j, None, [1.0, 0.5], {}, np.ones(2)]
    if control.kind == "choice":
        return [*common, "", "best", "Best ridge", 0]
    below = (
        [-control.low, control.low / 2]
        if control.kind == "zero"
        else [min(0, control.low) - 1, control.low - 0.01 * abs(control.low)]
    )
    between = [control.low + 0.5, control.high - 0.5] if control.whole else []
    return [*common, *below, *between, 1.01 * control.high, 1e300]


@given(st.sampled_from(sorted(SLIDERS)), st.floats(-20, 20).map(lambda e: 10**e), st.booleans())
def test_exactly_the_values_in_the_range_are_taken(key, value, negative):
    control, value = SLIDERS[key], -value if negative else value
    value = round(value) if control.whole and abs(value) < 1e16 else value
    if control.low <= value <= control.high or (value == 0 and control.kind == "zero"):
        assert control.check(value) == value
    else:
        with pytest.raises(ValueError, match=f"^{control.name} must be"):
            control.check(value)


# ------------------------------------------------------------------------------------------------------------ functions


def test_there_is_one_function_for_every_design_and_no_other():
    public = inspect.getmembers(explorers, lambda f: inspect.isfunction(f) and f.__module__ == explorers.__name__)
    assert {name for name, _ in public if not name.startswith("_")} == set(DESIGNS)
    assert all(name == design.name and design.title for name, design in DESIGNS.items())
    assert not explorers.test_loss.__test__


@every_design
def test_the_arguments_are_the_controls_and_the_defaults_are_shown(name):
    parameters = inspect.signature(getattr(explorers, name)).parameters
    defaults = {key: parameter.default for key, parameter in parameters.items()}
    explorer = make(name)
    assert set(defaults) == {control.name for control in DESIGNS[name].controls}
    assert explorer.values == defaults
    assert {key: type(value) for key, value in explorer.values.items()} == {k: type(v) for k, v in defaults.items()}
    assert eval(repr(explorer), {"explorers": explorers}).values == explorer.values


@pytest.mark.parametrize("key", CONTROLS)
def test_a_bad_argument_is_refused_by_name(key):
    name, argument = key.split("-")
    for bad in bad_values(CONTROLS[key]):
        with pytest.raises(ValueError, match=f"^{argument} must be"):
            make(name, **{argument: bad})


def test_a_setting_that_is_refused_leaves_everything_as_it_was():
    explorer = make("spectrum", delta=0.01)
    before, picture, drawn = dict(explorer.values), explorer.picture, len(DRAWN)
    for bad, match in (({"alpha": 0.5, "delta": 100}, "^delta must be"), ({"alpha": 0.5, "ridge": 1}, "^control must")):
        with pytest.raises(ValueError, match=match):
            explorer.set(**bad)
    assert (explorer.values, len(DRAWN)) == (before, drawn)
    assert explorer.picture is picture
    assert look(explorer).rows["alpha"][2].value == 1.0


# ------------------------------------------------------------------------------------------------------------- pictures


def random_setting(design):
    return st.fixed_dictionaries({
        c.name: st.sampled_from(c.options) if c.kind == "choice" else st.integers(0, c.steps).map(c.at)
        for c in design.controls
    })  # fmt: skip


@pytest.mark.heavy
@every_design
@settings(max_examples=5)
@given(data=st.data())
def test_any_setting_of_the_sliders_has_a_picture(name, data):
    design = DESIGNS[name]
    setting = data.draw(random_setting(design))
    picture = design.compute(**setting)
    assert set(picture.curves) == {curve.name for curve in design.curves}
    assert set(picture.readings) == set(design.readings)
    assert len(picture.ranges) == len(design.panels)
    for curve in design.curves:
        x, y, *table = picture.curves[curve.name]
        lengths = {"vertical": (len(x), 0), "horizontal": (0, len(y))}.get(curve.style, (len(x),) * 2)
        assert (len(x), len(y)) == lengths
        assert [np.shape(values) for values in table] == [(len(y), len(x))] * (curve.style == "heat")
        assert not np.isnan(x).any() and not np.isnan(y).any()
        assert (np.asarray(y) >= 0).all() or not design.panels[curve.panel].x_log  # a plane of two exponents
    figure = _explorer._fill(_explorer._sheet_of(design), design, set(), picture, [])
    assert all(axes.get_xlim() == tuple(sorted(r)) for axes, r in zip(figure.axes, picture.ranges, strict=False))


@every_design
def test_the_curves_lie_in_the_panels_and_are_drawn_as_designed(name):
    explorer = make(name, **{"n_features": 100} if name == "density" else {})
    design, picture, figure = explorer.design, explorer.picture, explorer.draw()
    for k, panel in enumerate(design.panels):
        axes, (low, high) = figure.axes[k], np.sort(picture.ranges[k])
        assert (axes.get_xlabel(), axes.get_ylabel()) == (panel.x, panel.y)
        scales = ["log" if is_log else "linear" for is_log in (panel.x_log, panel.y_log)]
        assert [axes.get_xscale(), axes.get_yscale()] == scales
        lines = iter(axes.lines)
        for curve in (c for c in design.curves if c.panel == k):
            x, y, *table = map(np.asarray, picture.curves[curve.name])
            assert ((low * (1 - 1e-12) <= x) & (x <= high * (1 + 1e-12))).all(), curve.name
            if curve.style == "heat":
                assert_array_equal(axes.collections[0].get_array(), *table)
                assert [a.get_ylabel() for a in figure.axes[len(design.panels) :]] == [curve.label]
                assert axes.get_ylim() == (y[0], y[-1])
                continue
            line = next(lines)
            assert line.get_color() == getattr(plotting, curve.color.upper())
            styles = {"line": "-", "dashed": "--", "dotted": ":", "dots": "None", "vertical": ":", "horizontal": ":"}
            assert line.get_linestyle() == styles[curve.style]
            found_x, found_y = line.get_data()
            if curve.style != "horizontal":
                assert_array_equal(x, found_x[: len(x)])
            if curve.style != "vertical":
                assert_array_equal(y, found_y[: len(y)])
            bottom, top = axes.get_ylim()
            if curve.style in ("line", "dots") and panel.x_log:
                assert y.max() <= top
                assert panel.y_log or bottom == 0
                assert not panel.y_log or bottom >= min(top * 0.99e-8, y.min() / 3.01)
                assert not panel.y_log or bottom <= max(0.31 * y.min(), top * 1.01e-8)
        assert next(lines, None) is None


@every_design
def test_the_book_gets_an_element_with_the_whole_design_and_a_call_that_makes_it_again(name):
    explorer = make(name, **SMALL[name])
    explorer.set(alpha=0.9)
    (data, metadata), design = explorer._repr_mimebundle_(), explorer.design
    text = data["text/html"]
    assert text.startswith('<div class="explorer" data-explorer="') and text.endswith('"></div>')
    assert text.count('"') == 4 and text.count("<") == 2 and len(text.encode()) < 6000
    element = json.loads(unescape(text.split('"')[3]))
    assert element.pop("controls") == [
        {**c._asdict(), "options": list(c.options), "steps": c.steps} for c in design.controls
    ]
    assert element.pop("panels") == [panel._asdict() for panel in design.panels]
    assert element.pop("curves") == [curve._asdict() for curve in design.curves]
    assert element == {"name": name, "title": design.title, "readings": design.readings, "values": explorer.values}
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] not in text
    again = eval(data["text/plain"], {"explorers": explorers})
    assert again.values == explorer.values and again.picture.readings == explorer.picture.readings
    assert again._repr_mimebundle_()[0]["text/html"] == text
    assert metadata["image/png"] == {"width": 560 * len(design.panels), "height": 370}


@pytest.mark.heavy
def test_the_picture_is_a_png_of_twice_the_size_and_the_same_in_another_process(monkeypatch):
    monkeypatch.setattr(_explorer, "png_of", REAL_PNG)
    explorer = make("plateaus", alpha=0.9)
    data, metadata = explorer._repr_mimebundle_()
    for image, times in ((data["image/png"], 2), (explorer.children[0].value, 1.1)):
        assert image[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = struct.unpack(">II", image[16:24])
        assert metadata["image/png"] == {"width": round(width / times), "height": round(height / times)}
    code = "from scaling_laws import explorers as e; print(e.plateaus(alpha=0.9)._repr_mimebundle_()[0]['text/html'])"
    environment = os.environ | {"PYTHONHASHSEED": "7", "PYTHONIOENCODING": "utf-8"}
    other = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True).stdout
    assert other.decode().strip() == data["text/html"]


# --------------------------------------------------------------------------------------------------------------- theory


def test_degrees_of_freedom_are_sums_over_the_latents():
    explorer = make("spectrum", alpha=0.7, n_latent=1000, delta=1e-3)
    curves, found, lam = explorer.picture.curves, explorer.picture.readings, power_law(0.7, 1000)
    for name, power in (("df1", 1), ("df2", 2)):
        x, y = curves[name]
        assert_allclose(y, np.sum((lam / (lam + x[:, None])) ** power, axis=1), rtol=1e-10)
        assert found[name] == pytest.approx(np.sum((lam / (lam + 1e-3)) ** power), rel=1e-10)
    assert found["share"] == pytest.approx(np.sum(lam**2 / (lam + 1e-3)) / lam.sum(), rel=1e-10)
    ranks, levels = curves["eigenvalues"]
    assert_allclose(levels, ranks**-1.7, rtol=1e-12)
    assert_allclose(curves["resolved"][1], levels / (1 + 1e-3 / levels), rtol=1e-12)
    assert curves["rank"][0] == [found["df1"]] and curves["delta"][1] == [1e-3]
    assert_array_equal(curves["here"], [[1e-3] * 2, [found["df1"], found["df2"]]])
    x, y = curves["law"]
    constant = quad(lambda u: 1 / (1 + u**1.7), 0, np.inf)[0]
    assert_allclose(y, constant * x ** (-1 / 1.7), rtol=1e-6)


@pytest.mark.parametrize(("n", "t", "latents"), [(50, 200, 10**6), (200, 50, 10**6), (10, 1000, 400), (300, 200, 20)])
def test_densities_integrate_to_the_share_of_eigenvalues_that_are_not_zero(n, t, latents):
    picture = make("density", alpha=0.8, n_latent=latents, n_features=n, n_samples=t).picture
    for name, modes in (("white", min(n, t)), ("ridge", min(n, t, latents))):
        x, y = picture.curves[name]
        mass = abs(np.trapezoid(y, np.log(x)))
        assert mass == pytest.approx(modes / n, rel=0.01)
        assert picture.readings["zeros_white" if name == "white" else "zeros"] == pytest.approx(
            1 - modes / n, abs=1e-12
        )
    assert picture.readings["ratio"] == n / t
    x, y = picture.curves["white"]
    assert np.trapezoid(y * x, np.log(x)) == pytest.approx(1, rel=1e-3)  # white features of variance 1
    x, y = picture.curves["ridge"]
    assert -np.trapezoid(y * x, np.log(x)) * n == pytest.approx(power_law(0.8, 10**6)[:latents].sum(), rel=0.02)
    assert_allclose(picture.curves["levels"], [np.arange(1.0, min(n, t, latents, 10) + 1) ** -1.8, 0 * x[:10]])


def as_setting(row):
    """A row in the units of the figure, where the largest eigenvalue and the variances of the weights are one."""
    sizes = {name: row[name] for name in ("alpha", "n_latent", "n_features", "n_samples")}
    ridge, noise = row["ridge"] / row["scale"] / row["feature_var"], row["noise_var"] / row["scale"] / row["weight_var"]
    return sizes | {"ridge": ridge, "noise_var": noise}


def is_in_reach(row):
    """Whether the sliders can be set to it."""
    try:
        return bool([CONTROLS[f"test_loss-{name}"].check(value) for name, value in as_setting(row).items()])
    except ValueError:
        return False


def test_most_reference_rows_are_in_reach_of_the_sliders():
    assert np.mean([is_in_reach(row) for row in ROWS]) > 0.5


@pytest.mark.parametrize("row", [row for row in ROWS if is_in_reach(row)], ids=range(sum(map(is_in_reach, ROWS))))
def test_reference_rows_of_40_digit_arithmetic_are_on_the_curve(row):
    scale, setting = row["scale"] * row["weight_var"], as_setting(row)  # the unit of the loss
    curves, _, found = DESIGNS["test_loss"].compute(**setting)
    assert scale * found["test_loss"] == pytest.approx(row["test_loss"], rel=1e-9)
    assert scale * found["noise"] == pytest.approx(row["noise"], rel=1e-9, abs=1e-300)
    assert found["bias"] * found["inflation"] + found["noise"] == pytest.approx(found["test_loss"], rel=1e-9)
    assert found["df1"] == pytest.approx(row["df1"], rel=1e-9)
    here = curves["test_loss"][0] == row["n_features"]
    assert here.any() and (np.diff(curves["test_loss"][0]) >= 0).all()
    assert_allclose(scale * curves["test_loss"][1][here], row["test_loss"], rtol=1e-9)
    assert_allclose(scale * curves["train_loss"][1][here], row["train_loss"], rtol=1e-9, atol=1e-300)
    assert (*curves["here"][0], *curves["equal"][0]) == (row["n_features"], row["n_samples"])
    assert curves["here"][1] == [found["test_loss"]]


def test_the_asymptotes_of_the_test_loss_are_met_where_one_resource_is_scarce():
    picture = make("test_loss", n_latent=10**15, n_samples=10**5, ridge=0).picture
    (n, loss), scarce = picture.curves["test_loss"], picture.curves["features"]
    assert_array_equal(scarce[0], n)
    assert_allclose(scarce[1][:20], loss[:20], rtol=0.02)
    assert picture.curves["samples"][1][0] == pytest.approx(loss[-1], rel=0.02)


def test_along_constant_compute_the_best_ridge_beats_a_fixed_one_and_an_even_split_every_other():
    setting = {"alpha": 0.8, "n_latent": 400, "compute": 1e4, "ridge": 0.01}
    explorer, lam = make("loss_surface", **setting, split=4.0), power_law(0.8, 400)
    for noise in (0, 0.05):
        explorer.set(noise_var=noise)
        curves, _, found = explorer.picture
        (ratio, best), (_, fixed) = curves["best"], curves["fixed"]
        assert (best <= fixed * (1 + 1e-9)).all()
        n, t = curves["isocompute"]
        assert_allclose([n * t, n / t], [np.full(161, 1e4), ratio], rtol=1e-12)
        for k in (30, 70, 90):
            assert best[k] == pytest.approx(best_by_sums(lam, n[k], t[k], noise), rel=1e-5)
            assert fixed[k] == pytest.approx(by_sums(lam, n[k], t[k], 0.01 * 400, noise), rel=1e-9)
        assert found["least"] == best.min() and found["best_split"] == ratio[best.argmin()]
        assert found["fixed_split"] == ratio[fixed.argmin()]
        assert noise or (found["best_split"] == 1 and found["fixed_split"] == 1)
    for tuning, along in (("best ridge", best), ("fixed ridge", fixed)):
        explorer.set(tuning=tuning)
        side, other, table = explorer.picture.curves["surface"]
        here, value = explorer.picture.curves["here"], explorer.picture.readings["test_loss"]
        assert_allclose(here, [[200], [50]], rtol=1e-12)
        assert explorer.picture.curves["split"] == ([4.0], [value])
        assert value == pytest.approx(np.interp(np.log(4), np.log(ratio), along), rel=1e-3)
        by = best_by_sums(lam, side[14], other[9], noise)
        by = by if along is best else by_sums(lam, side[14], other[9], 4.0, noise)
        assert table[9, 14] == pytest.approx(np.log10(by), rel=1e-5)


def test_the_loss_over_its_plateaus_is_the_sum_of_its_parts_and_its_floors_are_limits():
    setting = SMALL["plateaus"]
    picture, lam = make("plateaus", **setting).picture, power_law(**setting)
    curves, found, unseen = picture.curves, picture.readings, lam[60:].sum()
    t = curves["test_loss"][0]
    y = {name: curves[name][1] for name in curves if name != "here"}
    assert_allclose(y["signal"] + y["noise"] + y["unseen"], y["test_loss"], rtol=1e-12)
    expected = [unseen + by_sums(lam[:60], 40, s, 1e-3 * s * 200, 0.1 + unseen) for s in t]
    assert_allclose(y["test_loss"], expected, rtol=1e-9)
    assert_allclose(y["noise"] / 0.1 + 1, y["unseen"] / unseen, rtol=1e-9)
    for name, floor in (
        ("features", (40, 1e15, 0)),
        ("samples", (1e15, 50, 0)),
        ("ridge", (1e12, 1e12, 1e-3 / 40 * 200 * 1e24)),
    ):
        assert (y[name] <= y["signal"] * (1 + 1e-9)).all()
        found_floor = np.interp(50, t, y[name]) if name == "samples" else y[name]
        assert_allclose(found_floor, by_sums(lam[:60], *floor), rtol=2e-2 if name == "samples" else 1e-6)
    assert found["signal"] + found["noise"] + found["unseen"] == pytest.approx(found["test_loss"], rel=1e-12)
    assert curves["here"] == ([200], [found["test_loss"]])
    assert found["test_loss"] == pytest.approx(y["test_loss"][t == 200][0], rel=1e-12)


@pytest.mark.parametrize(("change", "regime"), [
    ({}, "features"), ({"n_samples": 10}, "samples"), ({"ridge_per_sample": 0.1}, "ridge"),
    ({"n_samples": 100}, "variance"), ({"n_visible": 50, "n_samples": 10**7}, "unseen latents"),
    ({"noise_var": 10.0, "n_samples": 150}, "label noise"), ({"n_visible": 10**15, "n_latent": 50}, "resolved"),
])  # fmt: skip
def test_the_reading_names_what_holds_the_loss_up(change, regime):
    setting = {"n_visible": 10**6, "n_features": 100, "n_samples": 10**5, "ridge_per_sample": 0, "noise_var": 0.0}
    explorer = make("plateaus", **(setting | change))
    assert explorer.picture.readings["regime"] == regime
    assert f"held up by: <b>{regime}</b>" in look(explorer).readings.value


@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_the_scaling_law_has_the_exponent_of_the_spectrum(alpha):
    curves, _, found = make("scaling_law", alpha=alpha, n_latent=10**15).picture
    assert found["alpha"] == alpha
    assert found["exponent"] == pytest.approx(alpha, rel=0.03)
    assert_allclose(curves["law"][1][25:45], curves["T5"][1][25:45], rtol=0.04)
    curves = make("scaling_law", alpha=alpha, n_latent=300, noise_var=0.1).picture.curves
    for power in (2, 3, 4, 5):
        n, loss = curves[f"T{power}"]
        assert loss[20] == pytest.approx(best_by_sums(power_law(alpha, 300), n[20], 10**power, 0.1), rel=1e-5)


# -------------------------------------------------------------------------------------------------------------- widgets


@every_design
def test_sliders_fields_and_lists_set_the_values_and_reset_sets_them_back(name):
    explorer = make(name, **SMALL[name])
    seen, start, picture, design, computed = (
        look(explorer),
        dict(explorer.values),
        explorer.picture,
        explorer.design,
        [],
    )
    explorer.design = design._replace(compute=lambda **values: computed.append(values) or picture)
    for control in design.controls:
        label, *inputs = seen.rows[control.name]
        assert label.value == control.label
        if control.kind == "choice":
            assert inputs[0].options == control.options
            inputs[0].value = control.options[1]
            assert explorer.values[control.name] == control.options[1]
            continue
        slider, field, unit = inputs
        assert (slider.min, slider.max, unit.value) == (0, control.steps, control.unit)
        assert (slider.value, field.value) == (control.position(start[control.name]), start[control.name])
        slider.value = moved = slider.value + (3 if slider.value < control.steps // 2 else -3)
        assert explorer.values[control.name] == field.value == control.at(moved)
        typed = control.at(moved - 1) if control.whole else 1.0001 * control.at(moved - 1)
        field.value = typed
        assert explorer.values[control.name] == field.value == typed
        assert slider.value == control.position(typed)
        assert computed[-1] == explorer.values
    explorer.design = design
    explorer.set()
    moved = make(name, **explorer.values)
    assert explorer.picture.readings == moved.picture.readings
    assert seen.readings.value == look(moved).readings.value
    for key, label in explorer.design.readings.items():
        value = explorer.picture.readings[key]
        shown = seen.readings.value.split(f"{label} <b>")[1].split("</b>")[0]
        assert shown == value if isinstance(value, str) else float(shown) == pytest.approx(value, rel=6e-4)
    assert seen.image.value == b"%d" % (len(DRAWN) - 1)  # one more was drawn for comparison
    seen.reset.click()
    assert explorer.values == start
    assert [seen.rows[c.name][-2 if c.kind != "choice" else -1].value for c in explorer.design.controls] == list(
        explorer.values[c.name] for c in explorer.design.controls
    )


@pytest.mark.parametrize(("name", "typed"), [
    ("alpha", 2.5), ("alpha", np.nan), ("n_latent", 3.0), ("n_latent", 50.5), ("ridge", -1.0), ("ridge", 1e-13),
])  # fmt: skip
def test_what_must_not_be_typed_is_taken_back_with_a_message_that_goes_away(name, typed):
    explorer = make("test_loss", **SMALL["test_loss"])
    seen, start, picture = look(explorer), dict(explorer.values), explorer.picture
    _, slider, field, _ = seen.rows[name]
    field.value = typed
    assert seen.message.value.startswith(f"{name} must be")
    assert (field.value, slider.value) == (start[name], explorer.design.controls[
        [c.name for c in explorer.design.controls].index(name)].position(start[name]))  # fmt: skip
    assert explorer.values == start and explorer.picture is picture
    seen.rows["noise_var"][1].value += 1
    assert seen.message.value == ""


@every_design
def test_a_button_of_the_legend_hides_its_curve(name):
    def labels(figure):
        panels = explorer.design.panels
        lines = [line.get_label() for axes in figure.axes for line in axes.lines if line.get_label()[:1] != "_"]
        return sorted(lines + [axes.get_ylabel() for axes in figure.axes[len(panels) :]])

    explorer = make(name)
    seen, everything = look(explorer), labels(explorer.draw())
    assert list(seen.legend) == [curve.label for curve in explorer.design.curves if curve.label]
    for label, button in seen.legend.items():
        button.value = False
        assert int(seen.image.value) == len(DRAWN)
        assert sorted([*labels(DRAWN[-1]), label]) == everything
        button.value = True
    assert labels(DRAWN[-1]) == everything


@pytest.mark.parametrize("name", ["density", "loss_surface", "plateaus", "tasks"])
def test_nothing_of_the_picture_before_is_left(name):
    explorer, new = make(name), make(name)
    buttons, control = look(explorer).legend.values(), explorer.design.controls[0]
    explorer.set(**{control.name: control.at(0)})
    explorer._points = [(0, *explorer.picture.ranges[0], 0.0)]  # a simulated one: panel, x, y and its error
    for button in buttons:
        button.value = False
    assert REAL_PNG(DRAWN[-1], 30) == REAL_PNG(explorer.draw(), 30)
    explorer.set(**new.values)
    for button in buttons:
        button.value = True
    assert REAL_PNG(DRAWN[-1], 30) == REAL_PNG(new.draw(), 30)
    explorer.set(**{control.name: control.at(control.steps)})  # now a heat map may stay, if it is the same
    new.set(**explorer.values)
    assert REAL_PNG(DRAWN[-1], 30) == REAL_PNG(new.draw(), 30)


# ---------------------------------------------------------------------------------------------------------- simulations


def simulated(name, **setting):
    explorer = make(name, **SMALL[name] | setting)
    seen = look(explorer)
    press_simulate(explorer)
    assert (seen.progress.value, seen.progress.layout.visibility) == (1, "hidden")
    assert seen.message.value == "" and explorer.values == explorer.values | SMALL[name] | setting
    points = [np.array([p[1:] for p in explorer._points if p[0] == k]) for k in range(len(explorer.design.panels))]
    drawn = [axes.containers for axes in DRAWN[-1].axes[: len(points)]]
    for found, containers in zip(points, drawn, strict=True):
        assert len(containers) == bool(len(found))
        for bars in containers:
            assert_array_equal(bars.lines[0].get_xydata(), found[:, :2])
    return explorer, points


def assert_agreement(points, expected):
    """Within four standard errors of ten trials, and neither further nor more to one side than those allow."""
    z = (points[:, 1] - expected) / points[:, 2]
    assert np.abs(z).max() < 4, z
    assert 0.1 < np.mean(z**2) < 2.5, z
    assert abs(z.sum()) < 3.5 * np.sqrt(z.size), z


@pytest.mark.heavy
def test_simulated_losses_are_on_the_curve_of_the_test_loss():
    _, (points,) = simulated("test_loss")
    assert len(points) == 10 and (points[0, 0], points[-1, 0]) == (3, 450)
    lam = power_law(**SMALL["test_loss"])
    assert_agreement(points, [by_sums(lam, n, 100, 1e-3 * 200, 0.05) for n in points[:, 0]])


@pytest.mark.heavy
@pytest.mark.parametrize("tuning", ["best ridge", "fixed ridge"])
def test_simulated_losses_are_on_the_curves_of_constant_compute(tuning):
    explorer, (none, points) = simulated("loss_surface", tuning=tuning)
    assert not len(none) and len(points) == 11
    curve = explorer.picture.curves[tuning.split()[0]]
    ratios = 10 ** np.linspace(-1.25, 1.25, 11)
    n, t = np.rint(100 * np.sqrt(ratios)), np.rint(100 / np.sqrt(ratios))
    assert_allclose(points[:, 0], n / t, rtol=1e-12)
    lam, loss = power_law(**SMALL["loss_surface"]), best_by_sums if tuning == "best ridge" else None
    expected = [loss(lam, *s, 0.05) if loss else by_sums(lam, *s, 0.01 * 200, 0.05) for s in zip(n, t, strict=True)]
    assert_agreement(points, expected)
    assert_allclose(np.interp(points[:, 0], *curve), expected, rtol=0.01)


@pytest.mark.heavy
def test_simulated_losses_are_on_the_plateaus_with_latents_that_are_not_seen():
    _, (points,) = simulated("plateaus")
    lam = power_law(**SMALL["plateaus"])
    unseen = lam[60:].sum()
    assert (points[0, 0], points[-1, 0]) == (3, 1000)
    expected = [unseen + by_sums(lam[:60], 40, t, 1e-3 * t * 200, 0.1 + unseen) for t in points[:, 0]]
    assert_agreement(points, expected)


@pytest.mark.heavy
def test_simulated_losses_are_on_the_curves_of_the_scaling_law():
    _, (points,) = simulated("scaling_law")
    lam, samples = power_law(**SMALL["scaling_law"]), [100] * 4 + [1000] * 3
    assert_agreement(points, [best_by_sums(lam, n, t, 0.1) for n, t in zip(points[:, 0], samples, strict=True)])


@pytest.mark.heavy
def test_histograms_of_simulated_eigenvalues_follow_both_densities():
    explorer, panels = simulated("density")
    for k, (name, points) in enumerate(zip(("white", "ridge"), panels, strict=True)):
        x, y = (values[:: -1 if k else 1] for values in explorer.picture.curves[name])
        edges = np.geomspace(*explorer.picture.ranges[k], 30)
        width = abs(np.log(edges[1] / edges[0]))
        mass = np.concatenate([[0], np.cumsum(np.diff(np.log(x)) * (y[1:] + y[:-1]) / 2)])
        bounds = np.log(points[:, :1]) + width * np.array([-0.5, 0.5])
        expected = np.diff(np.interp(bounds, np.log(x), mass), axis=1)[:, 0] / width
        assert np.abs(points[:, 1] - expected).max() < 0.1 * y.max()
        z = (points[:, 1] - expected) / np.hypot(points[:, 2], 0.02 * y.max())
        assert np.abs(z).max() < 4, z
        assert points[:, 1].sum() * width == pytest.approx(1, abs=0.02)  # of the features, all but a few


@pytest.mark.heavy
def test_simulated_eigenvalues_are_those_of_the_covariance_with_their_first_correction():
    _, (points, none) = simulated("spectrum")
    assert not len(none) and points[-1, 0] == 10
    lam = power_law(**SMALL["spectrum"])
    k = points[:, 0].astype(int) - 1
    shift = [np.sum(np.delete(lam, i) / (lam[i] - np.delete(lam, i))) / 300 for i in k]
    assert_agreement(points, lam[k] * (1 + np.array(shift)))


@pytest.mark.heavy
@every_design
def test_what_is_too_large_is_made_smaller_before_it_is_simulated_and_the_message_says_so(name, monkeypatch):
    explorer = make(name, **({"n_features": 1000, "n_samples": 1000} if name == "density" else {}))
    setting, called = explorer.values, []
    design = explorer.design._replace(experiment=lambda **values: called.append(values) or iter(()))
    monkeypatch.setattr(explorer, "design", design)
    explorer.simulate()
    small = {key: min(value, design.largest.get(key, value)) if key in design.largest else value
             for key, value in setting.items()}  # fmt: skip
    assert called == [small] and explorer.values == small
    labels = [c.label for c in explorer.design.controls if small[c.name] != setting[c.name]]
    assert look(explorer).message.value == "made smaller to be simulated: " + ", ".join(labels)
    assert max(small.get(key, 0) for key in ("n_latent", "n_samples")) <= 2000


def test_progress_is_shown_and_an_interrupt_keeps_the_points_until_a_control_is_moved(monkeypatch):
    explorer = make("test_loss", **SMALL["test_loss"])
    seen, states = look(explorer), []

    def interrupted(*arguments, **options):
        states.append((seen.progress.value, seen.progress.layout.visibility, seen.simulate.description))
        assert options["seed"] == len(states) - 1  # every point has random numbers of its own
        if len(states) == 4:
            raise KeyboardInterrupt
        return experiments.Simulation(np.array([0.1, 0.3]), np.zeros(2))

    monkeypatch.setattr(explorers, "simulate", interrupted)
    try:
        explorer.simulate()
    except KeyboardInterrupt:
        pytest.fail("the interrupt went through, and would end this run of the tests")
    assert states == [(k / 10, "visible", "stop") for k in range(4)]
    after = (seen.message.value, seen.progress.layout.visibility, seen.simulate.description)
    assert after == ("interrupted", "hidden", "simulate")
    (bars,) = DRAWN[-1].axes[0].containers
    assert_allclose(bars.lines[0].get_xydata()[:, 1], [0.2] * 3)
    seen.legend["N = T"].value = False
    assert len(DRAWN[-1].axes[0].containers) == 1
    seen.rows["alpha"][1].value += 1
    assert not DRAWN[-1].axes[0].containers
    assert seen.message.value == ""


def test_the_button_stops_a_simulation_and_keeps_its_points():
    explorer = make("test_loss", **SMALL["test_loss"])
    press_simulate(explorer, do=look(explorer).simulate.click)
    assert 1 <= len(explorer._points) <= 2
    assert look(explorer).simulate.description == "simulate"
    assert look(explorer).progress.layout.visibility == "hidden"


def test_a_moved_control_ends_a_simulation_without_a_trace():
    explorer = make("test_loss", **SMALL["test_loss"])
    press_simulate(explorer, do=lambda: explorer.set(alpha=0.9))
    assert not explorer._points and not DRAWN[-1].axes[0].containers
    assert explorer.values["alpha"] == 0.9 and look(explorer).simulate.description == "simulate"


def test_an_error_in_the_experiment_leaves_the_button_ready(monkeypatch):
    explorer = make("test_loss", **SMALL["test_loss"])
    monkeypatch.setattr(explorers, "simulate", lambda *arguments, **options: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        explorer.simulate()
    assert (look(explorer).progress.layout.visibility, look(explorer).simulate.description) == ("hidden", "simulate")
    with pytest.raises(ZeroDivisionError):
        press_simulate(explorer)
    assert look(explorer).message.value == "the simulation failed: division by zero"


@pytest.mark.parametrize("latents", [10, 10**6, 10**15])
def test_no_dot_is_out_of_view(latents):
    explorer = make("spectrum", n_latent=latents, delta=1e-2)
    axes = explorer.draw().axes[1]
    assert axes.get_ylim()[0] < explorer.picture.readings["df2"] < axes.get_ylim()[1]


# --------------------------------------------------------------------------------------------- where the loss vanishes


def test_where_the_loss_is_zero_there_is_no_exponent():
    explorer = make("scaling_law", n_latent=10, noise_var=0.0)
    assert np.isnan(explorer.picture.readings["exponent"])
    assert look(explorer).readings.value.endswith("<b>–</b>")


def test_where_the_loss_is_zero_the_ordinate_still_runs_upwards():
    explorer = make("plateaus", n_latent=10, n_features=10**6, n_samples=10**9, ridge_per_sample=0, noise_var=0)
    bottom, top = explorer.draw().axes[0].get_ylim()
    assert 0 < bottom < top


def test_ticks_of_logarithmic_axes_are_powers_of_ten_or_say_their_value():
    labels = [_explorer._power_of_ten(value, 0) for value in (1e-12, 1.0, 1000.0, 0.3, 20.0)]
    assert labels == ["10⁻¹²", "10⁰", "10³", "0.3", "20"]
