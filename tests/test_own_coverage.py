"""What is said of a function of the caller's own: its primitives, rules, programs and verdicts."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import Primitive

from jaxgrad.claims import cli
from jaxgrad.claims.coverage.own_function import OwnFunction, look_at
from jaxgrad.claims.coverage.runs import SYSTEMS
from jaxgrad.claims.report.function_json import RUNS_ALL, verdicts
from jaxgrad.errors import ArgumentError, NonFiniteInput
from jaxgrad.interpret.rules import RULES
from jaxgrad.programs.meanings import MEANINGS, Meaning

MODULE = """\
    import jax
    import jax.numpy as jnp
    from jax.extend.core import Primitive

    gap = Primitive("gap")
    gap.def_abstract_eval(lambda x: x)

    @jax.custom_jvp
    def twice(x):
        return 2 * x

    @twice.defjvp
    def twice_jvp(primals, tangents):
        return twice(*primals), 2 * tangents[0]

    def covered(x, n):
        return jnp.sin(twice(x)) * n

    def uncovered(x):
        return jnp.cos(gap.bind(x))

    def raises(x):
        raise ValueError("not this one")

    point = jnp.array([0.5, 1.5])
"""
_LINE = MODULE[: MODULE.index("raise ")].count("\n") + 1
RAISED = f"raised ValueError at covered_model.py:{_LINE}: not this one"


@pytest.fixture(autouse=True)
def _in_a_folder_with_the_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "covered_model.py").write_text(dedent(MODULE), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))  # put back after the test, whatever was appended
    monkeypatch.setenv("COLUMNS", "100")
    yield
    cli.sys.modules.pop("covered_model", None)


def _primitive(name: str, implementation: Callable[..., Any] | None = None) -> Primitive:
    primitive = Primitive(name)
    primitive.def_abstract_eval(lambda x: x)
    if implementation is not None:
        primitive.def_impl(implementation)
    return primitive


def _use(found: OwnFunction, name: str) -> Any:
    return next(use for use in found.primitives if use.name == name)


# -- what is found ---------------------------------------------------------------------------------
def test_a_primitive_without_a_rule_is_listed_though_another_stops_before_it() -> None:
    first, second = _primitive("gap_one"), _primitive("gap_two")
    found = look_at(lambda x: second.bind(jnp.sin(first.bind(x))), (np.float32(0.5),))
    assert [use.name for use in found.without_rule] == ["gap_one", "gap_two"]
    assert _use(found, "gap_one").systems == dict.fromkeys(SYSTEMS, "stops")
    assert _use(found, "gap_two").systems == dict.fromkeys(SYSTEMS, "not reached")
    assert _use(found, "sin").reading.text == "rules/elementwise.py"
    assert not found.is_covered
    assert all(
        v.startswith("UNDECIDED: primal stops at `gap_one`") for v in verdicts(found).values()
    )


def test_with_a_rule_of_the_callers_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    gap = _primitive("gap_three")
    meaning = Meaning(lambda x: x * x, frozenset(), ())
    monkeypatch.setitem(MEANINGS, "gap_three", meaning)
    found = look_at(gap.bind, (np.float32(0.5),))
    assert _use(found, "gap_three").reading.kind == "own rule"
    assert _use(found, "gap_three").reading.text.startswith("test_own_coverage.py:")
    assert found.without_rule == [] and found.stops("Polynomial") == {}


def test_what_is_read_as_its_implementation_is_said() -> None:
    found = look_at(_primitive("doubled", lambda x: x + x).bind, (np.float32(0.5),))
    assert _use(found, "doubled").reading.kind == "lowering"
    assert set(found.without) == {"jvp", "vjp"}, "JAX knows no derivative of it"
    assert found.is_covered


def test_a_rule_that_does_not_know_a_parameter_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    known = dataclasses.replace(RULES["reduce_sum"], reads=frozenset())
    monkeypatch.setitem(RULES, "reduce_sum", known)
    (use,) = look_at(jnp.sum, (np.ones(2, np.float32),)).without_rule
    assert use.name == "reduce_sum" and "axes=(0,), of which its rule takes" in use.reading.text


def test_custom_rules_are_listed_with_file_and_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import covered_model  # pyright: ignore[reportMissingImports]

    found = look_at(lambda x: covered_model.twice(covered_model.twice(x)), (np.float32(0.5),))
    (rule,) = found.rules
    assert (rule.function, rule.kind, rule.calls) == ("twice", "custom_jvp", 2)
    assert rule.place == "covered_model.py:8"
    (rule,) = look_at(jax.nn.relu, (np.float32(0.5),)).rules
    assert rule.function == "relu" and rule.place.startswith("jax/_src/nn/functions.py:")


def test_what_rounding_does_not_explain_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    found = look_at(jnp.sin, (np.ones(3, np.float32),))
    assert found.compared == {"primal": 3, "jvp": 3, "vjp": 3} and found.disagreements == []
    monkeypatch.setitem(RULES, "sin", RULES["tanh"])
    found = look_at(jnp.sin, (np.ones(3, np.float32),))
    assert found.compared == {"primal": 0, "jvp": 3, "vjp": 3}
    assert "is read as" in found.disagreements[0] and len(found.disagreements) == 1


def test_what_takes_too_long_is_given_up() -> None:
    found = look_at(lambda x: jax.lax.fori_loop(0, 9999, lambda _, y: jnp.sin(y), x), (0.5,),
                    seconds=0.01)  # fmt: skip
    assert found.runs["primal", "Ball"].reason == "budget"
    assert verdicts(found)["Ball"].startswith("UNDECIDED: primal, jvp, vjp stop")
    assert "0.01 CPU s are not enough" in verdicts(found)["Ball"]


def test_integers_are_held_and_complex_numbers_are_two() -> None:
    found = look_at(lambda z, n: abs(z) * n, (np.complex64(3 + 4j), 2))
    assert [leaf.path for leaf in found.inputs] == ["z.real", "z.imag"] and found.held == ["n"]
    assert set(verdicts(found).values()) == {RUNS_ALL}


def test_a_function_of_no_number() -> None:
    with pytest.raises(ArgumentError, match="no argument is floating point"):
        look_at(jnp.sin, (1,))
    with pytest.raises(NonFiniteInput, match="argument x holds NaN or an infinity"):
        look_at(jnp.sin, (np.inf,))


# -- the command -----------------------------------------------------------------------------------
def test_the_command_shows_a_covered_function(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["coverage", "covered_model:covered", "--args", "point, 3"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("covered_model:covered with respect to x[2], with n held fixed\n")
    lines = [line.split() for line in out.splitlines()]
    assert ["cos", "2", "runs", "runs", "runs", "rule", "in", "elementwise.py"] in lines
    assert ["twice", "custom_jvp", "1", "covered_model.py:8"] in lines
    assert ["vjp", "runs", "runs", "runs", "2", "numbers"] in lines
    assert out.endswith("Polynomial (PROVED): runs all\n")


def test_the_command_names_a_gap(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["coverage", "covered_model:uncovered", "--args", "point"]) == 3
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    assert ["gap", "1", "stops", "stops", "stops", "no", "rule"] in lines
    assert "`gap`: the primitive `gap` has no rule" in out
    assert (
        "Ball (REFUTED, AGREES): UNDECIDED: primal stops at `gap`, covered_model.py:20: it" in out
    )


def test_the_command_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["coverage", "covered_model:uncovered", "--args", "point", "--json"]
    assert cli.main(command) == 3
    found = json.loads(capsys.readouterr().out)
    assert found["inputs"] == [{"path": "x", "shape": [2], "dtype": "float32"}]
    gap = found["primitives"][1]
    assert gap["name"] == "gap" and gap["read_as"] == "none" and gap["systems"]["Germ"] == "stops"
    assert found["programs"]["primal"]["systems"]["Ball"]["line"] == "covered_model.py:20"
    assert "not implemented" in found["programs"]["vjp"]["without"]
    assert found["versions"]["jax"] == jax.__version__


def test_a_disagreement_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(RULES, "sin", RULES["tanh"])
    assert cli.main(["coverage", "covered_model:covered", "--args", "point, 3"]) == 1
    assert "JAX disagrees: primal[0] is " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("nowhere:f --args 1.0", "FUNCTION 'nowhere:f' cannot be imported: ModuleNotFoundError"),
        ("covered_model:no --args 1.0", "has no attribute 'no'"),
        ("covered_model:point --args 1.0", "not a function"),
        ("covered_model.covered", "one of your own as module:function"),
        (
            "covered_model:covered",
            "covered_model:covered(x, n) is looked at where it is called; give",
        ),
        (
            "covered_model:covered --args z",
            "--args 'z' raised NameError: name 'z' is not defined; ",
        ),
        ("covered_model:covered --args 1.0,", "covered() missing 1 required positional argument"),
        ("covered_model:raises --args 1.0", f"(x) {RAISED}; it was called with --args '1.0'"),
        ("covered_model:raises --args 1", RAISED),
        ("covered_model:covered jax.numpy.sin --args 1.0", "is looked at by itself; give no other"),
        ("covered_model:covered --args 1.0 --output page", "--output and --check are for the page"),
        ("jax.numpy.sin --args 1.0", "--args is for a function of your own, which is written mod"),
        (
            "math:sin --args 1.0",
            "math:sin: f cannot be traced by JAX: it asks for the values of its",
        ),
    ],
)
def test_the_command_names_what_is_wrong(
    arguments: str, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["coverage", *arguments.split()]) == 2
    assert text in capsys.readouterr().err
