"""What is compared to a maximum that it is one of is compared to the others instead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax.extend.core import jaxpr_as_fun

from jaxgrad import Verdict, check, compare, everywhere
from jaxgrad.programs.compared_maxima import with_others_compared
from jaxgrad.programs.jaxprs import equations

DERIVATIVES: dict[str, Callable[[Any], Any]] = {
    "of two": jax.grad(lambda x: jnp.maximum(x[0, 0] * 3, x[1, 2])),
    "of each and a number": jax.grad(lambda x: jnp.maximum(x, 0.5).sum()),
    "least of two": jax.grad(lambda x: jnp.minimum(x, x.T[:1].T).sum()),
    "between two": jax.grad(lambda x: jnp.clip(x, -0.5, 0.5).sum()),
    "of many": jax.grad(lambda x: x.max()),
    "of rows": jax.grad(lambda x: (x.max(1) ** 2).sum()),
    "of columns": jax.grad(lambda x: (x.max(0) * 3).sum()),
    "of rows, kept": jax.grad(lambda x: (x / x.max(1, keepdims=True)).sum()),
    "least of many": jax.grad(lambda x: x.min()),
    "of several axes": jax.grad(lambda x: x.reshape(2, 3, 1).max((0, 1)).sum()),
    "in a loop": jax.grad(
        lambda x: jax.lax.scan(lambda c, r: (jnp.maximum(c, r), None), x[0], x)[0].sum()
    ),
    "in a function": jax.grad(lambda x: jax.jit(lambda y: jnp.maximum(y, -y))(x).sum()),
    "in a branch": jax.grad(
        lambda x: jax.lax.cond(x[0, 0] > 0, lambda y: y.max(), lambda y: y.min(), x)
    ),
}
REDUCED = {name for name in DERIVATIVES if "many" in name or "rows" in name or "col" in name}
NUMBERS = st.sampled_from([-1.5, -0.5, 0.0, 0.5, 0.75, 2.0])  # which tie often


@given(st.sampled_from([*DERIVATIVES]), st.lists(NUMBERS, min_size=6, max_size=6))
def test_the_program_stays_the_same_function(name: str, numbers: list[float]) -> None:
    x = jnp.asarray(numbers, jnp.float32).reshape(2, 3)
    closed = jax.make_jaxpr(DERIVATIVES[name])(x)
    changed = with_others_compared(closed)
    (before,), (after,) = jaxpr_as_fun(closed)(x), jaxpr_as_fun(changed)(x)
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("name", DERIVATIVES)
def test_nothing_is_left_that_is_compared_to_what_it_is_one_of(name: str) -> None:
    closed = jax.make_jaxpr(DERIVATIVES[name])(jnp.ones((2, 3)))
    changed = with_others_compared(closed)
    assert with_others_compared(changed) is changed
    of_two = jax.make_jaxpr(DERIVATIVES["of two"])(jnp.ones((2, 3)))
    operands = any(e.primitive.name == "gt" for e in equations(of_two))  # as since jax 0.12
    assert (changed is not closed) or (operands and name not in REDUCED)


@pytest.mark.parametrize("same", [
    lambda x: jnp.where(x == jnp.sin(x), x, 2 * x),
    lambda x: jnp.where(x == jnp.maximum(2 * x, 1.0), x, 2 * x),
    lambda x: jnp.where(x == x[::-1].max(), x, 2 * x),
    lambda x: jnp.where(x.reshape(3, 1) == x.max(), 1.0, x),
    lambda x: jnp.where(x == jnp.arange(3.0), x, 2 * x),
    lambda x: jnp.where(jnp.arange(3) == jnp.arange(3).max(keepdims=True), x, 2 * x),
    lambda x: jnp.where((x > 0) == jnp.max(x > 0, keepdims=True), x, 2 * x),
])  # fmt: skip
def test_what_is_compared_to_something_else_stays(same: Callable[[Any], Any]) -> None:
    closed = jax.make_jaxpr(same)(jnp.ones(3))
    assert with_others_compared(closed) is closed


def test_a_maximum_of_nothing_is_no_fault() -> None:
    empty = jax.grad(lambda x: jnp.sum(jnp.max(x[:, None] * jnp.zeros((1, 0)), 1, initial=0.0)))
    changed = with_others_compared(jax.make_jaxpr(empty)(jnp.ones(3)))
    assert jaxpr_as_fun(changed)(jnp.ones(3))[0].shape == (3,)


REGIONS: dict[str, Callable[[Any], Any]] = {
    "above a number": lambda x: jnp.maximum(x * 1.1 + 0.3, 0.0),
    "above another": lambda x: 1.1 * jnp.maximum(x, -1.0),
    "below a number": lambda x: jnp.minimum(1.1 * x + 0.3, 9.0),
    "between two": lambda x: jnp.clip(1.1 * x + 0.3, 0.0, 9.0),
    "of many": lambda x: jnp.max(jnp.stack([1.1 * x, x - 9.0, -2.0 - x])),
}


@pytest.mark.parametrize("name", REGIONS)
def test_a_derivative_of_a_maximum_is_decided_everywhere(name: str) -> None:
    derivative = jax.grad(REGIONS[name])
    assert everywhere(derivative, (0.1,), (4.0,), between=(1.0, 1.2)).verdict is Verdict.PROVED
    found = everywhere(derivative, (0.1,), (4.0,), between=(1.0, 1.05))
    assert found.verdict is Verdict.REFUTED


@pytest.mark.parametrize("off, verdict", [(0.0, Verdict.AGREES), (1e-3, Verdict.REFUTED)])
def test_a_softmax_of_computed_numbers_is_judged_at_a_batch(off: float, verdict: Verdict) -> None:
    """None of the points is left to balls, which would take a minute for them."""
    scale = np.float32(1 / 0.7)
    soft = jax.custom_vjp(lambda x: jax.nn.softmax(x / 0.7))

    def back(kept: Any, u: Any) -> Any:
        x, values = kept
        wrong = jnp.where(abs(x[0] - points[70, 0]) < 1e-4, 1 + off, 1.0)
        return (scale * wrong * values * (u - (values * u).sum()),)

    soft.defvjp(lambda x: (soft(x), (x, jax.nn.softmax(x / 0.7))), back)
    points = np.random.default_rng(1).normal(size=(100, 16)).astype(np.float32)
    found = check(soft, (points[0],), batch=(points,), special_points=False)
    assert found.verdict is verdict, found.evidence.text
    if verdict is Verdict.AGREES:
        assert "by balls" not in found.evidence.text
    else:
        assert found.evidence.text.startswith("at point 70 of the 100")


def test_a_hidden_layer_with_maxima_is_compared_at_a_batch() -> None:
    weights = np.random.default_rng(2).normal(size=(6, 5)).astype(np.float32)

    def value(x: Any) -> Any:
        return jnp.sum(jnp.maximum(x @ weights / 3, 0.0))

    def by_hand(x: Any, factor: Any = 1.0) -> Any:
        return factor * jnp.where(x @ weights > 0, weights / 3, 0.0).sum(1)

    points = np.random.default_rng(3).normal(size=(200, 6)).astype(np.float32)
    found = compare(by_hand, jax.grad(value), points[0], batch=(points,))
    assert found.verdict.passes
    found = compare(lambda x: by_hand(x, jnp.where(x[0] > 2.2, 1.001, 1.0)), jax.grad(value),
                    points[0], batch=(points,))  # fmt: skip
    assert found.verdict is Verdict.REFUTED
