"""Checks on arguments: every error names the argument and its allowed range."""

from __future__ import annotations

import numbers
from collections.abc import Collection

import numpy as np
from numpy.typing import ArrayLike

MAX_SIZE = 10**15


def real_array(
    name: str, value: ArrayLike, *, above: float = -np.inf, at_least: float = -np.inf, at_most: float = np.inf
) -> np.ndarray:
    """Return `value` as a float array, or raise `ValueError` naming it and its range."""
    limits = [("greater than", above), ("at least", at_least), ("at most", at_most)]
    allowed = " and ".join(["finite", *(f"{words} {limit:g}" for words, limit in limits if np.isfinite(limit))])
    try:
        array = np.asarray(value)
        if array.dtype.kind == "O" and array.size and all(isinstance(entry, numbers.Real) for entry in array.flat):
            array = array.astype(float)  # whole numbers from 2**64 on, which numpy keeps as objects
        if array.dtype.kind not in "biuf":
            raise TypeError
        array = array.astype(float)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be real and {allowed}; got {_shown(value)}") from None
    bad = ~(np.isfinite(array) & (array > above) & (array >= at_least) & (array <= at_most))
    if bad.any():
        raise ValueError(f"{name} must be {allowed}; got {array[bad].flat[0]:g}")
    return array


def real_number(name: str, value: float, **limits: float) -> float:
    """Return `value` as a float, or raise `ValueError` naming it and its range."""
    array = real_array(name, value, **limits)
    if array.ndim:
        raise ValueError(f"{name} must be a single number; got an array of shape {array.shape}")
    return float(array)


def whole_number(name: str, value: int, *, at_least: int = 1, at_most: int = MAX_SIZE) -> int:
    """Return `value` as an int; whole floats such as ``1e6`` are accepted."""
    allowed = f"{name} must be a whole number from {at_least} to {at_most:.3g}"
    try:
        is_whole = isinstance(value, numbers.Real) and float(value).is_integer()
    except (OverflowError, ValueError):
        is_whole = False
    if not is_whole or isinstance(value, bool) or not at_least <= value <= at_most:
        raise ValueError(f"{allowed}; got {_shown(value)}")
    return int(value)


def one_of(name: str, value: str, allowed: Collection[str]) -> str:
    """Return `value` if it is one of the allowed names, or raise `ValueError` listing them."""
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} must be one of {sorted(allowed)}; got {value!r}")
    return value


def _shown(value) -> str:
    """`value` as an error message shows it: whole numbers of hundreds of digits are not written out."""
    if isinstance(value, int) and value.bit_length() > 1024:
        return f"a whole number beyond {np.finfo(float).max:.3g}"
    try:
        return repr(value)
    except ValueError:  # Python writes out no whole number of more than 4300 digits
        return "a whole number too long to write out"
