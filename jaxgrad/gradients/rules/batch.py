"""Derivatives under ``jax.vmap``: a batching rule may be wrong where the derivative is right."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from dataclasses import replace
from functools import cached_property

from jaxgrad.errors import (
    JaxgradError,
    NoDerivative,
    ShapeMismatch,
    TraceError,
    UnsupportedPrimitive,
)
from jaxgrad.gradients.outcome import GradientCheck
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.batch_likeness import batch_likeness
from jaxgrad.gradients.rules.batched_programs import batched_program, programs_of
from jaxgrad.gradients.rules.batches import (
    Batch,
    BatchRows,
    Rows,
    afforded,
    derivative_batches,
    stacked,
    value_batches,
)
from jaxgrad.gradients.rules.conclusions import Judged, open_under_vmap, wrong_under_vmap
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.derived import Derived
from jaxgrad.gradients.rules.directions import Direction, Unit, pairing
from jaxgrad.gradients.rules.judgement import Judgement
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.witness import hold_program
from jaxgrad.numbers.base import CannotDecide, ObjectArray
from jaxgrad.numbers.clock import GRACE, grace, in_grace
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.carried_programs import carries_batching
from jaxgrad.programs.implementations import is_read_by_implementation
from jaxgrad.programs.jax_errors import first_line
from jaxgrad.programs.jaxprs import CUSTOM_VMAP, equations
from jaxgrad.programs.meanings import MEANINGS
from jaxgrad.programs.vmap_returns import VmapRule
from jaxgrad.programs.vmap_rules import says_batched_of_nothing, transforms_rules, vmap_rules
from jaxgrad.verdict import Verdict

__all__ = ["under_vmap"]

# A program of JAX's own primitives is batched by JAX's own rules; past this many operations it is
# not looked at.
BUDGET = 2_000

# A judgement of one row of a batch.
_Found = tuple[Batch, Question, Judgement]


def under_vmap(rules: DerivativePrograms, points: tuple[AtPoint, AtPoint]) -> str | GradientCheck:
    """What is said of the derivatives under vmap, or the refutation of them.

    Args:
        rules: the derivative programs.
        points: two points, different ones if there are two at which the function is defined.
    """
    if rules.size > BUDGET and not _has_own_rules(rules):
        rules.missing.append("not looked at under vmap, as large programs of JAX's own are not")
        return ""
    # No coarser than the truth: what is no number for want of bits is none that a rule gives.
    with precision(max(at.bits for at in points)):
        return _Batches(rules, Rows(rules, points)).check()


def _has_own_rules(rules: DerivativePrograms) -> bool:
    """Whether what is computed of a batch is not JAX's own alone, values included."""
    return rules.custom or _is_batched_by_others(rules)


def _is_batched_by_others(rules: DerivativePrograms) -> bool:
    """Whether somebody else's rules may say what is computed of a batch.

    A ``custom_vmap`` comes with another program for it, whatever it has for a derivative, and so
    does a primitive that carries its own.
    """
    return any(
        equation.primitive.name == CUSTOM_VMAP
        or equation.primitive.name in MEANINGS
        or carries_batching(equation)
        or is_read_by_implementation(equation)
        for program in rules.programs
        for equation in equations(program.jaxpr)
    )


