"""Errors that are planted in rules, polynomials and balls: each is found by another engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flint import arb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numbers_support import Checked, Disagreement
from rule_examples import EXAMPLES

from jaxgrad.interpret.rules import RULES
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.polynomial import Polynomial


def _wrong_elementwise(f: Callable[..., Any]) -> Callable[..., Any]:
    def apply(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
        system, numbers = interpreter.system, interpreter.numbers(equation, inputs)
        return system.map(lambda *xs: f(system, *xs), *numbers)

    return apply


WRONG_RULES: dict[str, Callable[..., Any]] = {
    "sub": lambda s, x, y: y - x,
    "max": lambda s, x, y: s.minimum(x, y),
    "sign": lambda s, x: s.number(s.compare("gt", x, s.constant(0))),
    "gt": lambda s, x, y: s.compare("ge", x, y),
    "ge": lambda s, x, y: s.compare("gt", x, y),
    "eq": lambda s, x, y: s.truth(False),
    "log1p": lambda s, x: s.log(x),
    "logistic": lambda s, x: s.logistic(-x),
    "tanh": lambda s, x: s.tanh(x + x),
    "exp2": lambda s, x: s.exp(x),
    "rsqrt": lambda s, x: s.sqrt(x),
}


@pytest.mark.parametrize("name", WRONG_RULES)
def test_a_wrong_rule_is_found_by_jaxs_floats(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both systems share the wrong rule, so only JAX's own result can tell."""
    wrong = replace(RULES[name], meaning=_wrong_elementwise(WRONG_RULES[name]))
    monkeypatch.setitem(RULES, name, wrong)
    _expect_disagreement(name)


WRONG_POLYNOMIALS: dict[str, tuple[str, Callable[..., Any]]] = {
    "logistic": ("logistic", lambda s, x: s.constant(1) - Polynomial.logistic(s, x)),
    "exp": ("exp", lambda s, x: Polynomial.exp(s, -x)),
    "log": ("log", lambda s, x: Polynomial.log(s, x * x)),
    "sqrt": ("sqrt", lambda s, x: x),
    "abs": ("absolute", lambda s, x: x),
    "gt": ("compare", lambda s, r, x, y: Polynomial.compare(s, "ge", x, y)),
    "sign": ("sign", lambda s, x: Polynomial.sign(s, -x)),
    "reduce_max": ("largest", lambda s, xs: xs[0]),
    "div": ("divide", lambda s, x, y: Polynomial.divide(s, x, y * y)),
    "select_n": ("select", lambda s, p, a, b: Polynomial.select(s, p, b, a)),
    "sin": ("function", lambda s, name, *xs: Polynomial.function(s, name, *(-x for x in xs))),
    "dot_general": ("matmul", lambda s, a, b: Polynomial.matmul(s, a, b) + a[0, 0]),
}


@pytest.mark.parametrize("name", WRONG_POLYNOMIALS)
def test_a_wrong_polynomial_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    method, wrong = WRONG_POLYNOMIALS[name]
    changed = type("Wrong", (Polynomial,), {method: wrong})
    monkeypatch.setattr("numbers_support.Polynomial", changed)
    _expect_disagreement(name)


WRONG_BALLS: dict[str, tuple[str, Callable[..., Any]]] = {
    "logistic": ("logistic", lambda s, x: 1 - Ball.logistic(s, x)),
    "exp": ("exp", lambda s, x: Ball.exp(s, x) * (1 + arb(2) ** -80)),
    "div": ("divide", lambda s, x, y: y / x),
    "abs": ("absolute", lambda s, x: -x),
    "min": ("minimum", lambda s, x, y: x),
    "le": ("compare", lambda s, r, x, y: not Ball.compare(s, r, x, y)),
    "sqrt": ("sqrt", lambda s, x: x.root(3)),
    "reduce_sum": ("total", lambda s, terms: Ball.total(s, terms[1:])),
}


@pytest.mark.parametrize("name", WRONG_BALLS)
def test_a_wrong_ball_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    method, wrong = WRONG_BALLS[name]
    changed = type("Wrong", (Ball,), {method: wrong})
    monkeypatch.setattr("numbers_support.Ball", changed)
    _expect_disagreement(name)


def _expect_disagreement(name: str) -> None:
    example = EXAMPLES[name]
    points = [
        (np.array([0.75, 1.25, 2.0, 0.5]), np.array([-0.5, 1.25, -1.0, 0.75])),
        (np.array([-0.75, 0.0, 2.0, 0.5]), np.array([0.25, 0.0, 2.0, -0.75])),
    ]
    if example.domain != "real":
        points = points[:1]
    checked = Checked(example.function, *points[0])
    with pytest.raises(Disagreement):
        for point in points:
            checked.check(*point)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(order=st.permutations(range(3)))
def test_a_wrong_permutation_of_entries_is_found(order: list[int]) -> None:
    if order == [0, 1, 2]:
        return
    right = RULES["rev"]
    try:
        RULES["rev"] = replace(right, meaning=lambda _, __, inputs: inputs[0][::-1][order])
        with pytest.raises(Disagreement):
            Checked(lambda x: x[::-1], np.ones(3)).check(np.array([1.0, 2.0, 3.0]))
    finally:
        RULES["rev"] = right
