"""The pytest plugin: claims as items, the fixture and the marker."""

from __future__ import annotations

import sys
from importlib.metadata import entry_points
from pathlib import Path
from textwrap import dedent

import pytest
from claims_support import HEADER

pytest_plugins = ["pytester"]

PROOFS = {
    "good": """\
        @claim("it holds", source="T1: good")
        def holds():
            yield "a", said(Verdict.PROVED)
            yield "b", said(Verdict.PROVED)
    """,
    "bad": """\
        @claim("it is wrong", source="T2: bad")
        def wrong():
            yield "a", said(Verdict.PROVED)
            yield "b", Evidence(Verdict.REFUTED, "counterexample", "1 != 2", counterexample="f(1)")

        @claim("nobody knows", source="T3: undecided")
        def undecided(): return said(Verdict.UNDECIDED, "no rule")

        @claim("it raises", source="T4: raises")
        def raises(): raise ValueError("planted")
    """,
    "broken": "def f(:\n",
    "_helper": "raise SystemExit\n",
}


@pytest.fixture
def project(pytester, monkeypatch):
    """A project with proofs, some tests, and a way to run pytest on it."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    installed = any(entry.name == "jaxgrad" for entry in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", "jaxgrad.claims.pytest_plugin"]

    def run(*arguments, proofs=("good",), ini="", process=False):
        folder = pytester.mkdir("proofs")
        for name in proofs:
            (folder / f"{name}.py").write_text(HEADER + dedent(PROOFS[name]))
        pytester.makepyfile(test_own="def test_own(): pass")
        pytester.makeini(f"[pytest]\n{ini}\n")
        start = pytester.runpytest_subprocess if process else pytester.runpytest_inprocess
        return start(*plugin, "-p", "no:cacheprovider", "-W", "error", *arguments)

    return run


@pytest.mark.parametrize("ini", ["", "testpaths = test_own.py"])
@pytest.mark.parametrize("option", [["--jaxgrad-proofs", "proofs"], ["--jaxgrad-proofs=proofs"]])
def test_claims_are_items_and_nothing_else_is(project, option, ini):
    done = project("-v", *option, ini=ini)
    done.assert_outcomes(passed=1)
    done.stdout.fnmatch_lines(["*proofs/good.py::holds PASSED*"])


def test_claims_are_items_beside_tests_that_are_named(project):
    done = project("-v", "--jaxgrad-proofs", "proofs", "test_own.py")
    done.assert_outcomes(passed=2)
    done.stdout.fnmatch_lines(["*test_own.py::test_own PASSED*"])


@pytest.mark.parametrize("ini", ["", "testpaths = test_own.py"])
def test_an_option_of_every_run_leaves_no_test_out(project, ini):
    project(ini=f"addopts = --jaxgrad-proofs=proofs\n{ini}").assert_outcomes(passed=2)


def test_without_options_there_are_none(project):
    project().assert_outcomes(passed=1)


@pytest.mark.parametrize("named", ["proofs", "proofs/good.py"])
def test_how_proofs_are_run_is_said_where_they_are_named_as_tests_are(project, named):
    done = project(named, ini="testpaths = test_own.py")
    assert done.ret == pytest.ExitCode.NO_TESTS_COLLECTED
    done.stdout.fnmatch_lines([f"{named} declares claims: pytest --jaxgrad-proofs {named}"])


def test_a_claim_fails_with_its_evidence(project):
    done = project("--jaxgrad-proofs=proofs", proofs=("good", "bad"))
    done.assert_outcomes(passed=1, failed=3)
    done.stdout.fnmatch_lines(
        [
            "*T2 wrong*",
            "T2 REFUTED: it is wrong",
            "b: REFUTED, expected PROVED: 1 != 2",
            "counterexample:",
            "f(1)",
            "*T3 undecided*",
            "UNDECIDED, expected PROVED: no rule",
            "*T4 raises*",
            "the claim raised",
            "*ValueError: planted",
        ]
    )
    assert "a: PROVED" not in done.stdout.str()
    summary = done.stdout.str().partition("short test summary")[2].splitlines()
    said = ["T2 REFUTED: it is wrong", "T3 UNDECIDED: nobody knows", "T4 raised: it raises"]
    assert [line.partition(" - ")[2] for line in summary if "FAILED" in line] == said


@pytest.mark.parametrize(("words", "passed"), [("T1", 1), ("T1 or own", 2), ("holds", 1)])
def test_a_claim_is_found_by_its_id(project, words, passed):
    done = project("-k", words, "--jaxgrad-proofs=proofs", "test_own.py")
    done.assert_outcomes(passed=passed, deselected=2 - passed)


CHECKS = """
import jax, jaxgrad, pytest

