"""The value of a function at a point, by which the values that its rules return are judged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from flint import arb

from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.directions import Direction, pairing, terms
from jaxgrad.gradients.rules.excuses import Excuses
from jaxgrad.gradients.rules.free_values import FreeVectors
from jaxgrad.gradients.rules.judgement import Judgement, judge_value, value_as_run
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.rules.rule_numbers import RuleNumbers
from jaxgrad.gradients.rules.truth import Truth
from jaxgrad.gradients.witness import program_floats
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.base import ObjectArray
from jaxgrad.numbers.either_zero import EitherZero
from jaxgrad.verdict import Verdict

__all__ = ["OwnValue"]


class OwnValue:
    """The value of the function itself, whatever its rules and its reference.

    Args:
        rules: the derivative programs.
        values: the point, a value for each floating-point leaf.
        truth: the true values and derivatives there.
        numbers: what the rules give there.
        excuses: what rounding hides there.
    """

    def __init__(
        self,
        rules: DerivativePrograms,
        values: Sequence[np.ndarray],
        truth: Truth,
        numbers: RuleNumbers,
        excuses: Excuses,
    ) -> None:
        self._rules, self._values, self._truth = rules, values, truth
        self._numbers, self._excuses = numbers, excuses

    @cached_property
    def value(self) -> list[ObjectArray]:
        """Its enclosure, an object array for each leaf of the result."""
        primal = self._rules.primal
        if primal.reference is None:
            return self._truth.free.known_values if self._truth.free.met else self._truth.value
        return FreeVectors(primal.moving_program, self._numbers.point).known_values

    def finite(self, cotangent: Direction) -> Direction:
        """A cotangent of the entries of the value that are real numbers."""
        known = [
            np.where([x.is_finite() for x in value.flat], u.reshape(-1), 0.0)
            for value, u in zip(self.value, cotangent.leaves, strict=True)
        ]
        return Direction([w.reshape(x.shape) for w, x in zip(known, self.value, strict=True)])

    def judge(self, question: Question, number: arb, tiny: float) -> Judgement | None:
        """The judgement of a value that a rule returns; None where there is none to hold it to.

        Args:
            question: which value.
            number: its enclosure.
            tiny: numbers below it are not told apart.
        """
        cotangent = question.cotangent
        truth = pairing(self.value, cotangent)
        if not truth.is_finite() or (len(question.modes) > 1 and number.is_nan() and self._is_nan):
            return None
        known = self._bits(cotangent)
        found = judge_value(
            number,
            truth,
            known,
            tiny,
            lambda: self._numbers.floats(question),
            lambda difference: known < math.inf and self._excuses.hides(question, difference),
        )
        if found.verdict is not Verdict.REFUTED:
            return found
        balls = self._numbers.enclosed(question), truth
        return value_as_run(found, balls, *self._of_either_zero(question))

    @cached_property
    def _is_nan(self) -> bool:
        """Whether a sum of all entries is no number, whichever of them it weighs: 0·∞."""
        return not all(x.is_finite() for leaf in self.value for x in leaf.flat)

    def _bits(self, cotangent: Direction) -> float:
        """To how many bits values are the same float."""
        discrete = self._rules.primal.discrete
        if all(k in discrete for k, _ in cotangent.support):
            return math.inf  # integers are not rounded
        return self._rules.float_bits

    def _of_either_zero(self, question: Question) -> tuple[tuple[arb, arb], tuple[float, float]]:
        """The value by the rules and of the function, a zero being −0 or 0, and JAX's own runs."""
        program, cotangent = self._rules.primal.moving_program, question.cotangent
        own = interpret(program, EitherZero(), self._numbers.point)
        runs = terms(program_floats(program, self._values), cotangent)
        either = self._numbers.enclosed(question, EitherZero), pairing(own, cotangent)
        return either, (self._numbers.floats(question), sum(runs))
