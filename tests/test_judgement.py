"""Every way in which one number of a rule is judged, each beside a change that turns it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from judgement_cases import (
    AGREED,
    APART,
    HIDING,
    HULLS,
    INF,
    TABLE,
    VALUES,
    Case,
    both,
    hiding,
    judged_value,
    near,
    not_asked,
    returns,
)

from jaxgrad.gradients.check_grads import check
from jaxgrad.gradients.enclosure import FIRST_PRECISION
from jaxgrad.gradients.rules.judgement import (
    _TABLE,
    _Case,
    agreement,
    judge,
)
from jaxgrad.gradients.rules.sides import DIGITS, Sides
from jaxgrad.numbers.precision import precision
from jaxgrad.verdict import Verdict


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
                    returns(one.floats),
                    hiding(one.hides),
                    returns(one.around),
                    negligible=one.negligible,
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
