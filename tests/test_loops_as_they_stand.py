"""Loops of so many turns mean them, whatever they come to if they are run on; solvers do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import jaxgrad
from jaxgrad.programs.frozen_loops import freezes, thawed
from jaxgrad.verdict import Verdict


def _ruled(f: Callable[..., Any], rule: Callable[[Any, Any], Any]) -> Callable[..., Any]:
    ruled = jax.custom_vjp(f)
    ruled.defvjp(lambda a: (f(a), a), lambda a, g: (rule(a, g),))
    return ruled


def _here(f: Callable[..., Any], at: Any) -> jaxgrad.GradientCheck:
    return jaxgrad.check(f, (np.float32(at),), special_points=False, budget=0, modes="rev")


# -- what is handed on by so many turns ------------------------------------------------------------


def _delay(a: Any) -> Any:
    """−3 a after one turn, and a after any more."""
    return lax.fori_loop(0, 1, lambda _, c: (c[1], a), (0 * a, -3 * a))[0]


def _while_delay(a: Any) -> Any:
    body = lambda c: (c[1], a, c[2] + 1)  # noqa: E731
    return lax.while_loop(lambda c: c[2] < 1, body, (0 * a, -3 * a, 0))[0]


def _ring(a: Any) -> Any:
    body = lambda c, _: ((c[1], c[2], a), None)  # noqa: E731
    (first, *_), _ = lax.scan(body, (0 * a, 0 * a, -3 * a), None, length=2)
    return first


HANDED_ON = {
    "beside a large number": (lambda a: 1e4 + _delay(a), 0.5),
    "where it is 0": (_delay, 0.0),
    "a counter": (lambda a: 1e4 + _while_delay(a), 0.5),
    "a ring": (_ring, 0.0),
    "a large entry": (lambda a: jnp.stack([1e5 + a, _delay(a)]), 0.5),
}


@pytest.mark.parametrize("name", HANDED_ON)
@pytest.mark.parametrize(("slope", "right"), [(1.0, False), (-3.0, True)])
def test_what_further_turns_would_return_excuses_no_rule(
    name: str, slope: float, right: bool
) -> None:
    f, at = HANDED_ON[name]
    slopes = jnp.array([1.0, slope]) if name == "a large entry" else jnp.array(slope)
    found = _here(_ruled(f, lambda _, g: jnp.sum(slopes * g)), at)
    assert found.verdict.passes == right
    assert right or (found.verdict is Verdict.REFUTED and "-3.0000" in str(found))


def _late(a: Any) -> Any:
    """−3 a where the loop ends at a, and a after any more turns."""
    body = lambda c: (c[1], a, c[2] + 0.3)  # noqa: E731
    return lax.while_loop(lambda c: c[2] < a, body, (0 * a, -3 * a, 0 * a))[0]


def _remainder(a: Any) -> Any:
    return lax.while_loop(lambda x: x > 1, lambda x: jnp.maximum(x - 1, 0), a)


@pytest.mark.parametrize(
    ("f", "at", "wrong", "right"), [(_late, 0.25, 1.0, -3.0), (_remainder, 3.4, 0.0, 1.0)]
)
def test_a_large_number_hides_no_turns_of_a_loop_at_a_tolerance(
    f: Any, at: float, wrong: float, right: float
) -> None:
    beside = lambda a: 1e4 + f(a)  # noqa: E731
    assert not _here(_ruled(beside, lambda _, g: wrong * g), at).verdict.passes
    assert _here(_ruled(beside, lambda _, g: right * g), at).verdict.passes


def test_the_rule_of_a_root_is_not_that_of_a_turn_to_it() -> None:
    def turns(a: Any, count: int) -> Any:
        step = lambda _, x: x - (x**3 + x - a) / (3 * x * x + 1)  # noqa: E731
        return 1e4 + lax.fori_loop(0, count, step, 0 * a + 1.0)

    def of_the_root(count: int) -> Any:
        return lambda a, g: g / (3 * (turns(a, count) - 1e4) ** 2 + 1)

    assert _here(_ruled(lambda a: turns(a, 1), of_the_root(1)), 3.0).verdict is Verdict.REFUTED

    def root(a: Any) -> Any:
        step = lambda _, x: x - (x**3 + x - a) / (3 * x * x + 1)  # noqa: E731
        return lax.fori_loop(0, 8, step, 0 * a + 1.0)

    assert _here(_ruled(root, lambda a, g: g / (3 * root(a) ** 2 + 1)), 3.0).verdict.passes


def test_a_quantiser_beside_a_solver_has_its_own_slope() -> None:
    def root(y: Any) -> Any:
        return lax.fori_loop(0, 6, lambda _, x: 0.5 * (x + y / x), jnp.ones_like(y))

    def quantised(y: Any) -> Any:
        return root(y) + jnp.floor(y * 4096) / 4096

    def rule(slope: float) -> Any:
        return lambda y, g: g * (slope + 0.5 / jnp.sqrt(y))

    assert _here(_ruled(quantised, rule(1.0)), 2.1).verdict is Verdict.REFUTED
    assert _here(_ruled(quantised, rule(0.0)), 2.1).verdict.passes


# -- solvers ---------------------------------------------------------------------------------------
def _solver(tolerance: float, frozen: bool = False, counted: bool = False) -> Any:
    def solve(a: Any) -> Any:
        def step(carry: Any) -> Any:
            x, done, turn = carry
            new = x - 0.5 * (x**3 + x - a) / (3 * x**2 + 1)
            now = done | (jnp.abs(new - x) < tolerance)
            return jnp.where(done, x, new) if frozen else new, now, turn + 1

        start = (jnp.ones_like(a), jnp.array(False), 0)
        if counted:
            return lax.fori_loop(0, 12, lambda _, carry: step(carry), start)[0]
        return lax.while_loop(lambda c: ~c[1] & (c[2] < 100), step, start)[0]

    return solve


def _implicit(solve: Any, factor: float) -> Any:
    return lambda a, g: factor * g / (3 * solve(a) ** 2 + 1)


@pytest.mark.parametrize(
    ("counted", "tolerance", "factor", "said"),
    [
        (False, 1e-2, 1.0, Verdict.UNDECIDED),
        (False, 1e-4, 1.0, Verdict.AGREES),
        (False, 1e-4, 1.1, Verdict.REFUTED),
        (True, 1e-2, 1.0, Verdict.UNDECIDED),
        (True, 1e-2, -1.0, Verdict.REFUTED),
    ],
)
def test_a_solver_that_keeps_its_solution(
    counted: bool, tolerance: float, factor: float, said: Verdict
) -> None:
    solve = _solver(tolerance, frozen=True, counted=counted)
    assert _here(_ruled(solve, _implicit(solve, factor)), 1.5).verdict is said


def test_a_loop_of_so_many_turns_behind_a_solver_is_not_run_on() -> None:
    solve = _solver(1e-4)
    ruled = _ruled(solve, _implicit(solve, 1.0))
    found = _here(lambda a: lax.fori_loop(0, 3, lambda _, y: y * a, ruled(a)), 1.5)
    assert found.verdict is Verdict.AGREES


@pytest.mark.parametrize(
    ("at", "factor", "verdicts"),
    [
        (0.0, 1.0, {Verdict.AGREES}),
        (0.1, 1.0, {Verdict.AGREES, Verdict.UNDECIDED}),
        (0.1, 1.5, {Verdict.REFUTED}),
    ],
)
def test_a_point_at_which_every_slope_is_0_tells_nothing_of_what_is_meant(
    at: float, factor: float, verdicts: set[Verdict]
) -> None:
    def solve(a: Any) -> Any:
        def step(pair: Any) -> Any:
            x = pair[0]
            return x - 0.3 * (x**3 + x - a * a - 1) / (3 * x**2 + 1), x

        start = (0 * a + 1.0, 0 * a + 2.0)
        return lax.while_loop(lambda c: jnp.abs(c[0] - c[1]) > 1e-3, step, start)[0]

    def rule(a: Any, g: Any) -> Any:
        return factor * g * 2 * a / (3 * solve(a) ** 2 + 1)

    found = jaxgrad.check(_ruled(solve, rule), (np.float32(at),), budget=2)
    assert found.verdict in verdicts


# -- loops that keep what they have ----------------------------------------------------------------
def test_what_is_kept_is_told_from_what_is_chosen() -> None:
    def loop(choose: Callable[[Any, Any], Any]) -> Any:
        body = lambda _, x: choose(x, x / 2)  # noqa: E731
        return jax.make_jaxpr(lambda x: lax.fori_loop(0, 9, body, x))(1.0)

    kept = loop(lambda x, new: jnp.where(jnp.abs(x) < 0.1, x, new))
    either = loop(lambda x, new: jnp.where(x < 0.1, -new, new))
    assert freezes(kept) and not freezes(either) and not freezes(loop(lambda x, new: new))
    (equation,) = kept.jaxpr.eqns
    body = equation.params["jaxpr"]
    going_on = thawed(body, 2)
    assert jax.core.eval_jaxpr(body.jaxpr, body.consts, 0, 0.05)[1] == np.float32(0.05)
    assert jax.core.eval_jaxpr(going_on.jaxpr, going_on.consts, 0, 0.05)[1] == np.float32(0.025)


@pytest.mark.parametrize(("factor", "said"), [(1.0, Verdict.UNDECIDED), (1.2, Verdict.REFUTED)])
def test_steps_that_leave_c_over_n_lead_to_a_limit(factor: float, said: Verdict) -> None:
    def averaged(a: Any) -> Any:
        def step(carry: Any) -> Any:
            x, turn, _ = carry
            change = (a * a - x) / (turn + 2)
            return x + change, turn + 1, jnp.abs(change)

        start = (0 * a + 3, 0 * a, 0 * a + 1)
        return lax.while_loop(lambda carry: carry[2] > 1e-2, step, start)[0]

    assert _here(_ruled(averaged, lambda a, g: factor * 2 * a * g), 1.3).verdict is said
