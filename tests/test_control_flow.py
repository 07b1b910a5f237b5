"""Loops, branches and orders: what is followed, and what is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from jax import lax
from numbers_support import Checked, exact_values, over_balls, symbolic

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.run_over import run_over
from jaxgrad.interpret.walker import Interpreter, interpret
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide, objects
from jaxgrad.programs.trace import trace


# -- loops ----------------------------------------------------------------------------------------
def test_a_loop_that_is_mapped_stops_entry_by_entry() -> None:
    def powers(count: Any, x: Any) -> Any:
        start = (np.int32(0), x, np.int32(1))
        return lax.while_loop(
            lambda state: state[0] < count,
            lambda state: (state[0] + 1, state[1] * x, 2 * state[2]),
            start,
        )[1:]

    counts = np.array([0, 3, 1], np.int32)
    checked = Checked(lambda x: jax.vmap(powers)(counts, x), np.ones(3))
    checked.check_exact(np.array([0.5, -1.5, 2.0]))


@pytest.mark.parametrize("known", ["first", "last"])
def test_a_mapped_loop_carries_truths_that_are_known_at_one_of_its_ends(known: str) -> None:
    """Over polynomials the others are open, and both are truths of one array afterwards."""

    def chosen(count: Any, x: Any) -> Any:
        ends = [np.bool_(False), x > 0]
        first, last = ends if known == "first" else ends[::-1]
        step = (lambda s: (s[0] + 1, x > 0)) if known == "first" else (lambda s: (s[0] + 1, last))
        done = lax.while_loop(lambda s: s[0] < count, step, (np.int32(0), first))[1]
        return jnp.where(jnp.logical_or(done, x > 3), 2 * x, x)

    counts = np.array([0, 1, 0, 1, 0, 1], np.int32)
    checked = Checked(lambda x: jax.vmap(chosen)(counts, x), np.ones(6))
    assert checked.polynomials is not None
    checked.check_exact(np.array([1.0, 1.0, -2.0, -2.0, 4.0, 4.0]))


# -- control flow that is open --------------------------------------------------------------------
def test_a_loop_whose_end_is_open_is_not_decided() -> None:
    with pytest.raises(CannotDecide, match="while_loop"):
        symbolic(lambda x: lax.while_loop(lambda c: c < 8, lambda c: c * 2, x))
    (result,) = over_balls(lambda x: lax.while_loop(lambda c: c < 8, lambda c: c * 2, x), 1.5)
    assert exact_values(result) == [12]


def test_an_open_branch_that_moves_integers() -> None:
    def function(x: Any) -> Any:
        place, value = lax.cond(x[0] > 0, lambda v: (1, v), lambda v: (1, -v), x)
        return value[place]

    checked = Checked(function, np.ones(2))
    assert checked.polynomials is not None
    checked.check_exact(np.array([2.0, 3.0]))
    checked.check_exact(np.array([-2.0, 3.0]))


def _chosen_key(x: Any) -> Any:
    keys = jax.random.split(jax.random.key(0))
    return lax.cond(x > 0, lambda k: k, lambda k: k[::-1], keys).shape[0] * x


def test_an_index_that_a_condition_opens_is_refused() -> None:
    for function in (
        _chosen_key,
        lambda x: jnp.array([1.0, 2.0])[(x > 0).astype(int)],
        lambda x: jnp.ones(2).at[(x > 0).astype(int)].set(x),
        lambda x: jnp.sum(jnp.stack([x > 0, x > 1])) * x,
        lambda x: ((x > 0).astype(int) & 3) * x,
    ):
        with pytest.raises(UnsupportedPrimitive):
            symbolic(function)


def test_a_branch_that_is_certainly_not_taken_is_not_run() -> None:
    def f(x: Any) -> Any:
        index = jnp.where(x > 0, np.int32(1), np.int32(2))
        bits = lambda x: lax.bitcast_convert_type(lax.bitcast_convert_type(x, int), float)  # noqa: E731
        return lax.switch(index, [bits, lambda x: x, lambda x: x + 1.0], x)

    found = run_over(Ball(), f, arb(0, 0.5))  # on both sides of 0, where the first is never taken
    assert found.contains(arb("-0.5")) and found.contains(arb("1.5")) and not found.contains(2)


def test_arithmetic_on_truths_and_on_integers_made_of_them_is_refused() -> None:
    for function in (
        lambda x: ((x > 0).astype(np.int8) + np.int8(127)) * x,
        lambda x: -(x > 0).astype(int) * x,
        lambda x: (x > 0).astype(int) * (x > 1).astype(int) * x,
        lambda x: lax.integer_pow((x > 0).astype(int), 3) * x,
        lambda x: jnp.sum((x > 0).astype(int) * jnp.ones(3, int)) * x,
    ):
        with pytest.raises(UnsupportedPrimitive, match="depend on a real variable has no rule"):
            symbolic(function)


def test_only_what_a_loop_makes_is_counted_against_its_budget() -> None:
    def loop(x: Any) -> Any:
        return lax.while_loop(lambda c: c[0] != 3, lambda c: (c[0] + 1, c[1] * 2), (0, x))[1]

    interpreter, number = Interpreter(Ball()), [objects([arb(1)], ())]
    for function, counted in ((jnp.sin, False), (loop, True), (jnp.sin, False), (loop, True)):
        jaxpr = trace(function, (1.0,)).jaxpr
        before = interpreter.spent
        interpreter.run(jaxpr.jaxpr, jaxpr.consts, number)
        assert (interpreter.spent > before) == counted


CHOSEN: dict[str, Callable[..., Any]] = {
    "max": lambda p, q: lax.max(p, q),
    "min": lambda p, q: lax.min(p, q),
    "clamp": lambda p, q: lax.clamp(q, p, jnp.ones_like(q)),
    "eq": lambda p, q: p == q,
    "ne": lambda p, q: p != q,
}


@pytest.mark.parametrize("name", CHOSEN)
def test_truths_are_chosen_and_compared(name: str) -> None:
    """Over polynomials they are open, and their values are those of JAX at every pair of truths."""
    choose = CHOSEN[name]
    checked = Checked(
        lambda x, y: jnp.where(choose(x > 0, y > 0), 2 * x, y), np.ones(4), np.ones(4)
    )
    assert checked.polynomials is not None
    checked.check_exact(np.array([1.0, 1.0, -1.0, -1.0]), np.array([3.0, -3.0, 3.0, -3.0]))
    program = trace(lambda x, y: jnp.where(choose(x > 0, y > 0), 2.0, 3.0), (1.0, 1.0))
    for y in (-1.0, 1.0):  # and over a ball that is open, either
        wide, exact = objects([arb(0, 1)], ()), objects([arb(y)], ())
        (found,) = interpret(program, Ball(), [wide, exact])
        chosen = [bool(choose(np.bool_(x), np.bool_(y > 0))) for x in (False, True)]
        assert all(found[()].contains(2 if c else 3) for c in chosen)
        assert found[()].is_exact() == (chosen[0] == chosen[1])


def test_an_order_that_is_open_is_not_decided() -> None:
    for function in (jnp.sort, jnp.argmax, jnp.argmin, jnp.median):
        with pytest.raises(CannotDecide, match="order"):
            symbolic(lambda x, f=function: 1.0 * f(x), jnp.ones(3))
