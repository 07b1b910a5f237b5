"""Which dtype somebody names, and which a number has."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

__all__ = ["has_64_bits", "named_dtype"]


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


def has_64_bits() -> bool:
    """Whether JAX traces a Python number with 64 bits now: what it traces depends on it.

    Example:
        >>> with jax.enable_x64(True):
        ...     has_64_bits()
        True
    """
    return jax.dtypes.canonicalize_dtype(float).itemsize == 8
