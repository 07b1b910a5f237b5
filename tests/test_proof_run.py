"""Proof modules in processes of their own: whatever a claim does, no other one is lost."""

from __future__ import annotations

import fcntl
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace

import pytest

from jaxgrad.claims import child_processes
from jaxgrad.claims.cli import main
from jaxgrad.claims.proof_run import Module, Run
from jaxgrad.claims.report import terminal

ROOT = Path(__file__).parents[1]

HEADER = """\
import os, signal, sys, time
from pathlib import Path
from jaxgrad.claims.claim import claim
from jaxgrad.verdict import Evidence, Verdict

def said(verdict=Verdict.PROVED): return Evidence(verdict, "decision", "it is so")

@claim("it holds", source="before: x")
def before(): return said()

"""

LAST = """
@claim("it holds as well", source="after: x")
def after(): return said()
"""

# What a claim may do to its process, and what is said of it.
DEATHS = {
    "exits": ("os._exit(0)", "the claim ended its process, with exit code 0"),
    "aborts": ("os.abort()", "the claim ended its process, by SIGABRT"),
    "segfaults": (
        "import ctypes; ctypes.string_at(0)",
        "the claim ended its process, by SIGSEGV",
    ),
    "killed": ("os.kill(os.getpid(), signal.SIGKILL)", "the claim ended its process, by SIGKILL"),
    "base": ("raise type('Odd', (BaseException,), {})", "Odd"),
    "generator_exit": ("raise GeneratorExit", "GeneratorExit"),
    "keyboard": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "system_exit": ("sys.exit(0)", "SystemExit: 0"),
    "deaf": ("os.closerange(3, 64)", "the claim ended its process, with exit code 1"),
    "twice": ("os.fork()", ""),  # the copy comes back as well, and must not be heard
}


