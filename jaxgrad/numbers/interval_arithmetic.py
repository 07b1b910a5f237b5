"""Arithmetic of intervals, rounded outwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxgrad.numbers.arrays import SystemArray

__all__ = [
    "TINY",
    "UNIT",
    "Interval",
    "above",
    "each_end",
    "is_point",
    "magnitudes",
    "negative",
    "outwards",
    "powers",
    "product",
    "reciprocal",
    "square",
    "total",
]

UNIT = 2.0**-52
TINY = 2.0**-1021  # of what XLA flushes to 0, each product has less than half


class Interval(SystemArray):
    """Lower and upper ends, float64 arrays of one shape; NaN where nothing is known.

    What is exact has one array for both, which is kept where entries are moved.
    """

    def each(self, f: Callable[[Any], Any]) -> Any:
        """The same of f of every part, of one array once."""
        if self.parts[0] is not self.parts[1]:
            return super().each(f)
        end = f(self.parts[0])
        return type(self)(end, end)


def above(x: Any) -> Any:
    """More than every real number that rounds to x: |x|·2⁻⁵² is an ulp or two.

    Where x is −∞ it is NaN, as what overflows has no such bound.
    """
    return x + (abs(x) * UNIT + TINY)


def outwards(low: Any, high: Any) -> Interval:
    """The interval of ends that were rounded once."""
    return Interval(low - (abs(low) * UNIT + TINY), above(high))


def total(x: Interval, y: Interval) -> Interval:
    """x + y."""
    return outwards(x.parts[0] + y.parts[0], x.parts[1] + y.parts[1])


def negative(x: Interval) -> Interval:
    """−x."""
    if is_point(x):
        return x.each(jnp.negative)
    return Interval(-x.parts[1], -x.parts[0])


def is_point(x: Interval) -> bool:
    """Whether both ends are one array, as of what is exact."""
    return x.parts[0] is x.parts[1]


def product(x: Interval, y: Interval) -> Interval:
    """xy: its ends are among the products of ends."""
    (a, b), (c, d) = x.parts, y.parts
    if is_point(x) and is_point(y):
        return outwards(a * c, a * c)
    if is_point(x) or is_point(y):
        first, second = (a * c, a * d) if is_point(x) else (a * c, b * c)
        return outwards(jnp.minimum(first, second), jnp.maximum(first, second))
    low = jnp.minimum(jnp.minimum(a * c, a * d), jnp.minimum(b * c, b * d))
    high = jnp.maximum(jnp.maximum(a * c, a * d), jnp.maximum(b * c, b * d))
    return outwards(low, high)


def reciprocal(x: Interval) -> Interval:
    """1/x, of what cannot be 0."""
    low, high = x.parts
    apart = (low > 0) | (high < 0)
    ends = (jnp.where(apart, 1 / jnp.where(apart, end, 1.0), jnp.nan) for end in (high, low))
    found = outwards(*ends)
    return Interval(
        jnp.where(low > 0, jnp.maximum(found.parts[0], 0), found.parts[0]),
        jnp.where(high < 0, jnp.minimum(found.parts[1], 0), found.parts[1]),
    )


def magnitudes(x: Interval) -> Interval:
    """|x|."""
    low, high = x.parts
    least = jnp.where((low <= 0) & (high >= 0), 0.0, jnp.minimum(abs(low), abs(high)))
    return Interval(least, jnp.maximum(abs(low), abs(high)))


def square(x: Interval) -> Interval:
    """x²."""
    least, most = magnitudes(x).parts
    wide = outwards(least * least, most * most)
    return Interval(jnp.maximum(wide.parts[0], 0.0), wide.parts[1])


def each_end(f: Callable[..., Any]) -> Callable[..., Interval]:
    """The rule of an exact function that grows in every argument."""
    return lambda *xs: Interval(*(f(*ends) for ends in zip(*(x.parts for x in xs), strict=True)))


def powers(x: Interval, exponents: np.ndarray) -> Interval:
    """xⁿ, entry by entry."""
    several = np.unique(exponents)
    if several.size == 1:
        return _power(x, int(several[0]))
    shape = np.broadcast_shapes(x.shape, exponents.shape)
    parts = [jnp.full(shape, jnp.nan)] * 2
    for n in several:
        here = exponents == n
        found = _power(x, int(n)).parts
        parts = [jnp.where(here, made, part) for made, part in zip(found, parts, strict=True)]
    return Interval(*parts)


def _power(x: Interval, n: int) -> Interval:
    if n < 0:
        return reciprocal(_power(x, -n))
    if n == 0:
        return Interval(jnp.ones(x.shape), jnp.ones(x.shape))
    if n == 1:
        return x
    if n % 2 == 0:
        return _grown(magnitudes(x), n, 0.0)
    return _grown(x, n, -jnp.inf)


def _grown(x: Interval, n: int, least: float) -> Interval:
    """xⁿ where that grows with x: of n − 1 products each is rounded once.

    What is flushed to 0 on the way is below 1, and so is what it is multiplied by.
    """
    low, high = (_repeated(end, n) for end in x.parts)
    error = n * UNIT
    wide = outwards(low - abs(low) * error, high + abs(high) * error)
    return Interval(jnp.maximum(wide.parts[0], least), wide.parts[1])


def _repeated(x: Any, n: int) -> Any:
    result = None
    while n:
        if n & 1:
            result = x if result is None else result * x
        x, n = x * x, n >> 1
    return result
