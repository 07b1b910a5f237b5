"""What ``jaxgrad rules`` does: find the custom derivative rules of a package."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from jaxgrad.claims.annotations import annotate
from jaxgrad.claims.exit_codes import Exit
from jaxgrad.claims.one_object import printed
from jaxgrad.claims.rule_words import (
    came_to,
    code_of,
    command_of,
    lines_of,
    title_of,
    why_unchecked,
)
from jaxgrad.errors import ArgumentError
from jaxgrad.verdict import Verdict

if TYPE_CHECKING:
    from jaxgrad.claims.rules_run import RulesRun, SeenRule

__all__ = ["rules"]

_VERDICTS = tuple(map(str, Verdict))
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
        _tell(seen, options)

    def look() -> None:
        progress.say(_reached(run))
        progress.look()

    run = RulesRun(options.package, options.check, tell, options.arguments, options.skip)
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


def _tell(seen: SeenRule, options: argparse.Namespace) -> None:
    """Print a rule and what came of it, and annotate it where it does not pass."""
    if (options.check or seen.text) and code_of(seen):
        annotate(title_of(seen), why_unchecked(seen), seen.rule.file, seen.rule.line)
    if not options.json:
        print(*lines_of(seen), sep="\n", flush=True)


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
        if options.check:
            annotate(f"{module} cannot be imported", why)
    if run.meaningless:
        names = ", ".join(run.meaningless)
        said = f"{names}, of --skip or --arguments, names no rule of {run.package}"
        print(f"jaxgrad: {said}; jaxgrad rules {run.package} lists them", file=sys.stderr)
    if _is_without_rules(run) and interrupted is None:
        print(
            f"jaxgrad: {run.package} has no custom rule, so that nothing is checked; "
            "jaxgrad check MODULE:FUNCTION checks what calls those of others",
            file=sys.stderr,
        )
    if options.json:
        printed()
        print(_json(run, interrupted))
        return
    if options.check:
        print(f"checked: {_numbers(run, among=True) or 'none'}")
        if unchecked := _numbers(run, among=False):
            print(f"not checked: {unchecked}")
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


def _numbers(run: RulesRun, *, among: bool) -> str:
    """How many rules came to what: to verdicts, or to none."""
    counts = Counter(map(came_to, run.seen.values()))
    return ", ".join(f"{n} {came}" for came, n in counts.items() if (came in _VERDICTS) is among)


def _exit_code(run: RulesRun) -> int:
    """1 if a rule is refuted, malformed or none; 3 if one is open, or something is not checked.

    2 if there is nothing to check.
    """
    codes = [code_of(seen) for seen in run.seen.values() if run.check or seen.text]
    if run.check and Exit.NOT_EXPECTED in codes:
        return Exit.NOT_EXPECTED
    if run.given_up or Exit.UNDECIDED in codes or (run.check and run.failures):
        return Exit.UNDECIDED
    return Exit.USAGE if _is_without_rules(run) else Exit.ALL_EXPECTED


def _is_without_rules(run: RulesRun) -> bool:
    """Whether there was nothing to check in what was not left out."""
    return run.check and bool(run.modules) and not (run.rules or run.failures)


def _json(run: RulesRun, interrupted: str | None) -> str:
    failures = [{"module": module, "error": why} for module, why in run.failures]
    rules = [_as_json(seen, run.check) for seen in run.seen.values()]
    whole = {"modules": run.modules, "rules": rules, "failures": failures}
    if interrupted:
        whole["without_result"] = _without_result(run)
    return json.dumps({**whole, "interrupted": interrupted or None}, indent=1)


def _as_json(seen: SeenRule, check: bool) -> dict[str, Any]:
    told = {**asdict(seen.rule), "command": command_of(seen.rule)}
    if seen.left_out:
        return told | {"left_out": True}
    if not check and not seen.text:
        return told
    return told | {"verdict": seen.verdict, "text": why_unchecked(seen)}


def _counted(run: RulesRun) -> str:
    count = len(run.rules or ())
    counted = f"{count} custom rule{'s' * (count != 1)}"
    looked_at = f"{counted} in {run.modules} module{'s' * (run.modules != 1)} of {run.package}"
    failed = len(run.failures)
    return looked_at + f"; {failed} more cannot be imported" * (failed > 0)
