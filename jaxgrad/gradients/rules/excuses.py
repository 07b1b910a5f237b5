"""What excuses a number that is not the derivative of the function as it stands.

The rounding of the compiled rule could hide it; or the loops of the function end before what they
come near to, whose derivative it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.gradients.rules.hidden import Hidden
from jaxgrad.gradients.rules.judgement import Judgement
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.rules.run_on import Ended, ended
from jaxgrad.gradients.rules.secants import is_secant
from jaxgrad.gradients.rules.truth import Truth
from jaxgrad.interpret.turns import further_turns
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.verdict import Verdict

if TYPE_CHECKING:
    from jaxgrad.gradients.rules.at_point import AtPoint

__all__ = ["Excuses"]


class Excuses:
    """Those at one point.

    Args:
        at: the point.
    """

    def __init__(self, at: AtPoint) -> None:
        self._at, self._hidden = at, Hidden(at.rules, at.values, at.numbers)
        self._truths: dict[Any, Truth] = {}
        # Whether somebody asked for the point: at others loops may not come near to anything.
        self.asked_for = True
        # Whether the rule is known to be the derivative of loops as they stand, so that where it is
        # not it is wrong, whatever they come near to.
        self.loops_are_meant = False

    @property
    def tells_nothing(self) -> bool:
        """Whether nobody asked for the point, and loops do not come near to anything there."""
        return not self.asked_for and self._ended is Ended.BEFORE

    # -- rounding --------------------------------------------------------------------------------
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
        if self.tells_nothing:
            return None
        found = self._hidden.hides(question, difference)
        if found is not False or question.is_value:
            return found
        return self._moves(question, difference)

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

    # -- loops -----------------------------------------------------------------------------------
    def run_on(self, question: Question, found: Judgement, finite: bool) -> Judgement:
        """The judgement of a number that is not the derivative of loops that end.

        It agrees where it is that of what they come near to.  At a point that nobody asked for
        they may not have come near to anything.

        Args:
            question: which number.
            found: the judgement that refutes it.
            finite: whether it is a real number.
        """
        if not finite:
            open_there = not self.asked_for and self._ended is not Ended.NOWHERE
            return replace(found, verdict=Verdict.UNDECIDED) if open_there else found
        if self._ended is Ended.AT_A_SOLUTION:
            try:
                with further_turns():
                    limit = self._limit.judge(question)
            except (CannotDecide, UnsupportedPrimitive):
                limit = None
            if limit is not None and limit.verdict is Verdict.AGREES:
                return replace(limit, bits=found.bits, hidden=True)
            if self._is_secant(question):
                half = self._at.rules.float_bits / 2
                return replace(found, verdict=Verdict.AGREES, bits=half, hidden=True)
        elif self._ended is not Ended.NOWHERE and not self.asked_for:
            return replace(found, verdict=Verdict.UNDECIDED)
        return found

    def _is_secant(self, question: Question) -> bool:
        """Whether a first derivative is the slope of the secants, where loops jump in between."""
        at = self._at
        if len(question.moving) != 1:
            return False
        program, bits = at.rules.primal.truth_program, at.rules.float_bits
        number, direction = at.numbers.enclosed(question), question.moving[0]
        return is_secant(number, program, at.numbers.point, direction, question.cotangent, bits)

    @cached_property
    def _ended(self) -> Ended:
        """Where the loops of the function end."""
        rules = self._at.rules
        if rules.exact or self.loops_are_meant:
            return Ended.NOWHERE
        return ended(rules.primal.truth_program, self._at.numbers.point, rules.float_bits)

    @cached_property
    def _limit(self) -> AtPoint:
        """The same point, where loops are run on."""
        return type(self._at)(self._at.rules, self._at.values)
