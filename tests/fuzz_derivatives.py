"""Derivatives of random programs as difference quotients of many digits.

A quotient knows no rule of differentiation.  What JAX is to get from the wrong rule of a step is
the quotient of another program, in which the step is the affine function that the rule describes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mpmath
import numpy as np
from fuzz_exact import Real, Unknown
from fuzz_programs import Program, as_exact
from fuzz_rules import value_of_rule, wrong_slope
from mpmath import mpf

__all__ = ["Quotients", "along"]

# The error of a quotient is about h f''/2, and about 10^-digits / h from rounding.
DIGITS = 160
STEP = -50
# What two sides of a smooth function, whose second derivative is below 10^20, may differ by.
SMOOTH = mpf(10) ** -25
# Operations of floating-point numbers whose derivative JAX knows to be 0.
WITHOUT_TANGENT = {"ceil", "floor", "round", "sign", "trunc"}
STEEP = mpf(10) ** 20


class Quotients:
    """f at a point and beside it.

    Args:
        program: a program.
        point: its arguments.
        by_rules: whether steps with rules of their own are what these say.

    Raises:
        Unknown: real arithmetic does not say what f is there.
    """

    def __init__(self, program: Program, point: Sequence[Any], by_rules: bool = False) -> None:
        self.program = program
        self.by_rules = by_rules
        self._operands: dict[int, Any] = {}
        self._results: dict[int, Any] = {}
        self._slopes: dict[int, Any] = {}
        with mpmath.workdps(DIGITS):
            self.point = [as_exact(value) for value in point]
            self.value, self.real = self._run(self.point, record=True)

    @property
    def doubtful(self) -> bool:
        """Whether something ties, or is undefined, so that JAX need not have the derivative."""
        return self.real.tie or self.real.undefined

    def sides(self, direction: Sequence[Any], weights: Any = None) -> tuple[Any, Any] | None:
        """The derivatives of the weighed sum of f on both sides; None where there is none."""
        with mpmath.workdps(DIGITS):
            h = mpf(10) ** STEP
            found = []
            for sign in (1, -1):
                moved = [
                    x if d is None else x + as_exact(d) * (sign * h)
                    for x, d in zip(self.point, direction, strict=True)
                ]
                there, _ = self._run([np.asarray(x, dtype=object) for x in moved])
                quotient = (there - self.value) / (sign * h)
                weighed = np.sum(quotient if weights is None else quotient * as_exact(weights))
                if mpmath.isnan(weighed) or abs(weighed) > STEEP:
                    return None
                found.append(weighed)
            return found[0], found[1]

    def smooth(self, direction: Sequence[Any]) -> Any:
        """The derivative where both sides agree, else None."""
        sides = self.sides(direction)
        if sides is None:
            return None
        with mpmath.workdps(DIGITS):
            return sides[0] if abs(sides[0] - sides[1]) < SMOOTH * (1 + abs(sides[0])) else None

    def _run(self, point: Sequence[Any], record: bool = False) -> tuple[Any, Real]:
        real, values = Real(), list(point)
        for k, step in enumerate(self.program.steps):
            operands = [values[i] for i in step.operands]
            if self.by_rules and "custom" in step.operation:
                values.append(self._affine(real, k, operands[0], record))
            else:
                values.append(step.exact(real, operands))
        return values[-1], real

    def _affine(self, real: Real, k: int, x: Any, record: bool) -> Any:
        step = self.program.steps[k]
        kind = dict(step.parameters)["kind"]
        if kind == "value" and not self._moves(step.operands[0]):
            raise Unknown("JAX runs the forward rule of what moves alone")
        if record:
            h = mpf(10) ** (STEP + 10)
            right, left = step.exact(real, [x + h]), step.exact(real, [x - h])
            slopes = np.frompyfunc(lambda s, v: wrong_slope(kind, s, v), 2, 1)
            self._operands[k] = x
            self._slopes[k] = slopes((right - left) / (2 * h), x)
            value = np.frompyfunc(lambda v: value_of_rule(kind, v), 1, 1)
            self._results[k] = value(step.exact(real, [x]))
        return np.asarray(
            self._results[k] + self._slopes[k] * (x - self._operands[k]), dtype=object
        )

    def _moves(self, value: int) -> bool:
        """Whether what is between a value and the arguments certainly has a tangent."""
        inputs = len(self.program.inputs)
        if value < inputs:
            return value in self.program.moving
        step = self.program.steps[value - inputs]
        moving = "float" in step.dtype and step.operation not in WITHOUT_TANGENT
        return moving and all(map(self._moves, step.operands))


def along(program: Program, place: int, index: tuple[int, ...]) -> list[Any]:
    """The direction of one entry of one argument."""
    direction: list[Any] = [None] * len(program.inputs)
    unit = np.zeros(program.inputs[place].shape)
    unit[index] = 1
    direction[place] = unit
    return direction


__all__ += ["Unknown"]
