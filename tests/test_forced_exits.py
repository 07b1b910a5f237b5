"""The user's code that ends the process does not choose the exit code of a command."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from jaxgrad.claims import forced_exits, interrupts
from jaxgrad.claims.cli import main
from jaxgrad.claims.forced_exits import forced_exits_raised

_MODULE = """
import os
import sys

import jax
import jax.numpy as jnp


def at_once(x):
    os._exit(0)


def aborts(x):
    os.abort()


def by_python(x):
    sys.exit(0)


def goes_on(x):
    try:
        os._exit(0)
    except BaseException:
        return jnp.sin(x)


def forks(x):
    if not (child := os.fork()):
        os._exit(0)
    assert os.waitpid(child, 0) == (child, 0)
    return jnp.sin(x)


@jax.custom_jvp
def rule(x):
    return x * x


@rule.defjvp
def _(primals, tangents):
    os._exit(0)


def ends(x, y):
    os._exit(0)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module, in a process that a call of os._exit does not end."""

    def fails(*_: object) -> None:
        raise AssertionError("the process would have ended")

    monkeypatch.chdir(tmp_path)
    name = f"forced_{tmp_path.name}"
    tmp_path.joinpath(f"{name}.py").write_text(_MODULE)
    monkeypatch.setattr(os, "abort", fails)
    return name


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process that a call of os._exit does not end."""
    process, really = os.getpid(), os._exit

    def fails(code: int) -> None:
        if os.getpid() != process:
            really(code)
        raise AssertionError("the process would have ended")

    monkeypatch.setattr(os, "_exit", fails)


pytestmark = pytest.mark.usefixtures("alone")


@pytest.mark.parametrize(
    ("arguments", "said", "line"),
    [
        (
            "check M:at_once 0.5",
            "M:at_once, or its rule, ended the process (SystemExit: EXIT) AT",
            10,
        ),
        ("check M:aborts 0.5", "ended the process (SystemExit: os.abort()) AT", 14),
        ("check M:rule 0.5", "ended the process (SystemExit: EXIT) AT", 42),
        ("sweep M:at_once --dtype float16 --holds M:ends", "raised SystemExit AT: EXIT", 10),
        ("sweep M:by_python --dtype float16 --holds M:ends", "raised SystemExit AT: 0", 18),
        ("sweep jax.nn:relu --dtype float16 --holds M:ends", "raised SystemExit AT: EXIT", 46),
        ("properties M:at_once", "M:at_once raised SystemExit AT: EXIT", 10),
        ("properties M:by_python", "M:by_python raised SystemExit AT: 0", 18),
        ("coverage M:at_once --args 0.5", "M:at_once(x) raised SystemExit AT: EXIT", 10),
        ("coverage M:by_python --args 0.5", "M:by_python(x) raised SystemExit AT: 0", 18),
    ],
)
def test_a_command(
    module: str, arguments: str, said: str, line: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before = os._exit, os.abort
    assert main(arguments.replace("M:", f"{module}:").split()) == 2
    out, err = capsys.readouterr()
    said = said.replace("AT", f"at {module}.py:{line}").replace("EXIT", "os._exit(0)")
    assert said.replace("M:", f"{module}:") in err and not out
    assert (os._exit, os.abort) == before


def test_code_that_goes_on_from_it_does_not_pass(
    module: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", f"{module}:goes_on", "0.5"]) == 2
    out, err = capsys.readouterr()
    assert out.startswith("AGREES")
    assert err == "jaxgrad: the code that was run ended the process (os._exit(0))\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.filterwarnings("ignore:.*fork.*")
def test_a_process_that_was_forked_ends_as_it_would(module: str) -> None:
    assert main(["check", f"{module}:forks", "0.5"]) == 0


def test_another_thread_ends_the_process_with_a_code_that_does_not_pass(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left: list[int] = []
    monkeypatch.setattr(forced_exits, "leave", left.append)

    def ends() -> None:
        try:
            os._exit(0)
        except SystemExit:  # the process has not ended, here
            left.append(-1)

    with forced_exits_raised() as called:
        thread = threading.Thread(target=ends)
        thread.start()
        thread.join()
    assert (left, called) == ([2, -1], ["os._exit(0)"])
    said = capsys.readouterr().err
    assert said.startswith(
        "jaxgrad: the code that was run ended the process (os._exit(0) at test_f"
    )


def test_this_package_ends_the_process_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []
    monkeypatch.setattr(interrupts, "_exit", left.append)
    with forced_exits_raised() as called:
        interrupts.leave(3)
    assert left == [3] and not called


def test_what_is_done_at_the_end_of_the_process_does_not_make_it_pass(tmp_path: Path) -> None:
    tmp_path.joinpath("late.py").write_text(
        "import atexit, os\natexit.register(lambda: os._exit(0))"
    )
    command = [sys.executable, "-m", "jaxgrad", "check", "late:f", "0.5"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "'late:f' cannot be imported: AttributeError" in done.stderr
