"""prove: what it prints, and the exit code of every outcome."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from claims_support import HEADER
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxgrad.claims.claim import Claim, ClaimResult
from jaxgrad.claims.cli import exit_code, main
from jaxgrad.claims.report import terminal
from jaxgrad.verdict import Evidence, Verdict

ROOT = Path(__file__).parents[1]

BODIES = {
    "expected": """\
        @claim("it holds", source="T1: expected")
        def expected(): return said(Verdict.PROVED, "[z>0] decides it")

        @claim("it fails", source="T2: refuted as expected", expect=Verdict.REFUTED)
        def refuted(): return said(Verdict.REFUTED)
    """,
    "unexpected": """\
        @claim("it is wrong", source="T3: unexpected")
        def unexpected():
            code = "assert 1 == 2"
            return Evidence(Verdict.REFUTED, "counterexample", "1 != 2", counterexample=code)
    """,
    "weaker": """\
        @claim("weaker than promised", source="T4: weaker")
        def weaker(): return said(Verdict.AGREES)
    """,
    "raises": """\
        @claim("it raises", source="T5: raises")
        def raises(): raise ValueError("planted")
    """,
    "broken": "def f(:\n",
    "undecided": """\
        @claim("nobody knows", source="T6: undecided")
        def undecided(): return said(Verdict.UNDECIDED, "no rule for this primitive")
    """,
    "unknown": """\
        @claim("it is unknown", source="T7: unknown", expect=Verdict.UNDECIDED)
        def unknown(): return said(Verdict.UNDECIDED)
    """,
    "parts": """\
        @claim("for every depth", source="T8: parts")
        def parts():
            for depth in range(1, 101):
                yield f"L={depth}", said(Verdict.PROVED, f"equal at depth {depth}")
    """,
    "noisy": """\
        print("while importing")

        @claim("it talks", source="T9: noisy")
        def noisy():
            print("while running")
            return said(Verdict.PROVED)
    """,
}


@pytest.fixture
def proofs(tmp_path, monkeypatch):
    """Write the named modules into ``proofs/`` of a fresh current directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    def write(*names: str) -> Path:
        folder = tmp_path / "proofs"
        folder.mkdir(exist_ok=True)
        for name in names:
            (folder / f"{name}.py").write_text(HEADER + dedent(BODIES[name]), encoding="utf-8")
        return folder

    return write


# -------------------------------------------------------------------------------------- exit codes


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["expected"], 0),
        (["expected", "unknown", "parts"], 0),
        (["expected", "unexpected"], 1),
        (["weaker"], 1),
        (["raises"], 1),
        (["broken"], 1),
        (["undecided", "expected"], 3),
        (["undecided", "unexpected"], 1),
        (["undecided", "broken"], 1),
    ],
)
def test_exit_code_of_every_outcome(proofs, capsys, names, code):
    proofs(*names)
    assert main(["prove"]) == code


@pytest.mark.parametrize("option", ["--json", "--verbose"])
def test_exit_code_is_the_same_however_it_is_shown(proofs, capsys, option):
    proofs("expected")
    assert main(["prove", option]) == 0
    proofs("undecided")
    assert main(["prove", option]) == 3
    proofs("weaker")
    assert main(["prove", option]) == 1


def result(expected: Verdict, verdict: Verdict | None) -> ClaimResult:
    claim = Claim(result, "s", "T: t", expected, Path("toy.py"))  # pyright: ignore
    evidence = None if verdict is None else Evidence(verdict, "decision", "text")
    error = "it raised" if verdict is None else None
    return ClaimResult("T", "", claim.path, 0.0, claim, evidence, error)


