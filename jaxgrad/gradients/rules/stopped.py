"""A ``stop_gradient`` in a reference, which is differentiated as the function that it computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jaxgrad.errors import JaxgradError
from jaxgrad.gradients.enclosure import FIRST_PRECISION
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.question import Question
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.jaxprs import equations
from jaxgrad.programs.raised_by import is_callers
from jaxgrad.verdict import Verdict

__all__ = ["cause_by_reference"]


def cause_by_reference(at: AtPoint, wrong: list[Question]) -> str:
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
    names = dict.fromkeys(filter(None, map(_stopped_in, stops)))
    where = f" in {' and '.join(f'`{name}`' for name in names)}" if names else ""
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


def _stopped_in(equation: Any) -> str | None:
    """The name of the caller's function in which it is, if that is known."""
    trail = equation.source_info.traceback
    frames = [] if trail is None else trail.frames
    own = (frame for frame in frames if is_callers(Path(frame.file_name)))
    return next((frame.function_name.rpartition(".")[2] for frame in own), None)
