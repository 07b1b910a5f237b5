"""How much CPU time, and how much memory, a part of a check may take.

Numbers come one by one, each by a call from Python.  The loops that make them call :func:`tick`,
which ends the part that is under way once its time is spent.  What is made in one call of FLINT or
of XLA is bounded by the sizes that these are handed.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

from jaxgrad.numbers.context import holding

__all__ = [
    "ELEMENTS",
    "GRACE",
    "MOST_MEMORY",
    "WORDS",
    "Part",
    "Spent",
    "grace",
    "hasten",
    "in_grace",
    "prolong",
    "tick",
    "ticking",
    "watched",
    "within",
]

T = TypeVar("T")

# What a check may take beside what the process has at its start.
MOST_MEMORY = 2**30
# Seconds between two looks at the CPU time and the memory, and at what is to be said meanwhile.
BETWEEN_LOOKS = 0.05
# CPU seconds in which an error that was found is narrowed down and put into words.
GRACE = 10.0
# CPU seconds in which one thing about it is sought, such as what it is like.  A tenth is the rule,
# but where a process holds much, collecting its garbage takes a second that counts as well.
WORDS = 3.0
# An element takes 0.2 to 20 μs, and a look at the clock 0.1 μs.
ELEMENTS = 128


class Spent(BaseException):
    """The time or the memory of a part of a check is spent.

    It is no error: nothing within the part may take a number that is not had in time for one that
    cannot be had.
    """


@dataclass
class Part:
    """A part of a check that has its own time.

    Args:
        spent: what was spent before its end, in words; None if it came to its end.
    """

    spent: str | None = None


class _Watch:
    """Until when a part may go on, and what is looked at meanwhile."""

    __slots__ = ("deadline", "given", "half", "look", "memory", "next", "why")

    def __init__(
        self, deadline: float, why: str, memory: float, look: Callable[[], None] | None
    ) -> None:
        self.deadline, self.why, self.memory, self.look = deadline, why, memory, look
        self.given = deadline
        self.half = (time.process_time() + deadline) / 2
        self.next = 0.0

    def examine(self) -> None:
        left = self.deadline - time.process_time()
        if left <= 0:
            raise Spent(self.why)
        self.next = time.perf_counter() + min(left, BETWEEN_LOOKS)
        if self.look is not None:
            self.look()
        if _resident() > self.memory:
            raise Spent(f"{MOST_MEMORY // 2**30} GiB of memory")


_current: ContextVar[_Watch | None] = ContextVar("watch", default=None)


def tick() -> None:
    """Ends the part that is under way where what it may take is spent.

    Raises:
        Spent: it is.
    """
    watch = _current.get()
    # The wall clock is ten times as fast to read, and no CPU time passes without it.
    if watch is not None and time.perf_counter() >= watch.next:
        watch.examine()


def ticking(values: Iterable[T]) -> Iterator[T]:
    """The same values, with a look at the clock now and then.

    Example:
        >>> sum(ticking(range(1000)))
        499500
    """
    iterator = iter(values)
    while some := list(islice(iterator, ELEMENTS)):
        tick()
        yield from some


@contextlib.contextmanager
def watched(look: Callable[[], None], limited: bool = True) -> Iterator[None]:
    """Watches the memory of a block, which may take so much beside what there is at its start.

    Args:
        look: called now and then.
        limited: whether memory is limited.
    """
    memory = _resident() + MOST_MEMORY if limited else math.inf
    with holding(_current, _Watch(math.inf, "", memory, look)):
        yield


@contextlib.contextmanager
def within(seconds: float) -> Iterator[Part]:
    """Leaves the block where so much CPU time is spent, or that of a block around it.

    Example:
        >>> with within(0.01) as part:
        ...     while True:
        ...         tick()
        >>> part.spent
        '0.01 CPU s'
    """
    part, outer = Part(), _current.get()
    deadline, why = time.process_time() + seconds, f"{seconds:.3g} CPU s"
    memory, look = math.inf, None
    if outer is not None:
        memory, look = outer.memory, outer.look
        if outer.deadline < deadline:
            deadline, why = outer.deadline, outer.why
    try:
        with holding(_current, _Watch(deadline, why, memory, look)):
            yield part
    except Spent as spent:
        part.spent = str(spent)


@contextlib.contextmanager
def grace(seconds: float = GRACE) -> Iterator[None]:
    """Gives a block this time whatever is left of a part: what is found wrong is said."""
    outer = _current.get()
    if outer is None:
        yield
        return
    deadline = max(outer.deadline, time.process_time() + seconds)
    with holding(_current, _Watch(deadline, outer.why, outer.memory, outer.look)):
        yield


def prolong(seconds: float) -> None:
    """Gives the part that is under way so long from now on, and no more than that altogether.

    For what may be wrong, where whether it is takes long to see.

    Example:
        >>> with within(0.0) as part:
        ...     prolong(60)
        ...     tick()
        >>> part.spent is None
        True
    """
    watch = _current.get()
    if watch is not None:
        latest = min(time.process_time() + seconds, watch.given + seconds)
        watch.deadline = max(watch.deadline, latest)
        watch.next = 0.0


def hasten() -> None:
    """Ends the part that is under way where half of its time is spent, but not at once.

    For what is known to be wrong: an answer is worth more than what else is.

    Example:
        >>> with within(100) as part:
        ...     hasten()
        ...     prolong(1)
        ...     tick()
        >>> part.spent is None
        True
    """
    watch = _current.get()
    if watch is not None:
        soon = max(watch.half, time.process_time() + GRACE)
        watch.deadline = watch.given = min(watch.deadline, soon)
        watch.next = 0.0


@contextlib.contextmanager
def in_grace(seconds: float = GRACE) -> Iterator[Part]:
    """Gives a block this time whatever is left of a part, and leaves it where that is spent.

    What was found wrong before is said without what the block would have told of it.

    Example:
        >>> with within(0.0) as part:
        ...     with in_grace(0.01) as told:
        ...         while True:
        ...             tick()
        ...     print(told.spent)
        0.01 CPU s
    """
    with grace(2 * seconds), within(seconds) as part:  # the inner one ends first
        yield part


_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_STATUS = "/proc/self/statm"


def _resident() -> int:
    """The bytes of memory that the process holds; 0 where the system does not say."""
    try:
        with open(_STATUS, "rb") as file:
            return int(file.read().split()[1]) * _PAGE
    except (OSError, IndexError, ValueError):
        return _most_resident()


def _most_resident() -> int:
    """The most that it ever held, which is never less."""
    try:
        import resource  # not on Windows
    except ImportError:
        return 0
    import sys

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
