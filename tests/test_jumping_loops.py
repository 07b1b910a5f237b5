"""Loops that jump at a scale that no float sees: their derivative between two jumps is none."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from jaxgrad import GradientCheck, Verdict, check


def bisected(turns: int) -> Callable[..., Any]:
    """√a, between 0 and a + 1."""

    def halved(a: Any) -> Any:
        def turn(_: Any, c: Any) -> Any:
            low, middle, high = c[0], (c[0] + c[1]) / 2, c[1]
            below = middle * middle < a
            return jnp.where(below, middle, low), jnp.where(below, high, middle)

        return sum(lax.fori_loop(0, turns, turn, (0 * a, a + 1))) / 2

    return halved


def cordic(turns: int) -> Callable[..., Any]:
    """sin t, by turns through the angles of a table."""
    angles = jnp.array([math.atan(2.0**-i) for i in range(turns)], jnp.float32)

    def sine(t: Any) -> Any:
        def turn(i: Any, c: Any) -> Any:
            x, y, z = c
            step = jnp.where(z >= 0, 1.0, -1.0) * 2.0 ** (-i.astype(jnp.float32))
            return x - step * y, y + step * x, z - jnp.sign(step) * angles[i]

        return lax.fori_loop(0, turns, turn, (jnp.full_like(t, 0.60725293), 0 * t, t))[1]

    return sine


def with_rule(f: Callable[..., Any], slope: Callable[..., Any]) -> Callable[..., Any]:
    """f with the product by a slope for a rule."""
    g = jax.custom_vjp(f)
    g.defvjp(lambda a: (f(a), a), lambda a, u: (u * slope(a),))
    return g


def asked(f: Callable[..., Any], a: Any) -> GradientCheck:
    """What is said at the point alone."""
    return check(f, (a,), modes="rev", special_points=False, budget=0)


@pytest.mark.parametrize("turns", [40, 50])
def test_the_derivative_between_two_jumps_is_none(turns: int) -> None:
    f = bisected(turns)
    for g in (f, with_rule(f, jax.grad(f)), lambda a: f(a) ** 2):
        found = asked(g, np.float32(2))
        assert found.verdict is Verdict.REFUTED and "by secants in truth" in str(found), found
    for factor, verdict in ((1.0, Verdict.AGREES), (1.01, Verdict.REFUTED)):
        g = with_rule(f, lambda a, factor=factor: factor / (2 * jnp.sqrt(a)))
        assert asked(g, np.float32(2)).verdict is verdict


def _sides_of(m: Any, kind: str) -> Any:
    """±1 as a number is positive or not."""
    large = jnp.clip(m * 1e30, -1, 0.5)
    return {
        "sign": jnp.sign(m),
        "floor": 2 * jnp.floor(large) + 1,
        "ceil": 2 * jnp.ceil(large + 0.5) - 1,
        "round": jnp.round(2 * jnp.round(large - 0.1) + 1),
        "rem": 2 * (large + 1 - lax.rem(large + 1, jnp.float32(1))) - 1,
    }[kind]


@pytest.mark.parametrize("kind", ["sign", "floor", "ceil", "round", "rem"])
def test_what_is_rounded_to_wholes_jumps_as_what_is_compared(kind: str) -> None:
    def root(a: Any) -> Any:
        def turn(_: Any, c: Any) -> Any:
            return c[0] + c[1] * _sides_of(a - c[0] ** 2, kind), c[1] / 2

        return lax.fori_loop(0, 40, turn, (1 + 0 * a, 0.5 + 0 * a))[0]

    for g in (root, with_rule(root, jnp.zeros_like)):
        found = asked(g, np.float32(2))
        assert found.verdict is Verdict.REFUTED and "by secants in truth" in str(found), found
    right = with_rule(root, lambda a: 1 / (2 * jnp.sqrt(a)))
    assert asked(right, np.float32(2)).verdict is Verdict.AGREES


def test_jumps_that_some_floats_see_leave_it_open() -> None:
    with jax.enable_x64(True):
        f = bisected(50)  # it jumps by 2^-49, and a float64 has 53 bits
        found = asked(f, np.float64(2))
        assert found.verdict is Verdict.UNDECIDED and "between two jumps" in str(found), found
        assert asked(bisected(70), np.float64(2)).verdict is Verdict.REFUTED


@pytest.mark.parametrize("a", [0.9999999999814966, 1.0000000000000004, 1.03, 2.0])
def test_the_rule_of_a_root_is_not_refuted_where_floats_see_no_jump(a: float) -> None:
    with jax.enable_x64(True):
        right = with_rule(bisected(50), lambda a: 1 / (2 * jnp.sqrt(a)))
        assert asked(right, np.float64(a)).verdict is Verdict.AGREES
        wrong = with_rule(bisected(50), lambda a: 1.001 / (2 * jnp.sqrt(a)))
        assert asked(wrong, np.float64(a)).verdict is Verdict.REFUTED


@settings(max_examples=6)
@given(t=st.floats(0.0625, 1.5, width=32))
@pytest.mark.parametrize("turns", [12, 20])
def test_no_right_rule_of_a_cordic_is_refuted(turns: int, t: float) -> None:
    found = asked(with_rule(cordic(turns), jnp.cos), np.float32(t))
    assert found.verdict is not Verdict.REFUTED, found


@pytest.mark.parametrize("t", [0.12065647, 0.6, 0.64761704])
def test_a_wrong_one_is(t: float) -> None:
    assert asked(with_rule(cordic(24), jnp.cos), np.float32(t)).verdict is Verdict.AGREES
    for slope in (lambda t: 1.02 * jnp.cos(t), jnp.sin, lambda t: -jnp.cos(t)):
        assert asked(with_rule(cordic(24), slope), np.float32(t)).verdict is Verdict.REFUTED


def test_jumps_by_more_than_secants_tell_leave_a_rule_open() -> None:
    found = asked(with_rule(cordic(16), jnp.cos), np.float32(0.6))
    assert found.verdict is Verdict.UNDECIDED and "jump from one number to the next" in str(found)


def _recurrent(x: Any) -> Any:
    return lax.scan(lambda h, _: (jax.nn.relu(0.9 * h + x - 0.3), None), 0 * x, None, length=20)[0]


def _quantized(x: Any) -> Any:
    return lax.scan(lambda h, _: (h + jnp.floor(256 * x) / 256, None), 0 * x, None, length=3)[0]


def _fine(x: Any) -> Any:
    wave = lambda h: h + 2.0**-40 * jnp.sin(2.0**40 * x)  # noqa: E731
    return lax.scan(lambda h, _: (jnp.where(h < 9, wave(h), h), None), x, None, length=1)[0]


@pytest.mark.parametrize("f", [_recurrent, _quantized, _fine])
def test_what_compares_and_does_not_jump_at_every_scale_is_as_before(
    f: Callable[..., Any],
) -> None:
    for x in (0.61, 0.3, 1.7):
        found = asked(f, np.float32(x))
        assert found.verdict is Verdict.AGREES, found


def _shrunk(below: float) -> Callable[..., Any]:
    shrink = lambda z, _: (jnp.where(jnp.abs(z) < below, 0.0, z) * 0.9, None)  # noqa: E731
    return lambda z: lax.scan(shrink, z, None, length=5)[0]


@pytest.mark.parametrize(
    ("below", "z"),
    [(1e-2, [1e6, 0, 2]), (1e-2, [3e5, 0.003]), (1e-6, [100, 0]), (1e-8, [0, 0]), (1e-3, [0.5])],
)
def test_a_dead_zone_that_floats_see_is_no_jump(below: float, z: list[float]) -> None:
    found = asked(_shrunk(below), np.float32(z))
    assert found.verdict is Verdict.AGREES, found


def test_digit_by_digit_no_slope_but_that_of_the_program_is_asked_for() -> None:
    """Its steps are given to it: more turns than there are steps are none of it."""
    steps = 2.0 ** -jnp.arange(60)

    def root(a: Any) -> Any:
        add = lambda r, h: (jnp.where((r + h) ** 2 <= a, r + h, r), None)  # noqa: E731
        return lax.scan(add, jnp.zeros_like(a), steps)[0]

    assert asked(root, np.float32(2.3)).verdict is not Verdict.REFUTED


def test_a_series_that_overflows_where_nobody_asked_ends() -> None:
    """Where a term is infinite the loop goes on for ever, in floats."""

    def series(x: Any) -> Any:
        def term(c: Any) -> Any:
            total, last, k = c
            return total + last * x / k, last * x / k, k + 1

        start = jnp.ones_like(x), jnp.ones_like(x), jnp.float32(1)
        return lax.while_loop(lambda c: jnp.abs(c[1]) > 1e-7, term, start)[0]

    for factor, verdict in ((1.0, Verdict.AGREES), (1.01, Verdict.REFUTED)):
        f = with_rule(series, lambda x, factor=factor: factor * series(x))
        assert check(f, (np.float32(0.8),), modes="rev").verdict is verdict
