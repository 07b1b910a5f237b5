"""Jets: Taylor polynomials in t of what a program does at x + tv, where it is analytic.

A number that does not move with t is a ball; one that does is a polynomial.  Nothing is decided
by what moves beside the point: where a root or a quotient of an infinitesimal would ask for that,
the value is open, and whoever wants it needs germs.  What a tie selects is either number.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import flint
import numpy as np
from flint import arb, arb_series

from jaxgrad.numbers.ball import Ball, exact_ball
from jaxgrad.numbers.base import UNKNOWN, CannotDecide, NumberSystem, objects
from jaxgrad.numbers.clock import ticking
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.series import Series
from jaxgrad.numbers.taylor import compose

__all__ = ["Jet", "Taylor"]


class Taylor:
    """A Taylor polynomial with real coefficients; of an open one nothing is known.

    Args:
        polynomial: of a length that the context of FLINT sets; None if it is open.
    """

    __slots__ = ("polynomial",)

    def __init__(self, polynomial: arb_series | None) -> None:
        self.polynomial = polynomial

    def __bool__(self) -> bool:
        raise TypeError("a Taylor polynomial is a number where a truth value is wanted")

    def _with(self, other: Any, operation: Callable[[Any, Any], Any]) -> Any:
        y = other if isinstance(other, arb) else other.polynomial
        if self.polynomial is None or y is None:
            return OPEN
        if y is other and not y.is_finite():
            # FLINT drops zeros, so that 0 times NaN would be 0; and ∞ takes in what moves.
            value = operation(self.polynomial[0], y)
            return value if value > 0 or value < 0 else OPEN
        return Taylor(operation(self.polynomial, y))

    def __add__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: x + y)

    def __sub__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: x - y)

    def __rsub__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: y - x)

    def __mul__(self, other: Any) -> Any:
        return self._with(other, lambda x, y: x * y)

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Taylor:
        return self if self.polynomial is None else Taylor(-self.polynomial)


OPEN = Taylor(None)
_ZERO = arb(0)


def _coefficient(x: Any, k: int) -> arb:
    """The coefficient of tᵏ of a number that is not open."""
    if type(x) is Taylor:
        return x.polynomial[k]  # pyright: ignore
    return x if k == 0 or not x.is_finite() else _ZERO


class Jet(Ball):
    """Balls, and Taylor polynomials of what moves.

    Args:
        order: the degree that is kept.

    Example:
        >>> jet = Jet(2)
        >>> x = jet.line(0, 1)
        >>> jet.coefficient(jet.exp(x), 1), jet.coefficient(jet.sqrt(x), 1)
        (1.00000000000000, nan)
    """

    name = "jet"
    any_pivot = False  # what moves may break a tie, which germs tell

    def __init__(self, order: int) -> None:
        self.order = order
        self.undecided = False  # whether a selection had to take both branches

    def line(self, value: Any, slope: Any) -> Taylor:
        """value + slope·t."""
        return self._taylor([exact_ball(value), exact_ball(slope)])

    def coefficient(self, x: Any, k: int) -> arb:
        """The coefficient of tᵏ; NaN of an open polynomial."""
        if isinstance(x, arb):
            return x if k == 0 or not x.is_finite() else arb(0)
        return arb.nan() if x.polynomial is None else x.polynomial[k]

    def derivatives(self, x: Any) -> list[arb]:
        """The derivatives at t = 0 up to the order."""
        return [self.coefficient(x, k) * math.factorial(k) for k in range(self.order + 1)]

    def _taylor(self, coefficients: list[arb]) -> Taylor:
        if not all(c.is_finite() for c in coefficients):
            return OPEN
        return Taylor(arb_series(coefficients, prec=self.order + 1))

    def _apply(
        self, x: Taylor, operation: Callable[[arb_series], arb_series], value: arb | None = None
    ) -> Taylor:
        """A function of a polynomial, the constant term of which may be known better."""
        if x.polynomial is None:
            return OPEN
        found = operation(x.polynomial).coeffs()
        if value is not None:
            found = [value, *found[1:]]
        return self._taylor(found)

    # -- arithmetic and functions ------------------------------------------------------------
    def difference(self, x: Any, y: Any) -> Any:
        if isinstance(x, arb) and isinstance(y, arb):
            return super().difference(x, y)
        return arb(0) if x is y and x is not OPEN else x - y

    def divide(self, x: Any, y: Any) -> Any:
        if isinstance(y, arb):
            if isinstance(x, arb):
                return super().divide(x, y)
            return x * (1 / y)
        if y.polynomial is None or y.polynomial[0].contains(0):
            return OPEN
        return x * self._apply(y, lambda p: 1 / p)

    def power(self, x: Any, n: int) -> Any:
        if isinstance(x, arb):
            return super().power(x, n)
        if n < 0:
            return self.divide(arb(1), self.power(x, -n))
        return self._apply(x, lambda p: p**n)

    def matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        rows = [any(isinstance(x, Taylor) for x in row) for row in a]
        columns = [any(isinstance(x, Taylor) for x in column) for column in b.T]
        if not any(rows) and not any(columns):
            return super().matmul(a, b)
        if any(x is OPEN for x in (*a.flat, *b.flat)):
            return self._matmul_by_entries(a, b)
        left, right = self._matrices(a, any(rows)), self._matrices(b, any(columns))
        products = []
        for k in range(self.order + 1):
            pairs = [(left[j], right[k - j]) for j in range(k + 1)]
            terms = [x * y for x, y in pairs if x is not None and y is not None]
            products.append(functools.reduce(operator.add, terms).entries())
        moves = [row or column for row in rows for column in columns]
        found = (
            self._taylor(list(c)) if moving else c[0]
            for moving, *c in zip(moves, *products, strict=True)
        )
        return objects(found, (a.shape[0], b.shape[1]))

    def _matmul_by_entries(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        found = (self.total([x * y for x, y in zip(row, column, strict=True)])
                 for row in a for column in ticking(b.T))  # fmt: skip
        return objects(found, (a.shape[0], b.shape[1]))

    def _matrices(self, entries: np.ndarray, moving: bool) -> list[flint.arb_mat | None]:
        """The coefficients of each power of t; None where all are 0, as nothing moves."""
        rows = entries.tolist()
        if not moving:
            return [flint.arb_mat(rows), *([None] * self.order)]
        return [
            flint.arb_mat([[_coefficient(x, k) for x in row] for row in rows])
            for k in range(self.order + 1)
        ]

    def total(self, terms: list[Any]) -> Any:
        constants = super().total([x for x in terms if isinstance(x, arb)])
        return sum((x for x in terms if not isinstance(x, arb)), constants)

    def apart(self, x: Any) -> tuple[arb, Any]:
        if isinstance(x, arb):
            return super().apart(x)
        if x is OPEN:
            raise CannotDecide("a number that jets leave open")
        c = self.coefficient(x, 0)
        return c, self._taylor([arb(0), *(x.polynomial[k] for k in range(1, self.order + 1))])

    def orders(self, rest: np.ndarray) -> int:
        return self.order if any(isinstance(x, Taylor) for x in rest.flat) else 0

    def function(self, name: str, *xs: Any) -> Any:
        if all(isinstance(x, arb) for x in xs):
            return super().function(name, *xs)
        if any(x is OPEN for x in xs):
            return OPEN
        if name in _SPECIAL:
            return _SPECIAL[name](self, *xs)
        known = FUNCTIONS.get(name)
        if known is None or known.definition is not None:
            return NumberSystem.function(self, name, *xs)
        if known.jumps == "steps":
            return _stepped(self, name, *xs)
        if known.arity == 1 and known.taylor:
            return self._from_series(compose(name, self._series(xs[0])))
        return OPEN  # germs may know more

    def _series(self, x: Any) -> Series:
        count = self.order + 1
        coefficients = [self.coefficient(x, k) for k in range(count)]
        return Series(coefficients, end=(count, 0), terms=count)

    def _from_series(self, x: Series) -> Taylor:
        if not x.is_taylor(self.order):
            return OPEN
        return self._taylor([x.at(k) for k in range(self.order + 1)])

    # -- truth -------------------------------------------------------------------------------
    def compare(self, relation: str, x: Any, y: Any) -> bool | None:
        if isinstance(x, arb) and isinstance(y, arb):
            return super().compare(relation, x, y)
        if x is OPEN or y is OPEN:
            return UNKNOWN
        if x is y:
            return relation in ("eq", "le", "ge")
        a, b = self.coefficient(x, 0), self.coefficient(y, 0)
        # Where the values differ they differ beside the point, too; what moves may break a tie.
        return super().compare(relation, a, b) if a < b or a > b else UNKNOWN

    def certainly_differ(self, x: Any, y: Any) -> bool:
        """In the value or in some derivative."""
        pairs = ((self.coefficient(x, k), self.coefficient(y, k)) for k in range(self.order + 1))
        return any(a < b or a > b for a, b in pairs)

    def select(self, p: bool | None, if_false: Any, if_true: Any) -> Any:
        if p is not UNKNOWN or not isinstance(if_true, arb | Taylor):
            return super().select(p, if_false, if_true)
        self.undecided = True
        columns = [[self.coefficient(x, k) for x in (if_false, if_true)]
                   for k in range(self.order + 1)]  # fmt: skip
        if isinstance(if_false, arb) and isinstance(if_true, arb):
            either = if_true.union(if_false)
            return either if either.is_finite() else OPEN
        return self._taylor([a.union(b) for a, b in columns])

    def maximum(self, x: Any, y: Any) -> Any:
        if isinstance(x, arb) and isinstance(y, arb):
            return super().maximum(x, y)
        return self.select(self.compare("gt", x, y), y, x)

    def minimum(self, x: Any, y: Any) -> Any:
        if isinstance(x, arb) and isinstance(y, arb):
            return super().minimum(x, y)
        return self.select(self.compare("lt", x, y), y, x)

    def absolute(self, x: Any) -> Any:
        return super().absolute(x) if isinstance(x, arb) else self.maximum(x, -x)

    def sign(self, x: Any) -> Any:
        if isinstance(x, arb):
            return super().sign(x)
        positive = self.compare("gt", x, arb(0))
        return self.select(positive, arb(-1), arb(1))

    def exact_value(self, x: Any) -> Fraction | None:
        return super().exact_value(x) if isinstance(x, arb) else None

    def is_finite(self, x: Any) -> bool | None:
        if isinstance(x, arb):
            return super().is_finite(x)
        return UNKNOWN if x.polynomial is None else True

    def _is_positive(self, x: Taylor) -> bool:
        return x.polynomial is not None and bool(x.polynomial[0] > 0)


def _of_positive(operation: Callable[[arb_series], arb_series]) -> Callable[[Jet, Taylor], Taylor]:
    return lambda jet, x: jet._apply(x, operation) if jet._is_positive(x) else OPEN


def _log1p(jet: Jet, x: Taylor) -> Taylor:
    return jet._apply(jet.log(arb(1) + x), lambda p: p, jet.coefficient(x, 0).log1p())


def _logistic(jet: Jet, x: Taylor) -> Taylor:
    if jet.coefficient(x, 0) < 0:
        e = jet.exp(x)
        return jet.divide(e, arb(1) + e)
    return jet.divide(arb(1), arb(1) + jet.exp(-x))


def _tanh(jet: Jet, x: Taylor) -> Taylor:
    # 2σ(2x) − 1 has accurate derivatives, and cancels at 0.
    return jet._apply(jet.logistic(arb(2) * x), lambda p: p * 2, jet.coefficient(x, 0).tanh())


def _power(jet: Jet, x: Any, y: Any) -> Any:
    """x^y = e^(y log x), or a repeated product."""
    exponent = jet.exact_value(y)
    if exponent is not None and exponent.denominator == 1:
        return jet.power(x, int(exponent))
    positive = x > 0 if isinstance(x, arb) else jet._is_positive(x)
    return jet.exp(y * jet.log(x)) if positive else OPEN


def _cube_root(jet: Jet, x: Taylor) -> Taylor:
    c = jet.coefficient(x, 0)
    if c < 0:
        return -_cube_root(jet, -x)
    third = arb(1) / 3
    return jet.exp(third * jet.log(x)) if c > 0 else OPEN


def _stepped(jet: Jet, name: str, x: Taylor) -> Any:
    """A function that jumps at multiples of 1/2 only, and is constant between."""
    c = jet.coefficient(x, 0)
    return OPEN if (c * 2).contains_integer() else jet.function(name, c)


def _arctangent2(jet: Jet, y: Any, x: Any) -> Any:
    up, right = jet.coefficient(y, 0), jet.coefficient(x, 0)
    half = arb.pi() / 2
    if right > 0:
        return jet.function("atan", jet.divide(y, x))
    if up > 0:
        return half - jet.function("atan", jet.divide(x, y))
    return -half - jet.function("atan", jet.divide(x, y)) if up < 0 else OPEN


def _remainder(jet: Jet, x: Any, y: Any) -> Any:
    """x − y·trunc(x/y)."""
    quotient = jet.divide(x, y)
    if quotient is OPEN:
        return OPEN
    name = "floor" if jet.coefficient(quotient, 0) > 0 else "ceil"
    return x - y * jet.function(name, quotient)


_SPECIAL: dict[str, Callable[..., Any]] = {
    "atan2": _arctangent2,
    "cbrt": _cube_root,
    "exp": lambda jet, x: jet._apply(x, arb_series.exp),
    "expm1": lambda jet, x: jet._apply(x, arb_series.exp, jet.coefficient(x, 0).expm1()),
    "log": _of_positive(arb_series.log),
    "log1p": _log1p,
    "logistic": _logistic,
    "pow": _power,
    "rem": _remainder,
    "sqrt": _of_positive(arb_series.sqrt),
    "tanh": _tanh,
}
