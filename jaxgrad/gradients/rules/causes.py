"""Why numbers that a rule gives are wrong, as far as that is known.

Of rules that need not be linear: where one clips, it is right for less of the cotangent; of others
the size is no excuse.  And a ``stop_gradient`` in a reference: it is differentiated as the function
that it computes, whatever is stopped.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace

import jax.numpy as jnp

from jaxgrad.errors import JaxgradError
from jaxgrad.gradients.enclosure import FIRST_PRECISION
from jaxgrad.gradients.rules.asked import EXPONENTS
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.conclusions import Judged, first_wrong
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.diagnosis import diagnosis
from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.rules.solved import solved_to
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.listed import listed
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.jaxprs import equations
from jaxgrad.programs.source_lines import line_of
from jaxgrad.verdict import Verdict

__all__ = ["cause"]


def cause(at: AtPoint, judged: Judged) -> str:
    """What to say of why numbers at a point are wrong; nothing if it is not known."""
    wrong = [question for question, found in judged if found.verdict is Verdict.REFUTED]
    by_size = "" if at.rules.linear else _by_size(at, wrong)
    solved = solved_to(at)
    found = by_size or _by_reference(at, wrong) or _like(at, judged)
    return f"{found}; {solved}" if solved else found


def _like(at: AtPoint, judged: Judged) -> str:
    first = first_wrong(judged)
    # What it is like is seen in derivatives, and not in secants.
    return "" if first is None or first[1].by_secants else diagnosis(at, *first)


# -- the size of the cotangent -------------------------------------------------------------------


def _by_size(at: AtPoint, wrong: list[Question]) -> str:
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
    """Whether it is plainly so; what rounding hides of a small number is no less wrong."""
    with contextlib.suppress(JaxgradError):
        found = at.judge(question)
        return found is not None and found.plain
    return False


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


# -- a stop_gradient in the reference ------------------------------------------------------------


def _by_reference(at: AtPoint, wrong: list[Question]) -> str:
    """What to say where the reference stops gradients, and is no derivative of itself for that.

    JAX's own functions hold a ``stop_gradient`` where it changes nothing, as in a softmax.

    Args:
        at: the point at which numbers are wrong.
        wrong: these.
    """
    primal = at.rules.primal
    if primal.reference is None:
        return ""
    program = primal.reference_program
    stops = [x for x in equations(program.jaxpr) if x.primitive.name == "stop_gradient"]
    if not stops or not any(_is_wrong_of_itself(at, question) for question in wrong):
        return ""
    lines = filter(None, map(line_of, stops))
    names = dict.fromkeys(line.function for line in lines)
    where = f" in {listed(f'`{name}`' for name in names)}" if names else ""
    return (
        f"; the reference itself stops gradients{where}, and its derivative is that of the "
        "function that it computes, whatever is stopped: give one without stop_gradient, the "
        "function whose derivative is meant (`lambda x: x` for a straight-through estimator)"
    )


def _is_wrong_of_itself(at: AtPoint, question: Question) -> bool:
    """Whether JAX's derivative of the reference is not that of the function it computes."""
    modes = question.modes
    try:
        rules = DerivativePrograms(at.rules.primal.of_reference(), len(modes), modes)
        with precision(FIRST_PRECISION):
            found = AtPoint(rules, at.values).judge(question)
    except (JaxgradError, CannotDecide):
        return False
    return found is not None and found.verdict is Verdict.REFUTED
