"""Between neighbouring ties: the slopes of a function beside a point, from one tie to the next.

Beside a point x what ties is ordered in one way or the other, as x + εd lies on one side or the
other of a border. Drawn directions d miss what is narrow between two borders. On the line d + sw,
for real s, nothing is missed where what is compared is linear: it is so in s until the next border,
so that two runs say where that is, and what lies beyond is run next.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb

from jaxgrad.errors import JaxgradError
from jaxgrad.gradients.one_sided import first_derivatives
from jaxgrad.gradients.rules.directions import Direction, entry_count, pairing, ramp, uneven
from jaxgrad.numbers.base import CannotDecide, ObjectArray, objects
from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.series import Monomial, Series
from jaxgrad.programs.trace import Program

__all__ = ["MANY_TIES", "BetweenTies", "slopes_between_ties"]

# Lines for three numbers and more, each with its opposite, and parts on all of them for one
# direction: three entries that tie have six orders, and each line goes through three or four.
FURTHER = 7
MOST_PARTS = 64
# Of all directions together: where three show nothing new, a rule is wrong, and more would not.
MOST_OF_ALL = 3 * MOST_PARTS
# A step beside the size of a direction, as its logarithm: below what is between most borders.
STEP = -20
# Bits of a direction to which a step of 30 bits is added without a rounding.
BITS = 51
MANY_TIES = (
    "so much ties at the point that not all of its orders beside it are looked at, and the rule "
    "may be right in another; fewer entries that tie are judged"
)
TERMS = 3  # powers of ε: a first derivative, and one that a quotient may cost


@dataclass(frozen=True)
class _Beside:
    """What is seen at x + εd.

    Args:
        slopes: the derivatives from this side of every result.
        ties: the leading terms of all that is compared with what it is equal to at x.
    """

    slopes: list[ObjectArray]
    ties: list[tuple[Monomial, arb]]

    @property
    def order(self) -> list[tuple[Monomial, bool]]:
        """How everything that ties is ordered here."""
        return [(monomial, bool(c > 0)) for monomial, c in self.ties]


class _Ties(Germ):
    """Germs that keep the difference of what they compare, where it vanishes at the point."""

    name = "germ that keeps ties"
    any_pivot = False  # a run of it is one, in which each comparison comes out once

    def __init__(self, terms: int) -> None:
        super().__init__(terms)
        self.ties: list[tuple[Monomial, arb]] = []

    def compare(self, relation: str, x: Series, y: Series) -> Any:
        difference = x - y
        if difference.is_infinitesimal and difference.coefficients:
            self.ties.append((difference.start, difference.coefficients[0]))
        return super().compare(relation, x, y)


class BetweenTies:
    """Limits of derivatives at points nearby, from one tie to the next.

    Along a line on which the direction of a point nearby changes by that of the derivative no part
    is left out, however narrow; of two numbers two such lines show all that is beside them.

    Args:
        program: the function, of floating-point leaves, at the point.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._shapes = [leaf.value.shape for leaf in program.inputs]
        self._found: dict[bytes, _Kept] = {}
        self._left = MOST_OF_ALL
        self._cut: set[bytes] = set()

    def is_cut(self, direction: Direction) -> bool:
        """Whether there may be further limits along a direction, beyond the parts looked at.

        So many ties have as many orders as there are numbers of so many bits.
        """
        return direction.key in self._cut and self._ties > math.log2(MOST_PARTS)

    @functools.cached_property
    def _ties(self) -> int:
        """How much ties beside the point."""
        seen = _seen(self._program, ramp(self._shapes))
        return 0 if seen is None else len(seen.ties)

    def limits(self, direction: Direction, cotangent: Direction) -> Iterator[arb]:
        """Of the derivatives of ⟨u, f⟩ along a direction."""
        if direction.key not in self._found:
            self._found[direction.key] = _Kept(self._slopes(direction))
        for slopes in self._found[direction.key]:
            slope = pairing(slopes, cotangent)
            if slope.is_finite():
                yield slope

    def hulls(
        self, hull: arb, direction: Direction, cotangent: Direction
    ) -> Iterator[tuple[arb, bool]]:
        """What holds known limits and further ones, whenever it grows; whether some differ.

        Args:
            hull: what holds the limits that are known; NaN if none is.
            direction, cotangent: what is asked for.
        """
        first = hull
        for limit in self.limits(direction, cotangent):
            if not first.is_finite():
                first = hull = limit
            elif not hull.contains(limit):
                hull = hull.union(limit)
                yield hull, not limit.overlaps(first)

    def _slopes(self, direction: Direction) -> Iterator[list[ObjectArray]]:
        lines = [slopes_between_ties(self._program, line, direction) for line in self._lines]
        parts = _in_turn(lines)
        for count, slopes in enumerate(parts, 1):
            if slopes is not None:
                yield slopes
            self._left -= 1
            if count >= MOST_PARTS or self._left <= 0:
                self._cut.add(direction.key)
                return

    @functools.cached_property
    def _lines(self) -> list[Direction]:
        """Where the lines begin: from one number there are two sides, and no line between them."""
        count = entry_count(self._shapes)
        first = ramp(self._shapes)
        further = [uneven(self._shapes, seed) for seed in range(FURTHER if count > 2 else 0)]
        return [d for line in (first, *further) for d in (line, line.opposite()) if count > 1]


