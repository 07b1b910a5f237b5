"""Tests of loops that compare a quotient by an absolute value: as comparisons of products.

A series that starts at 0 goes on while |term|/|sum| > ε, and in floats |term|/0 is the infinity
that is greater.  Over other numbers 1/0 is nothing.  For any real x, y ≥ 0 and c, by the rules of
floats for y = +0, which an absolute value is, x/y > c is x > c·y, and x/y < c is x < c·y.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
from jax import lax

from jaxgrad.programs.evaluated import bind, evaluated
from jaxgrad.programs.kept import Kept
from jaxgrad.programs.trace import is_differentiable

__all__ = ["with_products"]

_MIRRORED = {"gt": "lt", "lt": "gt"}
_COMPARED = {"gt": lax.gt, "lt": lax.lt}

_CHANGED: Kept[Any] = Kept()


def with_products(closed: Any) -> Any:
    """A closed jaxpr without such quotients; the same where there are none.

    Example:
        >>> closed = jax.make_jaxpr(lambda x, y: lax.abs(x) / lax.abs(y) > 1e-7)(1.0, 0.0)
        >>> [equation.primitive.name for equation in with_products(closed).eqns]
        ['abs', 'abs', 'div', 'mul', 'gt']
    """
    return _CHANGED.of(id(closed), closed, lambda: _changed(closed))


def _changed(closed: Any) -> Any:
    made = {v: equation for equation in closed.jaxpr.eqns for v in equation.outvars}
    found = {
        equation.outvars[0]: quotient
        for equation in closed.jaxpr.eqns
        if (quotient := _quotient(equation, made)) is not None
    }
    if not found:
        return closed
    values: dict[Any, Any] = {}

    def apply(equation: Any, arguments: list[Any]) -> Sequence[Any]:
        values.update(
            (atom, value)
            for atom, value in zip(equation.invars, arguments, strict=True)
            if not hasattr(atom, "val")
        )
        quotient = found.get(equation.outvars[0]) if equation.outvars else None
        if quotient is None:
            return bind(equation, arguments)
        relation, (top, below), bound = quotient
        return [_COMPARED[relation](_value(top, values), bound * _value(below, values))]

    shapes = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in closed.in_avals]
    return jax.make_jaxpr(lambda *inputs: evaluated(closed, inputs, apply))(*shapes)


def _value(atom: Any, values: dict[Any, Any]) -> Any:
    return atom.val if hasattr(atom, "val") else values[atom]


def _quotient(equation: Any, made: dict[Any, Any]) -> tuple[str, tuple[Any, Any], float] | None:
    """Of x/|y| beside a number: how they are compared, x and |y|, and the number."""
    relation = equation.primitive.name
    if relation not in _COMPARED:
        return None
    left, right = equation.invars
    if hasattr(left, "val"):
        left, right, relation = right, left, _MIRRORED[relation]
    bound = getattr(right, "val", None)
    if bound is None or getattr(bound, "shape", ()) or not math.isfinite(bound):
        return None
    if not is_differentiable(right.aval.dtype):  # a quotient of integers leaves its fraction out
        return None
    division = None if hasattr(left, "val") else made.get(left)
    if division is None or division.primitive.name != "div":
        return None
    top, below = division.invars
    return (relation, (top, below), bound) if _is_absolute(below, made) else None


def _is_absolute(atom: Any, made: dict[Any, Any]) -> bool:
    """Whether it is an absolute value, perhaps in another dtype."""
    equation = None if hasattr(atom, "val") else made.get(atom)
    if equation is None:
        return False
    if equation.primitive.name == "convert_element_type":
        return _is_absolute(equation.invars[0], made)
    return equation.primitive.name == "abs"
