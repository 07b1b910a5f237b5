"""Processes that do tasks: started, listened to, given up when they take too long, and ended.

Each is a fresh Python that leads a process group of its own. It is not forked off this one, since
JAX runs threads, which a fork does not copy.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import queue
import signal
import subprocess
import sys
import sysconfig
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from typing import Any, Protocol

from jaxgrad.claims.failures import MACHINERY

__all__ = ["Task", "supervise"]

# With the path of this process, so that what can be imported here can be imported there.
_PROGRAM = "import sys; sys.path[:] = {path!r}; from {module} import main; main()"

# Seconds between two looks at whether a process has ended or has had its time; the answers
# themselves are read as they come.
_TICK = 0.1

# Seconds that a process is given to end by itself when it has said everything, when it has been
# told to end, and when something it started keeps its answers open after its end.
_GRACE = 2.0

_LIBRARY = sysconfig.get_paths()["stdlib"] + os.sep

# Lines of what a process writes when it is ended by a signal: the innermost frames.
_LAST_WORDS = 8


class Task(Protocol):
    """What is to be done by one process, and what becomes of its answers."""

    @property
    def module(self) -> str:
        """The module whose ``main`` the process runs, which answers by ``answers.answer_with``."""
        ...

    @property
    def request(self) -> dict[str, Any]:
        """What the process is asked, as JSON has it."""
        ...

    @property
    def complete(self) -> bool:
        """Whether everything was answered."""
        ...

    def receive(self, message: dict[str, Any]) -> None:
        """Take one answer."""

    def lost(self, how: str, seconds: float, *, late: bool) -> Task | None:
        """The process ended before the task was complete; what is to be done instead.

        Args:
            how: how it ended, in words.
            seconds: how long it had been at the unit of work that it was at.
            late: whether it was ended, since it took too long.
        """
        ...


def supervise(
    tasks: Iterable[Task],
    *,
    jobs: int,
    timeout: float | None,
    look: Callable[[], object] = lambda: None,
    heard: Callable[[str], object] | None = None,
) -> Generator[Task]:
    """Have every task done, each by a process, and yield it after each of its answers.

    When the iteration is left, by an exception too, no process remains.

    Args:
        tasks: begun in this order.
        jobs: how many processes there are at a time.
        timeout: seconds from one answer that a unit of work ends (an import, a claim, a rule) to
            the next; a process that takes longer is ended.
        look: called some ten times a second, also while nothing is answered.
        heard: takes each line that the processes print, in a thread of its own; None leaves them
            the standard error of this one.
    """
    waiting = deque(tasks)
    inbox: queue.SimpleQueue[tuple[_Process, bytes | None]] = queue.SimpleQueue()
    running: set[_Process] = set()
    environment = dict(os.environ)
    if jobs > 1:
        # Else the first process on a GPU takes its memory from the others.
        environment.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                running.add(_Process(waiting.popleft(), inbox, environment, heard))
            for process in _heard(inbox, _TICK):
                yield process.task
            look()
            for process in [process for process in running if process.over(timeout)]:
                until = time.monotonic()
                process.end()
                running.remove(process)
                for other in _heard(inbox, 0):  # what it said last
                    yield other.task
                instead = None
                if not process.task.complete:
                    seconds = max(0.0, until - process.since)
                    instead = process.task.lost(process.fate(), seconds, late=process.late)
                if instead is not None:
                    waiting.appendleft(instead)
                yield process.task
    finally:
        for process in running:
            process.end()
        _heard(inbox, 0)  # what had ended when the iteration was left


def _heard(
    inbox: queue.SimpleQueue[tuple[_Process, bytes | None]], seconds: float
) -> set[_Process]:
    """Take all answers there are, after a wait for the first; whose they were."""
    heard = set()
    with contextlib.suppress(queue.Empty):
        process, line = inbox.get(timeout=seconds)
        while True:
            process.hear(line)
            heard.add(process)
            process, line = inbox.get_nowait()
    return heard


class _Process:
    """A process that does a task, and a thread that reads its answers into the inbox."""

    def __init__(
        self,
        task: Task,
        inbox: queue.SimpleQueue[Any],
        environment: dict[str, str],
        heard: Callable[[str], object] | None = None,
    ) -> None:
        self.task = task
        self._last_words: list[str] = []
        self._closed = self.late = False
        self.since = time.monotonic()
        self._leaving: float | None = None
        self._child = subprocess.Popen(
            [
                sys.executable,
                *_flags(),
                "-P",
                "-c",
                _PROGRAM.format(path=[str(place) for place in sys.path], module=task.module),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if heard is None else subprocess.PIPE,
            start_new_session=True,
            env=environment,
        )
        assert self._child.stdin is not None and self._child.stdout is not None
        with contextlib.suppress(OSError):  # it has ended already, which will be noticed
            self._child.stdin.write(json.dumps(task.request).encode() + b"\n")
            self._child.stdin.flush()
        arguments = (self, self._child.stdout, inbox)
        self._reader = threading.Thread(target=_read, args=arguments, daemon=True)
        self._reader.start()
        self._listener: threading.Thread | None = None
        if heard is not None:
            arguments = (self._child.stderr, heard)
            self._listener = threading.Thread(target=_listen, args=arguments, daemon=True)
            self._listener.start()

    def hear(self, line: bytes | None) -> None:
        """Take one line of the answer, or its end."""
        if line is None:
            self._closed = True
            return
        try:
            message = json.loads(line)
        except ValueError:  # no answer: what is written when a signal ends the process
            self._last_words.append(line.decode(errors="backslashreplace").rstrip())
            return
        if not self.late:
            self.task.receive(message)
            if "part" not in message:  # which ends nothing
                self.since = time.monotonic()

    def over(self, timeout: float | None) -> bool:
        """Whether nothing more will be heard of it."""
        now = time.monotonic()
        ended = self._child.poll() is not None
        if ended and self._closed:
            return True
        if timeout is not None and not self.task.complete and now - self.since > timeout:
            self.late = True
            return True
        if not (ended or self._closed or self.task.complete):
            return False
        if self._leaving is None:
            self._leaving = now
        return now - self._leaving > _GRACE

    def end(self) -> None:
        """End the process if it has not ended, and with it what it has started."""
        if self._child.poll() is None:
            # Not at once, so that it can say where it was.
            self._send("SIGTERM")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(_GRACE)
        if self._child.poll() is None or self.late:
            self._send("SIGKILL")
        self._child.wait()
        self._reader.join(_GRACE)
        if self._listener is not None:
            self._listener.join(_GRACE)
        assert self._child.stdin is not None
        with contextlib.suppress(OSError):
            self._child.stdin.close()

    def fate(self) -> str:
        """How it ended before it was done, and what it said when it did."""
        return "\n".join([self._end(), *self._where()])

    def _end(self) -> str:
        code = self._child.returncode
        if self.late:
            return "took longer than the time that --timeout gives it"
        if code >= 0:
            return f"ended its process, with exit code {code}"
        return f"ended its process, by {_name_of_signal(-code)}"

    def _where(self) -> list[str]:
        frames = [line for line in self._last_words if line.startswith("  File ")]
        inside = [line for line in frames if not _is_machinery(line)]
        # What Python's own library was doing, a wait for another process perhaps, is not where.
        own = list(itertools.dropwhile(_is_of_python, inside))
        return (own or inside)[:_LAST_WORDS]

    def _send(self, name: str) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._child.pid, getattr(signal, name))
            else:
                self._child.kill()


def _read(process: _Process, answers: Any, inbox: queue.SimpleQueue[Any]) -> None:
    with contextlib.suppress(OSError, ValueError), answers:
        for line in answers:
            inbox.put((process, line))
    inbox.put((process, None))


def _listen(printed: Any, heard: Callable[[str], object]) -> None:
    with contextlib.suppress(OSError, ValueError), printed:
        for line in printed:
            heard(line.decode(errors="backslashreplace").rstrip("\r\n"))


def _flags() -> list[str]:
    """The options with which this Python was started (-W, -X, -O, ...)."""
    return subprocess._args_from_interpreter_flags()  # pyright: ignore


def _name_of_signal(number: int) -> str:
    with contextlib.suppress(ValueError):
        return signal.Signals(number).name
    return f"signal {number}"


def _is_of_python(line: str) -> bool:
    """Whether a frame is one of Python's own library."""
    return f'"{_LIBRARY}' in line and "site-packages" not in line


def _is_machinery(line: str) -> bool:
    """Whether a frame only led to what the task is about."""
    return any(name in line for name in ("<frozen ", '"<string>"', *MACHINERY))
