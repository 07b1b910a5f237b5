"""Which dtype somebody names, and which a number has."""

from __future__ import annotations

import contextlib
from typing import Any

import jax
import numpy as np

__all__ = ["as_wide_as", "dtype_name", "has_64_bits", "named_dtype"]


def named_dtype(name: Any) -> np.dtype | None:
    """The dtype of a name, of a scalar type or of a dtype; None of all else.

    NumPy takes whatever has a dtype for one: a number and an array, too.

    Example:
        >>> named_dtype("float32"), named_dtype(np.float32(1)), named_dtype("float33")
        (dtype('float32'), None, None)
    """
    if name is None or (hasattr(name, "dtype") and not isinstance(name, type | np.dtype)):
        return None
    try:
        return np.dtype(name)
    except (TypeError, ValueError):
        return None


def as_wide_as(equation: Any) -> contextlib.AbstractContextManager[Any]:
    """A block in which JAX traces 64 bits if an equation has them, whatever it does otherwise."""
    variables = (*equation.invars, *equation.outvars)
    dtypes = {getattr(v.aval, "dtype", None) for v in variables} & _WIDE
    return jax.enable_x64(True) if dtypes else contextlib.nullcontext()


_WIDE = frozenset(map(np.dtype, ("float64", "complex128", "int64", "uint64")))


def has_64_bits() -> bool:
    """Whether JAX traces a Python number with 64 bits now: what it traces depends on it.

    Example:
        >>> with jax.enable_x64(True):
        ...     has_64_bits()
        True
    """
    return jax.dtypes.canonicalize_dtype(float).itemsize == 8


def dtype_name(dtype: Any) -> str:
    """How a dtype is called; that of the tangents of integers, too, which NumPy has no name for.

    Example:
        >>> dtype_name(np.float32), dtype_name(jax.dtypes.float0)
        ('float32', 'float0')
    """
    return "float0" if dtype == jax.dtypes.float0 else np.dtype(dtype).name
