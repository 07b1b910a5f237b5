"""A number of loops that compare, at one point: what it is worth where these jump."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from flint import arb

from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.gradients.rules.judgement import Judgement, agreement
from jaxgrad.gradients.rules.jumps import by_secants, passed
from jaxgrad.gradients.rules.open_ends import BESIDE_A_TIE, BETWEEN_FLOATS, STEPS
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.rules.secants import ONE_SCALE, Secants
from jaxgrad.verdict import Verdict

if TYPE_CHECKING:
    from jaxgrad.gradients.rules.at_point import AtPoint

__all__ = ["Jumping"]


class Jumping:
    """The loops of a function at one point that compare, and may jump.

    Args:
        at: the point.
        secants, known: those of f along a direction, and its derivatives from either side.
        left: by how much further turns change what a number is the derivative of; None where loops
            have not come to a solution.
    """

    def __init__(
        self,
        at: AtPoint,
        secants: Callable[[Question], Secants],
        known: Callable[[Question], Sequence[arb]],
        left: Callable[[Question], arb | None],
    ) -> None:
        self._at, self._secants, self._known, self._left = at, secants, known, left

    def passed(self, question: Question, found: Judgement) -> Judgement:
        """The judgement of a derivative of loops, which is none of f where these jump.

        Beside a large number secants tell nothing of a small one, so that those of one scale are
        asked for together.

        Args:
            question: which number.
            found: the judgement by which it is one.
        """
        if len(question.moving) != 1:
            return found
        if found.kink:
            return self._at_a_kink(question, found)
        secants = self._secants(question)
        if secants.of_one_scale or secants.moves_one:
            return passed(secants, self._at.numbers.enclosed(question), found)
        for part in self._of_one_scale(question):
            number = self._at.numbers.enclosed(part)
            told = passed(self._secants(part), number, found)
            if told.verdict is not Verdict.AGREES:
                return replace(found, verdict=Verdict.UNDECIDED, reason=BETWEEN_FLOATS)
        return found

    def _at_a_kink(self, question: Question, found: Judgement) -> Judgement:
        """Of a number that neither side is: what points nearby show is between jumps, too."""
        sides, number = self._at.sides(question), self._at.numbers.enclosed(question)
        half = self._at.rules.float_bits / 2
        if sides is None or agreement(sides.right, sides.left) < half:
            return found
        if any(agreement(number, side) >= half for side in sides.known):
            return found
        if not self._at.rules.custom:
            return found  # JAX's own choices
        return replace(found, verdict=Verdict.UNDECIDED, reason=BESIDE_A_TIE)

    def by_secants(self, question: Question, found: Judgement) -> Judgement:
        """The same, held to secants where loops jump and these have a slope that no side is.

        Loops that further turns change by more than a number does over the longest secant tell
        nothing of it, nor do those of which no float shows it there.

        Args:
            question: which number.
            found: the judgement that refutes it by the derivatives of f.
        """
        if len(question.moving) != 1:
            return found
        secants, number = self._secants(question), self._at.numbers.enclosed(question)
        told = by_secants(secants, number, self._known(question), found)
        left = self._left(question) if told is found else None
        if left is not None and secants.none_shows(number, left):
            return replace(found, verdict=Verdict.UNDECIDED, reason=STEPS)
        return told

    def _of_one_scale(self, question: Question) -> Iterator[Question]:
        """The parts of a question in which numbers of about one size move; of 0 there is none."""
        (direction,) = question.moving
        sizes = [abs(np.asarray(x, np.float64)) for x in self._at.values]
        left = sorted({float(sizes[leaf][index]) for leaf, index in direction.support})
        while left and (largest := left.pop()):
            least = largest / ONE_SCALE
            left = [size for size in left if size < least]
            leaves = [
                np.where((size <= largest) & (size >= least), leaf, 0.0)
                for size, leaf in zip(sizes, direction.leaves, strict=True)
            ]
            yield replace(question, directions=(Direction(leaves),))
