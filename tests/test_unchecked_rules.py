"""What ``jaxgrad rules --check`` says of rules that it could not check, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from jaxgrad.claims import child_processes
from jaxgrad.claims.cli import main
from jaxgrad.claims.exit_codes import Exit
from jaxgrad.claims.found_rule import FoundRule
from jaxgrad.claims.rules_run import RulesRun

_Outcome = tuple[FoundRule, dict[str, Any]]
RULE = FoundRule("custom_vjp", "k:f", "k.py", 3)
PROVED: _Outcome = (RULE, {"verdict": "PROVED", "text": "PROVED: yes"})
REFUTED: _Outcome = (RULE, {"verdict": "REFUTED", "text": "REFUTED: no"})
UNDECIDED: _Outcome = (RULE, {"verdict": "UNDECIDED", "text": "UNDECIDED: why"})
RAISED: _Outcome = (RULE, {"verdict": None, "text": "it raised TypeError"})
MALFORMED: _Outcome = (RULE, {"verdict": None, "malformed": True, "text": "bwd returns 1"})
NO_RULE: _Outcome = (replace(RULE, missing=True), {})
MADE: _Outcome = (replace(RULE, inside=True), {})
UNSUITED: _Outcome = (RULE, {})
LEFT_OUT: _Outcome = (RULE, {"left_out": True})
Run = Callable[..., int]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command, of rules that come to what is told."""

    def run(*outcomes: _Outcome, failures: Any = (), more: tuple[str, ...] = ("--check",)) -> int:
        def supervise(tasks: list[RulesRun], **_: object) -> Iterator[RulesRun]:
            rules = [asdict(rule) for rule, _ in outcomes]
            tasks[0].receive({"declared": rules, "modules": 2, "failures": failures})
            for number, (_rule, checked) in enumerate(outcomes):
                tasks[0].receive({"ends": number, "checked": checked})
            yield tasks[0]

        monkeypatch.setattr(child_processes, "supervise", supervise)
        return main(["rules", "k", *more])

    return run


@pytest.mark.parametrize(
    ("outcome", "code", "said"),
    [
        (PROVED, Exit.ALL_EXPECTED, "checked: 1 PROVED\n1 custom rule in 2 modules of k\n"),
        (REFUTED, Exit.NOT_EXPECTED, "checked: 1 REFUTED\n1 custom rule"),
        (UNDECIDED, Exit.UNDECIDED, "checked: 1 UNDECIDED\n1 custom rule"),
        (RAISED, Exit.NOT_EXPECTED, "checked: none\nnot checked: 1 failed\n"),
        (MALFORMED, Exit.NOT_EXPECTED, "    malformed: bwd returns 1\nchecked: none\nnot checked:"),
        (NO_RULE, Exit.NOT_EXPECTED, "not checked: 1 without a rule\n"),
        (MADE, Exit.UNDECIDED, "not checked: 1 made where a function is called\n"),
        (UNSUITED, Exit.UNDECIDED, "not checked: 1 without arguments that suit\n"),
        (LEFT_OUT, Exit.ALL_EXPECTED, "    left out, by --skip\nchecked: none\nnot checked: 1 le"),
    ],
)
def test_what_is_not_checked_is_counted_and_has_its_code(
    run: Run, capsys: pytest.CaptureFixture[str], outcome: _Outcome, code: int, said: str
) -> None:
    assert run(outcome) == code
    assert said in capsys.readouterr().out
    assert run(outcome, PROVED) == code  # what passes hides nothing
    assert run(outcome, REFUTED) == Exit.NOT_EXPECTED  # and what is wrong comes first
    if not outcome[1]:  # where nothing is checked everything was looked at
        assert run(outcome, more=()) == Exit.ALL_EXPECTED


