"""Is the size of the cotangent why a derivative is wrong?  So it is where a rule clips it.

Asked only of rules that need not be linear: of others the size is no excuse.
"""

from __future__ import annotations

from dataclasses import replace

import jax.numpy as jnp

from jaxgrad.gradients.enclosure import FIRST_PRECISION
from jaxgrad.gradients.rules.asked import EXPONENTS
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.question import Question
from jaxgrad.numbers.precision import precision
from jaxgrad.verdict import Verdict

__all__ = ["cause_by_size"]


def cause_by_size(at: AtPoint, wrong: list[Question]) -> str:
    """What to say where all numbers that were found wrong are right for less, else nothing.

    Args:
        at: the point at which they are wrong.
        wrong: the numbers.
    """
    if not wrong or any(question.is_value for question in wrong):
        return ""
    with precision(FIRST_PRECISION):
        exponent = next((k for k in _exponents(at.rules.primal) if _all_right(at, wrong, k)), None)
    if exponent is None:
        return ""
    forward = any(question.modes == ("fwd",) for question in wrong)
    moved = "tangent" if forward else "cotangent"
    remedy = "raise the threshold"
    if not forward:
        remedy += f", or check {_smaller(at.rules.primal, exponent)}"
    return (
        f"; the size of the {moved} is why, as with gradient clipping: f is asked with one of size "
        f"1, and for 2**-{exponent} of it what is refuted here is right; {remedy}"
    )


def _exponents(primal: Primal) -> list[int]:
    """Halvings that leave a number of size 1 a normal float."""
    least = max(int(jnp.finfo(x.dtype).minexp) for x in (*primal.inputs, *primal.outputs))
    return [k for k in EXPONENTS if k < -least]


def _all_right(at: AtPoint, wrong: list[Question], exponent: int) -> bool:
    return all(_is_right(at, _scaled(question, 2.0**-exponent)) for question in wrong)


def _is_right(at: AtPoint, question: Question) -> bool:
    found = at.judge(question)
    return found is not None and found.verdict is Verdict.AGREES and not found.kink


def _scaled(question: Question, factor: float) -> Question:
    """The number for so much of the cotangent, or of the tangent of a forward rule."""
    if question.modes == ("fwd",):
        return replace(question, directions=(_times(question.directions[0], factor),))
    return replace(question, cotangent=_times(question.cotangent, factor))


def _times(direction: Direction, factor: float) -> Direction:
    return Direction([factor * leaf for leaf in direction.leaves])


def _smaller(primal: Primal, exponent: int) -> str:
    """Code of the function times 2⁻ᵏ, and of its reference."""
    single = len(primal.program.outputs) == 1 and not primal.program.outputs[0].path
    scaled = f"2**-{exponent} * {{}}(*args)"
    if not single:
        scaled = f"jax.tree.map(lambda y: 2**-{exponent} * y, {{}}(*args))"
    code = f"`lambda *args: {scaled.format('f')}`"
    if primal.reference is None:
        return code
    return f"{code} with reference=`lambda *args: {scaled.format('reference')}`"
