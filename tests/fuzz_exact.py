"""Real arithmetic for random programs, by mpmath alone: nothing here is shared with the package.

A number is an ``mpf`` of many digits, an integer is a Python ``int``, a truth value a ``bool``.
Where JAX returns NaN for certain (the root of a negative number) the number is NaN. At a pole JAX
returns NaN or an infinity, which is remembered; whoever then asks for its order gets
:class:`Unknown`, for no real number has one there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
from mpmath import mpf

__all__ = ["BITS", "Real", "Unknown", "lifted"]

BITS = {"int32": 32, "int8": 8, "uint8": 8}
# Larger arguments of exp and the like are refused: their exponents fill the memory.
LARGEST_EXPONENT = 2000


class Unknown(Exception):
    """Real arithmetic does not say what happens at this point."""


class Real:
    """What is noticed while a program runs over real numbers.

    Args:
        undefined: some number was outside a domain, whether it was used or not.
        pole: some number was at a pole.
        tie: a comparison, or a rounding, was between equal numbers.
    """

    def __init__(self) -> None:
        self.undefined = False
        self.pole = False
        self.tie = False

    def nan(self) -> Any:
        """What JAX has for a number outside a domain."""
        self.undefined = True
        return mpmath.mp.nan

    def at_pole(self) -> Any:
        """Where a function has a pole, floats are infinite or NaN."""
        self.undefined = self.pole = True
        return mpmath.mp.nan

    def order(self, x: Any, y: Any) -> int | None:
        """-1, 0 or 1 as x is below, at or above y; None beside NaN."""
        if isinstance(x, int) and isinstance(y, int):
            return (x > y) - (x < y)
        if mpmath.isnan(x) or mpmath.isnan(y):
            if self.pole:
                raise Unknown("a comparison with what is at a pole")
            return None
        difference = x - y
        if difference == 0:
            self.tie = True
            return 0
        # Half of the digits are left for what rounding did to numbers that are equal; a number as
        # small as e^-120 cannot be told from it.
        if abs(difference) <= mpf(10) ** (-mpmath.mp.dps * 3 // 5) * (1 + abs(x)):
            raise Unknown("a difference that may be rounding")
        return 1 if difference > 0 else -1

    def known(self, x: Any) -> Any:
        """x, which has to be a number."""
        if not isinstance(x, int) and mpmath.isnan(x):
            raise Unknown("an integer of NaN")
        return x

    def nearest(self, x: Any) -> tuple[int, int]:
        """The integer nearest to x (the lower of two), and the side of it on which x lies."""
        below = int(mpmath.floor(self.known(x)))
        for n in (below, below + 1):
            if self.order(x, mpf(n)) == 0:
                return n, 0
        upper = (self.order(x - below, mpf(1) / 2) or 0) > 0
        return (below + 1, -1) if upper else (below, 1)

    def floor(self, x: Any) -> int:
        """The largest integer that is not above x."""
        n, side = self.nearest(x)
        return n - 1 if side < 0 else n

    def truncate(self, x: Any) -> int:
        """x without its fraction."""
        n, side = self.nearest(x)
        return n if side == 0 else (n - 1 if side < 0 else n) + (1 if x < 0 else 0)

    def round(self, x: Any) -> int:
        """The nearest integer; of two the even one."""
        low = self.floor(x)
        side = self.order(x - low, mpf(1) / 2)
        return low + (1 if side == 1 or (side == 0 and low % 2) else 0)

    def wrapped(self, n: int, dtype: str) -> int:
        """An integer modulo 2^bits, as machines have it."""
        bits = BITS[dtype]
        n %= 1 << bits
        return n - (1 << bits) if dtype.startswith("int") and n >> (bits - 1) else n

    def fits(self, n: int, dtype: str) -> int:
        """An integer that has to lie in the range of a dtype."""
        if self.wrapped(n, dtype) != n:
            raise Unknown("a number beyond its integer dtype")
        return n

    def bounded(self, x: Any) -> Any:
        """x, if exp(x) fits into the memory."""
        if abs(x) > LARGEST_EXPONENT:
            raise Unknown("an enormous number")
        return x

    # -- arithmetic and functions on a part of the line ------------------------------------------
    def divide(self, x: Any, y: Any) -> Any:
        if self.order(y, mpf(0)) == 0:
            return self.at_pole()
        return x / y

    def within(
        self, x: Any, low: float | None, high: float | None, function: Callable[[Any], Any]
    ) -> Any:
        """A function on an open interval, with poles (or singular derivatives) at its ends."""
        return self._between(x, (low, high), function, lambda end: self.at_pole())

    def within_closed(
        self, x: Any, low: float | None, high: float | None, function: Callable[[Any], Any]
    ) -> Any:
        """A function on a closed interval."""
        return self._between(x, (low, high), function, function)

    def _between(
        self,
        x: Any,
        ends: tuple[float | None, float | None],
        function: Callable[[Any], Any],
        at_end: Callable[[Any], Any],
    ) -> Any:
        if mpmath.isnan(x):
            return x
        for end, sign in zip(ends, (-1, 1), strict=True):
            if end is None:
                continue
            side = self.order(x, mpf(end))
            if side == 0:
                return at_end(mpf(end))
            if side == sign:
                return self.nan()
        return function(x)

    def power(self, x: Any, y: Any) -> Any:
        """x^y of real numbers: the base is positive, or the exponent an integer.

        The power 0 of NaN is 1, to IEEE 754 and so to JAX.
        """
        if mpmath.isnan(x) or mpmath.isnan(y):
            return mpf(1) if y == 0 else mpmath.mp.nan
        side = self.order(x, mpf(0))
        if side == 1:
            return mpmath.exp(self.bounded(y * mpmath.log(x)))
        if side == 0:
            of_exponent = self.order(y, mpf(0))
            return self.at_pole() if of_exponent == -1 else mpf(0 if of_exponent else 1)
        n, beside = self.nearest(y)
        return self.nan() if beside else self.integer_power(x, n)

    def integer_power(self, x: Any, n: int) -> Any:
        if n < 0:
            return self.divide(mpf(1), x ** (-n))
        return x**n

    def maximum(self, x: Any, y: Any) -> Any:
        side = self.order(x, y)
        return mpmath.mp.nan if side is None else (x if side >= 0 else y)

    def minimum(self, x: Any, y: Any) -> Any:
        side = self.order(x, y)
        return mpmath.mp.nan if side is None else (x if side <= 0 else y)

    def sign(self, x: Any) -> Any:
        side = self.order(x, 0 if isinstance(x, int) else mpf(0))
        if side is None:
            return mpmath.mp.nan
        return side if isinstance(x, int) else mpf(side)

    def modulo(self, x: Any, y: Any) -> Any:
        """x - y ⌊x / y⌋, as NumPy has it."""
        quotient = self.divide(x, y)
        return quotient if mpmath.isnan(quotient) else x - y * self.floor(quotient)

    def remainder(self, x: Any, y: Any) -> Any:
        """x - y trunc(x / y), as C has it."""
        quotient = self.divide(x, y)
        return quotient if mpmath.isnan(quotient) else x - y * self.truncate(quotient)

    def sorted(self, values: list[Any]) -> list[int]:
        """The places of the values in ascending order, equal ones as they stand."""
        places: list[int] = []
        for k, value in enumerate(values):
            at = len(places)
            while at and self._compared(values[places[at - 1]], value) > 0:
                at -= 1
            places.insert(at, k)
        return places

    def _compared(self, x: Any, y: Any) -> int:
        side = self.order(x, y)
        if side is None:
            raise Unknown("the order of NaN")
        return side

    def place_of_largest(self, values: list[Any]) -> int:
        """The first place of the largest value."""
        best = 0
        for k in range(1, len(values)):
            if self._compared(values[k], values[best]) > 0:
                best = k
        return best


def lifted(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of a :class:`Real` and of single values as one of arrays, which broadcast."""

    def over_arrays(real: Real, *arrays: Any, **parameters: Any) -> Any:
        apply = np.frompyfunc(lambda *xs: function(real, *xs, **parameters), len(arrays), 1)
        return np.asarray(apply(*arrays), dtype=object)

    return over_arrays
