"""Is a float of a compiled derivative the value of its formula, or of the derivative at a kink?"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from flint import arb

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.enclosure import PRECISIONS
from jaxgrad.gradients.floats.allowance import TrueValues
from jaxgrad.gradients.floats.judgement import (
    BEYOND,
    FloatJudgement,
    digits_right,
    judge_by_formula,
    unstable,
)
from jaxgrad.gradients.floats.programs import Compiled
from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.gradients.rules.sides import Sides
from jaxgrad.gradients.rules.truth import Truth
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import Ball, exact_ball
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.precision import precision

__all__ = ["TrueDerivatives", "judge_derivative"]

TOO_WIDE = "the enclosure is too wide"  # one of the reasons


class TrueDerivatives(TrueValues):
    """The true values of every number that a compiled derivative returns for a point and a seed.

    Args:
        compiled: the derivative.
        point: floats of its dtype.
        seed: the direction or the cotangent.
    """

    def __init__(self, compiled: Compiled, point: Sequence[np.ndarray], seed: Direction) -> None:
        self._compiled, self._floats, self._seed = compiled, point, seed
        program = compiled.slopes.program
        super().__init__(
            lambda inputs: interpret(program, Ball(), inputs),
            program.inputs,
            [*point, *compiled.arrays(seed)],
            program.outputs,
            compiled.arithmetic,
        )

    @cached_property
    def function(self) -> Truth | None:
        """The function at the point, if it can be enclosed there."""
        with precision(PRECISIONS[-1]):
            try:
                return Truth(self._compiled.primal.truth_program, self._floats, 1)
            except (CannotDecide, UnsupportedPrimitive):
                return None

    def sides(self, output: int, index: tuple[int, ...]) -> Sides:
        """The one-sided derivatives, which no derivative rule has a part in."""
        direction, cotangent = self._compiled.entry(self._seed, output, index)
        if self.function is not None:
            with precision(PRECISIONS[-1]), contextlib.suppress(CannotDecide, UnsupportedPrimitive):
                return self.function.sides(direction, 1, cotangent)
        return Sides(arb.nan(), arb.nan())


def judge_derivative(
    exact: TrueDerivatives, output: int, index: tuple[int, ...], value: float
) -> FloatJudgement | None:
    """Judges one float; None where the function has no derivative to be held against.

    Args:
        exact: the true values.
        output: which output of the derivative program.
        index: the entry of it.
        value: what the compiled program returned there.
    """
    found, reason = None, "no derivative is known there"
    try:
        found = judge_by_formula(exact, output, index, value)
    except (CannotDecide, UnsupportedPrimitive) as error:
        reason = str(error)
    if found is None:
        with precision(PRECISIONS[-1]):
            found = _by_sides(exact, output, index, value, reason)
    if found.reason == BEYOND:  # no float is right there, and none is held against a rule
        return FloatJudgement("STABLE", truth=found.truth)
    if found.stable or exact.function is None or exact.function.defined:
        return found
    return None


def _by_sides(
    exact: TrueDerivatives, output: int, index: tuple[int, ...], value: float, reason: str
) -> FloatJudgement:
    """The judgement where the formula has no value: any float between the sides is right."""
    sides, largest = exact.sides(output, index), exact.largest(output)
    known, text = sides.known, str(sides)
    if not known:
        if math.isnan(value) and exact.function is not None and exact.function.defined:
            return FloatJudgement("UNSTABLE", "nan", digits=-math.inf, excess=math.inf)
        return FloatJudgement("UNKNOWN", reason)
    low, high = min(known, key=_middle), max(known, key=_middle)
    if not math.isfinite(value):
        reaches = high > largest if value > 0 else low < -largest
        if math.isinf(value) and reaches:
            return FloatJudgement("STABLE", truth=text)
        if any(t.is_finite() and not abs(t) <= largest for t in known):
            return FloatJudgement("UNKNOWN", TOO_WIDE, truth=text)
        return unstable(value, text)
    below, above = low - exact.rounding(output, low), high + exact.rounding(output, high)
    number = exact_ball(value)
    if number >= below and number <= above:
        return FloatJudgement("STABLE", truth=text)
    if sides.kink or not all(x.is_finite() for x in known):
        return FloatJudgement("UNKNOWN", "at a kink, and not between the sides", truth=text)
    if number < below or number > above:
        digits = digits_right(value, low)
        return FloatJudgement("UNSTABLE", "digits lost", False, text, digits, math.inf)
    return FloatJudgement("UNKNOWN", TOO_WIDE, truth=text)


def _middle(x: arb) -> float:
    return float(x.mid()) if x.is_finite() else math.inf if x > 0 else -math.inf
