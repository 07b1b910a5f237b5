"""The parts of a check in their order, each with its share of the CPU time.

The given point comes first and has a time of its own.  What follows shares a budget: each part may
go on until its end in it, so that what one leaves over is the next one's.  Which points are tried,
and how far loops and polynomials may go, is bounded by counts of work besides, so that it is the
same on every machine that is fast enough; the clock is the hard end.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator

from jaxgrad.errors import ArgumentError
from jaxgrad.numbers.clock import Part, watched, within
from jaxgrad.numbers.progress import Progress

__all__ = ["BUDGET", "Stages", "checked_budget", "default_budget"]

# CPU seconds of the given point, and of all that follows unless somebody asks for more.
GIVEN = 60.0
BUDGET = 5.0
# Until which part of the budget each may go on: what finds most comes first.
ENDS = {
    "rules": 0.4,
    "special points": 0.7,
    "pursuit": 0.8,
    "vmap": 0.88,
    "floats": 0.95,
    "proof": 1.0,
    "rules at fault": 1.0,  # where something is wrong, and nothing else follows
}

_default = [BUDGET]  # of all threads


@contextlib.contextmanager
def default_budget(seconds: float) -> Iterator[None]:
    """What a check without ``budget=`` has, within a block.

    Example:
        >>> with default_budget(math.inf):
        ...     checked_budget(None)
        inf
    """
    before, _default[0] = _default[0], checked_budget(seconds)
    try:
        yield
    finally:
        _default[0] = before


def checked_budget(seconds: float | None) -> float:
    """A budget in seconds; the default one for None.

    Raises:
        ArgumentError: it is no number, or negative.
    """
    if seconds is None:
        return _default[0]
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not number or not seconds >= 0:
        raise ArgumentError(
            f"budget is {seconds!r}; it is a number of CPU seconds for all but the given point, "
            "5 by default, and math.inf for as long as it takes"
        )
    return float(seconds)


class Stages:
    """The time that the parts of one check have.

    Args:
        budget: CPU seconds of all but the given point.
        share: whether that is a part of what somebody asked for, and not the whole.
    """

    def __init__(self, budget: float, share: bool = False) -> None:
        self.budget = budget
        rounded = float(f"{max(budget, 0):.2g}")
        self._whose = f"its share of the time, {rounded:g}" if share else f"{budget:g}"
        self.missed: list[str] = []
        self._known: Callable[[], object] | None = None
        self._memory: str | None = None
        self._start = time.process_time()
        self._rest = self._start  # when the given point was done with
        self._here = 0.0  # what it has left
        self.progress = Progress()

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Watches a whole check, its memory and what is said of its progress.

        An interrupt ends it, and what is known by then is said.
        """
        limited = math.isfinite(self.budget)
        with watched(self.progress.look, limited), self.progress.followed(self._so_far):
            yield

    def knows(self, known: Callable[[], object]) -> None:
        """Takes what says what is known so far, where an interrupt asks for it."""
        self._known = known

    def _so_far(self) -> object:
        return "nothing known yet" if self._known is None else self._known()

    @contextlib.contextmanager
    def given(self) -> Iterator[Part]:
        """The time of the given point: a minute, or the budget if that is more."""
        self.progress.say("the given point")
        start, self._here = time.process_time(), max(GIVEN, self.budget)
        with within(self._here) as part:
            yield part
        self._rest = time.process_time()
        self._here -= self._rest - start

    @contextlib.contextmanager
    def here(self, name: str) -> Iterator[Part]:
        """What is left of the time of the given point, for what is asked there behind other parts.

        Args:
            name: what it is.
        """
        self.progress.say(name)
        start = time.process_time()
        with within(self._here) as part:
            yield part
        self._here -= time.process_time() - start

    @contextlib.contextmanager
    def part(self, name: str, most: float = math.inf) -> Iterator[Part]:
        """One part, which is left where its time is spent.

        Args:
            name: one of :data:`ENDS`.
            most: CPU seconds that it may take at most.
        """
        self.progress.say(name)
        with within(min(most, self.left(name))) as part:
            yield part

    def left(self, name: str) -> float:
        """The CPU seconds that a part has from now on."""
        return self._rest + ENDS[name] * self.budget - time.process_time()

    def miss(self, part: Part, what: str) -> None:
        """Notes what a part did not come to."""
        if part.spent is not None and "memory" in part.spent:
            self._memory = part.spent
        self.missed.append(what)

    @property
    def elapsed(self) -> float:
        """The CPU seconds of the check so far."""
        return time.process_time() - self._start

    @property
    def note(self) -> str | None:
        """What was not reached, in words."""
        if not self.missed:
            return None
        limit = self._memory or f"{self._whose} CPU s"
        return f"not reached in {limit}: {', '.join(self.missed)}; budget= gives more"
