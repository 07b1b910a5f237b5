"""Rules that are another function's on purpose, as many a straight-through estimator's are."""

from __future__ import annotations

from flint import arb, ctx

from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.rules.sides import Sides

__all__ = ["REVERSED", "STRAIGHT_THROUGH", "passes_on", "vanishes"]

STRAIGHT_THROUGH = (
    ": if the rules are those of another function on purpose, as of a straight-through estimator, "
    "reference= names it"
)
REVERSED = (
    ": if that is on purpose, as where a gradient is reversed, reference= names the function whose "
    "derivative it is"
)


def vanishes(sides: Sides | None) -> bool:
    """Whether the derivative is exactly 0, as of what is rounded."""
    return _is(sides, arb(0))


def passes_on(sides: Sides | None, question: Question) -> bool:
    """Whether the derivative is that of an argument which is returned as it is.

    Args:
        sides: the derivative.
        question: what it is taken along, of one leaf of the arguments and one of the result.
    """
    leaf, result = question.leaf or 0, question.cotangent.place[0] or 0
    v, u = question.directions[0].leaves[leaf], question.cotangent.leaves[result]
    if v.shape != u.shape:
        return False
    products = (arb(float(x)) * arb(float(y)) for x, y in zip(v.flat, u.flat, strict=True))
    return _is(sides, sum(products, arb(0)))


def _is(sides: Sides | None, number: arb) -> bool:
    return (
        sides is not None
        and len(sides.known) == 2
        and all(side.overlaps(number) for side in sides.known)
        and all(side.rel_accuracy_bits() > 40 or _is_nothing(side) for side in sides.known)
    )


def _is_nothing(side: arb) -> bool:
    """Whether it is 0, or half of the bits tell it from no other number: a sum may be 0."""
    return bool(abs(side).upper() <= 2.0 ** (-ctx.prec / 2))
