"""How often the loops of a program turn: counted, or run on past their end.

An iteration that comes near to a solution is a program that ends early.  Its derivative is not that
of the solution but near to it, and nearer where the loop goes on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

from jaxgrad.numbers.context import holding
from jaxgrad.programs.frozen_loops import thawed
from jaxgrad.programs.tolerances import ends_at_a_tolerance, ends_itself_at_a_tolerance
from jaxgrad.programs.trace import is_differentiable

__all__ = [
    "LENGTHS",
    "Turns",
    "as_many_again",
    "beyond_the_end",
    "counting_turns",
    "further_turns",
    "half_as_many_more",
    "how_run_on",
    "inside_a_loop",
    "is_run_on",
    "many_more",
    "note_turns",
    "one_more",
    "outermost_alone",
    "turns_beyond",
    "two_more",
]

# An iteration that has just begun is not run on by one turn alone.
FEWEST = 4
# A multiple of 1, 2, 3, 4 and 6: whatever goes round in so many turns is back after it.
CYCLE = 12


class Turns(dict[int, int]):
    """How often each loop turns at most, by its equation's id."""

    iterates = False
    """Whether one of them hands on real numbers, so that it may come near to something."""

    def __init__(self) -> None:
        super().__init__()
        self._equations: dict[int, Any] = {}  # kept, or others may have their numbers

    def note(self, equation: Any, turns: int) -> None:
        """Notes that a loop has turned so often."""
        self._equations[id(equation)] = equation
        self[id(equation)] = max(turns, self.get(id(equation), 0))
        self.iterates |= _iterates(equation)


_counts: ContextVar[Turns | None] = ContextVar("counts", default=None)
_run_on: ContextVar[Callable[[int], int] | None] = ContextVar("run_on", default=None)
_outermost: ContextVar[bool] = ContextVar("outermost", default=False)
_at_tolerances: ContextVar[bool] = ContextVar("at_tolerances", default=False)
_themselves: ContextVar[bool] = ContextVar("themselves", default=False)
_thaw: ContextVar[bool] = ContextVar("thaw", default=False)


@contextlib.contextmanager
def counting_turns() -> Iterator[Turns]:
    """Counts within a block how often each iteration turns."""
    counts = Turns()
    with holding(_counts, counts):
        yield counts


def note_turns(equation: Any, turns: int) -> None:
    """Notes that a loop has turned so often, where that is counted."""
    counts = _counts.get()
    if counts is not None:
        counts.note(equation, turns)


def _iterates(equation: Any) -> bool:
    """Whether a loop hands on real numbers.  A search for an index comes near to nothing."""
    return any(is_differentiable(v.aval.dtype) for v in equation.outvars)


def as_many_again(turns: int) -> int:
    """How many turns more make twice as many."""
    return max(turns, FEWEST)


def many_more(turns: int) -> int:
    """The same, and more where a loop has hardly begun, as one that starts near to its end."""
    return max(turns, 4 * FEWEST)


def half_as_many_more(turns: int) -> int:
    """The half of that."""
    return many_more(turns) // 2


def one_more(_: int) -> int:
    """A single turn."""
    return 1


def two_more(_: int) -> int:
    """Two turns."""
    return 2


def _as_many_and_one(turns: int) -> int:
    return as_many_again(turns) + 1


def _rounds(turns: int) -> int:
    return -(-3 * as_many_again(turns) // CYCLE) * CYCLE


# How far loops are run on to see whether something is done changing: twice as many turns and one
# more, so that it neither grows nor alternates, and four times as many, a whole number of rounds,
# so that what goes round is back where it was.
LENGTHS: tuple[Callable[[int], int], ...] = (as_many_again, _as_many_and_one, _rounds)


@contextlib.contextmanager
def further_turns(
    beyond: Callable[[int], int] = as_many_again,
    *,
    at_tolerances: bool = False,
    themselves: bool = False,
    thaw: bool = False,
) -> Iterator[None]:
    """Lets loops that hand on numbers and nothing else turn on past their end within a block.

    Args:
        beyond: how many turns more a loop makes that has turned so often; by default as many again.
        at_tolerances: whether only those that end at a tolerance, or have such loops inside of
            them, do; one of a number of turns beside a solver means that many.
        themselves: whether those that have such loops inside of them do not, as a number of steps
            in time, each of which solves an equation.
        thaw: whether what keeps what it has when it is done goes on all the same.
    """
    with (
        holding(_run_on, beyond),
        holding(_at_tolerances, at_tolerances),
        holding(_themselves, themselves),
        holding(_thaw, thaw),
    ):
        yield


def beyond_the_end(body: Any, carried: int) -> Any:
    """What a loop does in further turns: what it does in all, but for what it keeps.

    Args:
        body: its body, a closed jaxpr.
        carried: how many values it carries.
    """
    return thawed(body, carried) if _thaw.get() else body


@contextlib.contextmanager
def outermost_alone() -> Iterator[None]:
    """Runs on within a block no ``while`` that is inside another one.

    A search along a line ends where it has found something, and further turns leave that behind.
    """
    with holding(_outermost, True):
        yield


@contextlib.contextmanager
def inside_a_loop() -> Iterator[None]:
    """A turn of a ``while``, inside of which no other is run on if the outermost alone are."""
    with holding(_run_on, None) if _outermost.get() else contextlib.nullcontext():
        yield


def is_run_on() -> bool:
    """Whether loops are run on past their end.

    Example:
        >>> with further_turns():
        ...     is_run_on()
        True
    """
    return _run_on.get() is not None


def how_run_on() -> tuple[Callable[[int], int] | None, bool, bool, bool, bool]:
    """How loops are run on: equal where a program does the same.

    Example:
        >>> with further_turns():
        ...     how_run_on() == how_run_on()
        True
    """
    ways = _outermost.get(), _at_tolerances.get(), _themselves.get(), _thaw.get()
    return _run_on.get(), *ways


def turns_beyond(equation: Any, turns: int) -> int:
    """How many turns more a loop makes that has turned so often and is at its end."""
    beyond = _run_on.get()
    if beyond is None or not _iterates(equation):
        return 0
    if _at_tolerances.get() and not ends_at_a_tolerance(equation):
        return 0
    if _themselves.get() and not ends_itself_at_a_tolerance(equation):
        return 0
    return beyond(turns)
