"""What a rule is worth where the loops of a function are run on past their end.

An iteration that comes near to a solution is not the solution, and the rule of implicit
differentiation is the derivative of that.  Where the loops have found the solution to half the
digits at least, and the rule agrees with the derivative of the same loops however much longer they
run, it is the derivative of what they come near to.  Where they have not, they tell nothing of the
solution.  One turn more has to change as little as many more: what comes back to where it was after
two turns or four is a cycle, and no solution.  Nor is what goes on by the same steps for ever, be
they small: the further turns have to change less than those before them did.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum

from flint import arb

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.rules.judgement import agreement
from jaxgrad.interpret.turns import LENGTHS, counting_turns, further_turns, is_run_on
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
        if not turns.iterates:
            return Ended.NOWHERE
        following = _longer(program, point, lambda _: 1)
        after, longest = _longer(program, point, LENGTHS[0]), _longer(program, point, LENGTHS[-1])
    except (CannotDecide, UnsupportedPrimitive):
        return Ended.UNKNOWN
    if not all(x.is_finite() for x in (*before, *following, *after, *longest)):
        return Ended.UNKNOWN
    if any(abs(z - y) > abs(y - x) for x, y, z in zip(before, after, longest, strict=True)):
        return Ended.BEFORE
    pairs = [*zip(before, following, strict=True), *zip(before, after, strict=True)]
    near = all(x == y or agreement(x, y) >= float_bits / 2 for x, y in pairs)
    return Ended.AT_A_SOLUTION if near else Ended.BEFORE


def _longer(
    program: Program, point: Sequence[ObjectArray], length: Callable[[int], int]
) -> list[arb]:
    with further_turns(length):
        return _numbers(program, point)


def _numbers(program: Program, point: Sequence[ObjectArray]) -> list[arb]:
    return [x for leaf in interpret(program, Ball(), list(point)) for x in leaf.flat]
