"""Numbers of which nothing is left in floats, and which no precision tells apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Verdict, check


def _with_rule(f: Callable[..., Any], wrong: int | None, factor: float) -> Callable[..., Any]:
    """f, with its own derivative, that of one argument times a factor."""
    ruled = jax.custom_vjp(f)

    def back(args: Any, g: Any) -> Any:
        slopes = jax.vjp(f, *args)[1](g)
        return tuple(s * factor if k == wrong else s for k, s in enumerate(slopes))

    ruled.defvjp(lambda *args: (f(*args), args), back)
    return ruled


def _masked(mask: float) -> Callable[..., Any]:
    return lambda x, v: jax.nn.softmax(jnp.stack([x, jnp.float32(mask)])) @ v


@pytest.mark.parametrize("mask", [-1e4, -1e9, -3e38])
def test_a_softmax_with_one_key_that_is_not_masked(mask: float) -> None:
    """The derivative with respect to the score is 10 to the power of minus four thousand, say."""
    args = np.float32(0.5), np.float32([1.0, 2.0])
    assert check(_masked(mask), args).verdict.passes
    assert check(_with_rule(_masked(mask), None, 1.0), args).verdict.passes
    wrong = check(_with_rule(_masked(mask), 1, 1.01), args)
    assert wrong.verdict is Verdict.REFUTED


def test_the_attention_of_jax_that_is_causal() -> None:
    generator = np.random.default_rng(0)
    args = [np.float32(generator.standard_normal((1, 2, 1, 2))) for _ in range(3)]
    attention = lambda q, k, v: jax.nn.dot_product_attention(q, k, v, is_causal=True)  # noqa: E731
    assert check(attention, tuple(args), modes="rev").verdict.passes
    for place in range(3):
        wrong = check(_with_rule(attention, place, 1.01), tuple(args), modes="rev")
        assert wrong.verdict is Verdict.REFUTED


@pytest.mark.parametrize("size", [1e-30, 1e-20])
def test_what_floats_hold_is_not_negligible(size: float) -> None:
    """A number of which floats have digits is told apart, however far it cancels."""
    f = lambda x: (x + size) - x + 0 * x  # noqa: E731
    ruled = jax.custom_jvp(lambda x: x * size)
    ruled.defjvp(lambda p, t: (f(p[0]) * p[0] / p[0], 2 * size * t[0]))
    assert check(ruled, (np.float32(0.5),)).verdict is Verdict.REFUTED


def test_what_floats_hold_far_out_is_wrong_there() -> None:
    ruled = jax.custom_jvp(jax.nn.sigmoid)
    ruled.defjvp(lambda p, t: (ruled(*p), 2 * jnp.exp(p[0]) * t[0]))
    assert check(ruled, (np.float32(-60.0),), special_points=False).verdict is Verdict.REFUTED
