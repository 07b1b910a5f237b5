"""Truth as polynomials that are 0 or 1: comparisons, max, abs, selection."""

from __future__ import annotations

import math
from typing import Any

from flint import fmpq_mpoly

from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.field import fraction
from jaxgrad.numbers.named_polynomials import NamedPolynomials, PolynomialElement
from jaxgrad.numbers.nonfinite import NonFinite

__all__ = ["IndicatorPolynomials"]

Poly = fmpq_mpoly


class IndicatorPolynomials(NamedPolynomials):
    """Conditions on real numbers as indicators: [u>0]² = [u>0], [u>0]·[u=0] = 0, u·[u=0] = 0."""

    def _indicators(self, base: Poly) -> tuple[Poly, Poly]:
        """[u>0] and [u=0]."""
        field = self.field
        known = field.find("positive", (base,))
        positive = field.generator("positive", (base,))
        zero = field.generator("zero", (base,))
        if known is None:
            field.relate(positive, positive, positive.poly)
            field.relate(zero, zero, zero.poly)
            field.relate(positive, zero, field.zero)
            single = field.single(base)
            if single is not None:
                field.relate(single, zero, field.zero)
        return positive.poly, zero.poly

    def compare(
        self, relation: str, x: PolynomialElement, y: PolynomialElement
    ) -> PolynomialElement:
        difference = self._difference(x, y)
        if relation in ("lt", "ge"):
            positive, zero = self._signs(difference)
            below = self.field.one - positive - zero
            return self._element(below if relation == "lt" else self.field.one - below)
        positive, zero = self._signs(difference)
        return self._element(
            {
                "gt": positive,
                "le": self.field.one - positive,
                "eq": zero,
                "ne": self.field.one - zero,
            }[relation]
        )

    def _difference(self, x: PolynomialElement, y: PolynomialElement) -> PolynomialElement:
        """x − y, keeping x itself where y is 0 so that naming reaches every use of x."""
        return x if y.poly.is_zero() else x - y

    def _signs(self, x: PolynomialElement) -> tuple[Poly, Poly]:
        """[x>0] and [x=0]."""
        field = self.field
        if x.poly.is_constant():
            value = 0 if x.poly.is_zero() else fraction(x.poly.leading_coefficient())
            return field.constant(int(value > 0)), field.constant(int(value == 0))
        for sign in (1, -1):
            if field.is_positive(x.poly * sign):
                return field.constant(int(sign > 0)), field.zero
        cases = self._cases_of_one(x.poly)
        if cases is not None:
            signs = [(weight, self._signs(self._element(value))) for weight, value in cases]
            return (
                self._join([(weight, p) for weight, (p, _) in signs], lambda p: p),
                self._join([(weight, z) for weight, (_, z) in signs], lambda z: z),
            )
        content, base = self._named(x)
        positive, zero = self._indicators(base)
        return (positive if content > 0 else field.one - positive - zero), zero

    def logical_not(self, p: PolynomialElement) -> PolynomialElement:
        return self._element(self.field.one - p.poly)

    def logical_and(self, p: PolynomialElement, q: PolynomialElement) -> PolynomialElement:
        return p * q

    def truth(self, value: bool) -> PolynomialElement:
        return self.constant(int(value))

    def known(self, p: PolynomialElement) -> bool | None:
        if p.poly.is_zero():
            return False
        return True if p.poly.is_one() else None

    def select(self, p: Any, if_false: Any, if_true: Any) -> Any:
        known = self.known(p)
        if known is not None:
            return if_true if known else if_false
        for branch in (if_false, if_true):
            if isinstance(branch, NonFinite):
                raise CannotDecide(f"a branch that holds {branch} is selected by an open condition")
        return if_false + p * (if_true - if_false)

    def maximum(self, x: Any, y: Any) -> Any:
        """max(x, y) = y + (x − y)·[x>y]."""
        difference = self._difference(x, y)
        positive, _ = self._signs(difference)
        gap = difference * self._element(positive)
        return gap if y.poly.is_zero() else y + gap

    def largest(self, xs: list[Any]) -> Any:
        """The maximum of a list is a generator, so that e^(x − max) can cancel in softmax."""
        xs = [x for x in xs if not (isinstance(x, NonFinite) and x.value == -math.inf)] or xs[:1]
        if len(xs) == 0:
            return self.constant(-math.inf)
        if len(xs) == 1:
            return xs[0]
        infinite = [x for x in xs if isinstance(x, NonFinite)]
        if infinite:  # NaN before +∞
            return min(infinite, key=lambda x: not math.isnan(x.value))
        bases = []
        for x in xs:
            self._named(x)
            if x.poly not in bases:
                bases.append(x.poly)
        if len(bases) == 1:
            return xs[0]
        bases.sort(key=str)
        return self._element(self.field.generator("maximum", tuple(bases)).poly)

    def absolute(self, x: PolynomialElement) -> PolynomialElement:
        positive, _ = self._signs(x)
        return x * self._element(2 * positive - 1)

    def sign(self, x: PolynomialElement) -> PolynomialElement:
        positive, zero = self._signs(x)
        return self._element(2 * positive - 1 + zero)
