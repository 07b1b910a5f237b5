"""What excuses a number that is not the derivative of the iterations of a function.

They end before what they come near to, whose derivative it is.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

from flint import arb

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.rules.early_ends import EarlyEnds
from jaxgrad.gradients.rules.given_steps import GivenSteps
from jaxgrad.gradients.rules.judgement import Judgement, agreement
from jaxgrad.gradients.rules.jumping import Jumping
from jaxgrad.gradients.rules.jumps import compares_in_loops, jumps
from jaxgrad.gradients.rules.lines import Line
from jaxgrad.gradients.rules.no_gradient import NO_GRADIENT, has_no_gradient
from jaxgrad.gradients.rules.open_ends import BEYOND, NEARLY
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.rules.run_on import Ended, Endings, holds_solvers
from jaxgrad.gradients.rules.secants import Secants
from jaxgrad.interpret.rules.solution import FEWEST_BITS
from jaxgrad.interpret.turns import LENGTHS, further_turns, is_run_on, outermost_alone
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.clock import GRACE, prolong
from jaxgrad.verdict import Verdict

if TYPE_CHECKING:
    from jaxgrad.gradients.rules.at_point import AtPoint

__all__ = ["Iterations"]

Answer = TypeVar("Answer")


class Iterations:
    """The loops of a function at one point.

    Args:
        at: the point.
    """

    def __init__(self, at: AtPoint) -> None:
        self._at = at
        self._further: dict[tuple[Callable[[int], int], bool, bool], AtPoint] = {}
        # Whether loops that have solvers inside of them are not run on, and how each ends then.
        self.themselves = False
        self._ends: dict[bool, Endings] = {}
        self._lines: dict[bytes, Line] = {}
        # Whether somebody asked for the point: at others loops may not come near to anything.
        self.asked_for = True
        # Whether the rule is known to be the derivative of loops as they stand, so that where it is
        # not it is wrong, whatever they come near to; asked where there are loops.
        self.loops_are_meant: Callable[[], bool] = lambda: False
        self.given_steps = GivenSteps(at, self.secants, self.known, self._cannot_be_run_on)
        self.jumping = Jumping(at, self.secants, self.known, self._left)
        self.early_ends = EarlyEnds(at, self)

    @property
    def tells_nothing(self) -> bool:
        """Whether nobody asked for the point, and loops do not come near to anything there."""
        return not self.asked_for and self._ended() is Ended.BEFORE

    def judged(self, question: Question, found: Judgement, finite: bool) -> Judgement:
        """The judgement of a number of which it is known whether it is the derivative of loops.

        It agrees where it is that of what they come near to.  At a point that nobody asked for
        they may not have come near to anything.

        Args:
            question: which number.
            found: the judgement without regard to loops.
            finite: whether it is a real number.
        """
        if found.verdict is not Verdict.REFUTED:
            agrees = found.verdict is Verdict.AGREES and self._may_jump(question)
            return self.jumping.passed(question, found) if agrees else found
        judgement = self._judged(question, found, finite)
        closed = self._at.rules.primal.truth_program.jaxpr
        if judgement.verdict is Verdict.REFUTED and holds_solvers(closed):
            # As in steps of time, each of which solves an equation: more of them are another time.
            self.themselves = True
            try:
                other = self._judged(question, found, finite)
            finally:
                self.themselves = False
            return judgement if other.verdict is Verdict.REFUTED else other
        return judgement

    def _judged(self, question: Question, found: Judgement, finite: bool) -> Judgement:
        prolong(GRACE / 2)  # what was found wrong is not lost where the time is spent
        not_known = replace(found, verdict=Verdict.UNDECIDED)
        if has_no_gradient(self._at.truth, question):
            return replace(not_known, reason=NO_GRADIENT)
        end = self._ended(question)
        if end is Ended.NOWHERE and self._cannot_be_run_on():
            return self.given_steps.judged(question, found, finite)
        if not finite:
            return not_known if not self.asked_for and end is not Ended.NOWHERE else found
        if end is Ended.AT_A_SOLUTION:
            limit = self._limit(question)
            if limit is not None and limit.verdict is Verdict.UNDECIDED:
                return replace(not_known, reason=limit.reason)
            if limit is not None:
                return limit
            bits = self._secant_bits(question)
            if bits is None and self.early_ends.dwindles(question):
                bits = self._at.rules.float_bits
            if bits is not None:
                return replace(found, verdict=Verdict.AGREES, bits=bits, hidden=True)
        if end is Ended.UNKNOWN and self._nearest(question) >= self.fewest:
            return replace(not_known, reason=BEYOND)
        if self.asked_for and end is not Ended.NOWHERE and self._end_at_a_tolerance:
            return self.early_ends.judged(question, found)
        if end is Ended.NOWHERE:
            return found
        if self.asked_for or (end is Ended.AT_A_SOLUTION and self._settles(question)):
            return self.jumping.by_secants(question, found) if self.compare else found
        return not_known

    def _may_jump(self, question: Question) -> bool:
        """Whether loops that have come to a solution may jump; what else does may be meant."""
        if not self.asked_for or self._at.rules.exact or not self.compare:
            return False
        return self._ended(question) is Ended.AT_A_SOLUTION

    @cached_property
    def compare(self) -> bool:
        return compares_in_loops(self._at.rules.primal.truth_program.jaxpr)

    def _nearest(self, question: Question) -> float:
        """To how many bits the number agrees with a side."""
        number = self._at.numbers.enclosed(question)
        return max((agreement(number, t) for t in self.known(question)), default=0.0)

    def known(self, question: Question) -> Sequence[arb]:
        """The sides of the truth that are known."""
        sides = self._at.sides(question)
        return [] if sides is None else sides.known

    @property
    def fewest(self) -> float:
        """To how many bits two numbers agree that iterations to a tolerance may leave of one."""
        return min(FEWEST_BITS, self._at.rules.float_bits / 2)

    def _limit(self, question: Question) -> Judgement | None:
        """The judgement by loops that are run on; None where it is wrong, or not to be had, there.

        A value that does not move may be no solution: 4x is 0 at 0 as 8x is.  The loops of the rule
        are run on, too, and have to have ended near to where they end then.  Loops of so many turns
        mean them: the rule has to be near to their derivative as well.
        """
        if not self._is_near(question) and not self.settles_at_a_tolerance(question):
            return None
        found, bits = None, max(self._nearest(question), 0.0)
        for length in LENGTHS:
            found = self.longer(length, lambda at: at.judge(question))
            if found is None or found.verdict is Verdict.REFUTED:
                return None
            if found.verdict is Verdict.UNDECIDED:
                return found  # a higher precision may tell
            bits = min(bits, self._bits_of_longer(question, length))
        if found is None or bits < 0:
            return None
        if bits < self.fewest and not self._is_near(question):  # nor is f what they come near to
            return replace(found, verdict=Verdict.UNDECIDED, reason=NEARLY)
        return replace(found, bits=bits, hidden=True)

    @property
    def _end_at_a_tolerance(self) -> bool:
        return self._at.rules.primal.has_tolerances or self._endings.thaw

    def _is_near(self, question: Question) -> bool:
        """Whether the number is that of loops as they stand, but for what is left at their end.

        Of a value c(x) r(x)^n that is left after n turns the derivative is (c′/c + n r′/r) times
        itself, so that n + 1 times as much may be left of a derivative.
        """
        number = self._at.numbers.enclosed(question)
        left = (self._endings.turns + 1) * 2.0 ** (-self._at.rules.float_bits / 2)
        return any(
            abs(number - side) <= abs(number).max(abs(side)) * left for side in self.known(question)
        )

    def settles_at_a_tolerance(
        self, question: Question, beside: Sequence[arb] = (), soon: bool = True
    ) -> bool:
        """Whether a value at a tolerance is left as it is, for all that moves it, by further turns.

        Half of its digits may be those of a large number beside the loops: a change has to be as
        little beside what the derivative makes of the digits of the point.  That of loops that
        begin at their solution may be any, and they change nothing.

        Args:
            question: which number.
            beside: derivatives that come with it, which tell how f moves where it is 0.
            soon: whether it has to be so after a single turn, too: a bracket that one more makes
                twice as wide takes as many to be as narrow again.
        """
        if not self._end_at_a_tolerance or len(question.moving) != 1:
            return self._end_at_a_tolerance
        number = self._at.numbers.enclosed(question)
        slopes = (abs(x).upper() for x in (number, *self.known(question), *beside))
        moves = max(slopes) * self.secants(question).size
        changes = self._endings.changes(question.cotangent)[0 if soon else 1 :]
        return all(change <= moves * 2.0 ** (-self._at.rules.float_bits / 2) for change in changes)

    def _bits_of_longer(self, question: Question, length: Callable[[int], int]) -> float:
        """To how many bits the rule gives what it does where its own loops are run on.

        Returns:
            −∞ where it changes by more than its solvers may leave, which is half of the digits of
            the largest number that comes with it.
        """
        numbers = self._at.numbers
        here = numbers.enclosed(question)
        longer = self.longer(length, lambda at: at.numbers.enclosed(question))
        if longer is None:
            return -math.inf
        sizes = (abs(x).upper() for x in (longer, *numbers.beside(question)) if x.is_finite())
        may_leave = max(sizes, default=arb(0)) * 2.0**-self.fewest
        return max(agreement(here, longer), 0.0) if abs(here - longer) <= may_leave else -math.inf

    def _settles(self, question: Question) -> bool:
        """Whether loops that are run on change less than half the digits of the derivative."""
        here = self._at.sides(question)
        sides = [self.longer(length, lambda at: at.sides(question)) for length in LENGTHS]
        half = self._at.rules.float_bits / 2
        return here is not None and all(
            there is not None
            and agreement(there.right, here.right) >= half
            and agreement(there.left, here.left) >= half
            for there in sides
        )

    def longer(
        self,
        length: Callable[[int], int],
        asked: Callable[[AtPoint], Answer | None],
        outermost: bool = False,
    ) -> Answer | None:
        """What the same point answers where loops are run on; None where that is not known."""
        which = outermost_alone() if outermost else contextlib.nullcontext()
        key = length, outermost, self.themselves
        further = self.running_on(length)
        with contextlib.suppress(CannotDecide, UnsupportedPrimitive), further, which:
            if key not in self._further:
                self._further[key] = type(self._at)(self._at.rules, self._at.values)
            return asked(self._further[key])
        return None

    def running_on(self, length: Callable[[int], int]) -> contextlib.AbstractContextManager[None]:
        has_tolerances = self._at.rules.primal.has_tolerances
        ends = self._endings
        return further_turns(
            length, at_tolerances=has_tolerances, themselves=ends.themselves, thaw=ends.thaw
        )

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
        secants = self.secants(question)
        number = at.numbers.enclosed(question)
        half = at.rules.float_bits / 2
        near = self.compare and self._nearest(question) >= half  # jumps may be further off
        tend = any(map(secants.tend_to, self.known(question)))
        if tend and not near and not (self.compare and jumps(secants)):
            return None
        if not self.compare and any(map(secants.come_to, self.known(question))):
            return None  # what is sharp is no jump
        if secants.have_slope(number):
            return half
        longer = self.longer(LENGTHS[-1], lambda at: at.numbers.enclosed(question))
        bits = -math.inf if longer is None else agreement(number, longer)
        if longer is None or bits < self.fewest:
            return None
        with self.running_on(LENGTHS[-1]):
            return min(bits, half) if secants.have_slope(longer) else None

    def secants(self, question: Question) -> Secants:
        """Those of f along what a first derivative moves; equal lines are looked along once."""
        at, direction = self._at, question.moving[0]
        if direction.key not in self._lines:
            program, point = at.rules.primal.truth_program, at.numbers.point
            self._lines[direction.key] = Line(program, point, direction, self.compare)
        return Secants(self._lines[direction.key], question.cotangent, at.rules.float_bits)

    def _cannot_be_run_on(self) -> bool:
        """Whether loops compare, and have no turns beyond their end."""
        if self._at.rules.exact or is_run_on() or not self.compare:
            return False
        return self._endings.of() is Ended.NOWHERE

    def _left(self, question: Question) -> arb | None:
        """By how much further turns change what has come to a solution; None of what has not."""
        if self._ended(question) is not Ended.AT_A_SOLUTION:
            return None
        return max(self._endings.changes(question.cotangent), key=lambda x: float(x.upper()))

    def _ended(self, question: Question | None = None) -> Ended:
        """Where the loops of the function end that a number comes of, or all of them."""
        rules = self._at.rules
        if rules.exact:
            return Ended.NOWHERE
        found = self._endings.of(None if question is None else question.cotangent.support)
        if found is not Ended.NOWHERE and self._are_meant:
            return Ended.NOWHERE
        return found

    @cached_property
    def _are_meant(self) -> bool:
        return self.loops_are_meant()

    @property
    def _endings(self) -> Endings:
        if self.themselves not in self._ends:
            prolong(GRACE / 2)
            rules, point = self._at.rules, self._at.numbers.point
            self._ends[self.themselves] = Endings(
                rules.primal.truth_program, point, rules.float_bits, self.themselves
            )
        return self._ends[self.themselves]
