"""Claims: what is declared, what is found, and what comes of running it."""

from __future__ import annotations

import itertools
import sys
from fractions import Fraction
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxgrad.claims import Claim, ClaimResult, claim, run
from jaxgrad.errors import ArgumentError
from jaxgrad.proof_modules import collect
from jaxgrad.verdict import Evidence, Verdict

HEADER = """\
from jaxgrad.claims import claim
from jaxgrad.verdict import Evidence, Verdict

def said(verdict, text="it is so"):
    return Evidence(verdict, "decision", text)

"""


def write(folder: Path, name: str, body: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(HEADER + dedent(body), encoding="utf-8")
    return path


def results_of(path: Path) -> list[ClaimResult]:
    found = collect([path])
    return [*found.failures, *itertools.chain.from_iterable(map(run, found.claims))]


def made(function, statement="s", source="", expected=Verdict.PROVED) -> Claim:
    return Claim(function, statement, source, expected, Path("toy.py"))


# ------------------------------------------------------------------------------- declaring a claim


@pytest.mark.parametrize(
    ("source", "expected"),
    [("A6: the bound", "A6"), ("A6 : a : b", "A6"), ("no colon", "f"), ("", "f"), (": x", "f")],
)
def test_id_is_what_stands_before_the_first_colon(source, expected):
    def f():
        return None

    assert made(f, source=source).id == expected


def test_function_is_returned_unchanged_and_a_planted_error_flips_the_verdict():
    def bound(quarter=Fraction(1, 4)):
        holds = Fraction(1, 2) * Fraction(1, 2) <= quarter
        return Evidence(Verdict.PROVED if holds else Verdict.REFUTED, "decision", "s(1-s)")

    declared = claim("s(1 - s) <= 1/4")(bound)
    assert declared is bound
    assert declared().verdict is Verdict.PROVED
    assert declared(quarter=Fraction(1, 5)).verdict is Verdict.REFUTED
    [result] = run(made(lambda: bound(quarter=Fraction(1, 5))))
    assert not result.as_expected


@pytest.mark.parametrize(
    ("attempt", "message"),
    [
        (lambda: claim(lambda: None), "the statement must be text"),  # pyright: ignore
        (lambda: claim("  "), "the statement must be text"),
        (lambda: claim("s", source=None), "the source must be text"),  # pyright: ignore
        (lambda: claim("s", expect="PROVED"), "must be a Verdict such as"),  # pyright: ignore
        (lambda: claim("s")(3), "only a function can be a claim, got int 3"),  # pyright: ignore
        (lambda: claim("s")(int), "only a function can be a claim, got type"),
        (lambda: claim("s")(lambda x, y=1: x), "x has no default"),
    ],
)
def test_what_cannot_be_a_claim_is_refused_at_once(attempt, message):
    with pytest.raises(ArgumentError, match=message):
        attempt()


# --------------------------------------------------------------------------------- running a claim


def evidence(verdict: Verdict) -> Evidence:
    return Evidence(verdict, "decision", "text")


@given(st.lists(st.sampled_from(Verdict), min_size=1), st.sampled_from(Verdict))
@settings(deadline=None)
def test_every_part_has_its_own_result_in_order(verdicts, expected):
    def parts():
        for number, verdict in enumerate(verdicts):
            yield number, evidence(verdict)

    results = list(run(made(parts, expected=expected)))
    assert [(r.part, r.verdict) for r in results] == [(str(n), v) for n, v in enumerate(verdicts)]
    assert [r.as_expected for r in results] == [verdict is expected for verdict in verdicts]
    assert [r.undecided for r in results] == [
        verdict is Verdict.UNDECIDED is not expected for verdict in verdicts
    ]


def test_seconds_are_those_of_the_part_alone(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("jaxgrad.claims.time.perf_counter", lambda: now[0])

    def parts():
        for part, cost in (("a", 2.0), ("b", 5.0)):
            now[0] += cost
            yield part, evidence(Verdict.PROVED)

    seconds = []
    for result in run(made(parts)):
        seconds.append(result.seconds)
        now[0] += 100.0  # what the reader of the results does is not the claim's time
    assert seconds == [2.0, 5.0]


class Comparison:
    """Stands for any object with a verdict and evidence."""

    def __init__(self, verdict, evidence):
        self.verdict, self.evidence = verdict, evidence


def test_any_object_with_verdict_and_evidence_will_do():
    outcome = Comparison(Verdict.AGREES, evidence(Verdict.AGREES))
    [result] = run(made(lambda: outcome, expected=Verdict.AGREES))
    assert result.as_expected and result.evidence is outcome.evidence


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (None, "the claim returned None; return an object with verdict and evidence"),
        (True, "the claim returned bool True;"),
        ("PROVED", "the claim returned str 'PROVED';"),
        ([], "the claim yielded no part, so nothing was checked"),
        ([evidence(Verdict.PROVED)], "the claim yielded Evidence"),
        ([("a", None)], "got None, which lacks a verdict or evidence"),
        (Comparison(Verdict.PROVED, "text"), "which lacks a verdict or evidence"),
        (Comparison("PROVED", evidence(Verdict.PROVED)), "which lacks a verdict or evidence"),
        (
            Comparison(Verdict.PROVED, evidence(Verdict.AGREES)),
            "the verdict is PROVED, but the evidence says AGREES",
        ),
    ],
)
def test_what_is_no_evidence_is_an_error_with_a_clear_text(outcome, message):
    [result] = run(made(lambda: outcome))
    assert result.verdict is None and not result.as_expected
    assert message in str(result.error)


