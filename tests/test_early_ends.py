"""Loops that end at a tolerance, early: the derivative of their solution is no fault.

Nor is it seen to be right.  What is wrong by more than such loops leave open is refuted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxgrad import Verdict, check


def bisected(a: Any, tolerance: float) -> Any:
    """The root of x³ + x = a."""

    def halved(ends: Any) -> Any:
        low, high = ends
        middle = (low + high) / 2
        below = middle**3 + middle < a
        return jnp.where(below, middle, low), jnp.where(below, high, middle)

    ends = jnp.float32(-4), jnp.float32(4)
    return sum(lax.while_loop(lambda ends: ends[1] - ends[0] > tolerance, halved, ends)) / 2


def slowly(a: Any, tolerance: float) -> Any:
    """The same by a fifth of Newton's steps."""

    def step(pair: Any) -> Any:
        x = pair[0]
        return x - 0.2 * (x**3 + x - a) / (3 * x**2 + 1), x

    start = jnp.float32(1), jnp.float32(3)
    return lax.while_loop(lambda pair: jnp.abs(pair[0] - pair[1]) > tolerance, step, start)[0]


def with_momentum(a: Any, tolerance: float) -> Any:
    """The same by steps that go on as the last one did, and swing about the solution."""

    def step(pair: Any) -> Any:
        x, before = pair
        ahead = x + 0.9 * (x - before)
        return ahead - 0.1 * (ahead**3 + ahead - a), x

    start = jnp.float32(1), jnp.float32(0.9)
    return lax.while_loop(lambda pair: jnp.abs(pair[0] - pair[1]) > tolerance, step, start)[0]


def within_rounding(a: Any, tolerance: float) -> Any:
    """The same by descents with momentum whose step is accepted within a rounding: about the
    solution all steps are, the longest too, and they go about it for ever."""

    def value(x: Any) -> Any:
        return x**4 / 4 + x**2 / 2 - a * x

    def step(state: Any) -> Any:
        x, before, length, turns = state
        ahead = x + 0.9 * (x - before)
        slope = ahead**3 + ahead - a

        def is_long(length: Any) -> Any:
            most = value(ahead) - length * slope**2 / 2 + jnp.finfo(jnp.float32).eps
            return value(ahead - length * slope) > most

        length = lax.while_loop(is_long, lambda y: y / 2, 2 * length)
        return ahead - length * slope, x, jnp.minimum(length, 1), turns + 1

    def goes_on(state: Any) -> Any:
        return (jnp.abs(state[0] - state[1]) > tolerance) & (state[3] < 40)

    start = jnp.float32(1), jnp.float32(0.9), jnp.float32(1), 0
    return lax.while_loop(goes_on, step, start)[0]


def counted(a: Any, tolerance: float) -> Any:
    """The same by six of these steps, whatever is left."""
    del tolerance
    return lax.fori_loop(0, 6, lambda _, x: x - 0.2 * (x**3 + x - a) / (3 * x**2 + 1), 1 + 0 * a)


def _verdict(solve: Callable[..., Any], tolerance: float, factor: float) -> tuple[Verdict, str]:
    f = jax.custom_vjp(lambda a: solve(a, tolerance))
    f.defvjp(lambda a: (f(a), f(a)), lambda x, g: (factor * g / (3 * x * x + 1),))
    found = check(f, (np.float32(1.5),), special_points=False, budget=0)
    return found.verdict, str(found)


@pytest.mark.parametrize(
    ("solve", "tolerance", "said"),
    [
        (bisected, 1e-2, "between two of its jumps"),
        (bisected, 1e-3, "between two of its jumps"),
        (slowly, 1e-2, "before they have come to their solution"),
        (with_momentum, 1e-3, "before they have come to their solution"),
        (slowly, 1e-3, "before they have come to their solution"),
        (within_rounding, 1e-7, "changes by as much as the rule is off"),
    ],
)
def test_the_rule_of_the_solution_is_not_refuted(solve: Any, tolerance: float, said: str) -> None:
    verdict, text = _verdict(solve, tolerance, 1.0)
    assert verdict is Verdict.UNDECIDED
    assert said in text


