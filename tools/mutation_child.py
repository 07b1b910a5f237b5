"""Runs tests in a forked process: once as they are, to see what each executes, then with an error.

The parent has imported JAX and pytest, so a child starts at once; the package is imported in the
child, with one module's source replaced.  Coverage comes from ``sys.monitoring`` (Python 3.12).
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import CodeType
from typing import Any

import hypothesis

# The same small programs are compiled in every child: once is enough.
_COMPILED = os.path.join(tempfile.gettempdir(), "mutation", "compiled")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", _COMPILED)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

import jax.numpy  # noqa: E402, F401  before the first fork, and without a backend
import pytest  # noqa: E402

__all__ = ["CAUGHT", "SURVIVED", "forked", "observe", "run_with"]

ROOT = Path(__file__).resolve().parent.parent
SURVIVED, CAUGHT = 0, 1  # pytest's exit codes, and what everything else counts as
MONITORING: Any = getattr(sys, "monitoring", None)
MONITOR = 4  # of the six tools that it can tell apart; Hypothesis is 3
# A child that grows past this is caught, before it takes the machine with it.
MEMORY = 8 * 2**30


def forked(work: Callable[[], int], seconds: float, log: Path) -> int:
    """The process that does some work, with its output in a file and its CPU time limited."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # JAX warns of forks; its backends have not started yet
        child = os.fork()
    if child:
        return child
    code = CAUGHT
    try:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        limit = int(seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        code = work()
    except BaseException:  # nothing of the parent's may run on here
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


def _pytest(arguments: Sequence[str], plugins: Sequence[Any] = ()) -> int:
    """Few examples, always the same, and none made smaller: all that counts is a failure."""
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    hypothesis.settings.register_profile(
        "mutation", deadline=None, derandomize=True, max_examples=10, phases=phases, database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    os.chdir(ROOT)
    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    asked = ["-q", "-p", "no:cacheprovider", "--hypothesis-profile=mutation", "--tb=line", "-rN"]
    # pytest would load the modules of its plugins itself, and this package is one.
    asked += ["--assert=plain"]
    asked += ["-m", ""]  # slow tests, too
    asked += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of what the parent imported
    return int(pytest.main([*asked, *arguments], plugins=list(plugins)))


# -- with an error ---------------------------------------------------------------------------------
class _Replaced:
    """Finds one module, and gives it another source."""

    def __init__(self, file: str, source: str) -> None:
        self.path = str(ROOT / file)
        self.name = file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        self.source = source

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name != self.name:
            return None
        inside = [os.path.dirname(self.path)] if self.path.endswith("__init__.py") else None
        loader: Any = self
        return importlib.util.spec_from_file_location(
            name, self.path, loader=loader, submodule_search_locations=inside
        )

    def create_module(self, spec: Any) -> None:
        return None

    def exec_module(self, module: Any) -> None:
        exec(compile(self.source, self.path, "exec", dont_inherit=True), module.__dict__)

    def get_source(self, name: str) -> str:
        return self.source


def run_with(file: str, source: str, tests: Sequence[str]) -> int:
    """Whether these tests pass with a changed file; the first failure ends them."""
    sys.meta_path.insert(0, _Replaced(file, source))  # type: ignore[arg-type]
    return SURVIVED if _pytest(["-x", *tests]) == pytest.ExitCode.OK else CAUGHT


# -- as they are -----------------------------------------------------------------------------------
class _Observer:
    """For every test, its seconds of CPU and the lines of the package that it executes."""

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}
        self.lines: set[tuple[str, int]] = set()
        self.failed: list[str] = []
        self.home = f"{ROOT / 'jaxgrad'}{os.sep}"
        events = MONITORING.events
        MONITORING.use_tool_id(MONITOR, "mutation")
        MONITORING.register_callback(MONITOR, events.PY_START, self._start)
        MONITORING.register_callback(MONITOR, events.LINE, self._line)
        MONITORING.set_events(MONITOR, events.PY_START)

    def _start(self, code: CodeType, offset: int) -> Any:
        """Lines are looked at in the package alone: JAX has very many.

        A function whose body stands on its first line, such as a lambda in a table, has no event
        of a line but that of its start.
        """
        if not code.co_filename.startswith(self.home):
            return MONITORING.DISABLE
        MONITORING.set_local_events(MONITOR, code, MONITORING.events.LINE)
        self.lines.add((code.co_filename, code.co_firstlineno))
        return None

    def _line(self, code: CodeType, line: int) -> None:
        self.lines.add((code.co_filename, line))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Iterator[Any]:
        self.lines = set()
        start = time.process_time()
        result = yield
        seconds = time.process_time() - start
        lines = [f"{file[len(str(ROOT)) + 1 :]}:{line}" for file, line in sorted(self.lines)]
        self.found[item.nodeid] = {"seconds": round(seconds, 3), "lines": lines}
        return result

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.failed.append(report.nodeid)


def observe(tests: Sequence[str], target: Path) -> int:
    """Runs tests as they are and writes what each executes; those that fail are left out."""
    observer = _Observer()
    _pytest(tests, [observer])
    found = {name: seen for name, seen in observer.found.items() if name not in observer.failed}
    target.write_text(json.dumps({"tests": found, "failed": observer.failed}), encoding="utf-8")
    return SURVIVED
