"""How two sides lie at every point of a batch: over intervals, and closer where these are wide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxgrad.errors import CannotDecide, UnsupportedPrimitive
from jaxgrad.gradients.double_double_batch import over_double_doubles
from jaxgrad.gradients.interval_batch import over_intervals
from jaxgrad.gradients.lying import Lying
from jaxgrad.interpret.sides import Side
from jaxgrad.programs.jaxprs import operations

__all__ = ["lie"]

# Operations at all points that balls judge one by one, some two seconds: in less time than it may
# take to compile what is closer.
_MOST_FOR_BALLS = 200_000


def lie(hand: Side, auto: Side, batch: Sequence[Any]) -> Lying:
    """How two sides lie at the points of a batch.

    Intervals of 53 bits lose some of them to rounding, and so leave most points of a float64
    program short of 53; these, and a program that is too long to be compiled as one, are run again
    over numbers of twice the bits.

    Args:
        hand, auto: two sides of the same inputs and outputs.
        batch: for each input leaf its values, with a first axis of points where it is a variable.

    Raises:
        UnsupportedPrimitive, CannotDecide: a side has no program that intervals know.
    """
    count = _points(hand, batch)
    try:
        found = over_intervals(hand, auto, batch)
    except UnsupportedPrimitive as error:
        # Too long a program, or one that these know no better.
        where, closer = over_double_doubles(hand, auto, batch, np.arange(count))
        if not len(where):
            raise error
        return closer.unknown_at(count).refined(where, closer)
    short = np.flatnonzero(found.short)
    if len(short) * max(1, _operations(hand) + _operations(auto)) <= _MOST_FOR_BALLS:
        return found
    worst = short[np.lexsort((found.least[short], ~found.apart[short]))]
    try:
        where, closer = over_double_doubles(hand, auto, batch, worst)
    except (CannotDecide, UnsupportedPrimitive):
        return found
    return found.refined(where, closer) if len(where) else found


def _points(side: Side, batch: Sequence[Any]) -> int:
    moving = zip(batch, side.inputs, strict=True)
    return next(len(x) for x, leaf in moving if leaf.differentiable)


def _operations(side: Side) -> int:
    return operations(side.program.jaxpr.jaxpr) if side.program is not None else 0
