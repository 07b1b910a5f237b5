"""True derivatives as the numbers of floats: how floats are ordered, slopes, whole tiles."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from float_support import numbers_of
from hypothesis import given
from hypothesis import strategies as st

import jaxgrad
from jaxgrad.evidence.float_formats import Float, Format, bits_of, format_of
from jaxgrad.gradients.accuracy.ordinals import (
    exact_doubles,
    ordinal,
    ordinals,
    rounded_ball,
    rounded_doubles,
)
from jaxgrad.gradients.accuracy.tile_rows import TileRows
from jaxgrad.numbers.interval_slopes import IntervalSlopes, moving
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.trace import trace

FORMATS = [format_of(name) for name in ("float8_e5m2", "float16", "bfloat16", "float32")]
SMALL = [format for format in FORMATS if format.bits <= 16]


# -- floats in order -------------------------------------------------------------------------------
@pytest.mark.parametrize("format", SMALL, ids=lambda format: format.dtype.name)
def test_every_float_rounds_to_itself(format: Format) -> None:
    x = numbers_of(format)
    with jax.enable_x64(True):
        doubles = jax.jit(lambda bits: exact_doubles(format, bits))(bits_of(x).astype(np.uint32))
        found = jax.jit(lambda x: ordinals(format, x))(x)
        rounded = jax.jit(lambda t: rounded_doubles(format, t))(doubles)
    assert np.array_equal(doubles, x.astype(np.float64))
    assert np.array_equal(found, rounded)
    in_order = np.argsort(np.asarray(found), kind="stable")
    assert (np.diff(x.astype(np.float64)[in_order[1:-1]]) >= 0).all()


@given(st.sampled_from(FORMATS), st.floats(allow_nan=False, allow_infinity=False))
def test_doubles_and_balls_round_alike(format: Format, t: float) -> None:
    t = t if abs(t) > 2.0**-1000 else 0.0  # what XLA takes for 0
    with jax.enable_x64(True):
        found = int(rounded_doubles(format, jnp.float64(t)))
    assert rounded_ball(format, arb(t)) == (found, found)
    if format.dtype.name in ("float16", "float32"):
        with np.errstate(over="ignore"):
            rounded = np.asarray(t).astype(format.dtype)
        assert found == ordinal(Float(format.dtype, int(bits_of(rounded))))


@given(st.sampled_from(SMALL), st.data())
def test_the_middle_between_two_floats_rounds_to_the_even_one(format: Format, data: Any) -> None:
    below = data.draw(st.integers(0, format.last - 2))
    low, high = (float(format.value(bits)) for bits in (below, below + 1))
    with jax.enable_x64(True):
        found = int(rounded_doubles(format, jnp.float64((low + high) / 2)))
    even = below + below % 2
    assert found == even
    assert rounded_ball(format, (arb(low) + arb(high)) / 2) == (even, even)


def test_balls_beyond_memory_round_to_zero_or_infinity() -> None:
    format = format_of("float32")
    with precision(256):
        large = (arb(10) ** 38).exp()
    assert rounded_ball(format, 1 / large) == (0, 0)
    assert rounded_ball(format, -large) == (-format.last, -format.last)
    assert rounded_ball(format, arb("inf")) == (format.last, format.last)


# -- slopes of intervals ---------------------------------------------------------------------------
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "exp": (jnp.exp, -50, 50),
    "log": (jnp.log, 0.01, 1e6),
    "log1p": (jnp.log1p, -0.99, 1e6),
    "sqrt": (jnp.sqrt, 1e-6, 1e6),
    "tanh": (jnp.tanh, -40, 40),
    "sigmoid": (jax.nn.sigmoid, -80, 80),
    "softplus": (jax.nn.softplus, -80, 80),
    "silu": (jax.nn.silu, -20, 20),
    "square": (jnp.square, -1e6, 1e6),
    "powers": (lambda x: x**3 - 2 / x**2, 0.5, 1e3),
    "a power": (lambda x: x**2.5, 0.5, 1e3),
    "quotient": (lambda x: (1 + x) / (2 + x * x), -1e3, 1e3),
    "branches": (lambda x: jnp.where(x > 0.3, x * x, -x), -1.0, 1.0),
    "largest": (lambda x: jnp.maximum(jnp.minimum(x, 2.0), -3 * x), -4.0, 4.0),
    "expm1": (jnp.expm1, -20, 20),
    "elu": (jax.nn.elu, -20, 20),
    "a power of two": (jnp.exp2, -50, 50),
    "log2": (jnp.log2, 0.01, 1e6),
    "rsqrt": (jax.lax.rsqrt, 0.01, 1e6),
    "sin": (jnp.sin, -30, 30),
    "cos": (jnp.cos, -30, 30),
    "tan": (jnp.tan, -1.5, 1.5),
    "atan": (jnp.arctan, -30, 30),
    "asin": (jnp.arcsin, -0.999, 0.999),
    "acos": (jnp.arccos, -0.999, 0.999),
    "sinh": (jnp.sinh, -30, 30),
    "cosh": (jnp.cosh, -30, 30),
    "asinh": (jnp.arcsinh, -30, 30),
    "acosh": (jnp.arccosh, 1.01, 30),
    "atanh": (jnp.arctanh, -0.999, 0.999),
    "cbrt": (jnp.cbrt, 0.01, 1e6),
    "erf": (jax.scipy.special.erf, -6, 6),
    "erfc": (jax.scipy.special.erfc, -6, 6),
    "gelu": (jax.nn.gelu, -6, 6),
    "clipped": (lambda x: jnp.clip(x, -1.0, 1.0) * x, -2.0, 2.0),
    "size": (lambda x: abs(x) * jnp.sign(x), -2.0, 2.0),
    "relu6": (jax.nn.relu6, -1.0, 7.0),
}


def interval(f: Callable[[Any], Any], x: float) -> tuple[np.ndarray, ...]:
    with jax.enable_x64(True):
        end = jnp.float64(x)
        found = jaxgrad.run_over(IntervalSlopes(), f, moving(end, end))
        return tuple(np.asarray(part) for part in found.parts)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(share=st.floats(0, 1))
def test_slopes_hold_the_true_derivative(name: str, share: float) -> None:
    f, least, most = FUNCTIONS[name]
    x = float(np.float32(least + (most - least) * share))
    low, high, below, above, ties, nowhere = interval(f, x)
    assert not nowhere
    with precision(200), jax.enable_x64(True):
        step = arb(2) ** -60
        values = [jaxgrad.run_over(jaxgrad.Ball(), f, each) for each in (arb(x), arb(x) + step)]
        assert arb(float(low)) <= values[0] <= arb(float(high))
        # The mean value theorem: a slope somewhere in between, that of a line where it is one.
        slope = (values[1] - values[0]) / step
        if not ties:
            wide = abs(slope) * arb(2) ** -40 + arb(2) ** -45
            assert arb(float(below)) - wide <= slope <= arb(float(above)) + wide
    assert math.isnan(above) or ties or above - below <= 1e-9 * max(1e-200, abs(above)) + 1e-12


@pytest.mark.parametrize(
    ("f", "x", "ties", "nowhere"),
    [
        (jax.nn.relu, 0.0, True, False),
        (jax.nn.relu, 1e-30, False, False),
        (jnp.abs, 0.0, True, False),
        (lambda x: jnp.where(x >= 1, x, 2 * x), 1.0, True, False),
        (lambda x: jnp.where(x >= 1, x, 2 * x), 0.5, False, False),
        (lambda x: jnp.where(jnp.isnan(x), 0.0, x), 2.0, False, False),
        (lambda x: jnp.where(x > 0, jnp.log(jnp.where(x > 0, x, 1.0)), x), -2.0, False, False),
        (lambda x: jnp.where(x > 0, jnp.log(x), x), -2.0, False, False),
        (jnp.log, -1.0, False, True),
        (lambda x: jnp.sqrt(x - 2) * 0, 1.0, False, True),
        (lambda x: 1 / (x - x), 1.0, False, False),  # x − x is around 0, not known to be it
        (lambda x: x**-2, 0.0, False, True),
        (lambda x: jax.lax.pow(x, x * 0 + 2), -3.0, False, False),  # which is 9
        (lambda x: jax.lax.pow(x, jnp.full_like(x, 2.0)), -3.0, False, False),
        (lambda x: jax.lax.pow(x, jnp.full_like(x, 2.5)), -3.0, False, True),
        # Whether x − x is above 0 is open, and one branch has a value.
        (lambda x: jnp.where(x - x > 0, jnp.log(x), x), -2.0, True, False),
        (lambda x: jnp.where(x - x > 0, jnp.log(x), jnp.sqrt(x)), -2.0, True, True),
        (lambda x: jnp.where(x < 0, jnp.log(x), x), -2.0, False, True),
        (lambda x: (x > 1).astype(float) * x, 1.0, True, False),
    ],
)
def test_ties_and_no_values_are_marked(
    f: Callable[[Any], Any], x: float, ties: bool, nowhere: bool
) -> None:
    found = interval(f, x)
    assert bool(found[5]) == nowhere
    assert nowhere or bool(found[4]) == ties


# -- whole tiles -----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["sigmoid", "exp", "log", "silu", "relu6", "sin", "a power"])
@given(number=st.integers(0, 2**17 - 1))
def test_a_tile_that_is_known_as_a_whole_is_known_at_each_float(name: str, number: int) -> None:
    format = format_of("float32")
    bits = np.arange(2**7, dtype=np.uint32) + np.uint32(number * 2**15)
    with jax.enable_x64(True):
        doubles = exact_doubles(format, jnp.asarray(bits))
        of_tile, of_each = _truths(name)
        whole, each = np.asarray(of_tile(bits.view(np.float32))), np.asarray(of_each(doubles))
    finite = (bits & format.magnitude) < format.last
    for one, other in zip(whole[finite], each[finite], strict=True):
        assert one == other or _ends(other)[0] <= _ends(one)[0] <= _ends(one)[1] <= _ends(other)[1]


@functools.cache
def _truths(name: str) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """The true derivatives of a tile, and of floats one by one, compiled once."""
    rows = TileRows(format_of("float32"), trace(FUNCTIONS[name][0], (np.float32(0.5),)))
    return jax.jit(rows.truths), jax.jit(lambda x: rows._rounded(x, x))


def _ends(pair: int) -> tuple[int, int]:
    low, high = int(pair) >> 32, (int(pair) & (2**32 - 1)) - 2**31
    return (low, high) if low <= high else (-(2**31), 2**31)  # nothing is known
