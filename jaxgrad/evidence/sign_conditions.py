"""Comparisons of rational polynomials in one variable, decided at any real number."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from flint import fmpq, fmpq_poly

from jaxgrad.errors import ArgumentError
from jaxgrad.evidence.algebraic import Point, sign_at

__all__ = [
    "Expression",
    "Formula",
    "all_of",
    "as_formula",
    "boundary_of",
    "variable",
]

_COMPARES: dict[str, Callable[[int], bool]] = {
    ">": lambda sign: sign > 0,
    ">=": lambda sign: sign >= 0,
    "==": lambda sign: sign == 0,
    "!=": lambda sign: sign != 0,
}


@dataclass(frozen=True)
class Formula:
    """A statement about one real number: "all" or "any" of parts, or the sign of a polynomial.

    Args:
        kind: ``"all"``, ``"any"``, or the comparison ``">"``, ``">="``, ``"=="``, ``"!="`` of
            ``polynomial`` with zero.
        parts: the parts of "all" and "any".
        polynomial: what is compared.
        boundary: the formula with equality in place of the inequality.

    Example:
        >>> (variable() ** 2 < 2).holds(Fraction(7, 5))
        True
    """

    kind: str
    parts: tuple[Formula, ...] = ()
    polynomial: fmpq_poly | None = None
    boundary: Formula | None = None

    def holds(self, point: Point) -> bool:
        """Whether it is true at a rational or algebraic number; exact."""
        if self.kind == "all":
            return all(part.holds(point) for part in self.parts)
        if self.kind == "any":
            return any(part.holds(point) for part in self.parts)
        assert self.polynomial is not None
        return _COMPARES[self.kind](sign_at(self.polynomial, point))

    def polynomials(self) -> list[fmpq_poly]:
        """Every polynomial whose sign it asks for."""
        own = [] if self.polynomial is None else [self.polynomial]
        return own + [found for part in self.parts for found in part.polynomials()]

    def __bool__(self) -> bool:
        raise ArgumentError(
            "a comparison of polynomials is a statement, not a bool: write [0 < s, s < 1] for "
            "0 < s < 1, and leave `and`, `or`, `not`, `if` and max() out"
        )

    def _combined(self, *_: Any) -> Formula:
        raise ArgumentError(
            "a list says that all of its comparisons hold: write [0 < s, s < 1] for "
            "(0 < s) & (s < 1), and leave `|`, `^` and `~` out"
        )

    __and__ = __rand__ = __or__ = __ror__ = __xor__ = __rxor__ = __invert__ = _combined


class Expression:
    """A rational polynomial in one variable, whose comparisons are formulas.

    Args:
        value: its coefficients.

    Example:
        >>> (variable() * 2 - 1 > 0).holds(Fraction(1))
        True
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: fmpq_poly):
        self.value = value

    def __repr__(self) -> str:
        return "a polynomial"

    def __add__(self, other: Any) -> Expression:
        return Expression(self.value + _exact(other))

    __radd__ = __add__

    def __mul__(self, other: Any) -> Expression:
        return Expression(self.value * _exact(other))

    __rmul__ = __mul__

    def __sub__(self, other: Any) -> Expression:
        return Expression(self.value - _exact(other))

    def __rsub__(self, other: Any) -> Expression:
        return Expression(_exact(other) - self.value)

    def __neg__(self) -> Expression:
        return Expression(-self.value)

    def __truediv__(self, other: Any) -> Expression:
        if not isinstance(other, (int, Fraction)) or other == 0:
            raise ArgumentError(f"cannot divide a polynomial by {other}: multiply the other side")
        return self * (Fraction(1) / other)

    def __rtruediv__(self, other: Any) -> Expression:
        raise ArgumentError(f"cannot divide {other} by a polynomial: multiply the other side")

    def __pow__(self, exponent: int) -> Expression:
        if not isinstance(exponent, int) or exponent < 0:
            raise ArgumentError(f"the exponent {exponent} is no natural number: not a polynomial")
        return Expression(self.value**exponent)

    def __abs__(self) -> AbsoluteValue:
        return AbsoluteValue(self)

    def __gt__(self, other: Any) -> Formula:
        if isinstance(other, AbsoluteValue):
            return other < self
        return _atom(">", self.value - _exact(other))

    def __ge__(self, other: Any) -> Formula:
        if isinstance(other, AbsoluteValue):
            return other <= self
        return _atom(">=", self.value - _exact(other))

    def __lt__(self, other: Any) -> Formula:
        if isinstance(other, AbsoluteValue):
            return other > self
        return _atom(">", _exact(other) - self.value)

    def __le__(self, other: Any) -> Formula:
        if isinstance(other, AbsoluteValue):
            return other >= self
        return _atom(">=", _exact(other) - self.value)

    def __eq__(self, other: Any) -> Formula:  # type: ignore[override]
        if isinstance(other, AbsoluteValue):
            return other == self
        return _atom("==", self.value - _exact(other))

    def __ne__(self, other: Any) -> Formula:  # type: ignore[override]
        if isinstance(other, AbsoluteValue):
            return other != self
        return _atom("!=", self.value - _exact(other))


