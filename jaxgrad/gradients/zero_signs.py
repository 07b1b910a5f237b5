"""Where a difference depends on the sign of a zero, of which the reals have one: the runs tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from flint import arb

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.witness import hold_side
from jaxgrad.interpret.sides import Side
from jaxgrad.numbers.ball import exact_ball
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.either_zero import EitherZero

__all__ = ["Entry", "as_run", "shows"]

Entry = tuple[int, tuple[int, ...]]
"""A leaf of the results, and an index in it."""


def as_run(
    sides: tuple[Side, Side], values: Sequence[Any], inputs: Sequence[Any], apart: dict[Entry, arb]
) -> dict[Entry, tuple[arb, arb]]:
    """What two sides return where their balls are apart by the sign of a zero alone.

    atan2(0, −1) is π and atan2(−0, −1) is −π, and a ball does not know which zero a program has.

    Args:
        sides: both sides.
        values: the point, an array for each input leaf.
        inputs: the same in balls.
        apart: the entries that are apart, and by how much.

    Returns:
        for those entries that depend on it what the runs are: two numbers that are apart, or one
        and the same; NaN where the runs do not tell.
    """
    if not apart:
        return {}
    system = EitherZero()
    try:
        left, right = (side.over(system, list(inputs)) for side in sides)
    except (CannotDecide, UnsupportedPrimitive):
        return {}
    depends = [(k, i) for k, i in apart if _may_meet(left[k][i], right[k][i])]
    if not depends:
        return {}
    runs = [hold_side(side, values).floats for side in sides]
    return {(k, i): _told(apart[k, i], *(float(run[k][i]) for run in runs)) for k, i in depends}


def _may_meet(x: Any, y: Any) -> bool:
    if isinstance(x, arb) and isinstance(y, arb):
        return x.is_finite() and y.is_finite() and x.overlaps(y)
    return x is None or y is None


def _told(apart: arb, x: float, y: float) -> tuple[arb, arb]:
    if x == y or shows(apart, x, y):
        return exact_ball(x), exact_ball(y)
    return arb.nan(), arb.nan()


def shows(apart: arb, x: float, y: float) -> bool:
    """Whether two floats are apart as their balls are, and not by what rounding leaves.

    At the cut of atan2 the difference is there as a whole or not at all, so half of it tells.
    """
    return bool(np.isfinite([x, y]).all()) and 2 * abs(arb(x) - arb(y)) >= abs(apart)
