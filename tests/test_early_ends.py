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
