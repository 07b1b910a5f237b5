"""Whoever is told that a gradient is wrong sees both numbers, and a few lines that print them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pasted_code import given_and_true

import jaxgrad
from jaxgrad.claims.claim import Claim
from jaxgrad.claims.pytest_plugin import _explained
from jaxgrad.claims.report.terminal import _fields
from jaxgrad.claims.running import run
from jaxgrad.errors import GradientMismatch
from jaxgrad.verdict import Verdict

MATRIX = np.arange(6, dtype=np.float32).reshape(2, 3)
VECTOR = np.array([0.5, 1.5, -2.0], np.float32)


def with_slope(factor: float) -> Any:
    """x ↦ sin x, with so many times its derivative in either mode."""
    sine = jax.custom_jvp(jnp.sin)
    sine.defjvp(lambda xs, ts: (sine(*xs), factor * jnp.cos(*xs) * ts[0]))
    return sine


def backward(factor: float) -> Any:
    sine = jax.custom_vjp(jnp.sin)
    sine.defvjp(lambda x: (sine(x), x), lambda x, g: (factor * jnp.cos(x) * g,))
    return sine


def _integral(sine: Any) -> Any:
    """x ↦ −cos x, whose derivative is right, and that of it not."""
    integral = jax.custom_vjp(lambda x: -jnp.cos(x))
    integral.defvjp(lambda x: (integral(x), x), lambda x, g: (sine(x) * g,))
    forward = jax.custom_jvp(lambda x: -jnp.cos(x))
    forward.defjvp(lambda xs, ts: (forward(*xs), sine(*xs) * ts[0]))
    return integral if isinstance(sine, jax.custom_vjp) else forward


FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...], Any]] = {
    "a number": (lambda sine: sine, (0.5,), {}),
    "a vector": (lambda sine: sine, (VECTOR,), {}),
    "a matrix": (lambda sine: sine, (MATRIX,), {}),
    "a sum": (lambda sine: lambda x: jnp.sum(sine(x)), (MATRIX,), {}),
    "two arguments": (lambda sine: lambda x, y: x @ sine(y), (MATRIX, VECTOR), {}),
    "an integer": (lambda sine: lambda n, x: n * sine(x), (3, VECTOR), {}),
    "order 2": (lambda sine: _integral(sine), (0.5,), {"order": 2}),
    "a special point": (lambda sine: lambda x: jnp.where(x == 1, sine(x), jnp.sin(x)), (0.5,), {}),
    "sizes": (lambda sine: sine, (0.5,), {"linear": False}),
}


@pytest.mark.parametrize(
    "rule, mode", [(with_slope, "fwd"), (with_slope, "rev"), (backward, "rev")]
)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_few_lines_print_what_the_rules_give_and_what_it_should_be(
    name: str, rule: Any, mode: str
) -> None:
    function, args, asked = FUNCTIONS[name]
    wrong, right = (function(rule(factor)) for factor in (2, 1))
    assert jaxgrad.check_grads(right, args, modes=mode, **asked)
    with pytest.raises(GradientMismatch) as caught:
        jaxgrad.check_grads(wrong, args, modes=mode, **asked)
    given, true = map(float, given_and_true(caught.value, f=wrong))
    assert given == pytest.approx(2 * true, rel=1e-5)
    assert float(given_and_true(caught.value, f=right)[0]) == pytest.approx(true, rel=1e-5)
    code = caught.value.check.counterexample
    assert code is not None and code.startswith("# with `f` in scope\n")
    by_hand = "an integer" if mode == "fwd" else ""
    assert len(code.splitlines()) <= 12 or name == by_hand


def test_trees_are_printed_in_more_lines() -> None:
    wrong = lambda tree: {"y": with_slope(2)(tree["x"])}  # noqa: E731
    with pytest.raises(GradientMismatch) as caught:
        jaxgrad.check_grads(wrong, ({"x": VECTOR},), modes="rev")
    given, true = map(float, given_and_true(caught.value, f=wrong))
    assert given == pytest.approx(2 * true, rel=1e-5)


REFUTED = {
    "a check": lambda: jaxgrad.check(with_slope(2), (0.0,)),
    "a check at a special point": lambda: jaxgrad.check(
        lambda x: jnp.where(x == 0, with_slope(2)(x), jnp.sin(x)), (0.5,)
    ),
    "a comparison": lambda: jaxgrad.compare(lambda x: 2 * jnp.cos(x), jax.grad(jnp.sin), 0.0),
    "floats": lambda: jaxgrad.check(jax.nn.sigmoid, (0.5,), modes="rev", dtypes=["float32"]),
    "a value": lambda: jaxgrad.check(_with_value(2), (0.0,)),
}
BOTH = {
    "a check": ("2.00000000000 by the rules", "1.00000000000 in truth"),
    "a check at a special point": ("2.00000000000 by the rules", "1.00000000000 in truth"),
    "a comparison": ("gradient: hand is 2.00000", "auto is 1.00000"),
    "floats": ("0.0", ", truth "),
    "a value": ("2.00000000000", "the function is 1.00000000000"),
}


def _with_value(factor: float) -> Any:
    cosine = jax.custom_jvp(jnp.cos)
    cosine.defjvp(lambda xs, ts: (factor * jnp.cos(*xs), -jnp.sin(*xs) * ts[0]))
    return cosine


@pytest.mark.parametrize("name", REFUTED)
def test_both_numbers_are_in_the_evidence_and_in_all_that_shows_it(name: str) -> None:
    found = REFUTED[name]()
    assert found.verdict is Verdict.REFUTED
    assert str(found).startswith(f"REFUTED: {found.evidence.text}\n")
    for number in BOTH[name]:
        assert number in found.evidence.text
        assert number in found.to_json()
        assert str(found).count(number) == found.evidence.text.count(number) or name == "floats"


def _bent() -> Any:
    sine = jax.custom_vjp(jnp.sin)
    sine.defvjp(lambda x: (sine(x), x), lambda x, g: (jnp.cos(x) * g**2,))
    return sine


def _called_back() -> Any:
    sine = jax.custom_vjp(lambda x: jax.pure_callback(np.sin, x, x))
    sine.defvjp(lambda x: (sine(x), x), lambda x, g: (2 * jnp.cos(x) * g,))
    return sine


@pytest.mark.parametrize("name", ["a check", "a check at a special point", "a value"])
def test_both_numbers_have_fields_of_their_own(name: str) -> None:
    [leaf] = json.loads(REFUTED[name]().to_json())["leaves"]
    assert leaf["verdict"] == "REFUTED"
    for number, said in zip((leaf["value"], leaf["truth"]), BOTH[name], strict=True):
        assert number in said


def test_the_numbers_of_a_rule_by_itself_are_its_own() -> None:
    whole = json.loads(jaxgrad.check(lambda x: 3 * with_slope(2)(x), (0.0,)).to_json())
    [leaf], [rule] = whole["leaves"], whole["rules"]
    assert (float(leaf["value"]), float(leaf["truth"])) == (6.0, 3.0)
    assert (float(rule["value"]), float(rule["truth"])) == (2.0, 1.0)


def test_the_numbers_of_floats_of_a_callback() -> None:
    [leaf] = jaxgrad.check(
        _called_back(), (np.float32(0.5),), reference=jnp.sin, modes="rev"
    ).leaves
    assert leaf.value is not None and leaf.truth is not None
    assert float(leaf.value) == pytest.approx(2 * float(leaf.truth), rel=1e-6)


@pytest.mark.parametrize("function", [jnp.sin, _bent()], ids=["right", "not linear"])
def test_where_no_one_number_is_wrong_there_is_none(function: Any) -> None:
    [leaf] = jaxgrad.check(function, (0.5,), modes="rev").leaves
    assert leaf.value is None and leaf.truth is None


def test_both_numbers_are_told_of_a_claim() -> None:
    declared = Claim(
        REFUTED["a comparison"], "cos is its double", "", Verdict.PROVED, Path("double.py"), 1
    )
    [result] = run(declared)
    shown = dict(_fields(result))
    assert "counterexample" in shown and list(shown).count("counterexample") == 1
    for text in (_explained(result), shown["evidence"]):
        assert all(number in text for number in BOTH["a comparison"])
    assert "# with `hand` and `auto` in scope" in shown["counterexample"]


def test_a_sweep_prints_as_one_sentence() -> None:
    holds = jaxgrad.sweep(jax.nn.relu, "float16", lambda x, y: y >= 0)
    fails = jaxgrad.sweep(jax.nn.relu, "float16", lambda x, y: y > 0)
    assert str(holds) == "PROVED: the predicate holds at all 63490 float16 numbers"
    assert str(fails).startswith("REFUTED: the predicate fails at 31746 floats, from -inf")
    assert bool(holds) and not fails and "NaN" not in str(fails).partition("\n")[0]
    of_root = str(jaxgrad.sweep(jnp.sqrt, "float16", lambda x, y: y >= 0)).partition("\n")[0]
    assert of_root.endswith("of 63490 float16 numbers; f returns NaN at 31744 of these")
