"""sin, cos and atan of double-double balls."""

from __future__ import annotations

import functools
import math

import jax.numpy as jnp
from flint import arb, ctx

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

__all__ = ["atan", "cos", "sin"]

_FARTHEST = 2.0**19
_TERMS = 14  # of |r| ≤ 0.79 what they leave out is less than r²⁸/28! < 2⁻¹⁰⁷, and of sin r times r


@functools.cache
def _circular_series() -> DoubleDouble:
    """Of sin r/r and cos r, in r²; the axes are k and which of them."""

    def both() -> list[arb]:
        return [
            arb((-1) ** k) / math.factorial(2 * k + odd) for k in range(_TERMS) for odd in (1, 0)
        ]

    return constants(both).reshape(_TERMS, 2)


@functools.cache
def _quarter_parts() -> list[float]:
    """π/2 in parts of 33 bits, of which a whole multiple is exact up to 2²⁰, and what is left."""
    before, ctx.prec = ctx.prec, 300
    try:
        rest, parts = arb.pi() / 2, []
        for _ in range(3):
            head, rest = float64.split(rest, 33)
            parts.append(head)
        return parts
    finally:
        ctx.prec = before


@functools.cache
def _quarter_rest() -> DoubleDouble:
    def rest() -> list[arb]:
        left = arb.pi() / 2
        for part in _quarter_parts():
            left = left - arb(part)
        return [left]

    return constants(rest)[0]


def _turned(x: DoubleDouble, quarters: int) -> DoubleDouble:
    """sin(x + quarters π/2), which changes no faster than x."""
    high, _, radius = x.parts
    tame = jnp.where(abs(high) <= _FARTHEST, high, 0.0)
    k = jnp.round(tame * (2 / math.pi))
    r = middle_of(x)
    for part in _quarter_parts():
        r = dd.difference(r, float_ball(k * part))
    r = dd.difference(r, dd.product(float_ball(k), _quarter_rest()))
    turn = k.astype(jnp.int64) + quarters
    is_cosine = (turn & 1 == 1).astype(jnp.int32)
    own = _circular_series().each(lambda part: jnp.asarray(part)[:, is_cosine])
    value = horner(dd.square(r), own)
    size = dd.largest(r)
    left = size ** (2 * _TERMS) * (2.0 / math.factorial(2 * _TERMS))
    value = dd.widened(value, left + FLUSHED)
    value = where(is_cosine == 1, value, dd.product(value, r))
    value = where(turn & 2 == 0, value, dd.negative(value))
    known = (abs(high) <= _FARTHEST) & (size <= 1)
    return unknown_unless(known, dd.widened(value, radius))


@compiled
def sin(x: DoubleDouble) -> DoubleDouble:
    """sin x."""
    return _turned(x, 0)


@compiled
def cos(x: DoubleDouble) -> DoubleDouble:
    """cos x = sin(x + π/2)."""
    return _turned(x, 1)


def _atan_of_positive(x: DoubleDouble) -> DoubleDouble:
    """Of a guess y, y + atan w of w = (x − tan y)/(1 + x tan y); beyond 1 it is π/2 − atan 1/x."""
    far = x.parts[0] > 1
    usual = where(far, dd.quotient(exactly(1.0), x), x)
    y = float64.atan(usual.parts[0])
    tangent = dd.quotient(sin(float_ball(y)), cos(float_ball(y)))
    w = dd.quotient(
        dd.difference(usual, tangent), dd.total(exactly(1.0), dd.product(usual, tangent))
    )
    squared, size = dd.square(w), dd.largest(w)
    cubed = dd.product(dd.product(w, squared), constant("third"))
    found = dd.total(float_ball(y), dd.difference(w, cubed))
    found = unknown_unless(size <= 0.25, dd.widened(found, size**5 + FLUSHED))
    return where(far, dd.difference(constant("pi/2"), found), found)


@compiled
def atan(x: DoubleDouble) -> DoubleDouble:
    """Of what is beside a middle by the derivative's bound 1/(1 + x²)."""
    found = with_sign(x, _atan_of_positive(magnitude(middle_of(x))))
    return dd.widened(found, x.parts[2] / (1 + dd.least(x) ** 2))
