"""What of a program depends on what moves, and which loops end by it."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxgrad.programs.flow import Flow
from jaxgrad.programs.tolerances import loops_end_by

X = (1.5, 2.5)


def _rotated(x: Any, y: Any) -> Any:
    """Each turn hands on what the last one had, so that y reaches all in the end."""
    return lax.fori_loop(0, 3, lambda _, s: (s[1], s[2], y), (x, 1.0, 2.0))


def _until(x: Any, y: Any) -> Any:
    return lax.while_loop(lambda s: s[0] < 9, lambda s: (2 * s[0], s[1] + 1), (x, y))


def _scanned(x: Any, y: Any) -> Any:
    return lax.scan(lambda total, row: (total + row, row), 0.0, jnp.stack([x, 1.0]))[0], y


def _chosen(x: Any, y: Any) -> Any:
    return lax.cond(x > 0, lambda a: (a, 3.0), lambda a: (2 * a, 4.0), y)


def _called(x: Any, y: Any) -> Any:
    rule = jax.custom_jvp(lambda a, b: (a, b + 1))
    rule.defjvp(lambda p, t: (rule(*p), t))
    return jax.jit(rule)(x, y)


@pytest.mark.parametrize(
    ("function", "by_first", "by_second"),
    [
        (_rotated, [True, False, False], [True, True, True]),
        (_until, [True, True], [False, True]),
        (_scanned, [True, False], [False, True]),
        (_chosen, [True, True], [True, False]),
        (_called, [True, False], [False, True]),
        (lambda x, y: (jax.numpy.ones(2), x > y), [False, True], [False, True]),
    ],
    ids=["rotated", "until", "scanned", "chosen", "called", "test"],
)
def test_what_moves_is_followed(function: Any, by_first: list[bool], by_second: list[bool]) -> None:
    closed = jax.make_jaxpr(function)(*X)
    assert Flow().through(closed, [True, False]) == by_first
    assert Flow().through(closed, [False, True]) == by_second
    assert not any(Flow().through(closed, [False, False]))


def _by_a_flag(x: Any, y: Any) -> Any:
    """The end is a flag that a turn computes."""
    state = lax.while_loop(lambda s: ~s[1], lambda s: (s[0] / 2, s[0] < 1), (x, False))
    return state[0] * y


def _by_an_integer_flag(x: Any, y: Any) -> Any:
    """The same as a number that is 0 or 1."""
    turn = lambda s: (s[0] / 2, (s[0] > 1).astype(int))  # noqa: E731
    return lax.while_loop(lambda s: s[1] != 0, turn, (x, 1))[0] * y


def _within_a_loop(x: Any, y: Any) -> Any:
    return lax.fori_loop(0, 2, lambda _, z: _by_a_flag(z, 1.0), x) * y


def _within_a_branch(x: Any, y: Any) -> Any:
    return lax.cond(y > 0, lambda z: _by_a_flag(z, 1.0), lambda z: z, x)


def _within_a_solver(x: Any, y: Any) -> Any:
    def solve(matvec: Any, b: Any) -> Any:
        return _by_a_flag(b, 1.0)

    return lax.custom_linear_solve(lambda z: 2 * z, x, solve, symmetric=True) * y


def _counted(x: Any, y: Any) -> Any:
    count = (9 * x).astype(int)
    return lax.fori_loop(0, count, lambda _, z: 2 * z, y)


@pytest.mark.parametrize(
    ("function", "by_first", "by_second"),
    [
        (_by_a_flag, True, False),
        (_by_an_integer_flag, True, False),
        (_within_a_loop, True, False),
        (_within_a_branch, True, True),  # whether there is a loop at all
        (_within_a_solver, True, False),
        (jax.jit(_by_a_flag), True, False),
        (_counted, False, False),
        (lambda x, y: x * y, False, False),
    ],
    ids=["flag", "integer", "loop", "branch", "solver", "call", "counter", "none"],
)
def test_loops_that_end_by_what_moves(function: Any, by_first: bool, by_second: bool) -> None:
    closed = jax.make_jaxpr(function)(*map(jnp.float32, X))
    assert loops_end_by(closed, [True, False]) is by_first
    assert loops_end_by(closed, [False, True]) is by_second


def _of_turns(count: int) -> Any:
    return lambda x: lax.while_loop(lambda c: c[0] < count, lambda c: (c[0] + 1, c[1]), (0, x))


def _until_done(x: Any) -> Any:
    def turn(state: Any) -> Any:
        x, _ = state
        return x / 2, jnp.all(abs(x) < 1)

    return lax.while_loop(lambda state: ~state[1], turn, (x, False))


@pytest.mark.parametrize(
    ("function", "ends"),
    [
        (_of_turns(3), False),
        (jax.vmap(_of_turns(3)), False),
        (_until_done, True),
        (lambda x: lax.while_loop(lambda x: x[0] > 1, lambda x: x / 2, x), True),
        (lambda x: lax.fori_loop(0, x.astype(int)[0], lambda _, y: 2 * y, x), False),
        (jnp.sin, False),
    ],
)
def test_loops_that_end_by_numbers(function: Any, ends: bool) -> None:
    closed = jax.make_jaxpr(function)(np.ones(2, np.float32))
    assert loops_end_by(closed, [True]) is ends
    assert not loops_end_by(closed, [False])
