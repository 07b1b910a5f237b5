"""What many numbers, large ones, or many roundings hide is no more than these roundings spread."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from rules_by_slope import backward as with_rule

from jaxgrad.errors import GradientMismatch
from jaxgrad.gradients.check_grads import check, check_grads
from jaxgrad.gradients.compare import compare
from jaxgrad.verdict import Verdict


@pytest.mark.parametrize("size", [2, 40, 2000])
@pytest.mark.parametrize(
    ("error", "verdict"), [(1e-5, Verdict.REFUTED), (-1e-5, Verdict.REFUTED), (0.0, Verdict.AGREES)]
)
def test_of_many_numbers_as_little_is_hidden(size: int, error: float, verdict: Verdict) -> None:
    """Along a drawn direction most of them cancel."""

    def squares(x: Any) -> Any:
        return jnp.sum(x * x)

    function = jax.custom_vjp(squares)
    function.defvjp(lambda x: (squares(x), x), lambda x, g: (2 * g * x * (1 + error),))
    x = np.linspace(-0.3, 1, size, dtype=np.float32)
    found = check(function, (x,), modes="rev", special_points=False)
    assert found.verdict is verdict or (error == 0 and found.verdict.passes)


def _of_many(size: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=size).astype(np.float32)


def _softmax(rule: Any) -> Any:
    function = jax.custom_vjp(lambda x: jax.nn.softmax(x))
    function.defvjp(lambda x: (function(x), jax.nn.softmax(x)), rule)
    return function


def test_a_rule_that_is_wrong_at_every_one_of_many_entries():
    with pytest.raises(
        GradientMismatch, match=r"the derivative of f\[\d+\] with respect to x\[\d+\]"
    ):
        check_grads(_softmax(lambda p, g: (p * g,)), (_of_many(1024),), modes="rev")
    right = _softmax(lambda p, g: (p * (g - jnp.sum(p * g)),))
    assert check_grads(right, (_of_many(1024),), modes="rev").verdict.passes


def test_one_wrong_entry_among_many():
    def slope(factor: float) -> Any:
        function = jax.custom_jvp(lambda x: jax.lax.erf(x))
        where = np.where(np.arange(400) == 341, factor, 1.0).astype(np.float32)
        function.defjvp(
            lambda x, t: (function(*x), 1.1283791671 * jnp.exp(-(x[0] ** 2)) * where * t[0])
        )
        return function

    with pytest.raises(GradientMismatch, match=r"with respect to x\[341\]"):
        check_grads(slope(1.0001), (_of_many(400),), modes="rev")
    assert check_grads(slope(1.0), (_of_many(400),), modes="rev").verdict.passes


def test_the_variance_of_a_sample_is_not_that_of_a_population():
    args = (_of_many(2048),)
    assert compare(lambda x: x.var(), lambda x: x.var(ddof=1), *args).verdict is Verdict.REFUTED
    assert compare(lambda x: x.var(), lambda x: jnp.mean((x - x.mean()) ** 2), *args)


def _scaled_erfc(factor: float) -> Any:
    """exp(x²)·erfc(x), of whose slope two terms nearly cancel where x is large."""
    function = jax.custom_jvp(lambda x: jnp.exp(x * x) * jax.lax.erfc(x))
    rounded = np.float32(2 / np.sqrt(np.pi) * factor) + 0  # no polynomial shows it
    function.defjvp(
        lambda p, t: (
            function(*p),
            t[0] * (2 * p[0] * jnp.exp(p[0] * p[0]) * jax.lax.erfc(p[0]) - rounded),
        )
    )
    return function


def test_what_cancels_hides_the_rounding_of_what_cancels():
    assert check_grads(_scaled_erfc(1), (np.float32(1),)).verdict.passes
    assert check_grads(_scaled_erfc(1), (np.float32(8),)).verdict.passes
    for factor in (1 + 1e-5, 1 - 1e-5):
        with pytest.raises(GradientMismatch):
            check_grads(_scaled_erfc(factor), (np.float32(1),))


def test_a_term_that_cancels_is_forgiven_no_more_than_its_rounding():
    def distance(offset: float) -> Any:
        inner = jax.custom_jvp(lambda x: x * x / 2)
        inner.defjvp(lambda x, t: (inner(*x), (x[0] + offset * x[0]) * t[0]))
        return lambda x: inner(x) - 1000 * x

    x = (np.float32(1000.5),)
    assert check(distance(2e-8), x, special_points=False).verdict is Verdict.AGREES
    assert check(distance(2e-6), x, special_points=False).verdict is Verdict.REFUTED


@pytest.mark.parametrize(("factor", "passes"), [(1.0, True), (1.01, False), (1.0005, False)])
def test_a_long_iteration_hides_no_more_than_its_roundings_spread(factor: float, passes: bool):
    """The worst case of its roundings grows with every turn, what they do to it does not."""

    def power(a: Any) -> Any:
        def step(_: Any, v: Any) -> Any:
            return a @ v / jnp.linalg.norm(a @ v)

        return lax.fori_loop(0, 30, step, jnp.ones(2))

    largest = jax.custom_vjp(lambda a: power(a) @ a @ power(a))
    largest.defvjp(
        lambda a: (largest(a), a),
        lambda a, g: (factor * g * jnp.outer(power(a), power(a)),),
    )
    found = check(largest, (np.float32([[2, 0.3], [0.3, 1]]),), modes="rev", special_points=False)
    assert found.verdict is (Verdict.AGREES if passes else Verdict.REFUTED)


@pytest.mark.parametrize(("far", "verdict"), [(0.0, "AGREES"), (6 * 2.0**-14, "REFUTED")])
def test_a_rounding_beside_many_smaller_ones_goes_no_further_than_half_a_unit(
    far: float, verdict: str
) -> None:
    def slope(x: Any) -> Any:
        for _ in range(40):
            x = x * 1.25 * 0.8
        return (x + 1024.0) - 1024.0 + far

    found = check(with_rule(lambda x: x * x / 2, slope), (np.float32(0.7),), special_points=False)
    assert found.verdict is Verdict[verdict]
