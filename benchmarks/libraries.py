"""How often the rules that libraries ship get an answer: about 200 calls, each as it is asked.

Each call of ``jaxgrad.check_grads`` stands in ``library_cases.py`` and the files beside it, by
library; a library that is not installed is left out.  An answer is PROVED, AGREES or REFUTED,
and whoever reads a REFUTED decides whether it is true.  Beside it is
``jax.test_util.check_grads`` with its defaults, in the modes that JAX has for the function.

Each library has a process of its own, and each check 60 CPU seconds and 8 GB of memory in it: who
takes more ends the process, and another goes on with the next check.

``--only NAME`` takes the calls whose names contain it, ``--output FILE`` writes every row.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TextIO

if not __package__:  # run as a file: the folder above holds `benchmarks`
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from rich.console import Console
from rich.table import Table

from benchmarks.library_cases import LIBRARIES, Call, calls_of, installed
from jaxgrad.claims.written_files import require_writable
from jaxgrad.errors import ArgumentError

CPU_SECONDS = 60
# Of a process, wall clock: a check that waits for what never comes spends no CPU.
WALL_SECONDS = 600
MOST_BYTES = 8e9
WATCH_SECONDS = 0.2
KILLED_FOR_MEMORY = 75

ANSWERS = ("PROVED", "AGREES", "REFUTED")
RAISED, TOO_LONG = "raised", "too long"
OUTCOMES = (*ANSWERS, "UNDECIDED", RAISED, TOO_LONG)
PASS, FAIL = "pass", "fail"
THEIRS = (PASS, FAIL, RAISED, TOO_LONG)


@dataclass(frozen=True)
class Asked:
    """What a checker said of a call, and what that took.

    Args:
        outcome: one of ``OUTCOMES``, or of ``THEIRS``.
        seconds: CPU seconds, compilation and all.
        megabytes: the most that the process had until then.
        text: what was said.
    """

    outcome: str
    seconds: float
    megabytes: float
    text: str = ""


@dataclass(frozen=True)
class Row:
    """A call with both checkers' answers."""

    library: str
    name: str
    ours: Asked
    theirs: Asked

    @property
    def answered(self) -> bool:
        """Whether jaxgrad gave an answer, be it a true one or not."""
        return self.ours.outcome in ANSWERS


# -- in the process of a library ------------------------------------------------------------------
def ours(call: Call) -> tuple[str, str]:
    """jaxgrad's verdict on a call and its words."""
    import jaxgrad

    options: dict[str, Any] = {} if call.domain is None else {"domain": call.domain}
    found = jaxgrad.check(call.function, call.args, call.order, call.modes, **options)
    return str(found.verdict), str(found)


def theirs(call: Call) -> tuple[str, str]:
    """What JAX's check says, in reverse mode alone where there is no rule for the other."""
    from jax.test_util import check_grads

    def asked(modes: tuple[str, ...]) -> tuple[str, str]:
        try:
            check_grads(call.function, call.args, call.order, modes)
        except AssertionError as error:
            return FAIL, str(error)
        return PASS, ""

    try:
        return asked(call.modes)
    except TypeError as error:
        if "custom_vjp" not in str(error):
            raise
        return asked(("rev",))


CHECKERS: tuple[Callable[[Call], tuple[str, str]], ...] = (ours, theirs)


def asked(check: Callable[[Call], tuple[str, str]], call: Call) -> Asked:
    """One check, whatever comes of it."""
    start = time.process_time()
    try:
        outcome, text = check(call)
    except Exception as error:  # of theirs, of the library, or of ours
        outcome, text = RAISED, f"{type(error).__name__}: {error}"
    seconds = time.process_time() - start
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return Asked(outcome, seconds, most / (1e6 if sys.platform == "darwin" else 1e3), text)


def limit_seconds() -> None:
    """The system ends this process when it has spent a check's CPU seconds from now on."""
    soft = int(time.process_time()) + CPU_SECONDS + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def watch_memory() -> None:
    """Ends this process when it holds more than it may."""

    def watch() -> None:
        while True:
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            if pages * resource.getpagesize() > MOST_BYTES:
                os._exit(KILLED_FOR_MEMORY)
            time.sleep(WATCH_SECONDS)

    if Path("/proc/self/statm").exists():
        threading.Thread(target=watch, daemon=True).start()


