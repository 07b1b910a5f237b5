"""What a rule gives at a tie for all that ties together.

Of max(x, y) at x = y each derivative alone may be any number from 0 to 1, and both together are no
gradient of it but where they add up to 1.  Along x = y the function has no kink, and a gradient
gives its one slope there.  So what was accepted entry by entry at a kink is asked for along
directions that keep ties: those of equal numbers, of multiples, and others for what they rule out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from jaxgrad.gradients.rules.directions import Direction, entry_count
from jaxgrad.gradients.rules.judgement import Judgement
from jaxgrad.gradients.rules.narrower import narrowed
from jaxgrad.gradients.rules.question import Question
from jaxgrad.programs.flow import meets
from jaxgrad.verdict import Verdict

if TYPE_CHECKING:
    from jaxgrad.gradients.rules.at_point import AtPoint

__all__ = ["along_ties"]

# JAX gives none of the three arguments of `clamp` a derivative where two tie.  Those of an index,
# as a median has, meet nothing that moves.
_NO_GRADIENT = frozenset({"clamp"})
# Operations times lines that are spent on it at a point, at about 20 μs each: half a second.
BUDGET = 20_000


def along_ties(
    at: AtPoint, found: list[tuple[Question, Judgement]]
) -> list[tuple[Question, Judgement]]:
    """What is wrong of accepted derivatives together, the first of it.

    Args:
        at: the point.
        found: the judgements of the derivatives.
    """
    asked = {
        (question.modes, question.cotangent.key): question
        for question, judgement in found
        if judgement.verdict is Verdict.AGREES and judgement.kink and len(question.modes) == 1
        if question.taken is None
    }
    if not asked or not _are_asked(at):
        return []
    lines = _lines(at)
    for question in asked.values():
        for line in lines:
            together = Question(question.modes, (line,), question.cotangent)
            judgement = at.judge(together) if _has_slope(at, together) else None
            if judgement is not None and judgement.verdict is Verdict.REFUTED:
                return [narrowed(at.judge, together, judgement)]
    return []


def _are_asked(at: AtPoint) -> bool:
    """Whether a custom rule is among what ties, all of which has gradients."""
    rules = at.rules
    if not (rules.custom and rules.linear) or any(
        x.verdict is Verdict.REFUTED for _, x in at.wrong
    ):
        return False
    closed = rules.primal.truth_program.jaxpr
    return not meets(closed, _NO_GRADIENT) and not at.truth.jumps


def _has_slope(at: AtPoint, question: Question) -> bool:
    """Whether the number and both sides of what it should be are real numbers."""
    sides = at.sides(question)
    if sides is None or not at.numbers.enclosed(question).is_finite():
        return False
    return sides.right.is_finite() and sides.left.is_finite()


def _lines(at: AtPoint) -> list[Direction]:
    """Directions in which several numbers move, as many as there is time for."""
    if entry_count(at.rules.shapes) < 2:
        return []
    most = max(BUDGET // max(at.rules.size, 1), 1)
    return [line for line in _all_lines(at) if len(line.support) > 1][:most]


def _all_lines(at: AtPoint) -> Iterator[Direction]:
    ones = Direction([np.ones(shape) for shape in at.rules.shapes])
    drawn = at.rules.direction()
    yield ones
    largest = max(float(np.max(np.abs(leaf), initial=0.0)) for leaf in map(_wide, at.values))
    if 0 < largest < np.inf:
        scale = 2.0 ** np.floor(np.log2(largest))
        yield Direction([_wide(leaf) / scale for leaf in at.values])
    yield Direction([abs(leaf) for leaf in drawn.leaves])
    yield drawn
    yield Direction([np.sign(leaf) for leaf in drawn.leaves])


def _wide(leaf: np.ndarray) -> np.ndarray:
    return np.asarray(leaf, np.float64)
