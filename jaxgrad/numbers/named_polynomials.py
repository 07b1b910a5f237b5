"""Polynomials as elements: constants, names for sums, and functions case by case."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mpoly

from jaxgrad.numbers.base import CannotDecide, NumberSystem, exact
from jaxgrad.numbers.canonical_signs import at
from jaxgrad.numbers.nonfinite import NonFinite, apply_nonfinite
from jaxgrad.numbers.ring import INDICATORS, Generator, Ring
from jaxgrad.numbers.still_zero import LOGARITHMS
from jaxgrad.numbers.written import written

__all__ = ["NamedPolynomials", "PolynomialElement"]

# A function of k indicators is split into 2^k cases; past this many it is one generator instead.
MOST_CASES = 3


class PolynomialElement:
    """One real number as a polynomial; also usable by NumPy code inside object arrays."""

    __slots__ = ("poly", "system")

    def __init__(self, system: NamedPolynomials, poly: fmpq_mpoly) -> None:
        self.system = system
        self.poly = poly

    def _other(self, other: Any) -> Any:
        if isinstance(other, PolynomialElement | NonFinite):
            return other
        return self.system.constant(other)

    def __add__(self, other: Any) -> Any:
        other = self._other(other)
        if isinstance(other, NonFinite):
            return NotImplemented
        return PolynomialElement(self.system, self.poly + other.poly)

    def __sub__(self, other: Any) -> Any:
        other = self._other(other)
        if isinstance(other, NonFinite):
            return NotImplemented
        return PolynomialElement(self.system, self.poly - other.poly)

    def __rsub__(self, other: Any) -> PolynomialElement:
        return self._other(other) - self

    def __neg__(self) -> PolynomialElement:
        return PolynomialElement(self.system, -self.poly)

    def __mul__(self, other: Any) -> Any:
        other = self._other(other)
        if isinstance(other, NonFinite):
            return NotImplemented
        if self.system.ring.name_sums:
            self.system.compact_factors(self, other)
        ring = self.system.ring
        return PolynomialElement(self.system, ring.reduce(ring.product(self.poly, other.poly)))

    def __truediv__(self, other: Any) -> PolynomialElement:
        return self.system.divide(self, self._other(other))

    def __rtruediv__(self, other: Any) -> PolynomialElement:
        return self.system.divide(self._other(other), self)

    def __pow__(self, exponent: Any) -> PolynomialElement:
        exponent = self._other(exponent)
        if isinstance(exponent, NonFinite):
            return NotImplemented
        return self.system.function("pow", self, exponent)

    __radd__ = __add__
    __rmul__ = __mul__

    def __repr__(self) -> str:
        return f"PolynomialElement({written(self.poly)})"


class NamedPolynomials(NumberSystem):
    """What every polynomial operation stands on: elements, sums, names and cases.

    Args:
        ring: the ring that both programs of a comparison share.
    """

    name = "polynomial"

    def __init__(self, ring: Ring) -> None:
        self.ring = ring

    # -- making elements ---------------------------------------------------------------------
    def variable(self, key: Any) -> PolynomialElement:
        """The element of a real input."""
        return self._element(self.ring.generator("input", (), key).poly)

    def constant(self, value: Any) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            return NonFinite(value)
        return self._element(self.ring.constant(exact(value)))

    def carry_out(self, name: str, operation: Callable[..., Any], *xs: Any) -> Any:
        if any(isinstance(x, NonFinite) for x in xs):
            return apply_nonfinite(self, name, xs)
        if name in LOGARITHMS and (self._meaning(xs[0].poly) - LOGARITHMS[name]).is_zero():
            return NonFinite(-math.inf)  # the same for all inputs, as a constant is
        return operation(self, *xs)

    def _element(self, poly: fmpq_mpoly) -> PolynomialElement:
        return PolynomialElement(self, poly)

    def _named(self, x: PolynomialElement) -> tuple[Fraction, fmpq_mpoly]:
        """(c, u) with x = c·u, where u is a generator or a monomial.

        A sum of several terms gets a generator of its own, and the element is rewritten in place:
        its value stays what it was, and every later use is one term long.
        """
        if x.poly.is_zero():
            return Fraction(1), self.ring.zero
        content, base = self.ring.primitive(x.poly)
        if len(base) == 1:
            return content, base
        named = self.ring.generator("named", (base,)).poly
        x.poly = named * fmpq(content.numerator, content.denominator)
        return content, named

    def _meaning(self, poly: fmpq_mpoly) -> fmpq_mpoly:
        """The polynomial behind a name, where a name is all there is."""
        single = self.ring.single(poly)
        if single is not None and single.kind == "named":
            return single.arguments[0]
        return poly

    # -- arithmetic --------------------------------------------------------------------------
    def total(self, terms: list[PolynomialElement]) -> PolynomialElement:
        if any(isinstance(term, NonFinite) for term in terms):
            return super().total(terms)
        return self._sum(self.ring.sum([term.poly for term in terms]))

    def _sum(self, poly: fmpq_mpoly) -> PolynomialElement:
        self.ring.spend(poly)
        return self._element(poly)

    def compact_factors(self, x: PolynomialElement, y: PolynomialElement) -> None:
        """Names the sums among two factors, so that their product is a monomial.

        Layer by layer both programs of a comparison make the same sums, so the names agree.
        """
        if not (x.poly.is_constant() or y.poly.is_constant()):
            self.compact(x)
            self.compact(y)

    def _unfold_affine(self, poly: fmpq_mpoly) -> fmpq_mpoly:
        """A sum with names such as t = 2s − 1 replaced: 1 + t and 1 − t² are multiples of s."""
        ring = self.ring
        for g in ring.used(poly):
            if g.kind != "named" or len(g.arguments[0]) > 2 or len(ring.used(g.arguments[0])) > 1:
                continue
            total = ring.zero
            for k, part in enumerate(ring.split(poly, g)):
                total = total + ring.product(part, ring.power(g.arguments[0], k))
            poly = ring.reduce(total)
        return poly

    def compact(self, x: PolynomialElement) -> None:
        """Rewrites a sum in place as monomial·v, with v a name for what is left of the sum.

        Taking the common monomial out first makes the name independent of what the sum was
        multiplied by before: w·(s − s²) and s − s² both become a multiple of the name of 1 − s.
        """
        if len(x.poly) < 2 or self._is_case_of_one(x.poly):
            return
        x.poly = self._unfold_affine(x.poly)
        if len(x.poly) < 2:
            return
        monomial = x.poly.term_content()
        rest = self._element(divmod(x.poly, monomial)[0])
        self._named(rest)
        x.poly = self.ring.product(rest.poly, monomial)

    def matmul(self, a: Any, b: Any) -> Any:
        """As in the base class, passing over the zeros that padding leaves."""
        from numpy import empty

        if any(isinstance(x, NonFinite) for x in (*a.flat, *b.flat)):
            return super().matmul(a, b)
        out = empty((a.shape[0], b.shape[1]), dtype=object)
        for i in range(a.shape[0]):
            for j in range(b.shape[1]):
                pairs = zip(a[i], b[:, j], strict=True)
                parts = [
                    (x * y).poly for x, y in pairs if not (x.poly.is_zero() or y.poly.is_zero())
                ]
                out[i, j] = self._sum(self.ring.sum(parts))
        return out

    # -- indicators inside a function: f(A + pB) = (1 − p)·f(A) + p·f(A + B) --------------------
    def matrix(self, name: str, *matrices: np.ndarray, **options: Any) -> Any:
        if any(isinstance(x, NonFinite) for matrix in matrices for x in matrix.flat):
            raise CannotDecide("a matrix to be factored or solved with holds an infinity or NaN")
        if name.removeprefix("complex ") in ("qr", "eigh", "svd", "eig", "schur"):
            raise CannotDecide(f"`{name}` is no function of polynomials")
        return super().matrix(name, *matrices, **options)

    def _cases(self, poly: fmpq_mpoly) -> list[tuple[fmpq_mpoly, fmpq_mpoly]] | None:
        """(indicator polynomial, value in that case) for each case, or None if there is one."""
        indicators = [g for g in self.ring.used(poly) if g.kind in INDICATORS]
        if not indicators or len(indicators) > MOST_CASES:
            return None
        cases = [(self.ring.one, poly)]
        for g in indicators:
            split = []
            for weight, value in cases:
                parts = self.ring.split(value, g)
                off = parts[0] if parts else value
                on = self._where(g, sum(parts[1:], off))
                for chosen, part in ((1 - g.poly, off), (g.poly, self.ring.reduce(on))):
                    split.append((self.ring.reduce(self.ring.product(weight, chosen)), part))
            # [u>0][u=0] = 0: a case that cannot be has weight 0.
            cases = [(weight, value) for weight, value in split if not weight.is_zero()]
        return cases

    def _where(self, indicator: Generator, value: fmpq_mpoly) -> fmpq_mpoly:
        """A polynomial where an indicator is 1: where u = 0, a generator u is 0."""
        single = self.ring.single(indicator.arguments[0]) if indicator.kind == "zero" else None
        return value if single is None else at(self.ring, value, single, 0)

    def _cases_of_one(self, poly: fmpq_mpoly) -> list[tuple[fmpq_mpoly, fmpq_mpoly]] | None:
        """The cases of a function of indicators and one other generator, such as |u|.

        A sum over many neurons has too many cases for too little gain: it is named as it stands.
        """
        return self._cases(poly) if self._is_case_of_one(poly) else None

    def _is_case_of_one(self, poly: fmpq_mpoly) -> bool:
        used = self.ring.used(poly)
        others = [g for g in used if g.kind not in INDICATORS]
        return len(others) < len(used) and len(others) <= 1

    def _join(self, cases: list[tuple[fmpq_mpoly, fmpq_mpoly]], function: Any) -> fmpq_mpoly:
        total = self.ring.zero
        for weight, value in cases:
            total = total + self.ring.product(weight, function(value))
        return self.ring.reduce(total)
