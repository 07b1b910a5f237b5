"""The truth at arguments that are infinite: limits of one-sided derivatives.

An entry ±∞ is the germ ±1/ε. The derivative by the other, finite entries is the limit, as ε → 0, of
their one-sided derivatives at 1/ε, and that by the infinite entry itself the limit of f′(1/ε).
Where several entries are infinite, they go there in several ways, at one rate and at others, and
what depends on the way is not known. What outgrows every power of 1/ε, as e^(1/ε) does, is looked
at with log(1/ε) in the place of 1/ε. Whatever depends on an entry that is NaN is no number.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from flint import arb

from jaxgrad.gradients.one_sided import OneSided
from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.gradients.rules.sides import Sides
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.base import CannotDecide, ObjectArray, objects
from jaxgrad.numbers.dual import Dual, Moved
from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.series import FINITE, Series, unknown
from jaxgrad.programs.trace import Program

__all__ = ["Limits", "Way", "limit", "limits_along", "ways"]

TERMS = 8


class Way(NamedTuple):
    """How entries that are infinite go there: as ±c/ε^p, or as ±c log(1/ε) for p = 0.

    Args:
        factors, powers: the c and the p of each entry, in the order of the leaves.
    """

    factors: tuple[float, ...]
    powers: tuple[int, ...]


def ways(count: int) -> tuple[list[Way], list[Way]]:
    """At one rate; of several entries also at others, the first fastest and the last.

    Returns:
        those by powers, and those by logarithms.

    Example:
        >>> powers, logarithms = ways(2)
        >>> [way.powers for way in powers], [way.factors for way in logarithms]
        ([(1, 1), (1, 1), (1, 2), (2, 1)], [(1.0, 1.0), (1.0, 1.25)])
    """
    ones, same = (1.0,) * count, (1,) * count
    drawn, rising = tuple(1 + k / (2 * count) for k in range(count)), tuple(range(1, count + 1))
    powers = [Way(ones, same), Way(drawn, same), Way(ones, rising), Way(ones, rising[::-1])]
    logarithms = [Way(ones, (0,) * count), Way(drawn, (0,) * count)]
    return (powers, logarithms) if count > 1 else (powers[:1], logarithms[:1])


class Limits:
    """The limits of a function and of its one-sided derivatives at a point.

    Args:
        program: the function, of floating-point leaves.
        point: the value of each leaf, with entries that are not finite.
    """

    smooth = False

    def __init__(self, program: Program, point: Sequence[np.ndarray]) -> None:
        self._program = program
        self._point = [np.asarray(leaf, np.float64) for leaf in point]
        self._ways = ways(sum(int(np.isinf(leaf).sum()) for leaf in self._point))
        self._found: dict[bytes, OneSided] = {}
        self.reasons: set[str] = set()
        self.tied = False  # whether operands tied somewhere, so that there may be a kink

    @functools.cached_property
    def value(self) -> list[ObjectArray]:
        """The limits of the function, NaN where there is none."""
        still = Direction([np.zeros(leaf.shape) for leaf in self._point])
        return [leaf[0, ...] for leaf in self.along(still).right]

    @property
    def defined(self) -> bool:
        """Whether every entry of the function has a limit that is a real number."""
        return all(x.is_finite() for leaf in self.value for x in leaf.reshape(-1))

    def along(self, direction: Direction) -> OneSided:
        """The limits of the value and of the derivatives along a direction."""
        if direction.key not in self._found:
            right, left = (self._one_side(direction, side) for side in (1, -1))
            self._found[direction.key] = OneSided(right, left, tuple(sorted(self.reasons)))
        return self._found[direction.key]

    def sides(self, direction: Direction, cotangent: Direction) -> Sides:
        """The limits of the derivatives of ⟨u, f⟩ for a cotangent u."""
        found, ends = self.along(direction), []
        for leaf, index, u in cotangent.entries:
            ends.append([side[leaf][(1, *index)] * u for side in (found.right, found.left)])
        right, left = (sum(terms, arb(0)) for terms in zip(*ends, strict=True))
        return Sides(right, left)

    def _one_side(self, direction: Direction, side: int) -> list[ObjectArray]:
        powers, logarithms = self._ways
        found = [self._one_way(direction, side, way) for way in powers]
        known, first = self._agreed(found), found[0]
        if any(x.is_nan() for leaf in first for x in leaf.flat):
            before, self.reasons = self.reasons, set()
            others = self._agreed([self._one_way(direction, side, way) for way in logarithms])
            known = [_filled(*leaves) for leaves in zip(known, first, others, strict=True)]
            if any(x.is_nan() for leaf in known for x in leaf.flat):
                self.reasons |= before
        return known

    def _agreed(self, found: Sequence[list[ObjectArray]]) -> list[ObjectArray]:
        """What is the same in every way."""
        agreed = [_agreed(leaves) for leaves in zip(*found, strict=True)]
        for leaf, first in zip(agreed, found[0], strict=True):
            if any(x.is_nan() != y.is_nan() for x, y in zip(leaf.flat, first.flat, strict=True)):
                self.reasons.add("it depends on how the arguments go to infinity")
        return agreed

    def _one_way(self, direction: Direction, side: int, way: Way) -> list[ObjectArray]:
        dual = Dual(side, TERMS)
        try:
            outputs = interpret(self._program, dual, _moving(dual, self._point, direction, way))
        except CannotDecide as error:
            self.reasons.add(str(error))
            return [objects([arb.nan()] * (2 * math.prod(x.shape)), (2, *x.shape))
                    for x in self._program.outputs]  # fmt: skip
        self.tied |= dual.tied
        return [self._read(leaf) for leaf in outputs]

    def _read(self, leaf: ObjectArray) -> ObjectArray:
        """The limits of the values and of the slopes."""
        parts = [[getattr(x, part) for x in leaf.flat] for part in ("value", "slope")]
        for x in (*parts[0], *parts[1]):
            if x.reason is not None:
                self.reasons.add(x.reason)
        return objects((limit(x) for part in parts for x in part), (2, *leaf.shape))


def _agreed(leaves: Sequence[ObjectArray]) -> ObjectArray:
    """What is the same in every way, else NaN."""
    first, *others = leaves
    kept = first.copy()
    for index in np.ndindex(first.shape):
        if not all(_same(first[index], leaf[index]) for leaf in others):
            kept[index] = arb.nan()
    return kept


def _filled(known: ObjectArray, first: ObjectArray, others: ObjectArray) -> ObjectArray:
    """The others where the first way told nothing."""
    filled = known.copy()
    for index in np.ndindex(known.shape):
        if first[index].is_nan():
            filled[index] = others[index]
    return filled


def _same(x: arb, y: arb) -> bool:
    if x.is_finite() and y.is_finite():
        return bool(x.overlaps(y))
    return bool((x > 0 and y > 0) or (x < 0 and y < 0)) and not (x.is_finite() or y.is_finite())


def _moving(
    dual: Dual, point: Sequence[np.ndarray], direction: Direction, way: Way
) -> list[ObjectArray]:
    rates = iter(zip(way.factors, way.powers, strict=True))
    return [
        objects(
            (_element(dual, float(x), float(v), rates)
             for x, v in zip(leaf.flat, slopes.flat, strict=True)),
            leaf.shape,
        )
        for leaf, slopes in zip(point, direction.leaves, strict=True)
    ]  # fmt: skip


def _element(dual: Dual, x: float, v: float, rates: Iterator[tuple[float, int]]) -> Moved:
    if math.isnan(x):
        return Moved(dual.germ.constant(x), dual.germ.constant(0))
    if math.isinf(x):
        factor, power = next(rates)
        return dual.at_infinity(math.copysign(factor, x), v, power)
    return dual.line(x, v)


def limits_along(
    program: Program, point: Sequence[np.ndarray], others: Sequence[np.ndarray]
) -> list[ObjectArray]:
    """The limits of a program at a point with infinite entries, NaN where they are not known.

    Args:
        program: of the leaves of the point, and of others.
        point: the value of each leaf.
        others: the values of the others, which are finite.
    """
    still = Direction([np.zeros(np.shape(leaf)) for leaf in point])
    leaves = [np.asarray(leaf, np.float64) for leaf in point]
    groups = ways(sum(int(np.isinf(leaf).sum()) for leaf in leaves))
    found = []
    for group in groups:
        germ, inputs = Germ(TERMS), _moving(Dual(1, TERMS), leaves, still, group[0])
        values = [germ.map(_value, leaf) for leaf in inputs]
        try:
            outputs = interpret(program, germ, [*values, *map(germ.constants, others)])
        except CannotDecide:
            outputs = [np.full(x.shape, unknown("it is not known", TERMS)) for x in program.outputs]
        found.append([germ.map(limit, leaf) for leaf in outputs])
    return [_filled(first, first, others) for first, others in zip(*found, strict=True)]


def _value(x: Moved) -> Series:
    return x.value


def limit(x: Any) -> arb:
    """The limit of a germ as ε → 0, an infinity included; NaN where it is not known.

    Example:
        >>> limit(Series([arb(3), arb(1)], [(-1, 0), (0, 0)])) > 0, limit(Series([arb(3), arb(1)]))
        (True, 3.00000000000000)
    """
    if x.reason is not None or not x.is_finite:
        return arb.nan()
    if x.monomials and x.monomials[0] < FINITE:
        c = x.coefficients[0]
        return arb.pos_inf() if c > 0 else arb.neg_inf() if c < 0 else arb.nan()
    return x.at(0) if x.knows(FINITE) else arb.nan()
