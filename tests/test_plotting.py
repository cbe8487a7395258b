import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from scaling_laws import plotting


@pytest.fixture
def axes():
    with plt.rc_context():
        plotting.use_style()
        figure, axes = plt.subplots()
        yield axes
        plt.close(figure)


def test_error_bars_are_two_standard_errors_long(axes):
    bars = plotting.plot_simulation(axes, [1.0, 2.0], [10.0, 20.0], [0.5, 1.5])
    segments = bars.lines[2][0].get_segments()
    assert np.allclose([np.ptp(segment[:, 1]) for segment in segments], [2.0, 6.0])


def test_slope_guide_has_the_slope_and_passes_through_its_start(axes):
    axes.set(xscale="log", yscale="log")
    plotting.slope_guide(axes, (10, 1000), 5.0, -0.5, "a label")
    x, y = axes.lines[0].get_data()
    assert y[0] == 5.0
    assert np.isclose(np.log(y[1] / y[0]) / np.log(x[1] / x[0]), -0.5)
    assert [text.get_text() for text in axes.texts] == ["a label"]


@pytest.mark.parametrize(
    ("ends", "ticks"), [((1, 1000), [2, 5, 20, 50, 200, 500]), ((1.5, 6), [2, 3, 4, 5, 6]), ((6, 1.5), [2, 3, 4, 5, 6])]
)
def test_an_axis_over_decades_has_few_minor_ticks_and_a_shorter_one_all(axes, ends, ticks):
    axes.set_xscale("log")
    axes.set_xlim(ends)
    low, high = sorted(ends)
    assert [tick for tick in axes.get_xticks(minor=True) if low < tick <= high] == ticks


def luminance(colour):
    red, green, blue = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in matplotlib.colors.to_rgb(colour)
    ]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", [plotting.BLUE, plotting.ORANGE, plotting.GREEN, plotting.BLACK, plotting.GREY])
def test_main_colours_keep_a_contrast_of_three_to_one_on_white(colour):
    assert 1.05 / (luminance(colour) + 0.05) >= 3


def test_dots_may_be_whole_numbers_of_any_size_and_lack_an_error(axes):
    bars = plotting.plot_simulation(axes, np.array([1, 10**20], dtype=object), [10**20, 3], [np.nan, 1])
    assert bars.lines[0].get_xdata().tolist() == [1.0, 1e20]
    for bad in (None, ["a", "b"]):
        with pytest.raises(ValueError, match=r"^stderr must be"):
            plotting.plot_simulation(axes, [1, 2], [1, 2], bad)


@pytest.mark.parametrize("x", [3, (1,), (1, 2, 3), (0, 10), ("1", "10"), None])
def test_a_slope_guide_needs_a_beginning_and_an_end(axes, x):
    with pytest.raises(ValueError, match=r"^x must be"):
        plotting.slope_guide(axes, x, 1, -1, "a label")


def test_several_axes_at_once_are_refused_by_name(axes):
    for bad in (np.array([axes, axes]), None):
        with pytest.raises(ValueError, match=r"^axes must be one matplotlib Axes"):
            plotting.slope_guide(bad, (1, 10), 1, -1, "a label")
        with pytest.raises(ValueError, match=r"^axes must be one matplotlib Axes"):
            plotting.plot_simulation(bad, [1, 2], [1, 2], [1, 2])
