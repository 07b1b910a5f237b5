"""An interrupt that ends the command, also where code that is no Python does not hear of it."""

from __future__ import annotations

import _thread
import contextlib
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any

from jaxgrad.claims.exit_codes import Exit

__all__ = ["always_heard", "leave", "say_what_is_known"]

# Seconds that the main thread has to hear of an interrupt. It hears at once, but where it waits for
# a program that XLA compiles or runs.
PATIENCE = 2.0
_ONCE_MORE = 0.05
# As it was before the user's code runs, for which forced_exits.py puts another one in its place.
_exit = os._exit


@contextlib.contextmanager
def always_heard() -> Iterator[None]:
    """Within the block an interrupt raises KeyboardInterrupt, or soon ends the process.

    Python runs its handlers of signals between two of its own instructions, and so not while the
    main thread waits for a program without an end. What a signal writes to a socket at once is
    read by another thread, which says what is known and ends the process, unless the handler runs.

    Source: https://docs.python.org/3/library/signal.html#signal.set_wakeup_fd
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # interrupts are ignored, or somebody else's
        return
    heard = threading.Event()

    def hear(number: int, frame: Any) -> None:
        heard.set()
        if _is_in_a_library_of_jax(frame):
            print("jaxgrad: interrupted", file=sys.stderr)
            leave(Exit.INTERRUPTED)
        if frame is not None and frame.f_code.co_name == "_xla_gc_callback":
            # What a collector of garbage raises is lost; once more, when it is done.
            threading.Timer(_ONCE_MORE, _interrupt_again).start()
            return
        signal.default_int_handler(number, frame)

    reading, writing = socket.socketpair()
    writing.setblocking(False)
    arguments = (reading, heard)
    threading.Thread(target=_end_if_not_heard, args=arguments, daemon=True).start()
    before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.set_wakeup_fd(before)
        writing.close()


def _interrupt_again() -> None:
    if hasattr(signal, "pthread_kill"):  # which a call of the system hears of, too
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()


def _is_in_a_library_of_jax(frame: Any) -> bool:
    """Whether code in C++ is being loaded, which an exception would make abort."""
    while frame is not None:
        if frame.f_code.co_name == "<module>" and frame.f_globals.get("__package__") == "jaxlib":
            return True
        frame = frame.f_back
    return False


def _end_if_not_heard(reading: socket.socket, heard: threading.Event) -> None:
    with reading:
        while number := reading.recv(1):
            if number[0] != signal.SIGINT:
                continue
            if not heard.wait(PATIENCE):
                say_what_is_known("interrupted")
                print("jaxgrad: interrupted", file=sys.stderr)
                leave(Exit.INTERRUPTED)
            heard.clear()
            # Of several that came before it ran Python hears one.
            while select.select([reading], [], [], 0)[0]:
                if not reading.recv(1):
                    return


def say_what_is_known(why: str) -> None:
    """Print what the calls that are running know so far, from whichever thread.

    Args:
        why: what ended them.
    """
    from jaxgrad.numbers.progress import known_so_far

    for text in known_so_far():
        print(f"jaxgrad, {why}: {text}", file=sys.stderr)


def leave(code: int) -> None:
    """End the process without waiting for its threads, one of which may run what has no end.

    Args:
        code: the exit code.
    """
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    finally:
        _exit(code)
