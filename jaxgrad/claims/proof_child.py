"""The process in which proof modules are imported and their claims run.

It reads one request from its standard input and answers with one object of JSON a line: for each
file what it declares, before any of its claims runs, then the beginning of each claim, the result
of each part, and the end of the claim. It answers over what was its standard output when it began;
whatever a claim prints goes to standard error, and a claim that reads finds nothing.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any, NoReturn

from jaxgrad.claims.proof_messages import declaration_to, result_to
from jaxgrad.claims.read_files import ReadFiles

__all__ = ["main"]

_IN, _OUT, _ERROR = 0, 1, 2  # the descriptors of the standard streams


def main() -> None:
    """Do what the request says, which :class:`jaxgrad.claims.proof_process.Request` explains."""
    requests, answers = os.dup(_IN), os.dup(_OUT)
    _take_the_standard_streams_away()
    request = json.loads(_first_line(requests))
    threading.Thread(target=_end_with_parent, args=(requests,), daemon=True).start()
    # What is written by a handler of signals, when no Python can run any more, is no JSON: the
    # lines of the claim that was running.
    faulthandler.enable(answers, all_threads=False)
    if hasattr(faulthandler, "register"):
        faulthandler.register(signal.SIGTERM, answers, all_threads=False, chain=True)
    _answer(request, _Answers(answers))


def _answer(request: dict[str, Any], tell: _Answers) -> None:
    from jaxgrad.claims.proof_modules import collect_file
    from jaxgrad.claims.running import run

    read = ReadFiles()
    elsewhere = {Path(file).resolve() for file in request["elsewhere"]}.__contains__
    for file in map(Path, request["files"]):
        # Nobody but this process is interrupted by what a module raises.
        found = collect_file(file, elsewhere, through=())
        declared = [declaration_to(claim) for claim in found.claims]
        failures = [
            (failure.claim and declaration_to(failure.claim), result_to(failure))
            for failure in found.failures
        ]
        tell(declared=declared, failures=failures)
        if not request["run"]:
            continue
        with found.neighbours:
            for number, claim in enumerate(found.claims):
                if request["only"] is not None and number not in request["only"]:
                    continue
                tell(begins=number)
                for result in run(claim, through=()):
                    tell(part=number, result=result_to(result))
                tell(ends=number, read=read.digests())


class _Answers:
    """Writes the lines of the answer, from this process alone."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._process = os.getpid()

    def __call__(self, **message: Any) -> None:
        if os.getpid() != self._process:
            # A claim forked, and the copy came back from the claim as well.
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
        os.killpg(0, signal.SIGKILL)  # what the claims started, too
    os._exit(1)
