"""Loops that are counted, and loops that are run on past their end."""

from __future__ import annotations

import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxgrad.gradients.check_grads import check
from jaxgrad.gradients.rules import iterations
from jaxgrad.gradients.rules.run_on import Ended, ended
from jaxgrad.interpret.turns import LENGTHS, counting_turns, further_turns, is_run_on
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.clock import tick
from jaxgrad.programs.trace import trace
from jaxgrad.verdict import Verdict


def halved(turns: int) -> Any:
    return lambda x: lax.fori_loop(0, turns, lambda _, y: y / 2, x)


def until_small(x: Any) -> Any:
    return lax.while_loop(lambda y: y > 1, lambda y: y / 2, x)


def entry_by_entry(x: Any) -> Any:
    return jax.vmap(until_small)(x)


def added(x: Any) -> Any:
    """A sum over a sequence, which is no iteration and has an end of its own."""
    return lax.scan(lambda total, y: (total + y, total), x[0], x)[0]


def run(function: Any, x: Any) -> list[float]:
    program = trace(function, (x,))
    found = interpret(program, Ball(), [Ball().constants(x)])
    return [float(y) for leaf in found for y in leaf.flat]


@pytest.mark.parametrize(
    ("function", "x", "turns"),
    [
        (halved(5), np.float32(8), [5]),
        (until_small, np.float32(8), [3]),
        (until_small, np.float32(0.5), [0]),
        (entry_by_entry, np.array([8, 0.5, 32], np.float32), [5]),
        (lambda x: until_small(x) + halved(2)(x), np.float32(8), [3, 2]),
        (added, np.arange(3, dtype=np.float32), []),
        (lambda x: x * x, np.float32(8), []),
    ],
)
def test_turns_are_counted(function: Any, x: Any, turns: list[int]) -> None:
    with counting_turns() as counts:
        run(function, x)
    assert list(counts.values()) == turns
    with counting_turns() as counts:
        pass
    assert not counts


def test_a_loop_within_a_loop_has_the_most_turns_that_it_makes() -> None:
    def nested(x: Any) -> Any:
        return lax.fori_loop(0, 3, lambda _, y: until_small(4 * y), x)

    with counting_turns() as counts:
        run(nested, np.float32(8))  # 32 → 1, then 4 → 1 twice
    assert sorted(counts.values()) == [3, 5]


def test_loops_are_run_on_within_the_block_alone() -> None:
    x = np.float32(8)
    with further_turns():
        assert is_run_on()
        # Of those that are over as they begin, as many as make any difference.
        assert run(halved(5), x) == [8 / 2**10]
        assert run(until_small, x) == [8 / 2**7]
        assert run(until_small, np.float32(0.5)) == [0.5 / 2**4]
        assert run(added, np.arange(3, dtype=np.float32)) == [3]
    with further_turns(lambda turns: turns + 1):
        assert run(halved(5), x) == [8 / 2**11]
    assert not is_run_on()
    assert run(halved(5), x) == [8 / 2**5]


def newton(turns: int) -> Any:
    def root(a: Any) -> Any:
        return lax.fori_loop(0, turns, lambda _, y: 0.5 * (y + a / y), jnp.ones_like(a))

    return root


def cosine(turns: int) -> Any:
    def solved(a: Any) -> Any:
        return lax.fori_loop(0, turns, lambda _, x: jnp.cos(a * x), jnp.ones_like(a))

    return solved


@pytest.mark.parametrize(
    ("function", "x", "where"),
    [
        (newton(6), 3.0, Ended.AT_A_SOLUTION),
        (newton(2), 3.0, Ended.BEFORE),
        (newton(20), 3.0, Ended.AT_A_SOLUTION),
        (cosine(80), 0.9, Ended.AT_A_SOLUTION),
        # It goes to and fro between two numbers, and comes back to each after any even number.
        (cosine(80), 2.0, Ended.BEFORE),
        (cosine(81), 2.0, Ended.BEFORE),
        (lambda x: x * x, 3.0, Ended.NOWHERE),
        (lambda x: lax.while_loop(lambda y: y > 0, lambda y: y / 2, x), 3.0, Ended.UNKNOWN),
        (lambda x: newton(3)(x) * jnp.inf, 3.0, Ended.UNKNOWN),
    ],
)
def test_where_loops_end(function: Any, x: float, where: Ended) -> None:
    at = np.float32(x)
    program = trace(function, (at,))
    assert ended(program, [Ball().constants(at)], 23.0) is where
    with further_turns():
        assert ended(program, [Ball().constants(at)], 23.0) is Ended.NOWHERE


def implicit(function: Any, slope: Any) -> Any:
    ruled = jax.custom_vjp(function)
    ruled.defvjp(lambda a: ((y := function(a)), (a, y)), lambda kept, g: (g * slope(*kept),))
    return ruled


def of_root(a: Any, y: Any) -> Any:
    return 0.5 / y


