"""Whether a rule is known to be the derivative of loops as they stand.

It is where it agrees with them, and is not the derivative of what they come near to: where they are
run on their derivative is another, or they end before any solution.  A rule that agrees with loops
that ended at one may be the derivative of either.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.judgement import Judgement
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.rules.run_on import Ended, ended, holds_solvers
from jaxgrad.interpret.turns import LENGTHS, further_turns
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.verdict import Verdict

__all__ = ["loops_are_meant"]


def loops_are_meant(rules: DerivativePrograms, point: Sequence[np.ndarray]) -> bool:
    """Whether that is seen at a point.

    Args:
        rules: the derivative programs.
        point: the value of each floating-point leaf.
    """
    with contextlib.suppress(CannotDecide, UnsupportedPrimitive):
        at = AtPoint(rules, point)
        at.iterations.loops_are_meant = lambda: True
        judged = [(asked, found) for asked, found in at.together() if not asked.is_value]
        agree = all(found.verdict is Verdict.AGREES and not found.kink for _, found in judged)
        # A 0 is the derivative of loops and of their solution alike.
        tells = any(abs(at.numbers.enclosed(asked)).lower() > 0 for asked, _ in judged)
        return agree and tells and (_end_before(at, judged) or _is_no_limit(at, judged))
    return False


def _end_before(at: AtPoint, judged: list[tuple[Question, Judgement]]) -> bool:
    """Whether loops end before any solution, where nothing is left to rounding."""
    if any(found.hidden for _, found in judged):
        return False
    program = at.rules.primal.truth_program
    themselves = holds_solvers(program.jaxpr)
    return ended(program, at.numbers.point, at.rules.float_bits, themselves) is Ended.BEFORE


def _is_no_limit(at: AtPoint, judged: list[tuple[Question, Judgement]]) -> bool:
    """Whether some number is not the derivative of the same loops run on."""
    numbers = [(question, at.numbers.enclosed(question)) for question, _ in judged]
    themselves = holds_solvers(at.rules.primal.truth_program.jaxpr)
    for length in LENGTHS:
        further = further_turns(
            length, at_tolerances=at.rules.primal.has_tolerances, themselves=themselves
        )
        with contextlib.suppress(CannotDecide, UnsupportedPrimitive), further:
            longer = AtPoint(at.rules, at.values)
            for question, number in numbers:
                found = longer.judge(question, number)
                if found is not None and found.verdict is Verdict.REFUTED:
                    return True
    return False
