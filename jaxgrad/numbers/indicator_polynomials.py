"""Truth as polynomials that are 0 or 1: comparisons, max, abs, selection."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from flint import fmpq_mpoly

from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.named_polynomials import NamedPolynomials, PolynomialElement
from jaxgrad.numbers.nonfinite import NonFinite, apply_nonfinite
from jaxgrad.numbers.ring import Generator, fraction

__all__ = ["IndicatorPolynomials"]


class IndicatorPolynomials(NamedPolynomials):
    """Conditions on real numbers as indicators: [u>0]² = [u>0], [u>0]·[u=0] = 0, u·[u=0] = 0."""

    def _indicators(self, base: fmpq_mpoly) -> tuple[fmpq_mpoly, fmpq_mpoly]:
        """[u>0] and [u=0]."""
        ring = self.ring
        known = ring.find("positive", (base,))
        positive = ring.generator("positive", (base,))
        zero = ring.generator("zero", (base,))
        if known is None:
            ring.relate(positive, positive, positive.poly)
            ring.relate(zero, zero, zero.poly)
            ring.relate(positive, zero, ring.zero)
            single = ring.single(base)
            if single is not None:
                ring.relate(single, zero, ring.zero)
        return positive.poly, zero.poly

    def compare(
        self, relation: str, x: PolynomialElement, y: PolynomialElement
    ) -> PolynomialElement:
        """A comparison; where a side has no value, every one of them but ``ne`` is open."""
        if isinstance(x, NonFinite) or isinstance(y, NonFinite):
            return apply_nonfinite(self, relation, (x, y))
        difference = self._difference(x, y)
        positive, zero = self._truths(difference)
        ring, one = self.ring, self.ring.one
        negative = one - positive - zero
        defined = self._defined(difference.poly) or self._both_defined(x, y)
        if defined is not None:
            negative, _ = self._truths(-difference)
            if not ring.is_partial(difference.poly):  # what made it partial has cancelled
                positive, zero, negative = (
                    ring.reduce(ring.product(p, defined)) for p in (positive, zero, negative)
                )
        return self._element(
            {
                "gt": positive,
                "lt": negative,
                "ge": positive + zero,
                "le": negative + zero,
                "eq": zero,
                "ne": one - zero,
            }[relation]
        )

    def ordered(self, relation: str, x: Any, y: Any) -> PolynomialElement:
        if any(isinstance(z, NonFinite) and math.isnan(z.value) for z in (x, y)):
            raise CannotDecide("the place of a NaN in an order")
        return self.compare(relation, x, y)

    def opened(self, p: PolynomialElement, tie: PolynomialElement) -> PolynomialElement:
        if self.known(tie) is False:
            return p
        raise CannotDecide("which of two entries that tie in a window moves, XLA decides")

    def _defined(self, poly: fmpq_mpoly) -> fmpq_mpoly | None:
        """[u has a value] as an indicator of its own, or None of a value that every input has."""
        ring = self.ring
        if not ring.is_partial(poly):
            return None
        _, base = ring.primitive(poly)
        made = ring.find("finite", (base,)) is None
        finite = ring.generator("finite", (base,))
        if made:
            ring.relate(finite, finite, finite.poly)
            for g in self._only_where_defined(base):
                ring.relate(finite, g, g.poly)
        return finite.poly

    def _only_where_defined(self, base: fmpq_mpoly) -> list[Generator]:
        """Generators g with [u has a value]·g = g: u itself, [u>0], [u=0], what u is made of."""
        ring = self.ring
        partial = [g for g in ring.used(base) if ring.is_partial(g.poly)]
        indicators = [ring.find(kind, (base,)) for kind in ("positive", "zero")]
        return [*partial[: len(partial) == 1], *(g for g in indicators if g is not None)]

    def _both_defined(self, x: PolynomialElement, y: PolynomialElement) -> fmpq_mpoly | None:
        found = [p for p in (self._defined(x.poly), self._defined(y.poly)) if p is not None]
        if not found:
            return None
        return found[0] if found[0] == found[-1] else self.ring.product(found[0], found[-1])

    def is_finite(self, x: Any) -> PolynomialElement:
        """True of what every input has a value of, and open of what a partial function made."""
        if isinstance(x, NonFinite):
            return self.truth(False)
        if self.ring.is_partial(x.poly):
            self._named(x)
        return self._element(self._defined(x.poly) or self.ring.one)

    def _difference(self, x: PolynomialElement, y: PolynomialElement) -> PolynomialElement:
        """x − y, keeping x itself where y is 0 so that naming reaches every use of x."""
        return x if y.poly.is_zero() else x - y

    def _truths(self, x: PolynomialElement) -> tuple[fmpq_mpoly, fmpq_mpoly]:
        """[x>0] and [x=0], neither of which holds where x has no value."""
        return self._signs(x, lambda base: self._defined(base) or self.ring.one)

    def _signs(
        self, x: PolynomialElement, whole: Callable[[fmpq_mpoly], fmpq_mpoly] | None = None
    ) -> tuple[fmpq_mpoly, fmpq_mpoly]:
        """[x>0] and [x=0].

        Args:
            x: an element.
            whole: of the polynomial that is compared, what [u>0] + [u=0] + [u<0] is; 1 if None.
        """
        ring = self.ring
        whole = whole or (lambda _: ring.one)
        if x.poly.is_constant():
            value = 0 if x.poly.is_zero() else fraction(x.poly.leading_coefficient())
            return ring.constant(int(value > 0)), ring.constant(int(value == 0))
        for sign in (1, -1):
            if ring.is_positive(x.poly * sign):
                return (whole(x.poly) if sign > 0 else ring.zero), ring.zero
        cases = self._cases_of_one(x.poly)
        if cases is not None:
            signs = [(weight, self._signs(self._element(value), whole)) for weight, value in cases]
            return (
                self._join([(weight, p) for weight, (p, _) in signs], lambda p: p),
                self._join([(weight, z) for weight, (_, z) in signs], lambda z: z),
            )
        content, base = self._named(x)
        positive, zero = self._indicators(base)
        return (positive if content > 0 else whole(base) - positive - zero), zero

    def logical_not(self, p: PolynomialElement) -> PolynomialElement:
        return self._element(self.ring.one - p.poly)

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
        """max(x, y) = y + (x − y)·[x>y]; segments that nothing falls into begin with −∞."""
        if isinstance(x, NonFinite) or isinstance(y, NonFinite):
            return apply_nonfinite(self, "max", (x, y))
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
        bases.sort(key=lambda base: self.ring.place((base,)))
        return self._element(self.ring.generator("maximum", tuple(bases)).poly)

    def absolute(self, x: PolynomialElement) -> PolynomialElement:
        positive, _ = self._signs(x)
        return x * self._element(2 * positive - 1)

    def sign(self, x: PolynomialElement) -> PolynomialElement:
        positive, zero = self._signs(x)
        return self._element(2 * positive - 1 + zero)
