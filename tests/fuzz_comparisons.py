"""compare() of random programs and of their gradients, held against real arithmetic."""

from __future__ import annotations

from random import Random
from typing import Any

import jax.numpy as jnp
import mpmath
import numpy as np
from fuzz_derivatives import Quotients
from fuzz_drawing import draw_point
from fuzz_findings import (
    EQUAL,
    EQUAL_QUOTIENTS,
    Case,
    Finding,
    any_apart,
    arguments_in,
    differ,
    gradient_of,
    short,
    shown,
    smooth_gradient,
)
from fuzz_programs import Program, Unknown, evaluate
from mpmath import mpf

import jaxgrad
from jaxgrad.gradients.identity import Budget

__all__ = ["gradients_compare", "values_compare"]

# A hundredth of the package's own budget: what a fuzz is for are many programs.
BUDGET = Budget(terms=2_000, work=2_000_000)
# Balls have a thousand digits before they give up.
FAR_DIGITS, FAR = 1200, mpf(10) ** -1100


def values_compare(case: Case) -> list[Finding]:
    """compare() of two programs says what is so."""
    sides = (case.program.function, case.program.other.function)
    return _judged(case, "compare", sides, _values_at, EQUAL)


def gradients_compare(case: Case) -> list[Finding]:
    """compare() of two gradients says what is so."""
    programs = (case.program, case.program.other)
    if not case.differentiable_in_reverse or any(p.wrong_rules for p in programs):
        return []
    sides = tuple(gradient_of(p) for p in programs)
    return _judged(case, "gradients", sides, _gradients_at, EQUAL_QUOTIENTS)


def _values_at(program: Program, point: list[Any]) -> tuple[dict[Any, Any], bool]:
    """The numbers at a point, and whether something there is doubtful."""
    values, real = evaluate(program, point)
    return {((), index): values[index] for index in np.ndindex(values.shape)}, real.undefined


def _gradients_at(program: Program, point: list[Any]) -> tuple[dict[Any, Any], bool]:
    quotients = Quotients(program, point)
    return smooth_gradient(quotients), quotients.doubtful


def _judged(
    case: Case, what: str, sides: tuple[Any, ...], numbers_at: Any, allowed: Any
) -> list[Finding]:
    result = jaxgrad.compare(*sides, *case.point, budget=BUDGET)
    verdict = str(result.verdict)
    case.counts[f"{what}: {verdict} {'same' if case.same else 'changed'}"] += 1
    if verdict == "UNDECIDED":
        case.counts[f"why: {short(result.evidence.text)}"] += 1
    programs = (case.program, case.program.other)
    if verdict == "REFUTED" and "in floating point" in result.evidence.text:
        case.counts[f"{what}: REFUTED by floats"] += 1
        if what == "compare" and not _floats_fail(case, sides):
            return [Finding(f"wrong REFUTED of {what}", f"{result}\nno float is missing")]
    elif verdict == "REFUTED":
        point = arguments_in(result.counterexample or "")
        pair, doubtful = _numbers(programs, point, numbers_at)
        if pair is None or (doubtful and what == "gradients") or _without_number(pair):
            case.counts[f"{what}: REFUTED, not known"] += 1
        elif what == "compare" and not differ(pair, allowed) and _far_apart(programs, point):
            case.counts[f"{what}: REFUTED in a far digit"] += 1
        elif not differ(pair, allowed):
            return [Finding(f"wrong REFUTED of {what}", f"{result}\nequal in truth at the point")]
    if verdict == "PROVED":
        return _proved(case, what, result, numbers_at, allowed)
    if verdict == "AGREES":
        bits = [leaf.bits for leaf in result.leaves if leaf.bits is not None]
        pair, doubtful = _numbers(programs, case.point, numbers_at)
        within = max(allowed, mpf(2) ** (1 - min(bits, default=0)))
        if pair is not None and differ(pair, within):
            told = "at a point where something is undefined" if doubtful else "at the given point"
            return [Finding(f"wrong AGREES of {what}", f"{result}\n{told}: {shown(pair)}")]
    return []


def _far_apart(programs: tuple[Program, Program], point: list[Any]) -> bool:
    """Whether values differ in a digit that is seldom looked at, as erf(11) and erf(12) do."""
    try:
        left, right = (evaluate(program, point, FAR_DIGITS)[0] for program in programs)
    except Unknown:
        return True
    return any_apart(left, right, FAR, FAR_DIGITS)


def _without_number(pair: tuple[dict[Any, Any], dict[Any, Any]]) -> bool:
    """Whether no entry differs, and some entry is no number on either side."""
    return not differ(pair, EQUAL) and any(
        mpmath.isnan(value) for numbers in pair for value in numbers.values()
    )


def _floats_fail(case: Case, sides: tuple[Any, ...]) -> bool:
    """Whether one side's float is no number where the other one's, or the truth, is one."""
    point = [jnp.asarray(value) for value in case.point]
    floats = [np.asarray(side(*point)) for side in sides]
    left, right = (np.isfinite(x.astype(np.float64)) for x in floats)
    if (left != right).any():
        return True
    try:
        values, _ = evaluate(case.program, case.point)
    except Unknown:
        return True
    return any(mpmath.isfinite(values[k]) and not left[k] for k in np.ndindex(values.shape))


def _proved(case: Case, what: str, result: Any, numbers_at: Any, allowed: Any) -> list[Finding]:
    random = Random(case.seed)
    programs = (case.program, case.program.other)
    points = [case.point, *(draw_point(random, case.program.inputs) for _ in range(3))]
    fixed = set(range(len(case.point))) - set(case.program.moving)
    for k, point in enumerate(points):
        point = [case.point[i] if i in fixed else x for i, x in enumerate(point)]
        pair, doubtful = _numbers(programs, point, numbers_at)
        if pair is None:
            continue
        apart = differ(pair, allowed)
        if doubtful and k == 0 and what == "compare":
            case.counts["compare: PROVED beside what is undefined"] += 1
        if apart and (k == 0 or not doubtful):
            at = "the given point" if k == 0 else f"{point}"
            return [Finding(f"wrong PROVED of {what}", f"{result}\nat {at}: {shown(pair)}")]
        case.counts[f"{what}: PROVED, points looked at"] += 1
    return []


def _numbers(
    programs: tuple[Program, Program], point: list[Any], numbers_at: Any
) -> tuple[tuple[dict[Any, Any], dict[Any, Any]] | None, bool]:
    try:
        (left, one), (right, two) = (numbers_at(program, point) for program in programs)
    except Unknown:
        return None, True
    return (left, right), one or two
