"""What the user's code raised, in words: its kind, the line, and what is said."""

from __future__ import annotations

import os
import sysconfig
import traceback
from pathlib import Path

__all__ = [
    "ON_THE_WAY",
    "all_that_was_raised",
    "line_of",
    "printable",
    "what_it_did",
    "what_was_raised",
]

ON_THE_WAY = (f"{Path(__file__).parents[1]}{os.sep}", f"{os.sep}jax{os.sep}_src{os.sep}")
"""Parts of the names of files whose frames only lead to the user's code: this package, and JAX."""

_STANDARD = sysconfig.get_paths()["stdlib"]
_INSTALLED = "site-packages"

# Enough of a message to tell what is wrong, not enough to bury the other rules.
_LINES = 12
_LONGEST = 1000  # signs of a line


def what_was_raised(error: BaseException, where: str | None = None) -> str:
    """The kind of an error, where it was raised, and how its message begins.

    Args:
        error: one that was caught.
        where: the place; :func:`line_of` if None.

    Example:
        >>> what_was_raised(ValueError("of many" + chr(10) + "lines"), " at mine.py:3")
        'ValueError at mine.py:3: of many …'
        >>> what_was_raised(AssertionError())
        'AssertionError'
    """
    said = _said(error)
    return _with_place(error, where, [f"{said[0]} …"] if len(said) > 1 else said)


def what_it_did(error: BaseException, where: str | None = None) -> str:
    """What code did that raised this: raised it, or asked for the end of the process.

    Args:
        error, where: as for :func:`what_was_raised`.

    Example:
        >>> what_it_did(ValueError("no")), what_it_did(SystemExit(0), " at mine.py:3")
        ('raised ValueError: no', 'ended the process (SystemExit: 0) at mine.py:3')
    """
    if not isinstance(error, SystemExit):
        return f"raised {what_was_raised(error, where)}"
    place = line_of(error) if where is None else where
    return f"ended the process (SystemExit: {' '.join(_said(error))}){place}"


def all_that_was_raised(error: BaseException) -> str:
    """The same with all of the message, or its first lines.

    Example:
        >>> print(all_that_was_raised(ValueError("of many" + chr(10) + "lines")))
        ValueError: of many
          lines
    """
    said = _said(error)
    return _with_place(error, None, [*said[:_LINES], "…"] if len(said) > _LINES else said)


def line_of(error: BaseException) -> str:
    """The line at which an error was raised, as " at FILE:LINE"; empty where nobody knows.

    It is the last one of the user's own, or else of an installed package. Where only JAX, this
    package and Python's own library were running, theirs would tell nothing.

    Args:
        error: one that was caught.
    """
    found = [
        (Path(frame.filename), frame.lineno)
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_file() and not _is_on_the_way(frame.filename)
    ]
    own = [(file, line) for file, line in found if _INSTALLED not in file.parts]
    file, line = (own or found or [(None, None)])[-1]
    return f" at {file.name}:{line}" if file else ""


def _is_on_the_way(file: str) -> bool:
    standard = file.startswith(_STANDARD) and _INSTALLED not in Path(file).parts
    return standard or any(place in file for place in ON_THE_WAY)


def _with_place(error: BaseException, where: str | None, said: list[str]) -> str:
    kind = f"{type(error).__name__}{line_of(error) if where is None else where}"
    return ": ".join([kind, "\n  ".join(said)]) if said else kind


def _said(error: BaseException) -> list[str]:
    try:
        return [printable(line) for line in str(error).strip().splitlines()]
    except Exception as failed:
        return [f"its text cannot be made ({type(failed).__name__})"]


def printable(line: str) -> str:
    """Without what would move or colour a terminal, and cut where it has no end.

    Args:
        line: of a message of somebody else's code.

    Example:
        >>> print(printable(chr(27) + "[31mred"), len(printable("a" * 10**6)))
        \\x1b[31mred 1001
    """
    cut = line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
    return "".join(x if x.isprintable() or x == "\t" else repr(x)[1:-1] for x in cut)
