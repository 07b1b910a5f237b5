"""Points between the ties of a program, beyond the outermost, and beside each of them.

At a tie itself both pieces of a program are most often right.  A rule that is wrong in one piece is
wrong between two ties, or beyond the last one; what is a limit, or a series, in one piece is off
the most at its end, which is the float beside the tie.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxgrad.gradients.special_points.lines import Line, nearest
from jaxgrad.gradients.special_points.zero_search import Zero, in_turn

__all__ = ["beside_zeros", "between_zeros"]

# How far from the one to the other: in the middle, as at 0 between −1 and 1, much is right by
# symmetry.
PART = 0.375


def between_zeros(zeros: Sequence[Zero]) -> Iterator[tuple[np.ndarray, str]]:
    """Along every line a point between each two neighbouring zeros, and one beyond either end.

    Args:
        zeros: where critical arguments vanish.

    Yields:
        points with their words, the part that the given point is in left out: beside the zeros of
        each critical argument in turn, so that one of which there are many, as of a ``floor``,
        leaves room for others; of each line in turn, lines of single entries first.
    """
    yield from _rarest_first(zeros, _along)


def beside_zeros(zeros: Sequence[Zero]) -> Iterator[tuple[np.ndarray, str]]:
    """Along every line the floats next to each zero, on both sides.

    Args:
        zeros: where critical arguments vanish.

    Yields:
        points with their words, in the order of those between.
    """
    yield from _rarest_first(zeros, _next_to)


# The zeros that some point has to do with, and the point with its words.
Found = tuple[list[Zero], tuple[np.ndarray, str]]


def _rarest_first(
    zeros: Sequence[Zero], along: Callable[[Line, dict[float, Zero]], Iterator[Found]]
) -> Iterator[tuple[np.ndarray, str]]:
    count = Counter(zero.critical.key for zero in zeros)
    by_line: dict[Line, dict[float, Zero]] = {}
    for zero in sorted(zeros, key=lambda zero: count[zero.critical.key]):
        by_line.setdefault(zero.line, {}).setdefault(zero.t, zero)
    groups: dict[tuple[Any, ...], dict[Line, list[tuple[np.ndarray, str]]]] = {}
    for line, found in sorted(by_line.items(), key=lambda pair: pair[0].entry is None):
        for ends, point in along(line, found):
            rarest = min((zero.critical.key for zero in ends), key=count.__getitem__)
            groups.setdefault(rarest, {}).setdefault(line, []).append(point)

    def rank(key: tuple[Any, ...]) -> tuple[bool, int]:
        return all(line.entry is None for line in groups[key]), count[key]

    ordered = sorted(groups, key=rank)
    yield from in_turn([list(in_turn(list(groups[key].values()))) for key in ordered])


def _next_to(line: Line, zeros: dict[float, Zero]) -> Iterator[Found]:
    """Every zero, and the float on either side of it; of 0 what one digit of 1 makes of it."""
    unit = float(jnp.finfo(line.dtype).eps)
    for zero in sorted(zeros.values(), key=lambda zero: abs(zero.t - line.given)):
        end = np.array(zero.t, line.dtype)
        for way in (np.inf, -np.inf):
            with np.errstate(over="ignore"):  # the largest float has none beyond it
                beside = float(np.nextafter(end, line.dtype.type(way)))
            t = beside if zero.t else math.copysign(unit, way)
            if not math.isfinite(t):
                continue
            words = f"{line.describe(t)}, beside {line.number(zero.t)}, {zero.place}"
            yield [zero], (line.points(np.array([t]))[0], words)


def _along(line: Line, zeros: dict[float, Zero]) -> Iterator[Found]:
    """The zeros that each part of a line ends at, and the point inside."""
    ts = sorted(zeros)
    pieces = [(None, ts[0]), *itertools.pairwise(ts), (ts[-1], None)]
    others = [piece for piece in pieces if not _holds(piece, line.given)]
    for low, high in sorted(others, key=lambda piece: _distance(piece, line.given)):
        t = _inside(low, high, line)
        if t is not None:
            ends = [(line.number(end), zeros[end]) for end in (low, high) if end is not None]
            words = f"{line.describe(t)}, {_ends(*ends)}"
            yield [zero for _, zero in ends], (line.points(np.array([t]))[0], words)


def _ends(*ends: tuple[str, Zero]) -> str:
    """What a point is between, or beyond, in words.

    Args:
        ends: the numbers, and the zeros that are there.
    """
    numbers, zeros = zip(*ends, strict=True)
    places = [zero.place for zero in zeros]
    if len(ends) == 1:
        return f"beyond {numbers[0]}, {places[0]}"
    if len(set(places)) == 1:
        return f"between {' and '.join(numbers)}, {places[0]}"
    each = [f"{number}, {place}" for number, place in zip(numbers, places, strict=True)]
    return f"between {', and '.join(each)}"


def _holds(piece: tuple[float | None, float | None], t: float) -> bool:
    """Whether a point is certainly inside a part of a line."""
    low, high = piece
    return (low is None or low < t) and (high is None or t < high)


def _distance(piece: tuple[float | None, float | None], t: float) -> float:
    return min(abs(end - t) for end in piece if end is not None)


def _inside(low: float | None, high: float | None, line: Line) -> float | None:
    """A float inside a part of a line; None if it has none."""
    if low is None or high is None:
        end = high if low is None else low
        assert end is not None
        step = max(abs(end), 1.0) * PART
        t = end - step if low is None else end + step
    else:
        t = low + (high - low) * PART
    rounded = float(nearest(np.array(t), line.dtype))
    return rounded if _holds((low, high), rounded) else None
