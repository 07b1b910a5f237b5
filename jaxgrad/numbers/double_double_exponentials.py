"""Exponentials, logarithms and hyperbolic functions of double-double balls."""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
from flint import arb

from jaxgrad.numbers import double_double as dd
from jaxgrad.numbers import float64_functions as float64
from jaxgrad.numbers.double_double import FLUSHED, DoubleDouble, constants, exactly
from jaxgrad.numbers.double_double_series import (
    compiled,
    constant,
    float_ball,
    horner,
    magnitude,
    middle_of,
    unknown_unless,
    where,
    with_sign,
)

__all__ = ["cosh", "exp", "expm1", "log", "log1p", "logistic", "sinh", "tanh"]

_STEPS = 64  # the table has 2^(j/64)
_EXP_TERMS = 11


@functools.cache
def _exp_series() -> DoubleDouble:
    """1/(k + 1)!, of e^r − 1 = r(1 + r/2 + …)."""
    return constants(lambda: [arb(1) / math.factorial(k + 1) for k in range(_EXP_TERMS)])


@functools.cache
def _roots_of_two() -> DoubleDouble:
    return constants(lambda: [arb(2) ** (arb(j) / _STEPS) for j in range(_STEPS)])


def _power_of_two(k: Any) -> Any:
    return jax.lax.bitcast_convert_type((k.astype(jnp.int64) + 1023) << 52, jnp.float64)


def _reduced(x: DoubleDouble) -> tuple[DoubleDouble, Any]:
    """e^r − 1 and n, of x = n log 2/64 + r, |r| ≤ 0.0055; x is a middle, |x| ≤ 710.

    What 11 terms leave out is |r|¹²/12!·(1 + …), less than 2⁻⁹⁰|r|.
    """
    n = jnp.round(x.parts[0] * (_STEPS / math.log(2)))
    step = dd.scaled(constant("log 2"), 1 / _STEPS)
    r = dd.difference(x, dd.product(float_ball(n), step))
    series = dd.product(r, horner(r, _exp_series()))
    left = dd.largest(r) ** (_EXP_TERMS + 1) * (2.0 / math.factorial(_EXP_TERMS + 1))
    return dd.widened(series, left + FLUSHED), n


def _exponentials(x: DoubleDouble) -> tuple[DoubleDouble, DoubleDouble]:
    """e^x and e^x − 1.  Of a radius r each is further from the middle's by e^x(e^r − 1) at most."""
    high, low, radius = x.parts
    tame = jnp.clip(high, -745.0, 709.0)
    middle = DoubleDouble(tame, jnp.where(tame == high, low, 0.0), jnp.zeros_like(high))
    series, n = _reduced(middle)
    k = jnp.floor(n / _STEPS)
    j = (n - k * _STEPS).astype(jnp.int32)
    table = _roots_of_two().each(lambda part: jnp.asarray(part)[j])
    value = dd.total(table, dd.product(table, series))
    half = jnp.floor(k * 0.5)
    value = dd.scaled(dd.scaled(value, _power_of_two(half)), _power_of_two(k - half))
    less = where(n == 0, series, dd.difference(value, exactly(1.0)))
    more = dd.largest(value) * (radius + radius * radius)  # e^r − 1 < r + r² of r ≤ 1
    known = (radius <= 1) & (high <= 709)
    tiny = (high < -744) & (radius <= 1)
    value = where(tiny, float_ball(0.0 * tame), dd.widened(value, more))
    less = where(tiny, float_ball(-1.0 + 0.0 * tame), dd.widened(less, more))
    value, less = (dd.widened(each, jnp.where(tiny, FLUSHED, 0.0)) for each in (value, less))
    return unknown_unless(known, value), unknown_unless(known, less)


@compiled
def exp(x: DoubleDouble) -> DoubleDouble:
    """e^x."""
    return _exponentials(x)[0]


@compiled
def expm1(x: DoubleDouble) -> DoubleDouble:
    """e^x − 1."""
    return _exponentials(x)[1]


