"""What FLINT may be handed: past some sizes it ends the process for want of memory.

Nothing can be caught then, so every product, power, quotient, greatest common divisor and
factorisation asks here before it is formed.
"""

from __future__ import annotations

from flint import fmpq, fmpq_mpoly

from jaxgrad.numbers.base import CannotDecide

__all__ = [
    "LARGEST_DEGREE",
    "LONGEST_FACTORED",
    "MOST_BITS_FACTORED",
    "height",
    "is_factored",
    "power_cost",
    "product_cost",
]

# FLINT forms 5 to 30 million products of two terms a second (of one word each), so one product
# of polynomials takes some seconds at most, and what it holds at once, two words a term beside
# the exponents, is half a gigabyte at most.
MOST_PRODUCTS = 2**25
WORD = 64
# Of a numerator or denominator: products of sixteen floats of the smallest size, 1074 + 53 bits
# each, or of three hundred near 1, and two such are multiplied in some 2 μs.
MOST_BITS = 16 * (1074 + 53)
# FLINT's exponents are machine words where they fit; half of the word is left for sums of them.
LARGEST_EXPONENT = 2**31
# Factoring and greatest common divisors are worth their time while polynomials are at most this
# long: FLINT then needs some milliseconds, if the degrees are small too.  Both work with dense
# polynomials in one or two of the variables, so their memory grows with the square of the degree.
LONGEST_FACTORED = 64
LARGEST_DEGREE = 64
# An integer of two equal prime factors is factored in 8 milliseconds at this many bits, and in 250
# at 160.
MOST_BITS_FACTORED = 96


def height(poly: fmpq_mpoly) -> int:
    """The bits of the largest numerator or denominator among the coefficients."""
    return max(map(fmpq.height_bits, poly.coeffs()), default=0)


def product_cost(x: fmpq_mpoly, y: fmpq_mpoly) -> int:
    """How many products of machine words a product of polynomials takes at most.

    Raises:
        CannotDecide: it is too large to be formed.
    """
    bits = height(x) + height(y)
    cost = len(x) * len(y) * (1 + bits // WORD)
    _require(cost, bits, int(x.total_degree()) + int(y.total_degree()), "a product")
    return cost


def power_cost(poly: fmpq_mpoly, n: int) -> int:
    """How many words the power of a polynomial has at most.

    Raises:
        CannotDecide: it is too large to be formed.
    """
    terms = len(poly)
    # The coefficients of the power are at most (t·c)^n for coefficients of at most c.
    largest = height(poly)
    bits = n * ((largest if largest > 1 else 0) + (terms - 1).bit_length())
    # A power of t terms has (n + t − 1 over n) terms at most; past the bound nobody counts on.
    count = 1
    for k in range(1, min(n, terms - 1) + 1):
        count = count * (n + terms - k) // k
        if count > MOST_PRODUCTS:
            break
    cost = count * (1 + bits // WORD)
    _require(cost, bits, int(poly.total_degree()) * n, "a power")
    return cost


def _require(cost: int, bits: int, degree: int, what: str) -> None:
    for size, most, unit in (
        (cost, MOST_PRODUCTS, "words"),
        (bits, MOST_BITS, "bits a coefficient"),
        (degree, LARGEST_EXPONENT, "for the degree"),
    ):
        if size > most:
            raise CannotDecide(f"{what} past the budget of {most} {unit}")


def is_factored(*polys: fmpq_mpoly) -> bool:
    """Whether polynomials are small enough to be factored, or to have their common divisor."""
    return all(
        len(poly) <= LONGEST_FACTORED
        and poly.total_degree() <= LARGEST_DEGREE
        and height(poly) <= WORD * LARGEST_DEGREE
        for poly in polys
    )
