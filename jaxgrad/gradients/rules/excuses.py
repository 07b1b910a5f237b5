"""What excuses a number that is not the derivative: the rounding of the compiled rule hides it.

What excuses it where the function is an iteration is ``iterations.py``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

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

    def hides(self, question: Question, difference: arb) -> bool | None:
        """Whether the rounding of the compiled rule could hide a difference.

        Args:
            question: which number it is a difference of.
            difference: its size.

        Returns:
            None where nobody knows.
        """
        if self._at.rules.exact:
            return False
        if self._at.iterations.tells_nothing:
            return None
        found = self.rounds(question, difference)
        if found is not False or question.is_value:
            return found
        return self._moves(question, difference)

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

    def _moves(self, question: Question, difference: arb) -> bool:
        """Whether rounding the point moves the derivative itself as far, on either side of it.

        A rule that finds an integer and returns what is exact there is not moved itself.  A
        rounding is half the distance of two floats.
        """
        total = arb(0)
        for sign in (1, -1):
            try:
                beside = self._beside(question.moving, sign)
                there, here = beside.of(question), self._at.truth.from_side(question, sign)
            except (CannotDecide, UnsupportedPrimitive):  # as a promise that is not kept there
                return False
            if here is None or there is None or there.kink:
                return False
            side = here, there.right if sign > 0 else there.left
            if not all(x.is_finite() for x in side):
                return False
            total = total.max(abs(side[0] - side[1]))
        return bool(difference <= self._hidden.roundings(question) * total / 2)

    def _beside(self, directions: Sequence[Direction], sign: int) -> Truth:
        """The truth where what moves is a float further along the way, or against it."""
        key = tuple(direction.key for direction in directions), sign
        if key not in self._truths:
            ways = [np.sign(sum(xs)) for xs in zip(*(d.leaves for d in directions), strict=True)]
            moved = [
                x.astype(np.float64) * (1 + np.sign(x) * way * sign * float(jnp.finfo(x.dtype).eps))
                for x, way in zip(self._at.values, ways, strict=True)
            ]
            rules = self._at.rules
            self._truths[key] = Truth(rules.primal.truth_program, moved, rules.order)
        return self._truths[key]


def _undecided(found: Judgement, reason: str) -> Judgement:
    return replace(found, verdict=Verdict.UNDECIDED, reason=reason)
