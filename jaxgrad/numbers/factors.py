"""Factors of polynomials and of integers, for logarithms, roots and signs."""

from __future__ import annotations

from flint import fmpq, fmpq_mpoly, fmpz

from jaxgrad.numbers.field import Field

__all__ = ["LONGEST_FACTORED", "factors", "square_part"]

Poly = fmpq_mpoly

# Factoring and greatest common divisors are worth their time while polynomials are at most this
# long: FLINT then needs about a millisecond.
LONGEST_FACTORED = 64


def factors(field: Field, poly: Poly) -> tuple[fmpq, list[tuple[Poly, int]]]:
    """(c, [(u, n), …]) with poly = c·∏uⁿ, each u of content 1 with a positive leading coefficient.

    Args:
        field: the ring.
        poly: not 0; one that is long is returned as its only factor.
    """
    if len(poly) > LONGEST_FACTORED:
        content, base = field.primitive(poly)
        return fmpq(content.numerator, content.denominator), [(base, 1)]
    constant, found = poly.factor()
    primitive = []
    for factor, exponent in found:
        content, base = field.primitive(factor)
        constant = constant * fmpq(content.numerator, content.denominator) ** int(exponent)
        primitive.append((base, int(exponent)))
    return constant, primitive


def square_part(n: int) -> tuple[int, int]:
    """(s, t) with n = s²·t, s > 0 and t free of squares.

    Example:
        >>> square_part(-12)
        (2, -3)
    """
    square, free = 1, 1 if n > 0 else -1
    for prime, exponent in fmpz(abs(n)).factor():
        square *= int(prime) ** (int(exponent) // 2)
        free *= int(prime) ** (int(exponent) % 2)
    return square, free
