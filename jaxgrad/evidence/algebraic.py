"""Real algebraic numbers: isolate the real roots of rational polynomials, by Sturm's theorem."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise
from typing import Any, TypeAlias

from flint import fmpq, fmpq_poly

__all__ = ["AlgebraicNumber", "Point", "count_roots", "points_between", "sign_at", "sturm_chain"]


class AlgebraicNumber:
    """The only root of an irreducible polynomial over the rationals in an open interval.

    Args:
        polynomial: irreducible, of degree at least 2, so that no rational is a root.
        lower: a rational below the root.
        upper: a rational above it, with no other root between.

    Example:
        >>> root = AlgebraicNumber(fmpq_poly([-2, 0, 1]), Fraction(1), Fraction(2))
        >>> round(float(root), 6)
        1.414214
    """

    def __init__(self, polynomial: fmpq_poly, lower: Fraction, upper: Fraction):
        self.polynomial, self.lower, self.upper = polynomial, lower, upper

    def refine(self) -> None:
        """Halve the interval."""
        middle = (self.lower + self.upper) / 2
        if sign_at(self.polynomial, middle) == sign_at(self.polynomial, self.lower):
            self.lower = middle
        else:
            self.upper = middle

    def sign_of(self, polynomial: fmpq_poly) -> int:
        """The sign of a polynomial at this number: 0 exactly when the minimal one divides it."""
        if polynomial % self.polynomial == 0:
            return 0
        chain = sturm_chain(polynomial)
        while (
            sign_at(polynomial, self.lower) == 0
            or sign_at(polynomial, self.upper) == 0
            or count_roots(chain, self.lower, self.upper)
        ):
            self.refine()
        return sign_at(polynomial, self.lower)

    def __float__(self) -> float:
        while self.upper - self.lower > abs(self.upper + self.lower) / 2**56:
            self.refine()
        return float(self.lower)

    def __str__(self) -> str:
        return f"the root of {self.polynomial} near {float(self):.12g}"


Point: TypeAlias = Fraction | AlgebraicNumber


def points_between(polynomials: Iterable[fmpq_poly]) -> list[Point]:
    """One point at each real root of the polynomials and one in each interval between, in order.

    Args:
        polynomials: with rational coefficients.

    Example:
        >>> [str(point) for point in points_between([fmpq_poly([0, -1, 1])])]
        ['-1', '0', '1/2', '1', '2']
    """
    factors: list[fmpq_poly] = []
    for polynomial in polynomials:
        for factor, _ in _factors(polynomial):
            monic = factor / factor.leading_coefficient()
            if monic not in factors:
                factors.append(monic)
    roots = _sorted_roots([root for factor in factors for root in _roots(factor)])
    if not roots:
        return [Fraction(0)]
    points: list[Point] = [_below(roots[0]) - 1]
    for here, after in pairwise(roots):
        points += [here, (_above(here) + _below(after)) / 2]
    return [*points, roots[-1], _above(roots[-1]) + 1]


def _sorted_roots(roots: list[Point]) -> list[Point]:
    """Distinct real roots in increasing order, with disjoint enclosures."""
    while True:
        roots = sorted(roots, key=_below)
        close = [(one, two) for one, two in pairwise(roots) if _above(one) >= _below(two)]
        if not close:
            return roots
        for pair in close:
            for root in pair:
                if isinstance(root, AlgebraicNumber):
                    root.refine()


def sturm_chain(polynomial: fmpq_poly) -> list[fmpq_poly]:
    """Sturm's sequence p, p', and the negated remainders.

    Example:
        >>> len(sturm_chain(fmpq_poly([-2, 0, 1])))
        3
    """
    chain = [polynomial, polynomial.derivative()]
    while chain[-1] != 0:
        chain.append(-(chain[-2] % chain[-1]))
    return chain[:-1]


def count_roots(chain: list[fmpq_poly], lower: Fraction, upper: Fraction) -> int:
    """How many distinct real roots lie in (lower, upper], neither end being a multiple root.

    Example:
        >>> count_roots(sturm_chain(fmpq_poly([-2, 0, 1])), Fraction(0), Fraction(2))
        1
    """
    return _variations(chain, lower) - _variations(chain, upper)


def _variations(chain: list[fmpq_poly], point: Fraction) -> int:
    signs = [sign for sign in (sign_at(part, point) for part in chain) if sign]
    return sum(one != two for one, two in pairwise(signs))


def _roots(factor: fmpq_poly) -> list[Point]:
    """The real roots of an irreducible polynomial."""
    coefficients = [_fraction(found) for found in factor.coeffs()]
    if len(coefficients) == 2:
        return [-coefficients[0] / coefficients[1]]
    # Cauchy: every root is smaller than 1 + max |c_i / c_n|.
    bound = 1 + max(abs(found / coefficients[-1]) for found in coefficients[:-1])
    chain, found = sturm_chain(factor), []
    pending = [(-bound, bound)]
    while pending:
        lower, upper = pending.pop()
        inside = count_roots(chain, lower, upper)
        if inside == 1:
            found.append(AlgebraicNumber(factor, lower, upper))
        elif inside > 1:
            middle = (lower + upper) / 2
            pending += [(lower, middle), (middle, upper)]
    return found


def _factors(polynomial: fmpq_poly) -> list[tuple[fmpq_poly, int]]:
    return [] if polynomial.degree() < 1 else polynomial.factor()[1]


def sign_at(polynomial: fmpq_poly, point: Fraction) -> int:
    """The sign of a polynomial at a rational number.

    Example:
        >>> sign_at(fmpq_poly([-2, 0, 1]), Fraction(3, 2))
        1
    """
    value = polynomial(fmpq(point.numerator, point.denominator))
    return (value > 0) - (value < 0)


def _below(point: Point) -> Fraction:
    return point.lower if isinstance(point, AlgebraicNumber) else point


def _above(point: Point) -> Fraction:
    return point.upper if isinstance(point, AlgebraicNumber) else point


def _fraction(value: Any) -> Fraction:
    return Fraction(int(fmpq(value).p), int(fmpq(value).q))
