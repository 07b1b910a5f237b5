"""The survey of what is covered: what it finds, what it checks, and the page it writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb

from jaxgrad.claims import cli
from jaxgrad.claims.coverage import survey as coverage
from jaxgrad.claims.coverage.recipe import Recipe
from jaxgrad.claims.coverage.recipes import MODULES, recipes
from jaxgrad.claims.coverage.runs import PROGRAMS, SYSTEMS
from jaxgrad.claims.coverage.survey import survey
from jaxgrad.claims.report.coverage_table import render
from jaxgrad.interpret.rules import RULES
from jaxgrad.numbers.ball import Ball

PAGE = Path(__file__).parents[1] / "docs" / "coverage.md"
COVERED = (
    "jax.nn.gelu",
    "jax.numpy.hypot",
    "jax.numpy.linalg.norm",
    "jax.scipy.special.gammaln",
    "jax.lax.cumsum",
)


@pytest.fixture(scope="module")
def covered() -> coverage.Survey:
    return survey(COVERED)


def test_functions_that_are_covered(covered: coverage.Survey) -> None:
    assert {f"{row.module}.{row.name}" for row in covered.rows} == set(COVERED)
    for row in covered.rows:
        assert row.missing == {(p, s): "" for p in PROGRAMS for s in SYSTEMS}, row
    assert covered.disagreements == []


def test_what_is_missing_is_named() -> None:
    (row,) = survey(["jax.numpy.sort"]).rows
    assert row.missing["primal", "Ball"] == "" and row.missing["jvp", "Polynomial"] == "sort"
    (row,) = survey(["jax.lax.zeta"]).rows
    assert row.missing["primal", "Germ"] == "" and row.missing["jvp", ""].startswith("JAX: ")


def test_where_jax_has_no_number_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def flawed(x: Any) -> Any:
        return jnp.where(x > 0, x, jnp.sqrt(0 * x))  # the slope of the root, not selected, is ∞

    recipe = Recipe(flawed, (np.ones(2),))
    monkeypatch.setattr(coverage, "recipes", lambda module: [("flawed", recipe)])
    row = survey(["jax.nn.flawed"]).rows[0]
    assert row.missing["primal", "Ball"] == ""
    assert row.missing["jvp", "Ball"] == "" and row.missing["vjp", "Ball"] == "JAX: no number"


def test_functions_that_are_no_maps_are_classed() -> None:
    (row,) = survey(["jax.numpy.signbit"]).rows
    assert row.instead == "boolean" and not row.missing


def test_a_wrong_rule_is_noticed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Ball, "tanh", lambda self, x: x.tanh() + arb(2) ** -20)
    found = survey(["jax.numpy.tanh"])
    assert len(found.disagreements) == 4 * len(PROGRAMS)
    assert found.disagreements[0].startswith("jax.numpy.tanh, primal, output 0: balls [0.635")
    assert cli.main(["coverage", "jax.numpy.tanh"]) == 1
    assert "jax.numpy.tanh, vjp, output 0" in capsys.readouterr().err


def test_a_missing_rule_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(RULES, "sin")
    found = survey(["jax.numpy.sin"])
    assert set(found.rows[0].missing.values()) == {"sin"}
    assert all("sin" in found.stopped[system] for system in SYSTEMS)
    assert "| `sin` | no | no | no |" in render(found)


def test_an_unknown_value_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ball, "exp", lambda self, x: arb.nan())
    (row,) = survey(["jax.numpy.exp"]).rows
    assert row.missing["primal", "Ball"] == "exp: no value"
    assert row.missing["primal", "Germ"] == ""


# -- the command and its page ----------------------------------------------------------------------
def test_the_command_writes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "coverage.md"
    assert cli.main(["coverage", "jax.numpy.sin", "jax.lax.sort", "--output", str(target)]) == 0
    page = target.read_text(encoding="utf-8")
    assert "| `jax.numpy.sin` | BGP | BGP | BGP | 4 + 4 + 4 |  |" in page
    assert "| `jax.lax.sort` | BG· | BG· | BG· | 4 + 4 + 4 | P: sort |" in page
    assert cli.main(["coverage", "jax.numpy.sin", "jax.lax.sort"]) == 0
    assert capsys.readouterr().out == page


def test_the_command_refuses_unknown_functions(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["coverage", "jax.numpy.sine"]) == 2
    assert "jax.numpy.sine: no public function" in capsys.readouterr().err


def test_the_command_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["coverage", "jax.lax.sort", "jax.numpy.signbit", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    bits, sort = found["functions"]
    assert bits == {"name": "jax.numpy.signbit", "instead": "boolean"}
    assert sort["programs"]["vjp"]["systems"] == {"Ball": "", "Germ": "", "Polynomial": "sort"}
    assert sort["programs"]["vjp"]["compared"] == 4
    assert found["primitives"]["Polynomial"]["stopped"] == ["sort"]


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        (lambda page: page, 0, ""),
        (lambda page: page.replace("BGP", "B·P"), 1, "is stale; write it anew: jaxgrad coverage"),
        (lambda page: page.replace("jax 0", "jax 9"), 3, "with other versions, here it is jax 0."),
    ],
)
def test_a_page_that_is_stale_is_noticed(
    change: Callable[[str], str],
    code: int,
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(coverage, "MODULES", {"jax.scipy.integrate": None})
    target = tmp_path / "page.md"
    assert cli.main(["coverage", "--output", str(target)]) == 0
    target.write_text(change(target.read_text(encoding="utf-8")), encoding="utf-8")
    assert cli.main(["coverage", "--check", str(target)]) == code
    said = capsys.readouterr()
    assert text in said.err
    assert ("+| `jax.scipy.integrate.trapezoid` | BGP | " in said.out) is (code == 1)


def test_there_is_a_page_to_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["coverage", "--check", str(tmp_path / "page.md")]) == 2
    assert "page.md: No such file or directory; write it with --output" in capsys.readouterr().err
    assert cli.main(["coverage", "jax.numpy.sin", "--check", str(PAGE)]) == 2
    assert "leave the names of functions out" in capsys.readouterr().err


def test_one_name_stands_for_all_ways_of_a_call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ways = [(f"f(order={k})", Recipe(lambda x, k=k: k * x, (np.ones(1),))) for k in (1, 2)]
    monkeypatch.setattr(coverage, "MODULES", {"jax.ways": None})
    monkeypatch.setattr(coverage, "recipes", lambda module: ways)
    assert [row.name for row in survey(["jax.ways.f"]).rows] == ["f(order=1)", "f(order=2)"]
    assert cli.main(["coverage", "jax.ways.f"]) == 0
    assert cli.main(["coverage", "jax.ways.f(order=2)"]) == 0
    assert capsys.readouterr().out.count("| `jax.ways.f(order=2)` | BGP | ") == 2


def test_methods_are_functions_by_themselves() -> None:
    names = [name for name, _ in recipes("jax.image")]
    assert len(names) == 9 and 'resize(method="nearest")' in names and "resize" not in names


@pytest.mark.parametrize("name", ["pareto", "gamma"])
def test_samplers_are_functions_of_their_parameters(name: str) -> None:
    (row,) = survey([f"jax.random.{name}"]).rows
    reason = "random_gamma" if name == "gamma" else ""  # of which a rule would be wrong
    assert row.missing == {(p, s): reason for p in PROGRAMS for s in SYSTEMS}
    assert row.compared.get("vjp", 0) == (0 if reason else 4)


def test_what_has_no_digits_is_not_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Ball, "tanh", lambda self, x: arb(0, 1))
    (row,) = survey(["jax.numpy.tanh"]).rows
    assert row.compared["primal"] == 0 and row.disagreements == []


def _is_known(module: str) -> list[str]:
    return [name for name, recipe in recipes(module) if recipe == "?"]


@pytest.mark.parametrize("module", MODULES)
def test_every_public_function_has_a_recipe_or_a_class(module: str) -> None:
    assert _is_known(module) == []
    assert any(isinstance(recipe, Recipe) for _, recipe in recipes(module))


def test_the_page_in_the_documentation_names_every_primitive() -> None:
    page = PAGE.read_text(encoding="utf-8")
    absent: list[Any] = [name for name in RULES if f"| `{name}` |" not in page]
    assert absent == [], "write the page anew: jaxgrad coverage --output docs/coverage.md"


def test_no_function_in_the_documentation_is_left_without_a_system() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in COVERED:
        assert f"| `{name}` | BGP | BGP | BGP | " in page
