"""prove --report: what somebody else's function makes of the results."""

from __future__ import annotations

import sys

import pytest
from claims_support import write

from jaxgrad.claims.cli import main

CLAIMS = """\
    @claim("it holds", source="T1: expected")
    def expected(): return said(Verdict.PROVED)

    @claim("it fails", source="T2: refuted as expected", expect=Verdict.REFUTED)
    def refuted(): return said(Verdict.REFUTED)
"""


@pytest.fixture
def proofs(tmp_path, monkeypatch):
    """Two claims in ``proofs/`` of a fresh current directory."""
    monkeypatch.chdir(tmp_path)
    return write(tmp_path / "proofs", "claims.py", CLAIMS)


REPORT = """
def lines(results, seconds):
    assert seconds > 0
    return chr(10).join(f"{result.id} {result.verdict}" for result in results)

def fails(results, seconds):
    raise KeyError("no such column")

def ends(results, seconds):
    raise SystemExit(7)

def nothing(results, seconds):
    pass
"""


def test_a_report_is_one_file_of_somebody_elses(proofs, capsys, tmp_path):
    name = f"report_of_{tmp_path.name}"
    (tmp_path / f"{name}.py").write_text(REPORT)
    assert main(["prove", "--report", f"{name}:lines"]) == 0
    assert capsys.readouterr().out.splitlines() == ["T1 PROVED", "T2 REFUTED"]
    assert str(tmp_path) not in sys.path
    for function, said in (
        ("fails", "raised KeyError: 'no such column'; it is called"),
        ("ends", "raised SystemExit: 7; it is called"),
        ("nothing", "raised TypeError: it returned None, not text; it is called"),
    ):
        assert main(["prove", "--report", f"{name}:{function}"]) == 2
        shown = capsys.readouterr()
        assert "PROVED" in shown.out  # nothing is lost
        assert f"--report '{name}:{function}' {said}" in shown.err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("lines", "--report 'lines' names no function; write module:function"),
        ("no_such_module:f", "--report 'no_such_module:f' cannot be imported: ModuleNotFoundError"),
        ("json:no_such", "--report 'json:no_such' cannot be imported: AttributeError"),
        ("json:dump_", "module 'json' has no attribute 'dump_'; did you mean json:dump?"),
        ("sys:path", "not a function"),
    ],
)
def test_a_report_that_cannot_be_had_is_said_at_once(proofs, capsys, given, said):
    assert main(["prove", "--report", given]) == 2
    shown = capsys.readouterr()
    assert said in shown.err and not shown.out