def test_a_bad_part_does_not_hide_the_next():
    def parts():
        yield "bad", None
        yield "good", evidence(Verdict.PROVED)

    assert [(r.part, r.as_expected) for r in run(made(parts))] == [("bad", False), ("good", True)]


@pytest.mark.parametrize("error", [ValueError("boom"), SystemExit(3), AssertionError("boom")])
def test_an_exception_is_a_result(error):
    def raises():
        yield "before", evidence(Verdict.PROVED)
        raise error

    first, second = run(made(raises))
    assert first.as_expected
    assert second.error and second.error.startswith("the claim raised, after 1 of its parts")
    assert type(error).__name__ in second.error and "raise error" in second.error


def test_a_keyboard_interrupt_is_not_swallowed():
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(run(made(interrupted)))


def test_a_long_message_and_notes_do_not_bury_the_rest():
    def raises():
        error = ValueError("\n".join(f"line {n}" for n in range(1000)))
        error.add_note("a note")
        raise error

    [result] = run(made(raises))
    assert len(str(result.error).splitlines()) < 25
    assert "line 3" in str(result.error) and "a note" not in str(result.error)


def test_the_traceback_names_the_proof_module_and_where_it_was_raised(tmp_path):
    body = """\
        import json

        @claim("s", source="X1: x")
        def raises():
            json.loads("{")
    """
    [result] = results_of(write(tmp_path, "raises.py", body))
    assert result.error is not None
    assert 'json.loads("{")' in result.error and "decoder.py" in result.error
    assert "jaxgrad/claims.py" not in result.error
    assert result.error.splitlines()[-1].startswith("json.decoder.JSONDecodeError")


# ------------------------------------------------------------------------------- collecting claims


def test_folder_takes_every_module_but_the_hidden_ones(tmp_path):
    body = """\
        @claim("s")
        def {}(): return said(Verdict.PROVED)
    """
    for name in ("b.py", "a.py", "_hidden.py", ".hidden.py", "sub/c.py", "_sub/d.py", "e.txt"):
        path = tmp_path / name
        write(path.parent, path.name, body.replace("{}", f"f{path.stem.strip('.')}"))
    found = collect([tmp_path])
    assert [c.name for c in found.claims] == ["fa", "fb", "fc"] and not found.failures
    assert [c.name for c in collect([tmp_path / "_hidden.py"]).claims] == ["f_hidden"]
    assert len(collect([tmp_path, tmp_path / "a.py"]).claims) == 3


