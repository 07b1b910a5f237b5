"""Which dtype somebody names."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["named_dtype"]


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
