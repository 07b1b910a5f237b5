"""Primitives run on arrays of a few shapes, so that JAX compiles each of them a few times at most.

Compiling a primitive takes a hundred times as long as running it, and a derivative multiplies and
adds arrays of every shape there is.  What an elementwise primitive makes of an entry depends on
neither its place nor the shape around it: the entries are put in a row, which is filled up with the
last of them.  A product of matrices is the corner of one of larger matrices that are filled up with
zeros.  What only moves entries needs no compiler: NumPy moves them.

A row, or a larger product, may be compiled to other instructions than the shape itself, which round
otherwise in the last bits; so this is for runs that are held against what rounding allows, and
never for those of which the floats themselves are judged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax.extend.core import primitives

from jaxgrad.gradients.primitive_runs import bound, is_key
from jaxgrad.interpret.rules.elementwise import ELEMENTWISE

__all__ = ["bound_in_few_shapes"]

# The lengths of rows.  Past the last one running takes as long as compiling.
LENGTHS = (128, 2048)
# The lengths of the axes of products.  One of matrices of the longest takes a millisecond, and a
# thirtieth of what compiling it does; what would have more entries is run as it is.
SIDES = (8, 32, 128)
_MOST = SIDES[-1] ** 2
_OTHERS = ("integer_pow", "pow", "round", "lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not",
           "xor", "is_finite", "select_n", "convert_element_type")  # fmt: skip


def _primitives() -> dict[str, Any]:
    """JAX's own elementwise primitives by their names; nobody else's of the same name."""
    named = {name: getattr(jax.lax, f"{name}_p", None) for name in (*ELEMENTWISE, *_OTHERS)}
    named["add_any"] = getattr(primitives, "add_jaxvals_p", None)
    return {name: primitive for name, primitive in named.items() if primitive is not None}


_PRIMITIVES = _primitives()


def bound_in_few_shapes(equation: Any, arguments: list[Any]) -> list[Any]:
    """What the primitive of an equation returns, by an array of a usual shape where it has one."""
    if any(map(is_key, arguments)):
        return bound(equation, arguments)
    move = _moves(equation)
    if move is not None:
        return [move(np.asarray(arguments[0]), equation.params)]
    if equation.primitive is jax.lax.dot_general_p:
        return _product(equation, arguments)
    length = _length(equation, arguments)
    if length is None:
        return bound(equation, arguments)
    shape = equation.outvars[0].aval.shape
    (row,) = bound(equation, [_row(x, shape, length) if np.ndim(x) else x for x in arguments])
    return [np.asarray(row)[: math.prod(shape)].reshape(shape)]


# -------------------------------------------------------------------------------------------- rows


def _length(equation: Any, arguments: list[Any]) -> int | None:
    """How long the row is; None where the primitive is to be run on the arrays as they are."""
    if _PRIMITIVES.get(equation.primitive.name) is not equation.primitive:
        return None
    shape = equation.outvars[0].aval.shape
    shapes = [np.shape(x) for x in arguments if np.ndim(x)]
    if not shapes or not all(_spreads(each, shape) for each in shapes):
        return None
    size = math.prod(shape)
    return next((length for length in LENGTHS if 0 < size <= length), None)


def _spreads(shape: Sequence[int], whole: Sequence[int]) -> bool:
    """Whether an array of a shape has the axes of a whole, but for some of length 1."""
    pairs = zip(shape, whole, strict=False)
    return len(shape) == len(whole) and all(n in (1, entries) for n, entries in pairs)


def _row(value: Any, shape: Sequence[int], length: int) -> np.ndarray:
    flat = np.broadcast_to(np.asarray(value), shape).reshape(-1)
    return np.pad(flat, (0, length - flat.size), mode="edge")


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


# ------------------------------------------------------------------------------------------- moves

_Move = Callable[[np.ndarray, Mapping[str, Any]], np.ndarray]


def _broadcast(x: np.ndarray, params: Mapping[str, Any]) -> np.ndarray:
    shape = [1] * len(params["shape"])
    for axis, n in zip(params["broadcast_dimensions"], x.shape, strict=True):
        shape[axis] = n
    return np.broadcast_to(x.reshape(shape), params["shape"])


_MOVES: dict[Any, _Move] = {
    jax.lax.transpose_p: lambda x, params: np.transpose(x, params["permutation"]),
    jax.lax.reshape_p: lambda x, params: np.reshape(x, params["new_sizes"]),
    jax.lax.broadcast_in_dim_p: _broadcast,
    jax.lax.squeeze_p: lambda x, params: np.squeeze(x, params["dimensions"]),
    jax.lax.rev_p: lambda x, params: np.flip(x, params["dimensions"]),
}


def _moves(equation: Any) -> _Move | None:
    """What moves the entries of an array whose shapes are known; nothing that is sharded."""
    asked = equation.params
    if len(equation.invars) != 1 or asked.get("sharding") is not None:
        return None
    if equation.primitive is jax.lax.reshape_p and asked["dimensions"] is not None:
        return None
    return _MOVES.get(equation.primitive)
