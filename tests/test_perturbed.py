"""Numbers that are moved decide as they would if they were not."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st
from program_strategies import SIZE, RandomProgram, programs

from jaxgrad.gradients.enclosure import FIRST_PRECISION
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import objects
from jaxgrad.numbers.perturbed import Perturbed, Twins
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.trace import trace

NUMBERS = Perturbed(Ball())
FEW = 1000
ENTRIES = st.lists(st.floats(-3, 3, width=16), min_size=2 * SIZE, max_size=2 * SIZE)


def twins(exact: float, moved: float) -> Twins:
    return Twins(arb(exact), arb(moved))


class Deciding(Ball):
    """Balls that write down whatever they decide."""

    def __init__(self) -> None:
        self.decided: list[Any] = []

    def _noted(self, found: Any) -> Any:
        self.decided.append(found)
        return found

    def compare(self, relation: str, x: arb, y: arb) -> bool | None:
        return self._noted(super().compare(relation, x, y))

    def maximum(self, x: arb, y: arb) -> arb:
        self._noted((super().compare("gt", x, y), super().compare("lt", x, y)))
        return super().maximum(x, y)

    def minimum(self, x: arb, y: arb) -> arb:
        self._noted((super().compare("gt", x, y), super().compare("lt", x, y)))
        return super().minimum(x, y)

    def absolute(self, x: arb) -> arb:
        self._noted(str(self.sign(x)))
        return super().absolute(x)

    def sign(self, x: arb) -> arb:
        found = super().sign(x)
        self._noted(str(found))
        return found


def _run(program: Any, point: np.ndarray) -> tuple[list[arb], list[Any]]:
    numbers = Deciding()
    leaves = [numbers.constants(part) for part in (point[:SIZE], point[SIZE:])]
    return [x for leaf in interpret(program, numbers, leaves) for x in leaf.flat], numbers.decided


@given(program=programs, entries=ENTRIES, moves=ENTRIES, power=st.sampled_from([4, 20, 40]))
def test_both_numbers_of_a_drawn_program_are_those_of_the_plain_one(
    program: RandomProgram, entries: list[float], moves: list[float], power: int
) -> None:
    """The exact one always, the moved one wherever nothing is decided otherwise there."""
    here = np.array(entries)
    there = here + np.array(moves) * 2.0**-power
    with jax.enable_x64(True):
        traced = trace(program, (here[:SIZE], here[SIZE:]))
    with precision(FIRST_PRECISION):
        inputs = [
            NUMBERS.given(*(Ball().constants(point[part]) for point in (here, there)))
            for part in (slice(SIZE), slice(SIZE, None))
        ]
        found = [x for leaf in interpret(traced, NUMBERS, inputs) for x in leaf.flat]
        plain, decided = _run(traced, here)
        moved, otherwise = _run(traced, there)
        pairs = [(x.exact, y) for x, y in zip(found, plain, strict=True)]
        if decided == otherwise:
            pairs += [(x.moved, y) for x, y in zip(found, moved, strict=True)]
        for x, y in pairs:
            assert x.is_finite() == y.is_finite()
            # Some functions are balls of their own, and of numbers that are moved a definition.
            assert not y.is_finite() or (
                x.overlaps(y) and x.rad() < FEW * (y.rad() + arb(2) ** -90)
            )


def test_something_is_held_of_the_drawn_programs() -> None:
    program = RandomProgram((("relu", 0, 0), ("where", 0, 1), ("softmax", 0, 0)), "sum")
    here, there = np.arange(6.0), np.arange(6.0) + 2.0**-30
    traced = trace(program, (here[:SIZE], here[SIZE:]))
    assert _run(traced, here)[1] == _run(traced, there)[1] != []


VALUES = (-0.75, -0.25, 0.0, 0.25, 0.5, 0.75)
# name -> (the operation, what it is of floats where it is decided by two others)
CHOICES: dict[str, tuple[Any, Any]] = {
    "maximum": (NUMBERS.maximum, lambda x, y, a, b: a if x >= y else b),
    "minimum": (NUMBERS.minimum, lambda x, y, a, b: a if x <= y else b),
    "select": (
        lambda x, y: NUMBERS.select(NUMBERS.compare("lt", x, y), x, y),
        lambda x, y, a, b: b if x < y else a,
    ),
    "absolute": (lambda x, y: NUMBERS.absolute(x), lambda x, y, a, b: a if x >= 0 else -a),
    "sign": (lambda x, y: NUMBERS.sign(x), lambda x, y, a, b: float(np.sign(x))),
    "floor": (lambda x, y: NUMBERS.function("floor", x), lambda x, y, a, b: float(np.floor(x))),
    "remainder": (
        lambda x, y: NUMBERS.function("rem", x, NUMBERS.constant(0.5)),
        lambda x, y, a, b: a - 0.5 * float(np.trunc(x / 0.5)),
    ),
    "sum": (lambda x, y: x + y, lambda x, y, a, b: a + b),
    "difference": (lambda x, y: x - y, lambda x, y, a, b: a - b),
    "negation": (lambda x, y: -x, lambda x, y, a, b: -a),
    "product": (lambda x, y: x * y, lambda x, y, a, b: a * b),
    "quotient": (
        lambda x, y: NUMBERS.divide(x, y + NUMBERS.constant(2)),
        lambda x, y, a, b: a / (b + 2),
    ),
    "power": (lambda x, y: NUMBERS.power(x, 3), lambda x, y, a, b: a**3),
    "total": (lambda x, y: NUMBERS.total([x, y, y]), lambda x, y, a, b: a + b + b),
    "exp": (lambda x, y: NUMBERS.function("exp", x), lambda x, y, a, b: float(np.exp(a))),
}  # fmt: skip


@pytest.mark.parametrize("name", CHOICES)
@pytest.mark.parametrize("step", [0.0, 0.25, -0.25])
def test_an_operation_is_decided_by_the_numbers_as_they_are(name: str, step: float) -> None:
    operation, reference = CHOICES[name]
    for x, y in ((x, y) for x in VALUES for y in VALUES):
        a, b = x + step, y - step
        found = operation(twins(x, a), twins(y, b))
        assert abs(found.exact - reference(x, y, x, y)) < 1e-15, (x, y)
        assert abs(found.moved - reference(x, y, a, b)) < 1e-15, (x, y)


@pytest.mark.parametrize("name", CHOICES)
def test_what_is_not_moved_is_computed_once(name: str) -> None:
    operation, _ = CHOICES[name]
    found = operation(NUMBERS.constant(0.5), NUMBERS.constant(0.25))
    assert found.moved is found.exact


def test_a_choice_is_one_of_the_two_numbers() -> None:
    low, high = twins(0.25, 3.0), twins(0.75, -3.0)  # moved, they would be the other way round
    for x, y in ((low, high), (high, low)):
        assert NUMBERS.maximum(x, y) is high and NUMBERS.minimum(x, y) is low
        assert NUMBERS.select(True, x, y) is y and NUMBERS.select(False, x, y) is x
    assert NUMBERS.absolute(low) is low
    assert NUMBERS.compare("lt", low, high) is True
    assert NUMBERS.certainly_differ(low, high)
    assert not NUMBERS.certainly_differ(low, twins(0.25, 9.0))
    with pytest.raises(TypeError, match="where a truth value is wanted"):
        bool(low)


def test_an_open_choice_holds_both_numbers() -> None:
    x, y = Twins(arb(0, 1), arb(0, 2)), NUMBERS.constant(0.25)
    for found, exact in (
        (NUMBERS.maximum(x, y), (0.25, 1)),
        (NUMBERS.minimum(x, y), (-1, 0.25)),
        (NUMBERS.absolute(x), (0, 1)),
        (NUMBERS.select(None, x, y), (-1, 1)),
    ):
        assert all(found.exact.contains(arb(value)) for value in exact)
        assert all(found.moved.contains(2 * value) for value in exact if abs(value) == 1)
    assert NUMBERS.select(None, True, False) is None and NUMBERS.select(None, True, True) is True


@pytest.mark.parametrize("moved", [(), ("a",), ("b",), ("a", "b")], ids=str)
def test_a_product_of_matrices_is_that_of_both_numbers(moved: tuple[str, ...]) -> None:
    matrices = {"a": np.arange(6.0).reshape(2, 3), "b": np.arange(12.0).reshape(3, 4)}
    steps = {name: matrix + (0.5 if name in moved else 0.0) for name, matrix in matrices.items()}
    given_ = [
        NUMBERS.given(exact, exact if name not in moved else Ball().constants(steps[name]))
        for name, exact in ((n, Ball().constants(m)) for n, m in matrices.items())
    ]
    found = NUMBERS.matmul(*given_)
    for of, both in (("exact", matrices), ("moved", steps)):
        parts = np.array([[float(getattr(x, of)) for x in row] for row in found])
        np.testing.assert_array_equal(parts, both["a"] @ both["b"])
    assert all((x.moved is x.exact) == (not moved) for x in found.flat)


def test_a_number_of_the_other_system_is_what_it_is() -> None:
    ball, other = arb(1, 0.5), arb(2)
    balls = objects([ball, ball], (2,))
    found = NUMBERS.given(balls, objects([ball, other], (2,)))
    assert all(x.exact is ball for x in found) and found[0].moved is ball
    assert list(NUMBERS.moved(found)) == [ball, other]
    truths = np.array([True, False])
    assert NUMBERS.given(truths, truths) is truths
