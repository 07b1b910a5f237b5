"""A JAX function over another kind of numbers, by a public name."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

import jaxgrad
from jaxgrad.errors import ArgumentError, UnsupportedPrimitive


def f(x: jax.Array, scale: jax.Array) -> jax.Array:
    return jnp.exp(-x) * scale + jnp.tanh(x * x)


@given(st.floats(-3, 3, width=32), st.floats(-3, 3, width=32))
def test_balls_hold_the_true_value(x: float, scale: float) -> None:
    with jaxgrad.precision(200):
        found = jaxgrad.run_over(jaxgrad.Ball(), f, np.float32(x), np.float32(scale))
        at = arb(x)
        assert found.overlaps((-at).exp() * arb(scale) + (at * at).tanh())
        assert found.rad() < 1e-50
        assert not found.overlaps((-at).exp() * arb(scale) + (at * at).tanh() + arb(2) ** -100)


def test_elements_in_place_of_floats() -> None:
    tenth = arb(1) / 10
    found = jaxgrad.run_over(jaxgrad.Ball(), jax.grad(f), tenth, np.float32(2))
    assert found.overlaps(-2 * (-tenth).exp() + 2 * tenth * (1 - (tenth * tenth).tanh() ** 2))
    array = np.array([tenth, arb(2)], object)
    sums = jaxgrad.run_over(jaxgrad.Ball(), lambda t: {"sum": jnp.cumsum(t["x"])}, {"x": array})
    first, second = sums["sum"]
    assert first.overlaps(tenth)
    assert second.overlaps(tenth + 2)
    counted = jaxgrad.run_over(jaxgrad.Ball(), lambda x, n: x * n, tenth, np.int32(3))
    assert counted.overlaps(3 * tenth)


def test_keys_of_a_random_generator() -> None:
    drawn = jaxgrad.run_over(
        jaxgrad.Ball(), lambda key, x: x * jax.random.bits(key, (), "uint8"), jax.random.key(0), 2.0
    )
    assert drawn == 2 * int(jax.random.bits(jax.random.key(0), (), "uint8"))


def test_what_is_no_number_system_and_what_no_program() -> None:
    with pytest.raises(ArgumentError, match=r"is no number system; give one first, such as jaxgr"):
        jaxgrad.run_over(jnp.sin, 0.5)  # type: ignore[arg-type]
    with pytest.raises(UnsupportedPrimitive, match="`hessenberg` has no rule"):
        jaxgrad.run_over(jaxgrad.Ball(), lambda x: jax.lax.linalg.hessenberg(x)[0], np.eye(2))
    with pytest.raises(ArgumentError):
        jaxgrad.run_over(jaxgrad.Ball(), f, "0.5", np.float32(1))
