"""The survey of what is covered: what it finds, what it checks, and the page it writes."""

from __future__ import annotations

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
    assert "| `jax.numpy.sin` | BGP | BGP | BGP |  |" in page
    assert "| `jax.lax.sort` | BG· | BG· | BG· | P: sort |" in page
    assert cli.main(["coverage", "jax.numpy.sin", "jax.lax.sort"]) == 0
    assert capsys.readouterr().out == page


def test_the_command_refuses_unknown_functions(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["coverage", "jax.numpy.sine"]) == 2
    assert "jax.numpy.sine: no public function" in capsys.readouterr().err


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
        assert f"| `{name}` | BGP | BGP | BGP |  |" in page
