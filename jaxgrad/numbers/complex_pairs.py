"""Complex numbers as pairs over a number system, for algorithms that compute with one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import acb

from jaxgrad.numbers.base import NumberSystem, ObjectArray, objects

__all__ = ["ComplexNumber", "ComplexPairs"]


class ComplexNumber:
    """An element: x + iy.

    Args:
        real, imag: numbers of the system.
        pairs: the arithmetic it belongs to.
    """

    __slots__ = ("imag", "pairs", "real")

    def __init__(self, real: Any, imag: Any, pairs: ComplexPairs) -> None:
        self.real, self.imag, self.pairs = real, imag, pairs

    def __add__(self, other: ComplexNumber) -> ComplexNumber:
        return ComplexNumber(self.real + other.real, self.imag + other.imag, self.pairs)

    def __sub__(self, other: ComplexNumber) -> ComplexNumber:
        return ComplexNumber(self.real - other.real, self.imag - other.imag, self.pairs)

    def __mul__(self, other: ComplexNumber) -> ComplexNumber:
        real = self.real * other.real - self.imag * other.imag
        imag = self.real * other.imag + self.imag * other.real
        return ComplexNumber(real, imag, self.pairs)

    def __neg__(self) -> ComplexNumber:
        return ComplexNumber(-self.real, -self.imag, self.pairs)


class ComplexPairs(NumberSystem):
    """The complex numbers whose parts are numbers of another system.

    They are put in order by their real parts alone, so that sizes can be compared.

    Args:
        system: the numbers of the parts.

    Example:
        >>> from jaxgrad.numbers.ball import Ball
        >>> pairs = ComplexPairs(Ball())
        >>> i = ComplexNumber(pairs.system.constant(0), pairs.system.constant(1), pairs)
        >>> (i * i).real
        -1.00000000000000
    """

    name = "complex"

    def __init__(self, system: NumberSystem) -> None:
        self.system, self.any_pivot = system, system.any_pivot

    def joined(self, real: Any, imag: Any) -> Any:
        """An array of complex numbers, of the arrays of their parts."""
        pairs = zip(real.flat, imag.flat, strict=True)
        return objects((ComplexNumber(x, y, self) for x, y in pairs), real.shape)

    @staticmethod
    def parts(values: Any) -> list[Any]:
        """The arrays of the real and of the imaginary parts."""
        real = objects((z.real for z in values.flat), values.shape)
        return [real, objects((z.imag for z in values.flat), values.shape)]

    def apart(self, x: ComplexNumber) -> tuple[acb, ComplexNumber]:
        (real, beside), (imag, above) = self.system.apart(x.real), self.system.apart(x.imag)
        return acb(real, imag), ComplexNumber(beside, above, self)

    def real(self, ball: acb) -> ComplexNumber:
        """The complex number in a ball."""
        return ComplexNumber(self.system.real(ball.real), self.system.real(ball.imag), self)

    def orders(self, rest: ObjectArray) -> int:
        return self.system.orders(np.concatenate(self.parts(rest)))

    def up_to(self, rest: ObjectArray, order: int, x: ComplexNumber) -> ComplexNumber:
        both = np.concatenate(self.parts(rest))
        real, imag = (self.system.up_to(both, order, y) for y in (x.real, x.imag))
        return ComplexNumber(real, imag, self)

    def constant(self, value: Any) -> ComplexNumber:
        return self.of_real(self.system.constant(value))

    def of_real(self, x: Any) -> ComplexNumber:
        """The complex number of a number of the system."""
        return ComplexNumber(x, self.system.constant(0), self)

    def divide(self, x: ComplexNumber, y: ComplexNumber) -> ComplexNumber:
        over = x * self.conjugate(y)
        size = y.real * y.real + y.imag * y.imag
        real, imag = (self.system.divide(part, size) for part in (over.real, over.imag))
        return ComplexNumber(real, imag, self)

    def over(self, x: ComplexNumber, y: Any) -> ComplexNumber:
        """x over a number of the system."""
        return ComplexNumber(self.system.divide(x.real, y), self.system.divide(x.imag, y), self)

    def length(self, entries: ObjectArray) -> Any:
        """The length of a vector, a number of the system."""
        return self.system.sqrt(
            self.system.total([part * part for x in entries for part in (x.real, x.imag)])
        )

    def conjugate(self, x: ComplexNumber) -> ComplexNumber:
        return ComplexNumber(x.real, -x.imag, self)

    def imaginary(self, x: ComplexNumber) -> ComplexNumber:
        return self.of_real(x.imag)

    def squared_size(self, x: ComplexNumber) -> ComplexNumber:
        return self.of_real(x.real * x.real + x.imag * x.imag)

    def sqrt(self, x: ComplexNumber) -> ComplexNumber:
        """Of a number that is real."""
        return self.of_real(self.system.sqrt(x.real))

    def absolute(self, x: ComplexNumber) -> ComplexNumber:
        """|x| + |y|, by which LAPACK chooses its pivots."""
        return self.of_real(self.system.absolute(x.real) + self.system.absolute(x.imag))

    def compare(self, relation: str, x: ComplexNumber, y: ComplexNumber) -> Any:
        real = self.system.compare(relation, x.real, y.real)
        if relation != "eq":
            return real
        return self.system.logical_and(real, self.system.compare("eq", x.imag, y.imag))

    def ordered(self, relation: str, x: ComplexNumber, y: ComplexNumber) -> Any:
        return self.system.ordered(relation, x.real, y.real)

    def select(self, p: Any, if_false: ComplexNumber, if_true: ComplexNumber) -> ComplexNumber:
        real = self.system.select(p, if_false.real, if_true.real)
        return ComplexNumber(real, self.system.select(p, if_false.imag, if_true.imag), self)

    def known(self, p: Any) -> bool | None:
        return self.system.known(p)
