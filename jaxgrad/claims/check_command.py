"""What ``jaxgrad check`` does: check the derivative rules of a function at a point."""

from __future__ import annotations

import argparse
import contextlib
import functools
import inspect
import json
import re
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType
from typing import IO, TYPE_CHECKING, Any

from jaxgrad.claims.annotations import annotate, in_repository
from jaxgrad.claims.exit_codes import Exit
from jaxgrad.claims.interrupts import say_what_is_known
from jaxgrad.claims.malformed import is_malformed, place_of_fault, said_of_fault
from jaxgrad.claims.named import named
from jaxgrad.claims.one_object import printed
from jaxgrad.claims.raised_text import line_of, what_it_did
from jaxgrad.claims.timeout import ending_after
from jaxgrad.claims.written_files import require_writable, written
from jaxgrad.errors import ArgumentError, JaxgradError
from jaxgrad.verdict import Verdict

if TYPE_CHECKING:
    from jaxgrad.claims.called import Called

__all__ = ["check", "exit_code_of", "place_of"]

_SEE = "\n\nTo see it:"  # what stands before the code
# As many points are drawn before a domain is taken to have none of them.
_DRAWS = 64


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
    given_up = functools.partial(_given_up, options, sys.stdout)
    try:
        with quiet, ending_after(options.timeout, given_up):
            called, found = _found(options)
    except (ArgumentError, KeyboardInterrupt) as error:
        if isinstance(error, ArgumentError):
            annotate(f"{options.function} was not checked", str(error), None, None)
        if options.json:
            said = "interrupted" if isinstance(error, KeyboardInterrupt) else error
            printed()
            print(_without_verdict(options, said), flush=True)
        raise
    try:
        return _told(options, called, found)
    finally:  # whoever reads may have gone
        _write_page(options, called, found)


def _given_up(options: argparse.Namespace, stdout: IO[str]) -> None:
    """Says that it took too long, and what is known by then."""
    say_what_is_known("given up")
    error = (
        f"{options.function} is UNDECIDED: it took longer than --timeout {options.timeout:g}, "
        "perhaps in code of its own or a compilation"
    )
    if options.json:
        print(_without_verdict(options, error), file=stdout, flush=True)
    print(f"jaxgrad: {error}", file=sys.stderr)


def _told(options: argparse.Namespace, called: Called, found: Any) -> int:
    """Prints what came of it, and returns the exit code."""
    if isinstance(found, JaxgradError):
        said = said_of_fault(found)
        if options.json:
            printed()
            print(_without_verdict(options, said))
        print(f"jaxgrad: {options.function}: {said}", file=sys.stderr)
        place = place_of_fault(found) or place_of(called.function)
        annotate(f"{options.function} is malformed", said, *place)
        return Exit.NOT_EXPECTED
    if options.json:
        whole = {**json.loads(found.to_json()), **called.described()}
        if whole["counterexample"]:
            whole["counterexample"] = called.in_scope(whole["counterexample"])
        printed()
        print(json.dumps(whole, indent=1))
    else:
        said, *code = called.in_scope(str(found)).partition(_SEE)
        # Before the code, which goes to the end, so that it can be pasted as it is.
        print("\n".join([said, *_beside(options, called, found)]), *code, sep="")
    if not found:
        title = f"{options.function} is {found.verdict}"
        said = str(found).partition(_SEE)[0]
        annotate(title, said, *place_of(called.function))
    return exit_code_of(found.verdict)


def _beside(options: argparse.Namespace, called: Called, found: Any) -> Iterator[str]:
    """What was asked about, as far as the verdict does not say it: each a line."""
    said: list[str] = []
    if not found:
        itself = (rule for rule in found.rules if rule.is_itself)
        said += [f"it is the rule `{x.name}` ({in_repository(x.where)})" for x in itself]
    if not found.counterexample and called.in_words:  # code has the numbers, where there is any
        said.append(f"with {called.in_words}")
    if options.argnums is None and called.held:
        held = ", ".join(called.held)
        said.append(f"held fixed, as a number of Python is that is given by its name: {held}")
    if found and found._jaxs_alone:
        said.append("no custom rule but JAX's own is in it: what was judged is JAX's derivative")
    elif found.verdict is Verdict.AGREES:
        said.append(
            "AGREES is of these points; PROVED, of every input, is a custom rule that polynomials "
            "show to be right"
        )
    if found and options.dtypes is None:
        said.append("the formulas were judged; --dtypes float32 judges the compiled floats, too")
    said += _floats(found)
    yield from ["", *said] if said else []


def _floats(found: Any) -> Iterator[str]:
    """How many floats of the compiled derivatives are what rounding makes of the formulas."""
    counts: dict[str, Counter[str]] = {}
    for one in found.floats if found else ():
        if one.stable:
            counts.setdefault(one.dtype, Counter())[one.mode] += one.judged
    for dtype, modes in counts.items():
        of = ", ".join(f"{mode} at {count} floats" for mode, count in modes.items())
        yield f"the compiled derivatives in {dtype} are right but for rounding: {of}"


