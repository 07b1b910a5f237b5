"""Bisections of what is sharp, bent or of several scales, and what secants tell of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxgrad import GradientCheck, Verdict, check


def bisected(below: Callable[[Any], Any], low: Any, high: Any, turns: int = 60) -> Any:
    """Where a function comes to 0 from below."""

    def halved(_: int, ends: Any) -> Any:
        low, high = ends
        middle = (low + high) / 2
        is_below = below(middle) < 0
        return jnp.where(is_below, middle, low), jnp.where(is_below, high, middle)

    return sum(lax.fori_loop(0, turns, halved, (low, high))) / 2


def ruled(f: Callable[..., Any], slopes: Callable[..., Any]) -> Callable[..., Any]:
    """f with a rule that is given its value and its arguments."""
    rule = jax.custom_vjp(f)

    def forward(*xs: Any) -> Any:
        y = f(*xs)
        return y, (y, xs)

    def backward(kept: Any, g: Any) -> Any:
        y, xs = kept
        return tuple(g * slope for slope in slopes(y, *xs))

    rule.defvjp(forward, backward)
    return rule


def here(f: Callable[..., Any], *xs: Any, **options: Any) -> GradientCheck:
    """What is said at the point alone."""
    args = tuple(np.asarray(x, np.float32) for x in xs)
    return check(f, args, modes="rev", special_points=False, budget=0, **options)


def logistic(a: Any) -> Any:
    return bisected(lambda m: jnp.log(m / (1 - m)) - (a - 1000), 0 * a, 1 + 0 * a)


def test_what_is_sharp_is_not_refuted_by_secants_that_have_left_the_place() -> None:
    right = ruled(logistic, lambda y, a: (y * (1 - y),))
    assert here(right, 1000.25).verdict is not Verdict.REFUTED


def test_the_derivative_between_its_jumps_is() -> None:
    assert here(logistic, 1000.25).verdict is Verdict.REFUTED
    assert here(ruled(logistic, lambda y, a: (0 * a,)), 1000.25).verdict is Verdict.REFUTED


def bent(a: Any) -> Any:
    """max(a, 1) + a/2."""
    return bisected(lambda m: m - (jnp.maximum(a, 1) + a / 2), 0 * a, 2 + a)


@pytest.mark.parametrize("a", [1.0, 1.000003, 1.00001, 1.0001, 1.01])
def test_a_slope_of_one_side_is_not_refuted_by_secants_over_a_kink(a: float) -> None:
    right = ruled(bent, lambda y, a: (jnp.where(a >= 1, 1.5, 0.5),))
    assert here(right, a).verdict is not Verdict.REFUTED


@pytest.mark.parametrize("a", [1.01, 1.5])
def test_away_from_the_kink_the_other_slope_is(a: float) -> None:
    assert here(ruled(bent, lambda y, a: (0 * a + 1.25,)), a).verdict is Verdict.REFUTED


def cubic(p: Any) -> Any:
    """The root of m³ + p₀ m = p₁."""
    return bisected(lambda m: m**3 + p[0] * m - p[1], -1 + 0 * p[0], 3 + 0 * p[0])


def implicit(off: float) -> Callable[..., Any]:
    """Its rule, of which one derivative is off by a factor."""
    return ruled(
        cubic,
        lambda m, p: (jnp.stack([-off * m, jnp.ones_like(m)]) / (3 * m * m + p[0]),),
    )


@pytest.mark.parametrize("p", [(1e4, 2.0), (1e6, 2.0), (1.0, 1e-4)])
def test_numbers_of_several_sizes_are_each_held_to_secants_of_theirs(p: Any) -> None:
    assert here(implicit(1), p).verdict is Verdict.AGREES
    assert here(implicit(1.01), p).verdict is Verdict.REFUTED


def dual(w: Any) -> Any:
    """Where Σ exp(w m) is twice as many as there are."""
    total = 2.0 * w.shape[0]
    return bisected(lambda m: jnp.sum(jnp.exp(w * m)) - total, 0 * w[0], 4 + 0 * w[0])


@pytest.mark.parametrize("w", [(0.1, 0.5, 1.0), (0.0, 0.5, 1.0), (0.05, 0.5, 1.0)])
def test_a_number_beside_smaller_ones_does_not_hide_jumps(w: Any) -> None:
    assert here(dual, w).verdict is Verdict.REFUTED


def test_a_slope_that_no_secant_shows_is_not_refuted() -> None:
    """∂x/∂b = −a³ of x + b x³ = a, which is less over a step than floats of x lie apart."""

    def root(b: Any) -> Any:
        return bisected(lambda m: m + b * m**3 - 1e-4, 0 * b, 1 + 0 * b, 40)

    right = ruled(root, lambda x, b: (-(x**3) / (1 + 3 * b * x**2),))
    assert here(right, 1.0).verdict is not Verdict.REFUTED


def test_a_bracket_that_was_doubled_is_no_reason_to_refute() -> None:
    def root(a: Any) -> Any:
        high = lax.while_loop(lambda h: h * h < a, lambda h: 2 * h, jnp.float32(1) + 0 * a)
        return bisected(lambda m: m * m - a, 0 * a, high, 40)

    right = ruled(root, lambda y, a: (1 / (2 * y),))
    for a in (3e7, 1e8, 2.5e8):
        assert here(right, a).verdict is not Verdict.REFUTED


def test_twice_the_derivative_is_refuted_though_it_is_that_between_two_jumps() -> None:
    """At 4 the first half of [0, a] is the root, and moves by a half of a."""

    def root(a: Any) -> Any:
        return bisected(lambda m: m * m - a, 0 * a, a)

    assert here(ruled(root, lambda y, a: (1 / (2 * y),)), 4.0).verdict is Verdict.AGREES
    assert here(ruled(root, lambda y, a: (1 / y,)), 4.0).verdict is Verdict.REFUTED
    assert here(root, 4.0).verdict is Verdict.REFUTED


def projected(v: Any) -> Any:
    """The nearest point of the simplex."""
    shift = bisected(lambda m: 1 - jnp.sum(jnp.maximum(v - m, 0)), jnp.min(v) - 1, jnp.max(v))
    return jnp.maximum(v - shift, 0)


@pytest.mark.parametrize("off", [1.2, 1.5])
def test_a_tie_of_the_bracket_alone_lets_nothing_pass(off: float) -> None:
    def backward(x: Any, g: Any) -> Any:
        inside = jnp.where(x > 0, 1.0, 0.0)
        mean = jnp.sum(g * inside) / jnp.sum(inside)
        return (off * inside * (g - mean),)

    rule = jax.custom_vjp(projected)
    rule.defvjp(lambda v: (x := projected(v), x), backward)
    assert not here(rule, (0.5, 0.5)).verdict.passes
