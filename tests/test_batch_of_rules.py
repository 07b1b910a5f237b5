"""check at all points of a batch: rules that are right there, and wrong in a region of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad import check
from jaxgrad.verdict import Verdict

BEYOND = 7.3


def _by_hand(factor: float) -> Callable[[jax.Array], jax.Array]:
    """The slope of what is below, but for a factor beyond 7.3."""
    return lambda x: jnp.where(x > BEYOND, factor, 1.0) * jnp.sqrt(x * x) / (1 + x * x)


def _rule(factor: float) -> Callable[[jax.Array], jax.Array]:
    """½ log(1 + x²) with the sign of x, and a rule that has a factor beyond 7.3."""

    f = jax.custom_vjp(lambda x: jnp.log(1 + x * x) * jnp.sign(x) / 2)
    f.defvjp(lambda x: (f(x), x), lambda x, u: (u * _by_hand(factor)(x),))
    return f


def test_a_rule_that_is_wrong_in_a_region_is_refuted_at_a_point_of_the_batch() -> None:
    draw = np.random.default_rng(1)
    points = (draw.uniform(-10, 10, 200).astype(np.float32),)
    options: dict[str, Any] = {"special_points": False}
    wrong = _rule(1 + 1e-5)
    assert check(wrong, (np.float32(0.5),), **options).verdict is Verdict.AGREES
    found = check(wrong, (np.float32(0.5),), batch=points, **options)
    assert found.verdict is Verdict.REFUTED
    assert found.evidence.text.startswith("at point ")
    assert found.counterexample is not None and found.leaves[0].truth is not None


def test_a_right_rule_agrees_at_a_batch() -> None:
    def soft(x: jax.Array) -> jax.Array:
        return jnp.logaddexp(x, 0.0)

    f = jax.custom_vjp(soft)
    f.defvjp(lambda x: (f(x), x), lambda x, u: (u * jax.nn.sigmoid(x),))
    found = check(f, (np.float32(1.5),), batch=200)
    assert found.verdict is Verdict.AGREES
    assert "at the 200 points drawn for a batch" in found.evidence.text


def test_a_kink_in_a_batch_is_no_fault() -> None:
    f = jax.custom_vjp(lambda x: jax.nn.relu(x) * jnp.arctan(x))
    f.defvjp(
        lambda x: (f(x), x),
        lambda x, u: (u * jnp.where(x >= 0, 1.0, 0.0) * (jnp.arctan(x) + x / (1 + x * x)),),
    )
    points = (np.array([-1.0, 0.0, 2.0, 0.0], np.float32),)
    assert check(f, (np.float32(1.5),), batch=points).verdict.passes
    sharp = jax.custom_vjp(lambda x: jnp.abs(x) * jnp.exp(x))
    sharp.defvjp(
        lambda x: (sharp(x), x),
        lambda x, u: (u * (jnp.sign(x) + jnp.where(x == 0, 0.5, 0) + jnp.abs(x)) * jnp.exp(x),),
    )
    found = check(sharp, (np.float32(1.5),), batch=points, special_points=False)
    assert found.verdict is Verdict.AGREES and "formulas differ" not in found.evidence.text


def test_without_a_custom_rule_there_is_nothing_to_hold_it_against() -> None:
    found = check(jnp.sin, (np.float32(1),), batch=10)
    assert found.verdict is Verdict.AGREES and "calls no custom rule" in found.evidence.text


def test_a_rule_in_both_modes_and_one_of_two_results_is_judged_at_a_batch() -> None:
    def value(x: jax.Array) -> jax.Array:
        return jnp.log(1 + x * x) * jnp.sign(x) / 2

    f = jax.custom_jvp(value)
    f.defjvp(lambda x, v: (f(*x), _by_hand(1.0)(x[0]) * v[0]))
    found = check(f, (np.float32(0.5),), batch=50)
    assert "at the 50 points drawn for a batch" in found.evidence.text

    g = jax.custom_vjp(lambda x: (value(x), jnp.sin(x)))
    g.defvjp(lambda x: (g(x), x), lambda x, u: (u[0] * _by_hand(1.0)(x) + u[1] * jnp.cos(x),))
    found = check(g, (np.float32(0.5),), batch=50)
    assert "at the 50 points drawn for a batch" in found.evidence.text
