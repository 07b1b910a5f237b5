"""Points towards which a difference grows that rounding hides at a given one.

A forgotten ε, a series that ends, a fit: such formulas are right to nearly all digits at ordinary
numbers, and another number where an input is small or large.  From a point at which two formulas
differ in their last digits, every leaf and every entry is made smaller and larger, as long as fewer
digits agree, and from the worst point once more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from jaxgrad.gradients.special_points.lines import Line, Space, lines, nearest
from jaxgrad.gradients.special_points.search import SpecialPoint
from jaxgrad.programs.trace import Leaf

__all__ = ["pursue"]

# 2 to these powers is what a number is multiplied by, in turn: within 2^20 everything of which a
# float32 has half the digits beside 1.
EXPONENTS = (2, 5, 9, 14, 20)
MOST_LINES = 12
ROUNDS = 2
# So many bits fewer at a step are no growth, but another number.
LEAST = 0.5


def pursue(
    leaves: Sequence[Leaf],
    start: float,
    bits_at: Callable[[SpecialPoint], float | None],
    why: str = "",
    entries: bool = True,
) -> None:
    """Follows a difference to where it is largest.

    Args:
        leaves: the floating-point leaves with their values, the point from where it starts.
        start: to how many bits the formulas agree there.
        bits_at: the same at another point, infinite where they do not differ; None ends it.
        why: what the point is in words, if it is not the given one.
        entries: whether single entries are made smaller and larger, too.

    Example:
        >>> x = Leaf("x", (), np.dtype("float32"), np.float32(1))
        >>> pursued = []
        >>> def bits_at(point):
        ...     pursued.append(point.why)
        ...     return 20 + 2 * math.log2(abs(float(point.values[0])))
        >>> pursue([x], 20, bits_at)
        >>> pursued[:3]
        ['x = 0.25', 'x = 0.03125', 'x = 0.001953125']
    """
    search = _Pursuit(bits_at, entries)
    for _ in range(ROUNDS):
        space = Space(leaves)
        best = search.along_lines(space, start, why)
        if search.ended or best is None:
            return
        start, values, why = best
        leaves = [replace(leaf, value=x) for leaf, x in zip(leaves, values, strict=True)]


# To how many bits formulas agree at a point, the point, and what it is in words.
Worse = tuple[float, list[np.ndarray], str]


class _Pursuit:
    """A search that is told how many bits agree at each point that it comes to."""

    def __init__(self, bits_at: Callable[[SpecialPoint], float | None], entries: bool) -> None:
        self._bits_at, self._entries = bits_at, entries
        self._seen: set[bytes] = set()
        self.ended = False

    def along_lines(self, space: Space, start: float, why: str) -> Worse | None:
        """The worst point along lines from the one of a space; None if none is worse."""
        best: Worse | None = None
        for line in _scaling(space, self._entries):
            for sign in (-1, 1):
                for worse in self._along(space, line, sign, start, why):
                    if worse[0] < (start if best is None else best[0]) - LEAST:
                        best = worse
                if self.ended:
                    return best
        return best

    def _along(
        self, space: Space, line: Line, sign: int, start: float, why: str
    ) -> Iterator[Worse]:
        """Further and further, while fewer bits agree."""
        last = start
        for exponent in EXPONENTS:
            t = float(nearest(np.array(line.given * 2.0 ** (sign * exponent)), line.dtype))
            point = space.rounded(line.points(np.array([t])))[0]
            if point.tobytes() in self._seen or not np.isfinite(point).all():
                return
            self._seen.add(point.tobytes())
            values = space.arrays(point)
            words = _after(why, line.describe(t))
            bits = self._bits_at(SpecialPoint(values, words, pursued=True))
            if bits is None:
                self.ended = True
                return
            if not bits < last - LEAST:
                return
            last = bits
            yield bits, values, words


def _after(why: str, then: str) -> str:
    """Where a point is, of one that is some way from another.

    Example:
        >>> _after("x[1] = 4.0", "x is 0.25 times what was given")
        'x[1] = 4.0, and then x is 0.25 times as large'
    """
    return f"{why}, and then {then.replace('what was given', 'as large')}" if why else then


def _scaling(space: Space, entries: bool) -> list[Line]:
    """Lines along which all leaves, each leaf, or single entries are multiplied by a number."""
    found = [line for line in lines(space, MOST_LINES) if line.given != 0.0]
    whole = [line for line in found if line.entry is None and line.slope.any() and _scales(line)]
    return [*whole, *(line for line in found if entries and line.entry is not None)]


def _scales(line: Line) -> bool:
    """Whether t = 0 is where all that moves is 0, and t = 1 the point itself."""
    return line.given == 1.0 and math.isclose(float(np.max(abs(line.slope * line.origin))), 0.0)
