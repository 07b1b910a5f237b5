"""Solvers of linear systems that stop at a tolerance: their derivative is that of the solution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st
from jax import lax
from jax.extend.core import jaxpr_as_fun
from numbers_support import Checked

from jaxgrad import Verdict, check
from jaxgrad.interpret.rules.solution import FEWEST_BITS
from jaxgrad.programs.bounded_loops import MOST_TURNS, with_bounded_loops

A = np.array([[4.0, 1.0, 0.5], [0.25, 3.0, -1.0], [0.5, -1.0, 2.0]], np.float32)
B = np.array([1.0, -2.0, 0.5], np.float32)


def _iteration(scale: float = 1.0, tolerance: float = 1e-10) -> Callable[..., Any]:
    """Richardson's iteration, which stops at a residual; what it finds is off by a factor."""

    def solve(matvec: Any, b: Any) -> Any:
        return scale * lax.while_loop(
            lambda x: jnp.sum((matvec(x) - b) ** 2) > tolerance,
            lambda x: x + 0.25 * (b - matvec(x)),
            jnp.zeros_like(b),
        )

    return solve


def _solved(a: Any, b: Any, solve: Any = None, transposed: Any = None) -> Any:
    solve = solve or _iteration()
    return lax.custom_linear_solve(lambda x: a @ x, b, solve, transposed or solve)


def _by_hand(scale: float) -> Any:
    """The adjoint rule, of which the term of the matrix is off by a factor."""
    rule = jax.custom_vjp(lambda a, b: _solved(a, b))

    def backward(kept: Any, g: Any) -> Any:
        a, x = kept
        u = _solved(a.T, g)
        return -scale * jnp.outer(u, x), u

    def forward(a: Any, b: Any) -> Any:
        x = _solved(a, b)
        return x, (a, x)

    rule.defvjp(forward, backward)
    return rule


def test_the_rule_of_an_iteration_is_that_of_the_solution() -> None:
    found = check(_solved, (A, B), budget=0)
    assert found.verdict is Verdict.AGREES
    assert "`solve` finds of a linear system being its solution" in str(found.evidence.trusts)


def test_special_points_and_vmap_of_an_iteration() -> None:
    found = check(_solved, (A, B), order=1, budget=120)
    assert found.verdict is Verdict.AGREES and "and under vmap" in str(found)


@pytest.mark.parametrize("wide", [False, True])
def test_a_rule_by_hand_over_an_iteration(wide: bool) -> None:
    with jax.enable_x64(wide):
        args = (A.astype(np.float64), B.astype(np.float64)) if wide else (A, B)
        assert check(_by_hand(1.0), args, budget=0).verdict is Verdict.AGREES
        wrong = check(_by_hand(1.0001), args, budget=0)
        assert wrong.verdict is Verdict.REFUTED
        assert "with respect to a they give 1.0001" in str(wrong)


@pytest.mark.parametrize(("error", "known"), [(1e-5, True), (1e-3, False)])
def test_a_solver_is_held_to_so_many_bits(error: float, known: bool) -> None:
    assert (error < 2.0**-FEWEST_BITS) is known
    found = check(lambda a, b: _solved(a, b, _iteration(1 + error)), (A, B), budget=0)
    assert found.verdict is (Verdict.AGREES if known else Verdict.UNDECIDED)
    assert known or "returns no solution of its system" in str(found)


def test_a_transposed_solver_that_solves_another_system_is_refuted() -> None:
    def forgotten(_: Any, b: Any) -> Any:
        return _iteration()(lambda x: A @ x, b)

    found = check(lambda b: _solved(A, b, None, forgotten), (B,), modes="rev", budget=0)
    assert found.verdict is Verdict.REFUTED


def test_an_iteration_that_never_ends_is_no_answer() -> None:
    """No float is so near to the solution."""
    found = check(lambda a, b: _solved(a, b, _iteration(tolerance=0.0)), (A, 1000 * B), budget=0)
    assert found.verdict is Verdict.UNDECIDED


