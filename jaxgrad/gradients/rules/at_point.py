"""The numbers that derivative rules give at a point, each judged by the truth of it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from flint import arb, ctx

from jaxgrad.gradients.rules.along_ties import along_ties
from jaxgrad.gradients.rules.borders import Borders, Steep
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.direction_tuples import entries_of, leaves_of, moving, tuples_of
from jaxgrad.gradients.rules.directions import Direction, entry_count
from jaxgrad.gradients.rules.exactly import exactly
from jaxgrad.gradients.rules.excuses import Excuses
from jaxgrad.gradients.rules.iterations import Iterations
from jaxgrad.gradients.rules.judgement import Judgement, judge
from jaxgrad.gradients.rules.known import Known
from jaxgrad.gradients.rules.narrower import aligned, followed, least_hidden, narrowed, settled
from jaxgrad.gradients.rules.own_value import OwnValue
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.rules.rule_numbers import RuleNumbers
from jaxgrad.gradients.rules.several_points import in_sums
from jaxgrad.gradients.rules.sides import Sides
from jaxgrad.gradients.rules.truth import Truth
from jaxgrad.verdict import Verdict

__all__ = ["FEW_OUTPUTS", "AtPoint"]

# Entries times operations that are spent on judging a leaf entry by entry, where its drawn
# direction met a kink: an operation over germs takes about 20 μs, so this is a few seconds.
ENTRY_BUDGET = 100_000
# The same for all pairs of leaves at order 2.
PAIR_BUDGET = 20_000
# Results of up to this many entries are judged one by one, larger ones by drawn cotangents.
FEW_OUTPUTS = 4


class AtPoint:
    """Answers and judges questions at one point, at the working precision in force.

    Args:
        rules: the derivative programs.
        point: the value of each floating-point leaf.
        known: what was found for it together with other points.
    """

    def __init__(
        self,
        rules: DerivativePrograms,
        point: Sequence[np.ndarray],
        known: Known | None = None,
    ) -> None:
        self.rules, self.values, self.bits = rules, list(point), ctx.prec
        program = rules.primal.truth_program
        self.truth = Truth(program, point, rules.order, known, lambda: rules.valueless)
        self.numbers = RuleNumbers(rules, self.values, known and known.outputs)
        self._plain: dict[object, Judgement] = {}
        self.asked_entries = False  # as sums of them did not tell
        self.skipped, self._tiny, self._named, self._last = 0, 0.0, True, True
        self.borders = Borders(rules, self.truth, self.values, self.affords_entries)
        self._named_leaves: set[int | None] = set()
        self.wrong: list[tuple[Question, Judgement]] = []  # of first derivatives, as they are found
        self.iterations, self.excuses = Iterations(self), Excuses(self)
        self.own = OwnValue(rules, self.values, self.truth, self.numbers, self.excuses)

    def everything(self, last: bool = True) -> list[tuple[Question, Judgement]]:
        """Every leaf by itself, every order, every mode.

        Args:
            last: whether what is open is narrowed down, since no precision follows, or none but
                for what the last ones alone can tell.
        """
        self._last = last
        shapes = enumerate(self.rules.shapes)
        leaves = [self.rules.direction(leaf=i) for i, shape in shapes if math.prod(shape)]
        pairs = len(leaves) ** 2 * self.rules.size <= PAIR_BUDGET
        beside = [
            pair for question in self._beside_infinities(leaves) for pair in self._settle(question)
        ]
        found = [*self._ask(leaves, pairs), *beside, *self._values()]
        return followed(self.judge, self.numbers, found, self.rules.parts)

    def nobody_asked(self) -> None:
        """Says that the point is one that nobody asked for.

        Far out no number counts there that is below every float of the dtype.
        """
        self._tiny = self.rules.smallest
        self.iterations.asked_for = False
        self.borders.asked_for = False

    def together(self, entries: bool = False) -> list[tuple[Question, Judgement]]:
        """All leaves along one drawn direction; each by itself where that shows something.

        Only values where the function is not defined beside the point, or jumps there.  Each entry
        is asked for where rounding hides what differs in a sum, if ``entries``.
        """
        self.nobody_asked()
        if self.truth.defined_by_limits:
            return self._at_logarithms_end()
        if not self.truth.defined:
            return []
        found = [*self._derivatives(entries), *self._values()]
        return followed(self.judge, self.numbers, found, self.rules.parts) if entries else found

    def _derivatives(self, entries: bool = False) -> list[tuple[Question, Judgement]]:
        direction = self.rules.direction()
        inward = Direction([abs(leaf) for leaf in direction.leaves])
        for line in (direction, inward):  # of roots, only one into the domain of all of them
            if self.truth.defined_along(line):
                plain = self._in_sums(line)
                if plain:
                    return plain
                self.asked_entries = True
                judged = [
                    (question, found)
                    for question, found in self._ask([line], pairs=False, named=entries)
                    if not self._ends_here(question)
                ]
                wrong = any(found.verdict is Verdict.REFUTED for _, found in judged)
                if wrong and self.truth.jumps:
                    return [pair for pair in judged if pair[0].is_value]
                return judged
        return []

    def _in_sums(self, line: Direction) -> list[tuple[Question, Judgement]]:
        """What agrees of all results together; nothing where one question does not.

        Where something is special about an entry, each is asked for itself.
        """
        found = []
        few = entry_count(self.rules.out_shapes) <= FEW_OUTPUTS  # of which each hides its own
        for question in self.borders.weighing(in_sums(self.rules, line)):
            judgement = self.judge(question)
            if judgement is None or judgement.kink or judgement.verdict is not Verdict.AGREES:
                return []
            if judgement.hidden and (few or self._is_wrong_aligned(question)):
                return []
            found.append((question, judgement))
        return found

    def _is_wrong_aligned(self, question: Question) -> bool:
        same_sign = aligned(self.numbers, question)
        found = None if same_sign is None else self.judge(same_sign)
        return found is not None and found.verdict is Verdict.REFUTED

    def _ends_here(self, question: Question) -> bool:
        """Whether it is a higher derivative that is no real number on both sides.

        At the end of its domain a function has none, and JAX's NaN is as good as an infinity.
        Where a point was asked for, such a NaN is told of.
        """
        return not question.is_value and self._ends(self.sides(question), question.moving)

    def _ends(self, sides: Sides | None, directions: Sequence[Direction]) -> bool:
        if self.borders.asked_for or len(directions) == 1:
            return False
        return sides is None or not (sides.right.is_finite() and sides.left.is_finite())

    def _at_logarithms_end(self) -> list[tuple[Question, Judgement]]:
        """What has a finite slope, of a function that has a gradient from within its domain."""
        inward = (
            Direction([abs(leaf) for leaf in self.rules.direction(seed).leaves]) for seed in (0, 1)
        )
        if not self.truth.adds_up(*inward):
            return []
        return [pair for pair in self._derivatives() if self._is_finite(pair[0])]

    def _is_finite(self, question: Question) -> bool:
        """Whether every side that is known is a real number."""
        sides = None if question.is_value else self.sides(question)
        return sides is not None and all(t.is_finite() for t in sides.known)

    def _ask(
        self, directions: list[Direction], pairs: bool, named: bool = True
    ) -> list[tuple[Question, Judgement]]:
        """Asks along every direction.

        Args:
            pairs: whether order 2 is asked for every pair of directions.
            named: whether the entry that is not decided is looked for, too.
        """
        self._named = named
        found = []
        for mode in self.rules.modes:
            moved = self.rules.signs(directions) if mode == "fwd" else directions
            for cotangent in moving(self.rules, self._cotangents(mode)):
                for direction in moved:
                    settled = self._settle(Question((mode,), (direction,), cotangent))
                    found += settled
                    self.wrong += [x for x in settled if x[1].verdict is Verdict.REFUTED]
        for modes in self.rules.nested:
            for cotangent in moving(self.rules, self._cotangents("rev")):
                for vs in tuples_of(self.rules, directions, len(modes), pairs):
                    question = Question(modes, vs, cotangent)
                    found += self._settle(question)
                    if self.rules.custom:
                        found += self._judged(question.beside())
        return [*found, *along_ties(self, found)]

    def _beside_infinities(self, directions: list[Direction]) -> Iterator[Question]:
        """Many results weighed without those of infinite slope, as each of few is."""
        if "rev" in self.rules.modes and entry_count(self.rules.out_shapes) > FEW_OUTPUTS:
            for direction, cotangent in itertools.product(directions, self._cotangents("rev")):
                rest = self.borders.without_steep(direction, cotangent)
                if rest is not cotangent:
                    yield Question(("rev",), (direction,), rest)

    def _values(self) -> list[tuple[Question, Judgement]]:
        """The values that the rules return beside their first derivatives."""
        if not self.rules.custom:
            return []
        direction, found = self.rules.direction(), []
        for mode in self.rules.modes:
            for cotangent in self._cotangents("rev"):
                u = self.own.finite(cotangent)
                if u.support:
                    found += self._judged(Question((mode,), (direction,), u).beside())
        return found

    def _judged(self, questions: list[Question]) -> list[tuple[Question, Judgement]]:
        """The judgements of what comes beside a derivative, narrowed where one is wrong."""
        found = []
        for question in questions:
            judgement = self.judge(question)
            if judgement is not None and judgement.verdict is Verdict.REFUTED:
                found.append(narrowed(self.judge, question, judgement))
            elif judgement is not None:
                found.append((question, judgement))
        return found

    def _cotangents(self, mode: str) -> list[Direction]:
        """Every entry of the result, or a drawn cotangent of each leaf where they are many."""
        few = mode == "fwd" or entry_count(self.rules.out_shapes) <= FEW_OUTPUTS
        found = self.borders.of_values(entries_of(self.rules) if few else leaves_of(self.rules))
        return found if mode == "fwd" else self.rules.signs(found)

    # -- judging -----------------------------------------------------------------------------
    def _settle(self, question: Question) -> list[tuple[Question, Judgement]]:
        """The judgement, of smaller parts where it is not that the two plainly agree."""
        judgement = self.judge(question)
        if judgement is None:
            self.skipped += 1
            return []
        same_sign = aligned(self.numbers, question) if judgement.hidden else None
        if same_sign is not None:
            found = self.judge(same_sign)
            if found is not None and found.verdict is Verdict.REFUTED:
                return self._refuted(same_sign, found)
        if judgement.hidden and not self._named:  # beside what is larger by far, perhaps
            parts = [pair for part in question.few_parts() for pair in self._settle(part)]
            return parts or [(question, judgement)]
        is_open = judgement.verdict is Verdict.UNDECIDED
        if judgement.plain or (is_open and not (self._named and self._last)):
            return [(question, judgement)]
        if judgement.verdict is Verdict.REFUTED:
            ends = judgement.value == "nan" and self._ends_here(question)
            return [(question, judgement)] if ends else self._refuted(question, judgement)
        direction = question.directions[0]
        small = question.leaf is None or self.affords_entries(direction)
        if judgement.hidden and not small:
            return [least_hidden(self.judge, self.numbers, question, judgement, self.rules.parts)]
        if len(question.directions) == 1 and len(direction.support) > 1 and small:
            # Where nothing is counted, a half in which nothing ties is one question.
            smaller = question.parts() if self._named else question.halves()
            return [pair for part in smaller for pair in self._settle(part)]
        if judgement.verdict is Verdict.AGREES:
            return [(question, judgement)]
        return [narrowed(self.judge, question, judgement)]

    def affords_entries(self, direction: Direction) -> bool:
        """Whether a sum over so many entries may be judged entry by entry."""
        return len(direction.support) * self.rules.size <= ENTRY_BUDGET

    def _refuted(
        self, question: Question, judgement: Judgement
    ) -> list[tuple[Question, Judgement]]:
        """The entry that is wrong, looked for once for every leaf."""
        leaf = question.leaf
        is_nan = judgement.value == "nan" and len(question.directions) == 1
        if is_nan and self.numbers.is_opposed(question):  # NaN of the sum alone
            direction = question.directions[0]
            if not self.affords_entries(direction):
                return [(question, replace(judgement, verdict=Verdict.UNDECIDED))]
            return [pair for part in question.parts() for pair in self._settle(part)]
        if leaf is None and len(question.directions) == 1:
            parts = settled(self._settle, question)
            if any(part.verdict is Verdict.REFUTED for _, part in parts):
                return parts
        elif leaf not in self._named_leaves:
            self._named_leaves.add(leaf)
            return [narrowed(self.judge, question, judgement)]
        return [(question, judgement)]

    def judge(self, question: Question, number: arb | None = None) -> Judgement | None:
        """The judgement of one number; None where a kink leaves it without meaning.

        Args:
            question: which number.
            number: its enclosure; as the rules give it if None.
        """
        same = None if number is not None else self._asked_alike(question)
        if same in self._plain:
            return self._plain[same]
        found = self._judge(question, number)
        if same is not None and found is not None and found.plain:
            self._plain[same] = found
        return found

    def _asked_alike(self, question: Question) -> tuple[object, ...] | None:
        """A key of all that a judgement of it depends on, where modes have one constant program."""
        if len(question.modes) == 1 or question.taken is not None:
            return None
        constant, lines = self.rules[question.modes].constant, question.directions
        if constant is None:
            return None
        mixed = any(line is not lines[0] for line in lines)
        return constant, mixed, *(line.key for line in lines), question.cotangent.key

    def _judge(self, question: Question, number: arb | None) -> Judgement | None:
        own = number is None
        number = self.numbers.enclosed(question) if number is None else number
        if question.is_value:
            return self.own.judge(question, number, self._tiny)
        sides = self.sides(question)
        if sides is None:
            return None
        directions, cotangent = question.moving, question.cotangent
        found = judge(
            number,
            sides,
            self._tiny,
            lambda: self.numbers.floats(question),
            lambda difference: self.excuses.hides(question, difference, number),
            lambda: self._around(sides, directions, cotangent),
            self.rules.flushed,
            self.rules.flushed if self._last and self.iterations.asked_for else 0.0,
        )
        wrong = found.verdict is Verdict.REFUTED and number.is_finite()
        if found.verdict is Verdict.REFUTED and not wrong and own:
            rest = self.borders.counted(question, self.numbers.terms(question))
            if rest is not question:
                return None if rest is None else self.judge(rest)
        if found.verdict is Verdict.UNDECIDED and own:
            found = exactly(self, question, found)
        found = self.iterations.judged(question, found, number.is_finite())
        if wrong and found.verdict is Verdict.REFUTED:
            found = self.excuses.excused(question, number, found)
        if found.verdict is Verdict.REFUTED and len(directions) > 1:
            around = next(self._around(sides, directions, cotangent), None)
            if around is not None and not around.is_finite():
                return None  # no Hessian, and none that is known of
        return found

    def _around(
        self, sides: Sides, directions: tuple[Direction, ...], cotangent: Direction
    ) -> Iterator[arb]:
        """What a rule may give where the function has no derivative, if it has none.

        First what holds all of it, then what points nearby show, which takes longer, and at last
        what lies between neighbouring ties.
        """
        truth = self.truth
        if truth.smooth or self.iterations.tells_nothing or self._ends(sides, directions):
            return
        first, last = directions[0], directions[-1]
        if len(directions) > 1:
            kinks = truth.between_ties.hulls(arb.nan(), first, cotangent)
            bent = sides.kink or truth.bent(first, last, cotangent)
            if bent or any(several for _, several in kinks):
                yield truth.around(directions, cotangent)
            return
        known = sides.kink or truth.kinked(cotangent)
        if known:
            yield truth.around(directions, cotangent)
        limits, several = truth.limits(first, cotangent)
        further = truth.between_ties.hulls(limits, first, cotangent)
        for hull, apart in itertools.chain([(limits, several)], further):
            if apart and not known:
                known = True
                yield truth.around(directions, cotangent)
            if known:
                yield hull

    def sides(self, question: Question) -> Sides | None:
        """The truth of a question; None for a higher derivative where there is no first."""
        return self.truth.of(question)

    def at_border(self, question: Question) -> Steep | None:
        """The slope by which JAX gives NaN whatever the rules, if nothing else is wrong."""
        runs = self.numbers.terms(question)
        rest = self.borders.rest(question, runs) if math.isnan(sum(runs)) else question
        found = self.judge(rest) if rest is not None and rest is not question else None
        wrong = rest is question or (found is not None and found.verdict is Verdict.REFUTED)
        return None if wrong else self.borders.met
