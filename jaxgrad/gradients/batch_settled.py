"""The points of a batch that compiled intervals leave open, or tell apart, one by one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxgrad.gradients.batch_points import Batch
from jaxgrad.gradients.floats.hidden import SOME_BITS
from jaxgrad.gradients.lying import Lying
from jaxgrad.gradients.trusts import INTERVALS
from jaxgrad.numbers.clock import within

__all__ = ["Judged", "Settled", "settled"]

# CPU seconds for the points in doubt, judged one by one, the worst first: of a rule with a rounded
# constant that cancels half of a thousand points may be.
BUDGET = 20.0
# And for those at which sums differ that agree to enough bits.
BUDGET_OF_SUMS = 5.0


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
        sums: at how many of them sums of entries differ, and the entries were not judged.
        refuted: what says that they differ at one of them, or None.
        one_by_one: at how many points they were judged by themselves.
        why: why some point is open.
        failed: why intervals know nothing, or None.
        spent: what ended the judging one by one, or None.
    """

    batch: Batch
    bits: np.ndarray
    left: np.ndarray
    sums: int = 0
    refuted: Any = None
    one_by_one: int = 0
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
    def in_words(self) -> str:
        """What is known, as a part of a sentence."""
        finite = self.bits[np.isfinite(self.bits)]
        drawn = "drawn for a" if self.batch.drawn else "of the"
        often = f" ({self.one_by_one} of them by balls)" if self.one_by_one else ""
        agree = f"to {int(finite.min())} bits at least" if finite.size else "all equal"
        return f"at the {len(self.batch)} points {drawn} batch{often} {agree}"

    def left_open(self) -> str:
        """Why the batch is not decided."""
        why = "; ".join(filter(None, (self.failed, self.why)))
        time = f" in {self.spent}, all there is for that" if self.spent else ""
        return (
            f"some entry is not known to agree at {self.open} of the {len(self.batch)} points of "
            f"the batch; {self.one_by_one} were judged by balls{time}"
            + (f" ({why})" if why else "")
        )


def settled(
    batch: Batch,
    lying: Lying | str,
    judge: Callable[[int], Judged],
    exact: bool = False,
    of_sums: bool = False,
) -> Settled:
    """What is known of the points of a batch, those in doubt judged one by one, the worst first.

    In doubt is a point where intervals tell the sides apart by more than half of the last bit of a
    float, which rounding the result may take; and one where they agree to fewer bits than that.
    Such a point is left open until it is judged.

    Args:
        batch: the points.
        lying: how the sides lie over intervals, or why that is not known.
        judge: judges one point.
        exact: whether a difference counts that rounding would hide.
        of_sums: whether what lies so are sums of entries, of which a large one hides a small one:
            where the sums differ at all points are judged, too, as far as there is time.
    """
    failed = lying if isinstance(lying, str) else None
    if isinstance(lying, str):
        lying = Lying.unknown(len(batch))
    doubtful = lying.apart | (lying.least < math.inf) if exact else lying.short
    found = Settled(batch, lying.least.copy(), doubtful.copy(), failed=failed)
    worst = np.lexsort((lying.least, ~lying.apart))
    found.spent = _judged(found, worst[doubtful[worst]], judge, BUDGET)
    if of_sums and found.refuted is None:
        others = worst[(lying.apart & ~doubtful)[worst]]
        before = found.one_by_one
        _judged(found, others, judge, BUDGET_OF_SUMS)
        found.sums = len(others) - (found.one_by_one - before)
    return found


def _judged(
    found: Settled, which: np.ndarray, judge: Callable[[int], Judged], seconds: float
) -> str | None:
    """Judges points one by one, and says what ended that before all were, or None."""
    with within(seconds) as part:
        for k in map(int, which):
            judged = judge(k)
            found.one_by_one += 1
            if judged.refuted is not None:
                found.refuted = judged.refuted
                break
            found.why = found.why or judged.why
            found.left[k] &= judged.bits < SOME_BITS
            found.bits[k] = max(found.bits[k], judged.bits)
    return part.spent
