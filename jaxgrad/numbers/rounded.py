"""Numbers in which a constant of a program stands for every real number that rounds to it.

A rule such as that of erf has 2/√π in it, rounded to the dtype of its argument.  Which branch a
program takes is no matter of such a rounding: the float 0.3 in ``x == 0.3`` is that very float.
So every number comes twice, as it is and widened, and the first alone is compared.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.numbers.ball import exact_ball
from jaxgrad.numbers.base import NumberSystem, ObjectArray
from jaxgrad.numbers.functions import FUNCTIONS

__all__ = ["RoundedConstants", "Twins"]

# A multiple of 1/16 with less than half the bits of a float is meant as it is: of real numbers, few
# round to one.  In bfloat16 1.125, of 4 bits out of 8, is 2/√π.
SHORT = 16


class Twins:
    """One number as it is, and the same with the constants within it widened.

    Args:
        exact: what is compared.
        wide: what is computed; the very same object where no constant was widened.
    """

    __slots__ = ("exact", "wide")

    def __init__(self, exact: Any, wide: Any) -> None:
        self.exact, self.wide = exact, wide

    def __bool__(self) -> bool:
        raise TypeError("a number where a truth value is wanted")

    def __add__(self, other: Twins) -> Twins:
        return both(lambda x, y: x + y, self, other)

    def __sub__(self, other: Twins) -> Twins:
        return both(lambda x, y: x - y, self, other)

    def __mul__(self, other: Twins) -> Twins:
        return both(lambda x, y: x * y, self, other)

    def __neg__(self) -> Twins:
        return both(lambda x: -x, self)


def both(operation: Callable[..., Any], *xs: Twins) -> Twins:
    """An operation on the exact numbers and on the wide ones, once where they are the same."""
    exact = operation(*(x.exact for x in xs))
    if all(x.wide is x.exact for x in xs):
        return Twins(exact, exact)
    return Twins(exact, operation(*(x.wide for x in xs)))


class RoundedConstants(NumberSystem):
    """Another number system, whose constants are widened by a relative error.

    Comparisons, steps and selections are decided by the numbers as they are.

    Args:
        system: numbers with balls for coefficients.
        rounding: the relative error.

    Example:
        >>> from jaxgrad.numbers.ball import Ball
        >>> numbers = RoundedConstants(Ball(), 1e-7)
        >>> numbers.constant(0.1).wide.contains(arb("0.1")), numbers.constant(0.5).wide.is_exact()
        (True, True)
        >>> numbers.compare("eq", numbers.constant(0.1), numbers.constant(0.1))
        True
    """

    name = "rounded"

    def __init__(self, system: NumberSystem, rounding: float) -> None:
        self.system, self.rounding = system, rounding

    def given(self, values: Any) -> Any:
        """Elements of the other system as numbers that are what they are; others as they come."""
        if not isinstance(values, np.ndarray) or values.dtype.kind != "O":
            return values
        return self.map(lambda x: Twins(x, x), values)

    @staticmethod
    def widened(values: ObjectArray) -> ObjectArray:
        """The wide numbers, elements of the other system."""
        return _parts(values, "wide")

    def constants(self, values: np.ndarray) -> np.ndarray:
        """Each as far from its float as that one's own dtype rounds, where it rounds more."""
        floating = jnp.issubdtype(values.dtype, np.floating)
        own = float(jnp.finfo(values.dtype).eps) if floating else 0.0
        system = self if own <= self.rounding else RoundedConstants(self.system, own)
        return super(RoundedConstants, system).constants(values)

    def constant(self, value: Any) -> Twins:
        exact, number = self.system.constant(value), exact_ball(value)
        whole = isinstance(value, int | Fraction)  # and no float
        if whole or not number.is_finite() or self._is_meant(number):
            return Twins(exact, exact)
        factor = arb(1, self.rounding)
        if not isinstance(exact, arb):
            factor = type(exact)([factor])  # a series, of as many terms as what it scales
        return Twins(exact, exact * factor)

    def _is_meant(self, number: arb) -> bool:
        """Whether a constant is no rounding of another number."""
        all_integers = 2 / self.rounding  # up to here; beyond, an integer may be rounded, too
        if not (number * SHORT).is_integer() or bool(abs(number) >= all_integers):
            return False
        bits = int(abs(number.man_exp()[0])).bit_length()
        return 2 * bits < 1 - math.log2(self.rounding)

    # -- arithmetic and functions ------------------------------------------------------------
    def divide(self, x: Twins, y: Twins) -> Twins:
        return both(self.system.divide, x, y)

    def power(self, x: Twins, n: int) -> Twins:
        return both(lambda base: self.system.power(base, n), x)

    def matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        exact = self.system.matmul(_parts(a, "exact"), _parts(b, "exact"))
        if all(x.wide is x.exact for x in (*a.flat, *b.flat)):
            return self.given(exact)
        wide = self.system.matmul(_parts(a, "wide"), _parts(b, "wide"))
        return self.map(Twins, exact, wide)

    def total(self, terms: list[Twins]) -> Twins:
        return both(lambda *xs: self.system.total(list(xs)), *terms)

    def function(self, name: str, *xs: Twins) -> Twins:
        if name in FUNCTIONS and FUNCTIONS[name].jumps == "steps":
            return self._step(self.system.function(name, *(x.exact for x in xs)))
        if name == "rem":
            return self._remainder(*xs)
        return both(lambda *ys: self.system.apply(name, *ys), *xs)

    def _remainder(self, x: Twins, y: Twins) -> Twins:
        """x − y·q, where the integer q is a step."""
        found = self.system.function("rem", x.exact, y.exact)
        q = self.system.divide(x.exact - found, y.exact)
        return Twins(found, x.wide - y.wide * q)

    # -- truth, which is that of the numbers as they are -----------------------------------------
    def compare(self, relation: str, x: Twins, y: Twins) -> Any:
        return self.system.compare(relation, x.exact, y.exact)

    def certainly_differ(self, x: Twins, y: Twins) -> bool:
        return self.system.certainly_differ(x.exact, y.exact)

    def logical_not(self, p: Any) -> Any:
        return self.system.logical_not(p)

    def logical_and(self, p: Any, q: Any) -> Any:
        return self.system.logical_and(p, q)

    def logical_or(self, p: Any, q: Any) -> Any:
        return self.system.logical_or(p, q)

    def truth(self, value: bool) -> Any:
        return self.system.truth(value)

    def known(self, p: Any) -> bool | None:
        return self.system.known(p)

    def opened(self, p: Any, tie: Any) -> Any:
        return self.system.opened(p, tie)

    def is_finite(self, x: Twins) -> Any:
        return self.system.is_finite(x.exact)

    def exact_value(self, x: Twins) -> Fraction | None:
        return self.system.exact_value(x.exact)

    def select(self, p: Any, if_false: Any, if_true: Any) -> Any:
        known = self.known(p)
        if known is not None:
            return if_true if known else if_false
        if not isinstance(if_true, Twins):  # two truth values
            return self.system.select(p, if_false, if_true)
        return both(lambda x, y: self.system.select(p, x, y), if_false, if_true)

    def maximum(self, x: Twins, y: Twins) -> Twins:
        greater = self.known(self.compare("ge", x, y))
        if greater is not None:
            return x if greater else y
        return both(self.system.maximum, x, y)

    def minimum(self, x: Twins, y: Twins) -> Twins:
        less = self.known(self.compare("le", x, y))
        if less is not None:
            return x if less else y
        return both(self.system.minimum, x, y)

    def absolute(self, x: Twins) -> Twins:
        positive = self.known(self.compare("ge", x, self.constant(0)))
        if positive is not None:
            return x if positive else -x
        return both(self.system.absolute, x)

    def sign(self, x: Twins) -> Twins:
        return self._step(self.system.sign(x.exact))

    @staticmethod
    def _step(value: Any) -> Twins:
        return Twins(value, value)


def _parts(values: ObjectArray, name: str) -> ObjectArray:
    found = np.empty(values.shape, object)
    for index in np.ndindex(values.shape):
        found[index] = getattr(values[index], name)
    return found
