"""The truth that derivative rules are held against: one-sided derivatives of the function."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import flint
import numpy as np
from flint import arb

from jaxgrad.gradients.one_sided import OneSided
from jaxgrad.gradients.rules.beyond import Beyond, beyond
from jaxgrad.gradients.rules.directions import Direction, drawn, ramp
from jaxgrad.gradients.rules.either_branch import either_branch
from jaxgrad.gradients.rules.free_values import FREE, FreeVectors
from jaxgrad.gradients.rules.known import Known
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.rules.sides import Sides, is_known, sum_of
from jaxgrad.gradients.rules.ties import MANY_TIES, BetweenTies
from jaxgrad.gradients.rules.value_by_limits import Ran, exact_values, has_values
from jaxgrad.gradients.witness import program_floats
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide, ObjectArray
from jaxgrad.programs.trace import Program

__all__ = ["Truth", "marked"]

# Drawn points beside a kink: three entries that tie have six orders.
NEARBY = 6
# A step in a direction of 30 drawn bits: below the distance of most of their entries.
TAU = 2.0**-20
JUMPS = "f jumps at the point"  # one of the reasons


def marked(marks: Iterable[bool], leaf: ObjectArray) -> np.ndarray:
    """One mark for each entry of a leaf."""
    return np.fromiter(marks, bool, leaf.size).reshape(leaf.shape)


def _known(leaf: ObjectArray) -> np.ndarray:
    """Which numbers of a leaf are known."""
    return marked(map(is_known, leaf.flat), leaf)


class Truth:
    """The one-sided derivatives of a program at a point, along any direction.

    Args:
        program: the function, of floating-point leaves.
        point: the value of each leaf.
        order: the highest derivative that will be asked for.
        known: what somebody found of it together with other points.
        valueless: asked where entries of the result are no numbers here: which of each leaf are
            none at the point that was asked for, and so do not count; None if there are none.
    """

    def __init__(
        self,
        program: Program,
        point: Sequence[np.ndarray],
        order: int,
        known: Known | None = None,
        valueless: Callable[[], Sequence[np.ndarray] | None] = lambda: None,
    ) -> None:
        leaves = [replace(x, value=v) for x, v in zip(program.inputs, point, strict=True)]
        self._program = replace(program, inputs=tuple(leaves))
        self._order, self._valueless = order, valueless
        self._found: dict[bytes, OneSided] = {}
        self._rights: dict[bytes, list[ObjectArray]] = {}
        self._sides: dict[tuple[bytes, int, bytes, int], Sides] = {}
        self._found_beyond: dict[tuple[bytes, int], list[ObjectArray]] = {}
        self.point = [Ball().constants(value) for value in point]
        self._known = known or Known()
        self.free = FreeVectors(self._program, self.point)
        self.value: list[ObjectArray] = self._known.value or self.free.values
        self.reasons: set[str] = set()
        self._runs: list[np.ndarray] | None = None

    @property
    def defined(self) -> bool:
        """Whether every entry that counts of the function is a real number at the point."""
        return not any(mask.any() for mask in self._counted(self._without_value))

    @functools.cached_property
    def complete(self) -> bool:
        """Whether every entry of the function is a real number at the point."""
        return not any(mask.any() for mask in self._without_value)

    @functools.cached_property
    def _without_value(self) -> list[np.ndarray]:
        """For each leaf of the result, which entries are no real numbers."""
        return [~marked(map(arb.is_finite, y.flat), y) for y in self.value]

    def _counted(self, masks: list[np.ndarray]) -> list[np.ndarray]:
        """What of masks is no entry without a value both here and at the point asked for."""
        there = self._valueless() if any(mask.any() for mask in masks) else None
        if there is None:
            return masks
        every = zip(masks, self._without_value, there, strict=True)
        return [mask & ~(here & given) for mask, here, given in every]

    @functools.cached_property
    def defined_by_limits(self) -> bool:
        """Whether it is so where it goes through the −∞ that a logarithm ends at."""
        return not self.defined and has_values(self._program)

    def adds_up(self, v: Direction, w: Direction) -> bool:
        """Whether the slopes from the right along two directions add up to that along their sum.

        They do where there is a gradient, if only that of a border; not those of √(xy) at 0.
        """
        each = [self.along(d).right for d in (v, w, v.plus(w, 1))]
        return all(
            total.is_finite() and (first + second).overlaps(total)
            for leaves in zip(*each, strict=True)
            for first, second, total in zip(
                *(leaf[1, ...].reshape(-1) for leaf in leaves), strict=True
            )
        )

    def along(self, direction: Direction) -> OneSided:
        """The derivatives up to the order along a direction."""
        if direction.key not in self._found:
            found = self._known.lines.get(direction.key)
            found = found or self.free.derivatives(direction, self._order)
            self.reasons |= set(found.reasons)
            for side, other in ((found.right, found.left), (found.left, found.right)):
                self._drop_undefined(side, other)
            self._found[direction.key] = found
        return self._found[direction.key]

    def defined_along(self, direction: Direction) -> bool:
        """Whether every entry that counts has a derivative from one side at least."""
        found = self.along(direction)
        without = [
            ~(_known(right[1, ...]) | _known(left[1, ...]))
            for right, left in zip(found.right, found.left, strict=True)
        ]
        return not any(mask.any() for mask in self._counted(without))

    def sides(self, direction: Direction, order: int, cotangent: Direction) -> Sides:
        """The derivative of ⟨u, f⟩ for a cotangent u."""
        # Every mode asks for the same numbers.
        key = direction.key, order, cotangent.key, flint.ctx.prec
        if key not in self._sides:
            self._sides[key] = self._sides_of(direction, order, cotangent)
        return self._sides[key]

    def _sides_of(self, direction: Direction, order: int, cotangent: Direction) -> Sides:
        found = self.along(direction)
        each = [
            Sides(*(side[leaf][(order, *index)] * u for side in (found.right, found.left)))
            for leaf, index, u in cotangent.entries
        ]
        return each[0] if len(each) == 1 else sum_of(each)

    def of(self, question: Question) -> Sides | None:
        """The truth of a question; None for a higher derivative where there is no first."""
        first, *rest = question.moving
        if all(direction is first for direction in rest):
            if rest and self.sides(first, 1, question.cotangent).kink:
                return None
            return self.sides(first, 1 + len(rest), question.cotangent)
        return self.mixed(first, rest[0], question.cotangent)

    def from_side(self, question: Question, sign: int) -> arb | None:
        """The truth of a question from the right, or from the left; None where there is none."""
        found = self.of(question)
        if found is None:
            return None
        if not found.ends:
            return found.right if sign > 0 else found.left
        return self._one_side(question.moving[0], len(question.moving), question.cotangent, sign)

    def _one_side(self, line: Direction, order: int, cotangent: Direction, sign: int) -> arb:
        """A derivative of ⟨u, f⟩ from one side, whatever kinks its terms have."""
        side = self.along(line).right if sign > 0 else self.along(line).left
        return sum(
            (side[leaf][(order, *index)] * u for leaf, index, u in cotangent.entries), arb(0)
        )

    def _from_the_right(self, line: Direction, cotangent: Direction) -> arb:
        """f₊′(x; line) of ⟨u, f⟩, for which nothing else is computed where that tells it."""
        if line.key not in self._rights:
            is_found = line.key in self._found or line.key in self._known.lines
            self._rights[line.key] = [] if is_found or not self.complete else self._slopes(line)
        slopes = self._rights[line.key]
        known = sum((slopes[k][(1, *i)] * u for k, i, u in cotangent.entries if slopes), arb(0))
        return known if slopes and known.is_finite() else self._one_side(line, 1, cotangent, 1)

    def _slopes(self, line: Direction) -> list[ObjectArray]:
        """The values and the slopes from the right; none where both sides are needed for them."""
        try:
            found, reasons = self.free.slopes_from_the_right(line)
        except CannotDecide:
            return []
        self.reasons |= reasons
        self._drop_undefined(found, found)
        return found

    def mixed(self, v: Direction, w: Direction, cotangent: Direction) -> Sides | None:
        """D²⟨u, f⟩(v, w) = (D²(v+w)² − D²(v−w)²)/4; None where a kink leaves it without meaning."""
        total = []
        for sign in (1, -1):
            line = v.plus(w, sign)
            both = [self.sides(line, k, cotangent) for k in (1, 2)]
            if any(len(sides.known) < 2 or sides.kink for sides in both):
                return None
            total.append(both[1])
        plus, minus = total
        return Sides((plus.right - minus.right) / 4, (plus.left - minus.left) / 4)

    @functools.cached_property
    def jumps(self) -> bool:
        """Whether the function is not continuous at the point, along some leaf."""
        shapes = [value.shape for value in self.point]
        for i, value in enumerate(self.point):
            if value.size:
                self.along(drawn(shapes, leaf=i))
        return JUMPS in self.reasons

    def tells(self, directions: Sequence[Direction], cotangent: Direction) -> bool:
        """Whether the sides that are known say what the derivative is, unless there is a kink.

        They do not where the function goes on continuously at a side that is not known; nor where
        an entry jumps there and several numbers move: along each of these it may not.
        """
        first, last = directions[0], directions[-1]
        lines = [first] if first is last else [first.plus(last, sign) for sign in (1, -1)]
        silent = {Beyond.OPEN, *([Beyond.JUMP] if len(lines[0].support) > 1 else [])}
        return not any(
            self._beyond(line, sign)[leaf][index] in silent
            for line in lines
            for leaf, index, sign in self._unknown(line, len(directions), cotangent)
        )

    def _unknown(
        self, line: Direction, order: int, cotangent: Direction
    ) -> Iterator[tuple[int, tuple[int, ...], int]]:
        """(leaf, index, sign) of every entry of which one side alone is known."""
        found = self.along(line)
        for leaf, index in cotangent.support:
            known = [is_known(side[leaf][(order, *index)]) for side in (found.right, found.left)]
            if known[0] != known[1]:
                yield leaf, index, -1 if known[0] else 1

    def _beyond(self, line: Direction, sign: int) -> list[ObjectArray]:
        key = line.key, sign
        if key not in self._found_beyond:
            self._found_beyond[key] = beyond(self._program, self.value, line, sign)
        return self._found_beyond[key]

    @functools.cached_property
    def smooth(self) -> bool:
        """Whether nothing ties where all leaves move, so that there certainly is a gradient."""
        return self.along(drawn([value.shape for value in self.point])).smooth

    def kinked(self, cotangent: Direction) -> bool:
        """Whether ⟨u, f⟩ has a kink along some direction, so that no gradient is its only one."""
        return any(self.sides(line, 1, cotangent).kink for line in self._beside)

    def bent(self, v: Direction, w: Direction, cotangent: Direction) -> bool:
        """Whether D²⟨u, f⟩ is no quadratic form, so that no Hessian is its only one.

        One has D²(v+w)² + D²(v−w)² = 2D²v² + 2D²w²; min(a, ab) has none at a = 0, b = 1, though
        a derivative, and a second one along every line.
        """
        pairs = [(v, w), *itertools.pairwise(self._beside)]
        return any(self._bent_along(v, w, cotangent) for v, w in pairs)

    def _bent_along(self, v: Direction, w: Direction, cotangent: Direction) -> bool:
        lines = (v.plus(w, 1), v.plus(w, -1), v, w) if v is not w else (v,)
        both = [self.sides(line, 2, cotangent) for line in lines]
        if any(sides.kink for sides in both):
            return True
        if len(both) == 1 or not all(len(sides.known) == 2 for sides in both):
            return False
        plus, minus, first, second = (sides.right for sides in both)
        return not (plus + minus).overlaps(2 * (first + second))

    def limits(self, direction: Direction, cotangent: Direction) -> tuple[arb, bool]:
        """A part of Clarke's generalised derivative, and whether it is not the derivative alone.

        It holds limits of derivatives at points nearby: the derivative along w at x + εd tends to
        (f₊′(x; d + τw) − f₊′(x; d))/τ for small τ, and a larger τ gives a mean of such limits
        (Clarke 1983, section 2.5).
        """
        slopes = []
        step = Direction([leaf * TAU for leaf in direction.leaves])
        for line in self._beside:
            ends = [self._from_the_right(d, cotangent) for d in (line.plus(step, 1), line)]
            slopes.append((ends[0] - ends[1]) / TAU)
        slopes = [slope for slope in slopes if slope.is_finite()]
        if not slopes:
            return arb.nan(), False
        # Where derivatives nearby do not tend to the one here, there is a kink, though along no
        # line: the mean of sorted numbers without the least and the largest has one.
        here = self._one_side(direction, 1, cotangent, 1)
        others = [*slopes, here] if here.is_finite() else slopes
        several = any(not slope.overlaps(slopes[0]) for slope in others)
        return functools.reduce(arb.union, slopes), several

    @functools.cached_property
    def between_ties(self) -> BetweenTies:
        """Further limits, of derivatives from one tie to the next; they take longer."""
        return BetweenTies(self._program)

    @functools.cached_property
    def _beside(self) -> list[Direction]:
        """Directions of points nearby: entries in their order, in the reverse one, and drawn."""
        shapes = [value.shape for value in self.point]
        line = ramp(shapes)
        return [line, line.opposite(), *(drawn(shapes, seed) for seed in range(2, 2 + NEARBY))]

    def around(self, directions: Sequence[Direction], cotangent: Direction) -> arb:
        """Everything that autodiff may make of the kinks that the function is composed of.

        At a tie each of max, abs and select may take any value between its own two slopes
        (a conservative derivative; Bolte and Pauwels, 2021).

        Args:
            directions: one again and again, or two of which the mixed derivative is asked for.
            cotangent: the weights of the results.
        """
        first, last = directions[0], directions[-1]
        if first is last:
            return self._around(first, len(directions), cotangent)
        plus, minus = (self._around(first.plus(last, sign), 2, cotangent) for sign in (1, -1))
        return (plus - minus) / 4

    def leaves_open(self, directions: Sequence[Direction], cotangent: Direction) -> str | None:
        """Why another number may be a derivative as well; None where that is known.

        Of more ties than are looked at nobody knows all that a rule may give, unless slopes add up
        as those of a gradient do, or it is known what selections may make of them, which is not so
        where much is sorted.
        """
        if not self.tells(directions, cotangent):
            return ""
        is_cut = len(directions) == 1 and self.between_ties.is_cut(directions[0])
        unknown = is_cut and not (
            self._has_gradient or self.around(directions, cotangent).is_finite()
        )
        return MANY_TIES if unknown else None

    @functools.cached_property
    def _has_gradient(self) -> bool:
        """Whether slopes along drawn directions add up: of these sums are not rounded."""
        lines = [drawn([value.shape for value in self.point], seed) for seed in range(NEARBY)]
        return all(self.adds_up(*pair) for pair in itertools.pairwise(lines))

    def _around(self, direction: Direction, order: int, cotangent: Direction) -> arb:
        return either_branch(self._program, self.point, direction, order, cotangent)

    def _drop_undefined(self, side: list[ObjectArray], other: list[ObjectArray]) -> None:
        """Where f has no value, or its limit is another one, a side has no derivative."""
        for k, values in enumerate(self.value):
            for index in np.ndindex(values.shape):
                reason = self._undefined(k, index, side[k][(0, *index)], other[k][(0, *index)])
                if reason:
                    self.reasons.add(reason)
                    for order in range(len(side[k])):
                        side[k][(order, *index)] = arb.nan()

    def _undefined(self, leaf: int, index: tuple[int, ...], limit: arb, other: arb) -> str:
        """Why a side tells of no derivative; nothing where it does.

        Args:
            leaf, index: the entry of the result.
            limit, other: those from this side and from the other one.
        """
        value = self.value[leaf][index]
        if not self.free.is_known(leaf, index):
            return FREE
        if not value.is_finite() and limit.is_finite():
            value = self.exact_values[leaf][index]
        if not value.is_finite():
            if limit.is_finite() and self._ran(leaf, index).is_value(limit, other):
                return ""
            if math.isinf(float(value)):
                return f"f is {'∞' if value > 0 else '−∞'} at the point"
            return "f is no real number at the point"
        if not limit.is_finite():
            return "f grows without bound, or is not defined, beside the point"
        return "" if value.overlaps(limit) else JUMPS

    @functools.cached_property
    def exact_values(self) -> list[ObjectArray]:
        """The values where balls have none, by numbers that know when they are 0."""
        return exact_values(self._program) or self.value

    def _ran(self, leaf: int, index: tuple[int, ...]) -> Ran:
        """What JAX computes for an entry."""
        if self._runs is None:
            self._runs = program_floats(self._program, [x.value for x in self._program.inputs])
        return Ran(float(self._runs[leaf][index]), self._program.outputs[leaf].dtype)
