"""The user's code that ends the process does not choose the exit code of a command."""

from __future__ import annotations

import json
import os
import re
import shlex
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
import posix


def at_once(x):
    os._exit(0)


def aborts(x):
    os.abort()


def becomes_another(x):
    os.execlp("true", "true")


def by_its_other_name(x):
    posix._exit(0)


class Odd(BaseException):
    pass


def odd(x):
    raise Odd("why")


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
            11,
        ),
        ("check M:aborts 0.5", "ended the process (SystemExit: os.abort()) AT", 15),
        ("check M:becomes_another 0.5", "ended the process (SystemExit: os.execv(PROGRAM)) AT", 19),
        ("check M:by_its_other_name 0.5", "ended the process (SystemExit: EXIT) AT", 23),
        ("check M:odd 0.5", "raised Odd AT: why", 31),
        ("sweep M:odd --dtype float16 --holds M:ends", "code that was run raised Odd AT: why", 31),
        ("check M:rule 0.5", "ended the process (SystemExit: EXIT) AT", 59),
        (
            "sweep M:at_once --dtype float16 --holds M:ends",
            "ended the process (SystemExit: EXIT) AT",
            11,
        ),
        (
            "sweep M:by_python --dtype float16 --holds M:ends",
            "ended the process (SystemExit: 0) AT",
            35,
        ),
        (
            "sweep jax.nn:relu --dtype float16 --holds M:ends",
            "ended the process (SystemExit: EXIT) AT",
            63,
        ),
        ("properties M:at_once", "M:at_once ended the process (SystemExit: EXIT) AT", 11),
        ("properties M:by_python", "M:by_python ended the process (SystemExit: 0) AT", 35),
        (
            "coverage M:at_once --args 0.5",
            "M:at_once(x) ended the process (SystemExit: EXIT) AT",
            11,
        ),
        (
            "coverage M:by_python --args 0.5",
            "M:by_python(x) ended the process (SystemExit: 0) AT",
            35,
        ),
    ],
)
def test_a_command(
    module: str, arguments: str, said: str, line: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before = os._exit, os.abort
    assert main(arguments.replace("M:", f"{module}:").split()) == 2
    out, err = capsys.readouterr()
    err = re.sub(r"execv\(b'\S*true', …\)", "execv(PROGRAM)", err)
    said = said.replace("AT", f"at {module}.py:{line}").replace("EXIT", "os._exit(0)")
    assert said.replace("M:", f"{module}:") in err and not out
    assert (os._exit, os.abort) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("check M:at_once 0.5", "ended the process (SystemExit: os._exit(0))"),
        ("check M:odd 0.5", "raised Odd"),
        ("coverage M:odd --args 0.5", "raised Odd"),
        ("coverage M:at_once --args 0.5", "ended the process (SystemExit: os._exit(0))"),
        ("coverage M:nothing", "has no attribute 'nothing'"),
        ("properties M:odd", "raised Odd"),
        ("properties M:at_once", "ended the process (SystemExit: os._exit(0))"),
        ("rules M_nothing", "cannot be imported"),
        ("prove M", "no such file or folder"),
    ],
)
def test_with_json_there_is_one_object(
    module: str, arguments: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments.replace("M", module, 1).split(), "--json"]) == 2
    out, err = capsys.readouterr()
    error = json.loads(out)["error"]
    assert said in error and error.splitlines()[0] in err


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
    left: list[object] = []
    monkeypatch.setattr(forced_exits, "leave", left.append)

    def ends() -> None:
        try:
            os._exit(0)
        except SystemExit:  # the process has not ended, here
            left.append(-1)

    with forced_exits_raised(left.append) as called:
        thread = threading.Thread(target=ends)
        thread.start()
        thread.join()
    said, *codes = left
    assert (codes, called) == ([2, -1], ["os._exit(0)"])
    assert str(said).startswith("the code that was run ended the process (os._exit(0) at test_f")
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


_LATE = """
import atexit
import ctypes
import os
import threading
import time

import jax
import jax.numpy as jnp


def in_c(x):
    ctypes.CDLL(None).exit(0)


def quick_in_c(x):
    ctypes.CDLL(None).quick_exit(0)


def thread_in_c(x):
    thread = threading.Thread(target=in_c, args=(x,))
    thread.start()
    thread.join()


@jax.custom_jvp
def wrong(x):
    return jnp.sin(x)


@wrong.defjvp
def _(primals, tangents):
    return wrong(*primals), tangents[0]


def by_a_thread(x):
    def late():
        while threading.main_thread().is_alive():
            time.sleep(0.1)
        os._exit(0)

    threading.Thread(target=late).start()
    return wrong(x)


def by_a_handler(x):
    atexit.register(lambda: os.abort())
    return wrong(x)


def by_a_handler_in_c(x):
    atexit.register(lambda: ctypes.CDLL(None).exit(0))
    return wrong(x)
"""


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("in_c", 2),
        ("quick_in_c", 2),
        ("thread_in_c", 2),
        ("by_a_thread", 1),
        ("by_a_handler", 1),
        ("by_a_handler_in_c", 1),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="glibc")
def test_neither_code_in_c_nor_the_end_of_the_process_chooses_the_exit_code(
    name: str, code: int, tmp_path: Path
) -> None:
    tmp_path.joinpath("late.py").write_text(_LATE)
    command = [sys.executable, "-m", "jaxgrad", "check", f"late:{name}", "0.5"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    if code == 2:
        assert done.stderr == "jaxgrad: code in C that was run ended the process (exit)\n"
    else:
        assert done.stdout.startswith("REFUTED")


def test_what_is_done_at_the_end_of_the_process_does_not_make_it_pass(tmp_path: Path) -> None:
    tmp_path.joinpath("late.py").write_text(
        "import atexit, os\natexit.register(lambda: os._exit(0))"
    )
    command = [sys.executable, "-m", "jaxgrad", "check", "late:f", "0.5"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "'late:f' cannot be imported: AttributeError" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="glibc")
def test_what_code_in_c_prints_is_no_part_of_the_object(tmp_path: Path) -> None:
    tmp_path.joinpath("prints.py").write_text(
        "import ctypes, os\n"
        "def f(x):\n    os.write(1, b'raw\\n')\n"
        "    ctypes.CDLL(None).puts(b'in C')\n    return x * x\n"
    )
    command = [sys.executable, "-m", "jaxgrad", "check", "prints:f", "0.5", "--json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert json.loads(done.stdout)["verdict"] == "AGREES"
    assert "raw\n" in done.stderr and "in C\n" in done.stderr
    no_errors = f"{shlex.join(command)} 2>&-"
    done = subprocess.run(["sh", "-c", no_errors], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and '"verdict"' in done.stdout


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_where_nothing_can_be_printed_nothing_passes() -> None:
    for words in "--version", "check nothing:here", "rules 3":
        asked = [sys.executable, "-m", "jaxgrad", *words.split()]
        command = f"{shlex.join(asked)} >/dev/full 2>/dev/full"
        assert subprocess.run(["sh", "-c", command]).returncode == 2