def _write_page(options: argparse.Namespace, called: Called, found: Any) -> None:
    if not options.html:
        return
    from jaxgrad.claims.report import html_check

    file, line = place_of(called.function)
    place = "" if file is None else f"{in_repository(file)}:{line}"
    # Its pictures evaluate the function, which may take as long again.
    late = functools.partial(_page_given_up, options)
    malformed = isinstance(found, JaxgradError)
    code = Exit.NOT_EXPECTED if malformed else exit_code_of(found.verdict)
    with ending_after(options.timeout, late, code):
        page = html_check.render(options, called, found, place)
    written(f"--html {options.html}", options.html, page)


def _page_given_up(options: argparse.Namespace) -> None:
    print(
        f"jaxgrad: {options.html} is not written: the page took longer than --timeout "
        f"{options.timeout:g}",
        file=sys.stderr,
    )


def exit_code_of(verdict: Verdict) -> int:
    """0 where it passes, 3 where it is open, else 1.

    Example:
        >>> [exit_code_of(verdict) for verdict in (Verdict.AGREES, Verdict.REFUTED)]
        [0, 1]
    """
    if verdict is Verdict.UNDECIDED:
        return Exit.UNDECIDED
    return Exit.ALL_EXPECTED if verdict.passes else Exit.NOT_EXPECTED


def _without_verdict(options: argparse.Namespace, error: Exception | str) -> str:
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
    from jaxgrad.claims.as_options import as_options, in_options
    from jaxgrad.claims.drawn_outside import with_domain_suggested
    from jaxgrad.claims.given_arguments import full_name
    from jaxgrad.gradients.check_grads import check

    called = _drawn_inside(options, function, domain)
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
        found = check(called.by_places(function), called.args, **asked, **modes)
    except ArgumentError as error:
        if is_malformed(error):
            return called, error
        raise ArgumentError(as_options(str(error))) from error
    except JaxgradError as error:
        raise ArgumentError(f"{name}: {as_options(str(error))}") from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit, or one of the user's own
        raise ArgumentError(_raised(options, function, domain, error)) from error
    if called.is_drawn and domain is None:
        found = with_domain_suggested(found, called.by_places(function), called.args)
    return called, in_options(found)


def _drawn_inside(
    options: argparse.Namespace, function: Callable[..., Any], domain: Callable[..., Any] | None
) -> Called:
    """The call, of which what is drawn is drawn again until it is in the domain.

    The seed of the options becomes the one by which it is.

    Raises:
        ArgumentError: that is in vain, or as :class:`Called`.
    """
    from jaxgrad.claims.called import Called

    first = options.seed
    for options.seed in range(first, first + _DRAWS):
        called = Called(options.function, function, options.args, options.seed)
        if domain is None or not called.is_drawn or called.is_inside(domain):
            return called
    raise ArgumentError(
        f"--domain {options.domain} is False at all of {_DRAWS} points that were drawn, with "
        f"--seed {first} to {options.seed}; give arguments inside of it, as NAME='jnp.ones(3)'"
    )


def _raised(
    options: argparse.Namespace,
    function: Callable[..., Any],
    domain: Callable[..., Any] | None,
    error: BaseException,
) -> str:
    """Which of the caller's functions raised what, and where."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    if domain is not None and _code_of(domain) in [frame.f_code for frame in frames]:
        whose, by = f"--domain {options.domain}", domain
    else:
        whose, by = f"{options.function}, or its rule,", function
    file, _ = place_of(by)
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == file
    ]
    where = f" at {Path(file or '').name}:{lines[-1]}" if lines else line_of(error)
    said = f"{whose} {what_it_did(error, where)}; the arguments are those of the command line"
    row = next((text for text in options.args if _ROW.fullmatch(text.strip())), None)
    array = row and f"jnp.array([{row.strip()[1:-1].rstrip(' ,')}])"
    return said + (f", of which {row} is no array: '{array}' is one" if row else "")


# A list, or a tuple, of numbers alone.
_ROW = re.compile(r"[\[(][\s\d.,eE+-]*[\])]")


def place_of(function: Callable[..., Any]) -> tuple[str | None, int | None]:
    """The file and line at which a function is defined; None where nobody knows.

    Example:
        >>> file, line = place_of(exit_code_of)
        >>> Path(file).name
        'check_command.py'
    """
    code = _code_of(function)
    return (None, None) if code is None else (code.co_filename, code.co_firstlineno)


def _code_of(function: Callable[..., Any]) -> CodeType | None:
    return getattr(inspect.unwrap(function), "__code__", None)
