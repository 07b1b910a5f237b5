"""What ``jaxgrad check`` does: check the derivative rules of a function at a point."""

from __future__ import annotations

import argparse
import contextlib
import inspect
import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxgrad.claims.annotations import annotate, in_repository
from jaxgrad.claims.exit_codes import Exit
from jaxgrad.claims.named import named
from jaxgrad.claims.written_files import require_writable, written
from jaxgrad.errors import (
    ArgumentError,
    DtypeMismatch,
    JaxgradError,
    ShapeMismatch,
    TreeMismatch,
)
from jaxgrad.verdict import Verdict

if TYPE_CHECKING:
    from jaxgrad.claims.called import Called

__all__ = ["check", "exit_code_of", "place_of"]


def check(options: argparse.Namespace) -> int:
    """Check a function as the options say, print what comes of it, and return the exit code.

    Args:
        options: as the command line declares them.

    Raises:
        ArgumentError: a name, an argument or an option cannot be used, or the function raises.
    """
    if options.html:
        require_writable(f"--html {options.html}", Path(options.html))
    # What the user's code prints is no part of the one object.
    quiet = contextlib.redirect_stdout(sys.stderr) if options.json else contextlib.nullcontext()
    try:
        with quiet:
            called, found = _found(options)
    except ArgumentError as error:
        if options.json:
            print(_without_verdict(options, error))
        raise
    try:
        return _told(options, called, found)
    finally:  # whoever reads may have gone
        _write_page(options, called, found)


def _told(options: argparse.Namespace, called: Called, found: Any) -> int:
    """Prints what came of it, and returns the exit code."""
    if isinstance(found, JaxgradError):
        if options.json:
            print(_without_verdict(options, found))
        print(f"jaxgrad: {options.function}: {found}", file=sys.stderr)
        annotate(f"{options.function} is malformed", str(found), *place_of(called.function))
        return Exit.NOT_EXPECTED
    if options.json:
        whole = {**json.loads(found.to_json()), **called.described()}
        if whole["counterexample"]:
            whole["counterexample"] = called.in_scope(whole["counterexample"])
        print(json.dumps(whole, indent=1))
    else:
        print(called.in_scope(str(found)))
        if found and called.in_words:
            print(f"\nwith {called.in_words}")
    if not found:
        title = f"{options.function} is {found.verdict}"
        said = str(found).partition("\n\nTo see it:")[0]
        annotate(title, said, *place_of(called.function))
    return exit_code_of(found.verdict)


def _write_page(options: argparse.Namespace, called: Called, found: Any) -> None:
    if not options.html:
        return
    from jaxgrad.claims.report import html_check

    file, line = place_of(called.function)
    place = "" if file is None else f"{in_repository(file)}:{line}"
    page = html_check.render(options, called, found, place)
    written(f"--html {options.html}", options.html, page)


def exit_code_of(verdict: Verdict) -> int:
    """0 where it passes, 3 where it is open, else 1.

    Example:
        >>> [exit_code_of(verdict) for verdict in (Verdict.AGREES, Verdict.REFUTED)]
        [0, 1]
    """
    if verdict is Verdict.UNDECIDED:
        return Exit.UNDECIDED
    return Exit.ALL_EXPECTED if verdict.passes else Exit.NOT_EXPECTED


def _without_verdict(options: argparse.Namespace, error: Exception) -> str:
    """The object of JSON where nothing could be checked."""
    said = {"verdict": None, "error": str(error), "function": options.function}
    return json.dumps({**said, "arguments": options.args, "seed": options.seed}, indent=1)


def _found(options: argparse.Namespace) -> tuple[Called, Any]:
    """The call, and the check of it; or the error that says that a rule is malformed."""
    name = options.function
    function = named("MODULE:FUNCTION", name)
    domain = named("--domain", options.domain) if options.domain else None
    reference = named("--reference", options.reference) if options.reference else None
    sys.path.append(str(Path.cwd()))  # for what these import when they are called
    from jaxgrad.claims.called import Called
    from jaxgrad.claims.given_arguments import full_name
    from jaxgrad.gradients.check_grads import check

    called = Called(name, function, options.args, options.seed)
    asked = {
        "order": options.order,
        "argnums": called.argnums(options.argnums),
        "domain": domain and called.by_places(domain),
        "reference": reference and called.by_places(reference),
        "dtypes": None if options.dtypes is None else tuple(map(full_name, options.dtypes)),
        "exact": options.exact,
        "special_points": options.special_points,
        "linear": options.linear,
        "budget": options.budget,
    }
    modes = {} if options.modes is None else {"modes": options.modes}
    try:
        return called, check(called.by_places(function), called.args, **asked, **modes)
    except (TreeMismatch, ShapeMismatch, DtypeMismatch) as error:
        return called, error
    except ArgumentError:
        raise
    except JaxgradError as error:
        raise ArgumentError(f"{name}: {error}") from error
    except (Exception, SystemExit) as error:
        raise ArgumentError(_raised(name, function, error)) from error


def _raised(name: str, function: Callable[..., Any], error: Exception | SystemExit) -> str:
    from jaxgrad.programs.jax_errors import first_line

    if isinstance(error, SystemExit):
        said = f"ended the process (SystemExit: {error})"
    else:
        said = f"raised {first_line(error)}"
    file, _ = place_of(function)
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == file]
    where = f" at {Path(file or '').name}:{lines[-1]}" if lines else ""
    return f"{name}, or its rule, {said}{where}; the arguments are those of the command line"


def place_of(function: Callable[..., Any]) -> tuple[str | None, int | None]:
    """The file and line at which a function is defined; None where nobody knows.

    Example:
        >>> file, line = place_of(exit_code_of)
        >>> Path(file).name
        'check_command.py'
    """
    code = getattr(inspect.unwrap(function), "__code__", None)
    return (None, None) if code is None else (code.co_filename, code.co_firstlineno)
