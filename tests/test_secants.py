"""Implicit rules over a bisection, which has no derivative but its secants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from jax import lax

from jaxgrad.errors import GradientMismatch
from jaxgrad.gradients.check_grads import check, check_grads
from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.gradients.rules.lines import Line
from jaxgrad.gradients.rules.secants import Secants
from jaxgrad.interpret.turns import further_turns, two_more
from jaxgrad.numbers.ball import Ball
from jaxgrad.programs.trace import trace
from jaxgrad.verdict import Verdict


def _halved(y: Any, ends: tuple[Any, Any]) -> tuple[Any, Any]:
    """The half of an interval in which √y is."""
    low, high = ends
    middle = 0.5 * (low + high)
    below = middle * middle < y
    return jnp.where(below, middle, low), jnp.where(below, high, middle)


def bisected(factor: float) -> Callable[[Any], Any]:
    """√y by bisection, with the derivative of √y times a factor."""

    def root(y: Any) -> Any:
        ends = jnp.zeros_like(y), 1.0 + y
        low, high = lax.fori_loop(0, 60, lambda _, ends: _halved(y, ends), ends)
        return 0.5 * (low + high)

    function = jax.custom_vjp(root)
    function.defvjp(lambda y: (root(y), root(y)), lambda x, g: (g * factor / (2 * x),))
    return function


def test_the_rule_of_the_root_passes() -> None:
    found = check_grads(bisected(1.0), (np.float32(2),), modes="rev", special_points=False)
    assert found.verdict is Verdict.AGREES


@pytest.mark.parametrize("factor", [1.001, 1 + 1e-5])
def test_another_rule_does_not(factor: float) -> None:
    with pytest.raises(GradientMismatch):
        check_grads(bisected(factor), (np.float32(2),), modes="rev", special_points=False)


def newton(dtype: Any, factor: float) -> Callable[[Any], Any]:
    """√y by six turns of Newton's iteration, with the derivative of √y times a factor."""

    def root(y: Any) -> Any:
        return lax.fori_loop(0, 6, lambda _, x: 0.5 * (x + y / x), jnp.ones_like(y))

    function = jax.custom_vjp(root)
    function.defvjp(lambda y: (root(y), y), lambda y, g: (g * dtype(factor / 2) / jnp.sqrt(y),))
    return function


@pytest.mark.parametrize(
    ("dtype", "factor", "verdict"),
    [
        (np.float32, 1.0, Verdict.AGREES),
        (np.float32, 1 + 1e-5, Verdict.REFUTED),
        (np.float32, 1 + 3e-6, Verdict.REFUTED),
        (np.float16, 1.0, Verdict.AGREES),
        (np.float16, 1.05, Verdict.REFUTED),
    ],
)
def test_a_loop_that_does_not_jump_is_held_against_its_derivative(
    dtype: Any, factor: float, verdict: Verdict
) -> None:
    """Secants are less exact than its own derivative, which is that of the root."""
    found = check(newton(dtype, factor), (dtype(2),), modes="rev", special_points=False)
    assert found.verdict is verdict


def secants(function: Callable[..., Any], *point: float, may_jump: bool = False) -> Secants:
    """Those along the first of some numbers."""
    at = [np.float32(x) for x in point]
    along = Direction([np.float64(k == 0) for k in range(len(at))])
    balls = [Ball().constants(x) for x in at]
    program, cotangent = trace(function, tuple(at)), Direction([np.ones(())])
    return Secants(Line(program, balls, along, may_jump), cotangent, 23.0)


def test_secants_tend_to_the_derivative_where_nothing_jumps() -> None:
    slope = arb(2) ** -1.5
    smooth, jumping = secants(newton(np.float32, 1.0), 2.0), secants(bisected(1.0), 2.0)
    assert smooth.have_slope(slope) and jumping.have_slope(slope)
    assert smooth.tend_to(slope)
    assert not smooth.tend_to(slope * 1.00001)
    of_the_last_steps = arb(2).sqrt() / 3  # the root stands so far on the way from 0 to 1 + y
    assert not jumping.tend_to(of_the_last_steps)


