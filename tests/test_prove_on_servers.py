"""prove where nobody watches: JUnit XML, annotations, and an end at the first failure."""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from xml.etree import ElementTree

import pytest
from claims_support import write
from rich.console import Console

from jaxgrad.claims.claim import ClaimResult
from jaxgrad.claims.cli import main
from jaxgrad.claims.proof_modules import find
from jaxgrad.claims.proof_run import Module, Run
from jaxgrad.claims.report import live

CLAIMS = """\
    @claim("the tenth", source="T10: last by its number")
    def last(): return said(Verdict.PROVED)

    @claim("it fails", source="T2: refuted as expected", expect=Verdict.REFUTED)
    def refuted(): return said(Verdict.REFUTED)

    @claim("a & b < c", source="T3: in parts")
    def parts():
        yield "first", said(Verdict.PROVED)
        yield "sec\\x01ond", said(Verdict.REFUTED)

    @claim("it raises", source="T4: an error")
    def raises(): raise ValueError("one\\ntwo%")

    @claim("after these", source="T5: not run where the first failure ends it")
    def after():
        import time
        time.sleep(SECONDS)
        return said(Verdict.PROVED)
"""


@pytest.fixture
def proofs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Claims in ``proofs/`` of a fresh current directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    return write(tmp_path / "proofs", "claims.py", CLAIMS.replace("SECONDS", "0"))


@pytest.mark.usefixtures("proofs")
def test_junit_has_a_case_for_each_part(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", "--junit", "results.xml"]) == 1
    assert "T10" in capsys.readouterr().out  # the table, too
    suite = ElementTree.fromstring(Path("results.xml").read_text(encoding="utf-8"))
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors")}
    assert counts == {"tests": "6", "failures": "1", "errors": "1"}
    cases = {case.get("name"): case for case in suite}
    assert len(cases) == 6
    for name in ("T10 last", "T2 refuted", "T3 parts first", "T5 after"):
        assert [child.tag for child in cases[name]] == ["system-out"]
    [failure] = cases["T3 parts sec\ufffdond"]
    assert (failure.tag, failure.get("message")) == ("failure", "REFUTED, expected PROVED")
    assert (failure.text or "").startswith("a & b < c\n")
    [error] = cases["T4 raises"]
    assert (error.tag, error.get("message")) == ("error", "ValueError: one")
    assert main(["prove", "--junit", "results.xml", str(Path("proofs").resolve())]) == 1
    again = ElementTree.fromstring(Path("results.xml").read_text(encoding="utf-8"))
    assert {case.get("file") for case in again} == {"proofs/claims.py"}  # not where they lie here
    assert cases["T4 raises"].get("file") == "proofs/claims.py"
    assert {case.get("classname") for case in suite} == {"proofs.claims"}
    lines = Path("proofs/claims.py").read_text(encoding="utf-8").splitlines()
    assert "T4: an error" in lines[int(cases["T4 raises"].get("line", 0)) - 1]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ('  File "a.py", line 3, in f\nValueError: no', "ValueError: no"),
        ('the claim took longer\n  File "a.py", line 3, in f', "the claim took longer"),
        ('it raised\n  File "a.py", line 3\n    f()\nValueError: no\n\nx = 1', "ValueError: no"),
        (
            "it cannot be declared\nArgumentError: no\nnumber",
            "it cannot be declared: ArgumentError: no",
        ),
        (None, ""),
    ],
)
def test_an_error_in_one_line_says_what_is_wrong(error: str | None, said: str) -> None:
    assert ClaimResult("T1", "", Path("claims.py"), None, error=error).problem == said


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_streams_that_are_closed_take_what_is_printed(proofs: Path, closed: str) -> None:
    command = f"{shlex.quote(sys.executable)} -m jaxgrad prove -k T2 {closed}"
    done = subprocess.run(command, shell=True, cwd=proofs.parent.parent, capture_output=True)
    assert done.returncode == 0 and b"Traceback" not in done.stderr + done.stdout


@pytest.mark.usefixtures("proofs")
def test_a_file_that_cannot_be_written_is_refused_first(capsys: pytest.CaptureFixture) -> None:
    assert main(["prove", "--junit", "no/folder.xml"]) == 2
    shown = capsys.readouterr()
    assert "--junit no/folder.xml: there is no folder no; make one" in shown.err
    assert not shown.out


