"""What would end the process at once, as ``os._exit(0)``, is raised where the user's code calls it.

The exit code of a command says what is known of the user's code. It is not for that code to choose.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

from jaxgrad.claims.exit_codes import Exit
from jaxgrad.claims.interrupts import leave

__all__ = ["forced_exits_raised"]


@contextlib.contextmanager
def forced_exits_raised() -> Iterator[list[str]]:
    """Within the block ``os._exit`` and ``os.abort`` raise SystemExit, as ``sys.exit`` does.

    Only the main thread can be left by an exception. In another one they do end the process, after
    a word about it, and with a code that passes nowhere. A process that was forked off this one
    ends as it would have.

    Yields:
        What has been called, in words, also where the code caught what was raised.

    Example:
        >>> with forced_exits_raised() as called:
        ...     os._exit(0)
        Traceback (most recent call last):
        SystemExit: os._exit(0)
        >>> called
        ['os._exit(0)']
    """
    called: list[str] = []
    before = os._exit, os.abort
    os._exit = _instead_of("os._exit", os._exit, called)
    os.abort = _instead_of("os.abort", os.abort, called)
    try:
        yield called
    finally:
        os._exit, os.abort = before


def _instead_of(name: str, really: Callable[..., Any], called: list[str]) -> Callable[..., Any]:
    process = os.getpid()

    def ends(*args: Any, **named: Any) -> NoReturn:
        if os.getpid() != process:
            really(*args, **named)
        how = f"{name}({', '.join(map(repr, (*args, *named.values())))})"
        called.append(how)
        if threading.current_thread() is not threading.main_thread():
            by = sys._getframe(1)
            where = f"{Path(by.f_code.co_filename).name}:{by.f_lineno}"
            print(
                f"jaxgrad: the code that was run ended the process ({how} at {where})",
                file=sys.stderr,
            )
            leave(Exit.USAGE)
        raise SystemExit(how)

    return ends
