"""Minima of functions of one variable that may have several, or lie at an end of their range."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.optimize import elementwise

SHARES = np.linspace(0, 1, 61)  # of the range, where the minimum is looked for first


def minimiser(function: Callable[..., np.ndarray], low: np.ndarray, high: np.ndarray, args: tuple) -> np.ndarray:
    """Where ``function(x, *args)`` is smallest between `low` and `high`, elementwise.

    A grid, a finer one around its best point, then Chandrupatla's method; the end of the range where that is best.
    """
    for _ in range(2):
        grid = low[..., None] + (high - low)[..., None] * SHARES
        best = np.argmin(function(grid, *(value[..., None] for value in args)), axis=-1, keepdims=True)
        middle = np.clip(best, 1, len(SHARES) - 2)
        bracket = [np.take_along_axis(grid, middle + k, axis=-1)[..., 0] for k in (-1, 0, 1)]
        low, high = bracket[0], bracket[2]
    found = elementwise.find_minimum(function, tuple(bracket), args=args)
    at_end = (best != middle)[..., 0] | ~found.success
    return np.where(at_end, np.take_along_axis(grid, best, axis=-1)[..., 0], found.x)