class _Batches:
    """What is found of all batches of a function and its first derivatives.

    Args:
        rules: the derivative programs.
        rows: what differs from row to row.
    """

    def __init__(self, rules: DerivativePrograms, rows: Rows) -> None:
        self._rules, self._rows = rules, rows
        self._own = _has_own_rules(rules)
        self._others = _is_batched_by_others(rules)

    def check(self) -> str | GradientCheck:
        """What is said of them: first of whole batches, then of those of some inputs alone."""
        whole: list[_Found] = []
        reasons = []
        for batch, *_ in self._batches:
            try:
                whole += self._judged(batch)
            except (CannotDecide, UnsupportedPrimitive, NoDerivative, TraceError) as error:
                reasons.append(f"not looked at under vmap: {error}")
        wrong = self._wrong(whole)
        if wrong is not None:
            return wrong
        if not (reasons or _agree(whole)):
            reasons.append(self._open(whole))
        if reasons:
            self._rules.missing += dict.fromkeys(reasons)
            return ""
        for batch in self._alone():
            wrong = self._wrong(self._judged_alone(batch))
            if wrong is not None:
                return wrong
        return ", and under vmap" + " to order 1" * (self._rules.order > 1)

    @cached_property
    def _batches(self) -> list[list[Batch]]:
        """Of the values, where somebody else's rules may batch them, and of each mode."""
        rules = self._rules
        found = [list(derivative_batches(rules, mode)) for mode in rules.modes]
        return [list(value_batches(rules.primal)), *found] if self._others else found

    def _alone(self) -> Iterator[Batch]:
        """Those of some inputs alone, which JAX's own rules batch as they do all."""
        if not self._others:
            return
        late = 0
        for _, *alone in self._batches:
            chosen = afforded(self._rules, alone)
            late += len(alone) - len(chosen)
            yield from chosen
        if late:
            self._rules.missing.append(
                f"not looked at under vmap over each input alone ({late} left)"
            )

    def _judged_alone(self, batch: Batch) -> list[_Found]:
        """The judgements; none where a rule cannot deal with such a batch, which is noted."""
        missing, of_nothing = self._rules.missing, self._is_of_nothing(batch)
        try:
            found = self._judged(batch)
        except (CannotDecide, UnsupportedPrimitive, NoDerivative, TraceError) as error:
            reason = self._of_nothing(batch) if of_nothing else f"{error}"
        except JaxgradError as error:
            if not (of_nothing and isinstance(error, ShapeMismatch)):
                raise
            reason = self._of_nothing(batch)
        except Exception as error:  # whatever a rule raises of arguments that it is not for
            reason = self._of_nothing(batch) if of_nothing else first_line(error)
        else:
            if not _agree(found):
                missing.append(self._open(found))
            return found
        missing.append(f"not looked at under vmap{batch.over}: {reason}")
        return []

    def _open(self, found: list[_Found]) -> str:
        """What is not decided, first, and why."""
        first = next(each for each in found if each[2].verdict is not Verdict.AGREES)
        batch, question, judgement = first
        return open_under_vmap(self._rules.primal, question, judgement, batch.over)

    def _is_of_nothing(self, batch: Batch) -> bool:
        """Whether JAX asks rules for it with nothing batched: of points or of tangents alone, where
        it differentiates the functions themselves."""
        together = any(batch.x) and any(batch.moved)
        return not together and transforms_rules(programs_of(self._rules, batch)[-1])

    def _of_nothing(self, batch: Batch) -> str:
        """Why such a batch fails."""
        rule = says_batched_of_nothing(*programs_of(self._rules, batch))
        what = "returns True for out_batched" if rule else "cannot deal with that"
        return (
            f"JAX calls {rule or 'a custom_vmap rule'} with nothing batched there, as in "
            f"jax.jacfwd, and it {what}; return whether something is, as in_batched says"
        )

    def _wrong(self, found: list[_Found]) -> GradientCheck | None:
        """The check where one of them is wrong: a wrong value makes its derivatives wrong, too."""
        wrong = [each for each in found if each[2].verdict is Verdict.REFUTED]
        if not wrong:
            return None
        batch, question, judgement = min(wrong, key=lambda each: len(each[1].moving))
        rule, like = None, ""
        with in_grace(GRACE / 2):
            rule = self._culprit(batch)
            like = self._like(batch, question)
        with grace():
            return wrong_under_vmap(
                self._rules.primal, self._rows.of(batch), question, judgement, rule, like
            )

    def _like(self, batch: Batch, question: Question) -> str:
        """What the rows are like, in words."""
        many, rows = batched_program(self._rules, batch), self._rows.of(batch)
        enclosed = _enclosed(self._rules, many, rows)
        kept = slice(many.values) if question.is_value else slice(many.values, None)
        numbers = [[leaf[i, ...] for leaf in enclosed[kept]] for i in range(2)]
        asked = replace(question, modes=question.modes or self._rules.modes[:1])
        return batch_likeness(self._rules.primal, rows, numbers, asked)

    def _culprit(self, batch: Batch) -> VmapRule | None:
        """The rule of a ``custom_vmap`` without which, and with none but which, it is wrong."""
        rules = vmap_rules(*programs_of(self._rules, batch))
        if not rules or self._is_wrong(batch, []):
            return None
        return next((rule for rule in rules if self._is_wrong(batch, [rule])), None)

    def _is_wrong(self, batch: Batch, kept: list[VmapRule]) -> bool:
        """Whether a batch is wrong by these rules and JAX's own."""
        try:
            return any(x.verdict is Verdict.REFUTED for *_, x in self._judged(batch, kept))
        except Exception:  # whatever a rule raises that is asked for alone
            return False

    def _judged(self, batch: Batch, kept: Collection[VmapRule] | None = None) -> list[_Found]:
        """The judgements of both rows, of values or of the first derivative along all that moves.

        Raises:
            CannotDecide, UnsupportedPrimitive: the batched program has no exact value.
        """
        many = batched_program(self._rules, batch, kept)
        rows = self._rows.of(batch)
        enclosed = _enclosed(self._rules, many, rows)
        found: Judged = []
        for i, at in enumerate(rows.points):
            numbers = [leaf[i, ...] for leaf in enclosed]
            mode = batch.mode or self._rules.modes[0]
            question = Question((mode,), (rows.lines[i],), rows.cotangents[i])
            if batch.mode:
                found += _judged(at, question, numbers[many.values :])
            if self._own:
                for u in _by_kind(self._rules, rows.cotangents[i]):
                    for value in replace(question, cotangent=u).beside():
                        found += _judged(at, value, numbers[: many.values])
        if not batch.mode:  # the values of no derivative
            found = [(replace(question, modes=()), judgement) for question, judgement in found]
        return [(batch, question, judgement) for question, judgement in found]


