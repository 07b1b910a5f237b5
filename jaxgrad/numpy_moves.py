"""NumPy's functions that move entries, or need no more than ``+ − ×``, run by NumPy itself.

They run on the object arrays, so that a view is a view; the dtype is that of a run on zeros.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.numbers.base import objects
from jaxgrad.numpy_code import FUNCTIONS, NumberArray, NumberScalar, scalar_of
from jaxgrad.numpy_elements import (
    Exact,
    dtype_of,
    fill_in,
    has_exact,
    kind,
    known_integers,
    lift,
    require_writable,
    shadow,
)
from jaxgrad.numpy_functions import exact_in
from jaxgrad.numpy_ufuncs import contract

__all__: list[str] = []

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
        return _wrapped(system, function(*lifted, **keywords), like)

    FUNCTIONS[name] = apply


def _dtype(like: Any) -> np.dtype:
    return _dtype(like[0]) if isinstance(like, list | tuple) else like.dtype


def _lifted(system: Any, value: Any, dtype: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_lifted(system, x, dtype) for x in value)
    values = lift(system, value, dtype)
    return values.copy() if isinstance(value, NumberScalar) else values


def _wrapped(system: Any, found: Any, like: Any) -> Any:
    if isinstance(like, list | tuple):
        return type(like)(_wrapped(system, *pair) for pair in zip(found, like, strict=True))
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
        return _wrapped(first.system, function(_lifted(first.system, value, like.dtype)), like)

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
    return _wrapped(first.system, np.pad(lifted, pad_width, mode, **keywords), like)


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


# -- sums of products ------------------------------------------------------------------------
def _product(name: str, count: int | None) -> None:
    def apply(*args: Any, **keywords: Any) -> Any:
        function = getattr(np, name)
        for keyword in ("out", "dtype", "casting"):
            if keywords.get(keyword) is not None:
                raise UnsupportedPrimitive(f"np.{name} with `{keyword}=` over exact numbers")
        start = 1 if name == "einsum" else 0
        if start and not (args and isinstance(args[0], str)):
            raise UnsupportedPrimitive("np.einsum without a string of subscripts")
        end = len(args) if count is None else start + count
        operands, rest = args[start:end], args[end:]
        if not all(isinstance(x, Exact | np.ndarray | np.generic | int | float) for x in operands):
            operands = tuple(x if isinstance(x, Exact) else _as_array(x) for x in operands)
        with np.errstate(all="ignore"):
            like = function(*args[:start], *map(shadow, operands), *rest, **keywords)
        dtype = np.asarray(like).dtype
        system = exact_in(*operands).system
        if kind(dtype) != "f":
            made = function(*args[:start], *known_integers(name, operands), *rest, **keywords)
            return _wrapped(system, lift(system, made, dtype), like)
        lifted = [lift(system, x, dtype) for x in operands]
        if name == "dot" and all(x.ndim in (1, 2) for x in lifted):
            found = contract(system, *lifted)
        else:
            found = function(*args[:start], *lifted, *rest, **keywords)
        found = found if isinstance(found, np.ndarray) else objects([found], ())
        made = scalar_of if not found.ndim else NumberArray
        return made(system, fill_in(system, found, dtype), dtype)

    FUNCTIONS[name] = apply


def _vdot(a: Any, b: Any) -> Any:
    return np.dot(np.ravel(a), np.ravel(b))


FUNCTIONS["vdot"] = _vdot


def _as_array(value: Any) -> Any:
    if not has_exact(value):
        return np.asarray(value)
    entries = np.array(value, dtype=object)
    first, dtype = exact_in(entries), np.dtype(dtype_of(entries))
    return NumberArray(first.system, lift(first.system, entries, dtype), dtype)


for _name, _count in {
    "dot": 2, "inner": 2, "tensordot": 2, "kron": 2, "cross": 2, "einsum": None,
    "trace": 1, "convolve": 2,
}.items():  # fmt: skip
    _product(_name, _count)
