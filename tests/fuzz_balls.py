"""Random programs over balls, held against real values and difference quotients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
from flint import arb
from fuzz_derivatives import Quotients
from fuzz_findings import EQUAL, EQUAL_QUOTIENTS, Case, Finding, gradient_of, smooth_gradient
from fuzz_programs import DIGITS, Unknown, evaluate
from mpmath import mpf

from jaxgrad.gradients.enclosure import FIRST_PRECISION, balls
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.trace import trace

__all__ = ["balls_hold_derivatives", "balls_hold_values"]

# JAX's derivatives of these hold a constant, such as 2/√π, as a float32 of 24 bits has it.
WITH_CONSTANTS = {"erf", "exp2", "cbrt"}
EQUAL_WITH_CONSTANTS = mpf(10) ** -4


def _holds(ball: arb, value: Any, allowed: Any) -> bool:
    """Whether a finite ball holds a number, but for what mpmath rounded."""
    if mpmath.isnan(value):
        return False
    with mpmath.workdps(2 * DIGITS):
        middle, radius = (_number(part) for part in (ball.mid(), ball.rad()))
        return bool(abs(middle - value) <= radius + allowed * (1 + abs(value)))


def _number(part: arb) -> Any:
    mantissa, exponent = part.man_exp()
    return mpf(int(mantissa)) * mpf(2) ** int(exponent)


def _balls_of(function: Callable[..., Any], case: Case) -> list[Any]:
    program = trace(function, tuple(case.point))
    with precision(FIRST_PRECISION):
        inputs = balls(program.inputs, [leaf.value for leaf in program.inputs])
        return interpret(program, Ball(), inputs)


def balls_hold_values(case: Case) -> list[Finding]:
    """The enclosures of a program hold its real values."""
    try:
        values, real = evaluate(case.program, case.point)
    except Unknown:
        case.counts["values: unknown"] += 1
        return []
    found = _balls_of(case.program.function, case)[0]
    wrong = []
    for index in np.ndindex(values.shape):
        if not found[index].is_finite():
            case.counts["values: no ball"] += 1
            continue
        case.counts["values: held"] += 1
        if mpmath.isnan(values[index]) and real.pole:
            continue
        if not _holds(found[index], values[index], EQUAL):
            truth = mpmath.nstr(values[index], 20)
            wrong.append(f"entry {index} is {found[index]} by balls and {truth} in truth")
    return [Finding("wrong ball", "; ".join(wrong))] if wrong else []


def balls_hold_derivatives(case: Case) -> list[Finding]:
    """The enclosures of JAX's gradient hold the difference quotients."""
    program = case.program
    if not case.differentiable_in_reverse or "not linear" in program.wrong_rules:
        return []
    try:
        quotients = Quotients(program, case.point, by_rules=True)
        truth = smooth_gradient(quotients)
    except Unknown:
        case.counts["derivatives: unknown"] += 1
        return []
    allowed = EQUAL_QUOTIENTS
    if program.operations & WITH_CONSTANTS:
        allowed = EQUAL_WITH_CONSTANTS
        if {step.dtype for step in program.steps} & {"float16", "bfloat16"}:
            return []
    found = _balls_of(gradient_of(program), case)
    wrong = []
    for (place, index), derivative in truth.items():
        ball = found[program.moving.index(place)][index]
        if not ball.is_finite():
            case.counts["derivatives: no ball"] += 1
            continue
        case.counts["derivatives: held"] += 1
        if not _holds(ball, derivative, allowed):
            told = mpmath.nstr(derivative, 20)
            wrong.append(f"by x{place}{list(index)} {ball} by balls and {told} in truth")
    return [Finding("wrong derivative", "; ".join(wrong))] if wrong else []
