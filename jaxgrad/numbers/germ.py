"""Germs: what a program does at x + εv for an infinitesimal ε > 0.

A germ is a truncated series in ε, ordered by its leading term, so that a comparison that ties at x
is decided by what is true just beside it, and 0/0 is a quotient of leading terms.  The Taylor
coefficients along +v and along −v are the one-sided derivatives of a program, of any order,
whatever derivative rules its functions carry.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from flint import arb

from jaxgrad.numbers.ball import Ball, exact_ball
from jaxgrad.numbers.base import UNKNOWN, ThreeValued
from jaxgrad.numbers.series import Series, inverse, unknown
from jaxgrad.numbers.taylor import FUNCTIONS, compose

__all__ = ["Germ"]

# Roots up to the 64th: a float such as 1/4 is one of those, one such as 0.3 has the denominator
# 2^54, and a series in ε^(1/2^54) has more coefficients than there is memory.
LARGEST_RAMIFICATION = 64


class Germ(ThreeValued):
    """Series in an infinitesimal ε > 0, ordered by their leading terms.

    A truth value is True, False or None; None means that every coefficient that is known may be
    zero, and then a selection returns the union of both branches.

    Args:
        terms: how many powers of ε each value keeps past its leading one.

    Example:
        >>> germ = Germ()
        >>> epsilon = germ.line(0, 1)
        >>> germ.compare("gt", epsilon, germ.constant(0))
        True
        >>> germ.divide(germ.function("sin", epsilon), epsilon).at(0)
        1.00000000000000
    """

    name = "germ"

    def __init__(self, terms: int = 6) -> None:
        self.terms = terms

    def constant(self, value: Any) -> Series:
        number = exact_ball(value)
        if number.is_nan():
            return unknown("NaN", self.terms)
        return Series([number], terms=self.terms)

    def line(self, value: Any, slope: Any) -> Series:
        """value + slope·ε."""
        return Series([exact_ball(value), exact_ball(slope)], terms=self.terms)

    # -- arithmetic and functions ------------------------------------------------------------
    def divide(self, x: Series, y: Series) -> Series:
        return x * inverse(y)

    def exp(self, x: Series) -> Series:
        if x.start < 0 and x.sign() == -1:
            return self._flat(x)
        return compose("exp", x)

    def log(self, x: Series) -> Series:
        if x.sign() != 1 or x.start != 0:
            return unknown("log at a value that is not certainly positive", self.terms)
        return compose("log", x)

    def sqrt(self, x: Series) -> Series:
        return self._power(x, Fraction(1, 2))

    def logistic(self, x: Series) -> Series:
        one = self.constant(1)
        if x.sign() == -1:  # e^x/(1+e^x) keeps the exponential small
            e = self.exp(x)
            return self.divide(e, one + e)
        return self.divide(one, one + self.exp(-x))

    def tanh(self, x: Series) -> Series:
        if x.start < 0:
            return self.constant(2) * self.logistic(self.constant(2) * x) - self.constant(1)
        return self.divide(compose("sinh", x), compose("cosh", x))

    def function(self, name: str, *xs: Series) -> Series:
        if name in _SPECIAL:
            return _SPECIAL[name](self, *xs)
        if name in FUNCTIONS:
            return compose(name, *xs)
        return super().function(name, *xs)

    def _flat(self, x: Series) -> Series:
        """e^(−c/ε): smaller than every power of ε."""
        return Series((), self.terms * x.ramification, x.ramification, False, self.terms)

    def _power(self, x: Series, exponent: Fraction) -> Series:
        """x^p = c^p ε^(pv) (1 + h)^p for x = c ε^v (1 + h)."""
        if x.reason is not None:
            return x
        if x.is_zero and exponent > 0:
            return x
        if x.sign() != 1:
            return unknown(f"power {exponent} of a value not certainly positive", self.terms)
        q = (x.start * exponent / x.ramification).denominator
        if q > LARGEST_RAMIFICATION:
            return unknown(f"ε to the power {exponent}", self.terms)
        x = x.refined(math.lcm(q, x.ramification))
        start = int(x.start * exponent)
        p = self.constant(exponent)
        unit = self.exp(p * self.log(x.shifted(-x.start)))
        return unit.refined(x.ramification).shifted(start)

    def pow(self, x: Series, y: Series) -> Series:
        """x^y: a known exponent is a power of the leading term, any other is e^(y log x)."""
        exponent = self.exact_value(y)
        if exponent is None:
            return self.exp(y * self.log(x))
        if exponent.denominator == 1:
            return self.power(x, int(exponent))
        return self._power(x, exponent)

    # -- truth -------------------------------------------------------------------------------
    def compare(self, relation: str, x: Series, y: Series) -> bool | None:
        sign = 0 if x is y and x.is_finite else (x - y).sign()
        return UNKNOWN if sign is None else _RELATIONS[relation](sign)

    def select(self, p: bool | None, if_false: Any, if_true: Any) -> Any:
        if p is not UNKNOWN:
            return if_true if p else if_false
        if not isinstance(if_true, Series):
            return if_true if if_true == if_false else UNKNOWN
        return if_true.join(if_false, lambda a, b: a.union(b))

    def exact_value(self, x: Series) -> Fraction | None:
        if x.reason is not None or not x.exact or x.start < 0 or len(x.coefficients) > 1:
            return None
        if x.coefficients and x.start > 0:
            return None
        return Ball().exact_value(x.at(0))

    def is_finite(self, x: Series) -> bool | None:
        if x.reason is not None:
            return UNKNOWN
        if x.is_finite:
            return True
        return False if not any(c.is_nan() for c in x.coefficients) else UNKNOWN


_RELATIONS: dict[str, Callable[[int], bool]] = {
    "gt": lambda sign: sign > 0,
    "lt": lambda sign: sign < 0,
    "ge": lambda sign: sign >= 0,
    "le": lambda sign: sign <= 0,
    "eq": lambda sign: sign == 0,
    "ne": lambda sign: sign != 0,
}


def _arctangent(germ: Germ, x: Series) -> Series:
    """Where x is infinite, atan x = ±π/2 − atan(1/x)."""
    sign = x.sign()
    if x.start >= 0 or not sign:
        return compose("atan", x)
    quarter = Series([arb.pi() / 2 * sign], terms=germ.terms)
    return quarter - compose("atan", inverse(x))


def _arctangent2(germ: Germ, y: Series, x: Series) -> Series:
    right, up = x.sign(), y.sign()
    if right is None or up is None or (right == 0 and up == 0):
        return unknown("atan2 of values whose signs are open", germ.terms)
    half = Series([arb.pi()], terms=germ.terms)
    if right == 0:
        return Series([arb.pi() / 2 * up], terms=germ.terms)
    principal = _arctangent(germ, germ.divide(y, x))
    if right > 0:
        return principal
    return principal - half if up < 0 else principal + half


def _saturating(name: str) -> Callable[[Germ, Series], Series]:
    """erf and erfc reach their limits faster than any power of ε where x is infinite."""
    limits = {("erf", 1): 1, ("erf", -1): -1, ("erfc", 1): 0, ("erfc", -1): 2}

    def apply(germ: Germ, x: Series) -> Series:
        sign = x.sign()
        if x.start >= 0 or not sign:
            return compose(name, x)
        return germ.constant(limits[name, sign]) + germ._flat(x)

    return apply


def _cube_root(germ: Germ, x: Series) -> Series:
    third = Fraction(1, 3)
    return -germ._power(-x, third) if x.sign() == -1 else germ._power(x, third)


def _stepped(name: str) -> Callable[[Germ, Series], Series]:
    """A function that is constant between its jumps: its value just beside the point."""

    def apply(germ: Germ, x: Series) -> Series:
        if x.reason is not None or x.start < 0 or (x.end is not None and x.end <= 0):
            return unknown(f"{name} at a value that is not known", germ.terms)
        c = x.at(0)
        beside = x.infinitesimal().sign()
        doubled = c * 2
        if beside != 0 and doubled.is_integer():
            if beside is None:
                return unknown(f"{name} at a jump", germ.terms)
            c = c + arb(beside) / 4  # a jump is at a multiple of 1/2, so none lies between
        ball = Ball()
        value = c.floor() if name == "floor" else ball.function(name, c)
        return Series([value], terms=germ.terms)

    return apply


def _remainder(germ: Germ, x: Series, y: Series) -> Series:
    """x − y·trunc(x/y)."""
    quotient = germ.divide(x, y)
    name = "floor" if quotient.sign() in (0, 1) else "ceil"
    return x - y * _stepped(name)(germ, quotient)


_SPECIAL: dict[str, Callable[..., Series]] = {
    "atan": _arctangent,
    "atan2": _arctangent2,
    "cbrt": _cube_root,
    "ceil": _stepped("ceil"),
    "erf": _saturating("erf"),
    "erfc": _saturating("erfc"),
    "floor": _stepped("floor"),
    "pow": Germ.pow,
    "rem": _remainder,
    "round_half_away": _stepped("round_half_away"),
    "round_half_even": _stepped("round_half_even"),
}
