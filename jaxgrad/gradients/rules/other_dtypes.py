"""Is the formula of the rules the derivative in the dtypes of ``dtypes=``, too?

A rule may ask what dtype it is given, and so may what it calls: of a dtype that is not that of the
arguments the formula is another program, of which the same is asked as of that at the arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from jaxgrad.gradients.floats.programs import in_dtype, precise_enough, refusals
from jaxgrad.gradients.floats.question import holds_given, place_in
from jaxgrad.gradients.outcome import GradientCheck
from jaxgrad.gradients.rules.conclusions import RIGHT
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.programs.jax_errors import first_line
from jaxgrad.verdict import Evidence, Verdict

__all__ = ["in_other_dtypes"]


def in_other_dtypes(
    found: GradientCheck,
    primal: Primal,
    dtypes: Sequence[np.dtype] | None,
    check: Callable[[Primal], GradientCheck],
) -> GradientCheck:
    """The check, which is not passed where it does not pass with the arguments in another dtype.

    Where floats refute a rule, it may be that in their dtype its formula is wrong.

    Args:
        found: the check of the function as it is given.
        primal: that function.
        dtypes: those that were asked for; None for none.
        check: checks the formula of a function alone, not its floats.

    Source: docs/check_grads.md.
    """
    if not (found.verdict.passes or found.evidence.text.startswith(RIGHT)):
        return found
    undecided = None
    for dtype in dtypes or ():
        with precise_enough(dtype):
            other = _in_dtype(found, primal, dtype, check)
        if other.verdict is Verdict.REFUTED and other is not found:
            return other
        if other.verdict.passes:
            found = other
        elif undecided is None:
            undecided = other
    return found if undecided is None or not found.verdict.passes else undecided


def _in_dtype(
    found: GradientCheck,
    primal: Primal,
    dtype: np.dtype,
    check: Callable[[Primal], GradientCheck],
) -> GradientCheck:
    held = holds_given(primal, dtype)
    place = None if held else place_in(primal, dtype)
    if not held and place is None:
        return found  # of which floats say that they were not judged, and why
    try:
        cast = in_dtype(primal, dtype, place, primal.given_domain)
    except refusals(primal, dtype):
        return found  # and so of these
    if cast is primal:
        return found
    try:
        other = check(cast)
    except refusals(primal, dtype) as error:  # as it is given the function was judged
        reason = f"it cannot be judged ({first_line(error)}); as given: "
        evidence = Evidence(Verdict.UNDECIDED, "reason", f"{reason}{found.evidence.text}")
        other = replace(found, verdict=Verdict.UNDECIDED, evidence=evidence)
    if not other.verdict.passes:
        return _saying(other, f"with every floating-point leaf in {dtype.name}: ", "")
    if held or not found.verdict.passes:
        return found
    return _saying(found, "", f"; in {dtype.name}, which does not hold this point, at others")


def _saying(found: GradientCheck, before: str, after: str) -> GradientCheck:
    first, *more = found.evidence.text.split("\n", 1)
    text = "\n".join([f"{before}{first}{after}", *more])
    return replace(found, evidence=replace(found.evidence, text=text))
