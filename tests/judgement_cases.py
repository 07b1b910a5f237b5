"""The cases of a judgement: each with its verdict, and with a change that turns it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flint import arb

from jaxgrad.gradients.enclosure import ENOUGH_BITS
from jaxgrad.gradients.rules.judgement import (
    SOME_BITS,
    Hides,
    Judgement,
    judge,
    judge_value,
)
from jaxgrad.gradients.rules.sides import Sides

NAN, INF = arb.nan(), arb.pos_inf()

# Two numbers that agree to this many bits, and what rounding may make of a number of size 1 where
# it hides that, and where it does not.
AGREED, HIDING, SMALL = 30, 2.0**-28, 2.0**-32


def not_asked(*_: Any) -> Any:
    raise AssertionError("this is asked for in other cases only")


@dataclass(frozen=True)
class Case:
    """The arguments of a judgement: the sides as (left, right), results in place of callables.

    Args:
        hides: up to which size differences are hidden; None where nobody knows.
    """

    value: arb
    left: arb
    right: arb
    tiny: float = 0.0
    floats: Any = not_asked
    hides: Any = not_asked
    around: Any = not_asked
    negligible: float = 0.0

    def judged(self) -> Judgement:
        return judge(
            self.value,
            Sides(right=self.right, left=self.left),
            self.tiny,
            returns(self.floats),
            hiding(self.hides),
            returns(self.around),
            negligible=self.negligible,
        )


def returns(found: Any) -> Callable[[], Any]:
    return found if callable(found) else lambda: found


def hiding(allowed: Any) -> Hides:
    if allowed is not_asked:
        return not_asked
    return lambda difference: None if allowed is None else bool(difference <= allowed)


def both(x: Any) -> dict[str, arb]:
    return {"left": arb(x), "right": arb(x)}


def near(x: float, bits: int) -> arb:
    """A number apart from x by one part in 2^bits."""
    return arb(x) * (1 + arb(2) ** -bits)


APART = {"hides": 0.0, "around": []}

HULLS = [arb(9), arb(0, 3)]

# Name: a case, its verdict, the change of the case, the verdict then.
TABLE: dict[str, tuple[Case, str, dict[str, Any], str]] = {
    "nothing is known of either side": (
        Case(arb(1), NAN, NAN), "UNDECIDED", {"right": arb(1)}, "AGREES"
    ),
    "one side is known, and the rule gives it": (
        Case(arb(1), NAN, arb(1)), "AGREES", {"right": arb(2), **APART}, "REFUTED"
    ),
    "the formula is no number, JAX computes one": (
        Case(NAN, **both(1), floats=1.0), "UNDECIDED", {"floats": math.nan}, "REFUTED"
    ),
    "both are infinite": (
        Case(INF, **both(INF), floats=math.inf), "AGREES", {"floats": -math.inf}, "REFUTED"
    ),
    "both are infinite downwards": (
        Case(-INF, **both(-INF), floats=-math.inf), "AGREES", {**both(INF)}, "REFUTED"
    ),
    "infinite from one side": (
        Case(INF, arb(1), INF, floats=math.inf), "AGREES", {"right": arb(1)}, "REFUTED"
    ),
    "the formula is infinite, JAX computes NaN": (
        Case(INF, **both(INF), floats=math.nan), "REFUTED", {"floats": math.inf}, "AGREES"
    ),
    "infinite downwards, JAX computes NaN": (
        Case(-INF, **both(-INF), floats=math.nan), "REFUTED", {"floats": -math.inf}, "AGREES"
    ),
    "the formula is infinite where the truth is not": (
        Case(INF, **both(1), floats=math.inf), "REFUTED", {"floats": 1e30}, "UNDECIDED"
    ),
    "between the sides of a kink": (
        Case(arb(0), arb(-1), arb(1)), "AGREES", {"left": arb("0.5"), **APART}, "REFUTED"
    ),
    "at the other end of a kink": (
        Case(arb(1), arb(1), arb(-1)), "AGREES", {"value": arb("1.1"), **APART}, "REFUTED"
    ),
    "below a side that is infinite": (
        Case(arb(7), arb(1), INF), "AGREES", {"right": arb(2), **APART}, "REFUTED"
    ),
    "above a side that is infinite downwards": (
        Case(arb(-7), arb(1), -INF), "AGREES", {"right": arb(2), **APART}, "REFUTED"
    ),
    "finite where the truth is infinite": (
        Case(arb(7), **both(INF), hides=not_asked, around=[]), "REFUTED",
        {"left": arb(7)}, "AGREES",
    ),
    "equal": (Case(arb(1), **both(1)), "AGREES", {**both(3), **APART}, "REFUTED"),
    "equal to enough bits": (
        Case(arb(1, 2.0 ** -(ENOUGH_BITS + 2)), **both(1)), "AGREES",
        {"value": arb(1, 2.0 ** -(ENOUGH_BITS - 2))}, "UNDECIDED",
    ),
    "zero, to twice as many": (
        Case(arb(0, 2.0 ** -(2 * ENOUGH_BITS + 2)), **both(0)), "AGREES",
        {"value": arb(0, 2.0 ** -(2 * ENOUGH_BITS - 3))}, "UNDECIDED",
    ),
    "one side to too few bits": (
        Case(arb(1), arb(1), arb(1, 0.5)), "UNDECIDED", {"right": arb(1)}, "AGREES"
    ),
    "too wide, and 0 in floats on both sides": (
        Case(arb(0, 1e-20), **both(arb(0, 1e-20)), negligible=1e-15), "AGREES",
        {"negligible": 1e-20}, "UNDECIDED",
    ),
    "too wide, and 0 in floats on one side alone": (
        Case(arb(0, 1e-20), **both(arb(0, 1e-10)), negligible=1e-15), "UNDECIDED",
        {"negligible": 1e-9}, "AGREES",
    ),
    "apart, though both are 0 in floats": (
        Case(arb("1e-20"), **both("2e-20"), negligible=1e-15, **APART), "REFUTED",
        {"value": arb("2e-20")}, "AGREES",
    ),
    "apart by what rounding hides": (
        Case(near(1, AGREED), **both(1), hides=HIDING), "AGREES",
        {"hides": SMALL, "around": []}, "REFUTED",
    ),
    "apart by what rounding hides, below both": (
        Case(near(-1, AGREED), **both(-1), hides=HIDING), "AGREES",
        {"hides": SMALL, "around": []}, "REFUTED",
    ),
    "not a bit in common, and rounding hides it": (
        Case(arb(-1), **both(1), hides=2.5, around=[]), "UNDECIDED", {"hides": 1.5}, "REFUTED"
    ),
    "one side is known, and rounding hides how far it is": (
        Case(near(1, AGREED), NAN, arb(1), hides=HIDING), "AGREES",
        {"hides": SMALL, "around": []}, "REFUTED",
    ),
    "beyond a kink by what rounding hides": (
        Case(near(1, AGREED), arb(-1), arb(1), hides=HIDING), "AGREES",
        {"hides": SMALL, "around": []}, "REFUTED",
    ),
    "below a kink by what rounding hides": (
        Case(near(-1, AGREED), arb(-1), arb(1), hides=HIDING), "AGREES",
        {"hides": SMALL, "around": []}, "REFUTED",
    ),
    "one side of one number is hidden": (
        Case(near(1, AGREED), arb(1, 0.125), arb(1) - 2.0**-AGREED, hides=2.0**-29.5, around=[]),
        "UNDECIDED", {"left": arb(1) - 2.0**-AGREED, "hides": HIDING}, "AGREES",
    ),
    "a composition of kinks may give it": (
        Case(arb(3), arb(0), arb(1), hides=0.0, around=[arb(9), arb(3, 1)]),
        "AGREES", {"around": [arb(9)]}, "REFUTED",
    ),
    "a hull that is not finite holds nothing": (
        Case(arb(3), arb(0), arb(1), hides=0.0, around=[NAN, arb(0, INF)]),
        "REFUTED", {"around": [NAN, arb(0, 5)]}, "AGREES",
    ),
    "beyond a hull by what rounding hides": (
        Case(near(3, 20), arb(-1), arb(1), hides=1e-5, around=HULLS), "AGREES",
        {"hides": 1e-6}, "REFUTED",
    ),
    "below a hull by what rounding hides": (
        Case(near(-3, 20), arb(-1), arb(1), hides=1e-5, around=HULLS), "AGREES",
        {"hides": 1e-6}, "REFUTED",
    ),
    "below every float": (
        Case(arb("1e-50"), **both("2e-50"), tiny=1e-45, **APART), "UNDECIDED",
        {"tiny": 1e-55}, "REFUTED",
    ),
    "the truth alone is below every float": (
        Case(arb(1), **both("2e-50"), tiny=1e-45, **APART), "REFUTED",
        {"value": arb("1e-50")}, "UNDECIDED",
    ),
    "the rule alone is below every float": (
        Case(arb("1e-50"), **both(1), tiny=1e-45, **APART), "REFUTED",
        {**both("2e-50")}, "UNDECIDED",
    ),
    "the rule is not certainly below every float": (
        Case(arb(2, 1.5), **both("1e-50"), tiny=3.0, **APART), "REFUTED", {"tiny": 4.0}, "UNDECIDED"
    ),
    "the truth is not certainly below every float": (
        Case(arb("1e-50"), arb(2, 1.5), arb(2, 1.5), tiny=3.0, **APART), "REFUTED",
        {"tiny": 4.0}, "UNDECIDED",
    ),
    "nobody knows what rounding does": (
        Case(near(1, SOME_BITS + 2), **both(1), hides=None, around=[]), "UNDECIDED",
        {"value": near(1, SOME_BITS - 2)}, "REFUTED",
    ),
    "nobody knows what rounding does beyond a kink": (
        Case(near(1, AGREED), arb(-1), arb(1), hides=None, around=[]), "UNDECIDED",
        {"value": arb(2)}, "REFUTED",
    ),
    "nobody knows what rounding does beyond a hull": (
        Case(near(3, 20), arb(-1), arb(1), hides=None, around=HULLS), "UNDECIDED",
        {"value": arb(5)}, "REFUTED",
    ),
    "another number": (Case(arb(2), **both(1), **APART), "REFUTED", {"value": arb(1)}, "AGREES"),
    "beyond a kink": (
        Case(arb(2), arb(-1), arb(1), **APART), "REFUTED", {"value": arb(0.5)}, "AGREES"
    ),
    "below a kink": (
        Case(arb(-2), arb(-1), arb(1), **APART), "REFUTED", {"left": arb(-2)}, "AGREES"
    ),
}  # fmt: skip

VALUES: dict[str, tuple[dict[str, Any], str, dict[str, Any], str]] = {
    "equal": ({}, "AGREES", {"truth": arb(3), "hides": 0.0}, "REFUTED"),
    "no number, JAX computes one": (
        {"value": NAN, "floats": 1.0}, "UNDECIDED", {"floats": math.nan}, "REFUTED"
    ),
    "the same float": (
        {"value": near(1, AGREED), "bits": AGREED - 2}, "AGREES",
        {"bits": AGREED + 2, "hides": 0.0}, "REFUTED",
    ),
    "not known to enough bits": (
        {"value": arb(1, 0.5)}, "UNDECIDED", {"value": arb(1)}, "AGREES"
    ),
    "apart by what rounding hides": (
        {"value": near(1, AGREED), "hides": HIDING}, "AGREES", {"hides": SMALL}, "REFUTED",
    ),
    "nobody knows what rounding does": (
        {"value": near(1, SOME_BITS + 2), "hides": None}, "UNDECIDED",
        {"value": near(1, SOME_BITS - 2)}, "REFUTED",
    ),
    "below every float": (
        {"value": arb("1e-50"), "truth": arb("2e-50"), "tiny": 1e-45, "hides": 0.0}, "UNDECIDED",
        {"tiny": 1e-55}, "REFUTED",
    ),
    "the truth alone is below every float": (
        {"truth": arb("1e-50"), "tiny": 1e-45, "hides": 0.0}, "REFUTED",
        {"value": arb("2e-50")}, "UNDECIDED",
    ),
    "the rule alone is below every float": (
        {"value": arb("1e-50"), "tiny": 1e-45, "hides": 0.0}, "REFUTED",
        {"truth": arb("2e-50")}, "UNDECIDED",
    ),
    "the rule is not certainly below every float": (
        {"value": arb(2, 1.5), "truth": arb("1e-50"), "tiny": 3.0, "hides": 0.0}, "REFUTED",
        {"tiny": 4.0}, "UNDECIDED",
    ),
    "the truth is not certainly below every float": (
        {"value": arb("1e-50"), "truth": arb(2, 1.5), "tiny": 3.0, "hides": 0.0}, "REFUTED",
        {"tiny": 4.0}, "UNDECIDED",
    ),
}  # fmt: skip


def judged_value(**given: Any) -> Judgement:
    """The judgement of a value, which is 1 and right where nothing else is given."""
    right = {"value": arb(1), "truth": arb(1), "bits": ENOUGH_BITS, "tiny": 0.0}
    asked = {"floats": not_asked, "hides": not_asked, **given}
    callables = returns(asked.pop("floats")), hiding(asked.pop("hides"))
    values: Any = {**right, **asked}
    return judge_value(*values.values(), *callables)
