"""Halving boxes until a statement is decided on each, a lot of them in one compiled call."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from jaxgrad.gradients.regions.boxes import Judged
from jaxgrad.gradients.regions.corners import corners, most_corners
from jaxgrad.numbers.intervals import points

__all__ = ["MOST_IN_LOT", "Searched", "most_kept", "most_open", "searched"]

# Boxes in one call, of a small program: it takes about a millisecond.
MOST_IN_LOT = 2048
_SMALLEST = float(np.finfo(np.float64).tiny)
# Boxes that wait times their variables: each has two ends, so that these take 128 MiB, and with the
# copies made on the way 300.
_NUMBERS = 2**23
# Of few variables it is their time that ends a search: a million boxes take seconds.
_MOST_OPEN = 2**20
# Boxes that a picture shows: of more each is less than a pixel wide.  Their numbers take 32 MiB.
_MOST_KEPT, _NUMBERS_KEPT = 20_000, 2**21


def most_open(variables: int) -> int:
    """How many boxes of so many variables may wait.

    Example:
        >>> most_open(1), most_open(100), most_open(10**8)
        (1048576, 83886, 1)
    """
    return max(1, min(_MOST_OPEN, _NUMBERS // variables))


def most_kept(variables: int) -> int:
    """How many boxes of so many variables are kept for a picture.

    Example:
        >>> most_kept(1), most_kept(1000)
        (20000, 2097)
    """
    return max(1, min(_MOST_KEPT, _NUMBERS_KEPT // variables))


@dataclass
class Searched:
    """What is known of a box.

    Args:
        low, high: the ends of the boxes that are open, of shape (boxes, variables).
        closed: ends of boxes on which the statement holds, and of the values of the first entry
            there, as many as a picture shows: (low, high, least, most).
        failing: points at which it fails, by intervals.
        looked: at how many boxes it was asked.
        share: of the whole box, how much is open.
        ended: what ended the search while boxes were open, in words.
    """

    low: np.ndarray
    high: np.ndarray
    closed: list[tuple[np.ndarray, ...]] = field(default_factory=list)
    failing: np.ndarray | None = None
    looked: int = 0
    share: float = 1.0
    ended: str = ""


def searched(
    judge: Callable[[Any, Any], Judged],
    low: np.ndarray,
    high: np.ndarray,
    seconds: float,
    said: Callable[[str], None],
    lot: int = MOST_IN_LOT,
) -> Searched:
    """Halves a box until a statement holds on every part, or fails at a point.

    Args:
        judge: the compiled judgement of a lot of boxes.
        low, high: the ends of the box, of shape (variables,).
        seconds: how long it may take from the end of the first call on, in which the judgement is
            compiled: what is found does not depend on how long that takes.  At 0 there is none.
        said: is told how far it is.
        lot: how many boxes one call has.
    """
    start = time.monotonic() if seconds <= 0 else math.inf
    found = Searched(low[None].copy(), high[None].copy())
    weights, narrow = np.ones(1), _none(low)
    kept, most, keeping = 0, most_open(low.size), most_kept(low.size)
    few, draw = most_corners(lot), np.random.default_rng(0)
    tried = corners(found.low, found.high, few, draw)
    while len(found.low) or len(tried):
        if time.monotonic() - start > seconds:
            found.ended = f"{seconds:g} s"
            break
        if len(found.low) + len(narrow[0]) > most:
            variables = f" of {low.size} variables" * (low.size > 1)
            found.ended = f"more than {most} boxes{variables} are not kept"
            break
        count = min(lot - len(tried), len(found.low))
        lows, highs, sizes = found.low[:count], found.high[:count], weights[:count]
        # Wide enough for what the compiled program flushes to 0.
        ends = (
            _filled(points(np.concatenate([lows, tried])).parts[0], lot),
            _filled(points(np.concatenate([highs, tried])).parts[1], lot),
        )
        answers = [np.asarray(each) for each in judge(*ends)]
        start = min(start, time.monotonic())
        judged = Judged(*(each[:count] for each in answers))
        found.looked += count
        wrong = judged.fails | judged.fails_inside
        wrong_corners = Judged(*answers).fails[count : count + len(tried)]
        if wrong.any() or wrong_corners.any():
            # Where a box fails all over any point of it does; else the one that was judged.
            middles = np.where(
                judged.fails[:, None], judged.middle.clip(lows, highs), judged.middle
            )
            found.failing = np.concatenate([tried[wrong_corners], middles[wrong]])
            return found
        held = judged.holds
        if kept < keeping:
            found.closed.append((lows[held], highs[held], judged.low[held], judged.high[held]))
            kept += int(held.sum())
        open_ = ~held
        tried = corners(lows[open_], highs[open_], few, draw)
        halves, halved, stuck = _halves(lows[open_], highs[open_], judged.split[open_])
        rest = sizes[open_]
        narrow = tuple(
            np.concatenate(pair) for pair in
            zip(narrow, (lows[open_][stuck], highs[open_][stuck], rest[stuck]), strict=True)
        )  # fmt: skip
        found.low = np.concatenate([found.low[count:], halves[0]])
        found.high = np.concatenate([found.high[count:], halves[1]])
        weights = np.concatenate([weights[count:], np.tile(rest[halved] / 2, 2)])
        found.share = float(weights.sum() + narrow[2].sum())
        said(f"{found.looked} boxes, {found.share:.2g} of the region open")
    found.low = np.concatenate([found.low, narrow[0]])
    found.high = np.concatenate([found.high, narrow[1]])
    if len(narrow[0]) and not found.ended:
        found.ended = "boxes as narrow as float64 has them"
    return found


def _none(low: np.ndarray) -> tuple[np.ndarray, ...]:
    nothing = np.empty((0, low.size))
    return nothing, nothing, np.empty(0)


def _filled(ends: np.ndarray, lot: int) -> np.ndarray:
    """A lot as long as all others, so that one program does."""
    missing = lot - len(ends)
    return np.concatenate([ends, np.repeat(ends[-1:], missing, 0)]) if missing else ends


def _halves(
    low: np.ndarray, high: np.ndarray, split: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray]:
    """Both halves of boxes; which have any, and which are too narrow."""
    rows = np.arange(len(low))
    middle = low[rows, split] / 2 + high[rows, split] / 2  # the way between them may overflow
    # A compiled program flushes what is subnormal to 0: so near to it boxes are halved there alone.
    middle = np.where(abs(middle) < _SMALLEST, 0.0, middle)
    halved = (low[rows, split] < middle) & (middle < high[rows, split])
    first_high, second_low = high[halved].copy(), low[halved].copy()
    kept = np.arange(int(halved.sum()))
    first_high[kept, split[halved]] = second_low[kept, split[halved]] = middle[halved]
    halves = (
        np.concatenate([low[halved], second_low]),
        np.concatenate([first_high, high[halved]]),
    )
    return halves, halved, ~halved
