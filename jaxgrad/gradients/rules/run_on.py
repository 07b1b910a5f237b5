"""What a rule is worth where the loops of a function are run on past their end.

An iteration that comes near to a solution is not the solution, and the rule of implicit
differentiation is the derivative of that.  Where the loops have found the solution to half the
digits at least, and the rule agrees with the derivative of the same loops run twice as long, it is
the derivative of what they come near to.  Where they have not, they tell nothing of the solution.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.rules.judgement import agreement
from jaxgrad.interpret.turns import counting_turns, further_turns, is_run_on
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide, ObjectArray
from jaxgrad.programs.trace import Program

__all__ = ["Ended", "ended"]


class Ended(Enum):
    """Where the loops of a program stop."""

    NOWHERE = "it has none, or they are run on already"
    AT_A_SOLUTION = "run on, they change less than half the digits"
    BEFORE = "run on, they change more than half the digits"
    UNKNOWN = "nobody knows"


def ended(program: Program, point: Sequence[ObjectArray], float_bits: float) -> Ended:
    """Where the loops of a program end at a point.

    Args:
        program: of floating-point leaves.
        point: balls.
        float_bits: how many bits a float of its results has.
    """
    if is_run_on():
        return Ended.NOWHERE
    try:
        with counting_turns() as turns:
            before = interpret(program, Ball(), list(point))
        if not turns:
            return Ended.NOWHERE
        with further_turns():
            after = interpret(program, Ball(), list(point))
    except (CannotDecide, UnsupportedPrimitive):
        return Ended.UNKNOWN
    pairs = [
        pair
        for old, new in zip(before, after, strict=True)
        for pair in zip(old.reshape(-1), new.reshape(-1), strict=True)
    ]
    if not all(x.is_finite() and y.is_finite() for x, y in pairs):
        return Ended.UNKNOWN
    near = all(x == y or agreement(x, y) >= float_bits / 2 for x, y in pairs)
    return Ended.AT_A_SOLUTION if near else Ended.BEFORE
