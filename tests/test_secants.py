"""Implicit rules over a bisection, which has no derivative but its secants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxgrad.errors import GradientMismatch
from jaxgrad.gradients.check_grads import check, check_grads
from jaxgrad.verdict import Verdict


def bisected(factor: float) -> Callable[[Any], Any]:
    """√y by bisection, with the derivative of √y times a factor."""

    def root(y: Any) -> Any:
        def halved(_: Any, ends: tuple[Any, Any]) -> tuple[Any, Any]:
            low, high = ends
            middle = 0.5 * (low + high)
            below = middle * middle < y
            return jnp.where(below, middle, low), jnp.where(below, high, middle)

        low, high = lax.fori_loop(0, 60, halved, (jnp.zeros_like(y), 1.0 + y))
        return 0.5 * (low + high)

    function = jax.custom_vjp(root)
    function.defvjp(lambda y: (root(y), root(y)), lambda x, g: (g * factor / (2 * x),))
    return function


def test_the_rule_of_the_root_passes() -> None:
    found = check_grads(bisected(1.0), (np.float32(2),), modes="rev", special_points=False)
    assert found.verdict is Verdict.AGREES


@pytest.mark.parametrize("factor", [1.001, 1 + 1e-5])
def test_another_rule_does_not(factor: float) -> None:
    with pytest.raises(GradientMismatch):
        check_grads(bisected(factor), (np.float32(2),), modes="rev", special_points=False)


def test_of_the_formula_alone_it_is_the_slope_of_the_last_steps() -> None:
    found = check(
        bisected(1.0), (np.float32(2),), modes="rev", special_points=False, exact=True
    )  # fmt: skip
    assert found.verdict is Verdict.REFUTED


def test_a_promise_of_symmetry_is_kept_at_other_points() -> None:
    def solve(product: Callable[[Any], Any], b: Any) -> Any:
        return jnp.linalg.solve(jax.jacobian(product)(b), b)

    def solved(a: Any, b: Any) -> Any:
        return lax.custom_linear_solve(lambda v: a @ v, b, solve, solve, symmetric=True)

    a, b = np.array([[2, 1], [1, 3]], np.float32), np.array([1, 2], np.float32)
    found = check_grads(solved, (a, b))
    assert found.verdict is Verdict.AGREES and found.special_points
    wrong = check(lambda a, b: solved(a, b) + lax.stop_gradient(b), (a, b))
    assert wrong.verdict is Verdict.REFUTED
