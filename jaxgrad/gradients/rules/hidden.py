"""What the rounding of a compiled rule could hide of every number that it gives.

A formula that is no further from the derivative than its own floats may be is as good; see
:mod:`jaxgrad.gradients.floats.hidden`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from flint import arb

from jaxgrad.gradients.floats.hidden import RoundedProgram, Weights, rounded
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.rules.rule_numbers import RuleNumbers

__all__ = ["Hidden"]


class Hidden:
    """What rounding could hide at a point.

    Args:
        rules: the derivative programs.
        values: the point.
        numbers: what the rules give there.
    """

    def __init__(
        self, rules: DerivativePrograms, values: Sequence[np.ndarray], numbers: RuleNumbers
    ) -> None:
        self._rules, self._point, self._numbers = rules, list(values), numbers
        self._programs: dict[Any, RoundedProgram | None] = {}

    def hides(self, question: Question, difference: arb) -> bool | None:
        """Whether the number may be as far from the truth by the rounding of the rule alone."""
        program, weights = self._asked(question)
        return None if program is None else program.hides(weights, difference)

    def roundings(self, question: Question) -> float:
        """How many times one rounding all those are that follow one another to the number."""
        program, weights = self._asked(question)
        return 0 if program is None else max(program.chain(k) for k, _, _ in weights)

    def _asked(self, question: Question) -> tuple[RoundedProgram | None, Weights]:
        """The program that gives the number, and the weights of its results in it."""
        modes, directions, cotangent = question.modes, question.directions, question.cotangent
        derived = self._rules[modes]
        if len(modes) > 1:
            moved = *(x for v in directions for x in v.leaves), *cotangent.leaves
            key = modes, *(v.key for v in directions), cotangent.key
            last = len(derived.program.outputs) - 1 if question.taken is None else question.taken
            weights = [(last, (), 1.0)]
        else:
            forward = modes == ("fwd",)
            along = directions[0] if forward else cotangent
            moved, key = along.leaves, (modes, along.key)
            weighed, first = directions[0], derived.values
            if question.is_value or forward:
                weighed, first = cotangent, 0 if question.is_value else derived.values
            weights = [(first + k, index, w) for k, index, w in weighed.entries]
        if key not in self._programs:
            known = self._numbers.outputs(question), derived.arithmetic, self._rules.random_runs
            self._programs[key] = rounded(derived.program, [*self._point, *moved], *known)
        return self._programs[key], weights
