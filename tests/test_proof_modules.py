"""Proof modules: which claims are found in files and folders, and what cannot be found or run."""

from __future__ import annotations

import importlib
import itertools
import sys
from types import ModuleType

import pytest
from claims_support import HEADER, results_of, write

from jaxgrad.claims.claim import MARK, claim
from jaxgrad.claims.proof_modules import collect, collect_file
from jaxgrad.claims.running import run
from jaxgrad.errors import ArgumentError
from jaxgrad.verdict import Verdict


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
