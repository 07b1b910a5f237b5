"""Where eigenvalues or singular values are repeated, and a function has slopes but no gradient.

Along every line it has a slope, from either side.  There is a gradient only where these add up: of
vectors, and of a single eigenvalue, they do not.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from jaxgrad.gradients.rules.directions import Direction, drawn
from jaxgrad.gradients.rules.free_values import are_alike
from jaxgrad.gradients.rules.question import Question

if TYPE_CHECKING:
    from jaxgrad.gradients.rules.truth import Truth

__all__ = ["NO_GRADIENT", "has_no_gradient"]

NO_GRADIENT = (
    "an eigenvalue or singular value is repeated, and the slopes of the result along several "
    "directions do not add up: it has no derivative"
)
"""Why a number is not held against slopes."""

# Slopes that do not add up do so along no drawn directions but by chance (these have 30 bits, so
# that floats add them up without rounding); of what is linear in
# parts three that follow one another may lie in one part, and not all of them with their opposites.
LINES = 4


def has_no_gradient(truth: Truth, question: Question) -> bool:
    """Whether vectors are free, and there is no derivative, no second one, or none that is known.

    Args:
        truth: of a function at a point.
        question: of which a rule gives a number.
    """
    if not truth.free.met or question.is_value:
        return False
    cotangent, is_second = question.cotangent, len(question.moving) > 1
    shapes = [value.shape for value in truth.point]
    lines = [drawn(shapes, seed) for seed in range(2, 2 + LINES)]
    return not all(
        _add_up(truth, *pair, cotangent) and not (is_second and _is_bent(truth, *pair, cotangent))
        for pair in itertools.pairwise(lines)
    )


def _add_up(truth: Truth, v: Direction, w: Direction, cotangent: Direction) -> bool:
    """Whether ⟨u, f⟩ has two equal sides along two directions and their sum, which are additive."""
    first, second, both = (truth.sides(line, 1, cotangent) for line in (v, w, v.plus(w, 1)))
    if not all(are_alike(each.right, each.left) for each in (first, second, both)):
        return False
    return are_alike(first.right + second.right, both.right)


def _is_bent(truth: Truth, v: Direction, w: Direction, cotangent: Direction) -> bool:
    """Whether D²⟨u, f⟩ is no quadratic form on two directions, or has two sides."""
    lines = (v.plus(w, 1), v.plus(w, -1), v, w)
    sides = [truth.sides(line, 2, cotangent) for line in lines]
    if not all(are_alike(each.right, each.left) for each in sides):
        return True
    plus, minus, first, second = (each.right for each in sides)
    return not are_alike(plus + minus, 2 * (first + second))