@jax.custom_jvp
def wrong(x):
    return 2 * x
wrong.defjvp(lambda x, t: (2 * x[0], 3 * t[0]))

def test_shown():
    jaxgrad.check_grads(wrong, (1.0,))

@pytest.mark.jaxgrad_undecided
def test_open():
    jaxgrad.check_grads(jax.numpy.log, (-1.0,))

@pytest.mark.jaxgrad_undecided("it ends there")
def test_passes():
    jaxgrad.check_grads(jax.numpy.sin, (1.0,))

@pytest.mark.jaxgrad_undecided(reason="it ends there")
def test_refuted():
    jaxgrad.compare(wrong, jax.numpy.sin, 1.0).assert_agrees()
"""


def test_a_check_that_fails_shows_the_line_of_the_test(project, pytester):
    pytester.makepyfile(test_checks=CHECKS)
    done = project("test_checks.py", "-k", "shown")
    done.assert_outcomes(failed=1, deselected=3)
    shown = done.stdout.str()
    assert ">       jaxgrad.check_grads(wrong, (1.0,))" in shown and "should be 2.0" in shown
    assert "outcome.py" not in shown and "assert_agrees" not in shown


def test_undecided_is_expected_where_it_is_marked(project, pytester):
    pytester.makepyfile(test_checks=CHECKS)
    done = project("test_checks.py", "-k", "not shown", "-rA")
    done.assert_outcomes(failed=2, xfailed=1, deselected=1)
    done.stdout.fnmatch_lines(
        [
            "XFAIL test_checks.py::test_open - UNDECIDED",
            "FAILED test_checks.py::test_passes - [[]XPASS(strict)[]] it ends there",
            "FAILED test_checks.py::test_refuted - jaxgrad.GradientMismatch*",
        ]
    )


def test_a_broken_module_is_a_collection_error_and_helpers_are_left_alone(project):
    done = project(
        "--jaxgrad-proofs=proofs", "--continue-on-collection-errors", proofs=("broken", "_helper")
    )
    done.assert_outcomes(errors=1)
    done.stdout.fnmatch_lines(["*the module cannot be imported*", "*SyntaxError*"])


def test_two_claims_of_one_name_fail(project, pytester):
    body = '@claim("s")\ndef same(): return said(Verdict.PROVED)\n'
    pytester.makepyfile(twice=HEADER + body + body)
    done = project("--jaxgrad-proofs", "twice.py", "twice.py")
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["*are named same, on lines*"])


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        ([], 2),
        (["test_own.py"], 1),
        (["proofs/good.py"], 1),
        (["proofs/good.py::holds"], 1),
        (["proofs"], 1),
        (["-k", "holds"], 1),
        (["--jaxgrad-proofs=proofs/good.py", "--jaxgrad-proofs=proofs", "test_own.py"], 2),
    ],
)
def test_ini_option_adds_to_a_run_that_names_nothing(project, arguments, passed):
    ini = "jaxgrad_proofs = proofs\ntestpaths = test_own.py"
    done = project(*arguments, ini=ini)
    assert done.parseoutcomes()["passed"] == passed


@pytest.mark.parametrize("mode", ["prepend", "importlib"])
def test_same_file_name_in_two_folders(project, pytester, mode):
    for folder in ("one", "two"):
        path = pytester.mkdir(folder) / "good.py"
        path.write_text(HEADER + dedent(PROOFS["good"]))
    options = ["--jaxgrad-proofs=one/good.py", "--jaxgrad-proofs=two/good.py"]
    project(f"--import-mode={mode}", *options).assert_outcomes(passed=2)


def test_missing_path_is_a_usage_error(project):
    done = project("--jaxgrad-proofs=nowhere")
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*nowhere*"])


def test_under_several_workers(project):
    pytest.importorskip("xdist")
    done = project("-n", "2", "--jaxgrad-proofs=proofs", proofs=("good", "bad"), process=True)
    done.assert_outcomes(passed=1, failed=3)
    done.stdout.fnmatch_lines(["*REFUTED, expected PROVED: 1 != 2*"])


def test_marker_is_registered(project, pytester):
    body = "import pytest\n@pytest.mark.exhaustive\ndef test_all(): pass\n"
    pytester.makepyfile(test_marked=body)
    done = project("--strict-markers", "-m", "not exhaustive")
    done.assert_outcomes(passed=1, deselected=1)


def test_the_fixture_is_the_package(project, pytester):
    body = "import jaxgrad as it\ndef test_it(jaxgrad): assert jaxgrad is it\n"
    pytester.makepyfile(test_fixture=body)
    project("test_fixture.py").assert_outcomes(passed=1)


def test_the_plugin_imports_nothing_heavy(pytester, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    code = (
        "import sys; import pytest; before = set(sys.modules); import jaxgrad.claims.pytest_plugin;"
        "print(sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    done = pytester.run(sys.executable, "-c", code)
    loaded = set(eval(done.outlines[0]))
    assert not loaded & {"jax", "numpy", "flint", "rich", "hypothesis"}


def test_what_pytest_raises_in_a_claim_is_its_own_and_anything_else_a_failure(project, pytester):
    body = """\
        import pytest

        @claim("it is skipped")
        def skipped(): pytest.skip("not here")

        @claim("it ends")
        def ends(): raise GeneratorExit
    """
    pytester.makepyfile(odd=HEADER + dedent(body))
    done = project("--jaxgrad-proofs", "odd.py", "odd.py", "-rs")
    done.assert_outcomes(skipped=1, failed=1)
    done.stdout.fnmatch_lines(["*the claim raised*", "*GeneratorExit*", "*not here*"])


def test_a_claim_that_cannot_be_declared_fails_and_the_others_run(project, pytester):
    body = (
        "@claim('s')\ndef bad(n): return n\n@claim('s')\ndef good(): return said(Verdict.PROVED)\n"
    )
    pytester.makepyfile(partly=HEADER + body)
    done = project("--jaxgrad-proofs", "partly.py", "partly.py")
    done.assert_outcomes(passed=1, failed=1)
    done.stdout.fnmatch_lines(["*cannot be declared*", "*n has no default*"])


def test_claims_on_a_function_of_a_helper_and_helpers_imported_late(project, pytester):
    pytester.makepyfile(_lib=HEADER + "LATE = 1\ndef shared(): return said(Verdict.PROVED)\n")
    body = """\
        from _lib import shared
        claim("first")(shared)
        claim("second", expect=Verdict.REFUTED)(shared)

        @claim("late")
        def late():
            from _lib import LATE
            return said(Verdict.PROVED if LATE == 1 else Verdict.REFUTED)
    """
    pytester.makepyfile(user=HEADER + dedent(body))
    done = project("--jaxgrad-proofs", "user.py", "user.py", "-v")
    done.assert_outcomes(passed=2, failed=1)
    done.stdout.fnmatch_lines(["*user.py::shared PASSED*", "*user.py::shared?2? FAILED*"])


@pytest.mark.parametrize("named", ["own/user.py", "own"])
def test_an_imported_claim_is_an_item_once(project, pytester, named):
    folder = pytester.mkdir("own")
    (folder / "base.py").write_text(HEADER + dedent(PROOFS["good"]))
    own = "from base import holds\n@claim('s')\ndef own(): return said(Verdict.PROVED)\n"
    (folder / "user.py").write_text(HEADER + own)
    project(f"--jaxgrad-proofs={named}", named).assert_outcomes(passed=2)


CHECKED = """\
import jaxgrad, numpy, jax.numpy as jnp

