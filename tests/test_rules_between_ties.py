"""check_grads() where what lies between two neighbouring ties is narrow, or on no drawn line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb

from benchmarks.cases import with_rule
from jaxgrad.gradients.check_grads import check
from jaxgrad.gradients.rules.directions import Direction, Unit
from jaxgrad.gradients.rules.ties import BetweenTies, slopes_between_ties
from jaxgrad.programs.trace import trace
from jaxgrad.verdict import Verdict

Case = tuple[Callable[[jax.Array], jax.Array], list[float], list[float]]

# A function, a point at which it ties, and a gradient of no part beside it.
CASES: dict[str, Case] = {
    "a sector of 18 degrees": (
        lambda x: jnp.clip(x[0], -2 * x[1], -x[1]), [0.0, 0.0], [1.2, -1.0],
    ),
    "its gradient by the other number": (
        lambda x: jnp.clip(x[0], -2 * x[1], -x[1]), [0.0, 0.0], [0.0, 1.1],
    ),
    "beside a square": (
        lambda x: jnp.minimum(jnp.maximum(x[1] ** 2, x[0]), jnp.abs(x[1])),
        [1.0, -1.0], [1.5, 0.0],
    ),
    "a sector of a degree": (
        lambda x: jnp.clip(x[0], -1.02 * x[1], -x[1]), [0.0, 0.0], [-0.25, -1.0],
    ),
    "a sort below a number": (
        lambda x: jnp.minimum(jnp.sort(x) @ jnp.array([1.0, 2.0, 4.0]), 0),
        [0.0, 0.0, 0.0], [0.5, 1.0, 4.5],
    ),
    "a sort below a number, less than any limit": (
        lambda x: jnp.minimum(jnp.sort(x) @ jnp.array([1.0, 2.0, 4.0]), 0),
        [0.0, 0.0, 0.0], [0.5, 1.0, -0.25],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_limit_of_a_narrow_part_is_a_generalised_derivative(name: str) -> None:
    function, point, gradient = CASES[name]
    x = np.float32(point)
    assert check(function, (x,), special_points=False).verdict is Verdict.AGREES
    wrong = with_rule(
        function,
        lambda xs, ts: jnp.where(
            jnp.all(xs[0] == x), jnp.float32(gradient) @ ts[0], jax.jvp(function, xs, ts)[1]
        ),
    )
    assert check(wrong, (x,), special_points=False).verdict is Verdict.REFUTED


def test_narrow_parts_are_seen_at_special_points() -> None:
    clipped = CASES["a sector of 18 degrees"][0]
    assert check(clipped, (np.float32([0.3, 0.7]),)).verdict is Verdict.AGREES


def _tent(factor: float) -> Callable[[jax.Array], jax.Array]:
    """Of x₀ + x₀² above x₁ and below 5/4 x₁, and 0 elsewhere; the square has a rule."""
    square = jax.custom_jvp(lambda t: t * t)
    square.defjvp(lambda p, t: (p[0] ** 2, factor * p[0] * t[0]))

    def tent(x: jax.Array) -> jax.Array:
        top = x[0] + square(x[0])
        return jnp.maximum(0, jnp.minimum(2 * (top - x[1]), 1.25 * x[1] - top))

    return tent


def test_there_is_no_hessian_either_beside_a_narrow_part() -> None:
    asked: Any = {"order": 2, "special_points": False}
    x = np.zeros(2, np.float32)
    assert check(_tent(2.0), (x,), **asked).verdict.passes
    found = check(_tent(40.0), (x,), **asked)
    assert found.verdict is Verdict.REFUTED and "derivative 2 of f" in str(found)


def test_a_tie_beside_which_all_slopes_are_one_is_no_kink() -> None:
    """relu(x) − relu(−x) is x, of whatever x is made."""
    weights = jnp.float32([[1, -2, 3], [2, 1, -1]])
    for n in (2, 3):

        def same(x: jax.Array, w: Any = weights[:, :n]) -> jax.Array:
            return jnp.sum(jax.nn.relu(w @ x) - jax.nn.relu(-(w @ x)))

        assert check(same, (np.zeros(n, np.float32),)).verdict is Verdict.REFUTED


def _slopes(function: Callable[..., Any], line: list[float], along: list[float]) -> list[arb]:
    program = trace(function, (np.zeros(len(line), np.float32),))
    found = slopes_between_ties(program, Direction([np.array(line)]), Direction([np.array(along)]))
    return [slopes[0][()] for slopes in found if slopes is not None]


def test_a_line_goes_through_every_part() -> None:
    found = _slopes(lambda x: jnp.clip(x[0], -1.001 * x[1], -x[1]), [0.3, 0.7], [1.0, 0.0])
    assert [round(float(x), 6) for x in found] == [0, 0, 1, 0]
    stairs = _slopes(
        lambda x: jnp.sort(x) @ jnp.arange(1.0, 6.0), [0.1, 1, 2, 3, 4], [1, 0, 0, 0, 0]
    )
    assert [round(float(x), 6) for x in stairs] == [1, 2, 3, 4, 5, 1]


def test_one_number_has_no_line_between_its_sides() -> None:
    program = trace(jnp.abs, (np.float32(0),))
    unit = Unit([()], 0, ())
    assert not list(BetweenTies(program).limits(unit, unit))
