"""Whether a number that is no number is right where an operation is masked."""

from __future__ import annotations

import contextlib
import copy
from dataclasses import replace

from jaxgrad.errors import JaxgradError
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms, Derivatives
from jaxgrad.gradients.rules.derived import Derived
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.rules.rule_numbers import RuleNumbers
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.programs.function_domains import Domain
from jaxgrad.programs.masked import Masked
from jaxgrad.programs.source_lines import Line
from jaxgrad.programs.trace import trace
from jaxgrad.verdict import Verdict

__all__ = ["mends"]


def mends(at: AtPoint, question: Question, line: Line, name: str, domain: Domain) -> bool | None:
    """Whether the number agrees then with the truth; None where that cannot be tried.

    Args:
        at: the point.
        question: the number.
        line, name: the operation, of the function or of its rule.
        domain: where its argument may lie.
    """
    with contextlib.suppress(CannotDecide, JaxgradError, TypeError, ValueError):
        masked = _masked(at.rules, question.modes, line, name, domain)
        if masked is None:
            return None
        rules = copy.copy(at.rules)
        rules._programs = {question.modes: masked}
        numbers = RuleNumbers(rules, at.values)
        found = at.judge(question, numbers.enclosed(question))
        agrees = found is not None and found.verdict is Verdict.AGREES
        return agrees and _has_same_values(at, question, numbers)
    return None


def _has_same_values(at: AtPoint, question: Question, numbers: RuleNumbers) -> bool:
    """Whether the function that is masked has the value of the function, as far as that is known.

    It has not where a −∞ is meant, as that of a probability which is 0.
    """
    if len(question.modes) > 1 or question.is_value:
        return True
    found = numbers.outputs(question)[: len(at.truth.value)]
    pairs = zip(at.truth.value, found, strict=True)
    return not any(
        value.is_finite() and masked.is_finite() and not value.overlaps(masked)
        for each in pairs
        for value, masked in zip(*(leaf.flat for leaf in each), strict=True)
    )


def _masked(
    rules: DerivativePrograms, modes: tuple[str, ...], line: Line, name: str, domain: Domain
) -> Derived | None:
    """The derivative of the masked function; if the operation is in a rule, that masked."""
    primal, derived = rules.primal, rules[modes]
    function = Masked(primal.moving_program.jaxpr, line, name, domain)
    program = trace(function, primal.point, "f", finite=False)
    if function.count:
        return Derivatives(Primal(function, primal.point, program=program))[modes]
    rule = Masked(derived.program.jaxpr, line, name, domain)
    values = [leaf.value for leaf in derived.program.inputs]
    program = trace(rule, values, "f", finite=False)
    return replace(derived, program=program) if rule.count else None