def test_text():
    found = jaxgrad.check(jnp.sin, (numpy.float32(0.5),))
    assert ("not reached in 0 CPU s" in found.evidence.text) is {missed}
"""


@pytest.mark.parametrize(
    "options, ini, missed",
    [((), "", False), (("--jaxgrad-budget", "0"), "", True), ((), "jaxgrad_budget = 0", True)],
)
def test_a_run_has_a_budget(project, pytester, options, ini, missed):
    pytester.makepyfile(test_checked=CHECKED.format(missed=missed))
    done = project("test_checked.py", *options, ini=ini)
    done.assert_outcomes(passed=1)


def test_a_budget_that_is_no_number_is_a_usage_error(project):
    done = project("--jaxgrad-budget", "long", process=True)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    done.stderr.fnmatch_lines(["*jaxgrad_budget is 'long'; it is a number of CPU seconds, or inf"])


ASSERTED = """
import jax, jaxgrad

@jax.custom_vjp
def square(x):
    return x * x

square.defvjp(lambda x: (x * x, x), lambda x, g: (6 * g * x,))

def test_direct():
    assert jaxgrad.check(square, (1.5,))

def test_named():
    result = jaxgrad.check(square, (1.5,))
    assert result.verdict.passes

def test_right():
    result = jaxgrad.check(jax.numpy.sin, (1.5,))
    assert result and result.verdict.passes
    assert 1 == 2
"""


def test_what_was_asserted_of_a_result_is_said_in_full(project, pytester):
    pytester.makepyfile(test_asserted=ASSERTED)
    found = project("test_asserted.py")
    found.assert_outcomes(failed=3)
    text = found.stdout.str()
    assert text.count("- jaxgrad: GradientCheck -") == 2
    assert text.count("they give 3 times the derivative, at 3 points of 3") == 2
    assert text.count('print(got, "should be 3.00000000000")') == 2
