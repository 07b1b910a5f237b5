"""Branches of a function that no float tells from the other one.

Where sin(x)/x is 1 to every float, `where(abs(x) < 1e-6, 1, sin(x) / x)` keeps 0/0 out of sight and
changes no number.  Its derivative there is that of a constant; a rule that gives the derivative of
sin(x)/x is right, as the function that is meant has no such branch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING

from flint import arb

from jaxgrad.gradients.enclosure import ENOUGH_BITS
from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.gradients.rules.flipped_comparisons import Line, Met, Run, Spent
from jaxgrad.gradients.rules.judgement import agreement
from jaxgrad.gradients.rules.question import Question
from jaxgrad.programs.jaxprs import holds_primitive

if TYPE_CHECKING:
    from jaxgrad.gradients.rules.at_point import AtPoint

__all__ = ["UnseenBranches"]

_COMPARE = frozenset({"lt", "le", "gt", "ge", "eq", "ne", "max", "min", "clamp"})
# Numbers that are made, at about 20 μs each, to find other branches that give a number: half a
# second; and to see whether floats tell these from the branches that are taken: two.
FINDING, SEEING = 20_000, 100_000
# Of so many arrays that are compared it is asked whether that chooses between equal values.
MANY = 32
# Of no more than so many that do so every choice of some is looked at, up to so many together.
FEW, TOGETHER = 6, 3
# Until something ends the distance grows so much from one place to the next, and what is between
# the last two is halved so often.  By a power of 2 a place may be 0 itself, where one divides by 0.
COARSE, HALVINGS = 13.0**8, 9
# From there places are looked at that are so much nearer each, and so many; and some between the
# first of these, as what differs most may do so half way.
NEARER, PLACES = 13.0, 12
BETWEEN, MORE = 1.55, 8
# Beyond it the distance grows so much at first, more and more, and by NEARER at last.
FURTHER, FASTER = 1.7, 1.2
# How far places are looked at, in the sizes of the largest number that moves, or of 1, of which a
# float does not see one; floats of fewer bits than SINGLE see as far as those.
HORIZON, SINGLE = 13.0, 24


Place = tuple[int, tuple[int, ...]]  # a leaf, and an index


class UnseenBranches:
    """Those that f takes at a point and beside it, until it takes the other one.

    Args:
        at: the point.
    """

    def __init__(self, at: AtPoint) -> None:
        self._at = at
        self._lines: dict[tuple[bytes, int], _Branches] = {}
        self._unseen: list[tuple[frozenset[Place], frozenset[int]]] = []

    def give(self, question: Question, number: arb) -> bool | None:
        """Whether a derivative is that of f with the other branches in their place.

        Args:
            question: which number.
            number: its enclosure.

        Returns:
            None where it is, but nobody knows whether floats tell these branches apart.
        """
        if not self._may_be:
            return False
        ways = self._lines_of(question)
        unknown = False
        for flipped in ways[0].others():
            if not self._is_given(question, number, flipped, ways):
                continue
            seen = [self._seen(way, flipped) for way in ways]
            if all(found is False for found in seen):
                return True
            unknown = unknown or True not in seen
        return None if unknown else False

    def _seen(self, way: _Branches, flipped: frozenset[int]) -> bool | None:
        """As :meth:`_Branches.seen`; what is not seen where more moves is not seen here."""
        moving = frozenset(way.direction.support)
        if any(moving < wider and flipped <= more for wider, more in self._unseen):
            return False
        found = way.seen(flipped)
        if found is False:
            self._unseen.append((moving, flipped))
        return found

    def _lines_of(self, question: Question) -> list[_Branches]:
        """f along the line of the derivative; along two lines for one of two directions."""
        first, last = question.moving[0], question.moving[-1]
        order = len(question.moving)
        both = [first] if first.key == last.key else [first.plus(last, sign) for sign in (1, -1)]
        for line in both:
            if (line.key, order) not in self._lines:
                self._lines[line.key, order] = _Branches(self._at, line, order)
        return [self._lines[line.key, order] for line in both]

    def _is_given(
        self, question: Question, number: arb, flipped: frozenset[int], ways: Sequence[_Branches]
    ) -> bool:
        """Whether it is the derivative with these comparisons coming out the other way."""
        each = [way.derivative(flipped, question.cotangent) for way in ways]
        known = [x for x in each if x is not None]
        if len(known) < len(each):
            return False
        slope = known[0] if len(known) == 1 else (known[0] - known[1]) / 4  # D²⟨u, f⟩(v, w)
        near = agreement(number, slope) >= ENOUGH_BITS
        return near or self._at.excuses.rounds(question, abs(number - slope)) is True

    @cached_property
    def _may_be(self) -> bool:
        """Whether f compares numbers."""
        closed = self._at.rules.primal.truth_program.jaxpr
        return holds_primitive(closed, _COMPARE) and not self._at.rules.exact


class _Branches:
    """f along a line through a point, as far as its branches go.

    Args:
        at: the point.
        direction: that of the line.
        order: that of the derivative.
    """

    def __init__(self, at: AtPoint, direction: Direction, order: int) -> None:
        self._left, self.direction = FINDING, direction
        self._line = Line(at, direction, order, self._spend)
        self._others: list[frozenset[int]] | None = None
        self._seen: dict[frozenset[int], bool | None] = {}

    def others(self) -> list[frozenset[int]]:
        """Which comparisons, by their order, may choose between what no float tells apart."""
        if self._others is None:
            self._left, self._others = FINDING, []
            with suppress(Spent):
                self._others.extend(self._find())
        return self._others

    def derivative(self, flipped: frozenset[int], cotangent: Direction) -> arb | None:
        """That of ⟨u, f⟩ with some comparisons coming out the other way."""
        self._left = FINDING
        try:
            run = self._line.run(0.0, flipped)
        except Spent:
            return None
        return None if run is None else run.derivative(cotangent)

    def seen(self, flipped: frozenset[int]) -> bool | None:
        """Whether floats tell the branches apart as far as they go; None where nobody knows."""
        if flipped not in self._seen:
            self._left = SEEING
            try:
                self._seen[flipped] = not all(
                    _Way(self._line, part, sign).is_unseen()
                    for part in self._parts(flipped)
                    for sign in (1.0, -1.0)
                )
            except Spent:
                self._seen[flipped] = None
        return self._seen[flipped]

    def _spend(self, operations: int) -> None:
        self._left -= operations
        if self._left < 0:
            raise Spent

    def _find(self) -> Iterator[frozenset[int]]:
        here = self._line.run(0.0)
        if here is None:
            return
        places = _places(here.met)[:MANY]
        nearest = [self._nearest(here, groups) for groups in places]
        alone = [some for some in nearest if some and self._chooses(here, some)]
        if alone:
            yield _all_of(alone)
        for count in range(min(len(alone) - 1, TOGETHER if len(alone) <= FEW else 1), 0, -1):
            yield from map(_all_of, combinations(alone, count))
        for pair in combinations(places[:TOGETHER], 2):  # as one guards what the other divides by
            together = self._nearest(here, [a | b for a, b in zip(*pair, strict=False)])
            if together and self._chooses(here, together):
                yield together

    def _nearest(self, here: Run, groups: Sequence[frozenset[int]]) -> frozenset[int]:
        """Those nearest to coming out otherwise, as many as choose between equal values."""
        enough, too_many = 0, len(groups) + 1
        while too_many - enough > 1:
            middle = (enough + too_many) // 2
            some = _all_of(groups[:middle])
            other = self._line.run(0.0, some)
            if other is not None and self._line.same_values(here, other):
                enough = middle
            else:
                too_many = middle
        return _all_of(groups[:enough])

    def _chooses(self, here: Run, flipped: frozenset[int]) -> bool:
        """Whether they choose between the same values, but not between the same derivatives."""
        other = self._line.run(0.0, flipped)
        same = other is not None and self._line.same_values(here, other)
        return same and other is not None and not here.is_as(other)

    def _parts(self, flipped: frozenset[int]) -> list[frozenset[int]]:
        """All of them together, and those of each place that choose alone, as others may cancel."""
        here = self._line.run(0.0)
        if here is None:
            return [flipped]
        parts = [_all_of(groups) & flipped for groups in _places(here.met)]
        alone = [part for part in parts if part and part != flipped]
        return [flipped, *(part for part in alone if self._chooses(here, part))]


def _all_of(groups: Iterable[frozenset[int]]) -> frozenset[int]:
    return frozenset(k for group in groups for k in group)


def _places(met: Sequence[Met]) -> list[list[frozenset[int]]]:
    """The comparisons that may come out otherwise along a line, those that will so soonest first.

    They are put together by the arrays that are compared, and by how they come out: what is beside
    a guard is another branch than what is within.  Those of the same two numbers are one, written
    twice or as both x < y and x ≥ y, and belong to the first of these arrays.
    """
    found: dict[object, list[int]] = {}
    for k, one in enumerate(met):
        if one.moves and type(one.outcome) is bool:
            found.setdefault(one.operands, []).append(k)
    places: dict[tuple[int, bool], list[frozenset[int]]] = {}
    for group in sorted(found.values(), key=lambda group: met[group[0]].apart):
        first = met[group[0]]
        places.setdefault((first.place, first.outcome), []).append(frozenset(group))
    return list(places.values())


class _Way:
    """One way along a line, on which branches are looked at until the last of them ends.

    Args:
        line: the line.
        flipped: the comparisons that choose them.
        sign: 1 or −1, the way.
    """

    def __init__(self, line: Line, flipped: frozenset[int], sign: float) -> None:
        self._line, self._all, self._sign = line, flipped, sign
        beyond = HORIZON * max(line.size, 1.0) * 2.0 ** max(line.float_bits, SINGLE)
        self._horizon = min(beyond, line.largest)

    def is_unseen(self) -> bool:
        """Whether every value is the same by either branch, at every place that is looked at."""
        end, before = self._end(), 0.0
        for step in self._up_to(end):
            if self._still(step, self._all) != self._all:  # as where it does again further out
                end = self._last(before, step)
                break
            if not self._is_same(step, self._all):
                return False
            before = step
        return (not end or self._is_same(end, self._all)) and self._is_unseen_beyond(end)

    def _is_unseen_beyond(self, end: float) -> bool:
        """Whether it is so of those that have not ended there; they may go on for ever."""
        step, growth, left = max(end * FURTHER, self._line.beside), FURTHER, self._all
        while step <= self._horizon:
            left = self._still(step, left)
            if not left:
                return True
            if not self._is_same(step, left):
                return False
            growth = min(growth * FASTER, NEARER)
            step *= growth
        return True

    def _up_to(self, end: float) -> list[float]:
        """Places on the way to an end, none of them nearer than the next float."""
        steps = {end / NEARER**k for k in range(PLACES)} | {end / BETWEEN**k for k in range(MORE)}
        return sorted(step for step in steps if step >= self._line.beside)

    def _end(self) -> float:
        """The last place, nearly, at which all of them come out as they do here; 0 if none is."""
        before, step = 0.0, self._line.beside
        while self._still(step, self._all) == self._all:
            if step >= self._horizon:
                return step
            before, step = step, min(COARSE * step, self._horizon)
        return self._last(before, step)

    def _last(self, before: float, after: float) -> float:
        """The last place, nearly, between one at which all do and one at which they do not."""
        for _ in range(HALVINGS if before else 0):
            middle = math.sqrt(before * after)
            if self._still(middle, self._all) == self._all:
                before = middle
            else:
                after = middle
        return before

    def _still(self, step: float, some: frozenset[int]) -> frozenset[int]:
        """Those of some comparisons that come out as they do here."""
        here, there = self._line.run(0.0), self._line.run(self._sign * step)
        if here is None or there is None or not there.is_met_as(here):
            return some
        return frozenset(k for k in some if there.met[k].outcome is here.met[k].outcome)

    def _is_same(self, step: float, flipped: frozenset[int]) -> bool:
        """Whether every value is the same there, to half a rounding, by either branch."""
        place = self._sign * step
        plain, other = self._line.run(place), self._line.run(place, flipped)
        if plain is None or other is None or not plain.is_met_as(other):
            return False
        return plain.is_as(other) or self._line.same_values(plain, other)
