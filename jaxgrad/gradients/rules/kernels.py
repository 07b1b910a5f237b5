"""What is concluded of a kernel or a callback, of which only floats can be had."""

from __future__ import annotations

import math
from collections.abc import Callable

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.rules.conclusions import TRUSTS, beyond_rounding, undecided
from jaxgrad.gradients.rules.opaque import hold_against_reference
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.result import GradientCheck, RuleResult
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.verdict import Evidence, Verdict

__all__ = ["by_floats"]


def by_floats(
    primal: Primal,
    order: int,
    modes: tuple[str, ...],
    check: Callable[[Primal, tuple[str, ...]], GradientCheck],
) -> GradientCheck:
    """The check of what can only be run, by its floats and those of its reference.

    Args:
        primal: the function.
        order: the highest derivative that is asked for.
        modes: the modes in which its rules are used.
        check: checks the derivative rules of the reference, which are trusted if they pass.
    """
    if primal.reference is None:
        return undecided(
            primal,
            "f calls a kernel or a callback, of which only floats can be had; name a JAX function "
            "that computes the same with reference=",
        )
    if order > 1:
        return undecided(
            primal, "f calls a kernel or a callback, of which first derivatives alone are judged; "
            "pass order=1",
        )  # fmt: skip
    try:
        trusted = check(Primal(primal.reference, primal.args), modes)
        if not trusted.verdict.passes:
            return undecided(primal, f"the reference is {trusted}")
        results = hold_against_reference(primal, modes)
    except (CannotDecide, UnsupportedPrimitive) as error:
        return undecided(primal, f"the reference has no exact values: {error}")
    unstable = [held for held in results if not held.result.stable]
    if unstable:
        return beyond_rounding(primal, next((x for x in unstable if x.wrong), unstable[0]))
    text = "the floats of f are as near to the value and derivative of the reference as rounding "
    text += "allows"
    digits = min((held.result.digits for held in results), default=math.inf)
    text += f", at least {digits:.1f} digits" if math.isfinite(digits) else ""
    evidence = Evidence(Verdict.AGREES, "sampling", f"{text}, at this point", trusts=TRUSTS)
    leaves = tuple(RuleResult(leaf.path, Verdict.AGREES) for leaf in primal.inputs)
    return GradientCheck(Verdict.AGREES, leaves, evidence)
