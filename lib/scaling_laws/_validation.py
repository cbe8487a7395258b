"""Checks on arguments: every error names the argument and its allowed range."""

from __future__ import annotations

import numbers
from collections.abc import Collection
from decimal import Decimal

import numpy as np
from numpy.typing import ArrayLike

MAX_SIZE = 10**15
MAX_SEED = 2**128
MOST_SHOWN = 200  # characters of a value in an error message
REAL = (numbers.Real, Decimal)


def real_array(
    name: str,
    value: ArrayLike,
    *,
    above: float = -np.inf,
    at_least: float = -np.inf,
    at_most: float = np.inf,
    copy: bool = True,
) -> np.ndarray:
    """Return `value` as a float array, or raise `ValueError` naming it and its range; without a copy if need be."""
    refuse_masked(name, value)
    try:
        array = np.asarray(value)
        if array.dtype.kind == "O" and array.size and all(isinstance(entry, REAL) for entry in array.flat):
            array = array.astype(float)  # numbers that numpy keeps as objects: whole ones from 2**64 on, fractions
        if array.dtype.kind not in "biuf":
            raise TypeError
        array = array.astype(float, copy=copy)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be real and {_range(above, at_least, at_most)}; got {_shown(value)}") from None
    good = np.isfinite(array)
    for is_good, limit in ((np.greater, above), (np.greater_equal, at_least), (np.less_equal, at_most)):
        if abs(limit) != np.inf:
            good &= is_good(array, limit)
    if not good.all():
        raise ValueError(f"{name} must be {_range(above, at_least, at_most)}; got {array[~good].flat[0]:g}")
    return array


def _range(above: float, at_least: float, at_most: float) -> str:
    """The allowed values in words."""
    limits = [("greater than", above), ("at least", at_least), ("at most", at_most)]
    return " and ".join(["finite", *(f"{words} {_limit(limit)}" for words, limit in limits if np.isfinite(limit))])


def real_or_infinite(name: str, value: ArrayLike, **limits: float) -> np.ndarray:
    """As `real_array`, for what may also be infinite."""
    endless = np.asarray(np.asarray(value, dtype=object) == np.inf)
    array = real_array(name, np.where(endless, 1.0, value) if endless.any() else value, **limits)
    return np.where(endless, np.inf, array)


def complex_array(name: str, value: ArrayLike) -> np.ndarray:
    """Return `value` as an array of complex numbers, or raise `ValueError` naming it."""
    refuse_masked(name, value)
    try:
        array = np.asarray(value)
        if array.dtype.kind == "O" and all(isinstance(entry, (complex, *REAL)) for entry in array.flat):
            array = array.astype(complex)
        if array.dtype.kind not in "biufc":
            raise TypeError
        array = array.astype(complex)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be real or complex and finite; got {_shown(value)}") from None
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite; got {array[~np.isfinite(array)].flat[0]:g}")
    return array


def real_number(name: str, value: float, **limits: float) -> float:
    """Return `value` as a float, or raise `ValueError` naming it and its range."""
    array = real_array(name, value, **limits)
    if array.ndim:
        raise ValueError(f"{name} must be a single number; got an array of shape {array.shape}")
    return float(array)


def whole_number(name: str, value: int, *, at_least: int = 1, at_most: int = MAX_SIZE) -> int:
    """Return `value` as an int; whole floats such as ``1e6`` and arrays without axes are accepted."""
    number = value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else value
    try:
        whole = int(number) if isinstance(number, REAL) and not isinstance(number, bool) else None
    except (OverflowError, ValueError):  # infinite, or not a number
        whole = None
    if whole is None or whole != number or not at_least <= whole <= at_most:
        raise ValueError(
            f"{name} must be a whole number from {_limit(at_least)} to {_limit(at_most)}; got {_shown(value)}"
        )
    return whole


def one_of(name: str, value: str, allowed: Collection[str]) -> str:
    """Return `value` if it is one of the allowed names, or raise `ValueError` listing them."""
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{name} must be one of {sorted(allowed)}; got {value!r}")
    return value


def has_method(name: str, value: object, method: str, wanted: str) -> None:
    """Raise `ValueError` saying what is wanted if `value` has no such method."""
    if not callable(getattr(value, method, None)):
        raise ValueError(f"{name} must be {wanted}; got {_shown(value)}")


def check_generator(rng: np.random.Generator) -> None:
    """Refuse a seed: the same one for teacher, latents and noise would make all three the same numbers."""
    if not isinstance(rng, np.random.Generator):
        advice = "such as numpy.random.default_rng(0)"
        raise ValueError(f"rng must be a numpy.random.Generator, {advice}; got {_shown(rng)}")


def refuse_masked(name: str, value: ArrayLike) -> None:
    """Entries that are masked would count as numbers like all others."""
    if np.ma.is_masked(value):
        raise ValueError(f"{name} must have no masked entries: pass {name}.compressed(), or fill them")


def _limit(value: float) -> str:
    """A limit as an error message shows it: short, unless that would change it."""
    short = f"{value:g}"
    return short if float(short) == value else f"{value:,}"


def _shown(value) -> str:
    """`value` as an error message shows it: whole numbers of hundreds of digits are not written out."""
    if isinstance(value, int) and value.bit_length() > 1024:
        return f"a whole number beyond {np.finfo(float).max:.3g}"
    try:
        text = repr(value)
    except ValueError:  # Python writes out no whole number of more than 4300 digits
        return "a whole number too long to write out"
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]} ..."