class AbsoluteValue:
    """|p| as one side of a comparison with a polynomial q.

    Args:
        inner: p.

    Example:
        >>> (abs(variable()) < 1).holds(Fraction(-2))
        False
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, inner: Expression):
        self.inner = inner

    def __lt__(self, other: Any) -> Formula:
        return self._both("all", self.inner < other, -self.inner < other, other)

    def __le__(self, other: Any) -> Formula:
        return self._both("all", self.inner <= other, -self.inner <= other, other)

    def __gt__(self, other: Any) -> Formula:
        return self._both("any", self.inner > other, -self.inner > other, other)

    def __ge__(self, other: Any) -> Formula:
        return self._both("any", self.inner >= other, -self.inner >= other, other)

    def __eq__(self, other: Any) -> Formula:  # type: ignore[override]
        either = Formula("any", (self.inner == other, -self.inner == other))
        nonnegative = Expression(_exact(other)) >= 0
        return Formula("all", (either, nonnegative))

    def __ne__(self, other: Any) -> Formula:  # type: ignore[override]
        neither = Formula("all", (self.inner != other, -self.inner != other))
        negative = Expression(_exact(other)) < 0
        return Formula("any", (neither, negative), boundary=self == other)

    def _refuse(self, other: Any) -> Any:
        raise ArgumentError("abs() may only be a whole side of a comparison; use squares instead")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __pow__ = _refuse

    def _both(self, kind: str, one: Formula, two: Formula, other: Any) -> Formula:
        return Formula(kind, (one, two), boundary=self == other)


def variable() -> Expression:
    """The polynomial x.

    Example:
        >>> (variable() ** 2 - 1 == 0).holds(Fraction(1))
        True
    """
    return Expression(fmpq_poly([0, 1]))


def as_formula(found: Any) -> Formula:
    """What a callable returned, if it is a statement about polynomials.

    Raises:
        ArgumentError: it is something else.

    Example:
        >>> as_formula(variable() >= 0).holds(Fraction(0))
        True
    """
    if isinstance(found, Formula):
        return found
    if inspect.iscoroutine(found):
        found.close()  # else Python warns that it was never awaited
    raise ArgumentError(
        f"{found!r} is no comparison of polynomials: return one, e.g. s * (1 - s) <= "
        "Fraction(1, 4), or a list of them"
    )


def all_of(parts: Sequence[Formula]) -> Formula:
    """All of the formulas.

    Example:
        >>> all_of([]).holds(Fraction(0))
        True
    """
    return Formula("all", tuple(parts))


def boundary_of(parts: Sequence[Formula]) -> Formula:
    """Where at least one of the comparisons is an equality.

    Example:
        >>> boundary_of([variable() <= 1]).holds(Fraction(1))
        True
    """
    return Formula("any", tuple(p if p.boundary is None else p.boundary for p in parts))


def _atom(compare: str, difference: fmpq_poly) -> Formula:
    equal = Formula("==", polynomial=difference)
    return equal if compare == "==" else Formula(compare, polynomial=difference, boundary=equal)


def _exact(value: Any) -> fmpq_poly:
    if isinstance(value, Expression):
        return value.value
    if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
        return fmpq_poly([fmpq(value.numerator, value.denominator)])
    raise ArgumentError(
        f"{value!r} ({type(value).__name__}) is not exact here: use int or Fraction, and keep "
        "abs() to a whole side of a comparison"
    )