def test_all_is_counted_in_one_line(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(NO_RULE, PROVED, UNSUITED, UNSUITED, LEFT_OUT, UNDECIDED) == Exit.NOT_EXPECTED
    assert capsys.readouterr().out.splitlines()[-3:] == [
        "checked: 1 PROVED, 1 UNDECIDED",
        "not checked: 1 without a rule, 2 without arguments that suit, 1 left out",
        "6 custom rules in 2 modules of k",
    ]


def test_a_module_that_cannot_be_imported_leaves_the_check_open(
    run: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    failures = [("k.gone", "ModuleNotFoundError: no x")]
    assert run(PROVED, failures=failures) == Exit.UNDECIDED
    out, err = capsys.readouterr()
    assert out.endswith("1 custom rule in 2 modules of k; 1 more cannot be imported\n")
    assert "::error title=jaxgrad%3A k.gone cannot be imported::ModuleNotFoundError: no x" in err
    assert run(PROVED, REFUTED, failures=failures) == Exit.NOT_EXPECTED
    assert run(failures=failures, more=()) == Exit.ALL_EXPECTED


@pytest.mark.parametrize(
    ("outcome", "title"),
    [
        (NO_RULE, "has no rule::it has no rule yet: f.defvjp(forward, backward) defines one"),
        (UNSUITED, "was not checked::at arguments of your own, since none that were tried suit"),
        (MADE, "was not checked::made where f is called; check that"),
        (MALFORMED, "is malformed::bwd returns 1"),
    ],
)
def test_it_is_shown_beside_the_line(
    run: Run,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    outcome: _Outcome,
    title: str,
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    run(outcome, PROVED, LEFT_OUT)
    [shown] = [x for x in capsys.readouterr().err.splitlines() if x.startswith("::")]
    assert shown.startswith(f"::error file=k.py,line=3,title=jaxgrad%3A k%3Af {title}")
    if not outcome[1]:
        run(outcome, more=())
        assert "::error" not in capsys.readouterr().err


def test_one_object_has_them_all(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    run(NO_RULE, UNSUITED, PROVED, LEFT_OUT, more=("--check", "--json"))
    first, second, third, last = json.loads(capsys.readouterr().out)["rules"]
    assert first["verdict"] is None and first["text"].startswith("it has no rule yet")
    assert second["verdict"] is None and "none that were tried suit it" in second["text"]
    assert third["verdict"] == "PROVED" and "verdict" not in last and last["left_out"]


# -- what a project says of its rules --------------------------------------------------------------
_LOSSES = """\
import jax, jax.numpy as jnp

def rule(f, factor):
    made = jax.custom_jvp(f)
    made.defjvp(lambda x, t: (f(*x), f(factor / 2 * t[0])))
    return made

right = rule(lambda x: 2 * x, 2)
wrong = rule(lambda x: 2 * x, 3)
long = rule(lambda x: 2 * x.reshape(7, 1), 2)
again = wrong

def makes(x, scale):
    return rule(lambda x: 2 * scale * x, 2 * scale)(x)
"""
_PROJECT = """\
[tool.jaxgrad.rules]
skip = ["own.again", "own.losses:wrong", "own.gone", "own.losses:rule"]
[tool.jaxgrad.rules.arguments]
"own.losses:right" = ["jnp.array([0.5, 2.0])"]
"own.losses:long" = "f32[7]"
"own.losses:nothing" = [1, 2.5]
"other:f" = "f32[7]"
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "own").mkdir()
    for name, text in {"__init__": "", "losses": _LOSSES, "gone": "raise OSError('no')"}.items():
        (tmp_path / "own" / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.slow
def test_a_project_leaves_rules_out_and_has_arguments(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rules", "own", "--check"]) == Exit.NOT_EXPECTED
    out, err = capsys.readouterr()
    assert "own.losses:again  custom_jvp, losses.py:9" in out and "REFUTED" in out
    assert "1 made where a function is called" in out and "own.gone cannot be imported" in err
    (project / "pyproject.toml").write_text(_PROJECT, encoding="utf-8")
    assert main(["rules", "own", "--check"]) == Exit.ALL_EXPECTED
    out, err = capsys.readouterr()
    assert "jaxgrad check own.losses:right 'jnp.array([0.5, 2.0])'\n    PROVED" in out
    assert "jaxgrad check own.losses:long 'f32[7]'\n    PROVED" in out
    assert "checked: 2 PROVED\nnot checked: 2 left out\n" in out
    assert "own.losses:nothing, own.again" not in err and "cannot be imported" not in err
    assert "jaxgrad: own.again, own.losses:nothing, of --skip or --arguments, names no rule" in err
    # What the command line says replaces it.
    assert main(["rules", "own", "--check", "--skip", "own"]) == Exit.ALL_EXPECTED
    assert "checked: none\n0 custom rules in 0 modules of own" in capsys.readouterr().out


@pytest.mark.slow
def test_a_function_that_makes_a_rule_is_checked_at_arguments_of_ones_own(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = json.dumps({"own.losses:rule": ["jnp.sin", 1], "own.losses:long": ["f32[8]"]})
    more = ("--skip", "own.gone", "--arguments", arguments)
    assert main(["rules", "own", "--check", "--json", *more]) == Exit.NOT_EXPECTED
    rules = json.loads(capsys.readouterr().out)["rules"]
    told = {rule["name"].partition(":")[2]: rule for rule in rules}
    assert told["rule"]["arguments"] == ["jnp.sin", "1"] and told["rule"]["text"]
    assert told["long"]["verdict"] is None and "it raised TypeError" in told["long"]["text"]
    assert "drawn" not in told["long"]["text"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('arguments = {f = ["1"]}', "'f' has [\"1\"], and has to be MODULE:FUNCTION"),
        ('arguments = {"k:f" = [[1]]}', "'k:f' has [[1]], and has to be MODULE:FUNCTION with a"),
        ('arguments = {"k:f" = []}', "'k:f' has [], and has to be MODULE:FUNCTION with a list"),
        ('arguments = ["k:f"]', "it is no JSON: "),
        ("skip = {a = 1}", "the option skip of [tool.jaxgrad] is {'a': 1}"),
    ],
)
def test_a_table_that_cannot_be_meant_names_its_file(
    project: Path, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    (project / "pyproject.toml").write_text(f"[tool.jaxgrad.rules]\n{text}\n", encoding="utf-8")
    assert main(["rules", "own"]) == Exit.USAGE
    err = capsys.readouterr().err
    assert said in err and str(project / "pyproject.toml") in err
