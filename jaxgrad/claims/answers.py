"""A process that does what it is asked, and answers as it goes.

It reads one request from its standard input and answers with one object of JSON a line, over what
was its standard output when it began; whatever the code that it runs prints goes to standard error,
and code that reads finds nothing.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, NoReturn

__all__ = ["Answers", "answer_with"]

_IN, _OUT, _ERROR = 0, 1, 2  # the descriptors of the standard streams


def answer_with(answer: Callable[[dict[str, Any], Answers], None]) -> None:
    """Read the request, and leave it to a function that is given what tells the answers.

    Args:
        answer: of the request and of what is called with the fields of each answer.
    """
    requests, answers = os.dup(_IN), os.dup(_OUT)
    _take_the_standard_streams_away()
    request = json.loads(_first_line(requests))
    threading.Thread(target=_end_with_parent, args=(requests,), daemon=True).start()
    # What is written by a handler of signals, when no Python can run any more, is no JSON: the
    # lines of the claim that was running.
    faulthandler.enable(answers, all_threads=False)
    if hasattr(faulthandler, "register"):
        faulthandler.register(signal.SIGTERM, answers, all_threads=False, chain=True)
    answer(request, Answers(answers))


class Answers:
    """Writes the lines of the answer, from this process alone."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._process = os.getpid()

    def __call__(self, **message: Any) -> None:
        if os.getpid() != self._process:
            # The code forked, and the copy came back from it as well.
            os._exit(1)
        line = json.dumps(message).encode() + b"\n"
        while line:
            line = line[os.write(self._descriptor, line) :]


def _take_the_standard_streams_away() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, _IN)
    try:
        os.dup2(_ERROR, _OUT)
    except OSError:  # there is no standard error
        os.dup2(nothing, _OUT)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")  # pyright: ignore


def _first_line(descriptor: int) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        read = os.read(descriptor, 1 << 16)
        if not read:
            os._exit(1)  # whoever started this process is gone
        line += read
    return line


def _end_with_parent(requests: int) -> NoReturn:
    """Wait until the other end of the requests is closed, by the parent or with it."""
    while os.read(requests, 1):
        pass
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)  # what it started, too
    os._exit(1)
