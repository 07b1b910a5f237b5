"""What ``jaxgrad prove`` keeps of a run, when it is taken, and ``--last-failed``, ``--watch``."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from jaxgrad.claims.cli import main
from jaxgrad.claims.estimate import seconds_left
from jaxgrad.claims.exit_codes import Exit
from jaxgrad.claims.kept_results import KeptResults
from jaxgrad.claims.proof_run import Module
from jaxgrad.claims.watch import watch
from jaxgrad.errors import ArgumentError

HEADER = """\
import os, sys
from pathlib import Path
from jaxgrad import Evidence, Verdict, claim

def said(name, verdict=Verdict.PROVED):
    with open("ran.txt", "a") as file:
        print(name, file=file)
    return Evidence(verdict, "decision", f"{name} is so")
"""


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    Path("proofs").mkdir()


def _claim(name: str, body: str = "pass", verdict: str = "PROVED") -> str:
    return (
        f"@claim('statement of {name}')\ndef {name}():\n    {body}\n"
        f"    return said('{name}', Verdict.{verdict})\n"
    )


def _module(name: str, *claims: str) -> Path:
    path = Path("proofs", name)
    path.write_text(HEADER + "\n".join(claims), encoding="utf-8")
    _some_time_ago(path)
    return path


def _some_time_ago(path: Path, seconds: float = 60.0) -> None:
    """As files are that are not edited while they are run."""
    then = time.time() - seconds
    os.utime(path, (then, then))


def _prove(capfd: pytest.CaptureFixture[str], *arguments: str) -> SimpleNamespace:
    """The exit code, what is said of each claim, and which claims ran."""
    ran = Path("ran.txt")
    ran.unlink(missing_ok=True)
    code = main(["prove", "--json", *arguments])
    captured = capfd.readouterr()
    results = json.loads(captured.out)["claims"] if captured.out else []
    names = ran.read_text(encoding="utf-8").split() if ran.exists() else []
    verdicts = {one["id"]: one["verdict"] for one in results}
    kept = {one["id"] for one in results if one["kept"]}
    return SimpleNamespace(
        code=code, verdicts=verdicts, kept=kept, ran=sorted(names), error=captured.err
    )


def test_what_has_not_changed_is_not_run_again(capfd: pytest.CaptureFixture[str]) -> None:
    _module("a.py", _claim("first"), _claim("second"))
    _module("b.py", _claim("third"))
    once = _prove(capfd)
    assert once.ran == ["first", "second", "third"] and not once.kept
    again = _prove(capfd)
    assert not again.ran and again.kept == {"first", "second", "third"}
    assert (again.code, again.verdicts) == (once.code, once.verdicts) == (0, once.verdicts)
    assert _prove(capfd, "-k", "second").kept == {"second"}
    assert _prove(capfd, "--no-cache").ran == ["first", "second", "third"]
    assert main(["prove"]) == 0
    said = " ".join(capfd.readouterr().out.split())
    assert "all as expected; 3 unchanged, not run again; " in said
    _module("a.py", _claim("first", "a = 1"), _claim("second"))
    changed = _prove(capfd)
    assert changed.ran == ["first", "second"] and changed.kept == {"third"}
    assert {x.name for x in Path(".jaxgrad_cache").iterdir()} >= {".gitignore", "CACHEDIR.TAG"}


def test_all_that_a_module_reads_counts(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    helper, data, absent = Path("proofs/_common.py"), Path("data.txt"), Path("absent.txt")
    for path in (helper, data):
        path.write_text("bound = 1\n", encoding="utf-8")
        _some_time_ago(path)
    _module(
        "a.py",
        "import _common\n",
        _claim("reads", "Path('data.txt').read_text()"),
        _claim("looks", "Path('absent.txt').exists() and open('absent.txt')"),
        _claim("tries", "\n    try: open('absent.txt')\n    except OSError: pass"),
        _claim("makes", "Path('made.txt').write_text('x'); Path('made.txt').read_text()"),
    )
    names = ["looks", "makes", "reads", "tries"]
    assert _prove(capfd).ran == names
    assert not _prove(capfd).ran
    for path in (helper, data, absent):
        path.write_text("bound = 2\n", encoding="utf-8")
        _some_time_ago(path, 30.0)
        assert _prove(capfd).ran == names, path
        assert not _prove(capfd).ran
    for name, value in (("XLA_FLAGS", "--xla_cpu_enable_fast_math=false"), ("FACTOR", "2")):
        monkeypatch.setenv(name, value)
        assert _prove(capfd).ran == names, name
        monkeypatch.setenv("SSH_CLIENT", value)  # another one in each terminal
        assert not _prove(capfd).ran, name


@pytest.mark.parametrize(
    "body",
    [
        "__import__('subprocess').run([sys.executable, '-c', ''])",
        "list(Path('.').glob('*.txt'))",
        "Path('proofs/a.py').touch()",
        "open('state.txt', 'a+').read()",
    ],
)
def test_what_files_do_not_tell_of_is_run_again(
    body: str, capfd: pytest.CaptureFixture[str]
) -> None:
    Path("state.txt").touch()
    _module("a.py", _claim("before"), _claim("outside", body))
    assert _prove(capfd).code == 0
    assert "outside" in _prove(capfd).ran


def test_what_was_not_as_expected_is_run_again(capfd: pytest.CaptureFixture[str]) -> None:
    _module(
        "a.py",
        _claim("good"),
        _claim("wrong", verdict="REFUTED"),
        _claim("raises", "said('raises'); 1 / 0"),
        _claim("ends", "said('ends'); os._exit(3)"),
        _claim("last"),
    )
    assert _prove(capfd).code == 1
    again = _prove(capfd)
    assert again.code == 1 and again.ran == ["ends", "raises", "wrong"]
    assert again.kept == {"good", "last"}


def test_a_run_that_was_ended_goes_on(capfd: pytest.CaptureFixture[str]) -> None:
    _module("a.py", _claim("good"), _claim("wrong", verdict="REFUTED"), _claim("last"))
    assert {"good", "wrong"} <= set(_prove(capfd, "-x").ran)
    assert "good" in _prove(capfd).kept


def test_parts_are_kept(capfd: pytest.CaptureFixture[str]) -> None:
    parts = "@claim('of parts')\ndef parts():\n    yield 'a', said('a')\n    yield 'b', said('b')\n"
    _module("a.py", parts)
    assert _prove(capfd).ran == ["a", "b"]
    assert not _prove(capfd, "-k", "parts and b").ran


def test_a_file_that_cannot_be_read_is_nothing(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _module("a.py", _claim("first"))
    assert _prove(capfd).ran == ["first"]
    (kept,) = (x for x in Path(".jaxgrad_cache").glob("*.json") if x.name != "last_failed.json")
    whole = kept.read_text(encoding="utf-8")
    record = json.loads(whole)
    was = record["environment"]
    monkeypatch.setattr("jaxgrad.claims.kept_results.environment", lambda: was)
    wrong = [{**record, field: x} for field in record for x in (None, 3, [], [[]], {"0": "x"})]
    (part,) = record["results"]["0"]
    refuted = {**part["evidence"], "verdict": "REFUTED"}
    wrong += [{**record, "results": {"0": [{**part, "evidence": refuted}]}}]
    wrong += [{**record, "results": {"1": record["results"]["0"]}}, [], {}, {"environment": 3}]
    texts = [*map(json.dumps, wrong), "{", "[" * 100_000, whole[:-9], "\udc80"]
    for text in texts:
        kept.write_text(text, encoding="utf-8", errors="surrogateescape")
        module = Module(path)
        KeptResults().fill([module])
        assert not module.ended and not module.results and module.claims is None, text
    assert len(texts) == 34 and _prove(capfd).ran == ["first"]
    kept.write_text(whole, encoding="utf-8")
    module = Module(path)
    KeptResults().fill([module])
    assert module.ended == {0}


def test_a_folder_that_cannot_be_made_is_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    Path(".jaxgrad_cache").write_text("a file", encoding="utf-8")
    _module("a.py", _claim("first"))
    for _ in range(2):
        assert _prove(capfd).ran == ["first"]


# -- what failed last ------------------------------------------------------------------------------
def test_the_last_failures_are_run_alone(capfd: pytest.CaptureFixture[str]) -> None:
    _module("a.py", _claim("good"), _claim("wrong", verdict="REFUTED"))
    _module("b.py", _claim("other"))
    Path("proofs/broken.py").write_text("1 / 0\n", encoding="utf-8")
    assert _prove(capfd).code == 1
    last = _prove(capfd, "--last-failed", "--no-cache")
    assert set(last.verdicts) == {"wrong", "broken.py"} and last.ran == ["wrong"]
    _module("broken.py", _claim("mended"), _claim("beside"))
    last = _prove(capfd, "--lf", "--no-cache")
    assert last.ran == ["beside", "mended", "wrong"]
    _module("a.py", _claim("good"), _claim("wrong"))
    assert _prove(capfd, "--lf").ran == ["wrong"]
    everything = _prove(capfd, "--lf")
    assert set(everything.verdicts) == {"good", "wrong", "other", "mended", "beside"}
    assert "nothing failed when it was last run, so all is run" in everything.error


def test_what_cannot_be_declared_does_not_make_the_others_fail(
    capfd: pytest.CaptureFixture[str],
) -> None:
    bad = "@claim('of one argument')\ndef bad(n): return said('bad')\n"
    _module("a.py", _claim("good"), bad, _claim("wrong", verdict="REFUTED"))
    assert _prove(capfd).code == 1
    assert _prove(capfd, "--last-failed", "--no-cache").ran == ["wrong"]


# -- how long it takes, and again ------------------------------------------------------------------
def test_the_time_that_is_left_is_that_of_earlier_runs(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "__import__('time').sleep(0.05)"
    path = _module("a.py", _claim("first", body), _claim("second", body, "REFUTED"))
    assert seconds_left([Module(path)], 1) is None
    _prove(capfd)
    module = Module(path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(Path.cwd())])  # as prove has it
    KeptResults().fill([module])
    assert module.ended == {0}
    left = seconds_left([module], 1)
    assert left is not None and 0.05 <= left == module.known_seconds["second"]


def test_watching_runs_again_after_each_change(capfd: pytest.CaptureFixture[str]) -> None:
    file, runs = Path("watched.txt"), []
    file.touch()

    def once() -> int:
        runs.append(file.read_text(encoding="utf-8"))
        if len(runs) < 3:
            text = "x" * len(runs)
            threading.Timer(0.1, lambda: file.write_text(text, encoding="utf-8")).start()
        if len(runs) == 2:
            raise ArgumentError("it is broken for a while")
        return Exit.INTERRUPTED if len(runs) == 3 else Exit.ALL_EXPECTED

    assert watch(once, lambda: [file]) == Exit.INTERRUPTED
    assert runs == ["", "x", "xx"]
    said = capfd.readouterr().err
    assert said.count("watching 1 file; Ctrl-C ends") == 2
    assert said.count("watched.txt changed") == 2 and "jaxgrad: it is broken for a while" in said


def test_a_file_that_is_gone_for_a_while_is_watched_on() -> None:
    file, runs = Path("watched.txt"), []
    file.touch()

    def files() -> list[Path]:
        if not file.exists():
            raise ArgumentError("no such file")
        return [file]

    def once() -> int:
        runs.append(file.exists())
        if len(runs) == 1:
            threading.Timer(0.1, file.unlink).start()
        if len(runs) == 2:
            threading.Timer(0.1, file.touch).start()
            raise ArgumentError("no such file")
        return Exit.INTERRUPTED if len(runs) == 3 else Exit.ALL_EXPECTED

    assert watch(once, files) == Exit.INTERRUPTED
    assert runs == [True, False, True]
    file.unlink()
    with pytest.raises(ArgumentError):
        watch(once, files)
