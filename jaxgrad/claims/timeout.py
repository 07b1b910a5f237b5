"""The end of a process that takes too long, wherever it is."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from jaxgrad.claims.exit_codes import Exit
from jaxgrad.claims.interrupts import leave

__all__ = ["ending_after"]


@contextlib.contextmanager
def ending_after(
    seconds: float | None, say: Callable[[], int | None], code: int = Exit.UNDECIDED
) -> Iterator[None]:
    """Ends the process with an exit code if a block takes longer.

    Nothing within a process stops a program that XLA compiles or runs, an interrupt least of all:
    the process is left as it is, and what it has not written is lost.

    Args:
        seconds: of the wall clock; None for no end.
        say: what prints why, from another thread; it may know of another exit code, and return it.
        code: the exit code.
    """
    if seconds is None:
        yield
        return

    def end() -> None:
        known = None
        try:
            known = say()
        finally:
            leave(code if known is None else known)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
