"""The nearest drawn point at which a function is defined."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from jaxgrad.errors import TraceError, UnsupportedPrimitive
from jaxgrad.gradients.enclosure import FIRST_PRECISION
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.special_points.drawn_points import drawn_points, nearer_points
from jaxgrad.gradients.special_points.search import SpecialPoint
from jaxgrad.interpret.budgets import WHILE_BUDGET, while_budget
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.precision import precision

__all__ = ["as_far_as_it_goes", "nearest_drawn"]

# A loop that ends at the given point may never end at others, of which there are many.
SPECIAL_SHARE = 10


def nearest_drawn(rules: DerivativePrograms) -> SpecialPoint | None:
    """The nearest drawn point at which the function is defined."""
    candidates = filter(lambda x: rules.primal.is_inside(x.values), _drawn(rules))
    return next((x for x in candidates if _is_defined(rules, x)), None)


def _drawn(rules: DerivativePrograms) -> Iterator[SpecialPoint]:
    """Drawn points, the furthest first; in a domain also such that are as near as it takes."""
    primal, first = rules.primal, None
    for point in drawn_points(primal.inputs):
        first = first or point
        yield point
    if primal.domain is not None and first is not None:
        yield from nearer_points(primal.inputs, first)


def _is_defined(rules: DerivativePrograms, point: SpecialPoint) -> bool:
    with as_far_as_it_goes():
        return AtPoint(rules, point.values).truth.defined
    return False


@contextlib.contextmanager
def as_far_as_it_goes() -> Iterator[list[str]]:
    """Leaves the block where a point cannot be looked at, and tells why."""
    why: list[str] = []
    with precision(FIRST_PRECISION), while_budget(WHILE_BUDGET // SPECIAL_SHARE):
        try:
            yield why
        except (CannotDecide, UnsupportedPrimitive) as error:
            why.append(str(error))
        except TraceError as error:  # as a callback that raises there
            why.append(f"there {error}")
