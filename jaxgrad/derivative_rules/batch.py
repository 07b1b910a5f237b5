"""Derivatives under ``jax.vmap``: a batching rule may be wrong where the derivative is right."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from flint import arb

from jaxgrad.derivative_rules import programs
from jaxgrad.derivative_rules.at_point import AtPoint
from jaxgrad.derivative_rules.directions import Direction, drawn
from jaxgrad.derivative_rules.judgement import Judgement
from jaxgrad.derivative_rules.question import Question
from jaxgrad.derivative_rules.rules import Rules
from jaxgrad.derivative_rules.weighed import product
from jaxgrad.numbers.base import ObjectArray
from jaxgrad.verdict import Verdict

__all__ = ["under_vmap"]


def under_vmap(rules: Rules, points: tuple[AtPoint, AtPoint]) -> list[tuple[Question, Judgement]]:
    """Judges the first derivatives of a batch of two points, all leaves moving at once.

    Args:
        rules: the derivative programs.
        points: two points, different ones if there are two at which the function is defined.

    Raises:
        CannotDecide, UnsupportedPrimitive: the batched program has no exact value.
    """
    # At the second point the truth along this direction is known already.
    lines = [drawn(rules.shapes, 1), drawn(rules.shapes)]
    cotangents = [drawn(rules.out_shapes, 1), drawn(rules.out_shapes)]
    found = []
    for mode in rules.modes:
        inputs, weights = (lines, cotangents) if mode == "fwd" else (cotangents, lines)
        batched = _batched(rules, mode, points, inputs)
        values = rules[(mode,)].values
        for i, at in enumerate(points):
            question = Question((mode,), (lines[i],), cotangents[i])
            asked = [(question, weights[i], slice(values, None))]
            if rules.custom:
                asked += [
                    (part, u, slice(values))
                    for u in _by_kind(rules, cotangents[i])
                    for part in replace(question, cotangent=u).beside()
                ]
            for part, u, leaves in asked:

                def number(
                    rounding: float,
                    batched: Any = batched,
                    i: int = i,
                    u: Direction = u,
                    leaves: slice = leaves,
                ) -> arb:
                    return product([leaf[i, ...] for leaf in batched(rounding)[leaves]], u)

                judgement = at.judge(part, number)
                if judgement is None:  # a value that is no real number is not judged
                    continue
                if judgement.verdict is not Verdict.REFUTED or not at.is_opposed(part):
                    found.append((part, judgement))
    return found


def _by_kind(rules: Rules, cotangent: Direction) -> list[Direction]:
    """Of floating-point results and of integers, which are no floats that may be rounded."""
    discrete = rules.primal.discrete
    floating = [k for k in range(len(rules.out_shapes)) if k not in discrete]
    parts = [cotangent.only(leaves) for leaves in (floating, discrete)] if discrete else [cotangent]
    return [part for part in parts if part.support]


def _batched(
    rules: Rules, mode: str, points: tuple[AtPoint, AtPoint], inputs: list[Direction]
) -> Callable[[float], list[ObjectArray]]:
    """The outputs for the batch, as a function of the rounding of constants."""
    like = rules.primal.like_inputs if mode == "fwd" else rules.primal.like_outputs
    example = tuple(rules.primal.point), like(inputs[0].leaves)
    derived = programs.batched(rules[(mode,)], example)
    args = [
        tuple(np.stack(pair) for pair in zip(*parts, strict=True))
        for parts in ((at.balls for at in points), (moved.leaves for moved in inputs))
    ]
    return functools.cache(lambda rounding: derived.balls(*args, rounding=rounding))
