"""Arb balls that refuse a number where a function has no value, in branches not taken, too."""

from __future__ import annotations

from flint import arb

from jaxgrad.errors import CannotDecide
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.functions import DIVISOR, FUNCTIONS

__all__ = ["Defined"]


class Defined(Ball):
    """Balls of which every divisor is certainly not 0 and every argument in the domain.

    Example:
        >>> Defined().divide(arb(1), arb(4))
        0.250000000000000
        >>> Defined().log(arb(0))
        Traceback (most recent call last):
            ...
        jaxgrad.errors.CannotDecide: the argument of a root or logarithm is not positive
    """

    def divide(self, x: arb, y: arb) -> arb:
        if y.contains(0):
            raise CannotDecide(DIVISOR.fails)
        return super().divide(x, y)

    def power(self, x: arb, n: int) -> arb:
        if n < 0 and x.contains(0):
            raise CannotDecide(DIVISOR.fails)
        return super().power(x, n)

    def function(self, name: str, *xs: arb) -> arb:
        exponent = self.exact_value(xs[1]) if name == "pow" else None
        if exponent is not None and exponent.denominator == 1:  # a product, or one over it
            if exponent < 0 and xs[0].contains(0):
                raise CannotDecide(DIVISOR.fails)
            return super().function(name, *xs)
        known = FUNCTIONS.get(name)
        if known is not None and known.domain is not None and not known.domain.holds(*xs):
            raise CannotDecide(known.domain.fails)
        return super().function(name, *xs)
