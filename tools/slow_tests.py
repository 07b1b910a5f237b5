"""Finds the tests that take long, which the suite of a few minutes leaves out.

``python tools/slow_tests.py --write`` runs all tests and writes ``tests/slow_tests.txt``, which
``tests/conftest.py`` reads: a test in it has the marker ``slow``.  As a plugin of pytest, this
module writes the seconds of CPU of every test, its child processes included, to a file.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIST = ROOT / "tests" / "slow_tests.txt"
TIMES = "JAXGRAD_TEST_TIMES"  # the folder that the plugin writes to
SECONDS = 0.25  # on a machine that has compiled nothing yet
# Some hundred random programs are in every suite, however long they take.
KEPT = "tests/test_differential_fuzz.py::test_random_programs"
HEADER = "# Tests of {seconds:g} s of CPU or more, written by python tools/slow_tests.py --write"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Write how long each test took."""
    before = sum(os.times()[:4])
    done = yield
    line = json.dumps([item.nodeid, sum(os.times()[:4]) - before])
    file = Path(os.environ[TIMES]) / f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}.jsonl"
    with file.open("a", encoding="utf-8") as times:
        print(line, file=times)
    return done


def measured(jobs: int) -> dict[str, float]:
    """The seconds of every test of this release of JAX."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(jobs), "-m", "", "-p", "slow_tests"]
    with tempfile.TemporaryDirectory() as folder:
        path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "CI": "true", TIMES: folder, "PYTHONPATH": path}
        if subprocess.run(command, cwd=ROOT, env=environment).returncode:
            print("some tests fail; how long the others take is known all the same")
        files = sorted(Path(folder).glob("*.jsonl"))
        return dict(json.loads(line) for file in files for line in file.open(encoding="utf-8"))


def main() -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"how long ({SECONDS:g} s)")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time (2)")
    parser.add_argument("--write", action="store_true", help=f"write {LIST.relative_to(ROOT)}")
    asked = parser.parse_args()
    seconds = measured(asked.jobs)
    slow = sorted(t for t, s in seconds.items() if s >= asked.seconds and not t.startswith(KEPT))
    left = sum(s for test, s in seconds.items() if test not in slow)
    if asked.write:
        lines = [HEADER.format(seconds=asked.seconds), *slow]
        LIST.write_text("\n".join(lines) + "\n", encoding="utf-8")
    else:
        print(*(f"{seconds[test]:6.1f} s {test}" for test in slow), sep="\n")
    print(f"{len(slow)} of {len(seconds)} tests are slow; the others take {left:.0f} s of CPU")


if __name__ == "__main__":
    main()