@pytest.mark.parametrize(
    ("solve", "tolerance", "factor"),
    [
        (bisected, 1e-3, -1.0),
        (bisected, 1e-2, -1.0),
        (bisected, 1e-3, 1.01),
        (bisected, 1e-4, 1.01),
        (with_momentum, 1e-3, -1.0),
        (with_momentum, 1e-3, 1.5),
        (within_rounding, 1e-7, -1.0),
        (within_rounding, 1e-7, 1.5),
        (slowly, 1e-2, -1.0),
        (slowly, 1e-3, 1.01),
        (counted, 0.0, 1.0),  # no tolerance says that anything else is meant
    ],
)
def test_what_is_further_off_is_refuted(solve: Any, tolerance: float, factor: float) -> None:
    assert _verdict(solve, tolerance, factor)[0] is Verdict.REFUTED


@pytest.mark.parametrize(
    ("factor", "verdict"),
    [(1.0, Verdict.AGREES), (1.001, Verdict.REFUTED), (-1.0, Verdict.REFUTED)],
)
@pytest.mark.parametrize(("solve", "tolerance"), [(slowly, 1e-5), (with_momentum, 1e-6)])
def test_a_rule_that_a_smaller_tolerance_hardly_changes_is_judged_there(
    solve: Any, tolerance: float, factor: float, verdict: Verdict
) -> None:
    assert _verdict(solve, tolerance, factor)[0] is verdict


def in_a_bracket_that_is_doubled(a: Any, tolerance: float) -> Any:
    """The root of x³ + x = a by bisection, between ends that are moved outwards until it is."""

    def below(x: Any) -> Any:
        return x**3 + x < a

    wide = lax.while_loop(below, lambda x: 2 * x, 0 * a + 0.25)

    def halved(ends: Any) -> Any:
        low, high = ends
        middle = (low + high) / 2
        return jnp.where(below(middle), middle, low), jnp.where(below(middle), high, middle)

    far = lambda ends: ends[1] - ends[0] > tolerance  # noqa: E731
    return sum(lax.while_loop(far, halved, (0 * a, wide))) / 2


@pytest.mark.parametrize(
    ("factor", "verdict"), [(1.0, Verdict.AGREES), (1.01, Verdict.REFUTED), (-1.0, Verdict.REFUTED)]
)
def test_a_bracket_that_is_doubled_takes_turns_to_be_narrow_again(
    factor: float, verdict: Verdict
) -> None:
    assert _verdict(in_a_bracket_that_is_doubled, 1e-6, factor)[0] is verdict


def test_a_value_that_further_turns_change_is_no_solution() -> None:
    """A rule that is right for more turns alone."""

    def delay(a: Any) -> Any:
        body = lambda c: (c[1], a, c[2] / 2)  # noqa: E731
        return lax.while_loop(lambda c: c[2] > 0.3, body, (0 * a, -3 * a, 0 * a + 0.5))[0]

    f = jax.custom_vjp(delay)
    f.defvjp(lambda a: (f(a), None), lambda _, g: (g,))
    found = check(f, (np.float32(0.25),), special_points=False, budget=0)
    assert not found.verdict.passes, str(found)


@pytest.mark.parametrize(("off", "right"), [(0.0, True), (1e-4, False)])
def test_a_zero_that_an_iteration_comes_near_to(off: float, right: bool) -> None:
    """The entries of a solution beside the diagonal, which are as small as what is left to do."""

    def solve(a: Any) -> Any:
        def step(pair: Any) -> Any:
            x = pair[0]
            left = x - a + jnp.float32([[0, 1e-3], [1e-3, 0]]) @ (x - a)
            return x - 0.99 * left, x

        start = 0 * a, 1 + 0 * a
        far = lambda pair: jnp.max(jnp.abs(pair[0] - pair[1])) > 1e-7  # noqa: E731
        return lax.while_loop(far, step, start)[0]

    f = jax.custom_vjp(solve)
    f.defvjp(lambda a: (f(a), None), lambda _, g: (g + off * g[::-1],))
    found = check(f, (np.float32([0.5, -1.0]),), special_points=False, budget=0)
    assert found.verdict is (Verdict.AGREES if right else Verdict.REFUTED), str(found)


