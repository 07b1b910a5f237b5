"""A function along a line through a point, in balls.

Every cotangent asks for the same places, each of which is a run of all loops of the function.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flint import arb

from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.interpret.turns import how_run_on
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import ObjectArray
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.unique_integer import unique_integer
from jaxgrad.programs.trace import Program

__all__ = ["Line"]

_STEPS = {name for name, function in FUNCTIONS.items() if function.jumps == "steps"}


class Line:
    """The places x + step·v.

    Args:
        program: f, of floating-point leaves.
        point: x, in balls.
        direction: v.
        compares: whether f compares numbers in loops, so that it may jump.

    Attributes:
        point, direction, compares: as given.
    """

    def __init__(
        self,
        program: Program,
        point: Sequence[ObjectArray],
        direction: Direction,
        compares: bool,
    ) -> None:
        self._program, self.point = program, point
        self.direction, self.compares = direction, compares
        self._found: dict[Any, tuple[list[ObjectArray], Sequence[Any]]] = {}

    def outputs(self, step: float) -> list[ObjectArray]:
        """The results of f a step along the line.

        Raises:
            CannotDecide, UnsupportedPrimitive: f has none there.
        """
        return self._at(step)[0]

    def compared(self, step: float) -> Sequence[Any]:
        """How all comes out there that f compares, if it does so in loops.

        Raises:
            CannotDecide, UnsupportedPrimitive: as for :meth:`outputs`.
        """
        return self._at(step)[1]

    def _at(self, step: float) -> tuple[list[ObjectArray], Sequence[Any]]:
        key = step, how_run_on()
        if key not in self._found:
            balls = _Compared() if self.compares else Ball()
            outputs = interpret(self._program, balls, self._moved(step))
            self._found[key] = outputs, getattr(balls, "compared", ())
        return self._found[key]

    def _moved(self, step: float) -> list[ObjectArray]:
        return [
            Ball().map(lambda x, v: x + arb(float(v)) * step, leaf, along)
            for leaf, along in zip(self.point, self.direction.leaves, strict=True)
        ]


class _Compared(Ball):
    """Balls that keep how everything that is compared comes out, and what is rounded to wholes."""

    name = "ball that keeps what is compared"
    any_pivot = False  # a run of it is one, in which each comparison comes out once

    def __init__(self) -> None:
        self.compared: list[Any] = []

    def compare(self, relation: str, x: Any, y: Any) -> bool | None:
        found = super().compare(relation, x, y)
        self.compared.append(found)
        return found

    def sign(self, x: arb) -> arb:
        found = super().sign(x)
        self.compared.append(self.exact_value(found))
        return found

    def function(self, name: str, *xs: arb) -> arb:
        found = super().function(name, *xs)
        if name in _STEPS:
            self.compared.append(self.exact_value(found))
        elif name == "rem":  # what jumps is how often the divisor is in it
            self.compared.append(unique_integer(self.divide(xs[0] - found, xs[1])))
        return found
