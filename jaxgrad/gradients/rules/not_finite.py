"""Where a NaN or an infinity comes from that a derivative rule gives."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxgrad.errors import JaxgradError
from jaxgrad.gradients.floats.programs import in_dtype, precise_enough
from jaxgrad.gradients.nan_origin import nan_origin
from jaxgrad.gradients.not_finite_origin import origin
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.mending import mends
from jaxgrad.gradients.rules.question import Question

__all__ = ["nan_at_infinity", "not_finite", "overflow", "overflow_in"]


def not_finite(at: AtPoint, question: Question) -> str:
    """What to say of where it comes from; nothing if that is not found.

    Args:
        at: the point.
        question: the number.
    """
    found = _place(at, question)
    if found is None:
        return ""
    sides = None if question.is_value else at.sides(question)
    finite = sides is not None and bool(sides.known) and all(t.is_finite() for t in sides.known)
    mended = functools.partial(mends, at, question)
    return origin(at.rules[question.modes].program, _given(at, question), *found, finite, mended)


def nan_at_infinity(at: AtPoint, question: Question) -> str:
    """What to say of where a NaN comes from, where some of the arguments are infinite.

    Args:
        at: the point.
        question: the number that is NaN.
    """
    found = _place(at, question)
    if found is None:
        return ""
    return nan_origin(at.rules[question.modes].program, _given(at, question), *found)


def _given(at: AtPoint, question: Question) -> list[Any]:
    """What the derivative program is run with."""
    primal = at.rules.primal
    vs = [primal.like_inputs(direction.leaves) for direction in question.directions]
    u = primal.like_outputs(question.cotangent.leaves)
    if len(question.modes) > 1:
        return [*at.values, *(leaf for v in vs for leaf in v), *u]
    return [*at.values, *(vs[0] if question.modes == ("fwd",) else u)]


def _place(at: AtPoint, question: Question) -> tuple[int, tuple[int, ...]] | None:
    """Which entry of the results of the derivative program is no number."""
    derived = at.rules[question.modes]
    if len(question.modes) > 1:
        last = len(derived.program.outputs) - 1
        return (last if question.taken is None else question.taken), ()
    forward = question.modes == ("fwd",)
    if question.is_value:
        weights, first = question.cotangent, 0
    else:
        weights, first = (question.cotangent if forward else question.directions[0]), derived.values
    if len(weights.support) != 1:
        return None
    leaf, index = weights.support[0]
    return first + leaf, index


def overflow(rules: DerivativePrograms, point: Sequence[Any], mode: str) -> str:
    """What to say of where a number comes from that overflows in floats alone.

    Args:
        rules: the derivative programs.
        point: the value of each floating-point leaf.
        mode: that of a first derivative.
    """
    primal, derived = rules.primal, rules[(mode,)]
    moved = primal.like_inputs(rules.direction().leaves)
    if mode == "rev":
        moved = primal.like_outputs(rules.cotangent().leaves)
    broken = (
        (leaf, tuple(index))
        for leaf, run in enumerate(derived.floats(tuple(point), moved))
        for index in np.argwhere(~np.isfinite(run)).tolist()
    )
    leaf, index = next(broken, (None, ()))
    if leaf is None:
        return ""
    return origin(derived.program, [*point, *moved], leaf, index, finite=False)


def overflow_in(rules: DerivativePrograms, dtype: Any, mode: str) -> str:
    """The same at the given point in another dtype.

    Args:
        rules, mode: as of :func:`overflow`.
        dtype: of all floating-point leaves.
    """
    with contextlib.suppress(JaxgradError, TypeError, ValueError), precise_enough(dtype):
        cast = in_dtype(rules.primal, dtype)
        own = DerivativePrograms(cast, 1, (mode,), rules.linear, rules.exact)
        return overflow(own, cast.point, mode)
    return ""