def test_secants_of_what_may_jump_tell_no_more_than_jumps_leave_of_them() -> None:
    steps = lambda x: jnp.floor(x * 2.0**12) / 2.0**12  # noqa: E731
    for x in np.random.default_rng(0).uniform(0.1, 1.9, 200):
        assert not secants(steps, x, may_jump=True).tell_apart(arb(1))
    assert secants(bisected(1.0), 2.0, may_jump=True).tell_apart(arb(2).sqrt() / 3)
    assert any(secants(steps, k / 100).tell_apart(arb(1)) for k in range(10, 190))


def test_secants_that_are_not_known_tell_nothing() -> None:
    unknown = secants(lambda x: jnp.sqrt(x), 0)  # NaN on one side
    assert not unknown.tell_apart(arb(3)) and unknown.shown is None
    flat = secants(lambda x: jnp.floor(x), 0.5)
    assert flat.tell_apart(arb(3)) and not flat.tell_apart(arb(0)) and flat.shown == 0


def test_the_slope_of_a_small_number_is_known_to_the_digits_of_what_comes_with_it() -> None:
    cubed = secants(lambda x: 1e-9 * x**3, 2.0)
    assert not cubed.have_slope(arb(0)) and cubed.have_slope(arb(0), arb(1))
    assert not cubed.have_slope(arb(0), arb(1e-9)) and not cubed.have_slope(arb(1), arb(1))


def test_what_is_sharp_is_come_to_and_what_jumps_is_not() -> None:
    sharp = secants(lambda x: jnp.exp(-(x**1000)), 1.0)
    truth = -1000 * arb(-1).exp()
    assert sharp.come_to(truth) and not sharp.come_to(truth * 1.01) and not sharp.come_to(arb(0))
    steps = secants(lambda x: jnp.floor(x * 2.0**15) / 2.0**15, 1.2718281)
    assert not steps.come_to(arb(0))


def test_every_cotangent_asks_one_line() -> None:
    balls, along = [Ball().constants(np.float32(2.0))], Direction([np.ones(())])
    line = Line(trace(lambda x: (x**2, x**3), (np.float32(2.0),)), balls, along, False)
    first = Direction([np.ones(()), np.zeros(())])
    second = Direction([np.zeros(()), np.ones(())])
    squared, cubed = (Secants(line, cotangent, 23.0) for cotangent in (first, second))
    assert squared.value(0.5) == 6.25 and cubed.value(0.5) == 15.625
    assert line.outputs(0.5) is line.outputs(0.5)


def test_a_line_is_another_where_loops_are_run_on() -> None:
    def halves(x: Any) -> Any:
        return lax.while_loop(lambda y: jnp.abs(y) > 1, lambda y: y / 2, x)

    point = np.float32(3.0)
    line = Line(trace(halves, (point,)), [Ball().constants(point)], Direction([np.ones(())]), False)
    ends = line.outputs(0.0)[0].item()
    with further_turns(two_more):
        assert line.outputs(0.0)[0].item() == ends / 4
    assert line.outputs(0.0)[0].item() == ends == 0.75


def test_steps_are_as_long_as_what_moves() -> None:
    cubed = secants(lambda x, y: x**3 * y, 1, 1e6)
    assert not cubed.tell_apart(arb(3e6)) and cubed.tell_apart(arb(3.1e6))


def test_of_the_formula_alone_it_is_the_slope_of_the_last_steps() -> None:
    found = check(
        bisected(1.0), (np.float32(2),), modes="rev", special_points=False, exact=True
    )  # fmt: skip
    assert found.verdict is Verdict.REFUTED


def test_a_promise_of_symmetry_is_kept_at_other_points() -> None:
    def solve(product: Callable[[Any], Any], b: Any) -> Any:
        return jnp.linalg.solve(jax.jacobian(product)(b), b)

    def solved(a: Any, b: Any) -> Any:
        return lax.custom_linear_solve(lambda v: a @ v, b, solve, solve, symmetric=True)

    a, b = np.array([[2, 1], [1, 3]], np.float32), np.array([1, 2], np.float32)
    found = check_grads(solved, (a, b))
    assert found.verdict is Verdict.AGREES and found.special_points
    wrong = check(lambda a, b: solved(a, b) + lax.stop_gradient(b), (a, b))
    assert wrong.verdict is Verdict.REFUTED


