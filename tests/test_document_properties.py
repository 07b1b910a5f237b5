"""What the document says of σ' and ReL', of the floats that compiled derivatives return."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings

from jaxgrad import strategies

DTYPES = ["float16", "bfloat16", "float32", "float64"]
NARROW = ["float16", "bfloat16"]  # narrow enough to try every float in a test


@functools.cache
def compiled_derivative(function):
    return jax.jit(jax.grad(function))


def every_finite_float(dtype):
    floats = np.arange(2**16, dtype=np.uint16).view(jnp.dtype(dtype))
    return floats[np.isfinite(floats.astype(np.float32))]


@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoid_derivative_is_at_most_a_quarter(dtype):
    @given(z=strategies.finite_floats(dtype))
    @settings(deadline=None)
    def holds(z):
        with jax.enable_x64(True):
            slope = compiled_derivative(jax.nn.sigmoid)(z)
            assert slope.dtype == z.dtype
            assert 0 <= float(slope) <= 0.25

    holds()


@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoid_derivative_of_zero_is_a_quarter(dtype):
    with jax.enable_x64(True):
        assert float(compiled_derivative(jax.nn.sigmoid)(jnp.zeros((), dtype))) == 0.25


def test_a_bound_below_a_quarter_is_refuted():
    @given(z=strategies.finite_floats("float32"))
    @settings(deadline=None, database=None)
    def planted(z):
        assert float(compiled_derivative(jax.nn.sigmoid)(z)) <= 0.2

    with pytest.raises(AssertionError):
        planted()


@pytest.mark.parametrize("dtype", DTYPES)
def test_rectifier_derivative_is_zero_or_one(dtype):
    @given(z=strategies.finite_floats(dtype, allow_subnormal=False))
    @settings(deadline=None)
    def holds(z):
        with jax.enable_x64(True):
            slope = compiled_derivative(jax.nn.relu)(z)
            assert slope.dtype == z.dtype
            assert float(slope) == (1 if z > 0 else 0)

    holds()


@pytest.mark.parametrize("dtype", NARROW)
def test_both_hold_for_every_narrow_float(dtype):
    floats = every_finite_float(dtype)
    slopes = np.asarray(jax.jit(jax.vmap(jax.grad(jax.nn.sigmoid)))(floats), np.float32)
    assert slopes.min() >= 0 and slopes.max() == 0.25
    steps = np.asarray(jax.jit(jax.vmap(jax.grad(jax.nn.relu)))(floats), np.float32)
    assert set(np.unique(steps)) == {0.0, 1.0}
    wide = floats.astype(np.float32)
    normal = abs(wide) >= float(jnp.finfo(dtype).tiny)  # others may count as zero
    assert (steps[normal] == (wide[normal] > 0)).all()