def by_steps_that_are_searched(a: Any, tolerance: float) -> Any:
    """The same by steps that are halved until the residual is smaller, as in a line search."""

    def residual(x: Any) -> Any:
        return (x**3 + x - a) ** 2

    def step(pair: Any) -> Any:
        x = pair[0]
        way = (x**3 + x - a) / (3 * x**2 + 1)
        size = lax.while_loop(
            lambda s: residual(x - s * way) > residual(x), lambda s: s / 2, jnp.float32(0.2)
        )
        return x - size * way, x

    start = jnp.float32(1), jnp.float32(3)
    return lax.while_loop(lambda pair: jnp.abs(pair[0] - pair[1]) > tolerance, step, start)[0]


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, Verdict.UNDECIDED), (-1.0, Verdict.REFUTED)])
def test_a_search_along_a_line_is_not_run_on(factor: float, verdict: Verdict) -> None:
    assert _verdict(by_steps_that_are_searched, 1e-3, factor)[0] is verdict


TURNED = 0.7 * jnp.float32([[0.6, -0.8], [0.8, 0.6]])


def _left(z: Any, a: Any) -> Any:
    return jnp.tanh(TURNED @ z + jnp.float32([1.0, 0.5]) * a) - z


def _spiral(tolerance: float) -> Any:
    """A fixed point about which the iteration turns, so that its errors change their signs."""

    def solve(a: Any) -> Any:
        far = lambda c: jnp.max(jnp.abs(_left(c, a))) > tolerance  # noqa: E731
        return lax.while_loop(far, lambda z: z + _left(z, a), jnp.zeros(2))

    return solve


@pytest.mark.parametrize("factor", [1.0, 1.01])
@pytest.mark.parametrize("tolerance", [1e-4, 1e-5, 1e-6])
def test_a_spiral_is_judged_at_every_tolerance(tolerance: float, factor: float) -> None:
    solve = _spiral(tolerance)
    f = jax.custom_vjp(solve)

    def backward(kept: Any, g: Any) -> Any:
        z, a = kept
        u = jnp.linalg.solve(jax.jacobian(_left)(z, a).T, g)
        return (-factor * jax.vjp(lambda a: _left(z, a), a)[1](u)[0],)

    f.defvjp(lambda a: ((z := solve(a)), (z, a)), backward)
    found = check(f, (np.float32(0.4),), special_points=False, budget=0)
    assert found.verdict is (Verdict.AGREES if factor == 1 else Verdict.REFUTED), str(found)
    if factor == 1:
        assert "(float32 holds 24), or than is left where its loops end" in str(found)


def _onto_the_simplex(tolerance: float, factor: float) -> Any:
    """The result depends on what is bisected, and on the argument itself, in straight lines."""

    def solve(v: Any) -> Any:
        def halved(ends: Any) -> Any:
            low, high = ends
            middle = (low + high) / 2
            below = jnp.sum(jnp.maximum(v - middle, 0)) > 1
            return jnp.where(below, middle, low), jnp.where(below, high, middle)

        ends = jnp.float32(-2), jnp.float32(2)
        found = lax.while_loop(lambda ends: ends[1] - ends[0] > tolerance, halved, ends)
        return jnp.maximum(v - sum(found) / 2, 0)

    def backward(p: Any, g: Any) -> Any:
        on = (p > 0).astype(p.dtype)
        return (on * (g - factor * jnp.sum(on * g) / on.sum()),)

    f = jax.custom_vjp(solve)
    f.defvjp(lambda v: (solve(v),) * 2, backward)
    return f


@pytest.mark.parametrize(
    ("tolerance", "factor", "verdict"),
    [
        (1e-3, 1.0, Verdict.UNDECIDED),
        (1e-4, 1.0, Verdict.AGREES),
        (1e-3, 1.5, Verdict.REFUTED),
        (1e-4, 1.01, Verdict.REFUTED),
    ],
)
def test_a_bisection_within_a_function(tolerance: float, factor: float, verdict: Verdict) -> None:
    f = _onto_the_simplex(tolerance, factor)
    found = check(f, (np.float32([0.55, 0.65]),), special_points=False, budget=0)
    assert found.verdict is verdict, str(found)
    if verdict is Verdict.REFUTED:  # the truth that is told is that of the solution
        assert re.search(r" \[?0\.(50*|49*)( \+/- \S*])? by secants in truth", str(found))
        assert " of the derivative" not in str(found)
