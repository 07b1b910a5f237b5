"""A command that takes too long is given up, also within code that does not return."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from jaxgrad.claims import check_command, interrupts, timeout
from jaxgrad.claims.cli import main
from jaxgrad.claims.timeout import ending_after
from jaxgrad.numbers.progress import Progress

_ENDLESS = """
import time

import jax


@jax.custom_jvp
def endless(x):
    time.sleep(1000)
    return x


endless.defjvps(lambda t, out, x: t)
"""


@pytest.fixture
def endless(tmp_path: Path) -> Path:
    (tmp_path / "endless.py").write_text(_ENDLESS, encoding="utf-8")
    return tmp_path


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "jaxgrad", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)


@pytest.mark.slow
@pytest.mark.parametrize("printed", [[], ["--json"]], ids=["text", "json"])
def test_a_check_of_what_never_ends(endless: Path, printed: list[str]) -> None:
    done = _run(endless, "check", "endless:endless", "0.5", "--timeout", "6", *printed)
    assert done.returncode == 3
    assert "jaxgrad: endless:endless is UNDECIDED: it took longer than --timeout 6" in done.stderr
    if printed:
        told = json.loads(done.stdout)
        assert told["verdict"] is None and "--timeout 6" in told["error"]


@pytest.mark.slow
def test_a_page_that_takes_too_long_costs_no_verdict(endless: Path) -> None:
    endless.joinpath("slow_page.py").write_text(
        "import time\n"
        "import jax.numpy as jnp\n"
        "from jaxgrad.claims.report import html_check\n"
        "html_check.render = lambda *_: time.sleep(1000)\n"
        "def f(x):\n"
        "    return jnp.sin(x)\n"
    )
    page = ["--html", "page.html"]
    done = _run(endless, "check", "slow_page:f", "0.5", "--timeout", "20", *page)
    assert done.returncode == 0 and done.stdout.startswith("AGREES")
    assert (
        "jaxgrad: page.html is not written: the page took longer than --timeout 20" in done.stderr
    )
    assert not endless.joinpath("page.html").exists()


def test_what_ends_in_time_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(interrupts, "_exit", lambda code: ended.set())
    said: list[str] = []
    for seconds in (None, 100.0):
        with ending_after(seconds, lambda: said.append("late")):
            pass
    assert not ended.is_set() and not said
    with ending_after(0.01, lambda: said.append("late")):
        assert ended.wait(60)
    assert said == ["late"]


@pytest.mark.parametrize(("known", "code"), [(None, 3), (1, 1), (0, 0)])
def test_who_says_that_it_is_late_may_know_the_code(
    monkeypatch: pytest.MonkeyPatch, known: int | None, code: int
) -> None:
    ended: list[int] = []
    left = threading.Event()
    monkeypatch.setattr(timeout, "leave", lambda code: (ended.append(code), left.set()))
    with ending_after(0.01, lambda: known):
        assert left.wait(60)
    assert ended == [code]


@pytest.mark.parametrize("printed", [[], ["--json"]], ids=["text", "json"])
def test_a_check_that_is_ended_says_what_it_knows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], printed: list[str]
) -> None:
    def late(options: Any) -> Any:
        with Progress().followed(lambda: "AGREES so far"):
            assert left.wait(60)
            raise KeyboardInterrupt  # in place of the end of the process

    left = threading.Event()
    monkeypatch.setattr(timeout, "leave", lambda code: left.set())
    monkeypatch.setattr(check_command, "_found", late)
    assert main(["check", "math:sin", "0.5", "--timeout", "0.3", *printed]) == 130
    told, said = capsys.readouterr()
    known, why, *_ = said.splitlines()
    assert known == "jaxgrad, given up: AGREES so far"
    assert why.startswith("jaxgrad: math:sin is UNDECIDED: it took longer than --timeout 0.3")
    if printed:
        late_one, interrupted = told.split("}\n{")
        assert "--timeout 0.3" in json.loads(late_one + "}")["error"]
        assert json.loads("{" + interrupted)["error"] == "interrupted"


def test_a_timeout_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "math:sin", "0.5", "--timeout", "0"]) == 2
    assert "argument --timeout: invalid positive float value: '0'" in capsys.readouterr().err
