"""Elementwise primitives run on arrays of two sizes, so that JAX compiles each once for all shapes.

Compiling a primitive takes a hundred times as long as running it, and a derivative multiplies and
adds arrays of every shape there is.  What an elementwise primitive makes of an entry depends on
neither its place nor the shape around it: the entries are put in a row, which is filled up with the
last of them.  A row may be compiled to other instructions than the shape itself, which rounds
otherwise in the last bits; so this is for runs that are held against what rounding allows, and
never for those of which the floats themselves are judged.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import numpy as np
from jax.extend.core import primitives

from jaxgrad.gradients.primitive_runs import bound, is_key
from jaxgrad.interpret.rules.elementwise import ELEMENTWISE

__all__ = ["bound_in_a_row"]

# The lengths of rows.  Past the last one running takes as long as compiling.
LENGTHS = (128, 2048)
_OTHERS = ("integer_pow", "pow", "round", "lt", "le", "gt", "ge", "eq", "ne", "and", "or", "not",
           "xor", "is_finite", "select_n", "convert_element_type")  # fmt: skip


def _primitives() -> dict[str, Any]:
    """JAX's own elementwise primitives by their names; nobody else's of the same name."""
    named = {name: getattr(jax.lax, f"{name}_p", None) for name in (*ELEMENTWISE, *_OTHERS)}
    named["add_any"] = getattr(primitives, "add_jaxvals_p", None)
    return {name: primitive for name, primitive in named.items() if primitive is not None}


_PRIMITIVES = _primitives()


def bound_in_a_row(equation: Any, arguments: list[Any]) -> list[Any]:
    """What the primitive of an equation returns, by a row of its entries where it has one."""
    length = _length(equation, arguments)
    if length is None:
        return bound(equation, arguments)
    shape = equation.outvars[0].aval.shape
    (row,) = bound(equation, [_row(x, length) if np.ndim(x) else x for x in arguments])
    return [np.asarray(row)[: math.prod(shape)].reshape(shape)]


def _length(equation: Any, arguments: list[Any]) -> int | None:
    """How long the row is; None where the primitive is to be run on the arrays as they are."""
    if _PRIMITIVES.get(equation.primitive.name) is not equation.primitive:
        return None
    shape = equation.outvars[0].aval.shape
    scalars = [np.ndim(x) == 0 for x in arguments]
    alike = all(
        scalar or np.shape(x) == shape for scalar, x in zip(scalars, arguments, strict=True)
    )
    if not alike or all(scalars) or any(map(is_key, arguments)):
        return None
    size = math.prod(shape)
    return next((length for length in LENGTHS if 0 < size <= length), None)


def _row(value: Any, length: int) -> np.ndarray:
    flat = np.asarray(value).reshape(-1)
    return np.pad(flat, (0, length - flat.size), mode="edge")