@compiled
def logistic(x: DoubleDouble) -> DoubleDouble:
    """1/(1 + e^−x), of e^−|x|, so that nothing overflows."""
    e = _exponentials(dd.negative(magnitude(x)))[0]
    return dd.quotient(where(x.parts[0] >= 0, float_ball(jnp.ones_like(x.parts[0])), e),
                       dd.total(exactly(1.0), e))  # fmt: skip


def _tanh_of_positive(x: DoubleDouble) -> DoubleDouble:
    """−t/(t + 2) of t = e^(−2x) − 1."""
    t = expm1(dd.scaled(x, -2.0))
    return dd.negative(dd.quotient(t, dd.total(t, exactly(2.0))))


@compiled
def sinh(x: DoubleDouble) -> DoubleDouble:
    """(t + t/e^x)/2 of t = e^x − 1."""
    e, t = _exponentials(magnitude(x))
    return with_sign(x, dd.scaled(dd.total(t, dd.quotient(t, e)), 0.5))


@compiled
def cosh(x: DoubleDouble) -> DoubleDouble:
    """(e^x + e^−x)/2."""
    e = _exponentials(magnitude(x))[0]
    return dd.scaled(dd.total(e, dd.quotient(exactly(1.0), e)), 0.5)


# -- logarithms ------------------------------------------------------------------------------------
def _log_beside(guess: Any, u: DoubleDouble) -> DoubleDouble:
    """guess + log(1 + u), of |u| ≤ ¼: after u − u²/2 + u³/3 there is less than u⁴ left."""
    squared = dd.square(u)
    series = dd.difference(u, dd.scaled(squared, 0.5))
    series = dd.total(series, dd.product(dd.product(u, squared), constant("third")))
    size = dd.largest(u)
    found = dd.widened(dd.total(float_ball(guess), series), size**4 + FLUSHED)
    return unknown_unless(size <= 0.25, found)


@compiled
def log1p(x: DoubleDouble) -> DoubleDouble:
    """y + log((1 + m)e^−y) of a guess y; of m = x, and by the derivative's bound around it."""
    middle, radius = middle_of(x), x.parts[2]
    whole = dd.total(exactly(1.0), middle)
    y = float64.log1p(middle.parts[0])
    y = jnp.where(jnp.isfinite(y), y, 0.0)
    e, t = _exponentials(dd.negative(float_ball(y)))
    # (1 + m)(1 + t) − 1 = m + t + mt loses nothing near 0, and (1 + m)e − 1 where m is large.
    near = dd.total(middle, dd.product(whole, t))
    far = dd.difference(dd.product(whole, e), exactly(1.0))
    found = _log_beside(y, where(abs(middle.parts[0]) < 0.5, near, far))
    return _around(found, dd.least(whole), radius)


def _around(found: DoubleDouble, argument: Any, radius: Any) -> DoubleDouble:
    """A logarithm of what is beside a middle: |log(m + d) − log m| ≤ r/(m − r)."""
    room = argument * (1 - 2.0**-50) - radius
    more = radius / jnp.where(room > 0, room, 1.0)
    return unknown_unless(room > 0, dd.widened(found, more + jnp.where(radius > 0, FLUSHED, 0.0)))


@compiled
def log(x: DoubleDouble) -> DoubleDouble:
    """y + log(m e^−y) of a guess y, m = x; near 1 by what m is more than that."""
    middle, radius = middle_of(x), x.parts[2]
    high = middle.parts[0]
    usual = jnp.where(high > 0, high, 1.0)
    near = (usual > 0.5) & (usual < 2)
    less = dd.difference(middle, exactly(1.0))
    y = jnp.where(near, float64.log1p(usual - 1), float64.log(usual))
    e, t = _exponentials(dd.negative(float_ball(y)))
    u = where(
        near,
        dd.total(less, dd.product(middle, t)),
        dd.difference(dd.product(middle, e), exactly(1.0)),
    )
    return _around(unknown_unless(high > 0, _log_beside(y, u)), dd.least(middle), radius)


@compiled
def tanh(x: DoubleDouble) -> DoubleDouble:
    """tanh changes no faster than x."""
    return dd.widened(with_sign(x, _tanh_of_positive(magnitude(middle_of(x)))), x.parts[2])
