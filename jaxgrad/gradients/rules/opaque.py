"""Derivative rules of a function that runs in floating point alone: a kernel, a callback.

Its floats are held against the balls of a reference, whose own rules are checked first.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from flint import arb

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.enclosure import PRECISIONS
from jaxgrad.gradients.floats.kernels import OPEN, Accepts, check_kernel
from jaxgrad.gradients.floats.result import FloatResult
from jaxgrad.gradients.outcome import GradientCheck, RuleResult
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.code import paste, paste_kernel, question_in_words
from jaxgrad.gradients.rules.conclusions import refuted_everywhere, undecided
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.directions import Direction, Unit, drawn
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.trusts import BALLS
from jaxgrad.interpret.sides import Side
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.listed import listed
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.run_by_callbacks import run_by_callbacks
from jaxgrad.verdict import Evidence, Verdict

__all__ = ["NEAR", "by_floats"]

NEAR = "the floats of f are as near to the value and derivative of the reference as rounding allows"
"""What is said of them where they are right."""

# Each cotangent is one run of the kernel; past this many a drawn one has to do, and two of one
# entry each, the first and the last.
FEW = 16


@dataclass(frozen=True)
class Held:
    """A float that a kernel returns, beside what its reference says.

    Args:
        question: which number it is; None of the value without any derivative.
        result: the float: stable, wrong, or open.
    """

    question: Question | None
    result: FloatResult

    @property
    def wrong(self) -> bool:
        """Whether the float is further off than twice what rounding explains."""
        return self.result.status == "UNSTABLE"


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
        own = [f"@jaxgrad.rule({name!r})" for name in run_by_callbacks(primal.program.jaxpr)]
        rule = f", or write one of the primitive under {own[0]}" if own else ""
        return undecided(
            primal,
            "f calls a kernel or a callback, of which only floats can be had; name a JAX function "
            f"that computes the same with reference={rule}",
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
    unexplained = [held for held in results if not held.result.stable]
    if unexplained:
        return _unexplained(primal, next((x for x in unexplained if x.wrong), unexplained[0]))
    digits = max(0.0, min((held.result.digits for held in results), default=math.inf))
    text = NEAR + (f", at least {digits:.1f} digits" if math.isfinite(digits) else "")
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
    slopes = _Slopes(rules, reference)
    for mode in rules.modes:
        forward = mode == "fwd"
        like = primal.like_inputs if forward else primal.like_outputs
        sides = rules[(mode,)].side(mode), reference[(mode,)].side(mode)
        for moved in _directions(rules.shapes if forward else rules.out_shapes):
            asked = functools.partial(_question, rules, mode, moved)
            accepts = lambda leaf, index, ball, asked=asked: slopes.accept(asked(leaf, index), ball)  # noqa: E731
            for leaf, result in _floats(sides, [*primal.point, *like(moved.leaves)], accepts):
                found.append(Held(asked(leaf, result.index or ()), result))
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


class _Slopes:
    """The one-sided derivatives of the reference, which no derivative rule has a part in."""

    def __init__(self, rules: DerivativePrograms, reference: DerivativePrograms) -> None:
        self._rules, self._reference = rules, reference

    @cached_property
    def _at(self) -> AtPoint:
        return AtPoint(self._reference, self._rules.primal.point)

    def accept(self, question: Question, ball: arb) -> bool | None:
        """Whether a number is a derivative of the reference, at a kink any of several."""
        if question.is_value:
            return False
        with precision(PRECISIONS[-1]):
            try:
                found = self._at.judge(question, ball)
            except (CannotDecide, UnsupportedPrimitive):
                return None
        if found is None or found.verdict is Verdict.UNDECIDED:
            return None
        return found.verdict is not Verdict.REFUTED


def _floats(
    sides: tuple[Side, Side], values: Sequence[np.ndarray], accepts: Accepts | None = None
) -> Iterator[tuple[int, FloatResult]]:
    """The leaf of the results, and the worst float in it."""
    kernel, reference = sides
    places = {leaf.path: i for i, leaf in enumerate(reference.outputs)}
    for result in check_kernel(kernel, reference, values, accepts):
        yield places[result.path], result


def _directions(shapes: list[tuple[int, ...]]) -> list[Direction]:
    """The tangents or cotangents that a kernel is asked at.

    In a drawn one of n entries their mean is about 1/√n, and a term of it that a backward pass
    lacks is less than what many roundings explain.  Of one entry it is all that the others get.
    """
    direction = drawn(shapes)
    support = direction.support
    if len(support) <= FEW:
        return [Unit(shapes, leaf, index) for leaf, index in support]
    return [direction, *(Unit(shapes, *support[end]) for end in (0, -1))]


def _unexplained(primal: Primal, held: Held) -> GradientCheck:
    """The check where a float of a kernel is not what the reference says."""
    question, result = held.question, held.result
    what = "value" if question is None or question.is_value else "derivative"
    which = "the value of f" if question is None else question_in_words(primal, question)
    said = f"{which} is {result.in_words}"
    if not held.wrong:
        found = f"cannot be judged ({result.reason})"
        if result.reason == OPEN:
            found = "is further from that of the reference than rounding explains"
        return undecided(primal, f"f runs in floating point alone, and its {what} {found}: {said}")
    code = paste_kernel(primal)
    if question is not None:
        code = paste(primal, question, primal.point, held.result.truth)
    dtypes = listed([*result.within, result.dtype])
    text = (
        f"the {what} of f is not that of the reference, by more than twice what rounding in "
        f"{dtypes} explains: {said}"
    )
    numbers = str(result.value), result.truth
    return refuted_everywhere(primal, text, said, code, numbers=numbers)
