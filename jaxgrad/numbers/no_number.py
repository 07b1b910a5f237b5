"""What is no number: a quotient by exactly 0, ∞ − ∞; of which floats still tell what it is not.

Floats have NaN for 0/0 and an infinity for every other number over 0, whose sign is that of a zero,
which no real number has.  A rule that masks them asks no more than whether they are numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flint import arb

__all__ = ["NoNumber", "is_infinity", "is_nan", "less", "over"]


class NoNumber(arb):
    """A ball of which nothing is known but what kind of no number it is.

    What comes of it by arithmetic is of a kind, too, where that is known whatever its sign.

    Args:
        infinite: whether it is +∞ or −∞; else it is NaN.
    """

    infinite: bool

    def __new__(cls, infinite: bool) -> NoNumber:
        self = arb.__new__(cls)
        self.infinite = infinite
        return self

    def __init__(self, infinite: bool) -> None:
        arb.__init__(self, arb.nan())

    def __neg__(self) -> arb:
        return self

    def __add__(self, other: Any) -> Any:
        """∞ beside a number is ∞; beside another infinity it may be NaN."""
        return self._beside(other, lambda x: self if x.is_finite() else None)

    def __mul__(self, other: Any) -> Any:
        """∞·x is ∞, and NaN for 0."""
        return self._beside(other, self._times)

    def __truediv__(self, other: Any) -> Any:
        """∞/x is ∞, for 0 too."""
        return self._beside(other, lambda x: self if x.is_finite() else None)

    def __rtruediv__(self, other: Any) -> Any:
        """x/∞ is 0."""
        return self._beside(other, lambda x: arb(0) if x.is_finite() else None)

    __radd__ = __sub__ = __rsub__ = __add__
    __rmul__ = __mul__

    def _times(self, x: arb) -> arb | None:
        if x.is_zero():
            return NoNumber(infinite=False)
        return self if x.is_finite() and not x.contains(0) else None

    def _beside(self, other: Any, of_infinity: Callable[[arb], arb | None]) -> Any:
        """NaN if one of them is, else what an infinity makes of the other one, if that is known."""
        if not isinstance(other, arb | int | float):
            return NotImplemented  # a number of another system, which knows of balls
        x = other if isinstance(other, arb) else arb(other)
        for nan in (self, x):
            if is_nan(nan):
                return nan
        found = of_infinity(x)
        return arb.nan() if found is None else found


def over(x: arb, y: arb) -> arb:
    """x/y.

    Example:
        >>> over(arb(1), arb(4)), over(arb(-1), arb(0)).is_finite()
        (0.250000000000000, False)
    """
    if is_infinity(x) and is_infinity(y):
        return NoNumber(infinite=False)
    if not y.is_zero() or not x.is_finite():
        return x / y
    if x.is_zero():
        return NoNumber(infinite=False)
    return x / y if x.contains(0) else NoNumber(infinite=True)


def less(x: arb, y: arb) -> arb:
    """x − y, of which it is known that ∞ − ∞ is NaN.

    Example:
        >>> is_nan(less(arb("-inf"), arb("-inf"))), less(arb(3), arb(1))
        (True, 2.00000000000000)
    """
    same = is_infinity(x) and is_infinity(y) and x == y
    return NoNumber(infinite=False) if same else x - y


def is_nan(x: arb) -> bool:
    """Whether it is known that floats have NaN for a number."""
    return isinstance(x, NoNumber) and not x.infinite


def is_infinity(value: arb) -> bool:
    """Whether a number is ∞ or −∞, which nothing rounds: what a running maximum begins with.

    Example:
        >>> is_infinity(arb("-inf")), is_infinity(arb.nan()), is_infinity(arb(1))
        (True, False, False)
    """
    # A ball around an infinity is that infinity, whatever its radius.
    return not value.is_finite() and bool(value > 0 or value < 0)