def _in_turn(sources: list[Iterator[Any]]) -> Iterator[Any]:
    """The first of each, the second of each, ..., as long as any goes on."""
    while sources:
        given = [(source, list(itertools.islice(source, 1))) for source in sources]
        yield from (x for _, found in given for x in found)
        sources = [source for source, found in given if found]


class _Kept:
    """What an iterator gives, for all who ask, and found when the first one does."""

    def __init__(self, source: Iterator[list[ObjectArray]]) -> None:
        self._source, self._found = source, list[list[ObjectArray]]()

    def __iter__(self) -> Iterator[list[ObjectArray]]:
        for k in itertools.count():
            if k == len(self._found):
                self._found += itertools.islice(self._source, 1)
            if k == len(self._found):
                return
            yield self._found[k]


def slopes_between_ties(
    program: Program, line: Direction, along: Direction
) -> Iterator[list[ObjectArray] | None]:
    """The limits of the derivatives along w at x + ε(d + sw), from one border to the next.

    Args:
        program: the function, of floating-point leaves, at the point x.
        line: d, where it begins: it goes on to both sides.
        along: w.

    Yields:
        the derivatives of every result; None where a part was too narrow, or nothing is known.
    """
    for sign in (1, -1):
        at: float | None = 0.0
        while at is not None:
            start, size = _on_grid(line, along, at)
            end = start.plus(_times(along, sign * size), 1)
            here, there = _seen(program, start), _seen(program, end)
            if here is None or there is None:
                break
            apart = here.order != there.order or not _is_exact(start, end, along, sign * size)
            yield None if apart else _slopes(here, there, sign * size)
            at = at + sign * size if apart else _beyond(here, there, at, sign * size)


def _slopes(here: _Beside, there: _Beside, step: float) -> list[ObjectArray]:
    return [
        objects(((b - a) / step for a, b in zip(x.flat, y.flat, strict=True)), x.shape)
        for x, y in zip(here.slopes, there.slopes, strict=True)
    ]


def _beyond(here: _Beside, there: _Beside, at: float, step: float) -> float | None:
    """A place just beyond the next border; None if there is none."""
    borders = []
    for (_, x), (_, y) in zip(here.ties, there.ties, strict=True):
        ahead = -x / (y - x)  # in steps
        if ahead > 1:
            borders.append(float(ahead.upper()))
    if not borders:
        return None
    return at + step * (min(borders) + 2.0**-10) if min(borders) < 2.0**40 else None


def _seen(program: Program, direction: Direction) -> _Beside | None:
    germ = _Ties(TERMS)
    try:
        slopes = first_derivatives(germ, program, direction.leaves)
    except (CannotDecide, JaxgradError):
        return None
    return _Beside(slopes, germ.ties)


def _on_grid(line: Direction, along: Direction, at: float) -> tuple[Direction, float]:
    """d + sw, rounded so that a step is added without another rounding; and how long a step is."""
    leaves = line.plus(_times(along, at), 1).leaves
    largest = max(float(np.max(np.abs(leaf), initial=0.0)) for leaf in leaves)
    size = 2.0 ** np.ceil(np.log2(largest)) if largest else 1.0
    grid = size * 2.0**-BITS
    return Direction([np.round(leaf / grid) * grid for leaf in leaves]), float(size * 2.0**STEP)


def _times(direction: Direction, factor: float) -> Direction:
    return Direction([leaf * factor for leaf in direction.leaves])


def _is_exact(start: Direction, end: Direction, along: Direction, step: float) -> bool:
    """Whether a step was added without a rounding: neighbours are subtracted without one."""
    moved = end.plus(start, -1)
    return all(np.array_equal(x, w * step) for x, w in zip(moved.leaves, along.leaves, strict=True))
