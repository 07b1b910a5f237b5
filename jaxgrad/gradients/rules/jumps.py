"""Loops that jump at a scale that no float sees, between which their derivative is none of f.

A bisection compares at every turn, and what it compares comes out another way at every neighbour of
its argument.  Where it does not, secants that differ from the derivative are no sign of jumps.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flint import arb

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.rules.judgement import Judgement
from jaxgrad.gradients.rules.open_ends import BETWEEN_FLOATS, STEPS
from jaxgrad.gradients.rules.secants import FINER, WITHIN, Secants
from jaxgrad.gradients.rules.sides import text_of
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.programs.jaxprs import equations
from jaxgrad.verdict import Verdict

__all__ = [
    "are_steps",
    "by_secants",
    "compares_in_loops",
    "held_to",
    "is_straight_in_floats",
    "jumps",
    "passed",
]

_COMPARE = {"lt", "le", "gt", "ge", "eq", "ne", "argmax", "argmin"}
_SELECT = {*_COMPARE, "sign", "floor", "ceil", "round", "rem"}
# Steps from a third of the digits of a float to two thirds, at which secants show a slope.
SEEN = (1 / 3, 1 / 2, 2 / 3)
# Of what is sharp the first of them have left the place.
SEEN_NEAR = SEEN[1:]
# Steps over which nothing smooth bends by as much as floats lie apart.
FINE = (2 / 3, 5 / 6, 1)
# From secants that differ among themselves by less than this of what parts them from a number.
APART = 1 / 4
# A number that they give to so many bits is theirs, whatever else they tell.
BITS = 6


def compares_in_loops(jaxpr: Any) -> bool:
    """Whether the body of some loop compares numbers, so that the loop may jump."""
    return any(
        equation.primitive.name in _SELECT
        for loop in equations(jaxpr)
        if loop.primitive.name in ("scan", "while")
        for equation in equations(loop.params["jaxpr" if "jaxpr" in loop.params else "body_jaxpr"])
    )


def passed(secants: Secants, number: arb, found: Judgement) -> Judgement:
    """The judgement of a derivative of f, which is no slope of it where f jumps.

    Args:
        secants: those of f along the direction in which it is.
        number: the derivative, as the rules give it.
        found: the judgement by which it is one.
    """
    with contextlib.suppress(CannotDecide, UnsupportedPrimitive):
        if not secants.of_one_scale:
            return found  # floats see what is near to 0, however small it is
        beside = _Beside(secants)
        slope = beside.slope(1 / 2)
        apart = abs(slope - number)
        near = apart * 2.0**BITS <= abs(slope).max(abs(number))
        if near or not all(beside.jumps_to(slope, apart * APART, digits) for digits in SEEN_NEAR):
            return found
        if all(beside.jumps_to(slope, apart * APART, digits) for digits in FINER):
            seen = arb(slope.mid(), (apart * APART).upper())
            return replace(_held_to(seen, found), verdict=Verdict.REFUTED)
        return replace(found, verdict=Verdict.UNDECIDED, reason=BETWEEN_FLOATS)
    return found


def by_secants(secants: Secants, number: arb, known: Sequence[arb], found: Judgement) -> Judgement:
    """The same judgement held to secants where f jumps, or these have a slope that no side is.

    Args:
        secants, number: as in :func:`passed`.
        known: the derivatives of f from either side.
        found: the judgement that refutes the number by these.
    """
    if not are_steps(secants, known):
        return found
    if (secants.moves_one or secants.of_one_scale) and secants.refute(number):
        return held_to(secants, found)
    return replace(found, verdict=Verdict.UNDECIDED, reason=STEPS)


def are_steps(secants: Secants, known: Sequence[arb]) -> bool:
    """Whether f jumps, or its secants have a slope that is none of its derivatives."""
    apart = bool(known) and all(map(secants.tell_apart, known))
    return apart or jumps(secants)


def held_to(secants: Secants, found: Judgement) -> Judgement:
    """The same, of which the truth is what secants tell."""
    return _held_to(secants.shown, found)


def _held_to(slope: arb | None, found: Judgement) -> Judgement:
    told = "unknown" if slope is None else text_of(slope)
    return replace(found, truth=f"{told} by secants", by_secants=True)


def jumps(secants: Secants) -> bool:
    """Whether what is compared comes out another way to either side, at every scale seen."""
    with contextlib.suppress(CannotDecide, UnsupportedPrimitive):
        beside = _Beside(secants)
        return all(beside.compares_otherwise(digits) for digits in SEEN)
    return False


def is_straight_in_floats(secants: Secants) -> bool:
    """Whether f is nearer to a straight line than its floats lie apart.

    Floats near f have at most 2^-bits |f| between them.  What rounds a root down to one of them is
    off by less than that at either end of a secant, and so is the difference of its ends.
    """
    with contextlib.suppress(CannotDecide, UnsupportedPrimitive):
        beside = _Beside(secants)
        slope, least = beside.slope(SEEN[0]), beside.size * 2.0**-secants.float_bits
        steps = [secants.step(digits) * part for digits in FINE for part in (*WITHIN, 1)]
        return all(beside.bend(slope, step) <= least for step in steps)
    return False


class _Beside:
    """⟨u, f⟩ beside a point, and what is compared there."""

    def __init__(self, secants: Secants) -> None:
        self._secants = secants

    @property
    def size(self) -> arb:
        """That of the value at the point."""
        return abs(self._secants.value(0.0))

    def bend(self, slope: arb, step: float) -> arb:
        """How far the difference of both ends of a secant is from that of a line of a slope."""
        return abs(self._change(step) - 2 * step * slope)

    def slope(self, digits: float) -> arb:
        """That over a step to either side."""
        step = self._secants.step(digits)
        return self._change(step) / (2 * step)

    def jumps_to(self, slope: arb, off: arb, digits: float) -> bool:
        """Whether either side has nearly this slope, and what is compared there is not as here."""
        here = self._secants.value(0.0)
        step = self._secants.step(digits)
        slopes = [(self._secants.value(signed) - here) / signed for signed in (step, -step)]
        near = all(abs(found - slope) <= off for found in slopes)
        return near and self.compares_otherwise(digits)

    def compares_otherwise(self, digits: float) -> bool:
        """Whether what is compared at either side is not as here."""
        step, compared = self._secants.step(digits), self._secants.line.compared
        return all(compared(signed) != compared(0.0) for signed in (step, -step))

    def _change(self, step: float) -> arb:
        """The difference of both ends of a secant."""
        return self._secants.value(step) - self._secants.value(-step)
