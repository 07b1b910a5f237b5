"""Germs: what a program does at x + εv for an infinitesimal ε > 0.

A germ is a truncated series in ε and log ε, ordered by its leading term, so that a comparison that
ties at x is decided by what is true just beside it, and 0/0 is a quotient of leading terms.  The
Taylor coefficients along +v and along −v are the one-sided derivatives of a program, of any order,
whatever derivative rules its functions carry.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from jaxgrad.numbers.ball import Ball, exact_ball
from jaxgrad.numbers.base import UNKNOWN, CannotDecide
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.germ_product import product
from jaxgrad.numbers.series import FINITE, NAN, Monomial, Series, quotient, raised, unknown
from jaxgrad.numbers.special_series import SERIES, by_coefficients
from jaxgrad.numbers.taylor import compose
from jaxgrad.numbers.three_valued import ThreeValued

__all__ = ["LOGARITHM", "Germ"]

LOGARITHM: Monomial = (0, -1)  # ℓ


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
    sharpens = True
    any_pivot = True

    def __init__(self, terms: int = 6) -> None:
        self.terms = terms
        self.undecided = False  # whether a selection had to take both branches
        self.open = False  # whether something may be 0 that no precision tells from it

    def constant(self, value: Any) -> Series:
        number = exact_ball(value)
        if number.is_nan():
            return unknown(NAN, self.terms)
        return Series([number], terms=self.terms)

    def line(self, value: Any, slope: Any) -> Series:
        """value + slope·ε."""
        return Series([exact_ball(value), exact_ball(slope)], terms=self.terms)

    # -- arithmetic and functions ------------------------------------------------------------
    def difference(self, x: Series, y: Series) -> Series:
        return self.constant(0) if x is y and x.is_finite else x - y

    def divide(self, x: Series, y: Series) -> Series:
        self._sign(y)
        return quotient(x, y)

    def _sign(self, x: Series) -> int | None:
        """The sign of a series, and a note where its leading term may be 0."""
        found = x.sign()
        self.open |= found is None and bool(x.coefficients)
        return found

    def matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        if 0 in a.shape or 0 in b.shape:
            return super().matmul(a, b)
        found = product(a, b)
        return super().matmul(a, b) if found is None else found

    def apart(self, x: Series) -> tuple[arb, Series]:
        if not x.is_bounded:
            raise CannotDecide("a germ without a known limit")
        return x.at(0), x.infinitesimal()

    def real(self, ball: arb) -> Series:
        return Series([ball], terms=self.terms)

    def orders(self, rest: np.ndarray) -> int:
        return max((x.powers - 1 for x in rest.flat if not x.is_zero), default=0)

    def up_to(self, rest: np.ndarray, order: int, x: Series) -> Series:
        return x.cut(raised(min(y.start for y in rest.flat if not y.is_zero), order))

    def magnitude(self, infinitesimals: np.ndarray) -> Series | None:
        moving = [x for x in infinitesimals.flat if not x.is_zero]
        start = min((x.start for x in moving), default=FINITE)
        if not any(x.coefficients for x in moving if x.start == start):
            return None
        return Series([arb(1)], [start], terms=self.terms)

    def exp(self, x: Series) -> Series:
        """e^(pℓ + c + h) = ε^(−p) e^(c + h); e^x of any larger infinity outgrows every power."""
        if x.reason is not None or x.is_bounded or x.start >= FINITE:
            return compose("exp", x)
        if x.start < LOGARITHM and x.sign() == -1:
            return self._vanishing((self.terms, 0))
        rest = x.part(lambda m: m != LOGARITHM)
        p = Ball().exact_value(x.coefficient(LOGARITHM))
        if p is None or rest.start < FINITE:
            return unknown("exp of an infinity that is no known multiple of log ε", self.terms)
        return compose("exp", rest).scaled((-p, 0))

    def log(self, x: Series) -> Series:
        """log(c ε^a (1 + h)) = log c − aℓ + log(1 + h); −∞ of what is 0 beside the point, too."""
        if x.is_zero:
            return self.constant(-math.inf)
        if self._sign(x) != 1:
            return unknown("log at a value that is not certainly positive", self.terms)
        a, b = x.start
        if b:
            return unknown("log of a logarithm of ε", self.terms)
        if not a:
            return compose("log", x)
        return compose("log", x.scaled((-a, 0))) - Series(
            [exact_ball(a)], [LOGARITHM], None, self.terms
        )

    def sqrt(self, x: Series) -> Series:
        return self._power(x, Fraction(1, 2))

    def logistic(self, x: Series) -> Series:
        one = self.constant(1)
        if x.sign() == -1:  # e^x/(1+e^x) keeps the exponential small
            e = self.exp(x)
            return self.divide(e, one + e)
        return self.divide(one, one + self.exp(-x))

    def tanh(self, x: Series) -> Series:
        if x.infinity:
            return self.constant(x.infinity)
        if x.start < FINITE:
            return self.constant(2) * self.logistic(self.constant(2) * x) - self.constant(1)
        return self.divide(compose("sinh", x), compose("cosh", x))

    def function(self, name: str, *xs: Series) -> Series:
        if len(xs) == 1 and xs[0].is_nan:
            return xs[0]
        if name in _SPECIAL:
            return _SPECIAL[name](self, *xs)
        if name in SERIES:
            return SERIES[name](*xs)
        known = FUNCTIONS.get(name)
        if known is not None and known.jumps == "steps":
            return _stepped(self, name, *xs)
        if known is not None and known.taylor:
            return by_coefficients(name, *xs)
        return super().function(name, *xs)

    def _vanishing(self, end: Monomial) -> Series:
        """O(ε^a ℓ^(−b)), of which no term is known."""
        return Series((), (), end, self.terms)

    def _power(self, x: Series, p: Fraction) -> Series:
        """x^p = c^p m^p (1 + h)^p for x = c m (1 + h) with the monomial m."""
        if x.reason is not None or (x.is_zero and p > 0):
            return x
        if self._sign(x) != 1:
            return unknown(f"power {p} of a value not certainly positive", self.terms)
        m = x.start
        unit = compose("log", x.scaled(raised(m, -1)))
        return compose("exp", self.constant(p) * unit).scaled(raised(m, p))

    def pow(self, x: Series, y: Series) -> Series:
        """x^y: a known exponent is a power of the leading term, any other is e^(y log x)."""
        exponent = self.exact_value(y)
        if exponent is None:
            if x.is_zero and y.sign() == 1:
                return x
            return self.exp(y * self.log(x))
        if exponent.denominator == 1:
            return self.power(x, int(exponent))
        return self._power(x, exponent)

    # -- truth -------------------------------------------------------------------------------
    def compare(self, relation: str, x: Series, y: Series) -> bool | None:
        if x.is_nan or y.is_nan:
            return relation == "ne"  # as floats compare NaN
        sign = 0 if _one_number(x, y) else x.order(y) or self._sign(x - y)
        return UNKNOWN if sign is None else _RELATIONS[relation](sign)

    def is_nan(self, x: Series) -> bool:
        return x.is_nan

    def certainly_differ(self, x: Series, y: Series) -> bool:
        """In some term, even where it is open which term leads."""
        return any(c > 0 or c < 0 for c in (x - y).coefficients)

    def select(self, p: bool | None, if_false: Any, if_true: Any) -> Any:
        if p is not UNKNOWN:
            return if_true if p else if_false
        self.undecided = True
        if not isinstance(if_true, Series):
            return if_true if if_true == if_false else UNKNOWN
        if if_true.is_nan != if_false.is_nan:
            return unknown("a number or NaN", self.terms)
        if if_true.infinity != if_false.infinity:
            return unknown("an undetermined form of ∞", self.terms)
        return if_true.join(if_false, lambda a, b: a.union(b))

    def exact_value(self, x: Series) -> Fraction | None:
        return Ball().exact_value(x.at(0)) if x.is_constant else None

    def is_finite(self, x: Series) -> bool | None:
        if x.is_nan:
            return False
        if x.reason is not None:
            return UNKNOWN
        if x.is_finite:
            return True
        return False if not any(c.is_nan() for c in x.coefficients) else UNKNOWN


def _one_number(x: Series, y: Series) -> bool:
    """Whether two germs are one, of which no difference need tell; ∞ is ∞, as in floats."""
    if x.infinity:
        return x.infinity == y.infinity and x.is_constant and y.is_constant
    return x is y and x.is_finite


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
    if x.start >= FINITE or not sign:
        return compose("atan", x)
    quarter = Series([arb.pi() / 2 * sign], terms=germ.terms)
    return quarter - compose("atan", germ.divide(germ.constant(1), x))


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
    """Where x is infinite, erf x and erfc x are at their limits, to within e^(−x²)."""

    def apply(germ: Germ, x: Series) -> Series:
        sign = x.sign()
        if x.start >= FINITE or not sign:
            return compose(name, x)
        decay = germ.exp(-(x * x))
        if decay.reason is not None:
            return decay
        return germ.constant(FUNCTIONS[name].limits[sign > 0]) + germ._vanishing(decay.start)

    return apply


def _cube_root(germ: Germ, x: Series) -> Series:
    third = Fraction(1, 3)
    return -germ._power(-x, third) if x.sign() == -1 else germ._power(x, third)


def _arccosine(germ: Germ, x: Series) -> Series:
    """2 atan √((1 − x)/(1 + x)), which has its roots at ±1."""
    one = germ.constant(1)
    half = _arctangent(germ, germ.sqrt(germ.divide(one - x, one + x)))
    return germ.constant(2) * half


def _arcsine(germ: Germ, x: Series) -> Series:
    return Series([arb.pi() / 2], terms=germ.terms) - _arccosine(germ, x)


def _inverse_hyperbolic_cosine(germ: Germ, x: Series) -> Series:
    return germ.log(x + germ.sqrt(x * x - germ.constant(1)))


def _inverse_hyperbolic_tangent(germ: Germ, x: Series) -> Series:
    one = germ.constant(1)
    return germ.constant(Fraction(1, 2)) * (germ.log(one + x) - germ.log(one - x))


def _with_edges(
    name: str, formula: Callable[[Germ, Series], Series]
) -> Callable[[Germ, Series], Series]:
    """A function that has no Taylor series on the edge of its domain, and a formula for there."""

    def apply(germ: Germ, x: Series) -> Series:
        found = compose(name, x)
        return formula(germ, x) if found.reason is not None else found

    return apply


_ROUND = frozenset({"floor", "ceil", "round_half_even", "round_half_away"})


def _stepped(germ: Germ, name: str, x: Series) -> Series:
    """A function that is constant between its jumps: its value just beside the point."""
    if x.infinity:
        limit = FUNCTIONS[name].limits[x.infinity > 0]
        return unknown(f"{name} of ∞", germ.terms) if limit is None else germ.constant(limit)
    if name in _ROUND and x.sign() and x.start < FINITE:
        return x.cut(FINITE)  # off by no more than 1, however large it is
    if not x.is_bounded:
        return unknown(f"{name} at a value that is not known", germ.terms)
    c = x.at(0)
    beside = x.infinitesimal().sign()
    doubled = c * 2
    if beside != 0 and doubled.is_integer():
        if beside is None:
            return unknown(f"{name} at a jump", germ.terms)
        c = c + arb(beside) / 4  # a jump is at a multiple of 1/2, so none lies between
    value = Ball().function(name, c)
    if value.is_nan():
        return unknown(f"{name} of {c}", germ.terms)
    return Series([value], terms=germ.terms)


def _remainder(germ: Germ, x: Series, y: Series) -> Series:
    """x − y·trunc(x/y)."""
    quotient = germ.divide(x, y)
    name = "floor" if quotient.sign() in (0, 1) else "ceil"
    return x - y * _stepped(germ, name, quotient)


_SPECIAL: dict[str, Callable[..., Series]] = {
    "acos": _with_edges("acos", _arccosine),
    "acosh": _with_edges("acosh", _inverse_hyperbolic_cosine),
    "asin": _with_edges("asin", _arcsine),
    "atan": _arctangent,
    "atan2": _arctangent2,
    "atanh": _with_edges("atanh", _inverse_hyperbolic_tangent),
    "cbrt": _cube_root,
    "erf": _saturating("erf"),
    "erfc": _saturating("erfc"),
    "pow": Germ.pow,
    "rem": _remainder,
}