def stopped_early(factor: float) -> Callable[[Any], Any]:
    """√y by a bisection that ends at a tolerance, with the derivative of √y times a factor."""

    def root(y: Any) -> Any:
        def going(ends: tuple[Any, Any]) -> Any:
            return ends[1] - ends[0] > 1e-5

        ends = jnp.zeros_like(y), 1.0 + y
        low, high = lax.while_loop(going, lambda ends: _halved(y, ends), ends)
        return 0.5 * (low + high)

    function = jax.custom_jvp(root)
    function.defjvp(lambda ys, ts: (root(*ys), factor * ts[0] / (2 * root(*ys))))
    return function


@pytest.mark.parametrize(("factor", "right"), [(1.0, True), (1.01, False), (-1.0, False)])
def test_a_bisection_that_ends_at_a_tolerance(factor: float, right: bool) -> None:
    """It is run on for its secants: those of its own are too coarse."""
    found = check(stopped_early(factor), (np.float32(2),), modes="fwd", special_points=False)
    assert found.verdict is (Verdict.AGREES if right else Verdict.REFUTED)


# -- loops that end at a tolerance, in float64 -----------------------------------------------------
def _cube(y: Any) -> Any:
    return y**3 + y


def _bisected(tolerance: float) -> Callable[[Any], Any]:
    def turn(ends: Any, x: Any) -> Any:
        low, high = ends
        middle = (low + high) / 2
        above = _cube(middle) > x
        return jnp.where(above, low, middle), jnp.where(above, middle, high)

    def root(x: Any) -> Any:
        ends = lax.while_loop(
            lambda ends: ends[1] - ends[0] > tolerance,
            lambda ends: turn(ends, x),
            (0 * x, 0 * x + 4),
        )
        return sum(ends) / 2

    return root


def _by_secants(x: Any) -> Any:
    def turn(ends: Any) -> Any:
        first, last = ends
        rise = (_cube(last) - _cube(first)) / (last - first)
        return last, last - (_cube(last) - x) / rise

    return lax.while_loop(
        lambda ends: jnp.abs(_cube(ends[1]) - x) > 1e-10, turn, (1 + 0 * x, 1.5 + 0 * x)
    )[1]


def _implicit(root: Callable[[Any], Any], factor: float) -> Any:
    rule = jax.custom_jvp(root)
    rule.defjvp(lambda p, t: (root(*p), factor * t[0] / (3 * root(*p) ** 2 + 1)))
    return rule


@pytest.mark.parametrize(("tolerance", "x"), [(1e-8, 0.4), (1e-9, 3.3), (1e-10, 1.7), (1e-12, 1.7)])
def test_a_rule_of_a_bisection_is_as_far_off_as_its_tolerance(tolerance: float, x: float) -> None:
    with jax.enable_x64(True):
        right, wrong = (_implicit(_bisected(tolerance), k) for k in (1.0, 1.0001))
        found = check(right, (np.float64(x),), modes="fwd", budget=0)
        assert found.verdict is Verdict.AGREES, str(found)
        assert check(wrong, (np.float64(x),), modes="fwd", budget=0).verdict is Verdict.REFUTED


def test_loops_that_return_no_number_past_their_end() -> None:
    """Where a secant has no length left it is 0/0."""
    with jax.enable_x64(True):
        found = check(_implicit(_by_secants, 1.0), (np.float64(1.7),), modes="fwd", budget=0)
        assert found.verdict is Verdict.UNDECIDED and "name it with reference=" in str(found)
        wrong = check(_implicit(_by_secants, 1.001), (np.float64(1.7),), modes="fwd", budget=0)
        assert wrong.verdict is Verdict.REFUTED
