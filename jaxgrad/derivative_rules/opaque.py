"""Derivative rules of a function that runs in floating point alone: a kernel, a callback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from jaxgrad.derivative_rules.directions import Direction, Unit, drawn
from jaxgrad.derivative_rules.programs import Primal
from jaxgrad.float_check import FloatResult, check_floats
from jaxgrad.inner_programs import inner_programs
from jaxgrad.sides import make_side

__all__ = ["OPAQUE", "hold_against_reference", "is_opaque"]

OPAQUE = frozenset(
    {"pure_callback", "io_callback", "ffi_call", "pallas_call", "tpu_custom_call", "custom_call"}
)
"""Primitives behind which there is no program."""

# Each cotangent is one run of the kernel; past this many one drawn cotangent has to do.
FEW = 16


def is_opaque(jaxpr: Any) -> bool:
    """Whether a program, or one inside it, calls what only returns floats.

    Example:
        >>> is_opaque(jax.make_jaxpr(jax.numpy.sin)(1.0))
        False
    """
    return any(
        equation.primitive.name in OPAQUE or any(map(is_opaque, inner_programs(equation.params)))
        for equation in getattr(jaxpr, "jaxpr", jaxpr).eqns
    )


def hold_against_reference(primal: Primal, modes: tuple[str, ...]) -> list[FloatResult]:
    """The compiled derivatives of a function beside those of its reference over balls.

    Args:
        primal: a function with a reference.
        modes: the modes in which its rules are used.

    Raises:
        UnsupportedPrimitive: the reference has no balls, either.
    """
    assert primal.reference is not None
    reference = Primal(primal.reference, primal.args)
    results: list[FloatResult] = []
    for mode in modes:
        shapes = [x.shape for x in (primal.inputs if mode == "fwd" else primal.outputs)]
        like = primal.like_inputs if mode == "fwd" else primal.like_outputs
        for direction in _directions(shapes):
            args = (tuple(primal.point), like(direction.leaves))
            sides = [
                make_side(mode, _derivative(mode, function), args)
                for function in (primal, reference)
            ]
            values = [leaf.value for leaf in sides[0].inputs]
            results += check_floats(sides[0], sides[1], values)
    return results


def _directions(shapes: list[tuple[int, ...]]) -> list[Direction]:
    direction = drawn(shapes)
    if len(direction.support) > FEW:
        return [direction]
    return [Unit(shapes, leaf, index) for leaf, index in direction.support]


def _derivative(mode: str, function: Callable[..., Any]) -> Callable[..., Any]:
    if mode == "fwd":
        return lambda x, v: jax.jvp(function, tuple(x), tuple(v))[1]
    return lambda x, u: jax.vjp(function, *x)[1](list(u))
