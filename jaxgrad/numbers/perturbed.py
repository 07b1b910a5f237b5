"""Numbers that are moved a little, and decide as if they were not.

What rounding an input changes is asked within one branch of a program: which branch it takes at a
tie is no matter of rounding, and a rule that is wrong at a tie alone is wrong.  So every number
comes twice, as it is and moved, and the first alone is compared.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from jaxgrad.numbers.base import CannotDecide, NumberSystem, ObjectArray
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.matrices import matrix_function
from jaxgrad.numbers.spectra import at_these_vectors
from jaxgrad.numbers.vector_choice import noting_free_vectors
from jaxgrad.numbers.vector_signs import one_or_parts

__all__ = ["Perturbed", "Twins"]


class Twins:
    """One number as it is, and the same where inputs are moved.

    Args:
        exact: what is compared.
        moved: what is computed; the very same object where nothing that it is made of is moved.
    """

    __slots__ = ("exact", "moved")

    def __init__(self, exact: Any, moved: Any) -> None:
        self.exact, self.moved = exact, moved

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


def both(
    operation: Callable[..., Any], *xs: Twins, beside: Callable[..., Any] | None = None
) -> Twins:
    """An operation on the exact numbers and on the moved ones, once where they are the same.

    Args:
        operation: on exact numbers.
        xs: its arguments.
        beside: the operation on moved ones, if it is another one.
    """
    exact = operation(*(x.exact for x in xs))
    if all(x.moved is x.exact for x in xs):
        return Twins(exact, exact)
    return Twins(exact, (beside or operation)(*(x.moved for x in xs)))


class Perturbed(NumberSystem):
    """Another number system, in which inputs are moved.

    Comparisons, steps and selections are decided by the numbers as they are.

    Args:
        system: the numbers.
        beside: those of the moved ones, if they are not the same.

    Example:
        >>> from jaxgrad.numbers.ball import Ball
        >>> from jaxgrad.numbers.base import objects
        >>> from flint import arb
        >>> numbers = Perturbed(Ball())
        >>> x, = numbers.given(objects([arb(2)], (1,)), objects([arb(3)], (1,)))
        >>> largest = numbers.maximum(x, numbers.constant(2.5))
        >>> largest.exact, largest.moved
        (2.50000000000000, 2.50000000000000)
    """

    name = "perturbed"

    def __init__(self, system: NumberSystem, beside: Any = None) -> None:
        self.system = system
        self.beside = beside or system
        self.sharpens, self.any_pivot = system.sharpens, system.any_pivot

    def _both(self, operation: Callable[[NumberSystem], Callable[..., Any]], *xs: Twins) -> Twins:
        """An operation in either system."""
        return both(operation(self.system), *xs, beside=operation(self.beside))

    def given(self, values: Any, moved: Any) -> Any:
        """Elements of the other system with what they are moved to; other values as they come."""
        if not isinstance(values, np.ndarray) or values.dtype.kind != "O":
            return values
        return self.map(lambda x, y: Twins(x, x if x is y else y), values, moved)

    @staticmethod
    def moved(values: Any) -> Any:
        """The moved numbers, elements of the other system; truth values as they are."""
        if not isinstance(values, np.ndarray) or values.dtype.kind != "O":
            return values
        found = np.empty(values.shape, object)
        for index in np.ndindex(values.shape):
            x = values[index]
            found[index] = x.moved if isinstance(x, Twins) else x
        return found

    def constant(self, value: Any) -> Twins:
        exact = self.system.constant(value)
        return Twins(exact, exact)

    def still(self, x: Twins) -> Twins:
        return self._both(lambda system: system.still, x)

    # -- arithmetic and functions ------------------------------------------------------------
    def difference(self, x: Twins, y: Twins) -> Twins:
        return self._both(lambda system: system.difference, x, y)

    def divide(self, x: Twins, y: Twins) -> Twins:
        return self._both(lambda system: system.divide, x, y)

    def power(self, x: Twins, n: int) -> Twins:
        return self._both(lambda system: lambda base: system.power(base, n), x)

    def matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        exact = self.system.matmul(_parts(a, "exact"), _parts(b, "exact"))
        if all(x.moved is x.exact for x in (*a.flat, *b.flat)):
            return self.map(self._step, exact)
        moved = self.beside.matmul(_parts(a, "moved"), _parts(b, "moved"))
        return self.map(Twins, exact, moved)

    def apart(self, x: Twins) -> tuple[Any, Twins]:
        """As the numbers are that decide; moved ones are next to no other."""
        limit, rest = self.system.apart(x.exact)
        return limit, self._step(rest)

    def real(self, ball: Any) -> Twins:
        return self._step(self.system.real(ball))

    def matrix(self, name: str, *matrices: np.ndarray, **options: Any) -> Any:
        """Vectors that may have either sign have that of the numbers as they are."""
        if "floats" not in options:
            return None
        limits = [self.map(lambda x: self.apart(x)[0], a) for a in matrices]
        options["floats"] = options["floats"].known(one_or_parts(limits))
        as_they_are, beside = ([_parts(a, part) for a in matrices] for part in ("exact", "moved"))
        with noting_free_vectors() as choice:
            exact = matrix_function(self.system, name, *as_they_are, **options)
        if all(x.moved is x.exact for a in matrices for x in a.flat):
            return tuple(self.map(self._step, each) for each in exact)
        # The phases of a Schur form are those of the run, which is one.
        if not choice.met or options.get("compute_uv") is False or name == "complex schur":
            moved = matrix_function(self.beside, name, *beside, **options)
        elif self.beside is self.system:
            moved = at_these_vectors(self.system, beside[0], exact, **options)
        else:
            raise CannotDecide("how far the vectors of a repeated eigenvalue are moved")
        return tuple(self.map(Twins, *pair) for pair in zip(exact, moved, strict=True))

    def total(self, terms: list[Twins]) -> Twins:
        if not terms:
            return self.constant(0)
        return self._both(lambda system: lambda *xs: system.total(list(xs)), *terms)

    def function(self, name: str, *xs: Twins) -> Twins:
        if name in FUNCTIONS and FUNCTIONS[name].jumps == "steps":
            return self._step(self.system.function(name, *(x.exact for x in xs)))
        if name == "rem":
            return self._remainder(*xs)
        return self._both(lambda system: lambda *ys: system.apply(name, *ys), *xs)

    def _remainder(self, x: Twins, y: Twins) -> Twins:
        """x − y·q, where the integer q is a step."""
        found = self.system.function("rem", x.exact, y.exact)
        if x.moved is x.exact and y.moved is y.exact:
            return Twins(found, found)
        q = self.system.divide(x.exact - found, y.exact)
        return Twins(found, x.moved - y.moved * self._step(q).moved)

    # -- truth, which is that of the numbers as they are -----------------------------------------
    def compare(self, relation: str, x: Twins, y: Twins) -> Any:
        return self.system.compare(relation, x.exact, y.exact)

    def ordered(self, relation: str, x: Twins, y: Twins) -> Any:
        return self.system.ordered(relation, x.exact, y.exact)

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
        return self._both(lambda system: lambda x, y: system.select(p, x, y), if_false, if_true)

    def maximum(self, x: Twins, y: Twins) -> Twins:
        greater = self.known(self.compare("ge", x, y))
        if greater is not None:
            return x if greater else y
        return self._both(lambda system: system.maximum, x, y)

    def minimum(self, x: Twins, y: Twins) -> Twins:
        less = self.known(self.compare("le", x, y))
        if less is not None:
            return x if less else y
        return self._both(lambda system: system.minimum, x, y)

    def absolute(self, x: Twins) -> Twins:
        positive = self.known(self.compare("ge", x, self.constant(0)))
        if positive is not None:
            return x if positive else -x
        return self._both(lambda system: system.absolute, x)

    def sign(self, x: Twins) -> Twins:
        return self._step(self.system.sign(x.exact))

    def _step(self, value: Any) -> Twins:
        return Twins(value, value)


def _parts(values: ObjectArray, name: str) -> ObjectArray:
    found = np.empty(values.shape, object)
    for index in np.ndindex(values.shape):
        found[index] = getattr(values[index], name)
    return found
