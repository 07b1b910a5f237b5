"""Do the sides of a comparison compute, as compiled, what the formula says?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from flint import arb

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.enclosure import FIRST_PRECISION
from jaxgrad.gradients.floats.allowance import TrueValues
from jaxgrad.gradients.floats.arithmetic import Arithmetic
from jaxgrad.gradients.floats.judgement import FloatJudgement, judge_by_formula
from jaxgrad.gradients.floats.result import FloatResult
from jaxgrad.interpret.sides import Side
from jaxgrad.numbers.ball import Ball, exact_ball
from jaxgrad.numbers.base import UNKNOWN, CannotDecide, ObjectArray
from jaxgrad.programs.trace import Leaf

__all__ = ["check_floats", "exactly", "reals", "worst"]

Judged = tuple[FloatJudgement, tuple[int, ...]]


def check_floats(side: Side, reference: Side, values: Sequence[Any]) -> list[FloatResult]:
    """Holds a side's floats against the reference's balls, leaf by leaf.

    Args:
        side: the side that is run in floating point.
        reference: the side whose balls are the truth.
        values: the point.

    Returns:
        for each leaf the float that is furthest beyond its allowance, or that has the fewest digits
        where all are within it.

    Raises:
        UnsupportedPrimitive: neither side has a program whose roundings can be counted.
        CannotDecide, UnsupportedPrimitive: no true value can be enclosed.
    """
    arithmetic = _arithmetic(side, reference)
    exact = TrueValues(
        lambda inputs: reference.over(Ball(), inputs),
        reference.inputs, values, reference.outputs, arithmetic,
    )  # fmt: skip
    truth = exact.values(FIRST_PRECISION)
    floats = side.floats(values)
    results = []
    for k, leaf in enumerate(reference.outputs):
        if floats[k].size:
            real = leaf.differentiable
            judged = reals(exact, k, floats[k]) if real else exactly(truth[k], floats[k])
            results.append(worst(side, leaf, floats[k], list(judged), arithmetic))
    return results


def _arithmetic(side: Side, reference: Side) -> Arithmetic:
    """That of the side; NumPy code rounds as often as the other side, in dtypes that none tells."""
    if side.program is not None:
        return Arithmetic.of(side.program)
    if reference.program is not None:
        return Arithmetic(reference.program, ())
    raise UnsupportedPrimitive("neither side is a JAX program, so its roundings cannot be counted")


def reals(exact: TrueValues, output: int, values: np.ndarray) -> Iterator[Judged]:
    """Every float of an output that the formula has a number for, or else that it has none."""
    nothing = True
    for index in np.ndindex(values.shape):
        found = judge_by_formula(exact, output, index, float(values[index]))
        if found is not None:
            nothing = False
            yield found, index
    if nothing:
        yield FloatJudgement("STABLE", truth="nan", digits=-math.inf), (0,) * values.ndim


def exactly(truth: ObjectArray, values: np.ndarray) -> Iterator[Judged]:
    """Integers and truth values are right or wrong."""
    for index in np.ndindex(values.shape):
        right = _is(values[index], truth[index])
        status, digits = ("STABLE", math.inf) if right else ("UNSTABLE", -math.inf)
        yield FloatJudgement(status, truth=str(truth[index]), digits=digits), index


def _is(value: Any, exact: Any) -> bool:
    """Whether an integer or a bool is the true one.

    Raises:
        CannotDecide: the true one is open.
    """
    if exact is UNKNOWN:
        raise CannotDecide("a comparison is open that a result is made of")
    number = exact_ball(np.asarray(value).item())
    return bool(number == (arb(int(exact)) if isinstance(exact, bool) else exact))


def worst(
    side: Side, leaf: Leaf, values: np.ndarray, judged: list[Judged], arithmetic: Arithmetic
) -> FloatResult:
    """The float of a leaf that is furthest beyond its allowance, or has the fewest digits."""
    found, index = max(judged, key=lambda each: (*each[0].rank, -each[0].digits))
    seen = set() if found.truth == "nan" else {index for _, index in judged}
    without = () if len(seen) == values.size else set(np.ndindex(values.shape)) - seen
    return FloatResult(
        **found.among([each for each, _ in judged]),
        side=side.name,
        path=leaf.path,
        index=index,
        value=float(values[index]),
        without=tuple(sorted(without)),
        dtype=np.dtype(leaf.dtype).name,
        within=arithmetic.coarser_than([leaf.dtype]) if leaf.differentiable else (),
    )
