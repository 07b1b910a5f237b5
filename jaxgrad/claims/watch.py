"""Doing something again whenever files change."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from jaxgrad.claims.exit_codes import Exit
from jaxgrad.errors import ArgumentError

__all__ = ["watch"]

# Seconds between two looks at the files.
_EVERY = 0.3

_State = dict[Path, tuple[int, int] | None]


def watch(once: Callable[[], int], files: Callable[[], Iterable[Path]]) -> int:
    """Do something, and again after each change, until it is interrupted.

    Args:
        once: what is done; it returns an exit code, and what cannot be used it raises.
        files: those that it depends on, asked again each time.

    Returns:
        The exit code of an interrupt.

    Raises:
        ArgumentError: ``files`` cannot be found when it begins.
    """
    found: set[Path] = set(files())
    try:
        while True:
            before = _state(found)
            if _done(once) == Exit.INTERRUPTED:
                return Exit.INTERRUPTED
            # What it depends on is known better now; of what was known, changes meanwhile count.
            found = _found(files, found)
            before = {**_state(found), **before}
            here = sum(stamp is not None for stamp in before.values())  # not only looked for
            what = "file" if here == 1 else "files"
            print(f"jaxgrad: watching {here} {what}; Ctrl-C ends", file=sys.stderr)
            changed = _changed(before, files)
            print(f"\njaxgrad: {', '.join(sorted(changed))} changed", file=sys.stderr)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED


def _done(once: Callable[[], int]) -> int:
    try:
        return once()
    except ArgumentError as error:  # what is wrong now may be mended by the next change
        print(f"jaxgrad: {error}", file=sys.stderr)
        return Exit.USAGE


def _changed(before: _State, files: Callable[[], Iterable[Path]]) -> list[str]:
    """The names of what differs, as soon as something does."""
    while True:
        now = _state({*before, *_found(files, set(before))})
        if found := [path.name for path in now if now[path] != before.get(path)]:
            return found
        time.sleep(_EVERY)


def _found(files: Callable[[], Iterable[Path]], before: set[Path]) -> set[Path]:
    """The files; those of before while one is gone, as when an editor writes it anew."""
    try:
        return set(files())
    except ArgumentError:
        return before


def _state(files: Iterable[Path]) -> _State:
    # One file may be known by a path from here and by a whole one.
    return {file: _stamp(file) for file in map(Path.absolute, files)}


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
