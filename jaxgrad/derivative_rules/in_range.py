"""Whether floats hold what a rule computes of its cotangent on its way.

A product with a cotangent that is beyond the largest float of its dtype, or below the least normal
one, is an infinity or 0 whatever the rule; that it is not what linearity says is no fault of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from flint import arb

from jaxgrad.interpret import Interpreter
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.program import Program, is_differentiable
from jaxgrad.rules.concrete import is_concrete

__all__ = ["leaves_range"]

Steps = list[tuple[Any, list[Any]]]


def leaves_range(
    program: Program, runs: Sequence[Sequence[Any]], weights: Sequence[arb], every: bool
) -> bool:
    """Whether a number on the way that is linear in what moves is no float of its dtype.

    Numbers that are not linear, such as the square of a norm, may be anything: a rule that
    decides by them is not linear before they overflow.

    Args:
        program: a derivative program.
        runs: its inputs as balls at a·g + b·h, at g, and at h if b is not 0.
        weights: a, and b if it is not 0.
        every: whether numbers that are not linear count, too.
    """
    walks = [_walked(program, inputs) for inputs in runs]
    for steps in zip(*walks, strict=False):
        equation = steps[0][0]
        if any(step[0] is not equation for step in steps):  # another branch from here on
            return False
        outputs = zip(*(step[1] for step in steps), strict=True)
        for variable, values in zip(equation.outvars, outputs, strict=True):
            if _is_beyond(variable, values, weights, every):
                return True
    return False


def _is_beyond(variable: Any, values: Sequence[Any], weights: Sequence[arb], every: bool) -> bool:
    if not is_differentiable(variable.aval.dtype) or any(map(is_concrete, values)):
        return False
    limits = jnp.finfo(variable.aval.dtype)
    least, most = arb(float(limits.smallest_normal)), arb(float(limits.max))
    for whole, *parts in zip(*(value.flat for value in values), strict=True):
        total = sum((a * x for a, x in zip(weights, parts, strict=True)), arb(0))
        sizes = [abs(x) for x in (whole, *parts) if x.is_finite()]
        outside = any(x > most or (x < least and not x.is_zero()) for x in sizes)
        if outside and (every or whole.overlaps(total)):
            return True
    return False


class _Walk(Interpreter):
    """Keeps what every equation gave."""

    def __init__(self) -> None:
        super().__init__(Ball())
        self.steps: Steps = []

    def apply(self, equation: Any, arguments: list[Any]) -> list[Any]:
        outputs = super().apply(equation, arguments)
        self.steps.append((equation, outputs))
        return outputs


def _walked(program: Program, inputs: Sequence[Any]) -> Steps:
    walk = _Walk()
    with contextlib.suppress(CannotDecide):  # as far as it is known
        walk.run(program.jaxpr.jaxpr, program.jaxpr.consts, list(inputs))
    return walk.steps
