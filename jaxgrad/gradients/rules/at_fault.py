"""Where a function is wrong at a point, which of the custom rules that it calls are wrong there.

Each is judged by itself at the values that reach it at that point, and at no others, so that what
is named is wrong where the function is.  A rule within another one is a part of that.
"""

from __future__ import annotations

import re
from dataclasses import replace

from jaxgrad.gradients.outcome import CustomRule, GradientCheck, line_of
from jaxgrad.gradients.rules.code import WITH_RESPECT_TO
from jaxgrad.gradients.rules.conclusions import WRONG
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.own_rules import (
    CheckRule,
    OwnRules,
    taken_like,
    the_function_itself,
    the_rule,
)
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.stages import Stages
from jaxgrad.numbers.listed import listed
from jaxgrad.verdict import Verdict

__all__ = ["naming_itself", "with_rules_at_fault"]

_Wrong = tuple[CustomRule, GradientCheck]


def with_rules_at_fault(
    found: GradientCheck, rules: DerivativePrograms, stages: Stages, check: CheckRule
) -> GradientCheck:
    """The same check; where it is refuted, with the rules that are wrong by themselves there.

    Args:
        found: the check.
        rules: the derivative programs.
        stages: the time that each part has.
        check: checks one rule, at the values that reach it alone.
    """
    primal = rules.primal
    if found.verdict is not Verdict.REFUTED or not rules.custom or primal.reference is not None:
        return found
    program, point = primal.moving_program.jaxpr, found._elsewhere
    itself = the_rule(program)
    if itself is not None:
        return replace(found, rules=(the_function_itself(itself, found),))
    if point is None and found.rules:  # right at the given point, where they have been judged
        return found
    own, wrong = OwnRules(program, primal.point if point is None else point), list[_Wrong]()
    with stages.part("rules at fault"):
        for pair in own.wrong_here(taken_like(rules), check, lambda: stages.left("rules at fault")):
            wrong.append(pair)
    own_rules = found.rules or tuple(rule for rule in own.all if not rule.is_jaxs)
    return replace(_named(found, wrong), rules=_with(own_rules, wrong))


def naming_itself(found: GradientCheck, primal: Primal) -> GradientCheck:
    """The same check; where it is refuted, with a line that names the rule that the function is.

    Args:
        found: the check.
        primal: the function.
    """
    if found.verdict is not Verdict.REFUTED or primal.reference is not None:
        return found
    itself = the_rule(primal.moving_program.jaxpr)
    if itself is None:
        return found
    rules = found.rules or (the_function_itself(itself, found),)
    evidence = replace(found.evidence, text=f"{found.evidence.text}\n{line_of(*itself)}")
    return replace(found, evidence=evidence, rules=rules)


def _with(rules: tuple[CustomRule, ...], wrong: list[_Wrong]) -> tuple[CustomRule, ...]:
    """The rules, those that are wrong as they were found to be."""
    known = {(rule.name, rule.where): rule for rule, _ in wrong}
    return tuple(known.get((rule.name, rule.where), rule) for rule in rules)


def _named(found: GradientCheck, wrong: list[_Wrong]) -> GradientCheck:
    """The check, the text of which names the rules, too, and the number that is wrong of each."""
    first, *more = found.evidence.text.split("\n")
    for rule, one in wrong:
        first += f"; the rule `{rule.name}` ({rule.where}), which f calls, is wrong by itself there"
        how = _how(one)
        first += how if how not in first else ""
        shown = f"  rule `{rule.name}`: {rule.text}"
        more += [shown] if rule.text and shown not in more else []
    text = "\n".join([first, *more])
    return replace(found, evidence=replace(found.evidence, text=text))


def _how(one: GradientCheck) -> str:
    """By which arguments a rule is wrong by itself, and what it is like."""
    said, *_ = one.evidence.text.split("\n")
    if not said.startswith(WRONG):
        return f": {said}"
    how = re.sub(r"^ for \d+ of \d+ leaves", "", said.removeprefix(WRONG))
    if how == said.removeprefix(WRONG):
        return how
    wrong = [leaf.path for leaf in one.leaves if leaf.verdict is Verdict.REFUTED]
    names = listed(f"`{path}`" for path in wrong)
    if len(wrong) == 1:
        how = how.replace(f"; {WITH_RESPECT_TO}{wrong[0]} they give ", ": ")
    return f", by its argument{'s' * (len(wrong) > 1)} {names}{how}"
