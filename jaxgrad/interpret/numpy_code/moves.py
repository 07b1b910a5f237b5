"""NumPy's functions that move entries, run by NumPy itself.

They run on the object arrays, so that a view is a view; the dtype is that of a run on zeros.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.numpy_code.code import FUNCTIONS, NumberArray, NumberScalar, scalar_of
from jaxgrad.interpret.numpy_code.elements import (
    exact_in,
    fill_in,
    has_exact,
    kind,
    lift,
    require_writable,
    shadow,
)
from jaxgrad.numbers.base import objects

__all__ = ["wrapped"]

# name -> which arguments hold what is moved; the others are indices, axes and shapes.
_FIRST = (
    "reshape", "ravel", "transpose", "permute_dims", "matrix_transpose", "swapaxes", "moveaxis",
    "rollaxis", "squeeze", "expand_dims", "broadcast_to", "flip", "fliplr", "flipud", "rot90",
    "roll", "concatenate", "concat", "stack", "unstack", "vstack", "hstack", "dstack",
    "column_stack", "block", "split", "array_split", "hsplit", "vsplit", "dsplit", "repeat",
    "tile", "take", "take_along_axis", "resize", "diag", "diagonal", "diagflat", "tril", "triu",
    "copy", "delete",
)  # fmt: skip
_MOVED = {**dict.fromkeys(_FIRST, (0,)), "append": (0, 1), "insert": (0, 2)}
# What these keywords change is read by nobody.
_UNREAD = ("out", "dtype", "casting", "like")


def _moving(name: str, positions: tuple[int, ...]) -> None:
    def apply(*args: Any, **keywords: Any) -> Any:
        function = getattr(np, name)
        for keyword in _UNREAD:
            if keywords.get(keyword) is not None:
                raise UnsupportedPrimitive(f"np.{name} with `{keyword}=` over exact numbers")
        rest = [x for k, x in enumerate(args) if k not in positions]
        if has_exact(rest) or any(map(has_exact, keywords.values())):
            raise UnsupportedPrimitive(
                f"np.{name} with an index, or a keyword, that depends on a real variable"
            )
        like = function(*map(shadow, args), **keywords)
        system, dtype = exact_in(*args).system, _dtype(like)
        lifted = [_lifted(system, x, dtype) if k in positions else x for k, x in enumerate(args)]
        return wrapped(system, function(*lifted, **keywords), like)

    FUNCTIONS[name] = apply


def _dtype(like: Any) -> np.dtype:
    return _dtype(like[0]) if isinstance(like, list | tuple) else like.dtype


def _lifted(system: Any, value: Any, dtype: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_lifted(system, x, dtype) for x in value)
    values = lift(system, value, dtype)
    return values.copy() if isinstance(value, NumberScalar) else values


def wrapped(system: Any, found: Any, like: Any) -> Any:
    if isinstance(like, list | tuple):
        return type(like)(wrapped(system, *pair) for pair in zip(found, like, strict=True))
    if not isinstance(found, np.ndarray):
        return scalar_of(system, fill_in(system, objects([found], ()), like.dtype), like.dtype)
    return NumberArray(system, fill_in(system, found, like.dtype), like.dtype)


for _name, _positions in _MOVED.items():
    if hasattr(np, _name):  # np.unstack came later
        _moving(_name, _positions)


def _each(name: str) -> None:
    def apply(*arrays: Any) -> Any:
        function = getattr(np, name)
        if len(arrays) != 1:
            return type(function(0, 0))(function(x) for x in arrays)
        value = arrays[0]
        first, like = exact_in(value), function(shadow(value))
        return wrapped(first.system, function(_lifted(first.system, value, like.dtype)), like)

    FUNCTIONS[name] = apply


for _name in ("atleast_1d", "atleast_2d", "atleast_3d"):
    _each(_name)


def _broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    shape = np.broadcast_shapes(*(np.shape(shadow(x)) for x in args))
    return tuple(np.broadcast_to(x, shape) for x in args)


def _pad(array: Any, pad_width: Any, mode: Any = "constant", **keywords: Any) -> Any:
    """Only the modes that repeat entries, or put in constants; the others compute."""
    if mode not in ("constant", "edge", "reflect", "symmetric", "wrap", "empty"):
        raise UnsupportedPrimitive(f"np.pad with mode={mode!r} over exact numbers")
    if mode == "empty" or keywords.get("reflect_type", "even") != "even":
        raise UnsupportedPrimitive(f"np.pad with mode={mode!r} and {keywords} over exact numbers")
    if any(map(has_exact, keywords.values())):
        raise UnsupportedPrimitive("np.pad with a keyword that depends on a real variable")
    first, like = exact_in(array), np.pad(shadow(array), pad_width, mode, **keywords)
    lifted = lift(first.system, array, like.dtype)
    return wrapped(first.system, np.pad(lifted, pad_width, mode, **keywords), like)


FUNCTIONS["broadcast_arrays"] = _broadcast_arrays
FUNCTIONS["pad"] = _pad


# -- in place --------------------------------------------------------------------------------
def _writing(name: str, value_at: int) -> None:
    def apply(a: Any, *args: Any, **keywords: Any) -> None:
        if not isinstance(a, NumberArray) or kind(a.dtype) != "f":
            raise UnsupportedPrimitive(f"np.{name} of exact numbers into another array")
        rest = [x for k, x in enumerate(args) if k != value_at]
        if has_exact(rest) or any(map(has_exact, keywords.values())) or len(args) <= value_at:
            raise UnsupportedPrimitive(f"np.{name} with an index that depends on a real variable")
        require_writable(a.values)
        moved = [lift(a.system, x, a.dtype) if k == value_at else x for k, x in enumerate(args)]
        getattr(np, name)(a.values, *moved, **keywords)

    FUNCTIONS[name] = apply


for _name, _at in {"put": 1, "put_along_axis": 1, "fill_diagonal": 0}.items():
    _writing(_name, _at)
