"""Runs of a function along a line in which some comparisons come out the other way."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.base import CannotDecide, ObjectArray
from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.series import Series

if TYPE_CHECKING:
    from jaxgrad.gradients.rules.at_point import AtPoint

__all__ = ["Line", "Met", "Run", "Spent"]

# How many terms beyond the derivatives that are asked for: a quotient of what is 0 loses some.
MORE_TERMS = 4
# Functions that choose one of two numbers.
_CHOOSE = frozenset({"clamp", "max", "min"})


class Spent(Exception):
    """As many operations were made as may be."""


@dataclass(frozen=True)
class Met:
    """A comparison that a run met.

    Args:
        outcome: how it came out by itself.
        place: the same of the entries of one array that are compared together.
        operands: the same of two comparisons of the same two numbers.
        apart: how far its operands are from one another at the place.
        moves: whether they come nearer to one another, or further, along the line.
    """

    outcome: Any
    place: int
    operands: tuple[Any, ...]
    apart: float
    moves: bool


@dataclass(frozen=True)
class Run:
    """What a function gives, and the comparisons that it met in turn.

    Args:
        results: the leaves of the result.
        met: the comparisons.
        order: the highest derivative that is asked for.
    """

    results: list[ObjectArray]
    met: list[Met]
    order: int

    def is_as(self, other: Run) -> bool:
        """Whether values and derivatives are to the last bit those of another run there."""
        return self._numbers() == other._numbers()

    def is_met_as(self, other: Run) -> bool:
        """Whether it met as many comparisons."""
        return len(self.met) == len(other.met)

    def _numbers(self) -> list[tuple[Any, ...] | None]:
        every = [x for leaf in self.results for x in leaf.flat]
        return [self._told_by(x) if x.is_taylor(self.order) else None for x in every]

    def _told_by(self, x: Series) -> tuple[Any, ...]:
        return tuple((x.at(k).mid(), x.at(k).rad()) for k in range(self.order + 1))

    def derivative(self, cotangent: Direction) -> arb | None:
        """That of ⟨u, f⟩, of the order asked for; None where there is none."""
        total = arb(0)
        for leaf, index, u in cotangent.entries:
            x = self.results[leaf][index]
            if not x.is_taylor(self.order):
                return None
            total += x.at(self.order) * u
        return total * math.factorial(self.order)


class Line:
    """A function along a line through a point.

    Args:
        at: the point.
        direction: that of the line.
        order: the highest derivative that will be asked for, 1 or 2.
        spend: called with how many operations a run took; raises :class:`Spent` after too many.
    """

    def __init__(
        self, at: AtPoint, direction: Direction, order: int, spend: Callable[[int], None]
    ) -> None:
        self._at, self._direction, self._order = at, direction, order
        self._spend = spend
        self._known: dict[tuple[float, frozenset[int]], Run | None] = {}

    def run(self, step: float, flipped: Collection[int] = ()) -> Run | None:
        """The function at a place; None where it cannot be evaluated."""
        key = step, frozenset(flipped)
        if key not in self._known:
            self._known[key] = self._run(step, key[1])
        return self._known[key]

    def same_values(self, mine: Run, other: Run) -> bool:
        """Whether every value of two runs is the same, to half a rounding."""
        if not mine.is_met_as(other):
            return False
        leaves = self._at.rules.primal.outputs
        for xs, ys, leaf in zip(mine.results, other.results, leaves, strict=True):
            unit = float(jnp.finfo(leaf.dtype).eps) / 2
            for x, y in zip(xs.flat, ys.flat, strict=True):
                if not (x.is_taylor(1) and y.is_taylor(1)):
                    return False
                if not abs(x.at(0) - y.at(0)) <= abs(x.at(0)) * unit:
                    return False
        return True

    @cached_property
    def beside(self) -> float:
        """How far the next float is, nearly, of the smallest number that moves."""
        rules, moving = self._at.rules, self._direction.support
        sizes = (float(abs(self._at.values[leaf][index])) for leaf, index in moving)
        return max(min(sizes, default=0.0) * 2.0**-rules.float_bits, rules.flushed)

    @property
    def largest(self) -> float:
        """The largest float."""
        return self._at.rules.largest

    @property
    def float_bits(self) -> float:
        """How many bits the significand of a float has."""
        return self._at.rules.float_bits

    @cached_property
    def size(self) -> float:
        """That of the largest number that moves."""
        values, moving = self._at.values, self._direction.support
        return max((float(abs(values[leaf][index])) for leaf, index in moving), default=0.0)

    def _run(self, step: float, flipped: frozenset[int]) -> Run | None:
        system = _Flipping(flipped, self._order + MORE_TERMS)
        inputs = [
            system.map(lambda x, v: system.line(float(x) + float(v) * step, float(v)), leaf, moved)
            for leaf, moved in zip(self._at.values, self._direction.leaves, strict=True)
        ]
        try:
            results = interpret(self._at.rules.primal.truth_program, system, inputs)
        except (CannotDecide, UnsupportedPrimitive):
            return None
        finally:
            self._spend(system.operations)
        return Run(results, system.met, self._order)


class _Flipping(Germ):
    """Germs in which some comparisons come out the other way.

    Those are meant that a program makes, or that choose between numbers; not those of a function.

    Args:
        flipped: which, by their order.
        terms: how many powers of ε are kept.
    """

    name = "germ that flips comparisons"
    any_pivot = False  # a run of it is one, in which each comparison comes out once

    def __init__(self, flipped: Collection[int], terms: int) -> None:
        super().__init__(terms)
        self._flipped = flipped
        self._place, self._inside = 0, False
        self.met: list[Met] = []
        self.operations = 0

    def map(self, operation: Callable[..., Any], *arrays: np.ndarray) -> np.ndarray:
        self._place += 1
        found = super().map(operation, *arrays)
        self.operations += found.size
        return found

    def carry_out(self, name: str, operation: Callable[..., Series], *xs: Series) -> Series:
        if name in _CHOOSE:
            return super().carry_out(name, operation, *xs)
        self._inside, before = True, self._inside
        try:
            return super().carry_out(name, operation, *xs)
        finally:
            self._inside = before

    def ordered(self, relation: str, x: Series, y: Series) -> Any:
        return super().compare(relation, x, y)

    def compare(self, relation: str, x: Series, y: Series) -> Any:
        found = super().compare(relation, x, y)
        if self._inside:
            return found
        flips = len(self.met) in self._flipped and type(found) is bool
        self.met.append(_met(found, self._place, x, y))
        return not found if flips else found


def _met(outcome: Any, place: int, x: Series, y: Series) -> Met:
    if x.is_nan or y.is_nan:
        return Met(outcome, place, (), 0.0, False)
    between = x - y
    apart = abs(float(between.at(0).mid())) if between.is_taylor(0) else math.inf
    operands = tuple(sorted((_told_by(x), _told_by(y))))
    return Met(outcome, place, operands, apart, not between.is_constant)


def _told_by(x: Series) -> tuple[Any, ...]:
    """The same for two series of the same numbers, to the last float."""
    middles = (float(c.mid()) for c in x.coefficients)
    return x.reason or "", *zip(x.monomials, middles, strict=True)
