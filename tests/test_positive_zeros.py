"""Zeros that are −0 nowhere, as JAX's searches make them before they compare."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxgrad import Verdict, check
from jaxgrad.interpret.walker import Interpreter, interpret
from jaxgrad.numbers.ball import Ball, exact_ball
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.elements import objects
from jaxgrad.programs.trace import trace
from tests.rule_example import PRIMITIVES

KNOTS = np.array([-1, 0, 1, 2], np.float32)
HEIGHTS = np.array([2, 1, 3, 5], np.float32)


def _compared(f: Any) -> Any:
    number = np.float32(0)
    return interpret(trace(f, (number, number)), Ball(), [objects([exact_ball(0)], ())] * 2)[0]


@pytest.mark.parametrize("name", ["lt_to", "le_to", "eq_to"])
def test_two_positive_zeros_are_one_number(name: str) -> None:
    relation = PRIMITIVES[name].bind

    def made(x: Any, zero: float = 0.0) -> Any:
        return lax.select(x == 0, jnp.full_like(x, zero), x)

    def looped(x: Any, y: Any) -> Any:
        return lax.fori_loop(0, 2, lambda i, found: relation(made(x), made(y)), True)

    equal = name != "lt_to"
    assert bool(_compared(lambda x, y: relation(made(x), made(y)))) is equal
    assert bool(_compared(lambda x, y: relation(made(x)[None], made(y)[None])[0])) is equal
    assert bool(_compared(looped)) is equal
    for open_ in (
        lambda x, y: relation(x, made(y)),
        lambda x, y: relation(made(x, -0.0), made(y)),
        lambda x, y: relation(lax.select(y == 0, jnp.zeros_like(x), x), made(-y)),
        lambda x, y: relation(-made(x), made(y)),
        lambda x, y: relation(lax.select(x != 0, jnp.zeros_like(x), x), made(y)),
    ):
        with pytest.raises(CannotDecide, match="two zeros"):
            _compared(open_)


@pytest.mark.parametrize("method", ["scan", "compare_all"])
@pytest.mark.parametrize("x", [0.0, 1.0])
def test_a_table_with_a_knot_at_zero_is_judged(method: str, x: float) -> None:
    def at(knots: Any, x: Any) -> Any:
        place = jnp.searchsorted(knots, x, side="right", method=method)
        return jnp.clip(place, 1, len(KNOTS) - 1)

    def drawn(factor: float) -> Any:
        @jax.custom_jvp
        def line(heights: Any) -> Any:
            knots = jnp.asarray(KNOTS)
            i = at(knots, x)
            return heights[i - 1] + (heights[i] - heights[i - 1]) * (x - knots[i - 1])

        @line.defjvp
        def _(primals: Any, tangents: Any) -> Any:
            return line(*primals), factor * line(*tangents)

        return line

    assert check(drawn(1.0), (HEIGHTS,)).verdict is Verdict.PROVED
    assert check(drawn(1.001), (HEIGHTS,)).verdict is Verdict.REFUTED


def test_interpolation_at_a_knot_that_is_zero_is_judged() -> None:
    found = check(lambda y: jnp.interp(np.float32([0, 0.5]), KNOTS, y), (HEIGHTS,))
    assert found.verdict is Verdict.AGREES, found
    moved = check(lambda x: jnp.interp(x, KNOTS, HEIGHTS), (np.float32(0),))
    assert moved.verdict is Verdict.AGREES, moved
    assert "kink" in str(moved)


def test_what_is_gone_is_not_kept() -> None:
    """A loop makes one number after the other, and none but the last is left."""
    interpreter = Interpreter(Ball())
    program = trace(
        lambda x: lax.fori_loop(0, 50, lambda _, y: lax.select(y == 0, 0.0, y) / 2, x),
        (np.float32(1),),
    )
    interpreter.call(program.jaxpr, [objects([exact_ball(1)], ())])
    assert len(interpreter.positive_zeros) <= 2
