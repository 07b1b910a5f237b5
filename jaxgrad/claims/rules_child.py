"""The process in which the modules of a package are imported, and its derivative rules checked.

It tells each module before it is imported, what was found in all of them, then of each rule the
arguments that suit it and what its check says.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from jaxgrad.claims.answers import Answers, answer_with
from jaxgrad.claims.as_options import in_options
from jaxgrad.claims.found_rule import FoundRule
from jaxgrad.claims.given_arguments import given
from jaxgrad.claims.named import named
from jaxgrad.claims.package_rules import rules_of
from jaxgrad.claims.raised_text import all_that_was_raised
from jaxgrad.claims.suitable_arguments import with_arguments
from jaxgrad.errors import ArgumentError, JaxgradError
from jaxgrad.gradients.check_grads import check

__all__ = ["main"]


def main() -> None:
    """Do what :class:`jaxgrad.claims.rules_run.RulesRun` asks."""
    answer_with(_answer)


def _answer(request: dict[str, Any], tell: Answers) -> None:
    def begin(module: str) -> None:
        tell(begins=module)

    try:
        found = rules_of(request["package"], without=request["without"], at=begin)
    except ArgumentError as error:
        tell(refused=str(error))
        return
    rules = [asdict(rule) for rule in found.rules]
    tell(declared=rules, modules=found.modules, failures=found.failures)
    for number, rule in enumerate(found.rules):
        if number in request["done"]:
            continue
        suited = with_arguments(rule)
        if suited.arguments is not None:
            tell(suits=suited.arguments)
        checked = _checked(suited) if request["check"] and suited.arguments else {}
        tell(ends=number, checked=checked)


def _checked(rule: FoundRule) -> dict[str, Any]:
    """The verdict on a rule at the arguments that suit it, and what is said of it."""
    function = named("MODULE:FUNCTION", rule.name)
    args = given(rule.arguments or (), rule.name.partition(":")[0]).args
    try:
        found = in_options(check(function, args))
    except BaseException as error:  # whatever a rule raises
        said = str(error) if isinstance(error, JaxgradError) else all_that_was_raised(error)
        return {"verdict": None, "text": f"it raised {said}"}
    return {"verdict": str(found.verdict), "text": str(found).partition("\n\nTo see it:")[0]}
