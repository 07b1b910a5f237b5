"""Loops that are given their steps, which nobody can run on, and jump between two numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from jax import lax

from jaxgrad import GradientCheck, Verdict, check
from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.gradients.rules.jumps import is_straight_in_floats, jumps
from jaxgrad.gradients.rules.lines import Line
from jaxgrad.gradients.rules.secants import Secants
from jaxgrad.numbers.ball import Ball
from jaxgrad.programs.trace import trace


def bisected(turns: int) -> Callable[[Any], Any]:
    """√a below 2, by steps that are the rows of an array."""

    def root(a: Any) -> Any:
        steps = jnp.asarray(2.0 ** -np.arange(turns), a.dtype)
        turn = lambda low, h: (jnp.where((low + h) ** 2 <= a, low + h, low), None)  # noqa: E731
        return lax.scan(turn, jnp.zeros_like(a), steps)[0]

    return root


def halved(turns: int) -> Callable[[Any], Any]:
    """The same between two ends, whose widths are what is returned beside them."""

    def root(a: Any) -> Any:
        def turn(ends: Any, _: Any) -> Any:
            low, high = ends
            middle = (low + high) / 2
            below = middle * middle <= a
            ends = jnp.where(below, middle, low), jnp.where(below, high, middle)
            return ends, high - low

        ends, _ = lax.scan(turn, (0 * a, a + 1), None, length=turns)
        return ends[0]

    return root


def with_factor(root: Callable[[Any], Any], factor: float) -> Callable[[Any], Any]:
    """A root with its derivative, times a factor, for a rule."""
    f = jax.custom_vjp(root)
    f.defvjp(lambda a: (root(a), a), lambda a, u: (u * factor / (2 * jnp.sqrt(a)),))
    return f


def asked(f: Callable[..., Any], a: Any) -> GradientCheck:
    """What is said at the point alone."""
    return check(f, (a,), modes="rev", special_points=False, budget=0)


@pytest.mark.parametrize("root", [bisected, halved])
@pytest.mark.parametrize("a", [0.7, 2])
@pytest.mark.parametrize(
    ("factor", "verdict"), [(1.0, Verdict.AGREES), (1.01, Verdict.REFUTED), (-1, Verdict.REFUTED)]
)
def test_a_root_is_held_to_its_secants(
    root: Callable[[int], Any], a: float, factor: float, verdict: Verdict
) -> None:
    found = asked(with_factor(root(40), factor), np.float32(a))
    assert found.verdict is verdict, found
    assert verdict is Verdict.AGREES or "by secants in truth" in str(found)


def test_it_is_not_refuted_at_points_that_nobody_asked_for() -> None:
    """Of a number that is smaller than the last step nothing is found."""
    right, wrong = (
        check(with_factor(bisected(24), factor), (np.float32(2),), modes="rev", budget=4)
        for factor in (1, 1.01)
    )
    assert right.verdict.passes, right
    assert wrong.verdict is Verdict.REFUTED


@pytest.mark.parametrize(("turns", "dtype"), [(13, np.float32), (25, np.float64)])
def test_jumps_that_floats_see_leave_it_open(turns: int, dtype: Any) -> None:
    with jax.enable_x64(True):
        found = asked(with_factor(bisected(turns), 1), dtype(2))
        assert found.verdict is Verdict.UNDECIDED and "jump from one number" in str(found), found
        wrong = asked(with_factor(bisected(turns), -1), dtype(2))
        assert wrong.verdict is Verdict.REFUTED, wrong


def test_higher_derivatives_of_jumps_are_open() -> None:
    found = check(
        with_factor(bisected(40), 1), (np.float32(2),), order=2, modes="rev", special_points=False
    )
    assert found.verdict is Verdict.UNDECIDED and "derivative 2" in str(found), found


def test_of_the_formula_alone_it_is_no_derivative() -> None:
    found = check(
        with_factor(bisected(40), 1),
        (np.float32(2),),
        modes="rev",
        special_points=False,
        exact=True,
    )
    assert found.verdict is Verdict.REFUTED


def recurrent(factor: float) -> Callable[[Any], Any]:
    """A network over a sequence, whose layer compares and does not jump."""
    xs = np.linspace(-1, 1, 8, dtype=np.float32)

    @jax.custom_vjp
    def layer(h: Any, x: Any) -> Any:
        return jnp.where(h + x > 0, h + x, 0.1 * (h + x))

    def back(s: Any, u: Any) -> Any:
        slope = factor * jnp.where(s > 0, 1.0, 0.1)
        return u * slope, u * slope

    layer.defvjp(lambda h, x: (layer(h, x), h + x), back)
    return lambda h: lax.scan(lambda h, x: (layer(0.9 * h, x), None), h, xs)[0]


@pytest.mark.parametrize("h", [0.3, -0.2])
def test_what_compares_and_does_not_jump_is_as_before(h: float) -> None:
    assert check(recurrent(1), (np.float32(h),), modes="rev", budget=2).verdict.passes
    found = check(recurrent(1.01), (np.float32(h),), modes="rev", budget=2)
    assert found.verdict is Verdict.REFUTED and "secants" not in str(found), found


@pytest.mark.parametrize(("bits", "straight"), [(12, False), (18, False), (26, True)])
def test_steps_that_floats_see_are_not_straight(bits: int, straight: bool) -> None:
    steps = lambda x: jnp.floor(x * 2.0**bits) / 2.0**bits  # noqa: E731
    point = np.float32(1.2718281)
    along, balls = Direction([np.ones(())]), [Ball().constants(point)]
    secants = Secants(Line(trace(steps, (point,)), balls, along, True), along, 23.0)
    assert is_straight_in_floats(secants) is straight
    assert not straight or (jumps(secants) and secants.have_slope(arb(1)))
