"""Exact signs of rational polynomials at every real number: Sturm's theorem and root isolation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias, Union

from flint import fmpq, fmpq_poly

from .errors import ArgumentError

__all__ = [
    "AlgebraicNumber",
    "Formula",
    "Point",
    "Polynomial",
    "as_formula",
    "boundary_of",
    "conjunction",
    "sample_points",
    "variable",
]

_COMPARES: dict[str, Callable[[int], bool]] = {
    ">": lambda sign: sign > 0,
    ">=": lambda sign: sign >= 0,
    "==": lambda sign: sign == 0,
}


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
        if _sign(self.polynomial, middle) == _sign(self.polynomial, self.lower):
            self.lower = middle
        else:
            self.upper = middle

    def sign_of(self, polynomial: fmpq_poly) -> int:
        """The sign of a polynomial at this number: 0 exactly when the minimal one divides it."""
        if polynomial % self.polynomial == 0:
            return 0
        chain = sturm_chain(polynomial)
        while (
            _sign(polynomial, self.lower) == 0
            or _sign(polynomial, self.upper) == 0
            or count_roots(chain, self.lower, self.upper)
        ):
            self.refine()
        return _sign(polynomial, self.lower)

    def __float__(self) -> float:
        while self.upper - self.lower > abs(self.upper + self.lower) / 2**56:
            self.refine()
        return float(self.lower)

    def __str__(self) -> str:
        return f"the root of {self.polynomial} near {float(self):.12g}"


Point: TypeAlias = Union[Fraction, AlgebraicNumber]


@dataclass(frozen=True)
class Formula:
    """A statement about one real number: "all" or "any" of parts, or the sign of a polynomial.

    Args:
        kind: ``"all"``, ``"any"``, or the comparison ``">"``, ``">="``, ``"=="`` of ``polynomial``
            with zero.
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
        sign = (
            point.sign_of(self.polynomial)
            if isinstance(point, AlgebraicNumber)
            else _sign(self.polynomial, point)
        )
        return _COMPARES[self.kind](sign)

    def polynomials(self) -> list[fmpq_poly]:
        """Every polynomial whose sign it asks for."""
        own = [] if self.polynomial is None else [self.polynomial]
        return own + [found for part in self.parts for found in part.polynomials()]

    def __bool__(self) -> bool:
        raise ArgumentError(
            "a comparison of polynomials is a statement, not a bool: write [0 < s, s < 1] for "
            "0 < s < 1, and leave `and`, `or`, `not`, `if` and max() out"
        )


class Polynomial:
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

    def __add__(self, other: Any) -> Polynomial:
        return Polynomial(self.value + _exact(other))

    __radd__ = __add__

    def __mul__(self, other: Any) -> Polynomial:
        return Polynomial(self.value * _exact(other))

    __rmul__ = __mul__

    def __sub__(self, other: Any) -> Polynomial:
        return Polynomial(self.value - _exact(other))

    def __rsub__(self, other: Any) -> Polynomial:
        return Polynomial(_exact(other) - self.value)

    def __neg__(self) -> Polynomial:
        return Polynomial(-self.value)

    def __truediv__(self, other: Any) -> Polynomial:
        if not isinstance(other, (int, Fraction)) or other == 0:
            raise ArgumentError(f"cannot divide a polynomial by {other}: multiply the other side")
        return self * (Fraction(1) / other)

    def __pow__(self, exponent: int) -> Polynomial:
        if not isinstance(exponent, int) or exponent < 0:
            raise ArgumentError(f"the exponent {exponent} is no natural number: not a polynomial")
        return Polynomial(self.value**exponent)

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


