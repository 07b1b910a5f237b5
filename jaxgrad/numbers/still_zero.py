"""The 0 that no argument moves, as that of a mask or of e^(−∞), of which the logarithm is −∞.

Balls know what a number is at a point and not what is beside it.  A logarithm has no value at an
argument that is 0, which is the end of its domain; a constant that is 0 stays so, and log 0 is the
same sentinel as a −∞ that is written into the program.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flint import arb

__all__ = [
    "LOGARITHMS", "STILL_ZERO", "StillZero", "is_end_of_logarithm", "is_product_of_still_zeros",
    "still",
]  # fmt: skip

# Where they end, and are −∞.
LOGARITHMS = {"log": 0, "log1p": -1}
_ZERO = arb(0)


class StillZero(arb):
    """An exact 0 of which it is known that it does not move; what is made of it may be one, too.

    Example:
        >>> isinstance(STILL_ZERO * arb(2), StillZero), isinstance(STILL_ZERO + arb(0), StillZero)
        (True, False)
    """

    def __neg__(self) -> arb:
        return self

    def __abs__(self) -> arb:
        return self

    def __add__(self, other: Any) -> Any:
        return self if isinstance(other, StillZero) else _with(other, lambda x: _ZERO + x)

    def __sub__(self, other: Any) -> Any:
        return self if isinstance(other, StillZero) else _with(other, lambda x: _ZERO - x)

    def __rsub__(self, other: Any) -> Any:
        return _with(other, lambda x: x - _ZERO)

    def __mul__(self, other: Any) -> Any:
        """0·x of a number, and NaN of an infinity."""
        if isinstance(other, arb) and other.is_finite():
            return self
        return _with(other, lambda x: _ZERO * x)

    def __truediv__(self, other: Any) -> Any:
        if isinstance(other, arb) and other.is_finite() and not other.contains(0):
            return self
        return _with(other, lambda x: _ZERO / x)

    def __rtruediv__(self, other: Any) -> Any:
        return _with(other, lambda x: x / _ZERO)

    __radd__ = __add__
    __rmul__ = __mul__


def _with(other: Any, operation: Callable[[Any], Any]) -> Any:
    """An operation of the plain 0 and another number, which may know more of itself."""
    if not isinstance(other, arb | int | float):
        return NotImplemented  # a number of another system, which knows of balls
    return operation(other)


class _StillMinusOne(arb):
    """An exact −1 that does not move, where ``log1p`` is −∞; what is made of it is any number."""


STILL_ZERO, _STILL_MINUS_ONE = StillZero(), _StillMinusOne(-1)


def still(x: Any) -> Any:
    """A number that does not move, known as such where a logarithm ends; a truth value as it is."""
    if not isinstance(x, arb):
        return x
    return STILL_ZERO if x.is_zero() else _STILL_MINUS_ONE if x == _STILL_MINUS_ONE else x


def is_end_of_logarithm(name: str, x: arb) -> bool:
    """Whether a function is a logarithm, and −∞ there.

    Example:
        >>> is_end_of_logarithm("log", still(arb(0))), is_end_of_logarithm("log", arb(0))
        (True, False)
        >>> is_end_of_logarithm("log1p", still(arb(-1)))
        True
    """
    if name == "log":
        return isinstance(x, StillZero)
    return name == "log1p" and isinstance(x, _StillMinusOne)


def is_product_of_still_zeros(row: Any, column: Any) -> bool:
    """Whether every term of a scalar product is 0 as a factor of it does not move."""
    pairs = zip(row, column, strict=True)
    return all(isinstance(x, StillZero) or isinstance(y, StillZero) for x, y in pairs)
