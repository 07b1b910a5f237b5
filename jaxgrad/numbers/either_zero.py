"""Balls in which a zero may be −0: no real number tells the two apart, and atan2 does."""

from __future__ import annotations

from flint import arb

from jaxgrad.numbers.ball import Ball

__all__ = ["EitherZero", "angles"]


def angles(found: arb, y: arb, x: arb) -> arb:
    """What atan2(y, x) may be of either zero, which is ``found`` of the real numbers.

    Example:
        >>> angles(arb.pi(), arb(0), arb(-1)).contains(-arb.pi()), angles(arb(7), arb(1), arb(1))
        (True, 7.00000000000000)
    """
    if not y.is_zero() or x > 0 or x.is_nan():
        return found
    return found.union(arb.pi()).union(-arb.pi())


class EitherZero(Ball):
    """The reals, and at the cut of atan2 its values of both zeros.

    Example:
        >>> EitherZero().function("atan2", arb(0), arb(-1)).contains(-arb.pi())
        True
    """

    name = "ball of either zero"

    def function(self, name: str, *xs: arb) -> arb:
        found = super().function(name, *xs)
        return angles(found, *xs) if name == "atan2" else found
