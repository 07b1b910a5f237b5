"""A number of a rule where loops end at a tolerance, before they have come to their solution.

Their derivative is not that of the solution.  As they are run on, what is left of the difference
tells whether the rule gives what they come near to.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

from flint import arb

from jaxgrad.gradients.rules.judgement import Judgement, agreement
from jaxgrad.gradients.rules.jumps import held_to
from jaxgrad.gradients.rules.open_ends import BETWEEN_JUMPS, EARLY, UNSETTLED
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.rules.run_on import holds_solvers
from jaxgrad.gradients.rules.secants import Secants
from jaxgrad.gradients.rules.seen_as_run_on import LITTLE, LONGER, Seen, comes_near, is_unsettled
from jaxgrad.interpret.turns import LENGTHS
from jaxgrad.verdict import Verdict

if TYPE_CHECKING:
    from jaxgrad.gradients.rules.at_point import AtPoint
    from jaxgrad.gradients.rules.iterations import Iterations

__all__ = ["EarlyEnds"]

# An iteration that has come to a tolerance t of its start leaves √t of what is left in half as many
# turns more, which is less than this of it if t is less than a half.
NEARER = 3 / 4


class EarlyEnds:
    """The loops of a function at one point that end at a tolerance.

    Args:
        at: the point.
        loops: its loops.
    """

    def __init__(self, at: AtPoint, loops: Iterations) -> None:
        self._at, self._loops = at, loops

    def judged(self, question: Question, found: Judgement) -> Judgement:
        """The judgement of a number that is not the derivative of the loops as they end.

        It is open as far as they leave it open; and where they jump their secants are the truth.

        Args:
            question: which number.
            found: the judgement that refutes it by the derivatives of f.
        """
        not_known = replace(found, verdict=Verdict.UNDECIDED)
        if self.dwindles(question):
            bits = self._at.rules.float_bits
            return replace(found, verdict=Verdict.AGREES, bits=bits, hidden=True)
        for outermost in (False, True):
            run = self._run(question, outermost)
            if len(run) > 1 and (comes_near(run) or self._comes_later(question, run, outermost)):
                further = self._as_run_on(question, run, outermost)
                return further or replace(not_known, reason=EARLY)
        closed = self._at.rules.primal.truth_program.jaxpr
        meant = holds_solvers(closed) and not self._loops.themselves
        if not meant and is_unsettled(self._run(question, outermost=True)):
            return replace(not_known, reason=UNSETTLED)
        return found if len(question.moving) != 1 else self._by_secants(question, found)

    def dwindles(self, question: Question) -> bool:
        """Whether the number differs by what vanishes where loops are run on.

        It is less than a rounding of the largest number that comes with it, as where a derivative
        is 0 and an iteration has come near to that; and so is what it makes of what moves beside
        the value that is asked of, or a number that moves little would hide what a large one does.
        """
        if len(question.moving) != 1:
            return False
        rounding = 2.0**-self._at.rules.float_bits
        first, *later = run = [seen.apart for seen in self._run(question)] or [arb(0)]
        if len(run) <= len(LONGER) or not first <= self._beside(question) * rounding:
            return False
        if not first * self._loops.secants(question).size <= self._value(question) * rounding:
            return False
        # What is nothing beside the first may grow again, as far as no precision tells it from 0.
        return all(
            after <= NEARER * here or after <= first * rounding
            for here, after in zip(run, later, strict=False)
        )

    def _comes_later(self, question: Question, run: list[Seen], outermost: bool) -> bool:
        """Whether it comes near to the number where what is left dwindles slowly, by more turns."""
        pairs = itertools.pairwise(seen.apart for seen in run)
        if len(run) <= len(LONGER) or not all(after < here for here, after in pairs):
            return False
        last = self._loops.longer(LENGTHS[-1], lambda at: self._seen(at, question), outermost)
        if last is None:
            return bool(run[-1].apart <= run[0].apart / 2)
        return comes_near([*run, self._of_the_rule(last, run[0])])

    def _as_run_on(self, question: Question, run: list[Seen], outermost: bool) -> Judgement | None:
        """The judgement at a smaller tolerance of a number that changes little with it.

        Nor may the derivative of the loops: what they come near to has to be what they are.
        """
        here = run[0]
        bits = min(agreement(here.number, x) for x in (run[-1].number, here.truth))
        if bits < self._loops.fewest or not self._loops.settles_at_a_tolerance(question):
            return None
        # Twice as many turns may leave more than rounding hides.
        found = self._loops.longer(LENGTHS[-1], lambda at: at.judge(question), outermost)
        if found is None or found.verdict is not Verdict.AGREES:
            return None
        return replace(found, bits=min(bits, found.bits), hidden=True)

    def _by_secants(self, question: Question, found: Judgement) -> Judgement:
        """The same where loops may jump, run on, too, as a bisection does."""
        loops = self._loops
        secants = loops.secants(question)
        if not loops.compare and any(map(secants.tend_to, loops.known(question))):
            return found  # nothing jumps
        longer = loops.longer(
            LENGTHS[-1], lambda at: (at.numbers.enclosed(question), at.sides(question))
        )
        number, sides = longer or (None, None)
        as_they_stand = loops.jumping.by_secants if loops.compare else lambda _, found: found
        if number is None or sides is None or not sides.known or sides.kink:
            return as_they_stand(question, found)
        further = loops.secants(question)
        with loops.running_on(LENGTHS[-1]):
            if all(map(further.tell_apart, sides.known)):
                return self._between_jumps(question, further, number, found)
        return as_they_stand(question, found)  # no jump between their ends, or they tell nothing

    def _between_jumps(
        self, question: Question, further: Secants, number: arb, found: Judgement
    ) -> Judgement:
        """The same held to the secants of loops that are run on, as far as the number is theirs."""
        if further.refute(number):
            return held_to(further, found)
        here, half = self._at.numbers.enclosed(question), self._at.rules.float_bits / 2
        bits, beside = min(agreement(here, number), half), self._beside(question)
        nearly = bits >= self._loops.fewest and further.have_slope(number, beside)
        if nearly and self._loops.settles_at_a_tolerance(question, [beside], soon=False):
            return replace(found, verdict=Verdict.AGREES, bits=bits, hidden=True, by_secants=True)
        return replace(found, verdict=Verdict.UNDECIDED, reason=BETWEEN_JUMPS)

    def _value(self, question: Question) -> arb:
        """The largest value of f that is asked of."""
        asked = question.cotangent.support
        values = (abs(self._at.truth.value[leaf][index]).upper() for leaf, index in asked)
        return max((x for x in values if x.is_finite()), default=arb(0))

    def _beside(self, question: Question) -> arb:
        """The largest number that comes with it."""
        beside = self._at.numbers.beside(question)
        return max((abs(x).upper() for x in beside if x.is_finite()), default=arb(0))

    def _run(self, question: Question, outermost: bool = False) -> list[Seen]:
        """The number beside the truth where loops end and as they are run on, as far as known.

        It is nearer to the truth the further they are run on, all or those alone that are inside of
        no others: a search along a line may find nothing any more.  What swings may be near to it
        by chance where it ends, and less near half as many turns later.

        Args:
            question: which number.
            outermost: whether loops inside of others are left as they are.
        """
        here = self._seen(self._at, question)
        if here is None:
            return []
        known: list[Seen] = []
        for lengths in (LONGER, LITTLE):
            longer = (
                self._loops.longer(length, lambda at: self._seen(at, question), outermost)
                for length in lengths
            )
            found = itertools.takewhile(lambda x: x is not None, longer)
            known = [self._of_the_rule(x, here) for x in found if x is not None]
            if known:
                break
        return [here, *known]

    def _seen(self, at: AtPoint, question: Question) -> Seen | None:
        sides, number = at.sides(question), at.numbers.enclosed(question)
        known = [] if sides is None else sides.known
        nearest = min(known, key=lambda side: abs(number - side).upper(), default=None)
        return None if nearest is None else Seen(number, nearest)

    def _of_the_rule(self, longer: Seen, here: Seen) -> Seen:
        """The same, with the number where loops of the rule end if they have none further on."""
        return longer if longer.number.is_finite() else Seen(here.number, longer.truth)
