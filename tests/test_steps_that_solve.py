"""Solvers inside of a number of steps: run on by themselves, for more steps are another time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxgrad import Verdict, check


def implicit_step(factor: float, tolerance: float) -> Any:
    """A step of time of ẏ = −y³/10 by an equation for its end, solved to a tolerance."""

    def solve(c: Any) -> Any:
        return lax.while_loop(
            lambda y: jnp.abs(y + 0.1 * y**3 - c) > tolerance * jnp.abs(c),
            lambda y: y - (y + 0.1 * y**3 - c) / (1 + 0.3 * y * y),
            c,
        )

    step: Any = jax.custom_jvp(solve)
    step.defjvp(lambda xs, ts: ((y := step(*xs)), factor * ts[0] / (1 + 0.3 * y * y)))
    return step


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("tolerance", [1e-6, 1e-4])
@pytest.mark.parametrize(("factor", "verdict"), [(1.0, Verdict.AGREES), (1.01, Verdict.REFUTED)])
def test_more_steps_of_time_are_another_time(
    steps: int, tolerance: float, factor: float, verdict: Verdict
) -> None:
    step = implicit_step(factor, tolerance)
    function = lambda x: lax.scan(lambda c, _: (step(c), None), x, None, length=steps)[0]  # noqa: E731
    found = check(function, (np.float32(0.7),), domain=lambda x: x > 0)
    assert found.verdict is verdict, found


def square_root(a: Any, tolerance: float) -> Any:
    """√a by Newton's steps."""
    far = lambda c: jnp.abs(c[0] - c[1]) > tolerance  # noqa: E731
    return lax.while_loop(far, lambda c: ((c[0] + a / c[0]) / 2, c[0]), (a, a + 1))[0]


def halfway(steps: int, tolerance: float) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """From a halfway to √a, some times, and the derivative of where that is."""
    left = 2.0**-steps
    turn = lambda a: lambda _, y: (y + square_root(a, tolerance)) / 2  # noqa: E731
    slope = lambda a: (1 - left) / (2 * jnp.sqrt(a)) + left  # noqa: E731
    return (lambda a: lax.fori_loop(0, steps, turn(a), a)), slope


@pytest.mark.parametrize("steps", [2, 5])
@pytest.mark.parametrize("tolerance", [1e-6, 1e-3])
@pytest.mark.parametrize(("factor", "verdict"), [(1.0, Verdict.AGREES), (1.01, Verdict.REFUTED)])
def test_a_rule_over_steps_that_solve_has_to_be_that_of_their_number(
    steps: int, tolerance: float, factor: float, verdict: Verdict
) -> None:
    value, slope = halfway(steps, tolerance)
    f: Any = jax.custom_vjp(value)
    f.defvjp(lambda a: (value(a), a), lambda a, g: (factor * g * slope(a),))
    found = check(f, (np.float32(2),), special_points=False)
    assert found.verdict is verdict, found
