"""What ``jaxgrad rules`` says of one rule: what came of it, and how it is checked."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from jaxgrad.claims.exit_codes import Exit
from jaxgrad.verdict import Verdict

if TYPE_CHECKING:
    from jaxgrad.claims.found_rule import FoundRule
    from jaxgrad.claims.rules_run import SeenRule

__all__ = [
    "LEFT_OUT",
    "came_to",
    "code_of",
    "command_of",
    "how_checked",
    "lines_of",
    "title_of",
    "why_unchecked",
]

# What comes of a rule that has no verdict.
LEFT_OUT = "left out"
_MALFORMED, _FAILED, _NO_RULE = "malformed", "failed", "without a rule"
_MADE, _NO_ARGUMENTS = "made where a function is called", "without arguments that suit"

_CODES = {
    _MALFORMED: Exit.NOT_EXPECTED,
    _FAILED: Exit.NOT_EXPECTED,
    _NO_RULE: Exit.NOT_EXPECTED,
    _MADE: Exit.UNDECIDED,
    _NO_ARGUMENTS: Exit.UNDECIDED,
    LEFT_OUT: Exit.ALL_EXPECTED,
    str(Verdict.REFUTED): Exit.NOT_EXPECTED,
    str(Verdict.UNDECIDED): Exit.UNDECIDED,
}


def came_to(seen: SeenRule) -> str:
    """The verdict of a rule that was to be checked, or why it has none.

    Args:
        seen: it, and what came of it.
    """
    if seen.verdict:
        return seen.verdict
    if seen.left_out:
        return LEFT_OUT
    if seen.text:
        return _MALFORMED if seen.malformed else _FAILED
    if seen.rule.missing:
        return _NO_RULE
    return _MADE if seen.rule.inside else _NO_ARGUMENTS


def code_of(seen: SeenRule) -> int:
    """The exit code that a rule asks for which was to be checked."""
    return _CODES.get(came_to(seen), Exit.ALL_EXPECTED)


def title_of(seen: SeenRule) -> str:
    """One line for what does not pass."""
    name, came = seen.rule.name, came_to(seen)
    if seen.verdict or came == _MALFORMED:
        return f"{name} is {came}"
    return f"{name} has no rule" if came == _NO_RULE else f"{name} was not checked"


def why_unchecked(seen: SeenRule) -> str:
    """All that is said of a rule that was to be checked: of its check, or why there is none."""
    return seen.text or how_checked(seen.rule)


def lines_of(seen: SeenRule) -> Iterator[str]:
    """What is printed of a rule."""
    rule = seen.rule
    yield f"{rule.name}  {rule.kind}, {Path(rule.file).name}:{rule.line}"
    if seen.left_out:
        yield "    left out, by --skip"
        return
    yield f"    {command_of(rule) if seen.text else how_checked(rule)}"
    if seen.text:
        before = f"{seen.verdict or ('malformed' if seen.malformed else 'not checked')}: "
        text = seen.text if seen.text.startswith(seen.verdict or " ") else before + seen.text
        yield from (f"    {line}" for line in text.splitlines())


def how_checked(rule: FoundRule) -> str:
    """The command that checks a rule, or what is to be done first."""
    if rule.missing:
        name = rule.name.rpartition(":")[2]
        defines = "defjvp(rule)" if rule.kind == "custom_jvp" else "defvjp(forward, backward)"
        return f"it has no rule yet: {name}.{defines} defines one"
    if rule.inside and "." in rule.name.rpartition(":")[2]:
        return f"made where {rule.name.rpartition(':')[2]} is called: check what calls it"
    if rule.inside:
        return (
            f"made where {rule.name.rpartition(':')[2]} is called; check that, or what calls it: "
            f"{command_of(rule)}"
        )
    if rule.arguments is None:
        return f"at arguments of your own, since none that were tried suit it: {command_of(rule)}"
    return command_of(rule)


def command_of(rule: FoundRule) -> str:
    """The command that checks a rule."""
    arguments = ["ARGUMENT"] if rule.arguments is None else map(shlex.quote, rule.arguments)
    return " ".join(["jaxgrad check", rule.name, *arguments, *["..."] * (rule.arguments is None)])