@pytest.fixture
def proofs(tmp_path, monkeypatch):
    """Write a module into ``proofs/`` of a fresh current directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "proofs").mkdir()

    def write(name: str, body: str, *, whole: bool = False) -> Path:
        path = tmp_path / "proofs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = dedent(body) if whole else HEADER + dedent(body) + LAST
        path.write_text(text, encoding="utf-8")
        return path

    return write


def claim_that(does: str, name: str = "bad") -> str:
    ends = "" if "yield" in does else "    return said()\n"
    return f"@claim('it is bad', source='{name}: x')\ndef {name}():\n    {does}\n{ends}"


def run(capfd, *arguments: str) -> SimpleNamespace:
    """The exit code, and per claim its verdict or its error."""
    code = main(["prove", "--json", *arguments])
    captured = capfd.readouterr()
    results = json.loads(captured.out).get("claims", []) if captured.out else []
    found = {(Path(one["module"]).stem, one["id"], one["part"]): one for one in results}
    assert len(found) == len(results)
    return SimpleNamespace(code=code, results=found, error=captured.err)


def test_no_death_loses_anything_and_each_is_named(proofs, capfd):
    # Two in a module, so that a module whose process ended is taken up again more than once.
    names = list(DEATHS)
    for first, second in (
        itertools.batched(names, 2)
        if sys.version_info >= (3, 12)
        else zip(names[::2], names[1::2], strict=True)
    ):
        bodies = [claim_that(DEATHS[name][0], name) for name in (first, second)]
        proofs(f"{first}.py", "\n".join(bodies))
    done = run(capfd)
    assert done.code == 1
    assert len(done.results) == 2 * len(DEATHS) // 2 + len(DEATHS)
    for (_, name, _), result in done.results.items():
        said = DEATHS.get(name, ("", ""))[1]
        if not said:
            assert result["verdict"] == "PROVED" and result["error"] is None
        else:
            assert result["verdict"] is None and said in result["error"], name
    # Where it was: the frame of the claim, and none of what led to it.
    where = done.results["exits", "aborts", ""]["error"]
    assert "proofs/exits.py" in where and "in aborts" in where and "proof_child" not in where


def test_parts_before_a_death_are_kept(proofs, capfd):
    proofs("a.py", claim_that("yield 'one', said()\n    yield 'two', said()\n    os._exit(0)"))
    done = run(capfd)
    parts = {part: one for (_, name, part), one in done.results.items() if name == "bad"}
    assert parts["one"]["as_expected"] and parts["two"]["as_expected"]
    assert "after 2 of its parts" in parts[""]["error"]
    assert parts[""]["seconds"] >= 0.0
    assert done.code == 1 and len(done.results) == 5


def test_death_of_an_import(proofs, capfd):
    proofs("a.py", "os._exit(0)")
    proofs("b.py", "raise GeneratorExit")
    proofs("c.py", "")
    for arguments in ([], ["-k", "after"]):  # with a process for each, and with one for all
        done = run(capfd, *arguments)
        assert done.code == 1
        assert "it ended its process, with exit code 0" in done.results["a", "a.py", ""]["error"]
        assert done.results["a", "a.py", ""]["seconds"] > 0.0
        assert "GeneratorExit" in done.results["b", "b.py", ""]["error"]
        assert done.results["c", "after", ""]["as_expected"]


def test_a_claim_without_end_is_given_up_alone(proofs, tmp_path, monkeypatch):
    now, begun = [0.0], tmp_path / "begun"
    monkeypatch.setattr(
        "jaxgrad.claims.child_processes.time", SimpleNamespace(monotonic=lambda: now[0])
    )
    path = proofs("a.py", claim_that(f"open({str(begun)!r}, 'w').close()\n    while True: pass"))
    run = Run([Module(path)], jobs=1, timeout=1800.0)
    for _ in run:
        if "bad" in [claim.id for claim in run.under_way]:
            wait_for(begun.exists)
            now[0] = 3600.0  # the hour that it takes
    results = {result.id: result for result in run.results(lambda claim, part: True)}
    error = str(results["bad"].error)
    assert error.startswith("the claim took longer than the time that --timeout gives it")
    # In the loop, or still about to close the file by which it says that it has begun.
    assert any(f'File "{path}", line {line} in bad' in error for line in (13, 14))
    assert results["bad"].seconds == 3600.0
    assert results["before"].as_expected and results["after"].as_expected and len(results) == 3
    assert run.without_result("") == []


def test_a_module_that_declares_something_else_each_time(proofs, capfd):
    body = claim_that("os._exit(0)") + "claim(f'now {time.time_ns()}')(lambda: said())\n"
    proofs("a.py", body)
    done = run(capfd)
    assert done.code == 1
    assert "when it is imported again" in done.results["a", "after", ""]["error"]
    assert done.results["a", "after", ""]["seconds"] is None  # it was not run
    assert done.results["a", "bad", ""]["seconds"] >= 0.0
    assert "declares" not in str(done.results["a", "before", ""]["error"])


def test_what_a_claim_prints_and_reads_is_not_in_the_way(proofs, capfd):
    body = "os.write(1, b'raw'); print('{}'); os.system('echo shell')\n    sys.stdin.read()"
    proofs("a.py", claim_that(body))
    done = run(capfd)
    assert done.code == 0 and len(done.results) == 3
    assert all(text in done.error for text in ("raw", "{}", "shell"))


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_order_is_that_of_the_modules_whatever_ends_first(proofs, capfd, jobs):
    proofs("a.py", claim_that("time.sleep(0.3)"))
    proofs("b.py", "")
    proofs("c.py", "raise ValueError")
    done = run(capfd, "-j", jobs)
    order = [(module, name) for module, name, _ in done.results]
    assert order == [
        ("c", "c.py"), ("a", "before"), ("a", "bad"), ("a", "after"), ("b", "before"),
        ("b", "after"),
    ]  # fmt: skip


# --------------------------------------------------------------------------------- interruptions


def started(*arguments: str) -> subprocess.Popen[str]:
    # A shell's background jobs ignore interruptions, and so would what they start.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "jaxgrad", "prove", "-j", "1", *arguments],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)


def endless(lock: Path) -> str:
    """A claim that says that it has begun, and holds the lock as long as its process lives."""
    return (
        f"import fcntl; file = open({str(lock)!r}, 'w'); fcntl.flock(file, fcntl.LOCK_EX)\n"
        f"    Path({str(lock.with_suffix('.begun'))!r}).write_text('')\n    time.sleep(1e6)"
    )


def wait_for(happened) -> None:
    for _ in range(600):
        if happened():
            return
        time.sleep(0.1)
    raise AssertionError("it did not happen")


def is_free(lock: Path) -> bool:
    with lock.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_what_has_ended_is_shown_when_the_run_is_interrupted(proofs, tmp_path):
    lock = tmp_path / "lock"
    proofs("a.py", claim_that(endless(lock)))
    proofs("b.py", "")
    with started("--json") as process:
        wait_for(lock.with_suffix(".begun").exists)
        process.send_signal(signal.SIGINT)
        out, error = process.communicate(timeout=120)
    assert process.returncode == 130
    found = {one["id"]: one for one in json.loads(out)["claims"]}
    assert list(found) == ["before", "bad", "after", "b.py"]
    assert found["before"]["as_expected"]
    assert all("interrupted" in found[name]["error"] for name in ("bad", "after", "b.py"))
    assert error == "jaxgrad: interrupted; without a result: bad, after, b.py\n"
    assert is_free(lock)


def test_the_summary_of_an_interrupted_run_is_not_all_as_expected():
    assert terminal.summary([], 0.25, 2) == "0 claims, 0 parts; 2 without a result; 0.25 s"


def test_no_process_outlives_a_run_that_is_closed(proofs, tmp_path):
    lock = tmp_path / "lock"
    run = Run([Module(proofs("a.py", claim_that(endless(lock))))], jobs=1, timeout=None)
    events = iter(run)
    while "bad" not in [claim.id for claim in run.under_way]:
        next(events)
    wait_for(lock.with_suffix(".begun").exists)
    events.close()
    assert is_free(lock)
    missing = run.without_result("closed")
    assert [(result.id, result.error) for result in missing] == [
        ("bad", "closed"), ("after", "closed")
    ]  # fmt: skip


def test_no_claim_outlives_the_command(proofs, tmp_path):
    lock = tmp_path / "lock"
    proofs("a.py", claim_that(endless(lock)))
    with started() as process:
        wait_for(lock.with_suffix(".begun").exists)
        assert not is_free(lock)
        process.kill()
        process.communicate(timeout=120)
    wait_for(lambda: is_free(lock))


@pytest.mark.parametrize("option", ["--json", "--verbose"])
def test_a_reader_that_has_gone_is_no_error(proofs, option):
    proofs("a.py", "")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "jaxgrad", "prove", option],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


# ------------------------------------------------------------------------------------ what is run


def test_nothing_runs_when_nothing_matches(proofs, capfd, tmp_path):
    ran = tmp_path / "ran"
    proofs("a.py", claim_that(f"Path({str(ran)!r}).write_text('')\n    yield 'one', said()"))
    done = run(capfd, "-k", "one")  # the name of a part, of no claim
    assert done.code == 2 and "-k 'one' matches no claim; the name of a part" in done.error
    assert not ran.exists()
    done = run(capfd, "-k", "bad and two")
    assert done.code == 2 and "matches no part of the 1 claims that it runs" in done.error
    assert ran.exists()
    assert list(run(capfd, "-k", "bad and one").results) == [("a", "bad", "one")]


def test_a_claim_that_does_not_match_is_not_shown_for_its_error(proofs, capfd):
    proofs("a.py", claim_that("raise ValueError"))
    done = run(capfd, "-k", "after")
    assert done.code == 0 and [name for _, name, _ in done.results] == ["after"]


def test_a_named_file_without_claims_is_a_failure_and_one_in_a_folder_is_mentioned(proofs, capfd):
    proofs("a.py", "")
    empty = proofs("helper.py", "NUMBER = 1", whole=True)
    done = run(capfd)
    assert done.code == 0 and done.error == "jaxgrad: no claims in proofs/helper.py\n"
    done = run(capfd, "proofs/a.py", str(empty))
    assert done.code == 1 and "no claims in" in done.results["helper", "helper.py", ""]["error"]
    assert run(capfd, str(empty)).code == 2


def test_two_folders_with_a_helper_package_of_one_name(proofs, capfd):
    for number in ("1", "2"):
        proofs(f"{number}/_lib.py", "", whole=True).unlink()
        proofs(f"{number}/_lib/__init__.py", f"LIMIT = {number}", whole=True)
        body = claim_that(f"from _lib import LIMIT; assert LIMIT == {number}")
        proofs(f"{number}/a.py", f"import _lib\n{body}assert _lib.LIMIT == {number}\n")
    for arguments in ([], ["-k", "bad"]):
        done = main(["prove", "--json", "proofs/1", "proofs/2", *arguments])
        claims = json.loads(capfd.readouterr().out)["claims"]
        assert done == 0 and len(claims) == (2 if arguments else 6)


def test_a_false_claim_on_a_function_of_a_helper_is_not_passed_over(proofs, capfd):
    helper = HEADER.partition("@claim")[0] + "def bad(): return said(Verdict.REFUTED)\n"
    proofs("_common.py", helper, whole=True)
    body = """\
        import jaxgrad
        from jaxgrad.verdict import Verdict
        from _common import bad
        first = jaxgrad.claim("a false statement, to be PROVED", source="Z1: x")(bad)
        second = jaxgrad.claim("refuted", source="Z2: y", expect=Verdict.REFUTED)(bad)
    """
    proofs("a.py", body, whole=True)
    done = run(capfd)
    found = {
        name: (one["verdict"], one["as_expected"]) for (_, name, _), one in done.results.items()
    }
    assert done.code == 1 and found == {"Z1": ("REFUTED", False), "Z2": ("REFUTED", True)}


def test_an_imported_claim_of_a_module_that_is_not_named_is_run(proofs, capfd):
    proofs("base.py", claim_that("return Evidence(Verdict.REFUTED, 'decision', 'no')"))
    user = proofs("user.py", "from base import bad\n")
    done = run(capfd, str(user))
    assert done.code == 1
    assert [name for _, name, _ in done.results] == ["before", "bad", "after"]
    assert done.results["user", "bad", ""]["verdict"] == "REFUTED"
    assert [module for module, name, _ in run(capfd).results if name == "bad"] == ["base"]


@pytest.mark.parametrize("listed", [False, True])
def test_what_has_no_result_is_a_failure_whatever_the_reason(proofs, capfd, monkeypatch, listed):
    proofs("a.py", "")
    supervise = child_processes.supervise

    def forgetful(tasks, **options):
        tasks = list(tasks)
        yield from supervise([t for t in tasks if not t.request["run"]], **options)

    monkeypatch.setattr("jaxgrad.claims.proof_run.supervise", forgetful)
    done = run(capfd, *(["-k", "after"] if listed else []))
    assert done.code == 1
    [((_, name, _), result)] = done.results.items()
    assert name == ("after" if listed else "a.py") and "it was not run" in result["error"]
