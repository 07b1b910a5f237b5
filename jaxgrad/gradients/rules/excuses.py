"""What excuses a number that is not the derivative: the rounding of the compiled rule hides it.

What excuses it where the function is an iteration is ``iterations.py``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.floats.hidden import SOME_BITS
from jaxgrad.gradients.rules.directions import Direction, pairing
from jaxgrad.gradients.rules.hidden import Hidden
from jaxgrad.gradients.rules.judgement import Judgement, agreement
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.rules.truth import Truth
from jaxgrad.gradients.rules.unseen_branches import UnseenBranches
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.verdict import Verdict

if TYPE_CHECKING:
    from jaxgrad.gradients.rules.at_point import AtPoint

__all__ = ["Excuses"]

Answer = TypeVar("Answer")
# Where half the way moves a derivative by less than one of so many parts of what all of it does, or
# by all but that, it jumps on the way; near to 1/√x at 0 it moves by more.
STEADY = 16


class Excuses:
    """Those at one point.

    Args:
        at: the point.
    """

    def __init__(self, at: AtPoint) -> None:
        self._at, self._hidden = at, Hidden(at.rules, at.values, at.numbers)
        self._truths: dict[Any, Truth] = {}
        self._unseen = UnseenBranches(at)

    def excused(self, question: Question, number: arb, found: Judgement) -> Judgement:
        """The judgement of a real number that is refuted, if something else excuses it.

        Args:
            question: which number.
            number: its enclosure.
            found: the judgement without regard to that.
        """
        if self.is_beyond_floats(question):
            return replace(found, verdict=Verdict.UNDECIDED)
        given = self._unseen.give(question, number)
        if given is None:
            return _undecided(found, "nobody knows whether floats tell two branches of f apart")
        if given:
            bits = self._at.rules.float_bits
            return replace(found, verdict=Verdict.AGREES, bits=bits, hidden=True)
        why = self._at.truth.leaves_open(question.moving, question.cotangent)
        return found if why is None else _undecided(found, why)

    def hides(self, question: Question, difference: arb, number: arb | None = None) -> bool | None:
        """Whether the rounding of the compiled rule could hide a difference.

        Args:
            question: which number it is a difference of.
            difference: its size.
            number: what the rule gives, if it is a derivative.

        Returns:
            None where nobody knows.
        """
        if self._at.rules.exact:
            return False
        if self._at.iterations.tells_nothing:
            return None
        found = self.rounds(question, difference)
        if found is not False or number is None:
            return found
        return self._moves(question, difference, number)

    def rounds(self, question: Question, difference: arb) -> bool | None:
        """Whether the roundings of the operations alone could; None where nobody knows."""
        return self._hidden.hides(question, difference)

    def is_beyond_floats(self, question: Question) -> bool:
        """Whether nobody asked for the point, and floats have no such number or function there.

        No rule could give a number that is none where the true one, or the function, is beyond
        every float; nor is anything a derivative of what JAX computes without a right digit.
        """
        at = self._at
        if at.iterations.asked_for or at.rules.exact:
            return False
        if self._has_no_digit(question):
            return True
        if math.isfinite(at.numbers.floats(question)):
            return False
        sides = at.truth.of(question)
        true = [] if sides is None else sides.known
        values = (x for leaf in at.truth.value for x in leaf.flat)
        return any(not abs(x) <= at.rules.largest for x in (*true, *values))

    def _has_no_digit(self, question: Question) -> bool:
        """Whether what JAX computes of the function is no number, or none of its bits is right.

        What underflows to 0 is right to the last float.
        """
        computed = self._at.numbers.values(question)
        if not all(map(math.isfinite, computed)):
            return True
        true = pairing(self._at.truth.value, question.cotangent)
        if not computed or not true.is_finite():
            return False
        value = arb(sum(computed))
        is_off = bool(abs(value - true) > self._at.rules.flushed)
        return is_off and agreement(value, true) < SOME_BITS

    def _moves(self, question: Question, difference: arb, number: arb) -> bool:
        """Whether rounding the point moves the derivative itself as far as that, and the same way.

        A rule that finds an integer and returns what is exact there is not moved itself.  A
        rounding is half the distance of two floats.  No rounding makes a number of what a
        derivative jumps to beside the point.
        """
        ways = [self._on_the_way(question, sign) for sign in (1, -1)]
        moved = [way for way in ways if way is not None]
        count = self._hidden.roundings(question) / 2
        if len(moved) < len(ways) or not _reaches(moved, number, difference, count):
            return False
        pairs = zip(moved, (1, -1), strict=True)
        steady = [way for way, sign in pairs if not self._jumps(question, sign, way)]
        return _reaches(steady, number, difference, count)

    def _on_the_way(self, question: Question, sign: int, part: float = 1) -> _Way | None:
        """The derivative at the point, and a float further, or a part of that; None if unknown."""
        try:
            beside = self._beside(question.moving, sign, part)
            there, here = beside.of(question), self._at.truth.from_side(question, sign)
        except (CannotDecide, UnsupportedPrimitive):  # as a promise that is not kept there
            return None
        if here is None or there is None or there.kink:
            return None
        found = _Way(here, there.right if sign > 0 else there.left)
        return found if found.here.is_finite() and found.there.is_finite() else None

    def _jumps(self, question: Question, sign: int, way: _Way) -> bool:
        """Whether half the way makes no difference, or all of it."""
        half = self._on_the_way(question, sign, 0.5)
        if half is None:
            return True
        least = abs(way.there - way.here) / STEADY
        return bool(abs(half.there - way.here) < least) or bool(abs(half.there - way.there) < least)

    def _beside(self, directions: Sequence[Direction], sign: int, part: float) -> Truth:
        """The truth where what moves is a float further along the way, or a part of that."""
        key = (*(direction.key for direction in directions), sign, part)
        if key not in self._truths:
            ways = [np.sign(sum(xs)) for xs in zip(*(d.leaves for d in directions), strict=True)]
            step = sign * part
            moved = [
                x.astype(np.float64) * (1 + np.sign(x) * way * step * float(jnp.finfo(x.dtype).eps))
                for x, way in zip(self._at.values, ways, strict=True)
            ]
            rules = self._at.rules
            self._truths[key] = Truth(rules.primal.truth_program, moved, rules.order)
        return self._truths[key]


class _Way(NamedTuple):
    """A derivative at a point and beside it."""

    here: arb
    there: arb


def _reaches(ways: Sequence[_Way], number: arb, difference: arb, count: float) -> bool:
    """Whether the ways, so many times each, lead to a number from where they begin.

    Args:
        ways: of the true derivative.
        number: what the rule gives.
        difference: how far it is from what it should be.
        count: how many times.
    """
    low, high = arb(0), arb(0)
    for way in ways:
        moved = (way.there - way.here) * count
        low, high = low.min(moved), high.max(moved)
    apart = [number - way.here for way in ways]
    inside = any(bool(x >= low) and bool(x <= high) for x in apart)
    return inside and bool(difference <= high.max(-low))


def _undecided(found: Judgement, reason: str) -> Judgement:
    return replace(found, verdict=Verdict.UNDECIDED, reason=reason)
