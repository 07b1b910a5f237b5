"""What is asked of the derivative at every float of a tile: how far it is from the true one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.evidence.float_formats import UNSIGNED, Format
from jaxgrad.evidence.predicates import Predicate
from jaxgrad.gradients.accuracy.ordinals import exact_doubles, ordinals, rounded_doubles
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.interval_slopes import IntervalSlopes, moving
from jaxgrad.programs.trace import Program

__all__ = ["TileRows"]


# What a code has beside the bit length of how many floats y is off, which 6 bits hold.
_LENGTH = 63
_MARKS = {
    mark: 64 << k
    for k, mark in enumerate(("infinite", "open", "nowhere", "zero", "overflow", "nan"))
}


class TileRows:
    """The rows of a pass over tiles that measures a derivative.

    Args:
        format: of the floats.
        program: the function that is derived; None where intervals cannot run it, so that every
            float is left open.
    """

    # What the first rows tell, in their order; the rest tell of y at least 2^k floats off.
    NAMES = ("numbers", "fails", *_MARKS)

    def __init__(self, format: Format, program: Program | None) -> None:
        self._format, self._program = format, program

    @property
    def rows(self) -> list[Callable[[jax.Array], jax.Array]]:
        """Where each row holds, bool of shape (n,), of the codes of a tile."""
        named: list[Callable[[jax.Array], jax.Array]] = [
            lambda codes: jnp.ones(codes.shape, bool),
            lambda codes: jnp.zeros(codes.shape, bool),  # nothing is refuted by a measurement
            *(_has(mark) for mark in _MARKS),
        ]
        return [*named, *(_longer_than(k) for k in range(self._format.bits))]

    @property
    def predicates(self) -> list[Predicate]:
        """The rows as predicates of x and y."""
        return [self._of_floats(row) for row in self.rows]

    def _of_floats(self, row: Callable[[jax.Array], jax.Array]) -> Predicate:
        return lambda x, y: row(self.codes(x, y, self.truths(x)))

    def truths(self, x: jax.Array) -> jax.Array:
        """The true derivatives, each in one number, which XLA makes in one kernel.

        Args:
            x: the floats, of shape (n,), in the order of their patterns and of one sign.

        Returns:
            int64 of shape (n,): the numbers of the floats that the ends of an enclosure round to,
            the lower one in the upper half; the lower one is above the other where nothing is
            known, or there is no value.
        """
        format = self._format
        bits = jax.lax.bitcast_convert_type(x, UNSIGNED[format.bits]).astype(jnp.uint32)
        ends = exact_doubles(format, jnp.stack([bits[0], bits[-1]]))
        whole = self._rounded(jnp.min(ends)[None], jnp.max(ends)[None])[0]
        is_one = ((whole >> 32) == (whole & _LOWER) - _MIDDLE) | (whole == _NOWHERE)
        finite = (bits[-1] & format.magnitude) < format.last

        def each() -> jax.Array:
            doubles = exact_doubles(format, bits)
            return self._rounded(doubles, doubles)

        # Of most tiles one float is right everywhere: beside 0, and far out.
        return jax.lax.cond(is_one & finite, lambda: jnp.full(x.shape, whole), each)

    def _rounded(self, least: jax.Array, most: jax.Array) -> jax.Array:
        """What is known of the derivative at every number between two, which may be one array."""
        known, nowhere, low, high = self._truth(least, most)
        ends = [rounded_doubles(self._format, end) for end in (low, high)]
        other = jnp.where(nowhere, _NOWHERE, _UNKNOWN)
        return jnp.where(known & ~nowhere, _pair(*ends), other)

    def all_right(self, x: jax.Array, y: jax.Array, truths: jax.Array) -> jax.Array:
        """Whether every float of a tile is finite, and its derivative the true one, rounded.

        Args:
            x: the floats, of shape (n,), in the order of their patterns.
            y: what the derivative returns there.
            truths: the true derivatives.
        """
        format = self._format
        last = jax.lax.bitcast_convert_type(x[-1], UNSIGNED[format.bits]).astype(jnp.uint32)
        returned = ordinals(format, y)
        return jnp.all(_pair(returned, returned) == truths) & (
            (last & format.magnitude) < format.last
        )

    def codes(self, x: jax.Array, y: jax.Array, truths: jax.Array) -> jax.Array:
        """All that is known of each float of a tile, in one number.

        Args:
            x: the floats, of shape (n,).
            y: what the derivative returns there.
            truths: the true derivatives.

        Returns:
            uint32 of shape (n,): the bit length of how many floats y is off, and a bit for each of
            the marks.
        """
        format = self._format
        bits = jax.lax.bitcast_convert_type(x, UNSIGNED[format.bits]).astype(jnp.uint32)
        infinite = (bits & format.magnitude) == format.last
        low, high = truths >> 32, (truths & _LOWER) - _MIDDLE
        nowhere = truths == _NOWHERE
        returned, is_nan = ordinals(format, y), jnp.isnan(y)
        least = jnp.maximum(jnp.maximum(low - returned, returned - high), 0)
        most = jnp.maximum(abs(returned - low), abs(returned - high))
        # The same bit length: of two numbers with different ones the sum modulo 2 is the larger.
        known = (low <= high) & (is_nan | ((least ^ most) <= least)) & ~infinite
        finite = (abs(low) < format.last) & (abs(high) < format.last)
        off = known & (least > 0) & ~is_nan
        marks = {
            "infinite": infinite,
            "open": ~known & ~infinite & ~nowhere,
            "nowhere": nowhere & ~infinite,
            "zero": off & (returned == 0),
            "overflow": off & finite & (abs(returned) == format.last),
            "nan": known & finite & is_nan,
        }
        code = jnp.where(is_nan, format.bits, _bit_length(most))
        code = jnp.where(known, code, 0).astype(jnp.uint32)
        for mark, place in _MARKS.items():
            code |= jnp.where(marks[mark], np.uint32(place), np.uint32(0))
        return code

    def _truth(
        self, least: jax.Array, most: jax.Array
    ) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
        """Whether there is a derivative that is known, whether no value, and ends of it."""
        if self._program is None:
            no, zero = jnp.zeros(least.shape, bool), jnp.zeros(least.shape)
            return no, no, zero, zero

        program = self._program

        is_point = least is most

        def of_one(low: jax.Array, high: jax.Array) -> Sequence[jax.Array]:
            # Of what is one array intervals compute the two ends once.
            x = moving(low, low if is_point else high)
            (found,) = interpret(program, IntervalSlopes(), [x])
            return found.parts

        *_, low, high, ties, nowhere = jax.vmap(of_one)(least, most)
        return ~ties & (low <= high), nowhere, low, high  # of a NaN that is false


# Two integers of 32 bits in one of 64, the second one from 0 on.
_LOWER, _MIDDLE = 2**32 - 1, 2**31


def _pair(low: Any, high: Any) -> Any:
    return (low << 32) + (high + _MIDDLE)


# No pair of a lower and an upper end.
_UNKNOWN, _NOWHERE = _pair(1, -1), _pair(2, -2)


def _has(mark: str) -> Callable[[jax.Array], jax.Array]:
    return lambda codes: (codes & np.uint32(_MARKS[mark])) != 0


def _longer_than(length: int) -> Callable[[jax.Array], jax.Array]:
    return lambda codes: (codes & np.uint32(_LENGTH)) > length


def _bit_length(n: jax.Array) -> jax.Array:
    """Of integers from 0 below 2^32, from the exponent of a float.

    Without the bit below each that is 1 none rounds up to the next power of two.
    """
    n = n.astype(jnp.uint32)
    single = (n & ~(n >> 1)).astype(jnp.float32)
    stored = jax.lax.bitcast_convert_type(single, jnp.int32) >> 23
    return jnp.maximum(stored - 126, 0)
