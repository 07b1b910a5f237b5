"""How what a proof leaves out is named."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.gradients.check_grads import check
from jaxgrad.gradients.compare import compare
from jaxgrad.verdict import Verdict

X = np.array([0.5, 0.25, 0.75], np.float32)


def test_what_a_proof_leaves_out_is_named_without_writing_all_of_it() -> None:
    """Each step holds the one before twice, so the whole of the divisor has 2^60 letters."""

    def deep(x: Any) -> Any:
        for _ in range(60):
            x = jnp.tanh(x + x * x)
        return 1 / x

    found = compare(deep, lambda x: 2 / 2 * deep(x), 1.0)
    assert found.verdict is Verdict.PROVED
    assert "a divisor vanishes (an expression in x)" in found.evidence.text
    assert len(found.evidence.text) < 200


def _left_out(hand: Any, auto: Any, *args: Any) -> str:
    found = compare(hand, auto, *args)
    assert found.verdict is Verdict.PROVED
    return found.evidence.text.partition(", except where ")[2].removesuffix(
        ", in branches not taken too"
    )


def test_a_root_that_vanishes_is_left_out_with_its_argument() -> None:
    def unit(x: Any) -> Any:
        return x / jnp.sqrt((x * x).sum())

    def by_factor(x: Any) -> Any:
        return x * (1 / jnp.sqrt((x * x).sum()))

    positive = "the argument of a root or logarithm is not positive"
    assert _left_out(by_factor, unit, X) == f"{positive} (x[0]^2 + x[1]^2 + x[2]^2)"
    assert _left_out(lambda x: x[0] / x[0] + by_factor(x), lambda x: 1 + unit(x), X) == (
        f"a divisor vanishes (x[0]) or {positive} (x[0]^2 + x[1]^2 + x[2]^2)"
    )
    # The given point is still held against every condition, said or not.
    assert compare(by_factor, unit, 0 * X).verdict is not Verdict.PROVED


def _weighted(w: Any, x: Any, b: Any, factor: Any) -> Any:
    for k in range(2):
        x = w[k] @ x + b[k]
        x = factor(x, (x * x).sum())
    return x


def test_long_expressions_are_told_by_the_arguments_in_them() -> None:
    args = np.eye(3, dtype=np.float32)[None] * np.ones((2, 1, 1), np.float32), X, np.ones((2, 3))

    def hand(w: Any, x: Any, b: Any) -> Any:
        return _weighted(w, x, b, lambda x, s: x * (1 / s))

    def auto(w: Any, x: Any, b: Any) -> Any:
        return _weighted(w, x, b, lambda x, s: x / s)

    assert _left_out(hand, auto, *args) == "a divisor vanishes (2 expressions in w, x and b)"
    assert compare(lambda *xs: hand(*xs) + 1e-3, auto, *args).verdict is Verdict.REFUTED

    def quotient(x: Any) -> Any:
        return 1 / sum((k + 2) * (x[0] ** k - x[2] ** (k + 1)) for k in range(7))

    told = "a divisor vanishes (an expression in x[0] and x[2])"
    assert _left_out(lambda x: 2 * quotient(x), lambda x: quotient(x) + quotient(x), X) == told


def test_of_many_some_are_told_and_all_are_counted() -> None:
    y = np.ones(6, np.float32)
    told = _left_out(lambda y: (1 / y) * y, lambda y: y / y, y)
    assert told == "a divisor vanishes (y[0], y[1] and 4 more)"

    def long(y: Any) -> Any:
        return 1 / (y**9 + 3 * y**7 - 5 * y**6 + 11 * y**3 + 13 * y**2 - 7 * y + 2)

    told = _left_out(lambda y: 2 * long(y), lambda y: long(y) + long(y), 3 * y)
    assert told == "a divisor vanishes (an expression in y[0]; an expression in y[1]; and 4 more)"


# -- branches --------------------------------------------------------------------------------------

_CHOOSING = {
    "where": lambda x: jnp.where(x > 1, 1 / x, x),
    "a mask that is known": lambda x: jnp.where(jnp.arange(2) > 0, 1 / x, x),
    "cond": lambda x: jax.lax.cond(x > 1, lambda x: 1 / x, lambda x: x, x),
    "maximum": lambda x: jnp.maximum(1 / x, x),
    "in a jit": jax.jit(lambda x: jnp.where(x > 1, 1 / x, x)),
    "in a scan": lambda x: jax.lax.scan(
        lambda c, _: (jnp.where(c > 1, 1 / c, c), None), x, None, 2
    )[0],
    "a mask as a factor": lambda x: (x > 1) / x,
    "NumPy code": lambda x: np.where(x > 1, 1 / x, x),
}
_WITHOUT_CHOICE = {
    "a quotient": lambda x: 1 / x,
    "a logarithm": jnp.log,
    "a power": lambda x: x**-3,
    "a norm": lambda x: x / jnp.sqrt(x * x),
    "in a scan": lambda x: jax.lax.scan(lambda c, _: (1 / c, None), x, None, 2)[0],
}


@pytest.mark.parametrize("name", _CHOOSING)
def test_branches_are_told_of_where_a_side_has_some(name: str) -> None:
    f = _CHOOSING[name]
    found = compare(lambda x: 2 * f(x), lambda x: f(x) + f(x), np.float32(2.0))
    assert found.verdict is Verdict.PROVED, found
    assert found.evidence.text.endswith(", in branches not taken too")


@pytest.mark.parametrize("name", _WITHOUT_CHOICE)
def test_branches_are_not_told_of_where_there_are_none(name: str) -> None:
    f = _WITHOUT_CHOICE[name]
    found = compare(lambda x: 2 * f(x), lambda x: f(x) + f(x), np.float32(2.0))
    assert found.verdict is Verdict.PROVED, found
    assert ", except where " in found.evidence.text and "branches" not in found.evidence.text


@pytest.mark.parametrize("branches", [False, True])
def test_branches_of_a_rule_count_as_those_of_a_side(branches: bool) -> None:
    log = jax.custom_jvp(jnp.log)
    log.defjvp(
        lambda xs, ts: (log(*xs), ts[0] * (jnp.where(xs[0] > 0, 1, 1) if branches else 1) / xs[0])
    )
    found = check(log, (np.float32(2.0),))
    assert found.verdict is Verdict.PROVED, found
    assert ("not positive (x), in branches not taken too" in found.evidence.text) is branches
    assert "not positive (x)" in found.evidence.text
