"""Constants that are converted to a coarser dtype are the numbers that they become."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.extend.core import jaxpr_as_fun

from jaxgrad import Verdict, check, compare
from jaxgrad.programs.rounded_constants import with_rounded_constants

NARROW = [jnp.float16, jnp.bfloat16]


def _clipped(low: float, high: float, inside: Callable[[Any], Any]) -> Any:
    """jnp.clip, with the rule that it is the identity where a number is inside."""
    f = jax.custom_vjp(lambda x: jnp.clip(x, low, high))
    f.defvjp(lambda x: (jnp.clip(x, low, high), x), lambda x, g: (jnp.where(inside(x), g, 0),))
    return f


@pytest.mark.parametrize("dtype", NARROW)
def test_a_bound_written_beside_a_number_is_that_of_clip(dtype: Any) -> None:
    x = jnp.array([0.7, 0.05], dtype)
    assert check(_clipped(-0.1, 0.1, lambda x: jnp.abs(x) < 0.1), (x,)).verdict.passes
    other = check(_clipped(-0.1, 0.1, lambda x: jnp.abs(x) < 0.15), (x,))
    assert other.verdict is Verdict.REFUTED


def test_in_float32_a_constant_of_64_bits_is_rounded(float64: None) -> None:
    x = np.array([0.7, -0.05], np.float32)
    right = _clipped(-0.3, 1.2, lambda x: (x >= -0.3) & (x <= 1.2))
    assert check(right, (x,)).verdict.passes


def test_at_the_rounded_bound_both_sides_run_to_the_same_float() -> None:
    x = jnp.bfloat16(1.203125)

    def by_hand(half: float) -> Callable[[Any], Any]:
        return lambda x: jnp.where(abs(x) < 1.2, 1, jnp.where(abs(x) == 1.2, half, 0)).astype(
            x.dtype
        )

    auto = jax.grad(lambda x: jnp.clip(x, -1.2, 1.2))
    assert compare(by_hand(0.5), auto, x, special_points=False).verdict is Verdict.AGREES
    assert compare(by_hand(1.0), auto, x, special_points=False).verdict is Verdict.REFUTED


def _loop(x: Any) -> Any:
    return lax.fori_loop(0, 2, lambda _, y: jnp.clip(y, -0.1, 0.7), x)


PROGRAMS: dict[str, Callable[[Any], Any]] = {
    "clip": lambda x: jnp.clip(x, -0.1, 0.7),
    "within a call": jax.jit(lambda x: jax.jit(jnp.clip)(x, -0.1, 0.7)),
    "within a loop": _loop,
    "within a branch": lambda x: lax.cond(x > 0, lambda y: jnp.clip(y, -0.1, 0.7), abs, x),
    "returned": lambda x: jax.jit(lambda c: c.astype(x.dtype))(jnp.float32(0.7)),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_program_computes_the_same(name: str) -> None:
    function = PROGRAMS[name]
    x = jnp.bfloat16(0.9)
    closed = jax.make_jaxpr(function)(x)
    found = with_rounded_constants(closed)
    assert str(found) != str(closed) or name == "returned"
    assert jaxpr_as_fun(found)(x) == [function(x)]


def test_nothing_is_changed_where_nothing_is_rounded() -> None:
    closed = jax.make_jaxpr(lambda x: jnp.clip(x, -0.1, 0.1))(1.0)
    assert with_rounded_constants(closed) is closed
