"""Derivatives under ``jax.vmap``: a batching rule may be wrong where the derivative is right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from jaxgrad.errors import NoDerivative, ShapeMismatch, TraceError, UnsupportedPrimitive
from jaxgrad.gradients.enclosure import FIRST_PRECISION
from jaxgrad.gradients.outcome import GradientCheck
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.conclusions import Judged, wrong_under_vmap
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms, Derived
from jaxgrad.gradients.rules.directions import Direction, pairing
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.witness import hold_program
from jaxgrad.numbers.base import CannotDecide, ObjectArray
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.jaxprs import holds_primitive
from jaxgrad.verdict import Verdict

__all__ = ["under_vmap"]

# A program of JAX's own primitives is batched by JAX's own rules; past this many operations it is
# not looked at.
BUDGET = 2_000
POINTS = range(2)  # of a batch
OWN_BATCHING = {"custom_vmap_call"}


def under_vmap(rules: DerivativePrograms, points: tuple[AtPoint, AtPoint]) -> str | GradientCheck:
    """What is said of the derivatives under vmap, or the refutation of them.

    Args:
        rules: the derivative programs.
        points: two points, different ones if there are two at which the function is defined.
    """
    if rules.size > BUDGET and not _has_own_rules(rules):
        rules.missing.append("not looked at under vmap, as large programs of JAX's own are not")
        return ""
    try:
        with precision(FIRST_PRECISION):
            judged = _judged_batch(rules, points)
    except (CannotDecide, UnsupportedPrimitive, NoDerivative, TraceError) as error:
        rules.missing.append(f"not looked at under vmap: {error}")
        return ""
    if any(found.verdict is Verdict.REFUTED for _, found in judged):
        return wrong_under_vmap(rules.primal, judged, points)
    agree = all(found.verdict is Verdict.AGREES for _, found in judged)
    if not agree:
        rules.missing.append("not decided under vmap")
    return ", and under vmap" if agree else ""


def _has_own_rules(rules: DerivativePrograms) -> bool:
    """Whether what is computed of a batch is not JAX's own alone, values included.

    A ``custom_vmap`` comes with another program for a batch, whatever it has for a derivative.
    """
    return rules.custom or holds_primitive(rules.primal.moving_program.jaxpr, OWN_BATCHING)


def _judged_batch(rules: DerivativePrograms, points: tuple[AtPoint, AtPoint]) -> Judged:
    """Judges the first derivatives of a batch of two points, all leaves moving at once.

    Raises:
        CannotDecide, UnsupportedPrimitive: the batched program has no exact value.
    """
    # At the second point the truth along this direction is known already.
    lines = [rules.direction(1), rules.direction()]
    cotangents = [rules.cotangent(1), rules.cotangent()]
    found = []
    for mode in rules.modes:
        inputs = lines if mode == "fwd" else cotangents
        batched = _batched(rules, mode, points, inputs)
        values = rules[(mode,)].values
        for i, at in enumerate(points):
            question = Question((mode,), (lines[i],), cotangents[i])
            found += _judged(at, question, _numbers(batched, i, slice(values, None)))
            if _has_own_rules(rules):
                for u in _by_kind(rules, cotangents[i]):
                    for value in replace(question, cotangent=u).beside():
                        found += _judged(at, value, _numbers(batched, i, slice(values)))
    return found


# The enclosures of a result.
_Numbers = list[ObjectArray]


def _numbers(batched: _Numbers, i: int, leaves: slice) -> _Numbers:
    """Of the point i alone."""
    return [leaf[i, ...] for leaf in batched[leaves]]


def _judged(at: AtPoint, question: Question, numbers: _Numbers) -> Judged:
    """The judgement of a weighed sum, of its entries where the sum does not tell of each.

    Where infinities of both signs meet, a line leaves the domain, an entry jumps or a kink lets the
    sum be many a number, the other entries are hidden by it.
    """
    by_cotangent = question.is_value or question.modes == ("fwd",)
    weights = question.cotangent if by_cotangent else question.directions[0]
    judgement = at.judge(question, pairing(numbers, weights))
    if judgement is None:  # a value that is no real number is not judged
        return []
    verdict, several = judgement.verdict, len(weights.support) > 1
    opposed = several and verdict is Verdict.REFUTED and at.numbers.is_opposed(question)
    if not several or not (opposed or judgement.kink or verdict is Verdict.UNDECIDED):
        return [(question, judgement)]
    if not at.affords_entries(weights):
        return [(question, replace(judgement, verdict=Verdict.UNDECIDED) if opposed else judgement)]
    parts = [
        replace(question, **({"cotangent": part} if by_cotangent else {"directions": (part,)}))
        for part in weights.parts()
    ]
    return [pair for part in parts for pair in _judged(at, part, numbers)]


def _by_kind(rules: DerivativePrograms, cotangent: Direction) -> list[Direction]:
    """Of floating-point results and of integers, which are no floats that may be rounded."""
    discrete = rules.primal.discrete
    floating = [k for k in range(len(rules.out_shapes)) if k not in discrete]
    parts = [cotangent.only(leaves) for leaves in (floating, discrete)] if discrete else [cotangent]
    return [part for part in parts if part.support]


def _batched(
    rules: DerivativePrograms, mode: str, points: tuple[AtPoint, AtPoint], inputs: list[Direction]
) -> _Numbers:
    """The outputs for the batch."""
    derived = rules.batched(mode)
    _require_shapes(rules[(mode,)], derived, mode)
    args = [
        tuple(np.stack(pair) for pair in zip(*parts, strict=True))
        for parts in ((at.numbers.point for at in points), (moved.leaves for moved in inputs))
    ]
    _hold(rules, mode, derived, points, inputs)
    return derived.balls(*args)


def _require_shapes(one: Derived, batched: Derived, mode: str) -> None:
    """Refuses a batch of other shapes, which a batching rule of somebody's own may make.

    Raises:
        ShapeMismatch: there is one.
    """
    for k, (alone, many) in enumerate(
        zip(one.program.outputs, batched.program.outputs, strict=True)
    ):
        meant = (len(POINTS), *alone.shape)
        if many.shape != meant:
            raise ShapeMismatch(
                f"under jax.vmap result {k} of {mode} of f has shape {many.shape} for a batch of "
                f"{len(POINTS)}, and should have {meant}: the rule of a custom_vmap returns "
                "another shape, or says of what it batches that it does not (out_batched); return "
                "every result with the axis of the batch in front, and True for it"
            )


def _hold(
    rules: DerivativePrograms,
    mode: str,
    derived: Derived,
    points: tuple[AtPoint, AtPoint],
    inputs: list[Direction],
) -> None:
    """Holds the batched program against JAX's own run of it: a batching rule may bind others.

    Raises:
        EnginesDisagree: it was read as something else.
    """
    like = rules.primal.like_inputs if mode == "fwd" else rules.primal.like_outputs
    rows = [
        [*rules.primal.like_inputs(at.values), *like(moved.leaves)]
        for at, moved in zip(points, inputs, strict=True)
    ]
    stacked = [np.stack(pair) for pair in zip(*rows, strict=True)]
    hold_program(f"{mode} of f under vmap,", derived.program, stacked)
