"""Primitives run on arrays of a few shapes, so that JAX compiles each of them a few times at most.

Compiling a primitive takes a hundred times as long as running it, and a derivative multiplies and
adds arrays of every shape there is.  What an elementwise primitive makes of an entry depends on
neither its place nor the shape around it: the entries are put in a row, which is filled up with the
last of them.  A product of matrices is the corner of one of larger matrices that are filled up with
zeros, and a sum that of a longer row.  What only moves entries needs no compiler: NumPy moves them.

A row, or a larger product, may be compiled to other instructions than the shape itself, which round
otherwise in the last bits; so this is for runs that are held against what rounding allows, and
never for those of which the floats themselves are judged.  These are the same to the last bit where
nothing is rounded, or where IEEE 754 says how: :func:`bound_to_the_last_bit` does that much.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np
from jax.extend.core import primitives

from jaxgrad.gradients.numpy_moves import moved
from jaxgrad.gradients.primitive_runs import bound, is_key
from jaxgrad.interpret.rules.elementwise import ELEMENTWISE

__all__ = ["bound_in_few_shapes", "bound_to_the_last_bit"]

# The lengths of rows.  Past the last one running takes as long as compiling.
LENGTHS = (128, 2048)
# The lengths of the axes of products.  One of matrices of the longest takes a millisecond, and a
# thirtieth of what compiling it does; what would have more entries is run as it is.
SIDES = (8, 32, 128)
_MOST = SIDES[-1] ** 2
_OTHERS = ("integer_pow", "pow", "round", "lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not",
           "xor", "is_finite", "select_n", "convert_element_type")  # fmt: skip


# Of numbers of these dtypes, these return one float whatever the instructions are.  In shorter ones
# some flush to 0 what others do not.
_EXACT = frozenset((
    "add", "add_any", "sub", "mul", "div", "neg", "abs", "sign", "max", "min", "sqrt", "floor",
    "ceil", *(name for name in _OTHERS if name not in ("integer_pow", "pow")),
))  # fmt: skip
_OF_DTYPES = frozenset(map(np.dtype, ("float32", "int32", "bool")))


def _primitives() -> dict[str, Any]:
    """JAX's own elementwise primitives by their names; nobody else's of the same name."""
    named = {name: getattr(jax.lax, f"{name}_p", None) for name in (*ELEMENTWISE, *_OTHERS)}
    named["add_any"] = getattr(primitives, "add_jaxvals_p", None)
    return {name: primitive for name, primitive in named.items() if primitive is not None}


_PRIMITIVES = _primitives()


def bound_in_few_shapes(equation: Any, arguments: list[Any]) -> list[Any]:
    """What the primitive of an equation returns, by an array of a usual shape where it has one."""
    found = _without_numbers(equation, arguments)
    if found is not None:
        return found
    if equation.primitive is jax.lax.dot_general_p:
        return _product(equation, arguments)
    if equation.primitive is jax.lax.reduce_sum_p:
        return _sum(equation, *arguments)
    return _in_a_row(equation, arguments)


def bound_to_the_last_bit(equation: Any, arguments: list[Any]) -> list[Any]:
    """The same where it returns the floats that the arrays as they are do, and no others."""
    found = _without_numbers(equation, arguments)
    if found is not None:
        return found
    dtypes = {x.aval.dtype for x in (*equation.invars, *equation.outvars)}
    if equation.primitive.name in _EXACT and dtypes <= _OF_DTYPES:
        return _in_a_row(equation, arguments)
    return bound(equation, arguments)


def _without_numbers(equation: Any, arguments: list[Any]) -> list[Any] | None:
    """What a primitive returns that makes no number: of keys, or what moves entries alone."""
    keys = any(map(is_key, arguments))
    return bound(equation, arguments) if keys else moved(equation, arguments)


# -------------------------------------------------------------------------------------------- rows


def _in_a_row(equation: Any, arguments: list[Any]) -> list[Any]:
    """What an elementwise primitive returns, or whatever another one does."""
    length = _length(equation, arguments)
    if length is None:
        return bound(equation, arguments)
    shape = equation.outvars[0].aval.shape
    (row,) = bound(equation, [_row(x, shape, length) for x in arguments])
    return [np.asarray(row)[: math.prod(shape)].reshape(shape)]


def _length(equation: Any, arguments: list[Any]) -> int | None:
    """How long the row is; None where the primitive is to be run on the arrays as they are."""
    if _PRIMITIVES.get(equation.primitive.name) is not equation.primitive:
        return None
    shape = equation.outvars[0].aval.shape
    if not all(_spreads(np.shape(x), shape) for x in arguments if np.ndim(x)):
        return None
    size = math.prod(shape)
    return next((length for length in LENGTHS if 0 < size <= length), None)


def _spreads(shape: Sequence[int], whole: Sequence[int]) -> bool:
    """Whether an array of a shape has the axes of a whole, but for some of length 1."""
    pairs = zip(shape, whole, strict=False)
    return len(shape) == len(whole) and all(n in (1, entries) for n, entries in pairs)


def _row(value: Any, shape: Sequence[int], length: int) -> np.ndarray:
    value = np.asarray(value)
    row, size = np.empty(length, value.dtype), math.prod(shape)
    row[:size] = np.broadcast_to(value, shape).reshape(-1)
    row[size:] = row[size - 1]
    return row


# ----------------------------------------------------------------------------------------- sums


def _sum(equation: Any, value: Any) -> list[Any]:
    """A sum over axes, as one of the rows of a larger matrix that is filled up with zeros."""
    value, asked = np.asarray(value), equation.params
    kept = [axis for axis in range(value.ndim) if axis not in asked["axes"]]
    shape = [value.shape[axis] for axis in kept]
    rows = np.transpose(value, (*kept, *asked["axes"])).reshape(
        math.prod(shape), -1 if value.size else 0
    )
    larger = _side_lengths(rows.shape)
    if larger is None or asked.get("out_sharding") is not None:
        return bound(equation, [value])
    of_rows = equation.replace(params={**asked, "axes": (1,)})
    (sums,) = bound(of_rows, [_filled_up(rows, larger)])
    return [np.asarray(sums)[: rows.shape[0]].reshape(shape)]


# ---------------------------------------------------------------------------------------- products


def _product(equation: Any, arguments: list[Any]) -> list[Any]:
    """A product of matrices, as the corner of a larger one."""
    larger = [_side_lengths(np.shape(x)) for x in arguments]
    (x, y), ((over_x, over_y), (batch_x, batch_y)) = larger, equation.params["dimension_numbers"]
    if x is None or y is None or equation.params.get("out_sharding") is not None:
        return bound(equation, arguments)
    free_x = [n for axis, n in enumerate(x) if axis not in (*over_x, *batch_x)]
    free_y = [n for axis, n in enumerate(y) if axis not in (*over_y, *batch_y)]
    shape = [x[axis] for axis in batch_x] + free_x + free_y
    if max(map(math.prod, (x, y, shape))) > _MOST:
        return bound(equation, arguments)
    (product,) = bound(
        equation, [_filled_up(*each) for each in zip(arguments, (x, y), strict=True)]
    )
    corner = tuple(slice(n) for n in equation.outvars[0].aval.shape)
    return [np.asarray(product)[corner]]


def _side_lengths(shape: Sequence[int]) -> list[int] | None:
    """The usual lengths from which on those of a shape fit; None where it has none or is empty."""
    found = [next((side for side in SIDES if 0 < n <= side), None) for n in shape]
    return None if None in found else [n for n in found if n is not None]


def _filled_up(value: Any, shape: Sequence[int]) -> np.ndarray:
    value = np.asarray(value)
    missing = [(0, more - n) for n, more in zip(value.shape, shape, strict=True)]
    return np.pad(value, missing) if missing else value
