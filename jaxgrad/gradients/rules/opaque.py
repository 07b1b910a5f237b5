"""Derivative rules of a function that runs in floating point alone: a kernel, a callback.

Its floats are held against the balls of a reference, whose own rules are checked first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.floats.allowance import unit_roundoff
from jaxgrad.gradients.floats.result import FloatResult
from jaxgrad.gradients.floats.sides import check_floats
from jaxgrad.gradients.outcome import GradientCheck, RuleResult
from jaxgrad.gradients.rules.code import paste, paste_kernel, question_in_words
from jaxgrad.gradients.rules.conclusions import refuted_everywhere, undecided
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.directions import Direction, Unit, drawn
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.trusts import BALLS
from jaxgrad.interpret.sides import Side
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.verdict import Evidence, Verdict

__all__ = ["by_floats"]

# Each cotangent is one run of the kernel; past this many one drawn cotangent has to do.
FEW = 16
COARSEST = float(unit_roundoff(jnp.bfloat16))


@dataclass(frozen=True)
class Held:
    """A float that a kernel returns, beside what its reference says.

    Args:
        question: which number it is; None of the value without any derivative.
        result: the float, and whether rounding explains its error.
    """

    question: Question | None
    result: FloatResult

    @property
    def wrong(self) -> bool:
        """Whether not even rounding every number to bfloat16 would explain the error.

        No kernel computes in less where its result has a wider dtype; the allowance is
        proportional to the unit roundoff.
        """
        unit = float(unit_roundoff((*self.result.within, self.result.dtype)[0]))
        unstable = self.result.status == "UNSTABLE"
        return unstable and self.result.excess > max(COARSEST, unit) / unit


def by_floats(
    rules: DerivativePrograms, check: Callable[[DerivativePrograms], GradientCheck]
) -> GradientCheck:
    """The check of what can only be run, by its floats and those of its reference.

    Args:
        rules: the derivative programs.
        check: checks those of the reference, which are trusted if they pass.
    """
    primal = rules.primal
    if primal.reference is None:
        return undecided(
            primal,
            "f calls a kernel or a callback, of which only floats can be had; name a JAX function "
            "that computes the same with reference=",
        )
    if rules.order > 1:
        return undecided(
            primal, "f calls a kernel or a callback, of which first derivatives alone are judged; "
            "pass order=1",
        )  # fmt: skip
    try:
        reference = DerivativePrograms(primal.of_reference(), 1, rules.modes, linear=False)
        trusted = check(reference)
        if not trusted.verdict.passes:
            return undecided(primal, f"the reference is {trusted}")
        results = _held(rules, reference)
    except (CannotDecide, UnsupportedPrimitive) as error:
        return undecided(primal, f"the reference has no exact values: {error}")
    unstable = [held for held in results if not held.result.stable]
    if unstable:
        return _beyond_rounding(primal, next((x for x in unstable if x.wrong), unstable[0]))
    text = "the floats of f are as near to the value and derivative of the reference as rounding "
    text += "allows"
    digits = min((held.result.digits for held in results), default=math.inf)
    text += f", at least {digits:.1f} digits" if math.isfinite(digits) else ""
    evidence = Evidence(Verdict.AGREES, "sampling", f"{text}, at this point", trusts=BALLS)
    leaves = tuple(RuleResult(leaf.path, Verdict.AGREES) for leaf in primal.inputs)
    return GradientCheck(Verdict.AGREES, leaves, evidence)


def _held(rules: DerivativePrograms, reference: DerivativePrograms) -> list[Held]:
    """The compiled values and derivatives of a function beside those of its reference over balls.

    Raises:
        UnsupportedPrimitive: the reference has no balls, either.
    """
    primal, functions = rules.primal, (_value(rules.primal), _value(reference.primal))
    found = [Held(None, result) for _, result in _floats(functions, primal.point)]
    for mode in rules.modes:
        forward = mode == "fwd"
        like = primal.like_inputs if forward else primal.like_outputs
        sides = rules[(mode,)].side(mode), reference[(mode,)].side(mode)
        for moved in _directions(rules.shapes if forward else rules.out_shapes):
            for leaf, result in _floats(sides, [*primal.point, *like(moved.leaves)]):
                question = _question(rules, mode, moved, leaf, result.index or ())
                found.append(Held(question, result))
    return found


def _question(
    rules: DerivativePrograms, mode: str, moved: Direction, leaf: int, index: tuple[int, ...]
) -> Question:
    """Which number an entry of a derivative program is: of the values first, then of slopes."""
    outputs = len(rules.out_shapes)
    if leaf < outputs:
        return Question((mode,), (drawn(rules.shapes),), Unit(rules.out_shapes, leaf, index), 0)
    if mode == "fwd":
        return Question((mode,), (moved,), Unit(rules.out_shapes, leaf - outputs, index))
    return Question((mode,), (Unit(rules.shapes, leaf - outputs, index),), moved)


def _value(primal: Primal) -> Side:
    program = primal.moving_program
    return Side("value", primal, primal.point, program.inputs, program)


def _floats(
    sides: tuple[Side, Side], values: Sequence[np.ndarray]
) -> Iterator[tuple[int, FloatResult]]:
    """The leaf of the results, and the worst float in it."""
    kernel, reference = sides
    places = {leaf.path: i for i, leaf in enumerate(reference.outputs)}
    for result in check_floats(kernel, reference, values):
        yield places[result.path], result


def _directions(shapes: list[tuple[int, ...]]) -> list[Direction]:
    direction = drawn(shapes)
    if len(direction.support) > FEW:
        return [direction]
    return [Unit(shapes, leaf, index) for leaf, index in direction.support]


def _beyond_rounding(primal: Primal, held: Held) -> GradientCheck:
    """The check where a float of a kernel is not what the reference says."""
    question = held.question
    what = "value" if question is None or question.is_value else "derivative"
    which = "the value of f" if question is None else question_in_words(primal, question)
    said = f"{which} is {held.result.in_words}"
    if not held.wrong:
        found = f"cannot be judged ({held.result.reason})"
        if held.result.status == "UNSTABLE":
            found = "is further from that of the reference than rounding explains"
        return undecided(primal, f"f runs in floating point alone, and its {what} {found}: {said}")
    code = paste_kernel(primal) if question is None else paste(primal, question, primal.point)
    text = (
        f"the {what} of f is not that of the reference, by more than rounding every number to "
        f"bfloat16 would explain: {said}"
    )
    return refuted_everywhere(primal, text, said, code)
