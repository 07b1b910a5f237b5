"""Every way in which one number of a rule is judged, each beside a change that turns it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from flint import arb

from jaxgrad.gradients.enclosure import ENOUGH_BITS, FIRST_PRECISION
from jaxgrad.gradients.rules.judgement import Judgement, agreement, judge, judge_value
from jaxgrad.gradients.rules.truth import DIGITS, Sides
from jaxgrad.numbers.precision import precision
from jaxgrad.verdict import Verdict

NAN, INF = arb.nan(), arb.pos_inf()
# Two numbers that agree to this many bits, and fewer than a rounded constant has to.
AGREED, LEAST = 30, 20
COARSE = 25  # beside the end of a ball, the radius of which has 30 bits


def not_asked(*_: Any) -> Any:
    raise AssertionError("this is asked for in other cases only")


@dataclass(frozen=True)
class Case:
    """The arguments of a judgement: the sides as (left, right), results in place of callables."""

    value: arb
    left: arb
    right: arb
    least_bits: float = LEAST
    tiny: float = 0.0
    floats: Any = not_asked
    rounded: Any = not_asked
    around: Any = not_asked

    def judged(self) -> Judgement:
        return judge(
            self.value,
            Sides(right=self.right, left=self.left),
            self.least_bits,
            self.tiny,
            *(_returns(found) for found in (self.floats, self.rounded, self.around)),
        )


def _returns(found: Any) -> Callable[[], Any]:
    return found if callable(found) else lambda: found


def both(x: Any) -> dict[str, arb]:
    return {"left": arb(x), "right": arb(x)}


def near(x: float, bits: int) -> arb:
    """A number apart from x by one part in 2^bits."""
    return arb(x) * (1 + arb(2) ** -bits)


APART = {"rounded": (arb(1), Sides(arb(2), arb(2))), "around": []}
MEET = (arb(1, 0.5), Sides(arb(1), arb(1)))
AT_KINK = (arb(1, 0.1), Sides(right=arb(1), left=arb(-1)))
HULLS = [arb(9), arb(0, 3)]
APART_VALUES = {"rounded": (arb(1), arb(2))}

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
    "apart but for rounded constants": (
        Case(near(1, AGREED), **both(1), rounded=MEET), "AGREES",
        {**APART}, "REFUTED",
    ),
    "apart but for rounded constants, below both": (
        Case(near(-1, AGREED), **both(-1), rounded=MEET), "AGREES",
        {**APART}, "REFUTED",
    ),
    "to too few bits for rounded constants": (
        Case(near(1, AGREED), **both(1), least_bits=AGREED + 5, rounded=MEET), "UNDECIDED",
        {"least_bits": AGREED - 5}, "AGREES",
    ),
    "not a bit in common": (
        Case(arb(-1), **both(1), rounded=MEET, around=[]), "REFUTED",
        {"value": near(1, AGREED)}, "AGREES",
    ),
    "rounded constants make one side of it unknown": (
        Case(near(1, AGREED), **both(1), rounded=(arb(1, 0.5), None), around=[]), "REFUTED",
        {"rounded": MEET}, "AGREES",
    ),
    "rounded constants leave nothing known": (
        Case(near(1, AGREED), **both(1), rounded=(arb(1, 0.5), Sides(NAN, NAN)), around=[]),
        "REFUTED", {"rounded": MEET}, "AGREES",
    ),
    "rounded constants make it no number": (
        Case(near(1, AGREED), **both(1), rounded=(NAN, Sides(arb(1), arb(1))), around=[]),
        "REFUTED", {"rounded": MEET}, "AGREES",
    ),
    "rounded constants meet one side of two": (
        Case(near(1, AGREED), **both(1), rounded=(arb(1, 0.1), Sides(arb(1), arb(3))), around=[]),
        "REFUTED", {"rounded": MEET}, "AGREES",
    ),
    "a composition of kinks may give it": (
        Case(arb(3), arb(0), arb(1), around=[arb(9), arb(3, 1)], rounded=APART["rounded"]),
        "AGREES", {"around": [arb(9)]}, "REFUTED",
    ),
    "a hull that is not finite holds nothing": (
        Case(arb(3), arb(0), arb(1), around=[NAN, arb(0, INF)], rounded=APART["rounded"]),
        "REFUTED", {"around": [NAN, arb(0, 5)]}, "AGREES",
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
    "another number": (Case(arb(2), **both(1), **APART), "REFUTED", {"value": arb(1)}, "AGREES"),
    "beyond a kink": (
        Case(arb(2), arb(-1), arb(1), **APART), "REFUTED", {"value": arb(0.5)}, "AGREES"
    ),
    "below a kink": (
        Case(arb(-2), arb(-1), arb(1), **APART), "REFUTED", {"left": arb(-2)}, "AGREES"
    ),
    "beyond a kink but for rounded constants": (
        Case(near(1, AGREED), arb(-1), arb(1), rounded=AT_KINK, around=[]), "AGREES",
        {"rounded": (near(1, AGREED), AT_KINK[1])}, "REFUTED",
    ),
    "below a kink but for rounded constants": (
        Case(near(-1, AGREED), arb(-1), arb(1), rounded=(arb(-1, 0.1), AT_KINK[1]), around=[]),
        "AGREES", {"rounded": (near(-1, AGREED), AT_KINK[1])}, "REFUTED",
    ),
    "beyond a kink to too few bits for rounded constants": (
        Case(near(1, AGREED), arb(-1), arb(1), AGREED + 5, rounded=AT_KINK, around=[]), "REFUTED",
        {"least_bits": AGREED - 5}, "AGREES",
    ),
    "beyond a kink of which rounded constants leave one side": (
        Case(near(1, AGREED), arb(-1), arb(1), rounded=(AT_KINK[0], Sides(arb(3), NAN)), around=[]),
        "REFUTED", {"rounded": AT_KINK}, "AGREES",
    ),
    "beyond a kink of which rounded constants leave nothing": (
        Case(near(1, AGREED), arb(-1), arb(1), rounded=(AT_KINK[0], None), around=[]),
        "REFUTED", {"rounded": AT_KINK}, "AGREES",
    ),
    "beyond a kink, and rounded constants make it no number": (
        Case(near(1, AGREED), arb(-1), arb(1), rounded=(NAN, AT_KINK[1]), around=[]),
        "REFUTED", {"rounded": AT_KINK}, "AGREES",
    ),
    "beyond a hull but for rounded constants": (
        Case(near(3, COARSE), arb(-1), arb(1), rounded=(arb(3, 0.1), AT_KINK[1]), around=HULLS),
        "AGREES", {"rounded": (near(3, COARSE), AT_KINK[1])}, "REFUTED",
    ),
    "below a hull but for rounded constants": (
        Case(near(-3, COARSE), arb(-1), arb(1), rounded=(arb(-3, 0.1), AT_KINK[1]), around=HULLS),
        "AGREES", {"rounded": (near(-3, COARSE), AT_KINK[1])}, "REFUTED",
    ),
    "beyond a hull to too few bits for rounded constants": (
        Case(
            near(3, COARSE), arb(-1), arb(1), COARSE + 3, rounded=(arb(3, 0.1), AT_KINK[1]),
            around=HULLS,
        ), "REFUTED", {"least_bits": COARSE - 3}, "AGREES",
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
        Case(arb(7), **both(INF), **APART), "REFUTED", {"left": arb(7)}, "AGREES"
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
}  # fmt: skip


VALUES: dict[str, tuple[dict[str, Any], str, dict[str, Any], str]] = {
    "equal": ({}, "AGREES", {"truth": arb(3), **APART_VALUES}, "REFUTED"),
    "no number, JAX computes one": (
        {"value": NAN, "floats": 1.0}, "UNDECIDED", {"floats": math.nan}, "REFUTED"
    ),
    "the same float": (
        {"value": near(1, AGREED), "bits": (AGREED - 2, LEAST)}, "AGREES",
        {"bits": (AGREED + 2, LEAST), **APART_VALUES}, "REFUTED",
    ),
    "not known to enough bits": (
        {"value": arb(1, 0.5)}, "UNDECIDED", {"value": arb(1)}, "AGREES"
    ),
    "apart but for rounded constants": (
        {"value": near(1, AGREED), "rounded": (arb(1, 0.5), arb(1))}, "AGREES",
        APART_VALUES, "REFUTED",
    ),
    "to too few bits for rounded constants": (
        {"value": near(1, LEAST - 5), "rounded": (arb(1, 0.5), arb(1))}, "REFUTED",
        {"value": near(1, LEAST + 5)}, "AGREES",
    ),
    "below every float": (
        {"value": arb("1e-50"), "truth": arb("2e-50"), "tiny": 1e-45, **APART_VALUES}, "UNDECIDED",
        {"tiny": 1e-55}, "REFUTED",
    ),
    "the truth alone is below every float": (
        {"truth": arb("1e-50"), "tiny": 1e-45, **APART_VALUES}, "REFUTED",
        {"value": arb("2e-50")}, "UNDECIDED",
    ),
    "the rule alone is below every float": (
        {"value": arb("1e-50"), "tiny": 1e-45, **APART_VALUES}, "REFUTED",
        {"truth": arb("2e-50")}, "UNDECIDED",
    ),
    "the rule is not certainly below every float": (
        {"value": arb(2, 1.5), "truth": arb("1e-50"), "tiny": 3.0, **APART_VALUES}, "REFUTED",
        {"tiny": 4.0}, "UNDECIDED",
    ),
    "the truth is not certainly below every float": (
        {"value": arb("1e-50"), "truth": arb(2, 1.5), "tiny": 3.0, **APART_VALUES}, "REFUTED",
        {"tiny": 4.0}, "UNDECIDED",
    ),
}  # fmt: skip


def judged_value(**given: Any) -> Judgement:
    """The judgement of a value, which is 1 and right where nothing else is given."""
    right = {"value": arb(1), "truth": arb(1), "bits": (ENOUGH_BITS, LEAST), "tiny": 0.0}
    asked = {"floats": not_asked, "rounded": not_asked, **given}
    callables = [_returns(asked.pop(name)) for name in ("floats", "rounded")]
    values: Any = {**right, **asked}
    return judge_value(*values.values(), *callables)


@pytest.mark.parametrize("case, verdict, change, other", VALUES.values(), ids=VALUES)
def test_a_value_is_judged_and_a_change_turns_it(
    case: dict[str, Any], verdict: str, change: dict[str, Any], other: str
) -> None:
    with precision(FIRST_PRECISION):
        assert judged_value(**case).verdict is Verdict[verdict]
        assert judged_value(**(case | change)).verdict is Verdict[other]
    assert verdict != other


@pytest.mark.parametrize("case, verdict, change, other", TABLE.values(), ids=TABLE)
def test_a_number_is_judged_and_a_change_turns_it(
    case: Case, verdict: str, change: dict[str, Any], other: str
) -> None:
    with precision(FIRST_PRECISION):
        assert case.judged().verdict is Verdict[verdict]
        assert replace(case, **change).judged().verdict is Verdict[other]
    assert verdict != other


def test_a_kink_is_said_to_be_one() -> None:
    assert Case(arb(0), arb(-1), arb(1)).judged().kink
    assert not Case(arb(1), arb(1), arb(1)).judged().kink
    composed = Case(arb(3), **both(1), around=[arb(3)], rounded=APART["rounded"]).judged()
    assert composed.kink and composed.verdict is Verdict.AGREES


def test_bits_are_those_to_which_it_agrees() -> None:
    with precision(FIRST_PRECISION):
        apart = Case(near(1, AGREED), **both(1), rounded=MEET).judged()
        assert AGREED - 1 <= apart.bits <= AGREED + 1
        radius = Case(arb(1, 2.0**-AGREED), **both(1)).judged()
        assert AGREED - 2 <= radius.bits <= AGREED + 1
        left = Case(arb(1), arb(1, 2.0**-50), arb(1, 2.0**-AGREED)).judged()
        assert AGREED - 2 <= left.bits <= AGREED + 1
        assert Case(arb(0), arb(-1), arb(1)).judged().bits == math.inf


@pytest.mark.parametrize("scale", [1, -1])
def test_just_as_many_bits_as_are_asked_for_are_enough(scale: int) -> None:
    with precision(FIRST_PRECISION):
        case = Case(near(scale, AGREED), **both(scale), rounded=MEET)
        bits = case.judged().bits
        assert replace(case, least_bits=bits).judged().verdict is Verdict.AGREES
        more = math.nextafter(bits, math.inf)
        assert replace(case, least_bits=more).judged().verdict is Verdict.UNDECIDED


def test_a_refuted_number_is_told_with_the_digits_that_differ() -> None:
    with precision(FIRST_PRECISION):
        found = Case(near(1, 60), **both(1), **APART).judged()
        assert found.verdict is Verdict.REFUTED
        # 2^-60 is 8.7e-19: to DIGITS the two would be the same.
        assert "1.00000000000000000087" in found.value and DIGITS < 18
        assert found.truth.startswith("1.00000000000000000000")
    assert Case(INF, **both(1), floats=math.nan).judged().value == "nan"
    sides = Case(arb(5), arb(-1), arb(1), **APART).judged().truth
    assert sides == "-1.00000000000 from the left and 1.00000000000 from the right"


@pytest.mark.parametrize("truth", [arb(1), arb(-1)])
def test_a_value_needs_no_more_bits_than_are_asked_for(truth: arb) -> None:
    with precision(FIRST_PRECISION):
        value = near(float(truth), AGREED)
        bits = agreement(value, truth)
        more = math.nextafter(bits, math.inf)
        meet = {"value": value, "truth": truth, "rounded": (truth, truth)}
        assert judged_value(**{**meet, "bits": (bits, math.inf)}).verdict is Verdict.AGREES
        assert judged_value(**{**meet, "bits": (more, bits)}).verdict is Verdict.AGREES
        assert judged_value(**{**meet, "bits": (more, more)}).verdict is Verdict.REFUTED


@pytest.mark.parametrize("large, small", [(1.0, 0.5), (-1.0, -0.5), (0.5, 1.0), (-0.5, -1.0)])
def test_a_number_as_large_as_the_least_float_counts(large: float, small: float) -> None:
    for tiny, verdict in ((1.0, Verdict.REFUTED), (math.nextafter(1.0, 2), Verdict.UNDECIDED)):
        found = judged_value(value=arb(large), truth=arb(small), tiny=tiny, **APART_VALUES)
        assert found.verdict is verdict
        assert Case(arb(large), **both(small), tiny=tiny, **APART).judged().verdict is verdict
