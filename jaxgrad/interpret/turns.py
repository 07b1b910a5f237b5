"""How often the loops of a program turn: counted, or run on past their end.

An iteration that comes near to a solution is a program that ends early.  Its derivative is not that
of the solution but near to it, and nearer where the loop goes on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Any

__all__ = ["counting_turns", "further_turns", "is_run_on", "note_turns", "turns_beyond"]

# An iteration that has just begun is not run on by one turn alone.
FEWEST = 4

_counts: ContextVar[dict[int, int] | None] = ContextVar("counts", default=None)
_run_on: ContextVar[bool] = ContextVar("run_on", default=False)


@contextlib.contextmanager
def counting_turns() -> Iterator[Mapping[int, int]]:
    """Counts within a block how often each iteration turns at most, by its equation's id."""
    counts: dict[int, int] = {}
    token = _counts.set(counts)
    try:
        yield counts
    finally:
        _counts.reset(token)


def note_turns(equation: Any, turns: int) -> None:
    """Notes that a loop has turned so often, where that is counted."""
    counts = _counts.get()
    if counts is not None:
        counts[id(equation)] = max(turns, counts.get(id(equation), 0))


@contextlib.contextmanager
def further_turns() -> Iterator[None]:
    """Lets loops that hand on numbers and nothing else turn twice as often within a block."""
    token = _run_on.set(True)
    try:
        yield
    finally:
        _run_on.reset(token)


def is_run_on() -> bool:
    """Whether loops are run on past their end.

    Example:
        >>> with further_turns():
        ...     is_run_on()
        True
    """
    return _run_on.get()


def turns_beyond(turns: int) -> int:
    """How often a loop turns that has turned so often and is at its end."""
    return max(turns, FEWEST) if _run_on.get() else 0
