"""Balls whose middles are sums of two float64 numbers: some hundred bits, compiled by XLA.

Sums and products are taken apart into a float and what rounding left of it (Knuth, Dekker); what is
left of that is bounded by the numbers met on the way, and widens the radius.  What is assumed of
the backend is that +, −, ×, ÷ and √ of float64 round to nearest, and that subnormal numbers may be
taken for 0.  Products may be fused with sums: each product here is exact, or has lost its last bit
on purpose before it is added to anything, so that a fused sum is the same number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb, ctx

from jaxgrad.numbers.arrays import SystemArray
from jaxgrad.numbers.interval_arithmetic import Interval, outwards

__all__ = [
    "FLUSHED",
    "DoubleDouble",
    "constants",
    "difference",
    "ends",
    "exactly",
    "floats_of",
    "is_infinite",
    "largest",
    "least",
    "negative",
    "of_interval",
    "product",
    "quotient",
    "root",
    "scaled",
    "square",
    "total",
    "widened",
]

FLUSHED = 2.0**-1015
"""More than an operation loses by what is flushed to 0: of thirty steps each less than 2⁻¹⁰²¹."""

_SLACK = 1 + 2.0**-47  # more than the roundings of a radius take away


class DoubleDouble(SystemArray):
    """Balls: float64 arrays of one shape, a middle's high and low part, and a radius.

    The real number is within the radius of the sum of the parts; nothing is known where one of the
    three is no finite number.
    """


def exactly(value: float) -> DoubleDouble:
    """A float as a ball."""
    zero = jnp.zeros(())
    return DoubleDouble(jnp.asarray(value), zero, zero)


def widened(x: DoubleDouble, radius: Any) -> DoubleDouble:
    """A ball with more around it."""
    high, low, own = x.parts
    return DoubleDouble(high, low, (own + radius) * _SLACK)


# -- floats ----------------------------------------------------------------------------------------
def _sum(a: Any, b: Any) -> tuple[Any, Any]:
    """a + b as a float and what is left, exactly.

    XLA makes b of (a + b) − a where a is a constant, so that it may not see the two together.
    """
    s = jax.lax.optimization_barrier(a + b)
    t = jax.lax.optimization_barrier(s - a)
    return s, (a - (s - t)) + (b - t)


def _bits(x: Any) -> Any:
    return jax.lax.bitcast_convert_type(x, jnp.int64)


def _float(bits: Any) -> Any:
    return jax.lax.bitcast_convert_type(bits, jnp.float64)


def _halves(a: Any) -> tuple[Any, Any]:
    """a as two floats of 26 bits, exactly: the nearest one, and what is left."""
    head = _float((_bits(a) + (1 << 26)) & ~((1 << 27) - 1))
    return head, a - head


def _rounded(a: Any, b: Any) -> Any:
    """ab without its last bit, wrong by 2⁻⁵¹ of itself at most.

    The bit is taken in whole numbers, over which no compiler fuses a product with a sum.
    """
    return _float(_bits(a * b) & ~1)


def _middles_product(a: Any, b: Any, c: Any, d: Any) -> tuple[Any, Any, Any]:
    """(a + b)(c + d) as two floats, and a bound of what they leave out, flushing apart.

    ac is the sum of four exact products, of which the largest three are added without a loss; the
    others, ad and bc are added with four roundings of 2⁻⁵³ of all of them together, ad and bc are
    wrong by 2⁻⁵¹, and bd is left out.
    """
    (p, q), (r, s) = _halves(a), _halves(c)
    middle, first = _sum(p * s, q * r)
    high, second = _sum(p * r, middle)
    small, x, y = q * s, _rounded(a, d), _rounded(b, c)
    low = second + (first + (small + (x + y)))
    magnitude = abs(second) + (abs(first) + (abs(small) + (abs(x) + abs(y))))
    return *_sum(high, low), magnitude * 2.0**-50 + abs(b) * abs(d)


# -- arithmetic ------------------------------------------------------------------------------------
def _compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Traced once for each shape, wherever it is called."""
    return jax.jit(function)


@_compiled
def total(x: DoubleDouble, y: DoubleDouble) -> DoubleDouble:
    """x + y.  Two of its sums are rounded, by 2⁻⁵³ of what they are."""
    (a, b, r), (c, d, s) = x.parts, y.parts
    high, rest = _sum(a, c)
    low, last = _sum(b, d)
    middle = rest + low
    high, low = _sum(high, middle)
    small = last + low
    error = (abs(middle) + abs(small)) * 2.0**-53
    found = DoubleDouble(*_sum(high, small), (r + s + error) * _SLACK + FLUSHED)
    infinite, zero = is_infinite(x) | is_infinite(y), jnp.zeros_like(high)
    parts = zip((a + c, zero, zero), found.parts, strict=True)
    return DoubleDouble(*(jnp.where(infinite, *pair) for pair in parts))


def is_infinite(x: DoubleDouble) -> Any:
    """Whether it is an infinity that a program holds, as of a mask; what overflows is not exact."""
    high, low, radius = x.parts
    return jnp.isinf(high) & (low == 0) & (radius == 0)


