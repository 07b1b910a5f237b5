"""Balls in which a logarithm is −∞ at the end of its domain, as the limit from inside is.

Where the program goes on from there to a real number, as exp(−∞) = 0 in a sum, the function has a
value.  A quotient has no such limit at a divisor of 0, where its sign is open.
"""

from __future__ import annotations

from flint import arb

from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.still_zero import LOGARITHMS

__all__ = ["ExtendedBall"]


class ExtendedBall(Ball):
    """The reals, and the −∞ of logarithms.

    Example:
        >>> balls = ExtendedBall()
        >>> balls.exp(balls.log(arb(0))), balls.log(arb(0, 1)).is_nan()
        (0, True)
    """

    name = "ball with infinite logarithms"

    def function(self, name: str, *xs: arb) -> arb:
        if name in LOGARITHMS and xs[0].is_exact() and xs[0] == LOGARITHMS[name]:
            return arb.neg_inf()
        return super().function(name, *xs)
