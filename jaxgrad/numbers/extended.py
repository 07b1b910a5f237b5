"""Balls in which a logarithm is −∞ at the end of its domain, as the limit from inside is.

Where the program goes on from there to a real number, as exp(−∞) = 0 in a sum, the function has a
value.  A quotient has no such limit at a divisor of 0, where its sign is open.
"""

from __future__ import annotations

from flint import arb

from jaxgrad.numbers.ball import Ball

__all__ = ["ExtendedBall"]

# Where the argument of a logarithm vanishes.
_ENDS = {"log": 0, "log1p": -1}


class ExtendedBall(Ball):
    """The reals, and the −∞ of logarithms.

    Example:
        >>> balls = ExtendedBall()
        >>> balls.exp(balls.log(arb(0))), balls.log(arb(0, 1)).is_nan()
        (0, True)
    """

    name = "ball with infinite logarithms"

    def function(self, name: str, *xs: arb) -> arb:
        if name in _ENDS and xs[0].is_exact() and xs[0] == _ENDS[name]:
            return arb.neg_inf()
        return super().function(name, *xs)
