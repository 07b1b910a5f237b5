"""What is said of every point of a box: that values lie between two numbers, or near others."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.numbers.interval_arithmetic import Interval
from jaxgrad.numbers.intervals import Intervals

__all__ = ["Between", "Near", "Statement"]


@dataclass(frozen=True)
class Between:
    """low ≤ y ≤ high for every entry y.

    Args:
        low, high: rationals; None for no bound.
        written: both as they were given.
    """

    low: Fraction | None
    high: Fraction | None
    written: tuple[str, str]
    values_in_words = "between these f is"
    hint = (
        "; where f touches a bound, or branches of it meet, boxes may not show it: leave some room"
    )

    @property
    def in_words(self) -> str:
        """As a sentence."""
        low, high = self.written
        if self.low is None:
            return f"every value is at most {high}"
        if self.high is None:
            return f"every value is at least {low}"
        return f"every value is from {low} to {high}"

    def judge(self, values: Sequence[Interval]) -> tuple[jax.Array, jax.Array]:
        """Whether it holds for all entries, and whether it fails for one, whatever the values are.

        Args:
            values: intervals of the values, of any shapes.
        """
        holds, fails = jnp.asarray(True), jnp.asarray(False)
        for y in values:
            # Of what is known at one end alone there may be no value.
            known = ~(jnp.isnan(y.parts[0]) | jnp.isnan(y.parts[1]))
            holds &= known.all()
            for end, sign in ((self.low, 1), (self.high, -1)):
                if end is not None:
                    bound = _lifted(end * sign)
                    least, most = (y if sign > 0 else Interval(-y.parts[1], -y.parts[0])).parts
                    holds &= (least >= bound.parts[1]).all()
                    fails |= ((most < bound.parts[0]) & known).any()
        return holds, fails

    def fails_at(self, values: Sequence[np.ndarray]) -> Fails:
        """The same of balls at a point: which entry it fails for; None if that is open."""
        known = True
        for k, ball in _entries(values):
            if not isinstance(ball, arb) or not ball.is_finite():
                known = False
                continue
            for end, sign in ((self.low, 1), (self.high, -1)):
                if end is None:
                    continue
                gap = (ball - arb(end.numerator) / end.denominator) * sign
                if gap < 0:
                    return k
                known &= bool(gap >= 0)
        return False if known else None


@dataclass(frozen=True)
class Near:
    """|y − z| ≤ n ulp(z) for every entry, of values that come as differences y − z and as z.

    ulp(z) = 2^(⌊log₂|z|⌋ + 1 − p) of a dtype with p bits, and no less than its smallest number.

    Args:
        ulps: n.
        written: as it was given.
        dtypes: of each leaf.
    """

    ulps: Fraction
    written: str
    dtypes: tuple[Any, ...]
    values_in_words = "between these f − reference is"
    hint = (
        "; where the reference is 0, or of float64, an ulp may be less than intervals tell: ask "
        "for the difference, between="
    )

    @property
    def in_words(self) -> str:
        """As a sentence."""
        names = sorted({np.dtype(dtype).name for dtype in self.dtypes})
        return f"every value is within {self.written} ulp ({', '.join(names)}) of the other"

    def judge(self, values: Sequence[Interval]) -> tuple[jax.Array, jax.Array]:
        """As of :class:`Between`, the differences first and then the numbers."""
        holds, fails = jnp.asarray(True), jnp.asarray(False)
        half = len(values) // 2
        for difference, z, dtype in zip(values[:half], values[half:], self.dtypes, strict=True):
            allowed = _lifted(self.ulps)
            least, most = _magnitudes(z)
            low, high = _magnitudes(difference)
            # Powers of two times a rational that is rounded outwards: exact, or below every float.
            holds &= (high <= _ulp(least, dtype, False) * allowed.parts[0]).all()
            fails |= (low > _ulp(most, dtype, True) * allowed.parts[1]).any()
        return holds, fails

    def fails_at(self, values: Sequence[np.ndarray]) -> Fails:
        """As of :class:`Between`."""
        half, known = len(values) // 2, True
        for leaf, dtype in enumerate(self.dtypes):
            for k, difference in _entries(values[leaf : leaf + 1], leaf):
                z = values[half + leaf][k[1]]
                if not all(isinstance(x, arb) and x.is_finite() for x in (difference, z)):
                    known = False
                    continue
                allowed = arb(self.ulps.numerator) / self.ulps.denominator
                least, most = (
                    arb(2.0) ** _exponent(float(end), dtype) * allowed
                    for end in (abs(z).lower(), abs(z).upper())
                )
                if abs(difference) > most:
                    return k
                known &= bool(abs(difference) <= least)
        return False if known else None


Statement = Between | Near
Fails = tuple[int, tuple[int, ...]] | bool | None
"""The leaf and the index of an entry, False where it holds, None where that is open."""


def _entries(
    values: Sequence[np.ndarray], first: int = 0
) -> Iterator[tuple[tuple[int, tuple[int, ...]], Any]]:
    """The leaf and the index of every entry, and what it is."""
    for k, leaf in enumerate(values, first):
        for index in np.ndindex(*leaf.shape):
            yield (k, index), leaf[index]


def _lifted(value: Fraction) -> Interval:
    return Intervals().lift(np.array(value, object))


def _magnitudes(x: Interval) -> tuple[jax.Array, jax.Array]:
    low, high = x.parts
    return jnp.maximum(jnp.maximum(low, -high), 0.0), jnp.maximum(abs(low), abs(high))


def _exponent(size: float, dtype: Any) -> int:
    """Of which power of two the ulp of a number is."""
    limits = jnp.finfo(dtype)
    smallest = int(limits.minexp) - int(limits.nmant)
    return max(math.frexp(size)[1] - 1 - int(limits.nmant), smallest) if size else smallest


def _ulp(size: jax.Array, dtype: Any, upwards: bool) -> jax.Array:
    """2^(⌊log₂ size⌋ + 1 − p), by the bits of float64, and no less than the smallest number.

    What float64 has no normal number for is rounded upwards or to 0.  NaN of NaN: nothing is shown.
    """
    limits = jnp.finfo(dtype)
    bits = jax.lax.bitcast_convert_type(size.astype(jnp.float64), jnp.int64) >> 52
    exponent = jnp.maximum(bits - 1023 - int(limits.nmant), int(limits.minexp) - int(limits.nmant))
    clipped = jnp.clip(exponent, -1022, 1023)
    unit = jax.lax.bitcast_convert_type((clipped + 1023) << 52, jnp.float64)
    unit = unit if upwards else jnp.where(exponent < -1022, 0.0, unit)
    return jnp.where(jnp.isnan(size), jnp.nan, unit)
