"""Whatever has a verdict is as true as the verdict: `assert result` asks what it seems to ask."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from flint import arb

import jaxgrad
from jaxgrad.claims.claim import ClaimResult
from jaxgrad.claims.report.json_report import result_object
from jaxgrad.evidence.decide import decide
from jaxgrad.evidence.enclose import enclose
from jaxgrad.evidence.frequency import frequency
from jaxgrad.evidence.supremum import supremum
from jaxgrad.gradients.outcome import GradientCheck, LeafResult, RuleResult
from jaxgrad.verdict import Evidence, Verdict, undecided

PASSING = {"PROVED", "PROBABLE", "AGREES"}


@pytest.mark.parametrize("verdict", Verdict)
def test_a_verdict_is_true_where_it_passes(verdict: Verdict) -> None:
    evidence = Evidence(verdict, "kind", "text")
    expected = verdict.name in PASSING
    assert verdict.passes is expected
    for outcome in (
        verdict,
        evidence,
        LeafResult("", (), verdict),
        RuleResult("x", verdict),
        GradientCheck(verdict, (), evidence),
    ):
        assert bool(outcome) is expected, type(outcome)


def hump(claimed: tuple[str, str]) -> Any:
    return supremum(lambda x: x * (1 - x), (0, 1), outside_bounds={}, claimed=claimed)


# A check that passes, and one that differs from it by a planted error.
PAIRS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "compare": (
        lambda: jaxgrad.compare(jnp.cos, jax.grad(jnp.sin), 0.5),
        lambda: jaxgrad.compare(lambda x: x, jax.grad(jnp.sin), 0.5),
    ),
    "sweep": (
        lambda: jaxgrad.sweep(jnp.sin, jnp.float8_e4m3fn, lambda x, y: y <= 1),
        lambda: jaxgrad.sweep(jnp.sin, jnp.float8_e4m3fn, lambda x, y: y < 1),
    ),
    "decide": (lambda: decide(lambda x: x * x >= 0), lambda: decide(lambda x: x * x > 0)),
    "enclose": (
        lambda: enclose(arb.pi, claimed=("3.14", "3.15")),
        lambda: enclose(arb.pi, claimed=("3.15", "3.16")),
    ),
    "supremum": (lambda: hump(("0.2", "0.3")), lambda: hump(("0.3", "0.4"))),
    "frequency": (
        lambda: frequency(jax.random.bernoulli, jax.random.key(0), 100, bound=lambda: arb(1)),
        lambda: frequency(jax.random.bernoulli, jax.random.key(0), 100, bound=lambda: arb(0)),
    ),
}


@pytest.mark.parametrize("right, wrong", PAIRS.values(), ids=PAIRS)
def test_what_does_not_pass_is_false(right: Any, wrong: Any) -> None:
    assert right()
    assert not wrong()


@pytest.mark.parametrize("verdict", Verdict)
def test_a_report_tells_a_verdict_that_does_not_pass_from_an_error(verdict: Verdict) -> None:
    evidence = Evidence(verdict, "kind", "text", {"x": ("1", "2")}, "code", ("Arb",))
    told = result_object(ClaimResult("id", "", Path("p.py"), 0.0, None, evidence, None))
    assert (told["verdict"], told["evidence"], told["kind"]) == (verdict.name, "text", "kind")
    assert (told["enclosures"], told["trusts"]) == ({"x": ["1", "2"]}, ["Arb"])
    assert told["counterexample"] == "code"
    raised = result_object(ClaimResult("id", "", Path("p.py"), 0.0, None, None, "raised"))
    assert raised["verdict"] is None and raised["evidence"] is None and raised["trusts"] == []
    assert raised.keys() == told.keys()


def test_an_undecided_question_is_said_once_and_a_counterexample_stands_by_itself():
    assert str(undecided("the box is too large")) == "UNDECIDED: the box is too large."
    shown = Evidence(Verdict.REFUTED, "decision", "x > 1 fails", counterexample="x = 0")
    said = "REFUTED: x > 1 fails\n\nTo see it:\n\nx = 0"
    assert str(shown) == said and repr(shown).startswith("Evidence(")