def _agree(found: list[_Found]) -> bool:
    return all(judgement.verdict is Verdict.AGREES for *_, judgement in found)


def _enclosed(rules: DerivativePrograms, many: Derived, rows: BatchRows) -> list[ObjectArray]:
    """The outputs for the batch, whose program is held against JAX's own run of it.

    Raises:
        EnginesDisagree: it was read as something else: a batching rule may bind others.
    """
    batch, primal = rows.batch, rules.primal
    point = stacked([at.values for at in rows.points], rows.x)
    if not batch.mode:
        hold_program("f under vmap,", many.program, point, few_shapes=True)
        return many.balls(point)
    moved = [leaves.leaves for leaves in rows.moved]
    like = primal.like_inputs if batch.mode == "fwd" else primal.like_outputs
    values = [*point, *stacked([like(leaves) for leaves in moved], batch.moved)]
    hold_program(f"{batch.mode} of f under vmap,", many.program, values, few_shapes=True)
    return many.balls(point, stacked(moved, batch.moved))


def _judged(at: AtPoint, question: Question, numbers: list[ObjectArray]) -> Judged:
    """The judgement of a weighed sum, of its entries where the sum does not tell of each.

    Where infinities of both signs meet, a line leaves the domain, an entry jumps or a kink lets the
    sum be many a number, the other entries are hidden by it.
    """
    by_cotangent = question.is_value or question.modes == ("fwd",)
    weights = question.cotangent if by_cotangent else question.directions[0]
    judgement = at.judge(question, pairing(numbers, weights))
    if judgement is None:  # a value that is no real number is not judged
        return []
    verdict, several = judgement.verdict, len(weights.support) > 1
    by_slope = not question.is_value and at.borders.valueless is not None
    if by_slope and pairing(numbers, weights).is_nan():  # that of what has no value, perhaps
        if not several and at.borders.counted(question, [math.nan]) is None:
            return []
        judgement, verdict = replace(judgement, verdict=Verdict.UNDECIDED), Verdict.UNDECIDED
    if question.is_value and verdict is Verdict.REFUTED and not isinstance(weights, Unit):
        return _wrong_values(at, question, numbers) or [(question, judgement)]
    opposed = several and verdict is Verdict.REFUTED and at.numbers.is_opposed(question)
    if not several or not (opposed or judgement.kink or verdict is Verdict.UNDECIDED):
        return [(question, judgement)]
    if not at.affords_entries(weights):
        return [(question, replace(judgement, verdict=Verdict.UNDECIDED) if opposed else judgement)]
    parts = [
        replace(question, **({"cotangent": part} if by_cotangent else {"directions": (part,)}))
        for part in weights.parts()
    ]
    return [pair for part in parts for pair in _judged(at, part, numbers)]


def _wrong_values(at: AtPoint, question: Question, numbers: list[ObjectArray]) -> Judged:
    """The first entry of a weighed sum of values that is wrong, by itself."""
    shapes = [leaf.shape for leaf in question.cotangent.leaves]
    for place in question.cotangent.support:
        found = _judged(at, replace(question, cotangent=Unit(shapes, *place)), numbers)
        if found and found[0][1].verdict is Verdict.REFUTED:
            return found
    return []


def _by_kind(rules: DerivativePrograms, cotangent: Direction) -> list[Direction]:
    """Of floating-point results and of integers, which are no floats that may be rounded."""
    discrete = rules.primal.discrete
    floating = [k for k in range(len(rules.out_shapes)) if k not in discrete]
    parts = [cotangent.only(leaves) for leaves in (floating, discrete)] if discrete else [cotangent]
    return [part for part in parts if part.support]
