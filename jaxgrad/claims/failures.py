"""The text of what went wrong in a proof module: where, and what was said."""

from __future__ import annotations

import re
import traceback
from pathlib import Path

from jaxgrad.claims.raised_text import ON_THE_WAY, printable
from jaxgrad.errors import JaxgradError

__all__ = ["MACHINERY", "failure_text", "problem_of"]

# Enough of an exception's own text to hold a counterexample, not enough to bury the other claims.
_ERROR_LINES = 12

# This package's own files between a failure and the proof module.
MACHINERY = tuple(
    str(Path(__file__).with_name(name))
    for name in ("running.py", "proof_modules.py", "proof_child.py", "answers.py")
)

# The module of a class of a proof module's own, which has a name that nobody wrote.
_CLASS = re.compile(r"^_jaxgrad_claims_\w+\.")

# How lines begin that say where something is.
_PLACE = "  File "


def failure_text(error: BaseException, path: Path) -> str:
    """Where in the proof module an exception came from, where it was raised, and what it says."""
    summary = traceback.TracebackException.from_exception(error)
    # JAX adds several lines on its removed frames as a note, which would push the message out.
    summary.__notes__ = None  # pyright: ignore
    frames = [frame for frame in summary.stack if not _is_machinery(frame.filename)]
    if isinstance(error, JaxgradError):  # whose text says all that this package knows of it
        frames = [frame for frame in frames if not frame.filename.startswith(ON_THE_WAY[0])]
    inside = [frame for frame in frames if frame.filename == str(path)]
    places = frames[-1:] if inside[-1:] == frames[-1:] else [*inside[-1:], *frames[-1:]]
    said = [printable(line) for line in "".join(summary.format_exception_only()).splitlines()]
    said[:1] = [_CLASS.sub("", line) for line in said[:1]]
    if len(said) > _ERROR_LINES:
        said = [*said[:_ERROR_LINES], "…"]
    return "".join(traceback.StackSummary.from_list(places).format()) + "\n".join(said)


def problem_of(error: str) -> str:
    """The line of an error that says what is wrong: the first of what was raised, if it was.

    Example:
        >>> problem_of('the claim raised\\n  File "claims.py", line 3\\nValueError: no\\nnumber')
        'ValueError: no'
        >>> problem_of('the claim took too long\\n  File "claims.py", line 3')
        'the claim took too long'
    """
    lines = error.splitlines() or [""]
    places = [k for k, line in enumerate(lines) if line.startswith(_PLACE)]
    if not places:
        return ": ".join(lines[:2])
    said = (line for line in lines[places[0] :] if not line.startswith(" "))
    return next(said, lines[places[0] - 1])


def _is_machinery(filename: str) -> bool:
    """Whether a frame only led to the proof module: this package's runner, Python's importer."""
    return filename.startswith("<frozen importlib") or filename in MACHINERY
