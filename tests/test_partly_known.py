"""Runs of a program that differ in some inputs alone are those of the whole program."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxgrad.gradients.enclosure import balls
from jaxgrad.interpret import partly_known
from jaxgrad.interpret.partly_known import PartlyKnown
from jaxgrad.interpret.turns import further_turns
from jaxgrad.interpret.walker import Interpreter, interpret
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.trace import trace


def root(a: Any) -> Any:
    """√a by Newton's steps, to a tolerance."""
    step = lambda x: (x[0] / 2 + a / (2 * x[0]), x[0])  # noqa: E731
    return lax.while_loop(lambda x: jnp.abs(x[0] - x[1]) > 1e-3, step, (a, a + 1))[0]


def implicit(a: Any, g: Any) -> tuple[Any, Any]:
    f = jax.custom_vjp(root)
    f.defvjp(lambda a: (f(a), f(a)), lambda x, g: (g / (2 * x),))
    value, backward = jax.vjp(f, a)
    return value, backward(g)[0]


PROGRAMS: dict[str, Callable[[Any, Any], Any]] = {
    "a product": lambda x, y: jnp.sin(x) * y,
    "what is known alone": lambda x, y: (jnp.cos(x), x, 2.0),
    "what moves alone": lambda x, y: (jnp.cos(y), y),
    "a zero with a sign": lambda x, y: jnp.where(x == 0, 1.0, x) * jnp.sqrt(jnp.abs(y)),
    "a loop of what is known": implicit,
    "a loop of what moves": lambda x, y: root(y) * jnp.exp(x),
    "calls": lambda x, y: jax.jit(lambda z: (z, z * y))(jax.jit(jnp.tanh)(x)),
    "parts of arrays": lambda x, y: jnp.sort(jnp.stack([x, y, x * y]))[1:],
}


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("moving", [0, 1])
def test_it_returns_what_the_program_does(name: str, moving: int) -> None:
    random = np.random.default_rng(len(name))
    point = random.uniform(0.5, 3, 2).astype(np.float32)
    program = trace(PROGRAMS[name], tuple(point))
    partly, seen = PartlyKnown(program, [moving]), 0
    for bits in (53, 212):
        for _ in range(3):
            point[moving] = random.uniform(0.5, 3)
            with precision(bits):
                inputs = balls(program.inputs, list(point))
                found = partly.run(inputs), interpret(program, Ball(), inputs)
                for mine, whole in zip(*found, strict=True):
                    for x, y in zip(mine.flat, whole.flat, strict=True):
                        assert x.mid() == y.mid() and x.rad() == y.rad()
                        seen += 1
    assert seen == 6 * sum(math.prod(leaf.shape) for leaf in program.outputs)


def test_what_is_known_is_run_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []

    class Counting(Interpreter):
        def call(self, closed: Any, inputs: list[Any]) -> list[Any]:
            calls.append(closed)
            return super().call(closed, inputs)

    monkeypatch.setattr(partly_known, "Interpreter", Counting)
    program = trace(implicit, (np.float32(2), np.float32(1)))
    partly = PartlyKnown(program, [1])

    def asked(g: float) -> int:
        before = len(calls)
        partly.run(balls(program.inputs, [np.float32(2), np.float32(g)]))
        return len(calls) - before

    first = asked(1.0)
    assert first > 0 and asked(2.0) == asked(-3.0) == 0
    with further_turns(at_tolerances=True):
        assert asked(1.0) > first and asked(2.0) == 0
    with precision(2 * 212):
        assert asked(1.0) >= first
