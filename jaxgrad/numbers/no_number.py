"""What a number divided by exactly 0 is: no number, of which floats still tell what it is not.

Floats have NaN for 0/0 and an infinity for every other number over 0, whose sign is that of a zero,
which no real number has.  A rule that masks them asks no more than whether they are numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flint import arb

__all__ = ["NoNumber", "over", "unknown_instead"]


class NoNumber(arb):
    """A ball of which nothing is known but what kind of no number it is.

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

    def __add__(self, other: Any) -> arb:
        return self._beside(other, lambda x: x.is_finite())

    def __mul__(self, other: Any) -> arb:
        return self._beside(other, lambda x: x.is_finite() and not x.contains(0))

    __radd__ = __sub__ = __rsub__ = __add__
    __rmul__ = __truediv__ = __mul__

    def __rtruediv__(self, other: Any) -> arb:
        return arb.nan() if self.infinite else self

    def _beside(self, other: Any, stays: Callable[[arb], bool]) -> arb:
        """NaN stays NaN, and an infinity is one beside numbers of which that is known."""
        kept = not self.infinite or stays(other if isinstance(other, arb) else arb(other))
        return self if kept else arb.nan()

    def __abs__(self) -> arb:
        return arb.pos_inf() if self.infinite else self


def over(x: arb, y: arb) -> arb:
    """x/y.

    Example:
        >>> over(arb(1), arb(4)), over(arb(-1), arb(0)).is_finite()
        (0.250000000000000, False)
    """
    if not y.is_zero() or not x.is_finite():
        return x / y
    if x.is_zero():
        return NoNumber(infinite=False)
    return x / y if x.contains(0) else NoNumber(infinite=True)


def unknown_instead(x: Any) -> Any:
    """A result of a program, of which nothing is known where it is no number."""
    return arb.nan() if isinstance(x, NoNumber) else x