def work(library: str, only: str, first: int, results: TextIO) -> None:
    """The checks of a library from a number on, one line of JSON each."""
    import jax

    watch_memory()
    warnings.simplefilter("ignore")
    calls = [call for call in calls_of(library) if only in call.name]
    tasks = [(check, call) for call in calls for check in CHECKERS]
    for check, call in tasks[first:]:
        limit_seconds()
        with jax.enable_x64(call.x64):
            found = asked(check, call)
        line = [found.outcome, found.seconds, found.megabytes, found.text]
        print(json.dumps(line), file=results, flush=True)


# -- around the processes -------------------------------------------------------------------------
def process(
    library: str, only: str, first: int, tell: Callable[[Asked], None]
) -> tuple[list[Asked], int]:
    """The checks of a library from a number on, as far as a process gets, and how it ended.

    Args:
        library, only: whose calls, and of which names.
        first: how many checks are done already, two for each call.
        tell: called with each as it comes.
    """
    command = [sys.executable, "-m", "benchmarks.libraries", "--process", library]
    command += ["--only", only, "--first", str(first)]
    root = Path(__file__).parent.parent
    found: list[Asked] = []
    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as running:
        assert running.stdout is not None
        while True:
            timer = threading.Timer(WALL_SECONDS, running.kill)
            timer.start()
            line = running.stdout.readline()
            timer.cancel()
            if not line:
                return found, running.wait()
            found.append(Asked(*json.loads(line)))
            tell(found[-1])


def ended(code: int) -> Asked:
    """The check in which a process ended."""
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return Asked(TOO_LONG, CPU_SECONDS, 0.0, f"more than {CPU_SECONDS} CPU seconds")
    if code == KILLED_FOR_MEMORY:
        return Asked(TOO_LONG, 0.0, MOST_BYTES / 1e6, "more memory than it may have")
    return Asked(RAISED, 0.0, 0.0, f"the process ended with {code}")


def rows_of(library: str, only: str) -> Iterator[Row]:
    """Both checkers' answers to every call of a library."""
    names = [call.name for call in calls_of(library) if only in call.name]
    checks = [(name, checker) for name in names for checker in ("jaxgrad", "JAX")]
    found: list[Asked] = []
    told = iter(checks)

    def tell(asked: Asked) -> None:
        name, checker = next(told)
        line = f"{library} {name}, {checker}: {asked.outcome} in {asked.seconds:.1f} s"
        print(line, file=sys.stderr, flush=True)

    while len(found) < len(checks):
        more, code = process(library, only, len(found), tell)
        found += more
        if len(found) < len(checks):
            found.append(ended(code))
            tell(found[-1])
    for i, name in enumerate(names):
        yield Row(library, name, *found[len(CHECKERS) * i : len(CHECKERS) * (i + 1)])


# -- what is reported -----------------------------------------------------------------------------
def first_line(text: str) -> str:
    """The first line of what was said, on one line of a list."""
    return " ".join((text.splitlines() or [""])[0].split())[:300]


def counted(rows: Sequence[Row]) -> list[str]:
    """The entries of a table: how many of each outcome, the share answered, and theirs."""
    mine = [sum(row.ours.outcome == outcome for row in rows) for outcome in OUTCOMES]
    other = [sum(row.theirs.outcome == outcome for row in rows) for outcome in THEIRS]
    share = f"{100 * sum(row.answered for row in rows) / len(rows):.0f} %"
    return [*(str(n or "") for n in mine), share, *(str(n or "") for n in other)]


def columns() -> list[str]:
    """What stands above the entries."""
    return ["library", "calls", *OUTCOMES, "answered", *(f"JAX: {each}" for each in THEIRS)]


def entries(rows: Sequence[Row]) -> Iterator[list[str]]:
    """The lines of the table: each library, and all."""
    for library in LIBRARIES:
        of_library = [row for row in rows if row.library == library]
        if of_library:
            yield [library, str(len(of_library)), *counted(of_library)]
    yield ["all", str(len(rows)), *counted(rows)]


