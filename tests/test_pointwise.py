"""Numbers at several points in one walk are those of a walk for each."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st
from program_strategies import SIZE, RandomProgram, programs
from rule_example import Example
from rule_examples import EXAMPLES
from rule_support import GENERIC

from jaxgrad.errors import CannotDecide, UnsupportedPrimitive
from jaxgrad.gradients.enclosure import FIRST_PRECISION
from jaxgrad.gradients.one_sided import analytic_at, one_sided_derivatives
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.rule_numbers import RuleNumbers
from jaxgrad.gradients.rules.several_points import by_entries, in_sums, known_at
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.pointwise import OfPoints, Pointwise, PointwiseArrays
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.trace import trace

HERE = {name: example for name, example in EXAMPLES.items() if example.here}


def _same(x: Any, y: Any) -> bool:
    """Whether two elements are the same ball, or the same truth value."""
    if not isinstance(x, arb):
        return x is y
    if x.is_nan() or y.is_nan():
        return x.is_nan() and y.is_nan()
    return bool(x.mid() == y.mid() and x.rad() == y.rad())


def _are_same(found: Any, alone: Any) -> bool:
    return len(found) == len(alone) and all(
        np.shape(a) == np.shape(b) and all(map(_same, np.ravel(a), np.ravel(b)))
        for a, b in zip(found, alone, strict=True)
    )


def _together(program: Any, points: list[list[np.ndarray]]) -> list[Any]:
    """The results over balls at every point, None where they are not had."""
    numbers = Pointwise(Ball(), len(points))
    inputs = [numbers.joined(list(map(Ball().constants, leaf))) for leaf in zip(*points)]  # noqa: B905
    outputs = interpret(program, PointwiseArrays(numbers), inputs)
    each = zip(*map(numbers.split, outputs), strict=True)
    return [None if k in numbers.failed else list(found) for k, found in enumerate(each)]


@pytest.mark.parametrize("name", HERE)
def test_every_primitive(name: str) -> None:
    example: Example = HERE[name]
    x, y = GENERIC[example.domain], GENERIC["real"][::-1]
    program = trace(example.function, (x, y))
    points = [[x, y], [x * 0.75, y * 1.25], [x, y]]
    alone = [interpret(program, Ball(), list(map(Ball().constants, point))) for point in points]
    try:
        found = _together(program, points)
    except CannotDecide:  # an order, or an integer, that is another one at another point
        found = _together(program, [points[0], points[2]])
        alone = [alone[0], alone[2]]
    assert all(_are_same(a, b) for a, b in zip(found, alone, strict=True))


@given(
    program=programs,
    entries=st.lists(st.floats(-3, 3, width=16), min_size=6 * SIZE, max_size=6 * SIZE),
)
def test_random_programs_and_their_lines(program: RandomProgram, entries: list[float]) -> None:
    points = np.array(entries, np.float32).reshape(3, 2, SIZE)
    traced = trace(program, tuple(points[0]))
    line = [np.linspace(0.5, 1.0, SIZE), np.linspace(-1.0, 1.0, SIZE)]
    for point, found in zip(points, analytic_at(traced, list(points), line, 2), strict=True):
        alone = one_sided_derivatives(trace(program, tuple(point)), tuple(point), line, 2)
        if found is not None:
            assert alone.smooth
            assert _are_same(found.right, alone.right)
            assert _are_same(found.left, alone.left)


def test_points_where_nothing_is_special_are_had_at_once() -> None:
    def f(x: jax.Array) -> jax.Array:
        return jnp.sum(jnp.abs(x)) * x[1]

    points = [[np.array([a, 0.5], np.float32)] for a in (1.0, 0.0, -2.0)]
    line = [np.array([1.0, 0.25])]
    found = analytic_at(trace(f, tuple(points[0])), points, line, 2)
    assert [known is not None for known in found] == [True, False, True]  # |x| has a kink at 0
    for k in (0, 2):
        alone = one_sided_derivatives(trace(f, tuple(points[k])), tuple(points[k]), line, 2)
        assert _are_same(found[k].right, alone.right)


RULES: list[tuple[Callable[..., Any], int]] = [
    (lambda x, y: jnp.sin(x) * y, 2),
    (lambda x, y: jnp.sum(jnp.where(x > 0, x * y, jnp.exp(y))), 2),
    (lambda x, y: jnp.max(x * y), 1),
    (lambda x, y: jnp.log(x) / y, 2),
]


@pytest.mark.parametrize(("function", "order"), RULES)
def test_what_is_known_of_points_is_what_each_has(function: Any, order: int) -> None:
    points = [
        [np.array(row, np.float32) for row in pair]
        for pair in (([1, 2], [3, 4]), ([-1, 2], [0.5, 8]), ([2, 0.25], [-1, 0.125]))
    ]
    primal = Primal(function, tuple(points[0]))
    rules = DerivativePrograms(primal, order, ("fwd", "rev"))
    line, seen = rules.direction(), 0
    questions = [*in_sums(rules, line), *by_entries(rules, line)]
    with precision(FIRST_PRECISION):
        for point, known in zip(points, known_at(rules, points, questions), strict=True):
            alone = AtPoint(rules, point)
            assert known.value is not None
            assert _are_same(known.value, alone.truth.value)
            for question in questions:
                numbers = RuleNumbers(rules, point, known.outputs)
                assert set(known.outputs) == {q.modes for q in in_sums(rules, line)}
                assert _are_same(numbers.outputs(question), alone.numbers.outputs(question))
                seen += 1
            for key, sides in known.lines.items():
                again = next(d for d in _lines(rules, line) if d.key == key)
                assert _are_same(sides.right, alone.truth.along(again).right)
                seen += 1
    assert seen >= 9


def _lines(rules: DerivativePrograms, line: Any) -> list[Any]:
    other = rules.direction(1)
    return [line, line.plus(other, 1), line.plus(other, -1)]


def test_a_point_at_which_something_cannot_be_had_is_left_out() -> None:
    class Picky(Ball):
        def divide(self, x: arb, y: arb) -> arb:
            if y == 0:
                raise CannotDecide("a quotient by 0")
            return x / y

    numbers = Pointwise(Picky(), 3)
    one = numbers.constant(1)
    x = OfPoints(numbers, tuple(map(arb, (1, 0, 4))))
    found = numbers.divide(one, x) + one
    assert numbers.failed == {1}
    assert [float(found.each[k]) for k in (0, 2)] == [2.0, 1.25]
    with pytest.raises(CannotDecide):
        numbers.divide(one, numbers.constant(0))
    nowhere = Pointwise(Picky(), 2)
    with pytest.raises(CannotDecide):
        nowhere.divide(nowhere.constant(1), OfPoints(nowhere, (arb(0), arb(0))))


def test_a_branch_is_taken_where_all_points_take_it() -> None:
    numbers = Pointwise(Ball(), 2)
    x = OfPoints(numbers, (arb(1), arb(2)))
    assert numbers.known(numbers.compare("gt", x, numbers.constant(0))) is True
    assert numbers.known(numbers.compare("gt", x, numbers.constant(1))) is None
    low, high = numbers.constant(5), numbers.constant(7)
    chosen = numbers.select(numbers.compare("gt", x, numbers.constant(1)), low, high)
    assert [float(y) for y in chosen.each] == [5.0, 7.0]
    assert numbers.exact_value(x) is None
    assert numbers.exact_value(high) == 7
    with pytest.raises(TypeError, match="truth value"):
        operator.truth(x)


def test_of_points_that_are_left_out_nothing_is_asked() -> None:
    numbers = Pointwise(Ball(), 3)
    p, x = OfPoints(numbers, (True, False, True)), OfPoints(numbers, tuple(map(arb, (2, 3, 2))))
    assert numbers.known(p) is None and numbers.exact_value(x) is None
    numbers.failed.add(1)
    assert numbers.known(p) is True and numbers.exact_value(x) == 2
    numbers.failed.add(0)  # one number for all points is also that of those that are left
    assert numbers.exact_value(numbers.constant(5)) == 5


def test_rows_are_put_in_one_order_at_all_points_or_in_none() -> None:
    def factored(*matrices: list[list[float]]) -> Any:
        numbers = Pointwise(Ball(), len(matrices))
        each = [Ball().constants(np.array(matrix)) for matrix in matrices]
        return numbers, numbers.matrix("lu", numbers.joined(each))

    upright, turned = [[2.0, 1.0], [1.0, 3.0]], [[1.0, 3.0], [2.0, 1.0]]
    numbers, (found, *orders) = factored(upright, [[4.0, 1.0], [1.0, 3.0]])
    assert [float(leaf[1, 0]) for leaf in numbers.split(found)] == [0.5, 0.25]
    assert orders and all(order.dtype != object for order in orders)
    with pytest.raises(CannotDecide, match="another one at every point"):
        factored(upright, turned)


def test_loops_are_walked_for_each_point() -> None:
    def halved(x: jax.Array) -> jax.Array:
        return jax.lax.while_loop(lambda y: y > 1, lambda y: y / 2, x)

    x = np.float32(3.0)
    rules = DerivativePrograms(Primal(halved, (x,)), 1, ("fwd",))
    assert known_at(rules, [], in_sums(rules, rules.direction())) == []
    [known] = known_at(rules, [[x]], in_sums(rules, rules.direction()))
    assert known.value is None
    assert not known.outputs


def test_a_rule_without_a_system_is_refused_for_all() -> None:
    numbers = Pointwise(Ball(), 2)
    with pytest.raises(UnsupportedPrimitive, match="not known"):
        numbers.apply("no such function", numbers.constant(1))