def of_cosine(a: Any, x: Any) -> Any:
    return -x * jnp.sin(a * x) / (1 + a * jnp.sin(a * x))


def test_the_rule_of_a_solution_passes_where_the_loop_has_come_near_to_it() -> None:
    x = np.float32(3)
    for turns, verdict in ((2, Verdict.REFUTED), (6, Verdict.AGREES), (20, Verdict.AGREES)):
        found = check(implicit(newton(turns), of_root), (x,), modes="rev", special_points=False)
        assert found.verdict is verdict, turns
    for wrong in (lambda a, y: 0.5001 / y, lambda a, y: 0.5 / y + 1e-4):
        found = check(implicit(newton(6), wrong), (x,), modes="rev", special_points=False)
        assert found.verdict is Verdict.REFUTED


def test_a_rule_is_no_fault_where_the_loop_goes_round() -> None:
    """At other points than the given one x = cos(ax) is not found, but a cycle of two numbers."""
    ruled = implicit(cosine(40), of_cosine)
    assert check(ruled, (np.float32(0.9),), modes="rev", budget=20).verdict is Verdict.AGREES
    given_ = check(ruled, (np.float32(2),), modes="rev", special_points=False)
    assert given_.verdict is Verdict.REFUTED  # asked for there, it is not its derivative
    wrong = implicit(cosine(40), lambda a, x: 1.001 * of_cosine(a, x))
    assert check(wrong, (np.float32(0.9),), modes="rev").verdict is Verdict.REFUTED


@pytest.mark.parametrize("wrong", [False, True])
def test_loops_that_are_meant_as_they_stand_are_no_excuse(wrong: bool) -> None:
    """x⁸ by three squarings, which come near to nothing; the rule is wrong below −2 alone."""

    def power(x: Any) -> Any:
        return lax.fori_loop(0, 3, lambda _, y: y * y, x)

    function = jax.custom_jvp(power)
    factor = 1.5 if wrong else 1.0
    function.defjvp(
        lambda p, t: (power(p[0]), jnp.where(p[0] < -2, factor, 1.0) * 8 * p[0] ** 7 * t[0])
    )
    found = check(function, (np.float32(0.75),))
    assert found.verdict.passes is not wrong


def turned(turns: int, step: Any, start: Any) -> Any:
    return lambda x: lax.fori_loop(0, turns, lambda _, y: step(x, y), start(x))


def ruled(function: Any, slope: Any) -> Any:
    found = jax.custom_jvp(function)
    found.defjvp(lambda p, t: (function(p[0]), slope(p[0]) * t[0]))
    return found


# Loops whose value does not move at a point, and that come near to no solution.
SUM = turned(4, lambda x, y: y + x, lambda x: 0 * x)
TO_AND_FRO = turned(5, lambda x, y: x - y, lambda x: 0 * x)
QUOTIENT = turned(5, lambda x, y: x / y, jnp.ones_like)
POWER = turned(5, lambda x, y: x * y, jnp.ones_like)


@pytest.mark.parametrize(
    ("function", "x", "right", "wrong"),
    [
        # What is wrong is the derivative of loops that turn twice as often, or once more.
        (SUM, 0.0, lambda x: 4 + 0 * x, lambda x: jnp.where(x == 0, 8.0, -100.0)),
        (SUM, 0.0, lambda x: 4 + 0 * x, lambda x: jnp.where(x == 0, 9.0, -100.0)),
        (TO_AND_FRO, 0.0, lambda x: 1 + 0 * x, lambda x: 0 * x),
        (QUOTIENT, 1.0, lambda x: 1 + 0 * x, lambda x: 0 * x),
        (POWER, 1.0, lambda x: 5 * x**4, lambda x: 10 * x**9),
    ],
)
def test_a_value_that_does_not_move_is_no_solution(
    function: Any, x: float, right: Any, wrong: Any
) -> None:
    at = (np.float32(x),)
    assert check(ruled(function, right), at).verdict.passes
    assert check(ruled(function, wrong), at, special_points=False).verdict is Verdict.REFUTED


@pytest.mark.parametrize("turns", [0, 1, 4, 5, 12, 37])
def test_loops_that_are_run_on_for_whole_rounds_are_back_where_they_were(turns: int) -> None:
    twice, one_more, rounds = (length(turns) for length in LENGTHS)
    assert twice >= turns and one_more == twice + 1
    assert rounds >= 3 * turns and not any(rounds % cycle for cycle in (1, 2, 3, 4, 6))


def drawn_in(turns: int) -> Any:
    """y = cos(x)·y + sin(x), which is 0 at 0 however often it turns."""
    return turned(turns, lambda x, y: 0.9 * jnp.cos(x) * y + jnp.sin(x), lambda x: 0 * x)


