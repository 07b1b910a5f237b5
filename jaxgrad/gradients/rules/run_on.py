"""What a rule is worth where the loops of a function are run on past their end.

An iteration that comes near to a solution is not the solution, and the rule of implicit
differentiation is the derivative of that.  Where the loops have found the solution to half the
digits at least, and the rule agrees with the derivative of the same loops however much longer they
run, it is the derivative of what they come near to.  Where they have not, they tell nothing of the
solution.  One turn more has to change as little as many more: what comes back to where it was after
two turns or four is a cycle, and no solution.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from flint import arb

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
            before = _numbers(program, point)
        if not turns:
            return Ended.NOWHERE
        with further_turns(lambda _: 1):
            following = _numbers(program, point)
        with further_turns():
            after = _numbers(program, point)
    except (CannotDecide, UnsupportedPrimitive):
        return Ended.UNKNOWN
    if not all(x.is_finite() for x in (*before, *following, *after)):
        return Ended.UNKNOWN
    pairs = [*zip(before, following, strict=True), *zip(before, after, strict=True)]
    near = all(x == y or agreement(x, y) >= float_bits / 2 for x, y in pairs)
    return Ended.AT_A_SOLUTION if near else Ended.BEFORE


def _numbers(program: Program, point: Sequence[ObjectArray]) -> list[arb]:
    return [x for leaf in interpret(program, Ball(), list(point)) for x in leaf.flat]
