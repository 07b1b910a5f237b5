"""Branches of a function that no float tells from the other one.

Where sin(x)/x is 1 to every float, `where(abs(x) < 1e-6, 1, sin(x) / x)` keeps 0/0 out of sight and
changes no number.  Its derivative there is that of a constant; a rule that gives the derivative of
sin(x)/x is right, as the function that is meant has no such branch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
from flint import arb

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.enclosure import ENOUGH_BITS
from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.gradients.rules.judgement import agreement
from jaxgrad.gradients.rules.question import Question
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.base import CannotDecide, ObjectArray
from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.series import Series
from jaxgrad.programs.jaxprs import holds_primitive

if TYPE_CHECKING:
    from jaxgrad.gradients.rules.at_point import AtPoint

__all__ = ["UnseenBranches"]

_COMPARE = frozenset({"lt", "le", "gt", "ge", "eq", "ne"})
_LOOPS = frozenset({"while", "scan"})
# Operations times runs that are spent on a direction, at about 20 μs each: half a second.
BUDGET = 20_000
# From one place to the next the distance grows so many times; by a power of 2 one of them may be 0
# itself, where the other branch is 0/0.
FURTHER = 13.0
# How often what is between two of them is halved, to find where a branch ends.
HALVINGS = 8


class UnseenBranches:
    """Those that f takes at a point and beside it, until it takes the other one.

    Args:
        at: the point.
    """

    def __init__(self, at: AtPoint) -> None:
        self._at = at
        self._found: dict[bytes, frozenset[int]] = {}

    def give(self, question: Question, number: arb) -> bool:
        """Whether a first derivative is that of f with the other branches in their place.

        Args:
            question: which number.
            number: its enclosure.
        """
        if len(question.moving) != 1 or not self._may_be:
            return False
        direction = question.moving[0]
        if direction.key not in self._found:
            self._found[direction.key] = _Along(self._at, direction).unseen()
        unseen = self._found[direction.key]
        other = _run(self._at, direction, 0.0, unseen) if unseen else None
        if other is None:
            return False
        terms = [(other.results[leaf][index], u) for leaf, index, u in question.cotangent.entries]
        if not all(x.is_taylor(1) for x, _ in terms):
            return False
        slope = sum((x.at(1) * u for x, u in terms), arb(0))
        near = agreement(number, slope) >= ENOUGH_BITS
        return near or self._at.excuses.rounds(question, abs(number - slope)) is True

    @cached_property
    def _may_be(self) -> bool:
        """Whether f compares numbers, and not so often as a loop does."""
        closed = self._at.rules.primal.truth_program.jaxpr
        compares = holds_primitive(closed, _COMPARE) and not holds_primitive(closed, _LOOPS)
        return compares and not self._at.rules.exact


class _Along:
    """f along a line through a point, as far as its branches go.

    Args:
        at: the point.
        direction: that of the line.
    """

    def __init__(self, at: AtPoint, direction: Direction) -> None:
        self._at, self._direction = at, direction
        self._left = BUDGET // max(at.rules.size, 1)
        self._plain: dict[float, _Run | None] = {}

    def unseen(self) -> frozenset[int]:
        """Which comparisons, by their order, choose between what no float tells apart.

        That is so of all of them together, too, wherever each comes out as it does here.
        """
        found = frozenset(self._each())
        here = self._runs(0.0)
        if len(found) < 2 or here is None:
            return found
        places = [
            step
            for step, run in list(self._plain.items())
            if run is not None and all(run.outcomes[k] is here.outcomes[k] for k in found)
        ]
        return found if all(self._is_same(step, *found) for step in places) else frozenset()

    def _each(self) -> Iterator[int]:
        here = self._runs(0.0)
        outcomes = [] if here is None else here.outcomes
        for k, outcome in enumerate(outcomes):
            if type(outcome) is not bool or not self._matters(k):
                continue
            if all(self._is_unseen(k, outcome, sign) for sign in (1.0, -1.0)):
                yield k

    def _matters(self, k: int) -> bool:
        """Whether a derivative along the line is another one if it comes out otherwise."""
        plain, other = self._runs(0.0), self._runs(0.0, k)
        return plain is None or other is None or plain.slopes != other.slopes

    def _is_unseen(self, k: int, outcome: bool, sign: float) -> bool:
        """Whether no float tells one branch from the other as far as a comparison comes out so."""
        before = 0.0
        for step in self._steps():
            if self._comes_out(sign * step, k) is not outcome:
                return self._is_same(sign * self._end(k, outcome, sign, before, step), k)
            if not self._is_same(sign * step, k):
                return False
            before = step
        return False

    def _end(self, k: int, outcome: bool, sign: float, before: float, after: float) -> float:
        """The last place, nearly, at which a comparison comes out so."""
        for _ in range(HALVINGS):
            middle = (before + after) / 2
            if self._comes_out(sign * middle, k) is outcome:
                before = middle
            else:
                after = middle
        return before

    def _comes_out(self, step: float, k: int) -> Any:
        found = self._runs(step)
        return found.outcomes[k] if found is not None and k < len(found.outcomes) else None

    def _is_same(self, step: float, *flipped: int) -> bool:
        """Whether every value is the same, to half a rounding, however comparisons come out."""
        plain, other = self._runs(step), self._runs(step, *flipped)
        if plain is None or other is None or len(plain.outcomes) != len(other.outcomes):
            return False
        leaves = self._at.rules.primal.outputs
        for mine, its, leaf in zip(plain.results, other.results, leaves, strict=True):
            unit = float(jnp.finfo(leaf.dtype).eps) / 2
            for x, y in zip(mine.flat, its.flat, strict=True):
                if not (x.is_taylor(1) and y.is_taylor(1)):
                    return False
                if not abs(x.at(0) - y.at(0)) <= abs(x.at(0)) * unit:
                    return False
        return True

    def _steps(self) -> Iterator[float]:
        """How far along the line places are looked at: from a float on, as far as it may end."""
        values, moving = self._at.values, self._direction.support
        size = max((float(abs(values[leaf][index])) for leaf, index in moving), default=0.0)
        step, unit = 0.0, 2.0**-self._at.rules.float_bits
        while step <= FURTHER * max(size, 1.0):
            yield step
            step = max(FURTHER * step, size * unit, self._at.rules.flushed)

    def _runs(self, step: float, *flipped: int) -> _Run | None:
        """f at a place, with comparisons coming out otherwise; None where too much is spent."""
        if not flipped and step in self._plain:
            return self._plain[step]
        self._left -= 1
        if self._left < 0:
            return None
        found = _run(self._at, self._direction, step, flipped)
        if not flipped:
            self._plain[step] = found
        return found


@dataclass(frozen=True)
class _Run:
    """What f gives, and how what it compares comes out in turn."""

    results: list[ObjectArray]
    outcomes: list[Any]

    @property
    def slopes(self) -> list[tuple[Any, Any] | None]:
        """The first derivatives as far as there are any, each by its middle and its radius."""
        numbers = [x for leaf in self.results for x in leaf.flat]
        return [(x.at(1).mid(), x.at(1).rad()) if x.is_taylor(1) else None for x in numbers]


def _run(at: AtPoint, direction: Direction, step: float, flipped: Collection[int]) -> _Run | None:
    """f along a line through a place, with some comparisons coming out the other way."""
    system = _Flipping(flipped)
    inputs = [
        system.map(lambda x, v: system.line(float(x) + float(v) * step, float(v)), leaf, moved)
        for leaf, moved in zip(at.values, direction.leaves, strict=True)
    ]
    try:
        results = interpret(at.rules.primal.truth_program, system, inputs)
    except (CannotDecide, UnsupportedPrimitive):
        return None
    return _Run(results, system.outcomes)


class _Flipping(Germ):
    """Germs in which some comparisons come out the other way.

    Args:
        flipped: which, by their order.
    """

    name = "germ that flips comparisons"
    any_pivot = False  # a run of it is one, in which each comparison comes out once

    def __init__(self, flipped: Collection[int]) -> None:
        super().__init__(4)  # of which a quotient of what is 0 loses some
        self._flipped = flipped
        self.outcomes: list[Any] = []

    def compare(self, relation: str, x: Series, y: Series) -> Any:
        found = super().compare(relation, x, y)
        flips = len(self.outcomes) in self._flipped and type(found) is bool
        self.outcomes.append(found)
        return not found if flips else found
