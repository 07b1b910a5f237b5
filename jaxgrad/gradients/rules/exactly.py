"""What a rule gives where balls have no value, by numbers that know when they are exactly 0.

1/√(1 − c²) has no value for c = ⟨a, a⟩/(|a||a|), which is 1. JAX's run of it may return any number,
as rounding has it, or NaN; the formula is 1/0 whatever the rounding. Where the run has the
derivative to half the digits or more, floats went through an infinity to it, and not by chance.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flint import arb

from jaxgrad.errors import JaxgradError
from jaxgrad.gradients.one_sided import MOST_EXACT_OPERATIONS
from jaxgrad.gradients.rules.judgement import Judgement, agreement
from jaxgrad.gradients.rules.question import Question
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.exact import ExactBall
from jaxgrad.programs.jaxprs import operations
from jaxgrad.verdict import Verdict

if TYPE_CHECKING:
    from jaxgrad.gradients.rules.at_point import AtPoint

__all__ = ["exactly"]


def exactly(at: AtPoint, question: Question, found: Judgement) -> Judgement:
    """The judgement of a number that balls leave open, where exact numbers do not.

    Args:
        at: the point.
        question: which number.
        found: what the balls say, which is kept where nothing is decided.
    """
    sides = at.sides(question)
    large = operations(at.rules[question.modes].program.jaxpr.jaxpr) > MOST_EXACT_OPERATIONS
    if large or sides is None or not all(t.is_finite() for t in sides.known) or not sides.known:
        return found
    balls = ExactBall()
    try:
        number = arb(at.numbers.enclosed(question, system=lambda: balls))
    except (CannotDecide, JaxgradError):
        return found
    if number.is_finite():
        decided = at.judge(question, number)
        return found if decided is None else decided
    if not balls.undefined or balls.unsure:
        return found
    computed = float(at.numbers.floats(question))
    half = at.rules.float_bits / 2
    if any(agreement(arb(computed), t) >= half for t in sides.known):  # e⁻ˣ is 0 in the limit
        return found
    by_rounding = f"no number (1/0, of which JAX makes {computed} by rounding)"
    return replace(found, verdict=Verdict.REFUTED, value=by_rounding)