def test_same_file_name_and_same_helper_name_in_two_folders(tmp_path):
    for number in (1, 2):
        folder = tmp_path / str(number)
        write(folder, "_common.py", f"NUMBER = {number}\n")
        body = f"""\
            from _common import NUMBER

            @claim("s")
            def same():
                return said(Verdict.PROVED if NUMBER == {number} else Verdict.REFUTED)
        """
        write(folder, "same.py", body)
    before = list(sys.path)
    assert [r.as_expected for r in results_of(tmp_path)] == [True, True]
    assert sys.path == before and "_common" not in sys.modules


def test_a_file_named_like_a_package_does_not_take_its_place(tmp_path):
    body = """\
        import json

        @claim("s")
        def same(): return said(Verdict.PROVED if hasattr(json, "loads") else Verdict.REFUTED)
    """
    write(tmp_path, "json.py", body)
    assert [r.as_expected for r in results_of(tmp_path)] == [True]


def test_an_edited_module_is_read_again(tmp_path):
    for verdict in ("PROVED", "PROBAB"):
        path = write(tmp_path, "a.py", f"NAME = '{verdict}'\n@claim(NAME)\ndef f(): return None\n")
        assert collect([path]).claims[0].statement == verdict


def test_claims_made_by_a_helper(tmp_path):
    helper = """\
        def make(number):
            @claim(f"made {number}")
            def made(): return said(Verdict.PROVED)
            made.__name__ = f"made_{number}"
            return made
    """
    write(tmp_path, "_helper.py", helper)
    write(tmp_path, "a.py", "from _helper import make\none, two = make(1), make(2)\n")
    found = collect([tmp_path]).claims
    assert [(c.path.name, c.name) for c in found] == [("a.py", "made_1"), ("a.py", "made_2")]


def test_a_claim_imported_from_the_module_that_defines_it_is_collected_once(tmp_path):
    write(tmp_path, "a.py", "@claim('s')\ndef one(): return said(Verdict.PROVED)\n")
    write(tmp_path, "b.py", "from a import one\n@claim('t')\ndef two(): return one()\n")
    assert [c.name for c in collect([tmp_path]).claims] == ["one", "two"]


def test_two_claims_of_one_name_are_reported_and_the_first_runs(tmp_path):
    body = """\
        @claim("first")
        def same(): return said(Verdict.PROVED)

        @claim("second")
        def same(): return said(Verdict.PROVED)
    """
    failure, first = results_of(write(tmp_path, "a.py", body))
    assert first.as_expected and first.claim and first.claim.statement == "first"
    assert "are named same, on lines 7 and 10" in str(failure.error)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("def f(:", "SyntaxError"),
        ("import no_such_package", "No module named 'no_such_package'"),
        ("raise SystemExit(0)", "SystemExit"),
        ("claim('s')(3)", "only a function can be a claim"),
        ("from . import sibling", "relative import"),
    ],
)
def test_a_module_that_does_not_import_is_reported_by_name(tmp_path, body, message):
    write(tmp_path, "broken.py", body)
    write(tmp_path, "whole.py", "@claim('s')\ndef f(): return said(Verdict.PROVED)\n")
    before = {name for name in sys.modules if "broken" in name}
    failure, fine = results_of(tmp_path)
    assert fine.as_expected
    assert failure.id == "broken.py" and failure.claim is None and not failure.as_expected
    assert (
        failure.error
        and failure.error.startswith("the module cannot be imported")
        and message in failure.error
    )
    assert "importlib" not in failure.error
    assert {name for name in sys.modules if "broken" in name} == before


@pytest.mark.parametrize(
    ("name", "message"),
    [("missing", "no such file or folder"), ("notes.txt", "not a Python"), ("empty", "no claims")],
)
def test_a_path_without_claims_is_refused(tmp_path, name, message):
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty", "helper.py", "")
    (tmp_path / "notes.txt").write_text("notes")
    with pytest.raises(ArgumentError, match=message):
        collect([tmp_path / name])
