"""What is said of NaNs at the border of a function, and of results that are no numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.borders import Steep
from jaxgrad.gradients.rules.code import named, question_in_words
from jaxgrad.gradients.rules.conclusions import Judged
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.special_points.search import SpecialPoint
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.verdict import Verdict

__all__ = [
    "MEND",
    "at_a_border",
    "left_out",
    "no_numbers",
    "not_judged",
    "note_of_limits",
    "notes_of_borders",
    "nothing_judged",
]

_SHOWN = 3

MEND = (
    "; to mend it, keep the argument off the border before the operation, as in "
    "`jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1.0)), 0.0)`; to mask the result alone leaves "
    "the NaN"
)


def at_a_border(at: AtPoint, judged: Judged) -> str | None:
    """What to say where all that is wrong is NaN by the right Jacobian, too; None if more is.

    Args:
        at: the given point.
        judged: the judgements there.
    """
    wrong = [(question, found) for question, found in judged if found.verdict is Verdict.REFUTED]
    if not wrong or any(found.value != "nan" for _, found in wrong):
        return None
    try:
        steep = [at.at_border(question) for question, _ in wrong]
    except (CannotDecide, UnsupportedPrimitive):  # no germs tell which slope is infinite
        return None
    if steep[0] is None or not all(steep):
        return None
    return (
        f"JAX gives NaN at the border of f: {_slope(at.rules.primal, steep[0])}, and the "
        f"product with it is 0·∞ or ∞ − ∞ whatever the rules"
    )


def notes_of_borders(primal: Primal, seen: Sequence[tuple[SpecialPoint, AtPoint]]) -> list[str]:
    """A note of the first point of those at which nothing is made of such a NaN.

    Args:
        seen: points that nobody asked for, and what was judged there.
    """
    if not seen:
        return []
    point, there = seen[0]
    question, steep = there.borders.excused[0]
    more = f", and so at {len(seen) - 1} more" if len(seen) > 1 else ""
    return [f"at {point.why}, {_excuse(primal, question, steep)}{more}"]


def note_of_limits(at: AtPoint) -> list[str]:
    """The same of a point with infinite entries."""
    return [_excuse(at.rules.primal, *each) for each in at.borders.excused[:1]]


def _excuse(primal: Primal, question: Question, steep: Steep) -> str:
    return (
        f"JAX gives NaN, which is no wrong rule, as {_slope(primal, steep)}, and the "
        f"product with it is 0·∞ or ∞ − ∞ ({question_in_words(primal, question)})"
    )


def left_out(at: AtPoint) -> list[str]:
    """A note of the results that are no numbers at the given point, of which nothing is judged."""
    masks = at.borders.valueless
    return [] if masks is None else no_numbers(at.rules.primal, masks)


def no_numbers(primal: Primal, masks: Sequence[np.ndarray]) -> list[str]:
    """A note that some entries of the result are no numbers; none if there are none."""
    return not_judged(primal, masks, "is no number", "are no numbers", "at the given point")


def not_judged(
    primal: Primal, masks: Sequence[np.ndarray], one: str, several: str, where: str
) -> list[str]:
    """A note that some entries of the result are not judged; none if there are none.

    Args:
        primal: the function.
        masks: for each leaf of the result, which entries.
        one, several: what is the matter with one of them, and with more.
        where: that it is so.
    """
    places = [
        named(leaf, tuple(int(i) for i in index))
        for leaf, mask in zip(primal.outputs, masks, strict=True)
        for index in np.argwhere(mask)
    ]
    shown = ", ".join(f"f{place}" for place in places[:_SHOWN])
    if len(places) > _SHOWN:
        shown += f" and {len(places) - _SHOWN} more"
    said = one if len(places) == 1 else several
    return [f"{shown} {said} {where}, and not judged"] if places else []


def nothing_judged(at: AtPoint, judged: Judged) -> str | None:
    """Why nothing is known, where all results that have a value are constants."""
    if at.borders.valueless is None or any(found.value != "0" for _, found in judged):
        return None
    return f"{left_out(at)[0]}; the others do not depend on the arguments"


def _slope(primal: Primal, steep: Steep) -> str:
    """Which slope is no number."""
    leaf, index = steep.output
    text = f"{steep.kind.format('f' + named(primal.outputs[leaf], index))} there"
    if steep.input is None:
        return text
    leaf, index = steep.input
    return f"{text} along {named(primal.inputs[leaf], index)}"
