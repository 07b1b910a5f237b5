"""What loops that end at a tolerance come near to, and what they are, where that is no solution.

What stands still, ends at an event, or dwindles is judged as what it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxgrad import Verdict, check


def _with_rule(solve: Callable[..., Any], slope: Callable[..., Any]) -> Any:
    f = jax.custom_vjp(solve)
    f.defvjp(lambda *args: (solve(*args), args), lambda args, g: slope(*args, g))
    return f


def _at(f: Any, *args: Any) -> Any:
    point = tuple(map(np.float32, args))
    return check(f, point, special_points=False, budget=0)


def _descent(rate: float, tolerance: float) -> Any:
    """x* = a, from the a that is given, so that it is at its end before it has begun to move."""

    def solve(a: Any) -> Any:
        step = lambda c: (c[0] - rate * (c[0] - a), c[0])  # noqa: E731
        far = lambda c: jnp.abs(c[0] - c[1]) > tolerance  # noqa: E731
        return lax.while_loop(far, step, (0 * a, 0 * a + 1))[0]

    return solve


@pytest.mark.parametrize("rate", [0.2, 0.1, 0.0125])
def test_an_iteration_that_starts_at_its_solution_refutes_no_rule(rate: float) -> None:
    f = _with_rule(_descent(rate, 1e-3), lambda a, g: (g,))
    assert _at(f, 0).verdict is Verdict.UNDECIDED
    wrong = _with_rule(_descent(rate, 1e-3), lambda a, g: (-g,))
    found = _at(wrong, 0)
    assert found.verdict is Verdict.REFUTED and "secants" not in str(found)


def test_what_does_not_move_says_nothing_of_the_steps_of_secants() -> None:
    left = lambda x, a: x**3 + x - a  # noqa: E731

    def root(a: Any) -> Any:
        far = lambda x: jnp.abs(left(x, a)) > 1e-6  # noqa: E731
        return lax.while_loop(far, lambda x: x - 0.1 * left(x, a), 0 * a)

    f = _with_rule(
        lambda a, b: root(a) * b,
        lambda a, b, g: (g * b / (3 * root(a) ** 2 + 1), g * root(a)),
    )
    for b in (1, 1000):
        assert _at(f, 0, b).verdict is Verdict.AGREES


EVENTS = {
    "halving": (lambda x: x > 1, lambda x: x / 2, 5.7, 1 / 8),
    "doubling": (lambda x: x < 100, lambda x: 2 * x, 2.0, 64.0),
    "tripling": (lambda x: x < 100, lambda x: 3 * x, 2.0, 81.0),
    "growing": (lambda x: x < 10, lambda x: 1.25 * x, 1.5, 1.25**9),
    "squaring": (lambda x: x < 100, lambda x: x * x, 2.0, 8 * 2.0**7),
}


@pytest.mark.parametrize("factor", [-1.0, 1.01, 1.5])
@pytest.mark.parametrize("name", EVENTS)
def test_loops_that_end_at_an_event_are_no_solvers(name: str, factor: float) -> None:
    """What they are run on to is nothing that a rule could mean."""
    goes_on, turn, x, slope = EVENTS[name]
    solve = lambda x: lax.while_loop(goes_on, turn, x)  # noqa: E731
    right = _with_rule(solve, lambda x, g: (g * np.float32(slope),))
    assert _at(right, x).verdict is Verdict.AGREES
    found = _at(_with_rule(solve, lambda x, g: (factor * g * np.float32(slope),)), x)
    assert found.verdict is Verdict.REFUTED, str(found)
    assert "secants" not in str(found)


@pytest.mark.parametrize(("factor", "verdict"), [(1, Verdict.UNDECIDED), (1.01, Verdict.REFUTED)])
def test_what_ends_in_0_by_0_is_run_on_by_a_turn_or_two(factor: float, verdict: Verdict) -> None:
    left = lambda x, a: x**3 + x - a  # noqa: E731

    def secant_method(a: Any) -> Any:
        def turn(c: Any) -> Any:
            x, y = c
            run, rise = x - y, left(x, a) - left(y, a)
            return x - left(x, a) * run / rise, x

        far = lambda c: jnp.abs(c[0] - c[1]) > 1e-2  # noqa: E731
        return lax.while_loop(far, turn, (0 * a + 1, 0 * a + 0.9))[0]

    def slope(a: Any, g: Any) -> Any:
        return (factor * g / (3 * secant_method(a) ** 2 + 1),)

    assert _at(_with_rule(secant_method, slope), 1.5).verdict is verdict


@pytest.mark.parametrize("factor", [-1.0, 1.01, 1.5])
def test_a_rule_by_the_same_loop_dwindles_with_it(factor: float) -> None:
    def solve(x: Any) -> Any:
        return lax.while_loop(lambda x: x > 0.01, lambda x: x / 2, x)

    f = jax.custom_jvp(solve)
    f.defjvp(lambda x, t: (solve(*x), factor * jax.jvp(solve, x, t)[1]))
    assert _at(f, 1.7).verdict is Verdict.REFUTED


def test_an_entry_that_is_0_comes_as_near_as_what_stands_beside_it() -> None:
    matrix = np.float32([[2, 0.5], [0.3, 1]])
    inverse = np.linalg.inv(matrix)

    def solve(b: Any) -> Any:
        step = lambda c: (c[0] - 0.3 * (matrix @ c[0] - b), c[0])  # noqa: E731
        far = lambda c: jnp.max(jnp.abs(c[0] - c[1])) > 1e-6  # noqa: E731
        return lax.while_loop(far, step, (0 * b, b + 1))[0]

    b = [1, 2]  # x = (0, 2)
    assert _at(_with_rule(solve, lambda b, g: (inverse.T @ g,)), b).verdict is Verdict.AGREES
    wrong = _with_rule(solve, lambda b, g: (inverse @ g,))
    assert _at(wrong, b).verdict is Verdict.REFUTED


def test_turns_beside_a_solution_leave_it_as_it_is() -> None:
    def solve(a: Any) -> Any:
        far = lambda c: jnp.abs(c[0] - jnp.cos(c[0]) * a) > 1e-6  # noqa: E731
        turn = lambda c: (jnp.cos(c[0]) * a, c[1] + 1)  # noqa: E731
        return lax.while_loop(far, turn, (a, 0 * a))

    def slope(a: Any, g: Any) -> Any:
        x = solve(a)[0]
        return (g[0] * jnp.cos(x) / (1 + a * jnp.sin(x)),)

    assert _at(_with_rule(solve, slope), 0.8).verdict is Verdict.AGREES
    wrong = _with_rule(solve, lambda a, g: (1.01 * slope(a, g)[0],))
    assert _at(wrong, 0.8).verdict is Verdict.REFUTED


# -- what they come near to, and what they are --------------------------------------------------


def cooled(a: Any) -> Any:
    """The maximum of numbers, smoothed less and less, until its value moves little."""

    def step(state: Any) -> Any:
        heat, value, _ = state
        return heat / 2, heat / 2 * jax.nn.logsumexp(2 * a / heat), value

    moves = lambda state: jnp.abs(state[1] - state[2]) > 1e-4  # noqa: E731
    return lax.while_loop(moves, step, (1 + 0 * a[0], a[0] + 1, a[0] + 3))[1]


@pytest.mark.parametrize("special", [False, True])
def test_the_derivative_of_a_limit_is_not_that_of_what_has_its_value(special: bool) -> None:
    """Its derivatives are 0.16 and 0.84, and those of the maximum 0 and 1."""
    f = jax.custom_vjp(cooled)
    f.defvjp(lambda a: (f(a), a), lambda a, g: (g * (a == jnp.max(a)),))
    found = check(f, (np.float32([1, 1.0002]),), special_points=special, budget=5)
    assert not found.verdict.passes, str(found)


@pytest.mark.parametrize("power", [30, 200, 1000])
def test_what_is_left_of_a_decay_is_no_jump(power: int) -> None:
    def f(a: Any) -> Any:
        decay = lambda x: x * jnp.exp(-(a**power))  # noqa: E731
        return a + lax.while_loop(lambda x: x > 2e-4, decay, 1 + 0 * a)

    ruled = jax.custom_jvp(f)
    ruled.defjvp(lambda xs, ts: (f(*xs), ts[0]))
    assert not check(ruled, (np.float32(1),), budget=5).verdict.passes


def averaged(a: Any, tolerance: float) -> Any:
    """The root by a descent, of which an average is taken."""

    def step(state: Any) -> Any:
        x, mean, _ = state
        return x - 0.3 * (x**3 + x - a), 0.9 * mean + 0.1 * x, mean

    far = lambda state: jnp.abs(state[1] - state[2]) > tolerance  # noqa: E731
    return lax.while_loop(far, step, (1 + 0 * a, 0 * a, 9 + 0 * a))[1]


def test_a_rule_with_a_loop_of_its_own_that_has_no_turns_beyond_its_end() -> None:
    f = jax.custom_vjp(lambda a: averaged(a, 1e-3))
    f.defvjp(lambda a: (f(a), a), lambda a, g: (g / (3 * averaged(a, 1e-7) ** 2 + 1),))
    found = check(f, (np.float32(1.5),), special_points=False, budget=0)
    assert found.verdict is not Verdict.REFUTED, str(found)


@pytest.mark.parametrize(("factor", "refuted"), [(1.0, False), (-1.0, True), (1.5, True)])
def test_what_dwindles_slowly_is_waited_for(factor: float, refuted: bool) -> None:
    """A descent by estimated moments, whose steps are hardly shorter than the last ones."""

    def solve(a: Any, tolerance: float) -> Any:
        def step(state: Any) -> Any:
            x, mean, square, turns, _ = state
            slope = x**3 + x - a
            mean, square = 0.9 * mean + 0.1 * slope, 0.99 * square + 0.01 * slope**2
            size = jnp.sqrt(square / (1 - 0.99**turns)) + 1e-3
            return x - 0.1 * mean / (1 - 0.9**turns) / size, mean, square, turns + 1, x

        zero = 0 * a
        start = zero + 1, zero, zero, zero + 1, zero + 9
        far = lambda state: jnp.abs(state[0] - state[4]) > tolerance  # noqa: E731
        return lax.while_loop(far, step, start)[0]

    def newton(a: Any) -> Any:
        step = lambda _, x: x - (x**3 + x - a) / (3 * x * x + 1)  # noqa: E731
        return lax.fori_loop(0, 8, step, 1 + 0 * a)

    f = jax.custom_vjp(lambda a: solve(a, 3e-4))
    f.defvjp(lambda a: (f(a), a), lambda a, g: (factor * g / (3 * newton(a) ** 2 + 1),))
    found = check(f, (np.float32(1.5),), special_points=False, budget=0)
    assert (found.verdict is Verdict.REFUTED) is refuted, str(found)


@pytest.mark.parametrize(("of_the_guess", "right"), [(0.0, True), (1e-4, False)])
@pytest.mark.parametrize("tolerance", [1e-5, 1e-10])
def test_a_first_guess_moves_no_solution(
    tolerance: float, of_the_guess: float, right: bool
) -> None:
    def root(a: Any, guess: Any) -> Any:
        far = lambda state: (jnp.abs(state[0] ** 3 - a) > tolerance) & (state[1] < 60)  # noqa: E731
        step = lambda s: (s[0] - (s[0] ** 3 - a) / (3 * s[0] ** 2), s[1] + 1)  # noqa: E731
        return lax.while_loop(far, step, (guess, 0))[0]

    f = jax.custom_vjp(root)
    f.defvjp(
        lambda a, guess: (f(a, guess),) * 2,
        lambda x, g: (g / (3 * x**2), of_the_guess * g),
    )
    found = check(f, (np.float32(2), np.float32(1)), special_points=False, budget=0)
    assert found.verdict is (Verdict.AGREES if right else Verdict.REFUTED), str(found)


@pytest.mark.parametrize("start", [1e3, 1.0])
@pytest.mark.parametrize("factor", [0.0, 2.0])
def test_what_a_large_number_hides_of_a_small_one_is_no_part_of_it(
    start: float, factor: float
) -> None:
    def f(x: Any, y: Any) -> Any:
        return 1e6 * y + lax.fori_loop(0, 5, lambda _, s: s / 2, x), y

    ruled = jax.custom_vjp(f)
    ruled.defvjp(
        lambda x, y: (f(x, y), None),
        lambda _, g: (factor * lax.fori_loop(0, 5, lambda _, s: s / 2, g[0]), 1e6 * g[0] + g[1]),
    )
    found = check(ruled, (np.float32(start), np.float32(1)), special_points=False, budget=0)
    assert found.verdict.passes is (start == 1), str(found)  # 0.03 of 1e6 is less than a rounding
