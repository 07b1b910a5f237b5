"""Balls that know what they are: a number beside the quotient of polynomials that it is.

A ball that holds 0 may be 0, and no precision tells.  1 − ⟨a, a⟩/(|a||a|) is, and the polynomials
in √⟨a, a⟩ that go with its ball show so; it becomes the exact 0 then.  What the polynomials know
nothing of, or have no budget for, is a plain ball.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import flint
from flint import arb, fmpq_mpoly

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import UNKNOWN, CannotDecide, NumberSystem
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.no_number import over
from jaxgrad.numbers.polynomial import Polynomial
from jaxgrad.numbers.precision import precision
from jaxgrad.numbers.ring import Generator, Ring, RingFull
from jaxgrad.numbers.still_zero import is_end_of_logarithm
from jaxgrad.numbers.unique_integer import unique_integer
from jaxgrad.numbers.valuation import Valuation
from jaxgrad.numbers.zero import substituted, vanishes

__all__ = ["Exact", "ExactBall", "Field", "Quotient", "is_analytic"]

# Roots, exponentials and logarithms of one program, the terms of one number, and the work on all,
# in exponents, of which a polynomial counts as 2000: a second or so, and then a large program goes
# on with plain balls.
CAPACITY = 64
MOST_TERMS = 200
MOST_WORK = 100_000_000
# Of a divisor that cancels in its terms a sign takes more bits: so many times as many, in turn.
FURTHER = (1, 4, 16)
_UNABLE = (CannotDecide, RingFull, UnsupportedPrimitive)

Quotient = tuple[fmpq_mpoly, fmpq_mpoly]


class Field:
    """Quotients of polynomials in functions of one another.

    Args:
        point: the values of the variables in them, by their labels.
    """

    def __init__(self, point: Mapping[Any, Any] | None = None) -> None:
        self.ring, self._point = Ring(CAPACITY, MOST_TERMS, MOST_WORK), point or {}
        self.polynomials = Polynomial(self.ring)

    def quotient(self, x: arb) -> Quotient | None:
        """What a ball is; None where that is not known."""
        if isinstance(x, Exact):
            return x.quotient
        value = Ball().exact_value(x)
        return None if value is None else (self.ring.constant(value), self.ring.one)

    def known(self, ball: arb, quotient: Callable[[], Quotient]) -> arb:
        """A ball with its quotient, or the exact 0 that it is."""
        if not ball.is_finite():
            return ball
        with contextlib.suppress(*_UNABLE):
            top, below = self.reduced(quotient())
            if ball.contains(0) and self.is_zero(top):
                return arb(0)
            return Exact(ball, self, (top, below))
        return ball

    def reduced(self, x: Quotient) -> Quotient:
        """The same in fewer powers, over 1 where the divisor is a number."""
        top, below = map(self.ring.reduce, x)
        if below.is_constant():
            return top / below.leading_coefficient(), self.ring.one
        return top, below

    def applied(self, name: str, x: Quotient) -> Quotient:
        """A function of one number."""
        return self.root(x) if name == "sqrt" else self.of_polynomial(name, x)

    def product(self, x: fmpq_mpoly, y: fmpq_mpoly) -> fmpq_mpoly:
        return self.ring.reduce(self.ring.product(x, y))

    def sum(self, x: Quotient, y: Quotient, sign: int) -> Quotient:
        """x + y, or with the sign −1 the difference."""
        if x[1] == y[1]:
            return x[0] + sign * y[0], x[1]
        top = self.product(x[0], y[1]) + sign * self.product(y[0], x[1])
        return top, self.product(x[1], y[1])

    def times(self, x: Quotient, y: Quotient) -> Quotient:
        return self.product(x[0], y[0]), self.product(x[1], y[1])

    def root(self, x: Quotient) -> Quotient:
        """√(a/b) = √(ab)/|b|."""
        below = x[1] if self._is_positive(x[1]) else -x[1]
        polynomials = self.polynomials
        found = polynomials.sqrt(polynomials._element(self.product(x[0], below)))
        return found.poly, below

    def of_polynomial(self, name: str, x: Quotient) -> Quotient:
        """A function that the polynomials know of a polynomial."""
        if x[1] != self.ring.one:
            raise CannotDecide(f"{name} of a quotient")
        element = self.polynomials._element(x[0])
        own = getattr(self.polynomials, name, None)
        found = self.polynomials.function(name, element) if own is None else own(element)
        return found.poly, self.ring.one

    def _value(self, poly: fmpq_mpoly) -> arb:
        return Valuation(self.ring, self._point)(poly)

    def _is_positive(self, poly: fmpq_mpoly) -> bool:
        """The sign of a divisor, with as many bits as it takes."""
        for factor in FURTHER:
            with precision(flint.ctx.prec * factor):
                value = self._value(poly)
                if not value.contains(0):
                    return bool(value > 0)
        raise CannotDecide("the sign of a divisor is not known")

    def is_zero(self, poly: fmpq_mpoly) -> bool:
        """Whether a polynomial is 0: its norm is, and its conjugate is not; or it vanishes."""
        poly = self._opened(poly)
        if poly.is_zero() or poly.is_constant():
            return poly.is_zero()
        roots = [g for g in self.ring.used(poly) if g.kind == "root"]
        if not roots:
            return vanishes(self.ring, poly) is True
        plain, factor = self._split(poly, roots[-1])
        if factor.is_zero():
            return self.is_zero(plain)
        conjugate = plain - self.product(factor, roots[-1].poly)
        if self._value(conjugate).contains(0):
            return vanishes(self.ring, poly) is True
        square = self.product(self.product(factor, factor), roots[-1].arguments[0])
        return self.is_zero(self.product(plain, plain) - square)

    def _opened(self, poly: fmpq_mpoly) -> fmpq_mpoly:
        """A polynomial with what they name in place of names."""
        while names := [g for g in self.ring.used(poly) if g.kind == "named"]:
            poly = substituted(self.ring, poly, names[-1], names[-1].arguments[0])
        return poly

    def _split(self, poly: fmpq_mpoly, root: Generator) -> Quotient:
        """(a, b) with the polynomial a + b√q."""
        parts = [self.ring.zero, self.ring.zero]
        power = [self.ring.one, self.ring.one]
        for k, part in enumerate(self.ring.split(poly, root)):
            parts[k % 2] = parts[k % 2] + self.product(part, power[k % 2])
            power[k % 2] = self.product(power[k % 2], root.arguments[0])
        return parts[0], parts[1]


class Exact(arb):
    """A ball and what it is.

    Args:
        ball: the enclosure.
        field: of the quotient.
        quotient: numerator and denominator, which is not 0.
    """

    field: Field
    quotient: Quotient

    def __new__(cls, ball: arb, field: Field, quotient: Quotient) -> Exact:
        self = arb.__new__(cls)
        self.field, self.quotient = field, quotient
        return self

    def __init__(self, ball: arb, field: Field, quotient: Quotient) -> None:
        arb.__init__(self, ball)  # pyright: ignore[reportCallIssue]

    def __add__(self, other: Any) -> arb:
        field = self.field
        return self._with(other, arb.__add__, lambda x, y: field.sum(x, y, 1))

    def __sub__(self, other: Any) -> arb:
        field = self.field
        return self._with(other, arb.__sub__, lambda x, y: field.sum(x, y, -1))

    def __mul__(self, other: Any) -> arb:
        return self._with(other, arb.__mul__, self.field.times)

    def __truediv__(self, other: Any) -> arb:
        field = self.field
        return self._with(other, arb.__truediv__, lambda x, y: field.times(x, (y[1], y[0])))

    def __rtruediv__(self, other: Any) -> arb:
        top, below = self.quotient
        ball = arb(1) / arb(self)
        return self.field.known(ball, lambda: (below, top)) * other

    def __rsub__(self, other: Any) -> arb:
        return -(self - other)

    def __neg__(self) -> arb:
        top, below = self.quotient
        return Exact(arb.__neg__(self), self.field, (-top, below))

    __radd__ = __add__
    __rmul__ = __mul__

    def _with(
        self,
        other: Any,
        balls: Callable[[arb, arb], arb],
        quotients: Callable[[Quotient, Quotient], Quotient],
    ) -> arb:
        y = other if isinstance(other, arb) else arb(other)
        ball, found = balls(arb(self), arb(y)), self.field.quotient(y)
        if found is None:
            return ball
        return self.field.known(ball, lambda: quotients(self.quotient, found))


def is_analytic(name: str) -> bool:
    """Whether it is a function of one number that jumps nowhere."""
    known = FUNCTIONS.get(name)
    return known is not None and known.arity == 1 and known.jumps is None


class ExactBall(Ball):
    """Balls that know when they are 0.

    Example:
        >>> system = ExactBall()
        >>> five = system.constant(5)
        >>> root = system.sqrt(five)
        >>> five / (root * root) - 1, system.function("acos", five / (root * root))
        (0, 0)
    """

    name = "exact ball"

    def __init__(self) -> None:
        self.field = Field()
        self.undefined = False  # whether something was divided by 0, or the logarithm of 0
        self.unsure = False  # whether it is open somewhere else what a number is

    def constant(self, value: Any) -> arb:
        ball, field = super().constant(value), self.field
        if isinstance(value, Fraction):
            return Exact(ball, field, (field.ring.constant(value), field.ring.one))
        found = field.quotient(ball)
        return ball if found is None else Exact(ball, field, found)

    def divide(self, x: arb, y: arb) -> arb:
        return self._noted(over(x, y), y.is_zero(), x, y)

    def _noted(self, found: arb, undefined: bool, *xs: arb) -> arb:
        """A result, with a note of why it is no number."""
        if not found.is_finite() and all(x.is_finite() for x in xs):
            self.undefined |= undefined
            self.unsure |= not undefined
        return found

    def select(self, p: bool | None, if_false: Any, if_true: Any) -> Any:
        self.unsure |= p is UNKNOWN
        return super().select(p, if_false, if_true)

    def matmul(self, a: Any, b: Any) -> Any:
        return NumberSystem.matmul(self, a, b)

    def power(self, x: arb, n: int) -> arb:
        return NumberSystem.power(self, x, n)

    def total(self, terms: list[arb]) -> arb:
        return NumberSystem.total(self, terms)

    def function(self, name: str, *xs: arb) -> arb:
        xs = tuple(map(self.snapped, xs))
        if name in FUNCTIONS and FUNCTIONS[name].ball is None:  # made of others
            return super().function(name, *xs)
        ball = super().function(name, *xs)
        if not is_end_of_logarithm(name, xs[0]):  # which is −∞, and nothing is open
            ball = self._noted(ball, name == "log" and xs[0].is_zero(), *xs)
        known, x = self.field.quotient(xs[0]), xs[0]
        if known is None or not is_analytic(name) or not (name not in ("log", "sqrt") or x > 0):
            return ball
        return self.field.known(ball, lambda: self.field.applied(name, known))

    def snapped(self, x: arb) -> arb:
        """The integer that a number is, if it is one: a function may have its end there."""
        if isinstance(x, Exact) and not x.is_exact():
            whole = unique_integer(x)
            if whole is not None and (x - arb(whole)).is_zero():
                return self.constant(whole)
        return x

    def compare(self, relation: str, x: arb, y: arb) -> bool | None:
        if x is not y and x.is_finite() and y.is_finite() and x.overlaps(y) and (x - y).is_zero():
            return super().compare(relation, arb(0), arb(0))
        return super().compare(relation, x, y)