class AbsoluteValue:
    """|p| as one side of a comparison with a polynomial q.

    Args:
        inner: p.

    Example:
        >>> (abs(variable()) < 1).holds(Fraction(-2))
        False
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, inner: Polynomial):
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
        nonnegative = Polynomial(_exact(other)) >= 0
        return Formula("all", (either, nonnegative))

    def _both(self, kind: str, one: Formula, two: Formula, other: Any) -> Formula:
        return Formula(kind, (one, two), boundary=self == other)


def variable() -> Polynomial:
    """The polynomial x.

    Example:
        >>> (variable() ** 2 - 1 == 0).holds(Fraction(1))
        True
    """
    return Polynomial(fmpq_poly([0, 1]))


def as_formula(found: Any) -> Formula:
    """What a callable returned, if it is a statement about polynomials.

    Raises:
        ArgumentError: it is something else.

    Example:
        >>> as_formula(True).holds(Fraction(0))
        True
    """
    if isinstance(found, Formula):
        return found
    if isinstance(found, bool):
        return Formula("all" if found else "any")
    raise ArgumentError(
        f"{found!r} is no comparison of polynomials: return e.g. s * (1 - s) <= Fraction(1, 4)"
    )


def conjunction(parts: Sequence[Formula]) -> Formula:
    """All of the formulas.

    Example:
        >>> conjunction([]).holds(Fraction(0))
        True
    """
    return Formula("all", tuple(parts))


def boundary_of(parts: Sequence[Formula]) -> Formula:
    """Where at least one of the comparisons is an equality.

    Example:
        >>> boundary_of([variable() <= 1]).holds(Fraction(1))
        True
    """
    return Formula("any", tuple(part.boundary or part for part in parts))


def sample_points(formulas: Iterable[Formula]) -> list[Point]:
    """One point at each real root of the polynomials and one in each interval between, in order.

    A formula has the same truth value on all of an interval between neighbouring roots, so it is
    true of every real number exactly when it is true at these points.

    Example:
        >>> [str(point) for point in sample_points([variable() > 0])]
        ['-1', '0', '1']
    """
    factors: list[fmpq_poly] = []
    for polynomial in (found for formula in formulas for found in formula.polynomials()):
        for factor, _ in _factors(polynomial):
            if factor not in factors:
                factors.append(factor)
    roots = sorted_roots([root for factor in factors for root in _roots(factor)])
    if not roots:
        return [Fraction(0)]
    points: list[Point] = [_below(roots[0]) - 1]
    for here, after in zip(roots, roots[1:], strict=False):
        points += [here, (_above(here) + _below(after)) / 2]
    return [*points, roots[-1], _above(roots[-1]) + 1]


def sorted_roots(roots: list[Point]) -> list[Point]:
    """Distinct real roots in increasing order, with disjoint enclosures."""
    while True:
        roots = sorted(roots, key=_below)
        close = [
            (one, two)
            for one, two in zip(roots, roots[1:], strict=False)
            if _above(one) >= _below(two)
        ]
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
    signs = [sign for sign in (_sign(part, point) for part in chain) if sign]
    return sum(one != two for one, two in zip(signs, signs[1:], strict=False))


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


def _sign(polynomial: fmpq_poly, point: Fraction) -> int:
    value = polynomial(fmpq(point.numerator, point.denominator))
    return (value > 0) - (value < 0)


def _below(point: Point) -> Fraction:
    return point.lower if isinstance(point, AlgebraicNumber) else point


def _above(point: Point) -> Fraction:
    return point.upper if isinstance(point, AlgebraicNumber) else point


def _fraction(value: Any) -> Fraction:
    return Fraction(int(fmpq(value).p), int(fmpq(value).q))


def _atom(compare: str, difference: fmpq_poly) -> Formula:
    equal = Formula("==", polynomial=difference)
    return equal if compare == "==" else Formula(compare, polynomial=difference, boundary=equal)


def _exact(value: Any) -> fmpq_poly:
    if isinstance(value, Polynomial):
        return value.value
    if isinstance(value, (int, Fraction)) and not isinstance(value, bool):
        return fmpq_poly([fmpq(value.numerator, value.denominator)])
    raise ArgumentError(
        f"{value!r} ({type(value).__name__}) is not exact here: use int or Fraction, and keep "
        "abs() to a whole side of a comparison"
    )
