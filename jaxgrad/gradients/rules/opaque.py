"""Derivative rules of a function that runs in floating point alone: a kernel, a callback."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp

from jaxgrad.gradients.floats.sides import FloatResult, check_floats, unit_roundoff
from jaxgrad.gradients.rules.derivatives import derivative
from jaxgrad.gradients.rules.directions import Direction, Unit, drawn
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.question import Question
from jaxgrad.interpret.sides import make_side
from jaxgrad.programs.jaxprs import holds_primitive

__all__ = ["OPAQUE", "Held", "hold_against_reference", "is_opaque"]

OPAQUE = frozenset(
    {"pure_callback", "io_callback", "ffi_call", "pallas_call", "tpu_custom_call", "custom_call"}
)
"""Primitives behind which there is no program."""

# Each cotangent is one run of the kernel; past this many one drawn cotangent has to do.
FEW = 16
COARSEST = float(unit_roundoff(jnp.bfloat16))


def is_opaque(jaxpr: Any) -> bool:
    """Whether a program, or one inside it, calls what only returns floats.

    Example:
        >>> import jax
        >>> is_opaque(jax.make_jaxpr(jax.numpy.sin)(1.0))
        False
    """
    return holds_primitive(jaxpr, OPAQUE)


@dataclass(frozen=True)
class Held:
    """A float that a kernel returns, beside what its reference says.

    Args:
        question: which number it is; None of the value without any derivative.
        result: the float, and whether rounding explains its error.
        dtype: of the float.
    """

    question: Question | None
    result: FloatResult
    dtype: Any

    @property
    def wrong(self) -> bool:
        """Whether not even rounding every number to bfloat16 would explain the error.

        No kernel computes in less where its result has a wider dtype; the allowance is
        proportional to the unit roundoff.
        """
        coarse = max(COARSEST, float(unit_roundoff(self.dtype)))
        return not self.result.stable and self.result.excess > coarse / float(
            unit_roundoff(self.dtype)
        )


def hold_against_reference(primal: Primal, modes: tuple[str, ...]) -> list[Held]:
    """The compiled values and derivatives of a function beside those of its reference over balls.

    Args:
        primal: a function with a reference.
        modes: the modes in which its rules are used.

    Raises:
        UnsupportedPrimitive: the reference has no balls, either.
    """
    assert primal.reference is not None
    reference = Primal(primal.reference, primal.args)
    point = tuple(primal.point)
    found = _held("value", lambda f: lambda x: f(*x), (primal, reference), (point,), _no_question)
    inputs, outputs = ([x.shape for x in leaves] for leaves in (primal.inputs, primal.outputs))
    for mode in modes:
        shapes, others = (inputs, outputs) if mode == "fwd" else (outputs, inputs)
        like = primal.like_inputs if mode == "fwd" else primal.like_outputs
        for direction in _directions(shapes):

            def question(
                leaf: int, index: Any, mode: str = mode, moved: Any = direction, at: Any = others
            ) -> Question:
                """Of the values first, then of the derivatives."""
                if leaf < len(outputs):
                    return Question((mode,), (drawn(inputs),), Unit(outputs, leaf, index), 0)
                unit = Unit(at, leaf - len(outputs), index)
                pair = (moved, unit) if mode == "fwd" else (unit, moved)
                return Question((mode,), pair[:1], pair[1])

            args = (point, like(direction.leaves))
            taken = functools.partial(derivative, mode)
            found += _held(mode, taken, (primal, reference), args, question)
    return found


def _no_question(leaf: int, index: Any) -> None:
    return None


def _held(
    name: str,
    made: Callable[[Any], Callable[..., Any]],
    functions: tuple[Primal, Primal],
    args: tuple[Any, ...],
    question: Callable[[int, Any], Question | None],
) -> list[Held]:
    kernel, reference = (make_side(name, made(function), args) for function in functions)
    values = [leaf.value for leaf in kernel.inputs]
    places = {leaf.path: (i, leaf.dtype) for i, leaf in enumerate(reference.outputs)}
    found = []
    for result in check_floats(kernel, reference, values):
        leaf, dtype = places[result.path]
        found.append(Held(question(leaf, result.index), result, dtype))
    return found


def _directions(shapes: list[tuple[int, ...]]) -> list[Direction]:
    direction = drawn(shapes)
    if len(direction.support) > FEW:
        return [direction]
    return [Unit(shapes, leaf, index) for leaf, index in direction.support]
