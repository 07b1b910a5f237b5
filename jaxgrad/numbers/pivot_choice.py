"""Which of some rows is taken for a pivot of ``lu`` where it is open which of them is the largest.

Of two rows whose entries may have one absolute value LAPACK takes the first, if they have, and the
larger one, if they have not; no precision tells.
"""

from __future__ import annotations

import contextlib
from collections.abc import Hashable, Iterator, Mapping
from contextvars import ContextVar

from jaxgrad.numbers.context import holding

__all__ = ["Met", "PivotChoice", "choosing_pivots", "chosen_pivots", "first_pivots"]

Met = dict[Hashable, tuple[int, int]]


class PivotChoice:
    """A row for each pivot of which some may be the largest.

    A choice is that of a step, by the numbers between which it is: of a matrix that a function and
    a rule for it both factor, it is the same.

    Args:
        taken: which of the rows, by the step; the first, where nothing is said.
    """

    def __init__(self, taken: Mapping[Hashable, int] | None = None) -> None:
        self._taken = dict(taken or {})
        self.met: Met = {}
        """Which of how many rows was taken, by the step, in the order in which they were met."""

    def of(self, step: Hashable, rows: list[int]) -> int:
        """The row that is taken in a step."""
        place, (_, count) = self._taken.get(step, 0), self.met.get(step, (0, 0))
        self.met[step] = place, max(len(rows), count)
        return rows[min(place, len(rows) - 1)]

    def agrees_with(self, met: Met) -> bool:
        """Whether it takes what was taken before."""
        return all(self._taken.get(step, 0) == place for step, (place, _) in met.items())

    def following(self) -> PivotChoice | None:
        """The next one: the last step that has another row takes it; None if all were taken."""
        steps = list(self.met.items())
        while steps:
            step, (place, count) = steps.pop()
            if place + 1 < count:
                before = {earlier: taken for earlier, (taken, _) in steps}
                return PivotChoice(before | {step: place + 1})
        return None


_choice: ContextVar[PivotChoice | None] = ContextVar("pivots", default=None)


def chosen_pivots() -> PivotChoice | None:
    """The choice in force; None where pivots that are open are none."""
    return _choice.get()


def choosing_pivots(
    choice: PivotChoice | None,
) -> contextlib.AbstractContextManager[PivotChoice | None]:
    """Takes these pivots within a block.

    Example:
        >>> with choosing_pivots(PivotChoice()) as choice:
        ...     choice.of("a step", [2, 3]), choice.following().of("a step", [2, 3])
        (2, 3)
    """
    return holding(_choice, choice)


@contextlib.contextmanager
def first_pivots() -> Iterator[None]:
    """Takes the first of all rows that may be the largest within a block, as LAPACK does of those
    that are equal."""
    with choosing_pivots(PivotChoice()):
        yield
