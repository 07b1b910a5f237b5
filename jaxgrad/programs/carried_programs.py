"""Primitives that carry their own program, since jax 0.12: what they expand to is what JAX runs."""

from __future__ import annotations

import contextlib
from typing import Any

import jax

from jaxgrad.programs.complex_parts import real_dtype
from jaxgrad.programs.kept import Kept

__all__ = ["CARRIED", "carried_program", "expansion"]

CARRIED = "call_hi_primitive"
"""The one primitive of JAX's that binds them all."""

_EXPANDED: Kept[Any] = Kept()
# Of JAX's own those whose programs read the bits of floats: they have rules.
_READS_BITS = frozenset({"Frexp", "Ldexp"})


def carried_program(equation: Any) -> Any | None:
    """The closed jaxpr that a primitive expands to; None where that reads the bits of floats."""
    kind = type(equation.params["_prim"])
    if kind.__name__ in _READS_BITS and kind.__module__.partition(".")[0] == "jax":
        return None
    return expansion(equation)


def expansion(equation: Any) -> Any:
    """The closed jaxpr that a primitive expands to.

    It is one for all who ask: equations are told apart by their identities, as by how often a loop
    has turned.
    """
    primitive = equation.params["_prim"]
    shapes = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in equation.invars]
    kinds = tuple((shape.shape, str(shape.dtype)) for shape in shapes)
    key = id(primitive), kinds
    return _EXPANDED.of(key, primitive, lambda: _expanded(primitive, shapes))


def _expanded(primitive: Any, shapes: list[jax.ShapeDtypeStruct]) -> Any:
    wide = any(real_dtype(shape.dtype).itemsize == 8 for shape in shapes)
    with jax.enable_x64(True) if wide else contextlib.nullcontext():
        arguments = jax.tree.unflatten(primitive.in_tree, shapes)
        return jax.make_jaxpr(primitive.expand)(*arguments)
