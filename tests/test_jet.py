"""Jets: the derivatives that need no look beside the point are those of germs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from numbers_support import vector
from program_strategies import BINARY, SIZE, UNARY, RandomProgram, programs
from rule_examples import EXAMPLES

from jaxgrad.gradients.one_sided import OneSided, one_sided_derivatives
from jaxgrad.numbers.base import objects
from jaxgrad.numbers.jet import OPEN, Jet, Taylor
from jaxgrad.numbers.precision import precision, series_length

ORDER = 2
TERMS = ORDER + 5
GENERIC = (np.array([0.375, -1.125, 2.0]), np.array([-0.75, 0.625, 1.5]))
DIRECTION = (np.array([1.0, -0.5, 0.75]), np.array([0.5, 1.0, -1.0]))


def _compared(function: Callable[..., Any], args: Any, direction: Any) -> OneSided:
    """Holds one evaluation for both sides against one for each, where it says it is smooth."""
    with precision(150), jax.enable_x64(True):
        found = one_sided_derivatives(function, args, direction, ORDER)
        germs = one_sided_derivatives(function, args, direction, ORDER, terms=TERMS)
    for one, other in ((found.right, germs.right), (found.left, germs.left)):
        for x, y in zip(one, other, strict=True):
            for a, b in zip(x.flat, y.flat, strict=True):
                if found.smooth:
                    assert a.is_finite()
                assert a.overlaps(b) or (a.is_nan() and b.is_nan())
    return found


@settings(max_examples=60, deadline=None)
@given(program=programs, x=vector(size=SIZE), y=vector(size=SIZE))
def test_one_evaluation_is_both_sides(program: RandomProgram, x: Any, y: Any) -> None:
    _compared(program, (x, y), DIRECTION)


@pytest.mark.parametrize("name", [*UNARY, *BINARY])
def test_no_step_needs_a_look_beside_a_generic_point(name: str) -> None:
    assert _compared(RandomProgram(((name, 0, 1),), "sum"), GENERIC, DIRECTION).smooth


HERE = {name: example for name, example in EXAMPLES.items() if example.here}
POINTS = {
    "real": np.array([0.75, -1.25, 2.25, -0.375]),
    "positive": np.array([0.75, 1.25, 2.25, 0.375]),
    "unit": np.array([0.75, -0.25, 0.375, -0.125]),
    "above_one": np.array([1.75, 1.25, 2.25, 3.375]),
}


@pytest.mark.parametrize("name", HERE)
def test_every_primitive(name: str) -> None:
    example = HERE[name]
    point = POINTS[example.domain], POINTS["real"][::-1]
    _compared(example.function, point, (np.array([1, -0.5, 0.75, 0.25]), np.ones(4)))


@pytest.mark.parametrize(
    "function",
    [
        jax.nn.relu,
        jnp.abs,
        jnp.floor,
        jnp.round,
        jnp.sign,
        jnp.sqrt,
        jnp.cbrt,
        jnp.log,
        lambda x: jnp.sin(x) / x,
        lambda x: jnp.exp(-1 / x**2),
        lambda x: abs(x) ** 1.5,
        lambda x: jnp.where(x == 0, 2.0, x),
        lambda x: jnp.arctan2(x, -1.0),
        lambda x: lax.rem(x, 2.0),
        lambda x: jnp.maximum(x, x * x),
        lambda x: jnp.sort(jnp.stack([x, -x]))[0],
        lambda x: 0 * jnp.log(x),
        lambda x: lax.cond(x > 0, lambda u: u, lambda u: -u, x),
        lambda x: jnp.arccos(1 - x),
    ],
)
def test_a_look_beside_the_point_is_seen(function: Callable[..., Any]) -> None:
    assert not _compared(function, (0.0,), (1.0,)).smooth
    assert _compared(function, (0.375,), (1.0,)).smooth


@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (lambda x: (x - x) * jnp.abs(x), 0),
        (lambda x: jnp.where(x > 0, jnp.sin(x), x), 1),
        (lambda x: x * x * jnp.abs(x) + 3 * x, 3),
        (lambda x: x * x * jnp.sign(x) * x, 0),
        (lambda x: jnp.where(jnp.exp(x) > jnp.cosh(x) + jnp.sinh(x), 2 * x, x + x), 2),
        (lambda x: x * x * (x > 0) * x - x, -1),
        (lambda x: x * lax.cond(x > 0, lambda: 2.0, lambda: 2.0), 2),
    ],
)
def test_a_tie_that_makes_no_difference_is_smooth(
    function: Callable[..., Any], slope: float
) -> None:
    for args, direction in (((0.0,), (1.0,)), ((0.0,), (-0.5,))):
        found = _compared(function, args, direction)
        assert found.smooth
        (right,), (left,) = found.right, found.left
        assert right[1] == left[1] == slope * direction[0]
    jet = Jet(1)
    with series_length(2):
        x, y = jet.line(0, 1), jet.line(0, 3)
        either = jet.maximum(x, y)
        assert jet.undecided and jet.coefficient(either, 1).contains(1)
        assert jet.coefficient(either, 1).contains(3)
        assert jet.select(None, x, Taylor(None)) is OPEN
        assert jet.select(None, arb(1), arb("nan")) is OPEN


@pytest.mark.parametrize("order", [1, 2])
def test_a_tie_that_makes_one_in_an_order_that_is_asked(order: int) -> None:
    found = one_sided_derivatives(lambda x: x * jnp.abs(x), (0.0,), (1.0,), order)
    assert found.smooth is (order == 1)
    if order == 2:
        assert [side[0][2] for side in (found.left, found.right)] == [-2, 2]


def test_what_does_not_move_is_not_a_tie() -> None:
    found = _compared(lambda x, y: jnp.maximum(x, 0.0) * jnp.sin(y), (0.0, 1.0), (0.0, 1.0))
    assert found.smooth
    assert found.right[0][1] == 0


def test_an_infinite_constant_does_not_move() -> None:
    def masked(x: Any) -> Any:
        logits = jnp.stack([x, 2 * x, -jnp.inf * jnp.ones_like(x)])
        return jax.nn.softmax(logits)[0] + jnp.max(logits) + 1 / logits[2] + jnp.exp(logits[2] * x)

    assert _compared(masked, (0.5,), (1.0,)).smooth
    assert not _compared(masked, (0.0,), (1.0,)).smooth


def test_an_open_polynomial_stays_open() -> None:
    jet = Jet(1)
    with series_length(2):
        x = jet.line(0, 1)
        still = [OPEN + x, x - OPEN, arb(0) * OPEN, (x - x) * OPEN, -OPEN, arb.nan() * (x - x)]
        still += [jet.divide(x, OPEN), jet.divide(arb(0), x), jet.exp(OPEN), jet.log(x)]
        still += [jet.function("atan2", OPEN, arb(1)), jet.matmul(
            np.array([[arb(0), x]], object), np.array([[OPEN], [x]], object))[0, 0]]  # fmt: skip
        assert all(y is OPEN for y in still)
        assert jet.compare("gt", x, OPEN) is None
        assert jet.compare("ge", x, x) is True
        assert jet.is_finite(OPEN) is None
        with pytest.raises(TypeError, match="a number where a truth value is wanted"):
            bool(x)


def test_every_order_that_was_asked_for_is_kept() -> None:
    jet = Jet(9)
    with series_length(10):
        found = jet.derivatives(jet.function("sin", jet.line(0, 1)))
    for k, value in enumerate(found):
        assert value.contains([0, 1, 0, -1][k % 4]) and value.rad() < 1e-12


@settings(deadline=None)
@given(st.floats(-30, 30), st.sampled_from([jnp.tanh, jax.nn.sigmoid, jnp.expm1]))
def test_saturating_functions_keep_relative_accuracy(x: float, function: Any) -> None:
    with precision(100), jax.enable_x64(True):
        found = one_sided_derivatives(function, (np.float64(x),), (1.0,)).right[0]
    assert all(value.rel_accuracy_bits() > 50 or value.is_zero() for value in found)


@pytest.mark.parametrize("order", range(5))
def test_the_derivatives_are_those_up_to_the_order(order: int) -> None:
    jet = Jet(order)
    with series_length(order + 3):  # more than it keeps
        found = jet.derivatives(jet.exp(jet.line(0, 2)))
        still = jet.derivatives(arb(3))
    assert len(found) == len(still) == order + 1
    assert all(value.contains(2**k) for k, value in enumerate(found))
    assert [float(value) for value in still] == [3.0, *[0.0] * order]
    assert all(value.is_nan() for value in jet.derivatives(OPEN))


@pytest.mark.parametrize("k", range(3))
def test_jets_differ_in_the_value_or_in_some_derivative(k: int) -> None:
    jet = Jet(2)
    with series_length(3):
        first = jet._taylor([arb(1), arb(2), arb(3)])
        for step, differs in ((0.5, True), (-0.5, True), (0.0, False)):
            second = jet._taylor([arb(c + 1) + (step if c == k else 0) for c in range(3)])
            assert jet.certainly_differ(first, second) is differs
            assert jet.certainly_differ(second, first) is differs
        wide = jet._taylor([arb(c + 1, 0.25 if c == k else 0) for c in range(3)])
        assert not jet.certainly_differ(first, wide)
        assert not jet.certainly_differ(first, OPEN)
        assert jet.certainly_differ(first, arb(1)) and jet.certainly_differ(arb(1), arb(2))
        assert not jet.certainly_differ(arb(1), jet._taylor([arb(1), arb(0), arb(0)]))


@pytest.mark.parametrize("order", range(4))
def test_a_jet_keeps_its_order_where_series_may_be_longer(order: int) -> None:
    jet = Jet(order)
    with series_length(order + 4):
        x = jet.line(2, 1)
        found = {
            "line": x,
            "product": x * x * x * x,
            "quotient": jet.divide(arb(1), x),
            "power": jet.power(x, 5),
            "exp": jet.exp(x),
            "tanh": jet.tanh(x),
            "atan": jet.function("atan", x),
            "matrix": jet.matmul(objects([x, x], (1, 2)), objects([x, arb(1)], (2, 1)))[0, 0],
        }
    for name, value in found.items():
        coefficients = value.polynomial.coeffs()
        assert len(coefficients) <= order + 1, name
        assert len(coefficients) == order + 1 or name in ("line", "matrix")
