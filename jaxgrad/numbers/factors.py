"""Factors of polynomials and of integers, for logarithms, roots and signs."""

from __future__ import annotations

from flint import fmpq, fmpq_mpoly, fmpz

from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.ring import Ring
from jaxgrad.numbers.sizes import MOST_BITS_FACTORED, is_factored

__all__ = ["factors", "primes", "square_part"]
Factors = tuple[fmpq, tuple[tuple[fmpq_mpoly, int], ...]]


def factors(ring: Ring, poly: fmpq_mpoly) -> Factors:
    """(c, ((u, n), …)) with poly = c·∏uⁿ, each u of content 1 with a positive leading coefficient.

    The signs and logarithms of one program are asked for again and again, most often of the same
    few polynomials, so the ring remembers what was factored.

    Args:
        ring: the ring.
        poly: not 0; one that is long is returned as its only factor.
    """
    found = ring.factored.get((poly,))
    if found is None:
        found = _factors(ring, poly)
        ring.factored.put((poly,), found)
    return found


def _factors(ring: Ring, poly: fmpq_mpoly) -> Factors:
    if not is_factored(poly):
        content, base = ring.primitive(poly)
        return fmpq(content.numerator, content.denominator), ((base, 1),)
    constant, found = poly.factor()
    primitive = []
    for factor, exponent in found:
        content, base = ring.primitive(factor)
        constant = constant * fmpq(content.numerator, content.denominator) ** int(exponent)
        primitive.append((base, int(exponent)))
    return constant, tuple(primitive)


def primes(n: int) -> list[tuple[int, int]]:
    """(p, k) with n = ∏ pᵏ, for n > 0.

    Raises:
        CannotDecide: it is too large to be factored.
    """
    if n.bit_length() > MOST_BITS_FACTORED:
        # What is left without its powers of 2, which the significands of floats leave.
        twos = (n & -n).bit_length() - 1
        odd = n >> twos
        if odd.bit_length() > MOST_BITS_FACTORED:
            raise CannotDecide(f"an integer of more than {MOST_BITS_FACTORED} bits to factor")
        return [(2, twos), *primes(odd)] if odd > 1 else [(2, twos)]
    return [(int(prime), int(exponent)) for prime, exponent in fmpz(n).factor()]


def square_part(n: int) -> tuple[int, int]:
    """(s, t) with n = s²·t, s > 0 and t free of squares.

    Example:
        >>> square_part(-12)
        (2, -3)
    """
    square, free = 1, 1 if n > 0 else -1
    for prime, exponent in primes(abs(n)):
        square *= prime ** (exponent // 2)
        free *= prime ** (exponent % 2)
    return square, free
