"""The truth that derivative rules are held against: sides, their sums, and limits beside a kink."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb

from jaxgrad.gradients.rules.beyond import Beyond, beyond
from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.rules.sides import Sides
from jaxgrad.gradients.rules.truth import Truth
from jaxgrad.programs.trace import trace

NONE = arb.nan()
UP, DOWN = arb("inf"), arb("-inf")


def truth(function: Any, *values: float, order: int = 2) -> Truth:
    point = np.array(values, np.float32)
    return Truth(trace(function, (point,)), [point], order)


# A union is a midpoint with a radius of 30 bits, here of numbers below 16.
RADIUS = 16 * 2.0**-29


def ends(x: arb) -> tuple[float, float]:
    return float(x.lower()), float(x.upper())


def along(*entries: float) -> Direction:
    return Direction([np.array(entries)])


@pytest.mark.parametrize(
    ("right", "left", "known", "kink", "text"),
    [
        (arb(1), arb(1), 2, False, "1.00000000000"),
        (arb(1), arb(-1), 2, True, "-1.00000000000 from the left and 1.00000000000 from the right"),
        (arb(2), NONE, 1, False, "2.00000000000 from one side"),
        (NONE, arb(2), 1, False, "2.00000000000 from one side"),
        (NONE, NONE, 0, False, "unknown"),
        (arb(0), arb(0), 2, False, "0"),
        (arb(2) ** -1000, NONE, 1, False, "[9.33263618503e-302 +/- 2.19e-314] from one side"),
        (arb(2) ** -(10**9), NONE, 1, False, "less than 1e-300 in size from one side"),
        (arb(0, arb(2) ** -(10**9)), NONE, 1, False, "less than 1e-300 in size from one side"),
        (-(arb(2) ** 10**9), NONE, 1, False, "less than -1e+9999 from one side"),
        (UP, DOWN, 2, True, "-inf from the left and inf from the right"),
        (UP, NONE, 1, False, "inf from one side"),
    ],
)
def test_sides(right: arb, left: arb, known: int, kink: bool, text: str) -> None:
    sides = Sides(right, left)
    assert (len(sides.known), sides.kink, str(sides)) == (known, kink, text)


def both(sides: Sides) -> tuple[float, float]:
    return float(sides.right), float(sides.left)


def test_the_sides_of_a_weighted_sum_are_its_ends() -> None:
    """|x| and −|x| lie anywhere between −1 and 1, so their sum between −2 and 2."""
    found = truth(lambda x: (abs(x[0]), -abs(x[0]), 3 * x[0]), 0.0)
    one, line = np.array(1.0), along(1.0)
    zero = np.array(0.0)
    assert both(found.sides(line, 1, Direction([one, one, zero]))) == (2, -2)
    assert both(found.sides(line, 1, Direction([one, zero, one]))) == (4, 2)
    # Of one that has a kink it has the sides.
    assert both(found.sides(line, 1, Direction([zero, one, one]))) == (2, 4)
    assert both(found.sides(line, 1, Direction([zero, 2 * one, zero]))) == (-2, 2)


def test_from_either_side_a_sum_of_kinks_is_that_of_this_side() -> None:
    found = truth(lambda x: (abs(x[0]), -abs(x[0]), 3 * x[0]), 0.0)
    one = np.array(1.0)
    question = Question(("rev",), (along(1.0),), Direction([one, 0.5 * one, one]))
    sides = found.of(question)
    assert sides is not None and both(sides) == (4.5, 1.5)
    assert str(sides) == "between 1.50000000000 and 4.50000000000"
    right, left = (found.from_side(question, sign) for sign in (1, -1))
    assert (right, left) == (3.5, 2.5)
    question = Question(("rev",), (along(1.0),), Direction([one, 0 * one, one]))
    assert (found.from_side(question, 1), found.from_side(question, -1)) == (4, 2)


def test_a_sum_with_an_unknown_term_is_unknown_and_with_one_side_has_that() -> None:
    found = truth(lambda x: (x[0], jnp.where(x[0] == 0, 1.0, jnp.sin(1 / x[0]))), 0.0)
    one = np.array(1.0)
    assert found.sides(along(1.0), 1, Direction([one, one])).known == []
    found = truth(lambda x: (x[0], jnp.sqrt(x[0]) ** 3), 0.0)
    assert both(found.sides(along(1.0), 1, Direction([one, one]))) == (1, 1)


@pytest.mark.parametrize(
    ("function", "direction", "low", "high"),
    [
        (lambda x: jnp.maximum(x[0], 0), 1.0, 0, 1),
        (lambda x: jnp.maximum(x[0], 0), -1.0, -1, 0),
        (lambda x: jnp.where(x[0] > 0, 3 * x[0], 2 * x[0]), 1.0, 2, 3),
        (lambda x: 5 * x[0], 2.0, 10, 10),
    ],
)
def test_limits_of_derivatives_nearby(function: Any, direction: float, low: int, high: int) -> None:
    found, several = truth(function, 0.0).limits(along(direction), Direction([np.array(1.0)]))
    assert several == (low < high)
    assert ends(found) == pytest.approx((low, high), abs=RADIUS)


@pytest.mark.parametrize(
    "function",
    [
        jnp.sort,
        lambda x: jnp.maximum(x[0], x[1] * x[2]),
        lambda x: jnp.abs(x) ** 1.5,
        lambda x: jnp.where(x > 0, x, 1 + x),
        lambda x: jnp.sqrt(x[0]) + x[1],
        lambda x: jnp.linalg.eigvalsh(jnp.diag(x)),
        lambda x: jnp.linalg.eigh(jnp.diag(x))[1] ** 2,
    ],
)
def test_what_is_known_from_the_right_is_that_of_both_sides(function: Any) -> None:
    """Without jets, the other side and the second derivative; by themselves, and after those."""
    for line in (along(1, 0, 0), along(1, -2, 0.5), along(-1, 1, 1)):
        alone, both = (truth(function, 0, 0, 0) for _ in range(2))
        both.along(line)
        unit = np.zeros(both.value[0].shape)
        for index in np.ndindex(unit.shape):
            unit[index] = 1
            found, side = (x._from_the_right(line, Direction([unit])) for x in (alone, both))
            assert found.is_finite() == side.is_finite()
            assert found.overlaps(side) or not side.is_finite()
            unit[index] = 0
        assert alone.reasons <= both.reasons


def test_limits_of_a_sum_of_kinks_are_those_from_one_side() -> None:
    """|x| − |x| is 0, though each of its terms lies anywhere between −1 and 1."""
    one = np.array(1.0)
    found = truth(lambda x: (abs(x[0]), -abs(x[0])), 0.0)
    limits, several = found.limits(along(1.0), Direction([one, one]))
    assert not several and ends(limits) == pytest.approx((0, 0), abs=RADIUS)


def _half(x: Any) -> Any:
    """x/2, by a divisor of which balls alone do not know that it is 0 at 0, and how fast."""
    root = jnp.sqrt(5 + x)
    return x * x / (root * root - 5 + x)


@pytest.mark.parametrize(
    ("function", "low", "high"),
    [
        (lambda x: jnp.maximum(x[0], 0) - jnp.maximum(-x[0], 0), 0, 2),
        (lambda x: abs(x[0]) + x[0], 0, 2),
        (lambda x: 3 * x[0], 3, 3),
        (lambda x: abs(x[0]) + _half(x[0]), -0.5, 1.5),
    ],
)
def test_all_that_autodiff_may_make_of_kinks(function: Any, low: int, high: int) -> None:
    found = truth(function, 0.0).around([along(1.0)], Direction([np.array(1.0)]))
    assert ends(found) == pytest.approx((low, high), abs=RADIUS)


def test_higher_orders_and_mixed_derivatives() -> None:
    found = truth(lambda x: x[0] ** 2 * x[1] ** 3, 3.0, 2.0)
    one = Direction([np.array(1.0)])
    assert both(found.sides(along(1.0, 0.0), 2, one)) == (16, 16)
    assert both(found.mixed(along(1.0, 0.0), along(0.0, 1.0), one)) == (72, 72)
    assert float(found.around([along(1.0, 0.0)] * 2, one)) == 16
    kinked = truth(lambda x: abs(x[0]) * x[1], 0.0, 2.0)
    assert kinked.mixed(along(1.0, 0.0), along(0.0, 1.0), one) is None
    assert kinked.kinked(one) and not found.kinked(one)
    assert found.smooth and not kinked.smooth


@pytest.mark.parametrize(
    ("function", "reason", "jumps"),
    [
        (lambda x: jnp.log(x[0]), "f is no real number at the point", False),
        (lambda x: jnp.where(x[0] == 0, 1.0, x[0]), "f jumps at the point", True),
        (lambda x: jnp.where(x[0] == 0, 1.0, 1 / x[0]), "f grows without bound", False),
    ],
)
def test_where_there_is_no_derivative_the_reason_is_named(
    function: Any, reason: str, jumps: bool
) -> None:
    found = truth(function, 0.0)
    one = Direction([np.array(1.0)])
    assert found.sides(along(1.0), 1, one).known == []
    assert any(text.startswith(reason) for text in found.reasons)
    assert found.jumps == jumps
    assert not found.defined_along(along(1.0))


def test_second_derivatives_along_lines_that_have_no_hessian() -> None:
    v, w, one = along(1.0, 0.0), along(0.0, 1.0), Direction([np.array(1.0)])
    bent = truth(lambda x: jnp.minimum(x[0], x[0] * x[1]), 0.0, 1.0)
    assert both(bent.mixed(v, w, one)) == (0.5, 0.5)
    assert bent.bent(v, w, one) and not bent.kinked(one)
    assert ends(bent.around([v, w], one)) == pytest.approx((0, 1), abs=RADIUS)
    flat = truth(lambda x: jnp.maximum(x[0], 0) ** 3 + x[0] * x[1], 0.0, 1.0)
    assert not flat.bent(v, w, one) and not flat.bent(v, v, one)
    assert ends(flat.around([v, w], one)) == pytest.approx((1, 1), abs=RADIUS)


@pytest.mark.parametrize(
    ("function", "right", "left"),
    [
        (lambda x: jnp.sqrt(x[0]), Beyond.OPEN, Beyond.EDGE),
        (lambda x: jnp.where(x[0] == 0, 0, x[0] * jnp.log(x[0])), Beyond.OPEN, Beyond.EDGE),
        (lambda x: jnp.sign(x[0]), Beyond.JUMP, Beyond.JUMP),
        (lambda x: jnp.where(x[0] > 0, 1.0 + x[0], x[0]), Beyond.JUMP, Beyond.OPEN),
        (lambda x: abs(x[0]), Beyond.OPEN, Beyond.OPEN),
        (lambda x: 0 * x[0], Beyond.OPEN, Beyond.OPEN),
        (lambda x: jnp.where(x[0] == 0, 0, -1 / jnp.log(abs(x[0]) / 4)), Beyond.OPEN, Beyond.OPEN),
        (lambda x: jnp.where(x[0] < 0, 1e-30, 0.0), Beyond.OPEN, Beyond.JUMP),
    ],
)
def test_what_there_is_on_a_side(function: Any, right: Beyond, left: Beyond) -> None:
    program = trace(lambda x: jnp.stack([function(x)]), (np.zeros(1),))
    value = Truth(program, [np.zeros(1)], 1).value
    for sign, kind in ((1, right), (-1, left)):
        [found] = beyond(program, value, along(1.0), sign)
        assert list(found) == [kind]


def test_beside_a_tiny_number_the_step_is_tinier() -> None:
    """The end of the domain of √ is 1e-38 away, and no step reaches it."""
    point = np.array([1e-38], np.float32)
    program = trace(lambda x: jnp.sqrt(x), (point,))
    value = Truth(program, [point], 1).value
    assert [beyond(program, value, along(1.0), sign)[0][0] for sign in (1, -1)] == [Beyond.OPEN] * 2
