"""What ``jaxgrad properties`` does: run the document's properties, or those of a function."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jaxgrad.claims.annotations import annotate
from jaxgrad.claims.check_command import place_of
from jaxgrad.claims.exit_codes import Exit
from jaxgrad.claims.named import named
from jaxgrad.claims.one_object import printed
from jaxgrad.claims.option_types import add_dtypes, add_json, add_switch, listed, positive
from jaxgrad.claims.raised_text import what_it_did
from jaxgrad.errors import ArgumentError, JaxgradError
from jaxgrad.numbers.listed import counted
from jaxgrad.verdict import Evidence, Verdict

if TYPE_CHECKING:
    from jaxgrad.properties.document import Property

__all__ = ["properties"]

_OF_A_FUNCTION = ("below", "above", "takes", "dtypes", "exact", "max_examples")
# Which may stand in what is said of a property; --exact in what a check says is another one.
_OPTIONS = ("--no-exact", "--dtypes")


def properties(parser: argparse.ArgumentParser) -> Callable[[argparse.Namespace], int]:
    """Look for counterexamples to properties of derivatives, with Hypothesis.

    Without a function, to what the document says of sigmoid and ReL networks. Of a function of one
    number it is said whether its derivative is finite at every float, its rules are right, between
    which numbers its derivative lies, and whether it grows; and it is held to what is asked for:

        jaxgrad properties
        jaxgrad properties jax.nn:gelu
        jaxgrad properties package.module:activation --below 1/4 --above 0
        jaxgrad properties package.module:activation --takes 0,1 --dtypes float32
    """
    parser.add_argument(
        "function", nargs="?", metavar="MODULE:FUNCTION", help="e.g. package.module:activation"
    )
    number = {"type": _rational, "metavar": "NUMBER"}
    parser.add_argument("--below", **number, help="its derivative has to be at most that")
    parser.add_argument("--above", **number, help="its derivative has to be at least that")
    parser.add_argument(
        "--takes",
        type=listed(_rational),
        metavar="N,N",
        help="its derivative has to be one of these",
    )
    add_dtypes(parser, "of the argument (default: float16, bfloat16 and float32)")
    add_switch(parser, "--exact", "hold the formula to it, not the compiled floats")
    parser.add_argument(
        "--max-examples",
        type=positive(int),
        metavar="N",
        help="how many floats of each dtype are drawn, beside those that matter (default: 100)",
    )
    add_json(parser)
    return _run


def _rational(text: str) -> Fraction:
    try:
        return Fraction(text)
    except ZeroDivisionError:
        raise ValueError from None


_rational.__name__ = "number"  # for the message of argparse


def _run(options: argparse.Namespace) -> int:
    told: list[tuple[Property, Evidence]] = []
    try:
        _tell(options, told)
    except ArgumentError as error:
        if options.json:
            printed()
            print(_json(options.function, told, str(error)))
        raise
    printed()
    print(_json(options.function, told) if options.json else _counted(told))
    return _exit_code(told)


def _tell(options: argparse.Namespace, told: list[tuple[Property, Evidence]]) -> None:
    """Runs one property after another and prints, or keeps, what comes of it."""
    # What the user's code prints is no part of the one object.
    with contextlib.redirect_stdout(sys.stderr) if options.json else contextlib.nullcontext():
        for one in _asked(options):
            found = _found(one, options.function)
            told.append((one, found))
            if not options.json:
                print(*_lines(one, found), sep="\n", flush=True)
            if options.function and not one.as_expected(found):
                _annotate(options.function, one, found)


def _asked(options: argparse.Namespace) -> Iterator[Property]:
    if options.function is None:
        given = [name for name in _OF_A_FUNCTION if getattr(options, name) not in (None, False)]
        if given:
            name = f"--{given[0].replace('_', '-')}"
            raise ArgumentError(f"{name} is of a function of yours; name one, module:function")
        from jaxgrad.properties.document import DOCUMENT

        yield from DOCUMENT
        return
    function = named("MODULE:FUNCTION", options.function)
    sys.path.append(str(Path.cwd()))  # for what it imports when it is called
    from jaxgrad.claims.given_arguments import full_name
    from jaxgrad.properties.of_function import properties_of

    asked = {name: getattr(options, name) for name in _OF_A_FUNCTION}
    if options.dtypes is not None:
        asked["dtypes"] = tuple(map(full_name, options.dtypes))
    yield from properties_of(function, **asked)


def _found(one: Property, name: str | None) -> Evidence:
    """What comes of a property, with code that needs no function in scope."""
    from jaxgrad.claims.as_options import of_check
    from jaxgrad.properties.document import outcome_of

    try:
        found = outcome_of(one)
    except ArgumentError as error:
        raise ArgumentError(of_check(str(error), _OPTIONS)) from error
    except JaxgradError as error:
        raise ArgumentError(f"{name}: {of_check(str(error), _OPTIONS)}") from error
    except (Exception, SystemExit) as error:
        raise ArgumentError(f"{name} {what_it_did(error)}") from error
    if name is None:  # those of the document are of networks, which no option is about
        return found
    found = replace(found, text=of_check(found.text, _OPTIONS))
    if not found.counterexample:
        return found
    code = found.counterexample.replace("# with `f` in scope", _import_of(name))
    return replace(found, counterexample=code)


def _import_of(name: str) -> str:
    module, _, path = name.partition(":")
    if "." in path:
        return f"import {module}\nf = {module}.{path}"
    return f"from {module} import {path} as f"


def _lines(one: Property, found: Evidence) -> Iterator[str]:
    but = ""
    if not one.as_expected(found):
        but = f", where {one.expected} is expected"
    elif not found:
        but = ", for information" if one.expected is None else ", as expected"
    yield f"{found.verdict}{but}: {one.statement}  ({one.name})"
    yield f"    {found.text.removeprefix('Undecided: ').partition(chr(10))[0]}"
    if found.counterexample and not one.as_expected(found):
        yield ""
        yield from (f"    {line}".rstrip() for line in found.counterexample.splitlines())
        yield ""


def _annotate(name: str, one: Property, found: Evidence) -> None:
    function = named("MODULE:FUNCTION", name)
    annotate(f"{name}: {one.statement} is {found.verdict}", found.text, *place_of(function))


def _json(name: str | None, told: list[tuple[Property, Evidence]], error: str | None = None) -> str:
    from jaxgrad.claims.report.json_report import versions

    each = [
        {
            "property": one.name,
            "statement": one.statement,
            "expected": None if one.expected is None else str(one.expected),
            "as_expected": one.as_expected(found),
            **found.to_dict(),
        }
        for one, found in told
    ]
    whole: dict[str, Any] = {"function": name, "properties": each, "versions": versions()}
    return json.dumps(whole if error is None else {**whole, "error": error}, indent=1)


def _counted(told: list[tuple[Property, Evidence]]) -> str:
    others = [found.verdict for one, found in told if not one.as_expected(found)]
    undecided = others.count(Verdict.UNDECIDED)
    wrong = len(others) - undecided
    said = {"not as expected": wrong, "undecided": undecided, "as expected": 0 if others else "all"}
    parts = [counted(len(told), "property", "properties")]
    return ", ".join([*parts, *(f"{number} {what}" for what, number in said.items() if number)])


def _exit_code(told: list[tuple[Property, Evidence]]) -> int:
    """1 if a verdict is another than the expected one; 3 if it is UNDECIDED, and none is wrong."""
    wrong = [found.verdict for one, found in told if not one.as_expected(found)]
    if not wrong:
        return Exit.ALL_EXPECTED
    every_one_open = all(verdict is Verdict.UNDECIDED for verdict in wrong)
    return Exit.UNDECIDED if every_one_open else Exit.NOT_EXPECTED