@given(st.lists(st.builds(result, st.sampled_from(Verdict), st.sampled_from([*Verdict, None]))))
@settings(deadline=None)
def test_exit_code_is_the_gravest_of_all(results):
    gravity = {0: 0, 3: 1, 1: 2}
    worst = max((exit_code([one]) for one in results), key=gravity.__getitem__, default=0)
    assert exit_code(results) == worst
    assert (worst == 0) is all(one.as_expected for one in results)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prove", "missing"], "no such file or folder: missing"),
        (["prove", "empty"], "no claims in empty"),
        (["prove", "-k", "absent"], "-k 'absent' matches no claim"),
        (["prove", "-k", "and"], "a word is missing before and"),
        (["prove", "-j", "0"], "argument -j/--jobs: invalid positive int value: '0'"),
        (["prove", "--timeout", "nan"], "argument --timeout: invalid positive float value: 'nan'"),
        (["prove", "--new", "2x"], "'2x' cannot name a proof module"),
        (["prove", "--new", "class"], "and no word of Python's own"),
        (["prove", "--new", "_x"], "'_x' cannot name a proof module"),
        (["prove", "--new", "expected"], "exists already and is not overwritten"),
        (["prove", "--new", "x", "a", "b"], "--new writes into one folder"),
        (["prove", "--new", "x", "--list"], "leave one of them out"),
        (["prove", "--new", "x", "--report", "json:dumps"], "not allowed with argument"),
        (["prove", "--json", "--report", "json:dumps"], "not allowed with argument"),
        (
            ["prove", "--list", "--report", "json:dumps"],
            "--list runs nothing, so there are no results for --report 'json:dumps'; leave it out, "
            "or write --list --json for one JSON object",
        ),
        (["prove", "--nonsense"], "jaxgrad prove: error: unrecognized arguments: --nonsense"),
        (["properties", "--nonsense=1"], "usage: jaxgrad properties "),
        (["nonsense"], "invalid choice"),
        ([], "COMMAND"),
        (
            ["sweep", "math", "--dtype", "float16", "--holds", "math:isnan"],
            "'math' names no function",
        ),
        (["sweep", "math:no", "--dtype", "float16", "--holds", "math:isnan"], "no attribute 'no'"),
        (["sweep", "no_:x", "--dtype", "float16", "--holds", "math:isnan"], "No module named"),
        (["sweep", "math:pi", "--dtype", "float16", "--holds", "math:isnan"], "not a function"),
        (["sweep", "math:sin", "--dtype", "float16", "--holds", "isnan"], "--holds 'isnan' names"),
        (
            ["sweep", "math:sin", "--dtype", "f16", "--holds", "math:isnan"],
            "math:sin: sweep: f canno",
        ),
        (
            ["sweep", "jax.nn:relu", "--dtype", "bf16", "--holds", "operator:attrgetter"],
            "jax.nn:relu, or --holds operator:attrgetter, raised TypeError: ",
        ),
    ],
)
def test_usage_errors(proofs, capsys, arguments, message):
    proofs("expected")
    Path("empty").mkdir()
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.out == ""


def test_no_proofs_folder_says_what_to_do(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["prove"]) == 2
    assert "there is no folder proofs/ in" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------ output


def test_table_shows_evidence_and_the_details_of_what_is_unexpected(proofs, capsys):
    proofs("expected", "unexpected", "raises", "broken")
    main(["prove"])
    out = capsys.readouterr().out
    assert "[z>0] decides it" in out  # no markup
    assert "✗ REFUTED" in out and "not PROVED" in out
    assert "    counterexample:\n        assert 1 == 2\n" in out
    assert "ValueError: planted" in out and 'raise ValueError("planted")' in out
    assert "broken.py" in out and "SyntaxError" in out
    expected = "4 claims, 3 parts: 1 PROVED, 2 REFUTED; 1 not as expected, 2 failed; "
    assert expected in out.splitlines()[-1]


def test_parts_are_folded_unless_verbose(proofs, capsys):
    proofs("parts")
    main(["prove"])
    folded = capsys.readouterr().out
    assert "100 parts: L=1" in folded and "(and 99 more:" in folded
    assert len(folded.splitlines()) < 12
    main(["prove", "--verbose"])
    verbose = capsys.readouterr().out
    assert all(f"equal at depth {depth}" in verbose for depth in range(1, 101))
    assert "1 claim, 100 parts: 100 PROVED; all as expected" in verbose


