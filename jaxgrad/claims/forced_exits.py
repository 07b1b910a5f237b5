"""What would end the process at once, as ``os._exit(0)``, is raised where the user's code calls it.

The exit code of a command says what is known of the user's code. It is not for that code to choose.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from jaxgrad.claims.exit_codes import Exit
from jaxgrad.claims.interrupts import leave

__all__ = ["every_exit_is", "exits_of_c_code_heard", "forced_exits_raised"]

# What ends the process, or makes another program of it. All of os.exec* are made of two.
_ENDINGS = ("_exit", "abort", "execv", "execve")


def _places() -> Iterator[tuple[ModuleType, str]]:
    """The modules that have them, and their names there."""
    for module in (os, sys.modules.get(os.name)):
        for name in _ENDINGS if module else ():
            if hasattr(module, name):
                yield module, name  # pyright: ignore


@contextlib.contextmanager
def forced_exits_raised(
    last: Callable[[str], object] = lambda how: None,
) -> Iterator[list[str]]:
    """Within the block ``os._exit``, ``os.abort`` and ``os.exec*`` raise SystemExit.

    Only the main thread can be left by an exception. In another one they do end the process, after
    a word about it, and with a code that passes nowhere. A process that was forked off this one
    ends as it would have.

    Args:
        last: told what has happened before the process ends all the same.

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
    before = [(module, name, getattr(module, name)) for module, name in _places()]
    for module, name, really in before:
        setattr(module, name, _instead_of(f"os.{name}", really, called, last))
    _last.append(last)
    try:
        yield called
    finally:
        _last.remove(last)
        for module, name, really in before:
            setattr(module, name, really)


def _instead_of(
    name: str, really: Callable[..., Any], called: list[str], last: Callable[[str], object]
) -> Callable[..., Any]:
    process = os.getpid()

    def ends(*args: Any, **named: Any) -> NoReturn:
        if os.getpid() != process:
            really(*args, **named)
        given = (*args, *named.values())
        more = ", …" if len(given) > 1 else ""  # the words or the environment of a program
        how = f"{name}({', '.join(map(repr, given[:1]))}{more})"
        called.append(how)
        if threading.current_thread() is not threading.main_thread():
            by = sys._getframe(1)
            where = f"{Path(by.f_code.co_filename).name}:{by.f_lineno}"
            said = f"the code that was run ended the process ({how} at {where})"
            last(said)
            print(f"jaxgrad: {said}", file=sys.stderr)
            leave(Exit.USAGE)
        raise SystemExit(how)

    return ends


def every_exit_is(code: int) -> None:
    """Whatever ends the process from here on, its exit code is this one.

    Threads of the user's code and what it has registered for the end run after a command is done.
    """

    def ends(*_: Any, **__: Any) -> None:
        leave(code)

    for module, name in _places():
        setattr(module, name, ends)
    _chosen.append(code)


# What the commands that run are to be told before the process ends.
_last: list[Callable[[str], object]] = []
# The exit code, once it is known.
_chosen: list[int] = []
# What C calls has to live as long as the process.
_kept: list[Any] = []


def exits_of_c_code_heard() -> None:
    """From here on ``exit(0)`` in code in C does not choose the exit code either, where glibc runs.

    glibc calls what was registered before it ends the process.  Python ends by ``exit``, too, and
    before it does what was registered is taken back: then there is no Python that could run.

    Source: System V ABI, ``__cxa_atexit`` and ``__cxa_finalize``.
    """
    try:
        libc = ctypes.CDLL(None)
        _ = libc.gnu_get_libc_version
    except (AttributeError, OSError, TypeError):
        return
    process, taken_back = os.getpid(), threading.Event()
    mark = ctypes.create_string_buffer(1)  # by its address what is registered is known

    def at_exit(_: int | None) -> None:
        if taken_back.is_set() or os.getpid() != process:
            return
        if _chosen:
            leave(_chosen[-1])
        said = "code in C that was run ended the process (exit)"
        for last in _last:
            last(said)
        print(f"jaxgrad: {said}", file=sys.stderr)
        leave(Exit.USAGE)

    def take_back() -> None:
        taken_back.set()
        libc.__cxa_finalize(ctypes.byref(mark))

    called_by_c = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(at_exit)
    _kept.extend([called_by_c, mark])
    libc.__cxa_atexit(called_by_c, None, ctypes.byref(mark))
    libc.__cxa_at_quick_exit(called_by_c, ctypes.byref(mark))
    atexit.register(take_back)
