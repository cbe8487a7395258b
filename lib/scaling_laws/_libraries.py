"""Arrays of other libraries, by the Python array API standard: https://data-apis.org/array-api"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

import numpy as np
from array_api_compat import array_namespace, is_array_api_obj, is_numpy_array, to_device
from numpy.typing import ArrayLike

from ._validation import real_array


def array_library(value: object) -> ModuleType:
    """The library whose array `value` is; NumPy for everything that is no array."""
    return array_namespace(value) if is_array_api_obj(value) and not is_numpy_array(value) else np


def real_array_of(name: str, value: ArrayLike, xp: ModuleType) -> ArrayLike:
    """As `real_array`, for an array of the library `xp`, which it stays; without a copy if need be."""
    if xp is np:
        return real_array(name, value, copy=False)
    if array_library(value) is not xp:
        raise ValueError(f"{name} must be an array of {xp.__name__}, as the others are; got {type(value).__name__}")
    if not xp.isdtype(value.dtype, ("real floating", "integral", "bool")):
        raise ValueError(f"{name} must be real and finite; got {value.dtype}")
    array = xp.astype(value, xp.float64, copy=False)
    if not bool(xp.all(xp.isfinite(array))):
        raise ValueError(f"{name} must be finite")
    return array


def check_library(xp: ModuleType | None, device: object) -> tuple[str, object]:
    """Name of the library and device, which unlike a module can be sent to other processes."""
    if xp is None:
        if device is not None:
            raise ValueError(f"device must be None where xp is; got {device!r}")
        return "numpy", None
    try:
        library = array_library(xp.asarray(np.ones(1), device=device))
    except (AttributeError, TypeError) as error:
        advice = "must be an array library that follows the array API standard, such as torch"
        raise ValueError(f"xp {advice}; got {xp!r} ({error})") from None
    except RuntimeError as error:
        raise ValueError(f"device must be one of {xp.__name__}; got {device!r} ({error})") from None
    if library.asarray(np.ones(1), device=device).dtype != library.float64:
        raise ValueError(
            "xp must keep double precision, which JAX does only after jax.config.update"
            f"('jax_enable_x64', True); {xp.__name__} does not"
        )
    return library.__name__, device


def to_library(library: str, device: object, array: np.ndarray):
    """An array of the library named, on its device."""
    return import_module(library).asarray(array, device=device)


def to_numpy(array) -> np.ndarray:
    """A NumPy array from anywhere."""
    try:
        return np.asarray(array)
    except TypeError:  # it is on another device
        return np.asarray(to_device(array, "cpu"))
