"""NaN at the border of a function, where a slope is infinite: 0·∞, which is no wrong rule.

The rules of JAX are products with the Jacobian J: uᵀJ in reverse mode and Jv in forward mode. Where
an entry of J is infinite (that of √ at 0), or no number since the function has no value, the right
product is NaN in the arithmetic of floats: 0·∞ where the cotangent or the tangent leaves that entry
out, and ∞ − ∞ where two meet. Which NaNs these are follows from J alone, and so is the same for a
function of two numbers and of a thousand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from flint import arb

from jaxgrad.gradients.rules.directions import Direction, Unit
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.rules.truth import Truth, marked
from jaxgrad.gradients.witness import program_floats
from jaxgrad.programs.complex_parts import has_complex
from jaxgrad.programs.jaxprs import equations

if TYPE_CHECKING:
    from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms

__all__ = ["Borders", "Steep"]

Place = tuple[int, tuple[int, ...]]


class Steep(NamedTuple):
    """An entry of the Jacobian that is no number.

    Args:
        output, input: (leaf, index) of the entries of the result and of the arguments; None where
            it was looked for along a drawn direction of the arguments.
        kind: what is the matter, with {} for the entry of the result.
    """

    output: Place
    input: Place | None
    kind: str


class Borders:
    """The products with the true Jacobian that are NaN in floats, at one point.

    Args:
        rules: the derivative programs.
        truth: the one-sided derivatives at the point.
        values: the point.
        affords: whether so many entries of a direction may be looked at one by one.
    """

    def __init__(
        self,
        rules: DerivativePrograms,
        truth: Truth,
        values: Sequence[np.ndarray],
        affords: Callable[[Direction], bool],
    ) -> None:
        self._rules, self._truth, self._values, self._affords = rules, truth, values, affords
        self.asked_for = True  # whether this is the given point
        self.excused: list[tuple[Question, Steep]] = []  # NaNs of which nothing is said
        self.met: Steep | None = None

    def over(self, truth: Truth, valueless: list[np.ndarray] | None) -> None:
        """Takes limits for the one-sided derivatives, where the given point excuses, too."""
        self._truth, self.asked_for = truth, False
        self.valueless = valueless

    @cached_property
    def valueless(self) -> list[np.ndarray] | None:
        """The entries of each leaf of the result that are no real numbers, if not all are so.

        They are none exactly, and no finite floats either.
        """
        if self._truth.complete:
            return None
        runs = program_floats(self._rules.primal.truth_program, self._values)
        return _without_values(self._truth.value, runs)

    def of_values(self, cotangents: list[Direction]) -> list[Direction]:
        """What these weigh of the entries that have a value."""
        masks = self.valueless
        if masks is None:
            return cotangents
        return [d for d in (_cut(d, masks) for d in cotangents) if d is not None]

    def weighing(self, questions: list[Question]) -> list[Question]:
        """The same questions of the entries that have a value."""
        return [
            replace(question, cotangent=u)
            for question in questions
            for u in self.of_values([question.cotangent])
        ]

    def without_steep(self, direction: Direction, cotangent: Direction) -> Direction:
        """A cotangent that weighs nothing whose slope along a direction is infinite."""
        masks = [np.zeros(shape, bool) for shape in self._rules.out_shapes]
        for (leaf, index), signs in self._steep_along(direction).items():
            masks[leaf][index] = bool(signs)
        return _cut(cotangent, masks) or cotangent

    def counted(self, question: Question, runs: Sequence[float]) -> Question | None:
        """What counts of a question that JAX answers by NaN; None if nothing does.

        At the given point, where the function has a value everywhere, the user meets the NaN.
        """
        if self.asked_for and self.valueless is None:
            return question
        rest = self.rest(question, runs)
        if rest is not question and self.met is not None:
            self.excused.append((question, self.met))
        return rest

    def rest(self, question: Question, runs: Sequence[float]) -> Question | None:
        """What is left of a question where such products are left out; None if nothing is.

        Args:
            question: one that JAX answers by NaN.
            runs: what JAX computes of each entry that counts, weighed.
        """
        if len(question.modes) > 1:
            return None if self._higher(question) else question
        if question.modes == ("fwd",):
            return None if self._row(question) else question
        direction = question.directions[0]
        wanting = [at for at, x in zip(direction.support, runs, strict=True) if math.isnan(x)]
        left_out = self._columns(wanting, direction, question.cotangent)
        if not left_out:
            return question
        leaves = [leaf.copy() for leaf in direction.leaves]
        for leaf, index in left_out:
            leaves[leaf][index] = 0.0
        rest = Direction(leaves)
        return replace(question, directions=(rest,)) if rest.support else None

    def _columns(
        self, wanting: list[Place], direction: Direction, cotangent: Direction
    ) -> list[Place]:
        """The entries of the arguments for which uᵀJ is NaN by itself."""
        some = [np.zeros(leaf.shape) for leaf in direction.leaves]
        for leaf, index in wanting:
            some[leaf][index] = direction.leaves[leaf][index]
        if not wanting or not self._anywhere(Direction(some)):
            return []
        # One by one, where that is not too many; else all, if there is an infinity at all.
        if not self._affords(Direction(some)):
            return wanting
        return [place for place in wanting if self._is_nan(place, cotangent.leaves)]

    def _is_nan(self, place: Place, weights: Sequence[np.ndarray]) -> bool:
        """Whether Σ u_k J_ki is NaN for one entry i."""
        unit, signs = Unit(self._rules.shapes, *place), set()
        steep = self._steep_along(unit)
        for (leaf, index), found in steep.items():
            u = weights[leaf][index]
            self._note(unit, leaf, index)
            if not u or not found or self._is_complex:
                return True
            signs |= {math.copysign(1.0, u) * s for s in found}
        return len(steep) > 1 and len(signs) > 1

    def _row(self, question: Question) -> bool:
        """Whether Σ J_ki v_i is NaN for the entries k that count."""
        direction, rows = question.directions[0], set(question.cotangent.support)
        still = [d * (v == 0) for d, v in zip(self._all.leaves, direction.leaves, strict=True)]
        if self._anywhere(Direction(still), rows):
            return True
        if self._is_complex and self._anywhere(direction, rows):
            return True
        if len(direction.support) < 2 or not self._affords(direction):
            return False
        signs: dict[Place, list[set[float]]] = {}
        for leaf, index, v in direction.entries:
            unit = Unit(self._rules.shapes, leaf, index)
            for place, found in self._steep_along(unit).items():
                if place in rows:
                    signs.setdefault(place, []).append({math.copysign(1.0, v) * s for s in found})
                    self._note(unit, *place)
        return any(
            set() in each or (len(each) > 1 and len(set().union(*each)) > 1)
            for each in signs.values()
        )

    @cached_property
    def _is_complex(self) -> bool:
        """Whether numbers are complex in between, where both parts of a product with ∞ are NaN."""
        return any(map(has_complex, equations(self._rules.primal.moving_program.jaxpr)))

    def _higher(self, question: Question) -> bool:
        """Whether a derivative up to the order is no number of what is left out: 0·∞.

        Left out are the entries of the arguments that do not move, and of the results those that
        are not weighed.
        """
        order, rows = len(question.modes), set(question.cotangent.support)
        moves = [sum(abs(d.leaves[k]) for d in question.directions)
                 for k in range(len(self._all.leaves))]  # fmt: skip
        still, moving = (
            Direction([d * (v != 0 if moved else v == 0)
                       for d, v in zip(self._all.leaves, moves, strict=True)])
            for moved in (False, True)
        )  # fmt: skip
        others = {
            (k, index)
            for k, shape in enumerate(self._rules.out_shapes)
            for index in np.ndindex(shape)
        } - rows
        return self._anywhere(still, None, order) or self._anywhere(moving, others, order)

    def _anywhere(
        self, direction: Direction, rows: set[Place] | None = None, order: int = 1
    ) -> bool:
        """Whether a slope is no number along a direction, or along it into the domain."""
        if not direction.support:
            return False
        for line in (direction, Direction([abs(leaf) for leaf in direction.leaves])):
            for place in self._steep_along(line, order):
                if rows is None or place in rows:
                    self._note(line, *place, order)
                    return True
        return False

    def _steep_along(self, direction: Direction, order: int = 1) -> dict[Place, set[float]]:
        """The entries of the result whose slope is no number: infinite, with the signs, or none.

        Args:
            direction: along which.
            order: up to which a derivative that is no number counts.
        """
        found, steep = self._truth.along(direction), {}
        for leaf, sides in enumerate(zip(found.right, found.left, strict=True)):
            for index in np.ndindex(sides[0].shape[1:]):
                for k in range(order, 0, -1):
                    both = [side[(k, *index)] for side in sides]
                    signs = {_sign(t) for t in both if not t.is_finite() and _sign(t)}
                    if signs or not any(t.is_finite() for t in both):
                        steep[leaf, index] = signs
        return steep

    def _note(self, line: Direction, leaf: int, index: tuple[int, ...], order: int = 1) -> None:
        """Keeps which slope was met."""
        moved = line.support[0] if len(line.support) == 1 else None
        kind = "{} has no derivative" if order == 1 else f"{{}} has no derivative {order}"
        if self._steep_along(line).get((leaf, index)):
            kind = "the slope of {} is infinite"
        elif not self._truth.value[leaf][index].is_finite():
            kind = "{} is no number"
        self.met = Steep((leaf, index), moved, kind)

    @cached_property
    def _all(self) -> Direction:
        """A drawn direction of all arguments."""
        return self._rules.direction()


def _sign(x: arb) -> float:
    return 1.0 if x > 0 else -1.0 if x < 0 else 0.0


def _cut(direction: Direction, masks: Sequence[np.ndarray]) -> Direction | None:
    """A direction without some entries: itself if it has none of them, None if no others."""
    if not any(masks[leaf][index] for leaf, index in direction.support):
        return direction
    leaves = [np.where(m, 0.0, u) for m, u in zip(masks, direction.leaves, strict=True)]
    return Direction(leaves) if any(leaf.any() for leaf in leaves) else None


def _without_values(
    balls: Sequence[np.ndarray], runs: Sequence[np.ndarray]
) -> list[np.ndarray] | None:
    """For each leaf the entries that are no real numbers, neither exactly nor as JAX computes them.

    Args:
        balls: the values of the function.
        runs: what JAX computes for them.

    Returns:
        None if there are none, or if all are so.
    """
    found = [
        ~(marked(map(arb.is_finite, ball.flat), ball) | np.isfinite(run))
        for ball, run in zip(balls, runs, strict=True)
    ]
    count = sum(int(mask.sum()) for mask in found)
    return found if 0 < count < sum(mask.size for mask in found) else None
