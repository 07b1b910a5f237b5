"""JAX's own derivatives are looked at at fewer points than rules of others, and found out there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.cases import with_rule
from jaxgrad import Verdict, check

X = np.array([0.5, 1.25, 2.5, 3.0], np.float32)
Y = np.array([1.5, 0.25, 3.5, 1.0], np.float32)


def own(x: Any, y: Any) -> Any:
    """Of which each entry ties with another one by itself."""
    return jnp.maximum(x, y) * jnp.abs(x) + y**2


def with_right_rule(x: Any, y: Any) -> Any:
    square = with_rule(lambda y: y**2, lambda xs, ts: 2 * xs[0] * ts[0])
    return jnp.maximum(x, y) * jnp.abs(x) + square(y)


def test_fewer_points_are_looked_at_unless_they_are_asked_for() -> None:
    few, many = check(own, (X, Y)), check(own, (X, Y), special_points=True)
    ruled = check(with_right_rule, (X, Y))
    assert few.verdict is many.verdict is Verdict.AGREES and ruled.verdict.passes
    assert len(few.special_points) <= 27 < 30 < len(many.special_points)
    assert len(ruled.special_points) > 30
    kinds = [f"`{name}` ties" in " ".join(few.special_points) for name in ("max", "abs")]
    assert any(kinds), few.special_points


def test_with_a_reference_none_are_left_out() -> None:
    found = check(own, (X, Y), reference=lambda x, y: own(x, y) + 0, special_points=True)
    assert found.verdict is Verdict.AGREES and len(found.special_points) > 30


def capsule(p: Any, a: Any, b: Any, r: Any) -> Any:
    """The distance from a segment, less a radius."""
    along = b - a
    h = jnp.clip((p - a) @ along / (along @ along), 0, 1)
    return jnp.linalg.norm(p - a - along * h) - r


FULL = {  # of points of their own, by which none of those of all programs are to be crowded out
    "relative error": (
        lambda x, y, z: (
            jnp.linalg.norm(x - y) / jnp.linalg.norm(y) + jnp.sum(jnp.maximum(z * x, 0))
        ),
        ([0.5, -1.25, 2, 0.75], [1.5, 0.25, -0.5, 2.5], [-0.3, 1.1, 0.6, 1.7]),
        "x = y",
    ),
    "capsule": (
        capsule,
        ([0.5, -1.25, 2], [1.5, 0.25, -0.5], [-0.3, 1.1, 0.6], 0.5),
        "p = a",
    ),
}


@pytest.mark.parametrize("name", FULL)
def test_where_two_arguments_are_one_is_looked_at(name: str) -> None:
    f, args, where = FULL[name]
    found = check(f, tuple(np.float32(x) for x in args))
    assert found.verdict is Verdict.REFUTED and where in str(found)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: jnp.linalg.norm(x),
        lambda x: jnp.where(x > 0, jnp.sqrt(x), 0.0) * x,
        lambda x: jnp.sum(jnp.where(x == 0, 1.0, jnp.sin(x) / x)),
        lambda x: jnp.sqrt(jnp.sum(x**2)) * x,
        lambda x: jnp.where(x > 9, jax.lax.stop_gradient(x), x),
    ],
    ids=["norm", "masked root", "masked quotient", "norm of a vector", "stopped in a branch"],
)
def test_what_is_wrong_of_jaxs_own_is_found_from_an_innocent_point(f: Callable[..., Any]) -> None:
    found = check(f, (X,))
    assert found.verdict is Verdict.REFUTED and "special point" in str(found)


def test_a_second_derivative_that_is_infinite_hides_no_wrong_one_beside_it() -> None:
    def cubed(wrong: float) -> Callable[..., Any]:
        off = lambda b: jnp.where(b == 0, wrong * b, 0.0)  # noqa: E731 - its slope at 0 alone
        return with_rule(lambda b: b**3, lambda xs, ts: (3 * xs[0] ** 2 + off(xs[0])) * ts[0])

    def f(wrong: float) -> Callable[..., Any]:
        return lambda a, b: jnp.stack([jnp.abs(a) ** 1.5, cubed(wrong)(b)])

    assert check(f(0.0), (1.0, 2.0), order=2).verdict.passes
    found = check(f(1.0), (1.0, 2.0), order=2)
    assert found.verdict is Verdict.REFUTED and "b = 0" in str(found)


def test_a_power_at_the_end_of_its_domain_is_no_wrong_second_derivative() -> None:
    found = check(lambda x, y: x**y, (X, Y), order=2)
    assert found.verdict is Verdict.AGREES
    assert any("vanishes" in why for why in found.special_points), found.special_points