def lists(rows: Sequence[Row]) -> Iterator[str]:
    """By name what was not answered, and what was refuted."""
    for title, chosen in (
        ("Not answered", [row for row in rows if not row.answered]),
        ("Refuted", [row for row in rows if row.ours.outcome == "REFUTED"]),
    ):
        yield f"{title}: {len(chosen)}"
        for row in chosen:
            said = first_line(row.ours.text).removeprefix(f"{row.ours.outcome}: ")
            yield f"- {row.library} {row.name}, {row.ours.outcome}: {said}"
        yield ""


def versions(libraries: Sequence[str]) -> str:
    """Of Python, JAX and what was asked about."""
    found = [f"Python {platform.python_version()}"]
    for name in ("jax", *(LIBRARIES[library].package for library in libraries)):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(name)
    return ", ".join(found)


def markdown(rows: Sequence[Row], said: str) -> str:
    """The table, the lists and every row."""
    head = columns()
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    lines += ["| " + " | ".join(entry) + " |" for entry in entries(rows)]
    lines += ["", said, "", *lists(rows)]
    lines += ["| call | verdict | CPU s | MB | JAX | CPU s | jaxgrad says |", "|---" * 7 + "|"]
    for row in rows:
        mine, other = row.ours, row.theirs
        text = first_line(mine.text).replace("|", "\\|")
        lines.append(
            f"| {row.library} {row.name} | {mine.outcome} | {mine.seconds:.1f} "
            f"| {mine.megabytes:.0f} | {other.outcome} | {other.seconds:.1f} | {text} |"
        )
    refuted = [row for row in rows if row.ours.outcome in ("REFUTED", RAISED)]
    for row in refuted:
        lines += ["", f"## {row.library} {row.name}", "", "```", row.ours.text, "```"]
    return "\n".join(lines) + "\n"


def report(rows: Sequence[Row], said: str, output: Path | None) -> None:
    """The table and the lists, and a file with all of it."""
    console = Console(width=150)
    table = Table(*columns())
    for entry in entries(rows):
        table.add_row(*entry)
    console.print(table)
    console.print(said)
    for line in lists(rows):
        console.print(line, markup=False, highlight=False)
    if output:
        output.write_text(markdown(rows, said), encoding="utf-8")


def chosen(only: str, library: str) -> list[str]:
    """The installed libraries that have a call of that name.

    Raises:
        ArgumentError: none has, or there is no such library, or it is not installed.
    """
    if library and library not in LIBRARIES:
        raise ArgumentError(f"--library {library}: none of {', '.join(LIBRARIES)}")
    if library and not installed(library):
        package = LIBRARIES[library].package
        raise ArgumentError(f"--library {library} is not installed; pip install {package}")
    asked = [name for name in LIBRARIES if library in ("", name) and installed(name)]
    found = [name for name in asked if any(only in call.name for call in calls_of(name))]
    if not found:
        raise ArgumentError(
            f"--only {only}: no call of {', '.join(asked) or 'any library installed'} has that"
        )
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=str(__doc__).partition("\n\n``--only")[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", default="", help="calls whose names contain it")
    parser.add_argument("--library", default="", help=f"calls of one of {', '.join(LIBRARIES)}")
    parser.add_argument("--output", type=Path, help="write every row to this file")
    parser.add_argument("--process", help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.process is not None:
        results = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)  # what a library prints is no result
        work(options.process, options.only, options.first, results)
        return
    try:
        if options.output:
            require_writable(f"--output {options.output}", options.output)
        libraries = chosen(options.only, options.library)
    except ArgumentError as error:
        parser.error(str(error))
    rows: list[Row] = []
    for library in libraries:
        rows += rows_of(library, options.only)
    missing = [name for name in LIBRARIES if not installed(name)]
    said = f"{versions(libraries)}." + (f" Not installed: {', '.join(missing)}." if missing else "")
    report(rows, said, options.output)


if __name__ == "__main__":
    main()
