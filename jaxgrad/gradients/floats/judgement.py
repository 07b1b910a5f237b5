"""Is a float the value of its formula, as far as it can be?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flint import arb

from jaxgrad.gradients.enclosure import FIRST_PRECISION, FURTHER_PRECISIONS, PRECISIONS
from jaxgrad.gradients.floats.allowance import TrueValues
from jaxgrad.numbers.ball import exact_ball
from jaxgrad.numbers.precision import precision

__all__ = ["BEYOND", "FloatJudgement", "digits_right", "judge_by_formula", "unstable"]

BEYOND = "the true value is beyond every float of the dtype"  # one of the reasons


@dataclass(frozen=True)
class FloatJudgement:
    """What is made of one float.

    Args:
        status: ``"STABLE"``, ``"UNSTABLE"`` or ``"UNKNOWN"``.
        reason: ``"nan"``, ``"infinite"``, ``"underflow"`` or ``"digits lost"``, or why it is
            unknown.
        grave: NaN or an infinity where the truth is another value.
        truth: the true value, a decimal string.
        digits: how many decimal digits of it are right.
        excess: the error in allowances where it is unstable, to find the worst.
    """

    status: str
    reason: str = ""
    grave: bool = False
    truth: str = "unknown"
    digits: float = math.inf
    excess: float = 0.0

    @property
    def rank(self) -> tuple[Any, ...]:
        """Larger is worse."""
        return self.grave, ("STABLE", "UNKNOWN", "UNSTABLE").index(self.status), self.excess

    @property
    def stable(self) -> bool:
        """Whether every float that was judged is within its allowance."""
        return self.status == "STABLE"

    def among(self, judged: Sequence[FloatJudgement]) -> dict[str, Any]:
        """What is told of it as the worst of several floats: how many there are, and like it."""
        alike = [x for x in judged if (x.status, x.reason) == (self.status, self.reason)]
        failed = 0 if self.stable else len(alike)
        return {**vars(self), "judged": len(judged), "failed": failed}


def judge_by_formula(
    exact: TrueValues, output: int, index: tuple[int, ...], value: float
) -> FloatJudgement | None:
    """Judges one float; None where the formula has no finite value to hold it against.

    Args:
        exact: the true values.
        output: which output of the program.
        index: the entry of it.
        value: what the compiled program returned there.

    Raises:
        CannotDecide, UnsupportedPrimitive: no true value can be enclosed.
    """
    for bits in (*PRECISIONS, *FURTHER_PRECISIONS):
        with precision(bits):
            truth = exact.values(bits)[output][index]
            found = _judge_at(exact, output, index, value, bits) if truth.is_finite() else None
        if found is not None or not truth.is_finite():
            return found
    return None


def _judge_at(
    exact: TrueValues, output: int, index: tuple[int, ...], value: float, bits: int
) -> FloatJudgement | None:
    """The judgement by a finite ball; None where it takes a higher precision."""
    truth, largest = exact.values(bits)[output][index], exact.largest(output)
    text, digits = truth.str(10, radius=False), digits_right(value, truth)
    right_way = bool(truth * value > 0)
    error = abs(exact_ball(value) - truth) if math.isfinite(value) else largest - abs(truth)
    if abs(truth) > largest and (right_way or math.isnan(value)):
        if math.isinf(value):
            return FloatJudgement("STABLE", truth=text)
        if math.isnan(value) or not error <= exact.rounding(output, truth):
            return FloatJudgement("UNKNOWN", BEYOND, truth=text)
    if math.isnan(value):
        return unstable(value, text) if abs(truth) <= largest else None
    wrong_way = math.isinf(value) and bool(truth * math.copysign(1, value) < 0)
    bounded, allowance = True, arb(0)
    for allowance in exact.allowances(output, index, bits):
        if not wrong_way and error <= allowance:
            return FloatJudgement("STABLE", truth=text, digits=digits)
        bounded = bounded and allowance.is_finite()
    if not bounded:
        reason = "ill-conditioned beyond all bounds"
        return FloatJudgement("UNKNOWN", reason, truth=text, digits=digits)
    if not (wrong_way or error > allowance):
        return None
    if math.isfinite(value):
        allowance = allowance.max(exact.furthest(output, index, bits))
        if not error > allowance:
            return FloatJudgement("STABLE", truth=text, digits=digits)
    excess = float((error / allowance).mid()) if allowance > 0 else math.inf
    return unstable(value, text, digits, excess)


def unstable(
    value: float, truth: str, digits: float = -math.inf, excess: float = math.inf
) -> FloatJudgement:
    """The judgement of a float that is beyond its allowance."""
    if math.isfinite(value):
        reason = "underflow" if value == 0 else "digits lost"
        return FloatJudgement("UNSTABLE", reason, False, truth, digits, excess)
    reason = "nan" if math.isnan(value) else "infinite"
    return FloatJudgement("UNSTABLE", reason, True, truth, -math.inf, math.inf)


def digits_right(value: float, truth: arb) -> float:
    """How many decimal digits of a true value a float has; infinite where they are equal."""
    if not math.isfinite(value) or not truth.is_finite():
        return -math.inf
    with precision(FIRST_PRECISION):
        error = abs(exact_ball(value) - truth).mid()
        if error == 0:
            return math.inf
        if truth.mid() == 0:
            return -math.inf
        return -float((error / abs(truth).mid()).log().mid()) / math.log(10)