def test_how_often_it_turned_is_what_jax_says() -> None:
    def counted(matvec: Any, b: Any) -> Any:
        x, turns = lax.while_loop(
            lambda state: jnp.sum((matvec(state[0]) - b) ** 2) > 1e-10,
            lambda state: (state[0] + 0.25 * (b - matvec(state[0])), state[1] + 1),
            (jnp.zeros_like(b), 0),
        )
        return x, (turns, jnp.sum(x))

    def solved(use: Callable[..., Any]) -> Callable[..., Any]:
        def function(b: Any) -> Any:
            x, beside = lax.custom_linear_solve(lambda x: A @ x, b, counted, counted, has_aux=True)
            return use(x, *beside)

        return function

    assert check(solved(lambda x, turns, total: x * turns), (B,), modes="fwd", budget=0)
    (value,) = Checked(solved(lambda x, turns, total: x[0] + turns), B).balls(B)
    assert abs(value[()] - float(np.linalg.solve(A, B)[0])) > 5
    # Nothing is known of the numbers beside the solution.
    (value,) = Checked(solved(lambda x, turns, total: total), B).balls(B)
    assert not value[()].is_finite()


@pytest.mark.parametrize("name", ["cg", "gmres", "bicgstab"])
def test_the_solvers_of_jax(name: str) -> None:
    solve = getattr(jax.scipy.sparse.linalg, name)
    found = check(lambda b: solve(A @ A.T, b)[0], (B,), budget=0)
    assert found.verdict is Verdict.AGREES


@given(st.lists(st.floats(-2, 2, width=32), min_size=9, max_size=9), st.floats(0.5, 2, width=32))
def test_the_solution_is_enclosed(entries: list[float], scale: float) -> None:
    a = np.float32(np.reshape(entries, (3, 3)) / 8 + np.eye(3))
    (found,) = Checked(_solved, a, scale * B).balls(a, scale * B)
    exact = np.linalg.solve(a.astype(np.float64), scale * B.astype(np.float64))
    for x, y in zip(found, exact, strict=True):
        assert abs(x - arb(y)) < 1e-12


# -- loops that end ------------------------------------------------------------------------------
def test_loops_that_end_are_what_they_are() -> None:
    def halved(x: Any) -> Any:
        inner = lambda y: lax.while_loop(lambda z: z > 1, lambda z: z - 1, y)  # noqa: E731
        return lax.while_loop(lambda y: y > 0.1, lambda y: inner(y) / 2, x)

    for function in (halved, jax.vmap(halved), jnp.sin):
        x = jnp.array([0.3, 5.5, 0.05]) if function is not halved else jnp.float32(2.5)
        bounded = with_bounded_loops(jax.make_jaxpr(function)(x))
        np.testing.assert_array_equal(jaxpr_as_fun(bounded)(x)[0], function(x))


def test_loops_that_do_not_end_return_no_number() -> None:
    def counts(x: Any) -> Any:
        return lax.while_loop(lambda c: c[0] < 2 * MOST_TURNS, lambda c: (c[0] + 1, -c[1]), (0, x))

    def within(x: Any) -> Any:
        return lax.cond(x > 0, lambda x: counts(x)[1], lambda x: x, x)

    bounded = jaxpr_as_fun(with_bounded_loops(jax.make_jaxpr(jax.jit(within))(1.0)))
    assert np.isnan(bounded(1.0)[0]) and bounded(-1.0)[0] == -1


def test_a_solver_that_raises_is_no_answer() -> None:
    """As a guard does that has not found enough."""

    def raises(x: Any) -> Any:
        raise ValueError("no convergence")

    def solve(matvec: Any, b: Any) -> Any:
        x = _iteration()(matvec, b)
        return lax.cond(
            x[0] > -100,
            lambda x: jax.pure_callback(raises, jax.ShapeDtypeStruct(x.shape, x.dtype), x),
            lambda x: x,
            x,
        )

    found = check(lambda b: _solved(A, b, solve), (B,), budget=0)
    assert found.verdict is Verdict.UNDECIDED