@_compiled
def negative(x: DoubleDouble) -> DoubleDouble:
    """−x."""
    high, low, radius = x.parts
    return DoubleDouble(-high, -low, radius)


def difference(x: DoubleDouble, y: DoubleDouble) -> DoubleDouble:
    """x − y."""
    return total(x, negative(y))


@_compiled
def product(x: DoubleDouble, y: DoubleDouble) -> DoubleDouble:
    """xy.  What is flushed of one, before it is multiplied, is taken into its radius."""
    (a, b, r), (c, d, s) = x.parts, y.parts
    high, low, error = _middles_product(a, b, c, d)
    r, s = r + FLUSHED, s + FLUSHED
    radius = (abs(a) + abs(b)) * s + (abs(c) + abs(d) + s) * r
    return DoubleDouble(high, low, (radius + error) * _SLACK + FLUSHED)


def square(x: DoubleDouble) -> DoubleDouble:
    """x²."""
    return product(x, x)


def scaled(x: DoubleDouble, power: Any) -> DoubleDouble:
    """x times powers of two, floats of either sign."""
    high, low, radius = (part * power for part in x.parts)
    return DoubleDouble(high, low, abs(radius) + FLUSHED)


@_compiled
def largest(x: DoubleDouble) -> Any:
    """A float no smaller than |x|."""
    high, low, radius = x.parts
    return (abs(high) + abs(low) + radius) * _SLACK + FLUSHED


@_compiled
def least(x: DoubleDouble) -> Any:
    """A float no larger than |x|; 0 where x may be 0."""
    high, low, radius = x.parts
    return jnp.maximum(abs(high) * (1 - 2.0**-47) - (abs(low) + radius) * _SLACK - FLUSHED, 0.0)


@_compiled
def quotient(x: DoubleDouble, y: DoubleDouble) -> DoubleDouble:
    """x/y: of any q it is wrong by |x − qy|/|y|, which the ball x − qy bounds."""
    (a, _, _), (c, _, _) = x.parts, y.parts
    zero = jnp.zeros(jnp.broadcast_shapes(x.shape, y.shape))
    first = a / c
    rest = difference(x, product(DoubleDouble(first, zero, zero), y))
    q = DoubleDouble(*_sum(first, rest.parts[0] / c), zero)
    error = largest(difference(x, product(q, y)))
    return _known_where(least(y) > 0, widened(q, error / least(y) + FLUSHED))


@_compiled
def root(x: DoubleDouble) -> DoubleDouble:
    """√x: of any s > 0 it is wrong by |x − s²|/(√x + s); unknown where x may be negative, but of
    0 itself."""
    high, low, radius = x.parts
    is_zero = (high == 0) & (low == 0) & (radius == 0)
    zero = jnp.zeros_like(high)
    first = jnp.sqrt(jnp.where(high > 0, high, 1.0))
    start = DoubleDouble(first, zero, zero)
    rest = difference(x, square(start))
    s = DoubleDouble(*_sum(first, rest.parts[0] / (2 * first)), zero)
    found = widened(s, largest(difference(x, square(s))) / least(s) + FLUSHED)
    found = _known_where((least(x) > 0) & (high > 0), found)
    return DoubleDouble(*(jnp.where(is_zero, 0.0, part) for part in found.parts))


def _known_where(holds: Any, x: DoubleDouble) -> DoubleDouble:
    high, low, radius = x.parts
    return DoubleDouble(high, low, jnp.where(holds, radius, jnp.nan))


# -- intervals -------------------------------------------------------------------------------------
@_compiled
def ends(x: DoubleDouble) -> Interval:
    """The interval of floats around balls, of one float what is that."""
    high, low, radius = x.parts
    exact = (low == 0) & (radius == 0)
    beside = (abs(low) + radius) * _SLACK
    wide = outwards(high - beside, high + beside)
    known = jnp.isfinite(high) & jnp.isfinite(beside)
    return Interval(*(
        jnp.where(known, jnp.where(exact, high, end), jnp.nan) for end in wide.parts
    ))  # fmt: skip


@_compiled
def of_interval(x: Interval) -> DoubleDouble:
    """The balls around intervals."""
    low, high = x.parts
    middle = low / 2 + high / 2
    radius = jnp.maximum(high - middle, middle - low) * _SLACK
    zero = jnp.zeros_like(middle)
    exact = low == high
    return DoubleDouble(
        jnp.where(exact, low, middle), zero, jnp.where(exact, 0.0, radius + FLUSHED)
    )


# -- constants -------------------------------------------------------------------------------------
def floats_of(value: arb) -> tuple[float, float, float]:
    """A number of Arb as the parts of a ball."""
    high = float(value)
    low = float(value - high)
    rest = float(abs(value - high - low).upper())
    return high, low, rest * (1 + 2.0**-50)


def constants(values: Callable[[], Sequence[arb]]) -> DoubleDouble:
    """Balls of one axis, of numbers that Arb knows."""
    before, ctx.prec = ctx.prec, 300
    try:
        rows = [floats_of(value) for value in values()]
    finally:
        ctx.prec = before
    return DoubleDouble(*np.array(rows, np.float64).T)
