"""Along which directions a derivative of an order is asked for, and of which results."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.directions import Direction, Unit

__all__ = ["entries_of", "leaves_of", "moving", "tuples_of"]


def tuples_of(
    rules: DerivativePrograms, directions: list[Direction], order: int, pairs: bool
) -> Iterator[tuple[Direction, ...]]:
    """One direction again and again, and at order 2 also two that are not the same.

    Args:
        rules: the derivative programs.
        directions: those of the first derivatives.
        order: how many each has.
        pairs: whether each is asked for with every other; else one that moves everything.
    """
    if not pairs:
        directions = [rules.direction()] if len(directions) > 1 else directions
    for direction in directions:
        yield (direction,) * order
    if order == 2:
        others = [rules.direction(1, leaf=d.place[0]) for d in directions]
        yield from itertools.product(directions, others)


def moving(rules: DerivativePrograms, cotangents: list[Direction]) -> list[Direction]:
    """Those of numbers that have a derivative: integers and booleans are values alone."""
    discrete = rules.primal.discrete
    return [u for u in cotangents if not any(u.leaves[k].any() for k in discrete)]


def entries_of(rules: DerivativePrograms) -> list[Direction]:
    """Each entry of the result by itself."""
    shapes = rules.out_shapes
    return [Unit(shapes, k, i) for k, shape in enumerate(shapes) for i in np.ndindex(shape)]


def leaves_of(rules: DerivativePrograms) -> list[Direction]:
    """A drawn cotangent of each leaf of the result that has entries."""
    return [rules.cotangent(1, k) for k, shape in enumerate(rules.out_shapes) if math.prod(shape)]
