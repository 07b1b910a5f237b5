"""What ``jaxgrad rules`` does: find the custom derivative rules of a package."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shlex
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxgrad.claims.annotations import annotate
from jaxgrad.claims.exit_codes import Exit
from jaxgrad.claims.named import named
from jaxgrad.claims.timeout import ending_after
from jaxgrad.errors import ArgumentError, JaxgradError
from jaxgrad.verdict import Verdict

if TYPE_CHECKING:
    from jaxgrad.claims.found_rule import FoundRule
    from jaxgrad.claims.package_rules import RulesOfPackage

__all__ = ["rules"]

_PACKAGE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def rules(options: argparse.Namespace) -> int:
    """Find the rules, print them, and return the exit code.

    Args:
        options: as the command line declares them.

    Raises:
        ArgumentError: that is no name of a package, or it cannot be imported.
    """
    if not _PACKAGE.fullmatch(options.package):
        raise ArgumentError(
            f"{options.package!r} names no package; write it as in an import, e.g. optax or "
            "my_package.kernels, and check one function with jaxgrad check module:function"
        )
    sys.path.insert(0, os.getcwd())
    from jaxgrad.claims.package_rules import rules_of

    quiet = contextlib.redirect_stdout(sys.stderr) if options.json else contextlib.nullcontext()
    with quiet, _within(options.timeout, f"the search for rules in {options.package}"):
        found = rules_of(options.package)
    for module, why in found.failures:
        print(f"jaxgrad: {module} cannot be imported: {why}", file=sys.stderr)
    told: list[dict[str, Any]] = []
    for rule in found.rules:
        with _within(options.timeout, f"the check of {rule.name}"):
            checked = _checked(rule, options.json) if options.check and rule.arguments else {}
        told.append({**asdict(rule), "command": _command(rule), **checked})
        if not options.json:
            print(*_lines(rule, checked), sep="\n", flush=True)
    if not options.json and options.check:
        verdicts = Counter(str(one["verdict"] or "not checked") for one in told if "verdict" in one)
        counts = [f"{count} {verdict}" for verdict, count in verdicts.items()]
        print(f"checked: {', '.join(counts) or 'none'}")
    print(_json(found, told) if options.json else _counted(options.package, found))
    return _exit_code([one["verdict"] for one in told if "verdict" in one])


def _within(seconds: float | None, what: str) -> contextlib.AbstractContextManager[None]:
    """A block that is given up after so many seconds, and the command with it."""

    def say() -> None:
        print(
            f"jaxgrad: {what} took longer than --timeout {seconds:g}: UNDECIDED, and what follows "
            "was not looked at",
            file=sys.stderr,
        )

    return ending_after(seconds, say)


def _exit_code(verdicts: Sequence[str | None]) -> int:
    """1 if a rule is refuted, or raised; 3 if one is open."""
    if any(verdict in (None, str(Verdict.REFUTED)) for verdict in verdicts):
        return Exit.NOT_EXPECTED
    return Exit.UNDECIDED if str(Verdict.UNDECIDED) in verdicts else Exit.ALL_EXPECTED


def _checked(rule: FoundRule, quiet: bool) -> dict[str, Any]:
    """The verdict on a rule at the arguments that suit it, and what is said of it.

    Args:
        rule: which.
        quiet: whether what its code prints goes to standard error.
    """
    from jaxgrad.claims.as_options import in_options
    from jaxgrad.claims.given_arguments import given
    from jaxgrad.gradients.check_grads import check
    from jaxgrad.programs.jax_errors import first_line

    function = named("MODULE:FUNCTION", rule.name)
    args = given(rule.arguments or (), rule.name.partition(":")[0]).args
    try:
        with contextlib.redirect_stdout(sys.stderr) if quiet else contextlib.nullcontext():
            found = in_options(check(function, args))
    except (Exception, SystemExit) as error:
        said = str(error) if isinstance(error, JaxgradError) else first_line(error)
        annotate(f"{rule.name} raised", said, rule.file, rule.line)
        return {"verdict": None, "text": said}
    if not found:
        title = f"{rule.name} is {found.verdict}"
        annotate(title, str(found).partition("\n\nTo see it:")[0], rule.file, rule.line)
    return {"verdict": str(found.verdict), "text": str(found).partition("\n\nTo see it:")[0]}


def _json(found: RulesOfPackage, told: Sequence[dict[str, Any]]) -> str:
    failures = [{"module": module, "error": why} for module, why in found.failures]
    return json.dumps({"modules": found.modules, "rules": told, "failures": failures}, indent=1)


def _lines(rule: FoundRule, checked: dict[str, Any]) -> Iterator[str]:
    yield f"{rule.name}  {rule.kind}, {Path(rule.file).name}:{rule.line}"
    yield f"    {_how(rule)}"
    if checked:
        text = (
            checked["text"] if checked["verdict"] else f"not checked: it raised {checked['text']}"
        )
        yield from (f"    {line}" for line in text.splitlines())


def _counted(package: str, found: RulesOfPackage) -> str:
    counted = f"{len(found.rules)} custom rule{'s' * (len(found.rules) != 1)}"
    return f"{counted} in {found.modules} module{'s' * (found.modules != 1)} of {package}"


def _how(rule: FoundRule) -> str:
    if rule.missing:
        name = rule.name.rpartition(":")[2]
        defines = "defjvp(rule)" if rule.kind == "custom_jvp" else "defvjp(forward, backward)"
        return f"it has no rule yet: {name}.{defines} defines one"
    if rule.inside and "." in rule.name.rpartition(":")[2]:
        return f"made where {rule.name.rpartition(':')[2]} is called: check what calls it"
    if rule.inside:
        return (
            f"made where {rule.name.rpartition(':')[2]} is called; check that, or what calls it: "
            f"{_command(rule)}"
        )
    if rule.arguments is None:
        return f"at arguments of your own, since none that were tried suit it: {_command(rule)}"
    return _command(rule)


def _command(rule: FoundRule) -> str:
    """How it is checked."""
    arguments = ["ARGUMENT"] if rule.arguments is None else map(shlex.quote, rule.arguments)
    return " ".join(["jaxgrad check", rule.name, *arguments, *["..."] * (rule.arguments is None)])
