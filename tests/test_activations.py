"""Activation functions: their derivatives, their dtypes, the stepped sum, and the errors."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxgrad import strategies
from jaxgrad.errors import ArgumentError, MissingExtra
from jaxgrad.networks.activations import ACTIVATIONS, Activation, activation, stepped_sigmoid

DTYPES = ["float16", "bfloat16", "float32", "float64"]
# In units of 2^-53, for values of size at most one: s(1 - s) and 1 - t*t take the error of one
# elementary function, below 16, a few times. The largest error is that of softplus', which JAX
# computes as exp(z - softplus(z)): log1p, log1p(x) <= log 2, has been seen to err by 129; rounding
# softplus(z) adds 32 while z < 64 (half of 2^-47), and e^-z is nothing beyond; exp adds 16.
ROUNDING = 256 * 2.0**-53


@functools.cache
def compiled_derivative(name):
    return jax.jit(jax.grad(activation(name).function))


@pytest.mark.parametrize("name", ACTIVATIONS)
@given(z=strategies.finite_floats("float64", allow_subnormal=False))
@settings(deadline=None)
def test_hand_derivative_is_the_compiled_derivative(name, z):
    with jax.enable_x64(True):
        hand, auto = activation(name).derivative(jnp.asarray(z)), compiled_derivative(name)(z)
        assert abs(hand - auto) <= ROUNDING


@pytest.mark.parametrize("name", ACTIVATIONS)
@given(z=st.sampled_from([-1.0, -0.25, 0.5, 2.0]))
@settings(deadline=None)
def test_a_wrong_sign_is_seen(name, z):
    with jax.enable_x64(True):
        chosen = activation(name)
        planted = -chosen.derivative(jnp.asarray(z))
        dead = name == "relu" and z < 0
        assert dead or abs(planted - jax.grad(chosen.function)(z)) > ROUNDING


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("shape", [(), (3,), (2, 0)])
def test_shape_and_dtype_are_kept(name, dtype, shape):
    with jax.enable_x64(True):
        z, chosen = jnp.ones(shape, dtype), activation(name)
        for function in (chosen.function, chosen.derivative):
            assert (function(z).shape, function(z).dtype) == (shape, jnp.dtype(dtype))


def test_an_activation_of_ones_own_passes_through():
    cube = Activation("cube", lambda z: z**3, lambda z: 3 * z**2)
    assert activation(cube) is cube


@pytest.mark.parametrize("name", ["swish", None, ["relu"], 3])
def test_unknown_names_are_refused_with_the_known_ones(name):
    with pytest.raises(ArgumentError, match=r"unknown activation.*'sigmoid', 'tanh', 'softplus'"):
        activation(name)


@given(
    x=strategies.finite_floats("float64", largest=30, allow_subnormal=False),
    terms=st.integers(1, 40),
)
@settings(deadline=None, max_examples=25)  # each number of terms is another program
def test_stepped_sigmoid_is_the_sum_written_out(x, terms):
    with jax.enable_x64(True):
        written_out = sum(1 / (1 + np.exp(-(x - i + 0.5))) for i in range(1, terms + 1))
        # terms summands <= 1 with an error of at most 16 units each (exp of |x - i + 1/2| < 70.5
        # of an argument rounded by up to 64 units adds 64), and terms additions of at most terms.
        bound = (80 * terms + terms**2) * 2.0**-53
        assert abs(stepped_sigmoid(x, terms) - written_out) <= bound


def test_stepped_sigmoid_keeps_shape_and_dtype():
    for shape in [(), (2,), (2, 3)]:
        summed = stepped_sigmoid(jnp.zeros(shape, jnp.bfloat16), 5)
        assert (summed.shape, summed.dtype) == (shape, jnp.bfloat16)


@pytest.mark.parametrize("terms", [0, -1, 1.5, True, None])
def test_stepped_sigmoid_refuses_bad_terms(terms):
    with pytest.raises(ArgumentError, match=r"terms is .*integer >= 1"):
        stepped_sigmoid(0.0, terms)


def test_stepped_sigmoid_refuses_shifts_the_dtype_cannot_hold():
    assert stepped_sigmoid(jnp.bfloat16(1), 128).dtype == jnp.bfloat16  # 127.5 = 255/2, 8 bits
    with pytest.raises(ArgumentError, match="129 - 1/2 is no bfloat16"):
        stepped_sigmoid(jnp.bfloat16(1), 129)
    with pytest.raises(ArgumentError, match="x has dtype int32"):
        stepped_sigmoid(1, 3)


@given(data=st.data())
@settings(deadline=None)
def test_drawn_floats_are_finite_and_bounded(data):
    dtype = data.draw(st.sampled_from([*DTYPES, "float8_e4m3fn", "float8_e5m2"]))
    x = data.draw(strategies.finite_floats(dtype, largest=3.3, allow_subnormal=False))
    assert x.dtype == jnp.dtype(dtype) and abs(float(x)) <= 3.3
    assert x == 0 or abs(float(x)) >= float(jnp.finfo(dtype).tiny)


@pytest.mark.parametrize("arguments", [{"dtype": "int32"}, {"dtype": "float32", "largest": -1}])
def test_bad_strategies_are_refused(arguments):
    with pytest.raises(ArgumentError):
        strategies.finite_floats(**arguments)


def test_a_missing_hypothesis_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "hypothesis.strategies", None)
    with pytest.raises(MissingExtra, match=r"pip install 'jaxgrad\[test\]'"):
        strategies.finite_floats("float32")
