"""Where two sides differ by no more than what the rounding of either, as compiled, could hide."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.enclosure import Meeting, meet, settled
from jaxgrad.gradients.floats.hidden import SOME_BITS, rounded
from jaxgrad.gradients.special_points.pursuit import pursue
from jaxgrad.gradients.special_points.search import SpecialPoint
from jaxgrad.interpret.sides import Side
from jaxgrad.numbers.ball import relative_bits
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.programs.jaxprs import operations

__all__ = ["HIDDEN", "Met", "without_hidden"]

# Points towards which a difference is pursued, and operations in all of them: about 2 s.
MOST_POINTS = 40
BUDGET = 100_000

HIDDEN = (
    "; the formulas differ, by no more than the rounding of the compiled sides could hide; "
    "exact=True asks for the formulas alone"
)
"""What is said of a difference that rounding hides."""

_Entry = tuple[int, tuple[int, ...]]


class Met:
    """Two sides at one point after another.

    Args:
        hand, auto: the sides.
        exact: whether they differ where rounding could hide it.
    """

    def __init__(self, hand: Side, auto: Side, exact: bool) -> None:
        self._sides, self.exact = (hand, auto), exact
        self._hidden: tuple[float, list[Any]] | None = None

    def at(self, point: list[Any]) -> Meeting:
        """How they lie at a point.

        Raises:
            CannotDecide, UnsupportedPrimitive: as the rules do.
        """
        return self._at(point, settled)

    def _at(self, point: list[Any], further: Callable[[Side, Side, Meeting], Meeting]) -> Meeting:
        """How they lie, where what is forgiven does not leave the other entries open.

        Args:
            point: which one.
            further: of the sides and their meeting another one, in which other entries are settled.
        """
        meeting = meet(*self._sides, point)
        if self.exact or not meeting.differs:
            return meeting
        found = without_hidden(*self._sides, meeting)
        more = meeting if found.differs else further(*self._sides, meeting)
        if more is not meeting:
            found = without_hidden(*self._sides, more)
        if not found.differs and (self._hidden is None or found.least_bits() < self._hidden[0]):
            self._hidden = found.least_bits(), point
        return found

    @property
    def hidden(self) -> list[Any] | None:
        """The point at which the sides agree to the fewest bits where rounding hides the others."""
        return None if self._hidden is None else self._hidden[1]

    @property
    def in_words(self) -> str:
        """What is said of a difference that rounding hides."""
        return "" if self._hidden is None else HIDDEN

    def grown(self, allowed: Callable[[list[Any]], bool]) -> Meeting | None:
        """The meeting at a point towards which a hidden difference grows until it is none.

        Args:
            allowed: whether a point may be looked at.
        """
        if self._hidden is None:
            return None
        (bits, values), found = self._hidden, []
        inputs = self._sides[0].inputs
        moving = [i for i, leaf in enumerate(inputs) if leaf.differentiable]
        tried = 0

        def bits_at(point: SpecialPoint) -> float | None:
            nonlocal tried
            tried += 1
            if tried > self._most:
                return None
            whole = list(values)
            for i, value in zip(moving, point.values, strict=True):
                whole[i] = value
            if not allowed(whole):
                return math.inf
            try:
                # A zero is as good as any number here: what counts are the fewest bits.
                meeting = self._at(whole, lambda _hand, _auto, meeting: meeting)
            except (CannotDecide, UnsupportedPrimitive):
                return math.inf
            found.extend([meeting] if meeting.differs else [])
            return None if found else meeting.least_bits()

        leaves = [replace(inputs[i], value=np.asarray(values[i])) for i in moving]
        pursue(leaves, bits, bits_at)
        return found[0] if found else None

    @cached_property
    def _most(self) -> int:
        programs = [side.program for side in self._sides if side.program is not None]
        size = sum(operations(program.jaxpr.jaxpr) for program in programs)
        return min(MOST_POINTS, BUDGET // max(size, 1))


def without_hidden(hand: Side, auto: Side, meeting: Meeting) -> Meeting:
    """A meeting in which entries that rounding hides from one another are not apart.

    Of those that agree to a few bits alone nothing is known.

    The entry that is furthest apart is asked for first: where that is no matter of rounding, the
    two sides differ, and all entries stand as they are; those that rounding hides are marked before
    the first of each leaf that it does not hide, which is the one to be shown.
    """
    either = [side for side in (hand, auto) if side.program is not None]
    programs = [rounded(side.program, meeting.values) for side in either if side.program]
    entries = sorted(_apart(meeting), key=lambda entry: _bits(meeting, entry))

    def hides(entry: _Entry) -> bool:
        if not hand.outputs[entry[0]].differentiable:  # an integer, or a truth value
            return False
        difference = abs(_number(meeting.hand, entry) - _number(meeting.auto, entry))
        weights = [(*entry, 1.0)]
        return any(x is not None and x.hides(weights, difference) for x in programs)

    if not entries:
        return meeting
    bits = [np.array(leaf) for leaf in meeting.bits]
    for k, index in entries:
        bits[k][index] = _bits(meeting, (k, index))
    if not all(map(hides, entries)):
        return replace(meeting, bits=bits, hidden=_hidden_before(meeting, hides))
    apart = [np.zeros_like(leaf) for leaf in meeting.apart]
    pairs = zip(meeting.apart, bits, strict=True)
    hidden = [leaf & (known >= SOME_BITS) for leaf, known in pairs]
    return replace(meeting, apart=apart, bits=bits, hidden=hidden)


def _hidden_before(meeting: Meeting, hides: Callable[[_Entry], bool]) -> list[np.ndarray]:
    """Of each leaf the entries apart that rounding hides, before the first that it does not.

    One that agrees to a few bits alone is passed by as well: nothing is known of it.
    """
    hidden = [np.zeros_like(leaf) for leaf in meeting.apart]
    for k, leaf in itertools.groupby(_apart(meeting), key=lambda entry: entry[0]):
        for _, index in itertools.takewhile(hides, leaf):
            hidden[k][index] = True
    return hidden


def _apart(meeting: Meeting) -> Iterator[_Entry]:
    for k, apart in enumerate(meeting.apart):
        for index in np.argwhere(apart):
            yield k, tuple(int(i) for i in index)


def _number(leaves: Sequence[Any], entry: _Entry) -> arb:
    found = leaves[entry[0]][entry[1]]
    return arb(int(found)) if isinstance(found, bool) else found


def _bits(meeting: Meeting, entry: _Entry) -> float:
    """To how many bits the two numbers of an entry agree."""
    a, b = _number(meeting.hand, entry), _number(meeting.auto, entry)
    return relative_bits(a - b, a if abs(a).lower() > abs(b).lower() else b)
