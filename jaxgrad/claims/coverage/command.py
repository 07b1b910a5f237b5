"""What ``jaxgrad coverage`` does: survey JAX's functions, or look at one of the caller's own."""

from __future__ import annotations

import argparse
import difflib
import inspect
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jaxgrad.claims.exit_codes import Exit
from jaxgrad.claims.named import named
from jaxgrad.claims.one_object import printed
from jaxgrad.claims.refusals import refusing
from jaxgrad.claims.written_files import require_writable
from jaxgrad.errors import ArgumentError

__all__ = ["coverage"]

_FOR_EXAMPLE = "--args 'jnp.ones(3), 0.5'"
# Enough of a difference to see what has changed.
_LINES_SHOWN = 40


def coverage(options: argparse.Namespace) -> int:
    """Do what the options say, print it, and return the exit code.

    Args:
        options: as the command line declares them.

    Raises:
        ArgumentError: a name, a file or the arguments of a function cannot be used.
    """
    own = [name for name in options.functions if ":" in name]
    if own:
        return _own_function(options, own[0])
    if options.args is not None:
        raise ArgumentError(
            "--args is for a function of your own, which is written module:function; the functions "
            "of JAX have points of their own"
        )
    return _check(options) if options.check else _survey(options)


# -- JAX's functions -------------------------------------------------------------------------------
def _survey(options: argparse.Namespace) -> int:
    if options.output:
        require_writable(f"--output {options.output}", Path(options.output))
    from jaxgrad.claims.coverage.survey import survey
    from jaxgrad.claims.report import coverage_json, coverage_table

    found = survey(options.functions or None)
    names = {f"{row.module}.{row.name}" for row in found.rows}
    unknown = set(options.functions) - names - {name.partition("(")[0] for name in names}
    if unknown:
        raise ArgumentError(
            f"{', '.join(sorted(unknown))}: no public function of a module that is looked at; "
            "write its full name, e.g. jax.numpy.sin or jax.scipy.special.gammaln, or one of your "
            "own as module:function"
        )
    page = coverage_json.render(found) + "\n" if options.json else coverage_table.render(found)
    if options.output:
        try:
            Path(options.output).write_text(page, encoding="utf-8")
        except OSError as error:
            raise ArgumentError(f"--output {options.output}: {error.strerror}") from None
    else:
        printed()
        print(page, end="")
    return _told(found.disagreements)


def _told(disagreements: Sequence[str]) -> int:
    for text in disagreements:
        print(f"jaxgrad: {text}", file=sys.stderr)
    return Exit.NOT_EXPECTED if disagreements else Exit.ALL_EXPECTED


def _check(options: argparse.Namespace) -> int:
    """Whether a page says what would be written now, where it was written with these versions."""
    if options.functions:
        raise ArgumentError("--check compares the whole page; leave the names of functions out")
    try:
        page = Path(options.check).read_text(encoding="utf-8")
    except OSError as error:
        raise ArgumentError(
            f"--check {options.check}: {error.strerror}; write it with --output {options.check}"
        ) from None
    from jaxgrad.claims.report.coverage_table import measured_with, render

    anew = f"write it anew: jaxgrad coverage --output {options.check}"
    if measured_with() not in page:
        print(
            f"jaxgrad: {options.check} was written with other versions, here it is "
            f"{measured_with()}: nothing was compared; {anew}",
            file=sys.stderr,
        )
        return Exit.UNDECIDED
    from jaxgrad.claims.coverage.survey import survey

    found = survey()
    lines = difflib.unified_diff(
        page.splitlines(), render(found).splitlines(), options.check, "now", lineterm="", n=0
    )
    changed = list(lines)
    if not changed:
        print(f"{options.check} is what would be written now")
        return _told(found.disagreements)
    print(*changed[:_LINES_SHOWN], sep="\n")
    print(f"jaxgrad: {options.check} is stale; {anew}", file=sys.stderr)
    _told(found.disagreements)
    return Exit.NOT_EXPECTED


# -- a function of the caller's own ----------------------------------------------------------------
def _own_function(options: argparse.Namespace, name: str) -> int:
    if len(options.functions) > 1:
        raise ArgumentError(f"{name} is looked at by itself; give no other function beside it")
    if options.output or options.check:
        raise ArgumentError(
            "--output and --check are for the page of JAX's functions; to keep what is said of "
            f"{name}, write > FILE"
        )
    function = named("FUNCTION", name)
    sys.path.append(str(Path.cwd()))  # for what it imports when it is called
    args = _arguments(options, name, function)
    from jaxgrad.claims.coverage.own_function import look_at

    meant = f"it was called with --args {options.args!r}"
    with refusing(name, f"{name}{_signature(function)}", meant):
        found = look_at(function, args, name, options.budget)
    if options.json:
        from jaxgrad.claims.report.function_json import render

        printed()
        print(render(found))
    else:
        from jaxgrad.claims.report import terminal
        from jaxgrad.claims.report.function_table import show

        show(found, terminal.console())
    if found.disagreements:
        return Exit.NOT_EXPECTED
    return Exit.ALL_EXPECTED if found.is_covered else Exit.UNDECIDED


def _arguments(
    options: argparse.Namespace, name: str, function: Callable[..., Any]
) -> tuple[Any, ...]:
    """The arguments that an expression says, in which the names of the module are known."""
    if options.args is None:
        raise ArgumentError(
            f"{name}{_signature(function)} is looked at where it is called; give its arguments, "
            f"e.g. {_FOR_EXAMPLE}"
        )
    from jaxgrad.claims.given_arguments import evaluated

    given = evaluated(options.args, name.partition(":")[0], "--args")
    return given if isinstance(given, tuple) else (given,)


def _signature(function: Callable[..., Any]) -> str:
    try:
        return str(inspect.signature(function))
    except (TypeError, ValueError):
        return ""
