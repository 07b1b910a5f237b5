"""The numbers of a program at several points at once, each by itself.

A walk over a program costs more than the numbers in it, where these are few.  So it is gone once,
with the numbers of every point in each place.  A point at which something cannot be had, or whose
branch is another one where a branch has to be taken, is left to a walk of its own.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.numbers.base import UNKNOWN, CannotDecide, NumberSystem, ObjectArray, objects
from jaxgrad.numbers.clock import tick
from jaxgrad.numbers.elements import Elements
from jaxgrad.numbers.matrices import matrix_function

__all__ = ["OfPoints", "Pointwise", "PointwiseArrays"]


class OfPoints:
    """One number, or one truth value, for every point.

    Args:
        system: what it belongs to.
        each: one for every point, or one alone that is the same at all of them.
    """

    __slots__ = ("each", "system")

    def __init__(self, system: Pointwise, each: tuple[Any, ...]) -> None:
        self.system, self.each = system, each

    def __bool__(self) -> bool:
        raise TypeError("a number where a truth value is wanted")

    def __add__(self, other: OfPoints) -> OfPoints:
        return self.system.of(operator.add, self, other)

    def __sub__(self, other: OfPoints) -> OfPoints:
        return self.system.of(operator.sub, self, other)

    def __mul__(self, other: OfPoints) -> OfPoints:
        return self.system.of(operator.mul, self, other)

    def __neg__(self) -> OfPoints:
        return self.system.of(operator.neg, self)


class Pointwise(NumberSystem):
    """Another number system at several points.

    Args:
        inner: the numbers of each point.
        count: how many points there are.

    Example:
        >>> from jaxgrad.numbers.ball import Ball
        >>> numbers = Pointwise(Ball(), 2)
        >>> x = numbers.joined([Ball().constants(np.array([y])) for y in (1.0, -4.0)])
        >>> [leaf[0] for leaf in numbers.split(x * x)]
        [1.00000000000000, 16.0000000000000]
    """

    def __init__(self, inner: NumberSystem, count: int) -> None:
        self.inner, self.count = inner, count
        self.name = inner.name
        self.failed: set[int] = set()
        """The points at which something could not be had: what is found for them means nothing."""

    # -- points ------------------------------------------------------------------------------
    def joined(self, arrays: Sequence[ObjectArray]) -> ObjectArray:
        """One array, of an array for every point."""
        columns = zip(*(array.flat for array in arrays), strict=True)
        return objects((OfPoints(self, column) for column in columns), arrays[0].shape)

    def split(self, array: ObjectArray) -> list[ObjectArray]:
        """The array of every point."""
        flat = [x.each if len(x.each) > 1 else x.each * self.count for x in array.flat]
        return [objects((each[k] for each in flat), array.shape) for k in range(self.count)]

    def of(self, operation: Callable[..., Any], *xs: OfPoints) -> OfPoints:
        """An operation that returns a number, at every point.

        Raises:
            CannotDecide, UnsupportedPrimitive: it can be had at no point.
        """
        return self._of(operation, xs, lambda: self.inner.constant(0))

    def truths(self, operation: Callable[..., Any], *xs: OfPoints) -> OfPoints:
        """An operation that returns a truth value, at every point.

        Raises:
            CannotDecide, UnsupportedPrimitive: as :meth:`of`.
        """
        return self._of(operation, xs, lambda: UNKNOWN)

    def _of(
        self, operation: Callable[..., Any], xs: Sequence[OfPoints], nothing: Callable[[], Any]
    ) -> OfPoints:
        parts = [x.each for x in xs]
        count = max(map(len, parts), default=1)
        if count > 1:
            parts = [part if len(part) > 1 else part * count for part in parts]
        try:
            return OfPoints(self, tuple(map(operation, *parts)) if parts else (operation(),))
        except (CannotDecide, UnsupportedPrimitive):
            if count == 1:
                raise
        rows = enumerate(zip(*parts, strict=True))
        return OfPoints(self, tuple(self._at(k, operation, row, nothing) for k, row in rows))

    def _at(
        self, k: int, operation: Callable[..., Any], xs: Sequence[Any], nothing: Callable[[], Any]
    ) -> Any:
        """The result at one point, or what stands for one where it cannot be had."""
        tick()
        try:
            return operation(*xs)
        except (CannotDecide, UnsupportedPrimitive):
            self.failed.add(k)
            if len(self.failed) == self.count:
                raise
            return nothing()

    def _agreed(self, each: Sequence[Any]) -> Any:
        """What is the same at all points that are left; None where it is not."""
        left = [x for k, x in enumerate(each) if len(each) == 1 or k not in self.failed]
        return left[0] if left and all(x == left[0] for x in left) else None

    # -- numbers -----------------------------------------------------------------------------
    def constant(self, value: Any) -> OfPoints:
        return OfPoints(self, (self.inner.constant(value),))

    def still(self, x: OfPoints) -> OfPoints:
        return self.of(self.inner.still, x)

    def divide(self, x: OfPoints, y: OfPoints) -> OfPoints:
        return self.of(self.inner.divide, x, y)

    def power(self, x: OfPoints, n: int) -> OfPoints:
        return self.of(lambda y: self.inner.power(y, n), x)

    def total(self, terms: list[OfPoints]) -> OfPoints:
        return self.of(lambda *xs: self.inner.total(list(xs)), *terms)

    def largest(self, xs: list[OfPoints]) -> OfPoints:
        return self.of(lambda *ys: self.inner.largest(list(ys)), *xs)

    def matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return self._of_arrays(self.inner.matmul, a, b)

    def matrix(self, name: str, *matrices: np.ndarray, **options: Any) -> Any:
        found = [
            matrix_function(self.inner, name, *each, **options)
            for each in zip(*map(self.split, matrices), strict=True)
        ]
        if isinstance(found[0], tuple):
            return tuple(self._one_array(parts) for parts in zip(*found, strict=True))
        return self._one_array(found)

    def _one_array(self, parts: Sequence[np.ndarray]) -> np.ndarray:
        """One array, of numbers of every point or of integers that are the same at all."""
        if parts[0].dtype == object:
            return self.joined(parts)
        if all(np.array_equal(part, parts[0]) for part in parts):
            return parts[0]
        raise CannotDecide("an order of rows that is another one at every point")

    def _of_arrays(self, operation: Callable[..., np.ndarray], *arrays: np.ndarray) -> np.ndarray:
        each = zip(*map(self.split, arrays), strict=True)
        return self.joined([operation(*xs) for xs in each])

    def carry_out(self, name: str, operation: Callable[..., Any], *xs: OfPoints) -> OfPoints:
        inner = self.inner
        return self.of(lambda *ys: inner.carry_out(name, operation, *ys), *xs)

    def apply(self, name: str, *xs: OfPoints) -> OfPoints:
        return self.of(lambda *ys: self.inner.apply(name, *ys), *xs)

    function = apply

    def maximum(self, x: OfPoints, y: OfPoints) -> OfPoints:
        return self.of(self.inner.maximum, x, y)

    def minimum(self, x: OfPoints, y: OfPoints) -> OfPoints:
        return self.of(self.inner.minimum, x, y)

    def absolute(self, x: OfPoints) -> OfPoints:
        return self.of(self.inner.absolute, x)

    def sign(self, x: OfPoints) -> OfPoints:
        return self.of(self.inner.sign, x)

    def number(self, p: OfPoints) -> OfPoints:
        return self.of(self.inner.number, p)

    def select(self, p: OfPoints, if_false: OfPoints, if_true: OfPoints) -> OfPoints:
        return self.of(self.inner.select, p, if_false, if_true)

    def exact_value(self, x: OfPoints) -> Fraction | None:
        return self._agreed([self.inner.exact_value(y) for y in x.each])

    # -- truth -------------------------------------------------------------------------------
    def truth(self, value: bool) -> OfPoints:
        return OfPoints(self, (self.inner.truth(value),))

    def known(self, p: OfPoints) -> bool | None:
        return self._agreed([self.inner.known(q) for q in p.each])

    def compare(self, relation: str, x: OfPoints, y: OfPoints) -> OfPoints:
        return self.truths(lambda a, b: self.inner.compare(relation, a, b), x, y)

    def ordered(self, relation: str, x: OfPoints, y: OfPoints) -> OfPoints:
        return self.truths(lambda a, b: self.inner.ordered(relation, a, b), x, y)

    def opened(self, p: OfPoints, tie: OfPoints) -> OfPoints:
        return self.truths(self.inner.opened, p, tie)

    def logical_not(self, p: OfPoints) -> OfPoints:
        return self.truths(self.inner.logical_not, p)

    def logical_and(self, p: OfPoints, q: OfPoints) -> OfPoints:
        return self.truths(self.inner.logical_and, p, q)

    def logical_or(self, p: OfPoints, q: OfPoints) -> OfPoints:
        return self.truths(self.inner.logical_or, p, q)

    def is_finite(self, x: OfPoints) -> OfPoints:
        return self.truths(self.inner.is_finite, x)


class PointwiseArrays(Elements):
    """Arrays of numbers at several points.

    Args:
        system: the numbers.
    """

    def __init__(self, system: Pointwise) -> None:
        super().__init__(system)
        self._points = system

    def combined(self, combine: Callable[..., Any], row: list[OfPoints]) -> OfPoints:
        """A reduction at every point, which may know one of its numbers by its identity."""
        inner = self._points.inner
        return self._points.of(lambda *xs: combine(inner, list(xs)), *row)
