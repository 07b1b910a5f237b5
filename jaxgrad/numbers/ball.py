"""Arb balls: every result is a midpoint and a radius that together hold the true real number."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import flint
import numpy as np
from flint import arb, fmpq

from jaxgrad.numbers.base import NumberSystem, objects

__all__ = ["Ball", "exact_ball", "precision"]

UNKNOWN = None


@contextlib.contextmanager
def precision(bits: int) -> Iterator[None]:
    """Sets the working precision of Arb within a block.

    Example:
        >>> with precision(100):
        ...     (arb(1) / 3).rel_accuracy_bits() > 90
        True
    """
    saved = flint.ctx.prec
    flint.ctx.prec = bits
    try:
        yield
    finally:
        flint.ctx.prec = saved


def exact_ball(value: Any) -> arb:
    """The ball of a Python or NumPy number, exact whatever the working precision.

    Example:
        >>> exact_ball(0.1).is_exact()
        True
    """
    if isinstance(value, bool | int | np.integer | np.bool_):
        return arb(int(value))
    if isinstance(value, Fraction):
        return arb(fmpq(value.numerator, value.denominator))
    return arb(float(value))


class Ball(NumberSystem):
    """The reals enclosed by Arb balls at the current working precision.

    A truth value is True, False or None; None means that the balls overlap too much to tell, and
    then a selection returns the union of both branches, which still holds the true value.

    Example:
        >>> Ball().logistic(arb(0))
        0.500000000000000
    """

    name = "ball"

    def constant(self, value: Any) -> arb:
        return exact_ball(value)

    def divide(self, x: arb, y: arb) -> arb:
        return x / y

    def power(self, x: arb, n: int) -> arb:
        return x**n

    def matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        if 0 in a.shape or 0 in b.shape:
            return objects((arb(0) for _ in range(a.shape[0] * b.shape[1])), (a.shape[0], b.shape[1]))
        product = flint.arb_mat(a.tolist()) * flint.arb_mat(b.tolist())
        return objects(product.entries(), (a.shape[0], b.shape[1]))

    def total(self, terms: list[arb]) -> arb:
        return sum(terms, arb(0))

    def exp(self, x: arb) -> arb:
        return x.exp()

    def log(self, x: arb) -> arb:
        return x.log()

    def sqrt(self, x: arb) -> arb:
        return x.sqrt()

    def expm1(self, x: arb) -> arb:
        return x.expm1()

    def log1p(self, x: arb) -> arb:
        return x.log1p()

    def tanh(self, x: arb) -> arb:
        return x.tanh()

    def logistic(self, x: arb) -> arb:
        # e^x/(1+e^x) on the left keeps the exponential small, and the quotient relative.
        if x < 0:
            e = x.exp()
            return e / (1 + e)
        return 1 / (1 + (-x).exp())

    def function(self, name: str, *xs: arb) -> arb:
        if name in _METHODS:
            return getattr(xs[0], _METHODS[name])(*xs[1:])
        return super().function(name, *xs)

    def compare(self, relation: str, x: arb, y: arb) -> bool | None:
        holds, fails = _RELATIONS[relation]
        if holds(x, y):
            return True
        return False if fails(x, y) else UNKNOWN

    def logical_not(self, p: bool | None) -> bool | None:
        return UNKNOWN if p is UNKNOWN else not p

    def logical_and(self, p: bool | None, q: bool | None) -> bool | None:
        if p is False or q is False:
            return False
        return UNKNOWN if p is UNKNOWN or q is UNKNOWN else True

    def truth(self, value: bool) -> bool:
        return bool(value)

    def known(self, p: bool | None) -> bool | None:
        return p

    def select(self, p: bool | None, if_false: Any, if_true: Any) -> Any:
        if p is not UNKNOWN:
            return if_true if p else if_false
        if not isinstance(if_true, arb):  # two truth values
            return if_true if if_true == if_false else UNKNOWN
        return if_true.union(if_false)

    def maximum(self, x: arb, y: arb) -> arb:
        return x.max(y)

    def minimum(self, x: arb, y: arb) -> arb:
        return x.min(y)

    def absolute(self, x: arb) -> arb:
        return abs(x)

    def sign(self, x: arb) -> arb:
        return x.sgn()

    def is_finite(self, x: arb) -> bool | None:
        return True if x.is_finite() else UNKNOWN


_METHODS = {
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "asin": "asin",
    "acos": "acos",
    "atan": "atan",
    "atan2": "atan2",
    "sinh": "sinh",
    "cosh": "cosh",
    "asinh": "asinh",
    "acosh": "acosh",
    "atanh": "atanh",
    "erf": "erf",
    "erfc": "erfc",
    "erf_inv": "erfinv",
    "lgamma": "lgamma",
    "digamma": "digamma",
    "floor": "floor",
    "ceil": "ceil",
    "pow": "__pow__",
}


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
