"""Roots and minima of functions of one positive variable, for many settings at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import elementwise

TOLERANCE = 1e-8  # relative Newton step after which, squared, only rounding is left
CLOSE = 1e-9  # how well a minimum is located
MAX_ITERATIONS = 200  # bisection alone would need fewer; Newton takes two to ten


def find_root(
    function: Callable[..., tuple[np.ndarray, np.ndarray]],
    low: np.ndarray,
    high: np.ndarray,
    args: Sequence[np.ndarray] = (),
    guess: np.ndarray | None = None,
    tolerance: float = TOLERANCE,
) -> np.ndarray:
    """Where a function falls through zero between `low` and `high`, elementwise for one-dimensional arrays.

    ``function(x, *args)`` returns its value, positive at `low` and negative at `high`, and how fast that falls with log
    x. Newton's method in log x from `guess` (default: `low`), to a step below the relative `tolerance`; a step that
    leaves the bracket is replaced by bisection.
    """
    x = (low if guess is None else guess).copy()
    root, todo = x.copy(), np.arange(x.size)
    for _ in range(MAX_ITERATIONS):
        if not todo.size:
            break
        value, fall = function(x, *args)
        low, high = np.where(value > 0, x, low), np.where(value < 0, x, high)
        with np.errstate(all="ignore"):
            newton = x * np.exp(value / fall)
        done = (np.abs(newton - x) <= tolerance * x) | (low >= high)
        root[todo[done]] = np.clip(newton, low, high)[done]
        x = np.where((newton > low) & (newton < high), newton, np.sqrt(low) * np.sqrt(high))
        todo, x, low, high, *args = (array[~done] for array in (todo, x, low, high, *args))
    root[todo] = x
    return root


def find_minimum(
    function: Callable[..., tuple[np.ndarray, np.ndarray]],
    low: np.ndarray,
    high: np.ndarray,
    args: Sequence[np.ndarray],
    n_places: int,
    by_slope: bool = True,
) -> np.ndarray:
    """Where a function is smallest between `low` and `high`, elementwise.

    ``function(x, *args)`` returns its value and how fast that falls with x, or anything of that sign. The best of
    `n_places` comes first, because there may be several minima; then the root of the slope around it, or the end of the
    range where that is best. Not `by_slope`: values alone are compared, for functions with kinks.
    """
    places = low[..., None] + (high - low)[..., None] * np.linspace(0, 1, n_places)
    best = np.argmin(function(places, *(value[..., None] for value in args))[0], axis=-1, keepdims=True)
    left, middle, right = (
        np.take_along_axis(places, np.clip(best + k, 0, n_places - 1), axis=-1)[..., 0] for k in (-1, 0, 1)
    )
    options = {"args": tuple(args), "tolerances": {"xatol": CLOSE, "xrtol": 0}}
    with np.errstate(all="ignore"):
        if by_slope:
            found = elementwise.find_root(lambda *at: function(*at)[1], (left, right), **options)
        else:
            found = elementwise.find_minimum(lambda *at: function(*at)[0], (left, middle, right), **options)
    return np.where(found.success, found.x, middle)
