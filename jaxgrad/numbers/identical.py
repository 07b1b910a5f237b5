"""Germs that know what function of ε they are, so that what is 0 beside the point is 0.

A truncated series of zeros may be of any function that vanishes to so high an order, and its root
is open.  1 − t² − √(1 − t²)² is 0 for every t = tanh(x + ε), which the polynomials in tanh and in
roots show that go with the series.  Identities of analytic functions that hold where no divisor is
0 hold beside the point; and of a product a² − qb² = (a − b√q)(a + b√q) that is 0 one factor is,
which the value of the other at the point tells.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.numbers.base import CannotDecide, exact
from jaxgrad.numbers.exact import Field, Quotient, is_analytic
from jaxgrad.numbers.exact_germ import ExactGerm
from jaxgrad.numbers.ring import RingFull
from jaxgrad.numbers.series import Series

__all__ = ["Identical", "IdenticalGerm"]

_EPSILON = "ε"


class Identical(Series):
    """A series, and the function of ε that it is the expansion of.

    Args:
        series: the expansion.
        field: of the quotient.
        quotient: numerator and denominator, which does not vanish beside the point.
    """

    __slots__ = ("field", "quotient")

    def __init__(self, series: Series, field: Field, quotient: Quotient) -> None:
        super().__init__(
            series.coefficients, series.monomials, series.end, series.terms, series.reason
        )
        self.field, self.quotient = field, quotient

    def __add__(self, other: Series) -> Series:
        return self._with(other, super().__add__(other), lambda x, y: self.field.sum(x, y, 1))

    def __sub__(self, other: Series) -> Series:
        return self._with(other, super().__sub__(other), lambda x, y: self.field.sum(x, y, -1))

    def __mul__(self, other: Series) -> Series:
        return self._with(other, super().__mul__(other), self.field.times)

    def __neg__(self) -> Series:
        top, below = self.quotient
        return Identical(super().__neg__(), self.field, (-top, below))

    def _with(
        self, other: Series, found: Series, quotients: Callable[[Quotient, Quotient], Quotient]
    ) -> Series:
        if not isinstance(other, Identical):
            return found
        return known(found, self.field, lambda: quotients(self.quotient, other.quotient))


def known(found: Series, field: Field, quotient: Callable[[], Quotient]) -> Series:
    """A series with its quotient, or the exact 0 that it is."""
    if found.reason is not None:
        return found
    with contextlib.suppress(CannotDecide, RingFull, UnsupportedPrimitive):
        top, below = field.reduced(quotient())
        if all(c.contains(0) for c in found.coefficients) and field.is_zero(top):
            found, top, below = Series((), terms=found.terms), field.ring.zero, field.ring.one
        return Identical(found, field, (top, below))
    return found


class IdenticalGerm(ExactGerm):
    """Germs of functions that are known to be 0 where they are.

    Example:
        >>> germ = IdenticalGerm()
        >>> t = germ.apply("tanh", germ.line(0.25, 1))
        >>> root = germ.apply("sqrt", germ.constant(1) - t * t)
        >>> germ.apply("sqrt", germ.constant(1) - t * t - root * root).is_zero
        True
    """

    name = "identical germ"

    def __init__(self, terms: int = 6) -> None:
        super().__init__(terms)
        self.field = Field({_EPSILON: 0})

    def line(self, value: Any, slope: Any) -> Series:
        found, field = super().line(value, slope), self.field
        with contextlib.suppress(CannotDecide):
            start, step = (field.ring.constant(exact(x)) for x in (value, slope))
            epsilon = field.polynomials.variable(_EPSILON).poly
            return Identical(found, field, (start + step * epsilon, field.ring.one))
        return found

    def divide(self, x: Series, y: Series) -> Series:
        found = super().divide(_plain(x), _plain(y))
        if not (isinstance(x, Identical) and isinstance(y, Identical)):
            return found
        top, below = y.quotient
        return known(found, self.field, lambda: self.field.times(x.quotient, (below, top)))

    def apply(self, name: str, *xs: Series) -> Series:
        found, x = super().apply(name, *map(_plain, xs)), xs[0]
        if not isinstance(x, Identical) or not is_analytic(name):
            return found
        if name in ("log", "sqrt") and x.sign() != 1:
            return found
        return known(found, self.field, lambda: self.field.applied(name, x.quotient))


def _plain(x: Series) -> Series:
    """The expansion alone."""
    if not isinstance(x, Identical):
        return x
    return Series(x.coefficients, x.monomials, x.end, x.terms, x.reason)
