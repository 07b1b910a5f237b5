"""Every way in which one number of a rule is judged, each beside a change that turns it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb

from jaxgrad.gradients.check_grads import check
from jaxgrad.gradients.enclosure import ENOUGH_BITS, FIRST_PRECISION
from jaxgrad.gradients.rules.judgement import (
    _TABLE,
    SOME_BITS,
    Hides,
    Judgement,
    _Case,
    agreement,
    judge,
    judge_value,
)
from jaxgrad.gradients.rules.truth import DIGITS, Sides
from jaxgrad.numbers.precision import precision
from jaxgrad.verdict import Verdict

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

    def judged(self) -> Judgement:
        return judge(
            self.value,
            Sides(right=self.right, left=self.left),
            self.tiny,
            _returns(self.floats),
            _hiding(self.hides),
            _returns(self.around),
        )


def _returns(found: Any) -> Callable[[], Any]:
    return found if callable(found) else lambda: found


def _hiding(allowed: Any) -> Hides:
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
    "what a composition may be given is not known": (
        Case(arb(3), arb(0), arb(1), hides=0.0, around=[arb(0, 1), NAN]),
        "UNDECIDED", {"around": [arb(0, 1), arb(0, 2)]}, "REFUTED",
    ),
    "a hull that is not finite holds nothing": (
        Case(arb(3), arb(0), arb(1), hides=0.0, around=[NAN, arb(0, INF)]),
        "UNDECIDED", {"around": [NAN, arb(0, 5)]}, "AGREES",
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
    callables = _returns(asked.pop("floats")), _hiding(asked.pop("hides"))
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


def test_every_row_of_the_table_is_the_one_of_some_case() -> None:
    seen = set()
    with precision(FIRST_PRECISION):
        for case, _, change, _ in TABLE.values():
            for one in (case, replace(case, **change)):
                sides = Sides(right=one.right, left=one.left)
                asked = _Case(
                    one.value,
                    sides,
                    one.tiny,
                    _returns(one.floats),
                    _hiding(one.hides),
                    _returns(one.around),
                )
                seen.add(next(i for i, row in enumerate(_TABLE) if row.holds(asked)))
    assert seen == set(range(len(_TABLE)))


@pytest.mark.parametrize(
    ("case", "hidden"),
    [
        (Case(near(1, AGREED), **both(1), hides=HIDING), True),
        (Case(near(1, AGREED), arb(-1), arb(1), hides=HIDING), True),
        (Case(near(3, 20), arb(-1), arb(1), hides=1e-5, around=HULLS), True),
        (Case(arb(3), arb(0), arb(1), hides=0.0, around=[arb(3, 1)]), False),
        (Case(arb(1), **both(1)), False),
    ],
)
def test_what_rounding_hides_is_said_to_be_hidden(case: Case, hidden: bool) -> None:
    with precision(FIRST_PRECISION):
        found = case.judged()
        assert found.verdict is Verdict.AGREES and found.hidden is hidden
        value = judged_value(value=near(1, AGREED), hides=HIDING)
        assert value.hidden and not judged_value().hidden


def test_a_kink_is_said_to_be_one() -> None:
    assert Case(arb(0), arb(-1), arb(1)).judged().kink
    assert not Case(arb(1), arb(1), arb(1)).judged().kink
    composed = Case(arb(3), **both(1), hides=0.0, around=[arb(3)]).judged()
    assert composed.kink and composed.verdict is Verdict.AGREES


def test_bits_are_those_to_which_it_agrees() -> None:
    with precision(FIRST_PRECISION):
        apart = Case(near(1, AGREED), **both(1), hides=HIDING).judged()
        assert AGREED - 1 <= apart.bits <= AGREED + 1
        radius = Case(arb(1, 2.0**-AGREED), **both(1)).judged()
        assert AGREED - 2 <= radius.bits <= AGREED + 1
        left = Case(arb(1), arb(1, 2.0**-50), arb(1, 2.0**-AGREED)).judged()
        assert AGREED - 2 <= left.bits <= AGREED + 1
        assert Case(arb(0), arb(-1), arb(1)).judged().bits == math.inf


def test_a_number_at_a_kink_is_as_near_as_to_the_nearer_side() -> None:
    with precision(FIRST_PRECISION):
        found = Case(near(1, AGREED), arb(-1), arb(1), hides=HIDING).judged()
        assert found.kink and AGREED - 1 <= found.bits <= AGREED + 1


@pytest.mark.parametrize("scale", [1, -1])
def test_just_as_much_as_rounding_may_do_is_hidden(scale: int) -> None:
    with precision(FIRST_PRECISION):
        case = Case(near(scale, AGREED), **both(scale), around=[])
        size = 2.0**-AGREED
        assert replace(case, hides=size).judged().verdict is Verdict.AGREES
        less = math.nextafter(size, 0)
        assert replace(case, hides=less).judged().verdict is Verdict.REFUTED


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
        given = {"value": value, "truth": truth}
        assert judged_value(**given, bits=bits).verdict is Verdict.AGREES
        assert judged_value(**given, bits=more, hides=0.0).verdict is Verdict.REFUTED


@pytest.mark.parametrize("large, small", [(1.0, 0.5), (-1.0, -0.5), (0.5, 1.0), (-0.5, -1.0)])
def test_a_number_as_large_as_the_least_float_counts(large: float, small: float) -> None:
    for tiny, verdict in ((1.0, Verdict.REFUTED), (math.nextafter(1.0, 2), Verdict.UNDECIDED)):
        found = judged_value(value=arb(large), truth=arb(small), tiny=tiny, hides=0.0)
        assert found.verdict is verdict
        assert Case(arb(large), **both(small), tiny=tiny, **APART).judged().verdict is verdict


def test_beside_what_kinks_may_be_given_some_bits_have_to_be_right():
    """relu(x − 10⁶) where it ties, with a slope that far from it is not that of either side."""

    def check_at(slope):
        function = jax.custom_jvp(lambda x: jax.nn.relu(x - 1e6))
        function.defjvp(lambda p, t: (function(*p), slope(p[0]) * t[0]))
        return check(function, (np.float32(1e6),), special_points=False)

    assert check_at(lambda x: 5 + (x - 1e6) * 100).verdict is not Verdict.AGREES
    assert check_at(lambda x: jnp.where(x > 1e6, 1.0, 0.0)).verdict.passes


@pytest.mark.parametrize(("flushed", "verdict"), [(1e-38, "AGREES"), (1e-41, "UNDECIDED")])
def test_of_what_every_float_makes_0_no_bit_has_to_be_right(flushed: float, verdict: str) -> None:
    sides = Sides(right=arb(2e-40), left=arb(2e-40))
    found = judge(arb(1e-40), sides, 0.0, not_asked, lambda _: True, lambda: [], flushed)
    assert found.verdict is Verdict[verdict]