@pytest.mark.usefixtures("proofs")
def test_annotations_beside_the_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["prove"]) == 1
    assert "::error" not in capsys.readouterr().err
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert main(["prove"]) == 1
    refuted, raised = capsys.readouterr().err.splitlines()
    assert refuted.startswith("::error file=proofs/claims.py,line=")
    assert "title=jaxgrad%3A T3 sec\x01ond is REFUTED::" in refuted
    assert "title=jaxgrad%3A T4 raised::" in raised
    assert "ValueError: one%0A" in raised and raised.endswith("two%25")


def test_the_first_failure_ends_the_run(proofs: Path, capsys: pytest.CaptureFixture) -> None:
    write(proofs.parent, "claims.py", CLAIMS.replace("SECONDS", "600"))
    assert main(["prove", "-x"]) == 1
    out, err = capsys.readouterr()
    assert "T3" in out and "after these" not in out
    assert "jaxgrad: --exitfirst; without a result: " in err and "T5" in err
    assert main(["prove", "-x", "--junit", "results.xml"]) == 1
    suite = ElementTree.fromstring(Path("results.xml").read_text(encoding="utf-8"))
    skipped = [case for case in suite if case.find("skipped") is not None]
    assert "T5 after" in [case.get("name") for case in skipped]
    assert suite.get("skipped") == str(len(skipped)) and suite.get("tests") == str(len(suite))
    capsys.readouterr()
    assert main(["prove", "-x", "-k", "T2 or T10"]) == 0
    assert "without a result" not in capsys.readouterr().err


@pytest.mark.usefixtures("proofs")
def test_the_table_is_in_the_order_of_the_ids(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove"]) == 1
    table = capsys.readouterr().out.split("\n\n")[0].splitlines()
    ids = [line.split()[0] for line in table if line.startswith("T")]
    assert ids == ["T2", "T3", "T3", "T4", "T5", "T10"]
    at = next(k for k, line in enumerate(table) if line.startswith("T2"))
    assert "✓ REFUTED" in table[at] and "as expected" in table[at + 1]


@pytest.mark.usefixtures("proofs")
def test_marks_where_a_terminal_has_ascii_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["prove", "-k", "T10 or T3"]) == 1
    assert "✓ PROVED" in capsys.readouterr().out
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "ascii"))
    assert main(["prove", "-k", "T10 or T3"]) == 1
    sys.stdout.seek(0)
    out = sys.stdout.read()
    assert "ok PROVED" in out and "x  REFUTED" in out and "\\u2713" not in out


def test_claims_are_shown_as_they_end(proofs: Path) -> None:
    shown = io.StringIO()
    target = Console(file=shown, force_terminal=True, width=60, color_system=None)
    run = Run([Module(path) for path in find([str(proofs)])], jobs=1, timeout=None)
    with live.progress(target) as (tell, run.heard):
        for _ in run:
            tell(run)
    text = shown.getvalue()
    for line in (
        "✓ PROVED  T10  the tenth  ",
        "✓ REFUTED, as expected  T2  it fails  ",
        "✗ REFUTED, not PROVED  T3  a & b < c  ",
        "✗ ERROR  T4  it raises  ",
        "✓ PROVED  T5  after these  ",
    ):
        assert text.count(line) == 1, line


def test_what_is_running_is_shown_by_its_statement(proofs: Path) -> None:
    run = Run([Module(path) for path in find([str(proofs)])], jobs=1, timeout=None)
    list(run)
    shown = io.StringIO()
    target = Console(file=shown, force_terminal=True, width=21, color_system=None)
    declared = run.modules[0].claims
    assert declared is not None
    under_way = [claim for claim in declared if claim.id in ("T3", "T10")]
    told = SimpleNamespace(modules=[], jobs=2, ended=1, total=6, under_way=under_way)
    with live.progress(target) as (tell, heard):
        tell(cast(Any, told))
        heard("printed")
    lines = re.sub(r"\x1b\[[0-9?]*[a-zA-Z]", "", shown.getvalue()).splitlines()
    assert "printed" in lines  # on a line of its own
    assert "  T10  the tenth" in lines and "  T3  a & b < c" in lines
    assert all(len(line) <= 21 for line in lines)


def test_the_total_is_not_known_before_every_module_has_said_it() -> None:
    one, other = Module(Path("a.py"), claims=[]), Module(Path("b.py"))
    run = Run([one, other], jobs=1, timeout=None)
    assert run.total is None
    other.known_seconds = {"holds": 1.0, "fails": 2.0}  # from an earlier run
    assert run.total == 2


@pytest.mark.usefixtures("proofs")
def test_a_narrow_table_has_the_parts_below_the_statements(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert main(["prove", "-k", "T2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["claim", "statement", "verdict"]
    assert any(re.match(r"T2 +it fails +✓ REFUTED", line) for line in lines)
