"""Arb balls: every result is a midpoint and a radius that together hold the true real number."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import flint
import numpy as np
from flint import arb, fmpq

from jaxgrad.numbers.base import UNKNOWN, ObjectArray, objects
from jaxgrad.numbers.elementary_functions import raised_to
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.no_number import NoNumber, is_infinity, is_nan, less, over
from jaxgrad.numbers.still_zero import (
    STILL_ZERO,
    StillZero,
    is_end_of_logarithm,
    is_product_of_still_zeros,
    still,
)
from jaxgrad.numbers.three_valued import ThreeValued

__all__ = ["Ball", "exact_ball"]


def exact_ball(value: Any) -> arb:
    """The ball of a Python or NumPy number, exact whatever the working precision.

    Example:
        >>> exact_ball(0.1).is_exact()
        True
    """
    if isinstance(value, float):  # first, since it is by far the most frequent
        return arb(float(value))
    if isinstance(value, bool | int | np.integer | np.bool_):
        return arb(int(value))
    if isinstance(value, Fraction):
        return arb(fmpq(value.numerator, value.denominator))
    return arb(float(value))


# An integer m and a power of 2 make up a float: 53 bits and an exponent of 11 bits.  Products of
# sixteen floats still are known as fractions.
LARGEST_EXPONENT = 16 * (1074 + 53)


class Ball(ThreeValued):
    """The reals enclosed by Arb balls at the current working precision.

    A truth value is True, False or None; None means that the balls overlap too much to tell, and
    then a selection returns the union of both branches, which still holds the true value.

    Example:
        >>> Ball().logistic(arb(0))
        0.500000000000000
    """

    name = "ball"
    sharpens = True
    any_pivot = True

    def constant(self, value: Any) -> arb:
        exact = exact_ball(value)
        return NoNumber(infinite=False) if exact.is_nan() else exact

    def still(self, x: arb) -> arb:
        return still(x)

    def divide(self, x: arb, y: arb) -> arb:
        """x/y, which is no number where the ball of y holds 0."""
        return over(x, y)

    def difference(self, x: arb, y: arb) -> arb:
        return self.constant(0) if x is y and self.is_finite(x) is True else less(x, y)

    def power(self, x: arb, n: int) -> arb:
        return over(arb(1), x) if n < 0 and x.is_zero() else raised_to(x, n)

    def matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        shape = a.shape[0], b.shape[1]
        if 0 in a.shape or 0 in b.shape:
            return objects((arb(0) for _ in range(shape[0] * shape[1])), shape)
        if any(isinstance(x, NoNumber) for x in (*a.flat, *b.flat)):
            return super().matmul(a, b)
        product = flint.arb_mat(a.tolist()) * flint.arb_mat(b.tolist())
        found: ObjectArray = objects(product.entries(), shape)
        if any(isinstance(x, StillZero) for x in (*a.flat, *b.flat)):  # which FLINT does not know
            for i, j in np.ndindex(shape):
                if found[i, j].is_zero() and is_product_of_still_zeros(a[i], b[:, j]):
                    found[i, j] = STILL_ZERO
        return found

    def total(self, terms: list[arb]) -> arb:
        return sum(terms[1:], terms[0]) if terms else arb(0)

    def apart(self, x: arb) -> tuple[arb, arb]:
        return x, arb(0)

    def real(self, ball: arb) -> arb:
        return ball

    def function(self, name: str, *xs: arb) -> arb:
        known = FUNCTIONS.get(name)
        if known is None or known.ball is None:
            return super().function(name, *xs)
        if len(xs) == 1 and xs[0].is_nan():  # Arb has −π/2 for asin of one without a radius
            return xs[0] if is_nan(xs[0]) else arb.nan()
        if is_end_of_logarithm(name, xs[0]):
            return arb.neg_inf()
        if is_infinity(xs[0]):
            xs = (arb.pos_inf() * xs[0].sgn(), *xs[1:])
            limit = known.limits[bool(xs[0] > 0)] if known.jumps == "steps" else None
            if limit is not None:
                return arb(limit)
        found = known.ball(*xs)
        return STILL_ZERO if found.is_zero() and xs[0] == _MINUS_INFINITY else found

    def compare(self, relation: str, x: arb, y: arb) -> bool | None:
        if x is y and x.is_finite():  # one number, whatever its radius: `x != x` asks for NaN
            return relation in ("eq", "le", "ge")
        if is_nan(x) or is_nan(y):
            return relation == "ne"  # as floats compare NaN
        if x is y and isinstance(x, NoNumber):
            return relation in ("eq", "le", "ge")
        if is_infinity(x) and is_infinity(y):  # whatever radius an operation gave them
            x, y = x.sgn(), y.sgn()
        holds, fails = _RELATIONS[relation]
        if holds(x, y):
            return True
        return False if fails(x, y) else UNKNOWN

    def select(self, p: bool | None, if_false: Any, if_true: Any) -> Any:
        if p is not UNKNOWN:
            return if_true if p else if_false
        if not isinstance(if_true, arb):  # two truth values
            return if_true if if_true == if_false else UNKNOWN
        return if_true.union(if_false)

    # Where it is known which one it is, that very ball: derivative rules ask whether an argument
    # equals the maximum, which is certain of one ball and of no two that have a radius.
    def maximum(self, x: arb, y: arb) -> arb:
        """The ball that is known to be the larger one, else one of the maximum."""
        if is_nan(x) or is_nan(y):
            return x if is_nan(x) else y
        if x >= y:
            return x
        return y if y >= x else x.max(y)

    def minimum(self, x: arb, y: arb) -> arb:
        """The ball that is known to be the smaller one, else one of the minimum."""
        if is_nan(x) or is_nan(y):
            return x if is_nan(x) else y
        if x <= y:
            return x
        return y if y <= x else x.min(y)

    def absolute(self, x: arb) -> arb:
        """A ball of |x|."""
        if isinstance(x, NoNumber):
            return arb.pos_inf() if x.infinite else x
        return abs(x)

    def sign(self, x: arb) -> arb:
        # Of a NaN Arb has [−1, 1], and no number is its sign.
        return x if is_nan(x) else arb.nan() if x.is_nan() else x.sgn()

    def exact_value(self, x: arb) -> Fraction | None:
        if not (x.is_exact() and x.is_finite()):
            return None
        mantissa, exponent = x.man_exp()
        if abs(exponent) > LARGEST_EXPONENT:  # as a fraction it would not fit into memory
            return None
        return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)

    def is_finite(self, x: arb) -> bool | None:
        if x.is_finite():
            return True
        if isinstance(x, NoNumber):
            return False
        return False if is_infinity(x) else UNKNOWN  # any other may hold real numbers


_MINUS_INFINITY = arb.neg_inf()


def _same(x: arb, y: arb) -> bool:
    return x.is_exact() and y.is_exact() and bool(x == y)


# relation -> (certainly holds, certainly fails); Arb's comparisons are certain when True.
_RELATIONS = {
    "gt": (lambda x, y: x > y, lambda x, y: x <= y),
    "lt": (lambda x, y: x < y, lambda x, y: x >= y),
    "ge": (lambda x, y: x >= y, lambda x, y: x < y),
    "le": (lambda x, y: x <= y, lambda x, y: x > y),
    "eq": (_same, lambda x, y: x != y),
    "ne": (lambda x, y: x != y, _same),
}


def relative_bits(x: arb, scale: arb) -> float:
    """−log₂ of the larger of |x|'s bound over the smaller of |scale|'s; infinite where x is 0."""
    upper = abs(x).upper()
    if upper == 0:
        return math.inf
    lower = abs(scale).lower()
    if not lower > 0:
        return -math.inf
    return -float((upper / lower).log().mid() / arb(2).log().mid())
