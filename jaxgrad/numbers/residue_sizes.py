"""How large a formula is of which remainders are the values, and how likely they are to mislead.

A number is a polynomial P(v, 1/y)/2ˢ with integer coefficients: v are inputs and the values of
functions, each drawn by itself, and y what was divided by.  A monomial v₁…v_a/(v_b…) has as many
factors as it has letters, divided by or not: that is the degree of P.

Two numbers that are not the same function have a difference Q ≠ 0 of this kind.  Its values modulo
a random prime at a random point are 0 with a chance of at most :meth:`Inverted.chance`, and there
are as many independent primes as one likes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from jaxgrad.numbers.prime_fields import BITS, PRIMES

__all__ = ["CONSTANT", "VALUE", "Inverted", "Size"]


class Size(NamedTuple):
    """Bounds of one formula, or of some.

    Args:
        degree: how many letters a monomial has.
        bits: log₂ of the sum of the sizes of the coefficients.
        scale: s.
        level: how often what is divided by was divided by something itself.
    """

    degree: float = 0.0
    bits: float = 0.0
    scale: float = 0.0
    level: int = 0

    @property
    def is_monomial(self) -> bool:
        """Whether it is a product of letters, divided by or not: a sum has one bit at least."""
        return self.bits == self.scale == self.level == 0

    def times(self, other: Size) -> Size:
        """A product."""
        return Size(
            self.degree + other.degree,
            self.bits + other.bits,
            self.scale + other.scale,
            max(self.level, other.level),
        )

    def plus(self, other: Size, terms: int = 1) -> Size:
        """A sum of so many pairs."""
        scale = max(self.scale, other.scale)
        bits = max(self.bits + scale - self.scale, other.bits + scale - other.scale)
        level = max(self.level, other.level)
        return Size(max(self.degree, other.degree), bits + 1 + math.log2(terms), scale, level)

    def power(self, n: int) -> Size:
        """A power with n ≥ 0."""
        return Size(self.degree * n, self.bits * n, self.scale * n, self.level)

    @staticmethod
    def either(sizes: Iterable[Size]) -> Size:
        """A size that none of these exceeds."""
        columns = list(zip(*sizes, strict=True))
        return Size(*map(max, columns)) if columns else CONSTANT


CONSTANT = Size()
VALUE = Size(degree=1.0)
"""That of an input, or of the value of a function."""


class Inverted:
    """What was divided by, level by level, and the odd factors of constants that were.

    Example:
        >>> divisors = Inverted()
        >>> divisors.add([7], Size(degree=3.0, bits=2.0))
        >>> -51 < math.log2(divisors.chance(Size(degree=1.0, level=1))) < -45
        True
    """

    def __init__(self) -> None:
        self._distinct: dict[int, set[int]] = {}
        self._sizes: dict[int, Size] = {}
        self._odd: dict[int, float] = {}

    def add(self, values: Iterable[int], size: Size) -> None:
        """Some divisors, by their remainders modulo one prime, of one size."""
        self._distinct.setdefault(size.level, set()).update(values)
        largest = self._sizes.get(size.level, CONSTANT)
        self._sizes[size.level] = Size.either([largest, size])

    def add_constant(self, odd: int) -> None:
        """An odd number that was divided by."""
        self._odd[odd] = math.log2(odd)

    def chance(self, size: Size, least: float = BITS, primes: float = PRIMES) -> float:
        """How likely a number of this size, which is not 0, is 0 modulo a random prime.

        Args:
            size: a bound of the number.
            least: log₂ of what every prime is larger than.
            primes: how many there are, at least.

        Multiplied by each divisor as often as its inverse may occur, the highest level first, P has
        no inverses but of values.  A nonzero coefficient is a multiple of at most bits/49 of the
        primes, and modulo any other prime the chance of a zero at a random point, none of whose
        coordinates is 0, is at most 2·degree/p: of a variable with exponents from −a to b ≥ a at
        most a + b ≤ 2b values are zeros unless the coefficient of the highest power vanishes, which
        is a polynomial of a degree that is less by b, and alike if a is the larger one.
        """
        degree = size.degree
        bits = size.bits + size.scale + size.degree * sum(self._odd.values())
        for level in reversed(range(size.level)):
            divisor = self._sizes.get(level, CONSTANT)
            times = len(self._distinct.get(level, ())) * degree
            degree += times * divisor.degree
            bits += times * (
                divisor.bits + divisor.scale + divisor.degree * sum(self._odd.values())
            )
        return min(1.0, bits / least / primes + 2 * degree / 2.0**least)
