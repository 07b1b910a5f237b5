"""What becomes of a function on a side from which it has no known derivative.

A germ that is not known may be one that nothing decided, beside an end of the domain or a jump.
Two points of that side, very near, tell which.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import numpy as np
from flint import arb

from jaxgrad.errors import JaxgradError
from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide, ObjectArray
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.trace import Program

__all__ = ["Beyond", "beyond"]

# Two steps, of which the second is so much smaller that any usual modulus of continuity tells: that
# of √ by 2¹⁰, that of 1/log by a sixth.  A jump is the same at both but for far less.
STEPS = (-100, -120)
SAME = 2.0**-10
# The points have the 53 bits of a number, the 30 of a direction, and what is between the two.
POINT_BITS = 4096


class Beyond(Enum):
    """What there is on the other side."""

    EDGE = "the function is not defined there"
    JUMP = "the function has another limit there"
    OPEN = "nothing known keeps the function from being continuous"


def beyond(
    program: Program, value: Sequence[ObjectArray], direction: Direction, sign: int
) -> list[ObjectArray]:
    """What each entry of the result is on one side.

    Args:
        program: the function, of floating-point leaves with their values.
        value: its enclosures at the point.
        direction: of the line.
        sign: 1 or −1, the side.
    """
    try:
        far, near = (_at(program, direction, sign, step) for step in STEPS)
    except (CannotDecide, JaxgradError):
        return [np.full(leaf.shape, Beyond.OPEN, object) for leaf in value]
    kinds = np.frompyfunc(_kind, 3, 1)
    return [np.asarray(kinds(*each), object) for each in zip(value, far, near, strict=True)]


def _kind(value: arb, far: arb, near: arb) -> Beyond:
    if not (far.is_finite() and near.is_finite()):
        return Beyond.EDGE
    first, second = far - value, near - value
    return Beyond.JUMP if abs(first - second) < SAME * abs(second) else Beyond.OPEN


def _at(program: Program, direction: Direction, sign: int, step: int) -> list[ObjectArray]:
    """The function a step beside the point, small beside every number that moves."""
    leaves = [np.asarray(leaf.value, np.float64) for leaf in program.inputs]
    moving = [abs(x[v != 0]) for x, v in zip(leaves, direction.leaves, strict=True)]
    sizes = np.concatenate([x[x != 0] for x in moving]) if moving else np.zeros(0)
    scale = arb(min(sizes.min(initial=1.0), 1.0)) * arb(2) ** step * sign
    ball = Ball()
    with precision(POINT_BITS):
        inputs = [
            ball.map(lambda a, b: a + scale * b, ball.constants(x), ball.constants(v))
            for x, v in zip(leaves, direction.leaves, strict=True)
        ]
    return interpret(program, ball, inputs)
