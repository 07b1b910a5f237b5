"""Loops that cannot be run on, as those that are given their steps, where these jump.

A scan over the steps of a bisection has no turns beyond them, so that nobody sees what it would
come near to.  Where no float tells it from a straight line it is as good as the root, and a rule
that gives its secants is right; where floats tell, the rule is open as far as secants are.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from flint import arb

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.rules.judgement import Judgement
from jaxgrad.gradients.rules.jumps import are_steps, by_secants, is_straight_in_floats, jumps
from jaxgrad.gradients.rules.open_ends import STEPS
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.rules.secants import Secants
from jaxgrad.gradients.rules.several_points import in_sums
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.verdict import Verdict

if TYPE_CHECKING:
    from jaxgrad.gradients.rules.at_point import AtPoint

__all__ = ["GivenSteps", "jump_at"]


class GivenSteps:
    """The loops of a function at one point that compare, and have no turns beyond their end.

    Args:
        at: the point.
        secants, known: those of f along a direction, and its derivatives from either side.
        are: whether its loops are such.
    """

    def __init__(
        self,
        at: AtPoint,
        secants: Callable[[Question], Secants],
        known: Callable[[Question], Sequence[arb]],
        are: Callable[[], bool],
    ) -> None:
        self._at, self._secants, self._known, self._are = at, secants, known, are
        # Whether they jump at the point that somebody asked for.
        self.jump_where_asked: Callable[[], bool] = lambda: False

    def judged(self, question: Question, found: Judgement, finite: bool) -> Judgement:
        """The judgement of a number by secants, if the loops jump; else the one that was found.

        At a point that nobody asked for steps may be too long for what they come to.

        Args:
            question: which number.
            found: the judgement that refutes it by the derivatives of f.
            finite: whether it is a real number.
        """
        told = self._told(question, found) if finite else found
        if self._at.iterations.asked_for or told.verdict is not Verdict.REFUTED:
            return told
        plain = not told.by_secants
        if self.jump_where_asked() if plain else not _is_as_good(self._secants(question)):
            return replace(found, verdict=Verdict.UNDECIDED)
        return told

    def jump(self, question: Question) -> bool:
        """Whether they do, along what moves first."""
        first = replace(question, directions=question.directions[:1], modes=question.modes[:1])
        return self._are() and are_steps(self._secants(first), self._known(first))

    def _told(self, question: Question, found: Judgement) -> Judgement:
        """By secants, which higher derivatives have not."""
        if len(question.moving) > 1:
            is_open = replace(found, verdict=Verdict.UNDECIDED, reason=STEPS)
            return is_open if self.jump(question) else found
        secants, number = self._secants(question), self._at.numbers.enclosed(question)
        if secants.have_slope(number) and _is_as_good(secants):
            bits = secants.float_bits / 2
            return replace(found, verdict=Verdict.AGREES, bits=bits, hidden=True, by_secants=True)
        return by_secants(secants, number, self._known(question), found)


def _is_as_good(secants: Secants) -> bool:
    """Whether f jumps at every scale seen, and no float tells it from a straight line."""
    return jumps(secants) and is_straight_in_floats(secants)


def jump_at(at: AtPoint) -> bool:
    """Whether loops that cannot be run on jump at a point, along a drawn direction."""
    with contextlib.suppress(CannotDecide, UnsupportedPrimitive):
        asked = in_sums(at.rules, at.rules.direction())
        return any(at.iterations.given_steps.jump(question) for question in asked)
    return False
