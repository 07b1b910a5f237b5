"""What is asked of the derivative at every float of a tile: how far it is from the true one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad.evidence.float_formats import UNSIGNED, Format
from jaxgrad.evidence.predicates import Predicate
from jaxgrad.gradients.accuracy.ordinals import exact_doubles, ordinals, rounded_doubles
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.interval_slopes import IntervalSlopes, moving
from jaxgrad.programs.trace import Program

__all__ = ["TileRows"]


@dataclass(frozen=True)
class _Judged:
    """What is known of the floats of a tile: booleans of shape (n,), and how far y is off."""

    infinite: jax.Array
    open: jax.Array
    nowhere: jax.Array
    zero: jax.Array
    overflow: jax.Array
    nan: jax.Array
    distance: jax.Array


class TileRows:
    """The rows of a pass over tiles that measures a derivative.

    Args:
        format: of the floats.
        program: the function that is derived; None where intervals cannot run it, so that every
            float is left open.
    """

    # What the first rows tell, in their order; the rest tell of y at least 2^k floats off.
    NAMES = ("numbers", "fails", "infinite", "open", "nowhere", "zero", "overflow", "nan")

    def __init__(self, format: Format, program: Program | None) -> None:
        self._format, self._program = format, program
        self._last: tuple[Any, Any, _Judged] | None = None

    @property
    def rows(self) -> list[Predicate]:
        """Predicates (x, y) of shape (n,) -> bool of shape (n,)."""
        named: list[Callable[[_Judged], jax.Array]] = [
            lambda found: jnp.ones(found.open.shape, bool),
            lambda found: jnp.zeros(found.open.shape, bool),  # nothing is refuted by a measurement
            lambda found: found.infinite,
            lambda found: found.open,
            lambda found: found.nowhere,
            lambda found: found.zero,
            lambda found: found.overflow,
            lambda found: found.nan,
        ]
        powers = [_at_least(1 << k) for k in range(self._format.bits)]
        return [self._row(each) for each in (*named, *powers)]

    def _row(self, part: Callable[[_Judged], jax.Array]) -> Predicate:
        return lambda x, y: part(self._judged(x, y))

    def _judged(self, x: jax.Array, y: jax.Array) -> _Judged:
        """What is known of a tile, traced once for all rows."""
        if self._last is None or self._last[0] is not x or self._last[1] is not y:
            self._last = x, y, self._judge(x, y)
        return self._last[2]

    def _judge(self, x: jax.Array, y: jax.Array) -> _Judged:
        format = self._format
        bits = jax.lax.bitcast_convert_type(x, UNSIGNED[format.bits]).astype(jnp.uint32)
        infinite = (bits & format.magnitude) == format.last
        known, nowhere, low, high = self._truth(exact_doubles(format, bits))
        ends = [rounded_doubles(format, end) for end in (low, high)]
        returned, is_nan = ordinals(format, y), jnp.isnan(y)
        least, most = _distances(returned, ends)
        # The same bit length: of two numbers with different ones the sum modulo 2 is the larger.
        known &= (is_nan | ((least ^ most) <= least)) & ~infinite & ~nowhere
        finite = (abs(ends[0]) < format.last) & (abs(ends[1]) < format.last)
        off = known & (least > 0) & ~is_nan
        distance = jnp.where(is_nan, (1 << format.bits) - 1, most)
        return _Judged(
            infinite=infinite,
            open=~known & ~infinite & ~nowhere,
            nowhere=nowhere & ~infinite,
            zero=off & (returned == 0),
            overflow=off & finite & (abs(returned) == format.last),
            nan=known & finite & is_nan,
            distance=jnp.where(known, distance, 0),
        )

    def _truth(self, x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
        """Whether there is a derivative that is known, whether no value, and ends of it."""
        if self._program is None:
            no, zero = jnp.zeros(x.shape, bool), jnp.zeros(x.shape)
            return no, no, zero, zero

        program = self._program

        def of_one(x: jax.Array) -> Sequence[jax.Array]:
            (found,) = interpret(program, IntervalSlopes(), [moving(x, x)])
            return found.parts

        a, b, low, high, ties, nowhere = jax.vmap(of_one)(x)
        known = ~ties & ~jnp.isnan(a + b) & ~jnp.isnan(low) & ~jnp.isnan(high)
        return known, nowhere, jnp.where(known, low, 0.0), jnp.where(known, high, 0.0)


def _at_least(power: int) -> Callable[[_Judged], jax.Array]:
    return lambda found: found.distance >= power


def _distances(y: jax.Array, ends: Sequence[jax.Array]) -> tuple[jax.Array, jax.Array]:
    """How many floats y is at least, and at most, from what lies between two floats."""
    low, high = ends
    least = jnp.maximum(jnp.maximum(low - y, y - high), 0)
    return least, jnp.maximum(abs(y - low), abs(y - high))
