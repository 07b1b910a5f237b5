"""Claims: what is declared, what is found, and what comes of running it."""

from __future__ import annotations

import importlib
import itertools
import sys
from fractions import Fraction
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxgrad.claims import MARK, Claim, ClaimResult, claim, run
from jaxgrad.errors import ArgumentError
from jaxgrad.proof_modules import collect, collect_file
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


def results_of(*paths: Path) -> list[ClaimResult]:
    found = collect(paths)
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


class Odd(BaseException):
    """No Exception, as are the outcomes of several frameworks."""


@pytest.mark.parametrize(
    "error",
    [ValueError("boom"), SystemExit(3), AssertionError("boom"), GeneratorExit(), Odd("boom")],
)
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
    [result] = run(made(interrupted), through=())
    assert "KeyboardInterrupt" in str(result.error)


def test_a_reader_may_leave_at_any_part():
    left = []

    def parts():
        try:
            yield "a", evidence(Verdict.PROVED)
            yield "b", evidence(Verdict.PROVED)
        finally:
            left.append(True)

    results = run(made(parts))
    assert next(results).part == "a"
    results.close()  # type: ignore
    assert left == [True] and list(results) == []


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("kind", None, "its kind must be text, got None"),
        ("text", b"x", "its text must be text, got bytes"),
        ("enclosures", {"x": (1, 2)}, "its enclosures must be a mapping of names to two"),
        ("enclosures", {"x": ("1",)}, "its enclosures must be a mapping of names to two"),
        ("enclosures", [("x", ("1", "2"))], "its enclosures must be a mapping of names to two"),
        ("counterexample", 1, "its counterexample must be text or None, got int 1"),
        ("trusts", "Arb", "its trusts must be texts, got str 'Arb'"),
    ],
)
def test_evidence_that_cannot_be_reported_is_an_error(field, value, message):
    fields = {"kind": "decision", "text": "text", field: value}
    [result] = run(made(lambda: Evidence(Verdict.PROVED, **fields)))
    assert result.evidence is None and message in str(result.error)


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


BAD = """\
    def bad(): return said(Verdict.REFUTED, "no")
"""


@pytest.mark.parametrize(
    "import_", ["from _common import bad", "import _common; bad = _common.bad"]
)
def test_claims_on_a_function_of_a_helper_belong_to_the_declaring_module(tmp_path, import_):
    write(tmp_path, "_common.py", BAD)
    body = f"""\
        {import_}
        first = claim("a false statement", source="Z1: x")(bad)
        second = claim("refuted", source="Z2: y", expect=Verdict.REFUTED)(bad)
    """
    first, second = results_of(write(tmp_path, "a.py", body))
    assert (first.id, first.verdict, first.as_expected) == ("Z1", Verdict.REFUTED, False)
    assert (second.id, second.as_expected) == ("Z2", True)
    assert first.claim and second.claim
    assert (first.claim.line, second.claim.line) == (8, 9)
    assert first.path.name == "a.py"


def test_a_claim_on_a_function_that_is_bound_nowhere(tmp_path):
    write(tmp_path, "_common.py", BAD)
    body = "import _common; claim('s')(_common.bad)\n"
    [result] = results_of(write(tmp_path, "a.py", body))
    assert result.verdict is Verdict.REFUTED


def test_a_claim_on_a_function_of_another_proof_module(tmp_path):
    body = "@claim('base')\ndef bad(): return said(Verdict.REFUTED)\n"
    base = write(tmp_path, "base.py", body)
    user = write(tmp_path, "user.py", "import base; claim('user')(base.bad)\n")
    for paths, statements in (([user], ["user"]), ([base, user], ["base", "user"])):
        assert [found.statement for found in collect(paths).claims] == statements


def test_claims_on_one_function_by_two_modules(tmp_path):
    write(tmp_path, "_common.py", BAD)
    for name in ("a", "b"):
        body = f"import os.path; from _common import bad\nclaim('{name}')(bad)\n"
        write(tmp_path, f"{name}.py", body)
    assert [c.statement for c in collect([tmp_path]).claims] == ["a", "b"]


def test_a_mark_does_not_overwrite_another():
    def f():
        return None

    claim("first")(f)
    claim("second")(f)
    assert [found.statement for found in getattr(f, MARK)] == ["first", "second"]


