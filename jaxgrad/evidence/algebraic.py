"""Real algebraic numbers: the real roots of rational polynomials, isolated by FLINT.

FLINT returns the complex roots of a squarefree polynomial in disjoint balls, and those of the real
ones have an imaginary part of exactly 0: none is missed, and none counts twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, TypeAlias

from flint import arb, fmpq, fmpq_poly, fmpz_poly

from jaxgrad.evidence.bounds import bounds_of
from jaxgrad.numbers.precision import precision

__all__ = ["AlgebraicNumber", "Point", "points_between", "sign_at"]

# More than the 53 that a root is printed to; doubled wherever it does not decide.
_FIRST_BITS = 64


@dataclass(frozen=True)
class AlgebraicNumber:
    """A real root of an irreducible polynomial over the rationals.

    Args:
        polynomial: irreducible, of degree at least 2, so that no rational is a root.
        index: how many of its real roots are smaller.
        ball: which holds this root and no other.

    Example:
        >>> str(points_between([fmpq_poly([-2, 0, 1])])[3])
        'the root of x^2 + (-2) near 1.41421356237'
    """

    polynomial: fmpz_poly
    index: int
    ball: arb

    def __float__(self) -> float:
        return float(self.ball.mid())

    def __str__(self) -> str:
        return f"the root of {self.polynomial} near {float(self):.12g}"


Point: TypeAlias = Fraction | AlgebraicNumber


def sign_at(polynomial: fmpq_poly, point: Point) -> int:
    """The sign of a polynomial at a rational or algebraic number; exact.

    At an algebraic number it is 0 exactly when the minimal polynomial divides.

    Example:
        >>> sign_at(fmpq_poly([-2, 0, 1]), Fraction(3, 2))
        1
    """
    if isinstance(point, Fraction):
        value = polynomial(fmpq(point.numerator, point.denominator))
    elif polynomial % fmpq_poly(point.polynomial) == 0:
        return 0
    else:
        numerator = polynomial.numer()  # of the same sign: the denominator is positive
        value, bits = numerator(point.ball), _FIRST_BITS
        while value.contains(0):
            bits *= 2
            with precision(bits):
                value = numerator(_real_roots(point.polynomial, bits)[point.index])
    return (value > 0) - (value < 0)


def points_between(polynomials: Iterable[fmpq_poly]) -> list[Point]:
    """One point at each real root of the polynomials and one in each interval between, in order.

    What only their signs decide has the same truth value on all of an interval between
    neighbouring roots, so it is true of every real number exactly when it is true at these points.

    Args:
        polynomials: with rational coefficients.

    Example:
        >>> [str(point) for point in points_between([fmpq_poly([0, -1, 1])])]
        ['-1', '0', '1/2', '1', '2']
    """
    product = math.prod((p.numer() for p in polynomials if p != 0), start=fmpz_poly([1]))
    roots = _roots([factor for factor, _ in product.factor()[1]])
    if not roots:
        return [Fraction(0)]
    ends = [bounds_of(ball) for ball, _ in roots]
    points: list[Point] = [Fraction(math.floor(ends[0].lower) - 1)]
    for (_, root), (here, after) in zip(roots, pairwise(ends), strict=False):
        points += [root, _between(here.upper, after.lower)]
    return [*points, roots[-1][1], Fraction(math.ceil(ends[-1].upper) + 1)]


def _roots(factors: list[fmpz_poly]) -> list[tuple[arb, Point]]:
    """The real roots of irreducible polynomials in increasing order, in balls that are apart."""
    bits = _FIRST_BITS
    while True:
        roots: list[tuple[arb, Point]] = [
            (ball, AlgebraicNumber(factor, index, ball))
            if factor.degree() > 1
            else (ball, Fraction(-int(factor[0]), int(factor[1])))
            for factor in factors
            for index, ball in enumerate(_real_roots(factor, bits))
        ]
        roots.sort(key=lambda root: root[0].mid())
        if all(one < two for (one, _), (two, _) in pairwise(roots)):
            return roots
        bits *= 2


def _real_roots(factor: fmpz_poly, bits: int) -> list[arb]:
    """The real roots of an irreducible polynomial in increasing order, to so many bits each."""
    with precision(bits):
        roots: list[Any] = factor.complex_roots()  # pairs; the stub says otherwise
        balls = [root.real for root, _ in roots if root.imag == 0]
    return sorted(balls, key=lambda ball: ball.mid())


def _between(lower: Fraction, upper: Fraction) -> Fraction:
    """A number between two others, with the smallest power of 2 for a denominator that will do."""
    power, middle = 1, (lower + upper) / 2
    while not lower < Fraction(round(middle * power), power) < upper:
        power *= 2
    return Fraction(round(middle * power), power)
