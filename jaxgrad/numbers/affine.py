"""Affine forms of one real number x in an interval: what is linear in x stays so, and cancels.

Balls forget what they come of: x − x is twice as wide as the ball of x.  An affine form s·x + r
knows how much of x is in it, so that x − (x + log(1 + e⁻ˣ)), which is how JAX computes
x − log(1 + eˣ) for x > 0, is narrow however wide the interval is.

Source: de Figueiredo and Stolfi, Affine arithmetic: concepts and applications, Numerical
Algorithms 37 (2004), with one noise symbol.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from flint import arb

from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import UNKNOWN
from jaxgrad.numbers.three_valued import ThreeValued

__all__ = ["Affine", "AffineForm"]

_BALL = Ball()
_ZERO = arb(0)
# Where they have a value at both ends of an interval they have one in between, and none beyond.
_MONOTONE = frozenset({
    "exp", "expm1", "log", "log1p", "sqrt", "cbrt", "tanh", "logistic", "erf", "erfc", "erf_inv",
    "asin", "acos", "atan", "sinh", "asinh", "acosh", "atanh",
})  # fmt: skip


class AffineForm:
    """A number that is s·x + r for every x of an interval, with some s and r of two balls.

    Args:
        slope: a ball of s.
        rest: a ball of r.
        x: the ball of the interval.
        hull: a ball of the number, where one is known besides that of s·x + r.
    """

    __slots__ = ("hull", "rest", "slope", "x")

    def __init__(self, slope: arb, rest: arb, x: arb, hull: arb | None = None) -> None:
        self.slope, self.rest, self.x = slope, rest, x
        if slope.is_zero():
            self.hull = self.rest = rest if hull is None else _both(rest, hull)
        else:
            of_x = slope * x + rest
            self.hull = of_x if hull is None else _both(of_x, hull)

    def constant(self, hull: arb) -> AffineForm:
        """A number of which no more is known than a ball."""
        return AffineForm(_ZERO, hull, self.x)

    def __neg__(self) -> AffineForm:
        return AffineForm(-self.slope, -self.rest, self.x, -self.hull)

    def __add__(self, other: AffineForm) -> AffineForm:
        hull = self.hull + other.hull
        if not hull.is_finite():
            return self.constant(hull)
        return AffineForm(self.slope + other.slope, self.rest + other.rest, self.x, hull)

    def __sub__(self, other: AffineForm) -> AffineForm:
        hull = self.hull - other.hull
        if not hull.is_finite():
            return self.constant(hull)
        return AffineForm(self.slope - other.slope, self.rest - other.rest, self.x, hull)

    def __mul__(self, other: AffineForm) -> AffineForm:
        if self is other:
            return self.constant(_power(self.hull, 2))
        hull = _product(self.hull, other.hull)
        for one, two in ((self, other), (other, self)):
            if hull.is_finite() and one.slope.is_zero() and not two.slope.is_zero():
                return AffineForm(one.hull * two.slope, one.hull * two.rest, self.x, hull)
        return self.constant(hull)

    def either(self, other: AffineForm) -> AffineForm:
        """This number or the other one."""
        hull = self.hull.union(other.hull)
        if not (self.slope - other.slope).is_zero():
            return self.constant(hull)
        return AffineForm(self.slope, self.rest.union(other.rest), self.x, hull)


class Affine(ThreeValued):
    """The affine forms of one number in an interval; functions take and return balls.

    Args:
        x: the ball of the interval.

    Example:
        >>> numbers = Affine(arb(10, 9))
        >>> x = numbers.variable
        >>> (x - (x + numbers.exp(-x))).hull > -1
        True
    """

    name = "affine"

    def __init__(self, x: arb) -> None:
        self._x = x
        self.variable = AffineForm(arb(1), _ZERO, x)

    def constant(self, value: Any) -> AffineForm:
        return self.real(_BALL.constant(value))

    def real(self, ball: arb) -> AffineForm:
        return AffineForm(_ZERO, ball, self._x)

    def apart(self, x: AffineForm) -> tuple[arb, AffineForm]:
        return x.hull, self.constant(0)

    def divide(self, x: AffineForm, y: AffineForm) -> AffineForm:
        """x/y, which is no number where the interval of y holds 0."""
        if not y.hull.is_finite() or y.hull.contains(0):
            return self.real(_BALL.divide(x.hull, y.hull))
        return x * self.real(_power(y.hull, -1))

    def difference(self, x: AffineForm, y: AffineForm) -> AffineForm:
        same = x is y and x.hull.is_finite()
        return self.constant(0) if same else x - y

    def power(self, x: AffineForm, n: int) -> AffineForm:
        return x if n == 1 else self.real(_power(x.hull, n))

    def function(self, name: str, *xs: AffineForm) -> AffineForm:
        balls = [x.hull for x in xs]
        found = _BALL.function(name, *balls)
        if name in _MONOTONE and balls[0].is_finite():
            found = _both(found, _between(*(_BALL.function(name, end) for end in _ends(balls[0]))))
        return self.real(found)

    def compare(self, relation: str, x: AffineForm, y: AffineForm) -> bool | None:
        if x is y:
            return _BALL.compare(relation, x.hull, x.hull)
        found = _BALL.compare(relation, x.hull, y.hull)
        if found is not UNKNOWN or not (x.hull.is_finite() and y.hull.is_finite()):
            return found
        return _BALL.compare(relation, (x - y).hull, _ZERO)

    def select(self, p: bool | None, if_false: Any, if_true: Any) -> Any:
        if p is not UNKNOWN:
            return if_true if p else if_false
        if isinstance(if_true, AffineForm):
            return if_true.either(if_false)
        return if_true if if_true == if_false else UNKNOWN  # two truth values

    def maximum(self, x: AffineForm, y: AffineForm) -> AffineForm:
        if self.compare("ge", x, y):
            return x
        return y if self.compare("ge", y, x) else self.real(_larger(x.hull, y.hull))

    def minimum(self, x: AffineForm, y: AffineForm) -> AffineForm:
        if self.compare("le", x, y):
            return x
        return y if self.compare("le", y, x) else self.real(-_larger(-x.hull, -y.hull))

    def absolute(self, x: AffineForm) -> AffineForm:
        if x.hull >= 0:
            return x
        if x.hull <= 0:
            return -x
        return self.real(_larger(_larger(x.hull, -x.hull), _ZERO))

    def sign(self, x: AffineForm) -> AffineForm:
        return self.real(_BALL.sign(x.hull))

    def exact_value(self, x: AffineForm) -> Fraction | None:
        return _BALL.exact_value(x.hull)

    def is_finite(self, x: AffineForm) -> bool | None:
        return _BALL.is_finite(x.hull)


def _ends(ball: arb) -> tuple[arb, arb]:
    return ball.lower(), ball.upper()


def _between(*values: arb) -> arb:
    """A ball of all reals between some; NaN if one is none."""
    first, *others = values
    for value in others:
        first = first.union(value)
    return first if all(value.is_finite() for value in values) else arb.nan()


def _both(x: arb, y: arb) -> arb:
    """A ball of a number that is in two."""
    if not (x.is_finite() and y.is_finite()):
        return y if y.is_finite() else x
    return x.intersection(y)


def _larger(x: arb, y: arb) -> arb:
    """The maximum of two, which Arb puts in the middle between both."""
    if not (x.is_finite() and y.is_finite()):
        return _BALL.maximum(x, y)
    (x_low, x_high), (y_low, y_high) = _ends(x), _ends(y)
    return _between(x_low.max(y_low), x_high.max(y_high))


def _product(x: arb, y: arb) -> arb:
    """That of two intervals, which is narrower than that of two balls."""
    if x.is_exact() or y.is_exact() or not (x.is_finite() and y.is_finite()):
        return x * y
    return _between(*(one * two for one in _ends(x) for two in _ends(y)))


def _power(x: arb, n: int) -> arb:
    """xⁿ of the reals between the ends of a ball."""
    if x.is_exact() or not x.is_finite() or n == 0 or (n < 0 and x.contains(0)):
        return _BALL.power(x, n)
    ends = [_BALL.power(end, n) for end in _ends(x)]
    return _between(*ends, _ZERO) if n % 2 == 0 and x.contains(0) else _between(*ends)
