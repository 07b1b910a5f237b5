"""Complex numbers as pairs over a number system, for algorithms that compute with one by one."""

from __future__ import annotations

from typing import Any

from jaxgrad.numbers.base import NumberSystem, objects

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
        self.system = system

    def joined(self, real: Any, imag: Any) -> Any:
        """An array of complex numbers, of the arrays of their parts."""
        pairs = zip(real.flat, imag.flat, strict=True)
        return objects((ComplexNumber(x, y, self) for x, y in pairs), real.shape)

    @staticmethod
    def parts(values: Any) -> list[Any]:
        """The arrays of the real and of the imaginary parts."""
        real = objects((z.real for z in values.flat), values.shape)
        return [real, objects((z.imag for z in values.flat), values.shape)]

    def constant(self, value: Any) -> ComplexNumber:
        return self._real(self.system.constant(value))

    def _real(self, x: Any) -> ComplexNumber:
        return ComplexNumber(x, self.system.constant(0), self)

    def divide(self, x: ComplexNumber, y: ComplexNumber) -> ComplexNumber:
        over = x * self.conjugate(y)
        size = y.real * y.real + y.imag * y.imag
        real, imag = (self.system.divide(part, size) for part in (over.real, over.imag))
        return ComplexNumber(real, imag, self)

    def conjugate(self, x: ComplexNumber) -> ComplexNumber:
        return ComplexNumber(x.real, -x.imag, self)

    def sqrt(self, x: ComplexNumber) -> ComplexNumber:
        """Of a number that is real."""
        return self._real(self.system.sqrt(x.real))

    def absolute(self, x: ComplexNumber) -> ComplexNumber:
        """|x| + |y|, by which LAPACK chooses its pivots."""
        return self._real(self.system.absolute(x.real) + self.system.absolute(x.imag))

    def compare(self, relation: str, x: ComplexNumber, y: ComplexNumber) -> Any:
        real = self.system.compare(relation, x.real, y.real)
        if relation != "eq":
            return real
        return self.system.logical_and(real, self.system.compare("eq", x.imag, y.imag))

    def ordered(self, relation: str, x: ComplexNumber, y: ComplexNumber) -> Any:
        return self.system.ordered(relation, x.real, y.real)

    def known(self, p: Any) -> bool | None:
        return self.system.known(p)
