"""The points of a batch that compiled intervals leave open, or tell apart, one by one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from jaxgrad.errors import CannotDecide, NoDerivative, UnsupportedPrimitive
from jaxgrad.gradients.batch_points import Batch
from jaxgrad.gradients.enclosure import ENOUGH_BITS
from jaxgrad.gradients.floats.hidden import SOME_BITS
from jaxgrad.gradients.lying import Lying
from jaxgrad.gradients.trusts import INTERVALS
from jaxgrad.numbers.clock import tick, within

__all__ = ["BUDGET", "Entries", "Judged", "Settled", "known", "looked_at", "settled"]

T = TypeVar("T")

# CPU seconds for what intervals leave open, judged one by one, the worst first, unless somebody
# asks for more.
BUDGET = 20.0

# So many points that are open are named.
_NAMED = 5

# Of points at which sums may hide an entry some at a time, and how their entries lie.
Entries = Callable[[np.ndarray], Iterator[tuple[np.ndarray, Lying]]]


@dataclass(frozen=True)
class Judged:
    """What is known of one point.

    Args:
        bits: to how many the two sides agree; −∞ where that is open.
        refuted: what says that they differ, or None.
        why: why it is open.
    """

    bits: float = -math.inf
    refuted: Any = None
    why: str = ""


@dataclass
class Settled:
    """What is known of all points.

    Args:
        batch: the points.
        bits: the fewest bits to which the two sides agree at each.
        left: at which of them it is not known whether they agree.
        differing: at which of them their formulas differ, as balls say or else intervals.
        refuted: what says that they differ at one of them, or None.
        one_by_one: at how many points they were judged by themselves.
        entries: at how many points every entry was asked for, as sums of them may hide one.
        why: why some point is open.
        failed: why intervals know nothing, or None.
        spent: what ended it before all points were judged, or None.
    """

    batch: Batch
    bits: np.ndarray
    left: np.ndarray
    differing: np.ndarray
    refuted: Any = None
    one_by_one: int = 0
    entries: int = 0
    why: str = ""
    failed: str | None = None
    spent: str | None = None

    @property
    def trusts(self) -> tuple[str, ...]:
        """What it rests on besides balls."""
        return INTERVALS if self.failed is None else ()

    @property
    def open(self) -> int:
        """At how many points some entry is not known to agree."""
        return int(self.left.sum())

    @property
    def worst(self) -> int | None:
        """Of the points at which the sides differ that at which they agree to the fewest bits."""
        where = np.flatnonzero(self.differing)
        return int(where[np.argmin(self.bits[where])]) if len(where) else None

    @property
    def in_words(self) -> str:
        """What is known, as a part of a sentence."""
        finite = self.bits[np.isfinite(self.bits)]
        often = f" ({self.one_by_one} of them by balls)" if self.one_by_one else ""
        agree = f"to {int(finite.min())} bits at least" if finite.size else "all equal"
        return f"at {self.batch.in_words}{often} {agree}"

    def left_open(self, more: str) -> str:
        """Why the batch is not decided.

        Args:
            more: what gives it more time.
        """
        why = "; ".join(filter(None, (self.failed, self.why)))
        time = f" in {self.spent}, all there is for that ({more})" if self.spent else ""
        first = [str(self.batch.number(int(k))) for k in np.flatnonzero(self.left)[:_NAMED]]
        more_of_them = ", …" * (self.open > _NAMED)
        return (
            f"some entry is not known to agree at {self.open} of the {len(self.batch)} points of "
            f"the batch (point {', '.join(first)}{more_of_them}, counted from 0); "
            f"{self.one_by_one} were judged one by one{time}" + (f" ({why})" if why else "")
        )


def looked_at(
    where: Iterable[int], look: Callable[[int], T | None], seconds: float = 0.0
) -> tuple[T | None, str | None]:
    """The first thing to be said of some points, one after another, and what was spent before.

    Args:
        where: their numbers.
        look: says it of one, None where there is nothing to say.
        seconds: how long it may take if that is more than usual.

    Example:
        >>> looked_at([1, 2, 3], lambda k: "two" if k == 2 else None)
        ('two', None)
        >>> looked_at([1, 3], lambda k: "two" if k == 2 else None)
        (None, None)
    """
    found: T | None = None
    with within(max(BUDGET, seconds)) as part:
        for k in where:
            tick()
            found = look(k)
            if found is not None:
                break
    return found, part.spent


def known(lying: Callable[[], Lying]) -> Lying | str:
    """How two sides lie, or why that is not known: memory that is spent is no error.

    Args:
        lying: says it.

    Example:
        >>> def fails():
        ...     raise UnsupportedPrimitive("no rule")
        >>> known(fails)
        'no rule'
    """
    with within(math.inf) as part:
        try:
            return lying()
        except (CannotDecide, NoDerivative, UnsupportedPrimitive) as error:
            return str(error)
    return f"intervals take more than {part.spent}"


def settled(
    batch: Batch,
    lying: Lying | str,
    judge: Callable[[int], Judged],
    exact: bool = False,
    entries: Entries | None = None,
    hiding: np.ndarray | None = None,
    seconds: float = 0.0,
    most: float = math.inf,
) -> Settled:
    """What is known of the points of a batch, those in doubt judged one by one, the worst first.

    In doubt is a point where intervals tell the sides apart by more than half of the last bit of a
    float, which rounding the result may take, and by more than what the roundings of the program
    that gives it take; and one where they agree to fewer bits than that.  Such a point is left open
    until it is judged.

    Args:
        batch: the points.
        lying: how the sides lie over intervals, or why that is not known.
        judge: judges one point.
        exact: whether a difference counts that rounding would hide.
        entries: where what lies so are sums of entries, of which a large one hides a small one: how
            the entries lie.
        hiding: at which points it may, which are left open where they are not known.
        seconds: how long it may take if that is more than usual.
        most: how long it may take at all.
    """
    failed = lying if isinstance(lying, str) else None
    if isinstance(lying, str):
        lying = Lying.unknown(len(batch))
    doubtful = lying.apart | (lying.least < math.inf) if exact else lying.doubtful
    sums = np.zeros_like(doubtful) if hiding is None else hiding & ~doubtful
    found = Settled(batch, lying.least.copy(), doubtful | sums, lying.apart.copy())
    found.failed = failed
    worst = np.lexsort((lying.least, ~lying.apart))
    with within(min(most, max(BUDGET, seconds))) as part:
        _judge(found, worst[doubtful[worst]], judge)
        if entries is not None:
            _judge_entries(found, worst[sums[worst]], entries, judge)
    found.spent = part.spent
    return found


def _judge_entries(
    found: Settled, which: np.ndarray, entries: Entries, judge: Callable[[int], Judged]
) -> None:
    if found.refuted is not None or not len(which):
        return
    lots = entries(which)
    while True:
        try:
            where, lying = next(lots, (which[:0], None))
        except (CannotDecide, UnsupportedPrimitive) as error:
            found.why = found.why or str(error)
            return
        if lying is None:
            return
        found.entries += len(where)
        found.bits[where], found.left[where] = lying.least, lying.doubtful
        worst = np.lexsort((lying.least, ~lying.apart))
        _judge(found, where[worst[lying.doubtful[worst]]], judge)
        if found.refuted is not None:
            return


def _judge(found: Settled, which: np.ndarray, judge: Callable[[int], Judged]) -> None:
    """Judges points one by one."""
    for k in map(int, which):
        judged = judge(k)
        found.one_by_one += 1
        if judged.refuted is not None:
            found.refuted = judged.refuted
            return
        found.why = found.why or judged.why
        found.left[k] &= judged.bits < SOME_BITS
        found.bits[k] = max(found.bits[k], judged.bits)
        found.differing[k] = judged.bits < ENOUGH_BITS
