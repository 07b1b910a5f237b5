"""The process in which the modules of a package are imported, and its derivative rules checked.

It tells each module before it is imported, what was found in all of them, then of each rule the
arguments that suit it and what its check says.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from jaxgrad.claims.answers import Answers, answer_with
from jaxgrad.claims.as_options import as_options, in_options
from jaxgrad.claims.called import Called
from jaxgrad.claims.found_rule import FoundRule
from jaxgrad.claims.malformed import is_malformed, said_of_fault
from jaxgrad.claims.meant_rules import is_meant, meaningless
from jaxgrad.claims.named import named
from jaxgrad.claims.package_rules import rules_of
from jaxgrad.claims.raised_text import all_that_was_raised
from jaxgrad.claims.suitable_arguments import Suitable, suitable
from jaxgrad.errors import ArgumentError, JaxgradError
from jaxgrad.gradients.check_grads import check
from jaxgrad.verdict import Verdict

__all__ = ["main"]

# What is drawn and no number.
_HAS_AXES = re.compile(r"\[\d")
# Of a rule that cannot be traced at any drawn arguments that its function takes.
_OTHERS = "--arguments, or [tool.jaxgrad.rules] of pyproject.toml, gives it others"
_SO = f"it is so at all drawn arguments that the function takes; {_OTHERS}"
# Matrices, of which a row is taken.
_MATRIX = re.compile(r"\bf32\[\d+, (\d+)\]")
_PASSES = tuple(str(verdict) for verdict in Verdict if verdict.passes)


def main() -> None:
    """Do what :class:`jaxgrad.claims.rules_run.RulesRun` asks."""
    answer_with(_answer)


def _answer(request: dict[str, Any], tell: Answers) -> None:
    def begin(module: str) -> None:
        tell(begins=module)

    skip, package = request["skip"], request["package"]
    modules = [name for name in skip if ":" not in name]
    try:
        found = rules_of(package, without=request["without"], skip=modules, at=begin)
    except ArgumentError as error:
        tell(refused=str(error))
        return
    rules = [asdict(rule) for rule in found.rules]
    unknown = list(meaningless([*skip, *request["arguments"]], package, found))
    tell(declared=rules, modules=found.modules, failures=found.failures, meaningless=unknown)
    for number, rule in enumerate(found.rules):
        if number in request["done"]:
            continue
        if any(is_meant(name, rule) for name in skip):
            tell(ends=number, checked={"left_out": True})
        else:
            tell(ends=number, checked=_seen(rule, request, tell))


def _seen(rule: FoundRule, request: dict[str, Any], tell: Answers) -> dict[str, Any]:
    """What comes of a rule, at the arguments that are given for it, or at some that suit it."""
    given = (texts for name, texts in request["arguments"].items() if is_meant(name, rule))
    own = None if rule.missing else next(given, None)
    if own is None:
        found = suitable(rule, lambda texts: tell(suits=texts))
    else:
        tell(suits=own)
        found = Suitable(tuple(own), traces=True)
    if not request["check"] or found.arguments is None:
        return {}
    checked = _checked(rule.name, found.arguments)
    if own is not None:
        return checked
    tell(knows=checked)
    more = [*_of_others(found, checked), *_of_one_row(rule.name, found.arguments, checked)]
    return {**checked, "text": "\n".join([checked["text"], *more])}


def _of_one_row(name: str, arguments: Sequence[str], checked: dict[str, Any]) -> Iterator[str]:
    """Whether a rule that is wrong at matrices is right at one row of them, as may be meant."""
    row = [_MATRIX.sub(r"f32[\1]", text) for text in arguments]
    if checked["verdict"] != str(Verdict.REFUTED) or row == list(arguments):
        return
    if (verdict := _checked(name, row)["verdict"]) in _PASSES:
        yield f"at one row alone, {shlex.join(row)}, it is {verdict}; {_OTHERS}"


def _of_others(found: Suitable, checked: dict[str, Any]) -> Iterator[str]:
    """What is to be said of the other arguments that were tried."""
    if not found.traces and not checked["verdict"]:
        yield _SO
    elif found.traces and found.failed and not any(map(_HAS_AXES.search, found.arguments or ())):
        yield f"the function takes {shlex.join(found.failed)}, too, where its rule fails"


def _checked(name: str, arguments: Sequence[str]) -> dict[str, Any]:
    """The verdict on a rule at arguments, and what is said of it."""
    try:
        called = Called(name, named("MODULE:FUNCTION", name), arguments, 0)
        found = check(called.by_places(called.function), called.args, argnums=called.argnums(None))
    except BaseException as error:  # whatever a rule raises
        if is_malformed(error):
            return {"verdict": None, "malformed": True, "text": said_of_fault(error)}
        own = isinstance(error, JaxgradError)
        text = as_options(str(error)) if own else f"it raised {all_that_was_raised(error)}"
        return {"verdict": None, "text": text}
    text = str(in_options(found)).partition("\n\nTo see it:")[0]
    return {"verdict": str(found.verdict), "text": text}
