"""How two sides lie at rows of values: over intervals, and closer where these are wide."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property

import numpy as np

from jaxgrad.errors import CannotDecide, UnsupportedPrimitive
from jaxgrad.gradients.batch_rows import Rows
from jaxgrad.gradients.double_double_batch import over_double_doubles, rows_at_once
from jaxgrad.gradients.interval_batch import OverIntervals, side_program
from jaxgrad.gradients.lying import Lying
from jaxgrad.interpret.sides import Side
from jaxgrad.programs.jaxprs import operations

__all__ = ["Lies"]

# Operations at all points that balls judge one by one, some two seconds: in less time than it may
# take to compile what is closer.
_MOST_FOR_BALLS = 200_000


class Lies:
    """How two sides lie at the rows that they are asked at.

    Intervals of 53 bits lose some of them to rounding, and so leave most points of a float64
    program short of 53; these, and a program that is too long to be compiled as one, are run again
    over numbers of twice the bits.

    Args:
        hand, auto: two sides of the same inputs and outputs.
    """

    def __init__(self, hand: Side, auto: Side) -> None:
        self._sides = hand, auto

    @property
    def lot(self) -> int:
        """How many rows are run in one call."""
        if isinstance(self._intervals, UnsupportedPrimitive):
            return rows_at_once([side_program(side) for side in self._sides])
        return self._intervals.lot

    def at(self, rows: Rows, closely: bool = False, enough: tuple[float, ...] = ()) -> Lying:
        """How the sides lie at rows of values.

        Args:
            rows: the values.
            closely: whether all bits are asked for that are to be had.
            enough: for each leaf to how many bits more than which nothing is asked for.

        Raises:
            UnsupportedPrimitive, CannotDecide: a side has no program that intervals know.
        """
        intervals = self._intervals
        if isinstance(intervals, UnsupportedPrimitive):
            return replace(self._unless(rows, intervals), enough=enough)
        try:
            found = intervals.at(rows)
        except UnsupportedPrimitive as error:  # which the others know no better, but for a few
            return replace(self._unless(rows, error), enough=enough)
        found = replace(found, enough=enough)
        short = np.flatnonzero(found.least < math.inf if closely else found.doubtful)
        few = len(short) * max(1, sum(map(_operations, self._sides))) <= _MOST_FOR_BALLS
        if not len(short) or (few and not closely):
            return found
        worst = short[np.lexsort((found.least[short], ~found.apart[short]))]
        try:
            where, closer = over_double_doubles(*self._sides, rows, worst)
        except (CannotDecide, UnsupportedPrimitive):
            return found
        return found.refined(where, closer) if len(where) else found

    @cached_property
    def _intervals(self) -> OverIntervals | UnsupportedPrimitive:
        try:
            return OverIntervals(*self._sides)
        except UnsupportedPrimitive as error:
            return error

    def _unless(self, rows: Rows, error: UnsupportedPrimitive) -> Lying:
        """Over the other numbers alone, unless these do not know them either."""
        where, closer = over_double_doubles(*self._sides, rows, np.arange(rows.count))
        if not len(where):
            raise error
        return closer.unknown_at(rows.count).refined(where, closer)


def _operations(side: Side) -> int:
    return operations(side.program.jaxpr.jaxpr) if side.program is not None else 0