@pytest.mark.parametrize("width", [40, 80, 120, 200])
def test_no_line_of_the_table_is_wider_than_the_terminal(proofs, capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    proofs("expected", "unexpected", "undecided", "parts")
    main(["prove"])
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= width
    assert ("equal at depth 1" in out) is (width >= 100)  # evidence needs room
    for word in ("T1", "T8", "PROVED", "REFUTED", "UNDECIDED"):
        assert word in out


def test_many_unexpected_parts_are_shown_by_a_few(capsys):
    claim = result(Verdict.PROVED, None).claim
    wrong = Evidence(Verdict.REFUTED, "decision", "wrong")
    results = [
        ClaimResult("T", f"n={n}", Path("toy.py"), 0.0, claim, wrong) for n in range(50)
    ]  # fmt: skip
    terminal.show(results, 1.0, terminal.console())
    out = capsys.readouterr().out
    assert "n=2  ✗" in out and "n=3  ✗" not in out
    assert "T: 47 more parts like these; --verbose shows them" in out


def test_time_that_nobody_knows_is_a_dash(capsys):
    bad = result(Verdict.PROVED, None)
    for known, shown in ((None, "–"), (1.5, "1.50"), (0.0, "0.00")):
        terminal.show([dataclasses.replace(bad, seconds=known)], 9.0, terminal.console())
        row = capsys.readouterr().out.partition("ERROR")[2].partition("\n")[0]
        assert row.split()[-1] == shown


def test_list_runs_nothing(proofs, capsys):
    proofs("expected", "raises")
    assert main(["prove", "--list", "-k", "T5 or T2"]) == 0
    out = capsys.readouterr().out
    assert "raises.py:7" in out and "it fails" in out and "it holds" not in out
    proofs("broken")
    assert main(["prove", "--list"]) == 1
    assert "SyntaxError" in capsys.readouterr().out


def test_a_list_as_json_is_one_object_with_every_claim(proofs, capfd):
    proofs("expected", "raises", "broken", "noisy")
    assert main(["prove", "--list", "--json"]) == 1
    captured = capfd.readouterr()
    whole = json.loads(captured.out)
    assert sorted(whole) == ["claims", "versions"]
    listed = {one["id"]: one for one in whole["claims"]}
    assert len(listed) == len(whole["claims"])
    assert {key: listed["T5"][key] for key in ("name", "line", "error")} == {
        "name": "raises", "line": 7, "error": None
    }  # fmt: skip
    assert listed["T5"]["module"].endswith("raises.py") and listed["T5"]["expected"] == "PROVED"
    broken = listed["broken.py"]
    assert "SyntaxError" in broken["error"] and broken["statement"] is None
    assert all(sorted(one) == sorted(broken) for one in whole["claims"])
    assert main(["prove", "--json", "--list", "-k", "T1"]) == 1  # nobody knows what is in broken.py
    ids = [one["id"] for one in json.loads(capfd.readouterr().out)["claims"]]
    assert ids == ["T1", "broken.py"]
    assert main(["prove", "--json", "--list", "missing"]) == 2
    assert "no such file" in json.loads(capfd.readouterr().out)["error"]


def test_selection_of_claims_and_parts(proofs, capsys):
    proofs("expected", "parts", "raises")
    assert main(["prove", "--json", "-k", "T8 and L=10"]) == 0
    parts = [one["part"] for one in json.loads(capsys.readouterr().out)["claims"]]
    assert parts == ["L=10", "L=100"]
    assert main(["prove", "-k", "not raises"]) == 0


def test_a_broken_module_is_reported_whatever_is_selected(proofs, capsys):
    proofs("expected", "broken")
    assert main(["prove", "-k", "T1"]) == 1


def test_json_is_one_object_with_every_part(proofs, capfd):
    proofs("expected", "unexpected", "raises", "broken", "parts", "noisy")
    assert main(["prove", "--json"]) == 1
    captured = capfd.readouterr()
    whole = json.loads(captured.out)
    assert captured.out.isascii()
    assert "while importing" in captured.err and "while running" in captured.err
    assert set(whole) == {"claims", "versions", "seconds"}
    assert set(whole["versions"]) == {
        "jax", "jaxlib", "numpy", "python-flint", "python", "jaxgrad"
    }  # fmt: skip
    claims = whole["claims"]
    assert {frozenset(one) for one in claims} == {
        frozenset(
            {
                "id", "part", "name", "module", "statement", "source", "verdict", "expected",
                "as_expected", "kind", "evidence", "enclosures", "counterexample", "trusts",
                "error", "seconds", "kept",
            }
        )
    }  # fmt: skip
    assert sum(one["id"] == "T8" for one in claims) == 100
    found = {one["id"]: one for one in claims}
    assert found["T3"]["verdict"] == "REFUTED" and found["T3"]["expected"] == "PROVED"
    assert found["T3"]["counterexample"] == "assert 1 == 2"
    assert found["T5"]["verdict"] is None and "planted" in found["T5"]["error"]
    assert found["broken.py"]["verdict"] is None
    assert "SyntaxError" in found["broken.py"]["error"]
    assert all(isinstance(one["seconds"], float) for one in claims)


def test_enclosures_and_trust_are_reported(proofs, capsys):
    body = """\
        @claim("a number", source="T: t")
        def number():
            return Evidence(
                Verdict.PROVED, "enclosure", "by balls", {"width": ("1.2", "1.3")}, trusts=("Arb",)
            )
    """
    (proofs() / "number.py").write_text(HEADER + dedent(body))
    main(["prove", "--json"])
    [one] = json.loads(capsys.readouterr().out)["claims"]
    assert one["enclosures"] == {"width": ["1.2", "1.3"]} and one["trusts"] == ["Arb"]
    main(["prove", "-v"])
    out = capsys.readouterr().out
    assert "width: [1.2, 1.3]" in out and "trusts: Arb" in out and "enclosure: by balls" in out


# --------------------------------------------------------------------------------- a real process


def jaxgrad(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "TTY_COMPATIBLE")}
    return subprocess.run(
        [sys.executable, "-m", "jaxgrad", *arguments],
        env=clean | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_piped_output_has_no_escape_codes_and_no_noise(proofs):
    proofs("expected", "unexpected", "parts")
    done = jaxgrad("prove")
    assert done.returncode == 1
    assert "\x1b" not in done.stdout and "\r" not in done.stdout and done.stderr == ""


def test_output_survives_a_terminal_without_greek(proofs):
    proofs("parts")
    body = '@claim("\u03c3 ≤ ¼", source="T: t")\ndef f(): return said(Verdict.PROVED)\n'
    (proofs() / "greek.py").write_text(HEADER + body, encoding="utf-8")
    done = jaxgrad("prove", PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and "\\u03c3" in done.stdout


def test_help_and_collecting_import_neither_jax_nor_rich(proofs):
    proofs("expected")
    code = (
        "import sys; from jaxgrad.claims.cli import main; "
        "main(['--help']); main(['prove', '--json']);"
        "print(sorted({'jax', 'rich', 'numpy'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == "[]\n"
