"""With ``--json`` standard output is one JSON object, also where nothing is known but an error."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import sys
from collections.abc import Callable, Iterator

__all__ = ["one_object", "print_error", "printed"]

# For each command that runs, whether it has printed its object.
_printed: list[bool] = []


@contextlib.contextmanager
def one_object(options: argparse.Namespace) -> Iterator[Callable[[str], None]]:
    """Within the block a command runs, which may end before it has printed its object.

    Args:
        options: as the command line declares them.

    Yields:
        Prints an object with an error in the place of the one that was not printed, where one was
        asked for.

    Example:
        >>> with one_object(argparse.Namespace(json=True)) as instead:
        ...     instead("no such file")
        ...     instead("too late")
        {"error": "no such file"}
    """
    report = getattr(options, "report", None) or ""  # the one of prove
    wanted = getattr(options, "json", False) or report.endswith("json_report:render")
    with _alone_on_stdout() if wanted else contextlib.nullcontext():
        yield from _in_place_of_one(wanted)


def _in_place_of_one(wanted: bool) -> Iterator[Callable[[str], None]]:
    stdout = sys.stdout  # which what the user's code prints may be kept from
    _printed.append(False)

    def instead(error: str) -> None:
        if wanted and not _printed[-1]:
            printed()
            print(json.dumps({"error": error}), file=stdout, flush=True)

    try:
        yield instead
    finally:
        _printed.pop()


@contextlib.contextmanager
def _alone_on_stdout() -> Iterator[None]:
    """Within the block what is written to the descriptor of standard output goes to that of errors.

    Code in C, and ``os.write``, know nothing of ``sys.stdout``, which alone has the place still.
    """
    try:
        before, descriptor = sys.stdout, sys.stdout.fileno()
        os.fstat(2)
        own = os.dup(descriptor) if descriptor == 1 else -1
    except (AttributeError, OSError, ValueError):  # one is no file, or closed
        own = -1
    if own < 0:
        yield
        return
    before.flush()
    os.dup2(2, 1)
    sys.stdout = open(own, "w", encoding=before.encoding, errors=before.errors, closefd=False)  # noqa: SIM115
    try:
        yield
    finally:
        _flush_c()
        try:
            sys.stdout.flush()
        finally:
            sys.stdout = before
            os.dup2(own, 1)
            os.close(own)


def _flush_c() -> None:
    """What code in C has printed and not written yet."""
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).fflush(None)


def print_error(options: argparse.Namespace, error: str) -> None:
    """Says why there is no result, in the object of JSON, too, where one was asked for.

    Args:
        options: as the command line declares them.
        error: a sentence.

    Example:
        >>> print_error(argparse.Namespace(json=True), "it took too long")
        {"error": "it took too long"}
    """
    if options.json:
        printed()
        print(json.dumps({"error": error}), flush=True)
    print(f"jaxgrad: {error}", file=sys.stderr)


def printed() -> None:
    """The command prints its object, and needs no other."""
    if _printed:
        _printed[-1] = True