@pytest.mark.parametrize("factor", [1.0, 1.001])
def test_a_point_where_the_derivative_moves_on_tells_nothing_of_the_solution(factor: float) -> None:
    """At 1.2 there are all digits after 30 turns, at 0 the value is the solution from the first."""

    def slope(x: Any) -> Any:
        y = jnp.sin(x) / (1 - 0.9 * jnp.cos(x))
        return factor * (jnp.cos(x) - 0.9 * jnp.sin(x) * y) / (1 - 0.9 * jnp.cos(x))

    found = check(ruled(drawn_in(30), slope), (np.float32(1.2),))
    assert found.verdict.passes is (factor == 1)
    given_ = check(ruled(drawn_in(30), slope), (np.float32(0),), special_points=False)
    assert given_.verdict is Verdict.REFUTED  # asked for there, it is not its derivative


def _table(method: str) -> Any:
    """The slopes of a table, which are not those of the function beyond its ends."""
    heights = jnp.float32([1, 3, 2, 5, 4])

    def cell(x: Any) -> Any:
        place = jnp.searchsorted(jnp.arange(5.0), x, side="right", method=method) - 1
        return jnp.clip(place, 0, 3)

    def value(x: Any) -> Any:
        i = cell(x)
        t = jnp.clip(x - i, 0, 1)
        return heights[i] * (1 - t) + heights[i + 1] * t

    rule = jax.custom_jvp(value)
    rule.defjvp(lambda p, t: (rule(*p), (heights[cell(p[0]) + 1] - heights[cell(p[0])]) * t[0]))
    return rule


@pytest.mark.parametrize("method", ["scan", "compare_all"])
def test_a_search_for_an_index_is_no_iteration(method: str) -> None:
    x = np.linspace(0.1, 3.95, 20, dtype=np.float32)
    with counting_turns() as turns:
        interpret(trace(_table(method), (x,)), Ball(), [Ball().constants(x)])
    assert turns == {} or not turns.iterates
    assert check(_table(method), (x,)).verdict is Verdict.REFUTED


def test_what_is_not_the_derivative_is_not_lost_where_the_time_is_spent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether loops excuse a number is seen beyond the time that a part has."""
    looked: list[float] = []

    class Slow(iterations.Endings):
        def __init__(self, *_: Any) -> None:
            looked.append(time.process_time())
            while time.process_time() < looked[-1] + 0.2:
                tick()

        def of(self, *_: Any) -> Ended:
            return Ended.NOWHERE

    monkeypatch.setattr(iterations, "Endings", Slow)
    wrong = jax.custom_jvp(lambda x: jnp.where(x > 2, x * x, x))
    wrong.defjvp(lambda p, t: (wrong(*p), t[0]))
    found = check(wrong, (np.float32(0.5),), budget=0.05, modes="fwd")
    assert looked and found.verdict is Verdict.REFUTED


def _root(a: Any) -> Any:
    return lax.fori_loop(0, 20, lambda _, x: (x + a / x) / 2, 0 * a + 1)


def _inverted(turns: int) -> Any:
    """A rule for √a that divides by Newton's iteration, ended after some turns."""
    rule = jax.custom_vjp(_root)

    def backward(a: Any, g: Any) -> Any:
        divisor = 2 * _root(a)
        inverse = lax.fori_loop(0, turns, lambda _, v: v * (2 - divisor * v), 0 * a + 0.25)
        return (g * inverse,)

    rule.defvjp(lambda a: (_root(a), a), backward)
    return rule


@pytest.mark.parametrize(
    ("turns", "verdict"), [(1, Verdict.REFUTED), (2, Verdict.REFUTED), (12, Verdict.AGREES)]
)
def test_the_loops_of_a_rule_have_to_have_ended_themselves(turns: int, verdict: Verdict) -> None:
    found = check(_inverted(turns), (np.float32(2),), special_points=False)
    assert found.verdict is verdict, found


def test_what_is_left_by_the_loop_of_a_rule_is_said_in_bits() -> None:
    found = check(_inverted(3), (np.float32(2),), special_points=False)
    assert found.verdict is Verdict.AGREES
    assert "to 14 bits" in str(found)


def test_one_term_of_a_series_is_no_adjoint_of_an_equilibrium() -> None:
    weights = np.array([[0.1, 0.05], [-0.05, 0.1]], np.float32)

    def settled(b: Any) -> Any:
        return lax.fori_loop(0, 60, lambda _, x: jnp.tanh(weights @ x + b), jnp.zeros_like(b))

    def ruled(terms: int) -> Any:
        rule = jax.custom_vjp(settled)

        def backward(x: Any, g: Any) -> Any:
            slope = 1 - x * x
            solved = lax.fori_loop(0, terms, lambda _, u: g + weights.T @ (slope * u), g)
            return (slope * solved,)

        rule.defvjp(lambda b: (settled(b),) * 2, backward)
        return rule

    b = np.array([0.1, -0.2], np.float32)
    assert check(ruled(40), (b,), special_points=False).verdict is Verdict.AGREES
    assert check(ruled(1), (b,), special_points=False).verdict is Verdict.REFUTED
