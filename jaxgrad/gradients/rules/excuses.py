"""What excuses a number that is not the derivative of the function as it stands.

The rounding of the compiled rule could hide it; or the loops of the function end before what they
come near to, whose derivative it is.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.floats.hidden import SOME_BITS
from jaxgrad.gradients.rules.directions import Direction, pairing
from jaxgrad.gradients.rules.hidden import Hidden
from jaxgrad.gradients.rules.judgement import Judgement, agreement
from jaxgrad.gradients.rules.no_gradient import NO_GRADIENT, has_no_gradient
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.rules.run_on import Ended, ended
from jaxgrad.gradients.rules.secants import Secants
from jaxgrad.gradients.rules.truth import Truth
from jaxgrad.interpret.rules.solution import FEWEST_BITS
from jaxgrad.interpret.turns import LENGTHS, further_turns, outermost_alone
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.clock import GRACE, prolong
from jaxgrad.programs.tolerances import loops_end_by
from jaxgrad.verdict import Verdict

if TYPE_CHECKING:
    from jaxgrad.gradients.rules.at_point import AtPoint

__all__ = ["Excuses"]

Answer = TypeVar("Answer")

_BEYOND = (
    "past their end the loops of the function return no number, so that what they come near to is "
    "not known, whose derivative it may be; name it with reference="
)
_EARLY = (
    "the loops of the function end at a tolerance before they have come to their solution, and the "
    "rule gives the derivative of what they come near to; at a smaller one it is judged"
)
_FLAT = (
    "the loops of the function end at a tolerance, and return the same number for all arguments "
    "nearby; whether the rule is the derivative of what they come near to is seen at a smaller one"
)


class Excuses:
    """Those at one point.

    Args:
        at: the point.
    """

    def __init__(self, at: AtPoint) -> None:
        self._at, self._hidden = at, Hidden(at.rules, at.values, at.numbers)
        self._truths: dict[Any, Truth] = {}
        self._further: dict[tuple[Callable[[int], int], bool], AtPoint] = {}
        # Whether somebody asked for the point: at others loops may not come near to anything.
        self.asked_for = True
        # Whether the rule is known to be the derivative of loops as they stand, so that where it is
        # not it is wrong, whatever they come near to; asked where there are loops.
        self.loops_are_meant: Callable[[], bool] = lambda: False

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
        if self.asked_for or at.rules.exact:
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
        prolong(GRACE / 2)  # what was found wrong is not lost where the time is spent
        not_known = replace(found, verdict=Verdict.UNDECIDED)
        if has_no_gradient(self._at.truth, question):
            return replace(not_known, reason=NO_GRADIENT)
        if not finite:
            open_there = not self.asked_for and self._ended is not Ended.NOWHERE
            return not_known if open_there else found
        if self._ended is Ended.AT_A_SOLUTION:
            limit = self._limit(question)
            if limit is not None:
                return limit
            bits = self._secant_bits(question)
            if bits is None and self._dwindles(question):
                bits = self._at.rules.float_bits
            if bits is not None:
                return replace(found, verdict=Verdict.AGREES, bits=bits, hidden=True)
        if self._ended is Ended.UNKNOWN and self._nearest(question) >= self._fewest:
            return replace(not_known, reason=_BEYOND)
        why = self._of_a_tolerance(question)
        if why is not None:
            return replace(not_known, reason=why)
        if self._ended is Ended.AT_A_SOLUTION:
            return found if self.asked_for or self._settles(question) else not_known
        return found if self.asked_for or self._ended is Ended.NOWHERE else not_known

    def _of_a_tolerance(self, question: Question) -> str | None:
        """Why loops that end at a tolerance do not tell that the number is wrong; None if they do.

        That is at a point that somebody asked for: at others it is not known anyway.
        """
        if not self.asked_for or self._ended is Ended.NOWHERE or not self._ends_by_what_moves:
            return None
        early = self._ended is not Ended.AT_A_SOLUTION
        if early and any(self._comes_near(question, outermost) for outermost in (False, True)):
            return _EARLY
        sides = self._at.sides(question)
        flat = sides is not None and all(side == 0 for side in sides.known)
        if not flat or len(question.moving) != 1:
            return None
        longer = self._longer(LENGTHS[-1], lambda at: at.numbers.enclosed(question))
        with further_turns(LENGTHS[-1]):
            apart = longer is None or self._secants(question).tell_apart(longer)
        return None if apart else _FLAT

    @cached_property
    def _ends_by_what_moves(self) -> bool:
        closed = self._at.rules.primal.truth_program.jaxpr
        return loops_end_by(closed, [True] * len(closed.jaxpr.invars))

    def _nearest(self, question: Question) -> float:
        """To how many bits the number agrees with a side."""
        sides, number = self._at.sides(question), self._at.numbers.enclosed(question)
        return max((agreement(number, t) for t in (sides.known if sides else ())), default=0.0)

    @property
    def _fewest(self) -> float:
        """To how many bits two numbers agree that iterations to a tolerance may leave of one."""
        return min(FEWEST_BITS, self._at.rules.float_bits / 2)

    def _limit(self, question: Question) -> Judgement | None:
        """The judgement by loops that are run on; None unless it agrees however far they are.

        A value that does not move may be no solution: 4x is 0 at 0 as 8x is.  The loops of the rule
        are run on, too, and have to have ended near to where they end then.
        """
        found, bits = None, math.inf
        for length in LENGTHS:
            found = self._longer(length, lambda at: at.judge(question))
            if found is None or found.verdict is not Verdict.AGREES:
                return None
            bits = min(bits, self._bits_of_longer(question, length))
        return None if found is None or bits < 0 else replace(found, bits=bits, hidden=True)

    def _bits_of_longer(self, question: Question, length: Callable[[int], int]) -> float:
        """To how many bits the rule gives what it does where its own loops are run on.

        Returns:
            −∞ where it changes by more than its solvers may leave, which is half of the digits of
            the largest number that comes with it.
        """
        numbers = self._at.numbers
        here = numbers.enclosed(question)
        longer = self._longer(length, lambda at: at.numbers.enclosed(question))
        if longer is None:
            return -math.inf
        sizes = (abs(x).upper() for x in (longer, *numbers.beside(question)) if x.is_finite())
        may_leave = max(sizes, default=arb(0)) * 2.0**-self._fewest
        return max(agreement(here, longer), 0.0) if abs(here - longer) <= may_leave else -math.inf

    def _dwindles(self, question: Question) -> bool:
        """Whether the number differs by what vanishes where loops are run on.

        It is less than a rounding of the largest number that comes with it, as where a derivative
        is 0 and an iteration has come near to that.
        """
        first = self._apart(self._at, question)
        sizes = (abs(x).upper() for x in self._at.numbers.beside(question) if x.is_finite())
        largest = max(sizes, default=arb(0))
        if first is None or not first <= largest * 2.0**-self._at.rules.float_bits:
            return False
        return self._nears(question)

    def _nears(self, question: Question) -> bool:
        """Whether the number and the truth come nearer to each other the longer loops run on."""
        first = self._apart(self._at, question)
        for length in (LENGTHS[0], LENGTHS[-1]):
            longer = self._longer(length, lambda at: self._apart(at, question))
            if first is None or longer is None or not longer <= first / 2:
                return False
            first = longer
        return True

    def _comes_near(self, question: Question, outermost: bool) -> bool:
        """The same as far as is known: further on a search along a line finds nothing any more.

        Args:
            question: which number.
            outermost: whether loops inside of others are left as they are.
        """
        first = self._apart(self._at, question)
        longer, furthest = (
            self._longer(length, lambda at: self._apart(at, question), outermost)
            for length in (LENGTHS[0], LENGTHS[-1])
        )
        if first is None or longer is None or not longer <= first / 2:
            return False
        return furthest is None or bool(furthest <= longer / 2)

    def _apart(self, at: AtPoint, question: Question) -> arb | None:
        """How far a number is from the nearer side of its truth at most."""
        sides, number = at.sides(question), at.numbers.enclosed(question)
        known = [] if sides is None else [abs(number - side).upper() for side in sides.known]
        return min(known, default=None)

    def _settles(self, question: Question) -> bool:
        """Whether loops that are run on change less than half the digits of the derivative."""
        here = self._at.sides(question)
        sides = [self._longer(length, lambda at: at.sides(question)) for length in LENGTHS]
        half = self._at.rules.float_bits / 2
        return here is not None and all(
            there is not None
            and agreement(there.right, here.right) >= half
            and agreement(there.left, here.left) >= half
            for there in sides
        )

    def _longer(
        self,
        length: Callable[[int], int],
        asked: Callable[[AtPoint], Answer | None],
        outermost: bool = False,
    ) -> Answer | None:
        """What the same point answers where loops are run on; None where that is not known."""
        which = outermost_alone() if outermost else contextlib.nullcontext()
        key = length, outermost
        with contextlib.suppress(CannotDecide, UnsupportedPrimitive), further_turns(length), which:
            if key not in self._further:
                self._further[key] = type(self._at)(self._at.rules, self._at.values)
            return asked(self._further[key])
        return None

    def _secant_bits(self, question: Question) -> float | None:
        """How many bits of a first derivative are those of the slope of the secants.

        That is asked where loops jump in between.  Of loops that end at a tolerance it is the slope
        of those that are run on, which the rule has where its own are run on.

        Returns:
            None where it is not their slope.
        """
        at = self._at
        if len(question.moving) != 1:
            return None
        secants = self._secants(question)
        number, sides = at.numbers.enclosed(question), at.sides(question)
        known = [] if sides is None else sides.known
        if any(map(secants.tend_to, known)):
            return None
        half = at.rules.float_bits / 2
        if secants.have_slope(number):
            return half
        longer = self._longer(LENGTHS[-1], lambda at: at.numbers.enclosed(question))
        bits = -math.inf if longer is None else agreement(number, longer)
        if longer is None or bits < self._fewest:
            return None
        with further_turns(LENGTHS[-1]):
            return min(bits, half) if secants.have_slope(longer) else None

    def _secants(self, question: Question) -> Secants:
        return Secants(
            self._at.rules.primal.truth_program,
            self._at.numbers.point,
            question.moving[0],
            question.cotangent,
            self._at.rules.float_bits,
        )

    @cached_property
    def _ended(self) -> Ended:
        """Where the loops of the function end."""
        rules = self._at.rules
        if rules.exact:
            return Ended.NOWHERE
        prolong(GRACE / 2)
        found = ended(rules.primal.truth_program, self._at.numbers.point, rules.float_bits)
        if found is not Ended.NOWHERE and self.loops_are_meant():
            return Ended.NOWHERE
        return found