def test_claims_that_a_helper_declares_itself_are_run_with_each_module_that_imports_it(tmp_path):
    write(tmp_path, "_common.py", "@claim('s')\ndef shared(): return said(Verdict.PROVED)\n")
    for name in ("a", "b"):
        write(tmp_path, f"{name}.py", "import _common\n")
    found = collect([tmp_path]).claims
    assert [(c.path.name, c.name, c.line) for c in found] == [
        ("a.py", "shared", 7), ("b.py", "shared", 7)
    ]  # fmt: skip


def test_an_imported_claim_is_run_where_it_is_imported_when_its_own_module_is_not(tmp_path):
    body = """\
        @claim("s")
        def imported(): return said(Verdict.PROVED)

        @claim("s")
        def left(): return said(Verdict.PROVED)
    """
    base = write(tmp_path, "base.py", body)
    own = "from base import imported\n@claim('s')\ndef own(): return said(Verdict.PROVED)\n"
    user = write(tmp_path, "user.py", own)
    alone = [(c.path.name, c.name) for c in collect([user]).claims]
    assert alone == [("user.py", "imported"), ("user.py", "own")]
    both = [("base.py", "imported"), ("base.py", "left"), ("user.py", "own")]
    for paths in ([tmp_path], [user, base]):
        assert sorted((c.path.name, c.name) for c in collect(paths).claims) == both


def test_a_claim_of_a_library_is_run_where_it_is_imported(tmp_path, monkeypatch):
    write(tmp_path / "site", "jaxgrad_library.py", "@claim('s')\ndef known(): return None\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    importlib.import_module("jaxgrad_library")  # as a test may have, before the proofs are read
    for name in ("a", "b"):
        write(tmp_path / "proofs", f"{name}.py", "from jaxgrad_library import known\n")
    found = collect([tmp_path / "proofs"]).claims
    assert [(c.path.name, c.name) for c in found] == [("a.py", "known"), ("b.py", "known")]
    del sys.modules["jaxgrad_library"]


@pytest.mark.parametrize("kind", ["_lib.py", "_lib/__init__.py", "_lib/sub.py", "lib/__init__.py"])
def test_helpers_of_two_folders_are_not_mixed_up(tmp_path, kind):
    module = kind.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    for limit in (1, 2):
        folder = tmp_path / str(limit)
        path = folder / kind
        write(path.parent, path.name, f"LIMIT = {limit}\n")
        body = f"""\
            import {module} as early

            @claim("s")
            def same():
                import {module} as late
                assert late is early, "it was imported twice"
                return said(Verdict.PROVED if late.LIMIT == {limit} else Verdict.REFUTED)
        """
        write(folder, f"{kind[0]}a.py", body)
    before, path = set(sys.modules), list(sys.path)
    collected = [collect_file(tmp_path / limit / f"{kind[0]}a.py") for limit in ("1", "2")]
    other = ModuleType("somebody else's")
    sys.modules[module] = other
    count = 0
    for found in collected:
        with found.neighbours:
            for result in itertools.chain.from_iterable(map(run, found.claims)):
                assert result.as_expected, result.error
                count += 1
    assert count == 2 and sys.path == path and sys.modules.pop(module) is other
    assert not [name for name in set(sys.modules) - before if "lib" in name]


def test_a_package_that_is_importable_anyway_stays_imported(tmp_path, monkeypatch):
    write(tmp_path, "jaxgrad_shared.py", "")
    monkeypatch.syspath_prepend(tmp_path)
    body = "import jaxgrad_shared\n@claim('s')\ndef f(): return said(Verdict.PROVED)\n"
    assert collect([write(tmp_path, "a.py", body)]).claims
    assert sys.modules.pop("jaxgrad_shared")


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        ("@claim('s')\ndef bad(n): return n", "bad is called without arguments, but n has no"),
        ("@claim\ndef bad(): return None", "the statement must be text"),
        ("@claim('s', expect='PROVED')\ndef bad(): return None", "expect must be a Verdict"),
        ("claim('s')(3)", "only a function can be a claim"),
    ],
)
def test_a_claim_that_cannot_be_declared_loses_none_of_the_others(tmp_path, declaration, message):
    good = "@claim('s')\ndef {}(): return said(Verdict.PROVED)\n"
    path = tmp_path / "a.py"
    path.write_text(HEADER + good.format("one") + declaration + "\n" + good.format("two"))
    failure, one, two = results_of(path)
    assert one.as_expected and two.as_expected and not failure.as_expected
    assert failure.id == "a.py:9"
    assert str(failure.error).startswith("the claim on line 9 cannot be declared\nArgumentError: ")
    assert message in str(failure.error)


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
        ("raise GeneratorExit", "GeneratorExit"),
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
