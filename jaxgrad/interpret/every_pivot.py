"""What a program returns, whichever rows are pivots where it is open which of them are the largest.

What a matrix says of a linear system, of its inverse and of its determinant does not depend on
them.  So a program is run with every choice there is, and its result is in what holds them all.
Where L, U or the permutation are themselves the result, two choices give two, and nothing is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from flint import arb

from jaxgrad.numbers.base import CannotDecide, NumberSystem
from jaxgrad.numbers.matrices import OPEN_PIVOT
from jaxgrad.numbers.perturbed import Twins
from jaxgrad.numbers.pivot_choice import PivotChoice, choosing_pivots
from jaxgrad.numbers.series import Series
from jaxgrad.programs.complex_parts import Pair

__all__ = ["PIVOT_MATTERS", "with_every_pivot"]

PIVOT_MATTERS = (
    "two rows tie for a pivot of `lu`, or may, and the result depends on which of them is taken"
)
"""Why nothing is known where some choice gives another result."""
# Choices of all the pivots of a program: those of four rows that all tie, each time.
MOST_RUNS = 24


def with_every_pivot(system: Any, run: Callable[[], list[Any]]) -> list[Any]:
    """What a run of a program returns, whichever pivots it takes where these are open.

    Args:
        system: the number system; only one whose ``any_pivot`` is true is run more than once.
        run: called within a block in which a choice is in force.

    Raises:
        CannotDecide: there are too many choices, or one gives another result.

    Example:
        >>> from jaxgrad.numbers.ball import Ball
        >>> from jaxgrad.numbers.pivot_choice import chosen_pivots
        >>> def run():
        ...     row = chosen_pivots().of("a step", [2, 3])
        ...     return [Ball().constants([row * 0, 7])]
        >>> with_every_pivot(Ball(), run)
        [array([0, 7.00000000000000], dtype=object)]
    """
    if not getattr(system, "any_pivot", False):
        with choosing_pivots(None):
            return run()
    runs = _runs(run)
    found = next(runs)
    for more in runs:
        found = [_either(system, *pair) for pair in zip(found, more, strict=True)]
    return found


def _runs(run: Callable[[], list[Any]]) -> Iterator[list[Any]]:
    """The results with each choice in turn."""
    choice, count = PivotChoice(), 0
    while choice is not None:
        if count == MOST_RUNS:
            raise CannotDecide(OPEN_PIVOT)
        with choosing_pivots(choice):
            found = run()
        yield found
        choice, count = choice.following(), count + 1


def _either(system: NumberSystem, leaf: Any, other: Any) -> Any:
    """What holds both of two leaves.

    Raises:
        CannotDecide: they are certainly not the same.
    """
    if isinstance(leaf, Pair):
        return Pair(*(_either(system, x, y) for x, y in zip(leaf, other, strict=True)))

    def either(x: Any, y: Any) -> Any:
        if _is_same(x, y):
            return x
        if _differ(x, y):
            raise CannotDecide(PIVOT_MATTERS)
        return system.select(None, x, y)

    return system.map(either, leaf, other)


def _is_same(x: Any, y: Any) -> bool:
    """Whether two elements are one; a ball around two exact ones would not be exact."""
    if isinstance(x, arb) and isinstance(y, arb):
        return x.is_exact() and y.is_exact() and bool(x == y)
    return x is y


def _differ(x: Any, y: Any) -> bool:
    """Whether two elements are not one number, nor two enclosures of one."""
    if isinstance(x, arb) and isinstance(y, arb):
        return x.is_finite() and y.is_finite() and not x.overlaps(y)
    if isinstance(x, Twins) and isinstance(y, Twins):
        return _differ(x.exact, y.exact)
    if isinstance(x, Series) and isinstance(y, Series):
        known = x.reason is None and y.reason is None
        return known and not all(c.contains(0) for c in (x - y).coefficients)
    return isinstance(x, bool) and isinstance(y, bool) and x is not y
