"""What ``jaxgrad rules`` does: find the custom derivative rules of a package."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxgrad.claims.annotations import annotate
from jaxgrad.claims.exit_codes import Exit
from jaxgrad.claims.one_object import printed
from jaxgrad.errors import ArgumentError
from jaxgrad.verdict import Verdict

if TYPE_CHECKING:
    from jaxgrad.claims.found_rule import FoundRule
    from jaxgrad.claims.rules_run import RulesRun, SeenRule

__all__ = ["rules"]

_PASSES = tuple(str(verdict) for verdict in Verdict if verdict.passes)
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
    from jaxgrad.claims.child_processes import supervise
    from jaxgrad.claims.rules_run import RulesRun
    from jaxgrad.numbers.progress import Progress

    progress = Progress()

    def tell(seen: SeenRule) -> None:
        progress.clear()
        _tell(seen, options.json)

    def look() -> None:
        progress.say(_reached(run))
        progress.look()

    run = RulesRun(options.package, options.check, tell)
    heard = progress.above if sys.stderr.isatty() else None
    try:
        for _ in supervise([run], jobs=1, timeout=options.timeout, look=look, heard=heard):
            pass
    except KeyboardInterrupt:
        progress.clear()
        _conclude(run, options, interrupted=run.at)
        raise
    progress.clear()
    if run.refused is not None:
        raise run.refused
    _conclude(run, options)
    return _exit_code(run)


def _tell(seen: SeenRule, quiet: bool) -> None:
    """Print a rule and what came of it, and annotate it where it does not pass."""
    if seen.text and seen.verdict not in _PASSES:
        how = f"is {seen.verdict}" if seen.verdict else "was not checked"
        annotate(f"{seen.rule.name} {how}", seen.text, seen.rule.file, seen.rule.line)
    if not quiet:
        print(*_lines(seen), sep="\n", flush=True)


def _reached(run: RulesRun) -> str:
    """What is done, on the line of a terminal: first what is not cut off where it is narrow."""
    count = f"{len(run.seen)} of {len(run.rules)} rules" if run.rules else ""
    return ", ".join(filter(None, [count, run.at]))


def _conclude(
    run: RulesRun, options: argparse.Namespace, *, interrupted: str | None = None
) -> None:
    """Print what was counted, or everything as JSON.

    Args:
        run: what was found.
        options: as the command line declares them.
        interrupted: during what, if it was; empty where nothing was left.
    """
    for module, why in run.failures:
        print(f"jaxgrad: {module} cannot be imported: {why}", file=sys.stderr)
    if options.json:
        printed()
        print(_json(run, interrupted))
        return
    if options.check:
        verdicts = Counter(x.verdict or "not checked" for x in run.seen.values() if x.text)
        counts = [f"{count} {verdict}" for verdict, count in verdicts.items()]
        print(f"checked: {', '.join(counts) or 'none'}")
    if interrupted:
        looked_at = (
            "" if run.rules is None else f", after {len(run.seen)} of {len(run.rules)} rules"
        )
        print(f"interrupted during {interrupted}{looked_at}")
        if rest := _without_result(run):
            print(f"without a result: {', '.join(rest)}")
    if run.rules is not None:  # else nobody knows how many there are
        print(_counted(run))


def _without_result(run: RulesRun) -> list[str]:
    """The names of the rules that were found and not looked at to the end."""
    return [(run.rules or ())[number].name for number in run.rest]


def _exit_code(run: RulesRun) -> int:
    """1 if a rule is refuted, or raised; 3 if one is open, or something was given up."""
    verdicts = [seen.verdict for seen in run.seen.values() if seen.text]
    if run.check and any(verdict in (None, str(Verdict.REFUTED)) for verdict in verdicts):
        return Exit.NOT_EXPECTED
    if run.given_up or str(Verdict.UNDECIDED) in verdicts:
        return Exit.UNDECIDED
    return Exit.ALL_EXPECTED


def _json(run: RulesRun, interrupted: str | None) -> str:
    failures = [{"module": module, "error": why} for module, why in run.failures]
    rules = [_as_json(seen) for seen in run.seen.values()]
    whole = {"modules": run.modules, "rules": rules, "failures": failures}
    if interrupted:
        whole["without_result"] = _without_result(run)
    return json.dumps({**whole, "interrupted": interrupted or None}, indent=1)


def _as_json(seen: SeenRule) -> dict[str, Any]:
    told = {**asdict(seen.rule), "command": _command(seen.rule)}
    return told | ({"verdict": seen.verdict, "text": seen.text} if seen.text else {})


def _lines(seen: SeenRule) -> Iterator[str]:
    rule = seen.rule
    yield f"{rule.name}  {rule.kind}, {Path(rule.file).name}:{rule.line}"
    yield f"    {_command(rule) if seen.text else _how(rule)}"
    if seen.text:
        given_up = f"{seen.verdict}: " if seen.verdict else "not checked: "
        text = seen.text if seen.text.startswith(seen.verdict or " ") else given_up + seen.text
        yield from (f"    {line}" for line in text.splitlines())


def _counted(run: RulesRun) -> str:
    count = len(run.rules or ())
    counted = f"{count} custom rule{'s' * (count != 1)}"
    return f"{counted} in {run.modules} module{'s' * (run.modules != 1)} of {run.package}"


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
