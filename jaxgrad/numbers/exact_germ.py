"""Germs whose coefficients know when they are 0: what comes after a cancellation is decided."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from jaxgrad.numbers.ball import exact_ball
from jaxgrad.numbers.base import NumberSystem
from jaxgrad.numbers.exact import ExactBall
from jaxgrad.numbers.germ import LOGARITHM, Germ
from jaxgrad.numbers.series import Series, quotient, raised

__all__ = ["ExactGerm"]


class ExactGerm(Germ):
    """Germs of :class:`~jaxgrad.numbers.exact.Exact` coefficients.

    Powers, exponentials and logarithms are series in x/c − 1 or x − c for the leading coefficient
    c, of which f(c) alone is no rational number; any other function gives plain coefficients.

    Args:
        terms: how many powers of ε each value keeps past its leading one.

    Example:
        >>> germ = ExactGerm()
        >>> x = germ.line(5, 1)
        >>> y = germ.divide(x, germ.sqrt(x) * germ.sqrt(x))
        >>> (germ.constant(1) - y).coefficients
        ()
    """

    name = "exact germ"

    def __init__(self, terms: int = 6) -> None:
        super().__init__(terms)
        self.balls = ExactBall()

    def constant(self, value: Any) -> Series:
        found = super().constant(value)
        return found if found.reason is not None else self.line(value, 0)

    def line(self, value: Any, slope: Any) -> Series:
        return Series([self.balls.constant(value), self.balls.constant(slope)], terms=self.terms)

    def matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return NumberSystem.matmul(self, a, b)

    def exp(self, x: Series) -> Series:
        if not x.is_bounded:
            return super().exp(x)
        c = Series([self.balls.function("exp", x.at(0))], terms=self.terms)
        return c * self._expanded(x.infinitesimal(), lambda k: Fraction(1, math.factorial(k)))

    def log(self, x: Series) -> Series:
        a, b = x.start
        if x.sign() != 1 or b:
            return super().log(x)
        c, h = self._apart(x)
        found = self._expanded(h, lambda k: Fraction(-((-1) ** k), k) if k else Fraction(0))
        found = found + Series([self.balls.function("log", c)], terms=self.terms)
        return found - Series([exact_ball(a)], [LOGARITHM], None, self.terms) if a else found

    def tanh(self, x: Series) -> Series:
        if not x.is_bounded:
            return super().tanh(x)
        return self._solved(x, "tanh", lambda y: self.constant(1) - y * y)

    def logistic(self, x: Series) -> Series:
        if not x.is_bounded:
            return super().logistic(x)
        return self._solved(x, "logistic", lambda y: y - y * y)

    def _solved(self, x: Series, name: str, slope: Callable[[Series], Series]) -> Series:
        """f(x) with f′ = slope(f), whose coefficients are polynomials in the first of them."""
        h, start = x.infinitesimal(), self.balls.function(name, x.at(0))

        def coefficients(count: int) -> list[arb]:
            found = [start]
            for k in range(1, count):
                slopes = slope(Series(found, end=(k, 0), terms=count))
                found.append(slopes.at(k - 1) * self.balls.constant(Fraction(1, k)))
            return found

        if h.is_zero:
            return Series([start], terms=self.terms)
        expanded = h.expanded(coefficients)
        return super().function(name, x) if expanded is None else expanded

    def function(self, name: str, *xs: Series) -> Series:
        return super().function(name, *(self._snapped(x) for x in xs))

    def _power(self, x: Series, p: Fraction) -> Series:
        if x.reason is not None or x.is_zero or x.sign() != 1:
            return super()._power(x, p)
        c, h = self._apart(x)
        root = self.balls.function("sqrt", c) if p == Fraction(1, 2) else c ** exact_ball(p)
        unit = self._expanded(h, lambda k: _binomial(p, k))
        return (Series([root], terms=self.terms) * unit).scaled(raised(x.start, p))

    def _apart(self, x: Series) -> tuple[arb, Series]:
        """(c, h) with x = c m (1 + h) for the leading monomial m."""
        unit = x.scaled(raised(x.start, -1))
        c = unit.at(0)
        return c, quotient(unit, Series([c], terms=self.terms)).infinitesimal()

    def _expanded(self, h: Series, coefficient: Callable[[int], Fraction]) -> Series:
        """Σ a_k hᵏ for rational numbers a_k."""
        if h.is_zero:
            return self.constant(coefficient(0))
        found = h.expanded(
            lambda count: [self.balls.constant(coefficient(k)) for k in range(count)]
        )
        assert found is not None  # rational numbers are finite
        return found

    def _snapped(self, x: Series) -> Series:
        """A series whose limit is the integer that it is, if it is one."""
        if not x.is_bounded:
            return x
        c = x.at(0)
        whole = self.balls.snapped(c)
        if whole is c:
            return x
        return Series([whole], terms=self.terms) + x.infinitesimal()


def _binomial(p: Fraction, k: int) -> Fraction:
    """p(p − 1)…(p − k + 1)/k!."""
    return math.prod(((p - j) / (j + 1) for j in range(k)), start=Fraction(1))
