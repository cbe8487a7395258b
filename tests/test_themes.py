"""The pictures of a figure for the dark theme and for a phone."""

import hashlib
import io
import pickle

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib import _mathtext
from matplotlib.figure import Figure
from numpy.testing import assert_array_equal

from scaling_laws import plotting
from scaling_laws._themes import Canvas, darken, png_of, save_variants, stack, struck_labels


@pytest.fixture
def figure():
    with plt.rc_context(plotting.STYLE):
        figure, (left, right) = plt.subplots(1, 2, figsize=(6.9, 3.4), sharey=True)
        left.plot([1, 2], [1, 2], color="black", label="curve")
        left.plot([1, 2], [2, 1], color=plotting.BLUE)
        plotting.plot_simulation(left, [1, 2], [1.5, 1.5], [0.1, 0.1])
        left.fill_between([1, 2], [1, 2], color="0.8")
        left.set(xlabel="samples", ylabel="loss")
        left.legend()
        mesh = right.pcolormesh(np.linspace(1, 2, 9).reshape(3, 3), cmap="Greys")
        right.contour([0, 1, 2], [0, 1, 2], np.arange(9.0).reshape(3, 3), colors="black")
        right.set_title("map")
        figure.colorbar(mesh)
        yield figure
        plt.close(figure)


def pixels(figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=60)
    return plt.imread(io.BytesIO(buffer.getvalue()))


def test_greys_swap_their_lightness_and_come_back(figure):
    pixels(figure)  # the layout of a colour bar settles at the second drawing
    before = pixels(figure)
    left = figure.axes[0]
    undo = darken(figure)
    line, coloured, dots = left.lines[:3]
    for colour in [dots.get_markerfacecolor(), dots.get_markeredgecolor(), left.lines[3].get_color()]:
        assert min(matplotlib.colors.to_rgb(colour)) > 0.7
    assert min(matplotlib.colors.to_rgb(line.get_color())) > 0.9
    assert coloured.get_color() == plotting.BLUE
    assert max(left.collections[-1].get_facecolor()[0][:3]) < 0.3
    for text in [left.xaxis.label, left.get_legend().get_texts()[0], left.get_xticklabels()[0]]:
        assert min(matplotlib.colors.to_rgb(text.get_color())) > 0.7
    undo()
    assert np.array_equal(before, pixels(figure))


def test_what_lies_over_a_picture_keeps_its_colours(figure):
    right = figure.axes[1]
    kept = [right.collections[0].get_facecolor().copy(), right.collections[1].get_edgecolor().copy()]
    darken(figure)
    assert np.array_equal(kept[0], right.collections[0].get_facecolor())
    assert np.array_equal(kept[1], right.collections[1].get_edgecolor())
    assert min(matplotlib.colors.to_rgb(right.xaxis.label.get_color())) > 0.7
    assert min(matplotlib.colors.to_rgb(right._left_title.get_color())) > 0.7


@pytest.mark.parametrize(("given", "kept"), [({"colors": "black"}, False), ({"cmap": "Greys"}, True)])
def test_contour_lines_of_a_given_colour_swap_it_and_those_coloured_by_value_do_not(given, kept):
    figure, axes = plt.subplots()
    lines = axes.contour(np.add.outer(np.arange(5.0), np.arange(5.0)), [2, 5], **given)
    axes.clabel(lines)
    before = pixels(figure)
    undo = darken(figure)
    drawn = pixels(figure)
    assert (lines.get_edgecolor()[:, :3].min() > 0.9) != kept
    assert np.array_equal(drawn, before) is False
    undo()
    assert np.array_equal(before, pixels(figure))
    plt.close(figure)


def test_panels_side_by_side_are_stacked_with_labels_of_their_own(figure):
    assert stack(figure)
    upper, lower = (axes.get_window_extent() for axes in figure.axes[:2])
    assert upper.y0 > lower.y1 and abs(upper.x0 - lower.x0) < 40
    assert figure.axes[1].get_ylabel() == "loss"
    single, _ = plt.subplots()
    photographs, grid = plt.subplots(2, 3)
    for axes in grid.flat:
        axes.imshow(np.eye(2))
        axes.set(xticks=[], yticks=[])
    for other in [single, photographs]:
        assert not stack(other)
        plt.close(other)


