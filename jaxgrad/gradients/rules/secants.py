"""The derivative of a function that jumps at a scale that no float sees.

A bisection returns one of finitely many numbers: its slope between two jumps is that of its last
steps and tells nothing of the root.  At the scale of floats it is as good as the root, and its
secants are.  They have no rule in them, and what is left of their error is what halving their step
changes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from flint import arb

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.rules.directions import Direction, pairing
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide, ObjectArray
from jaxgrad.programs.trace import Program

__all__ = ["is_secant"]


def is_secant(
    number: arb,
    program: Program,
    point: Sequence[ObjectArray],
    direction: Direction,
    cotangent: Direction,
    float_bits: float,
) -> bool:
    """Whether a number is the slope of the secants of ⟨u, f⟩ along v, as far as these tell.

    That is to half the digits of a float, and no further from the shortest secant than twice its
    length changes it.

    Args:
        number: what a rule gives.
        program: f, of floating-point leaves.
        point: balls.
        direction, cotangent: v and u.
        float_bits: how many bits a float has.
    """
    size = max((float(abs(x).mid()) for leaf in point for x in leaf.flat), default=0.0) or 1.0
    # The error of a secant of step h is of order h², what rounding makes of its ends 2^(1-bits)/h.
    step = 2.0 ** np.floor(np.log2(size) - float_bits / 3)
    try:
        short, long = (
            _secant(program, point, direction, cotangent, step * factor) for factor in (1.0, 2.0)
        )
    except (CannotDecide, UnsupportedPrimitive):
        return False
    if not (short.is_finite() and long.is_finite()):
        return False
    off = abs(number - short)
    return bool(off <= abs(short - long)) and bool(off <= abs(short) * 2.0 ** (-float_bits / 2))


def _secant(
    program: Program,
    point: Sequence[ObjectArray],
    direction: Direction,
    cotangent: Direction,
    step: float,
) -> arb:
    ends = []
    for sign in (1, -1):
        moved = [
            Ball().map(lambda x, v, s=sign: x + arb(float(v)) * (s * step), leaf, along)
            for leaf, along in zip(point, direction.leaves, strict=True)
        ]
        ends.append(pairing(interpret(program, Ball(), moved), cotangent))
    return (ends[0] - ends[1]) / (2 * step)