def test_pictures_are_named_after_the_one_in_the_notebook(figure, tmp_path):
    save_variants(figure, b"the picture", tmp_path)
    stem = hashlib.sha256(b"the picture").hexdigest()
    assert {path.name for path in tmp_path.glob("*.png")} == {
        f"{stem}{ending}.png" for ending in ("-dark", "-narrow", "-narrow-dark")
    }
    wide, narrow = (plt.imread(tmp_path / f"{stem}{ending}.png") for ending in ("-dark", "-narrow-dark"))
    assert narrow.shape[1] < 0.6 * wide.shape[1] and narrow.shape[0] > 1.5 * wide.shape[0]
    assert wide[0, 0, 3] == 0, "no slab behind a dark picture"


@pytest.mark.skipif(matplotlib.__version_info__ < (3, 11), reason="layouts settled to a tenth of a pixel only")
def test_a_narrow_picture_is_drawn_as_if_there_were_no_dark_one(figure, tmp_path):
    figure.set_size_inches(3.4, 3.4)  # stacked panels are wider: there will be more ticks
    figure.set_dpi(200)
    twin = pickle.loads(pickle.dumps(figure))
    save_variants(figure, b"the picture", tmp_path)
    assert stack(twin)
    assert next(tmp_path.glob("*-narrow.png")).read_bytes() == png_of(twin, 200)


def test_a_picture_drawn_once_is_what_savefig_draws_in_two(figure):
    figure.draw_without_rendering()  # the layout of a colour bar settles at the second drawing
    twin, expected = pickle.loads(pickle.dumps(figure)), io.BytesIO()
    twin.savefig(expected, format="png", dpi=150)
    drawn = plt.imread(io.BytesIO(png_of(figure, 150)))
    assert_array_equal(drawn, plt.imread(io.BytesIO(expected.getvalue()))[..., :3])


def test_formulae_are_parsed_once_for_all_figures(monkeypatch):
    parsed, parse = [], _mathtext.Parser.parse

    def counted(self, text, *options):
        parsed.append(text)
        return parse(self, text, *options)

    monkeypatch.setattr(_mathtext.Parser, "parse", counted)
    monkeypatch.setattr(Canvas, "parser", None)
    for _ in range(3):
        figure, axes = plt.subplots()
        axes.loglog([1, 10], [1, 10])
        canvas = figure.canvas
        png_of(figure, 70)
        assert figure.canvas is canvas
        plt.close(figure)
        assert len(parsed) == len(set(parsed)) > 1


def test_a_figure_that_cannot_be_drawn_has_its_canvas_back(figure, monkeypatch):
    canvas = figure.canvas
    monkeypatch.setattr(Figure, "draw", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        png_of(figure, 70)
    assert figure.canvas is canvas


def test_a_label_that_a_line_goes_through_is_found_and_one_beside_it_is_not(figure, tmp_path):
    left = figure.axes[0]
    assert left.get_legend().get_window_extent().width > 0
    left.legend(loc="upper center")  # the two lines cross below it
    left.text(1.5, 1.9, "beside")
    figure.draw_without_rendering()
    assert struck_labels(figure) == []
    left.axvline(1.55)
    left.text(1.5, 1.2, "boxed", bbox={"facecolor": "white"})
    left.text(1.5, 1.3, "on a patch", zorder=5)
    left.add_patch(plt.Rectangle((1.4, 1.2), 0.5, 0.3, facecolor="white", zorder=4))
    figure.draw_without_rendering()
    assert struck_labels(figure) == ["beside", "curve"]
    save_variants(figure, b"the picture", tmp_path)
    assert "beside" in next(tmp_path.glob("*.struck")).read_text()
