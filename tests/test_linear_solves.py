"""Solvers of linear systems, and what JAX makes of them by custom_linear_solve."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from numbers_support import Checked

from jaxgrad import Verdict, check_grads, compare
from jaxgrad.errors import GradientMismatch, UndecidedError
from jaxgrad.gradients.one_sided import one_sided_derivatives
from jaxgrad.numbers.base import CannotDecide


def _iterated(a: Any, b: Any, steps: int) -> Any:
    """Jacobi's iteration, which never ends at the solution."""

    def solve(product: Any, b: Any) -> Any:
        return lax.fori_loop(0, steps, lambda _, x: x + (b - product(x)) / 4, jnp.zeros_like(b))

    return lax.custom_linear_solve(lambda v: a @ v, b, solve, solve)


def test_an_approximate_solver_is_named() -> None:
    a, b = np.array([[4.0, 1.0], [1.0, 4.0]]), np.array([1.0, 2.0])
    with pytest.raises(UndecidedError, match="returns no solution of its system"):
        check_grads(lambda a, b: _iterated(a, b, 5), (a, b))


def test_the_derivative_of_an_iteration_is_that_of_the_solution() -> None:
    """Conjugate gradients end at the solution of a symmetric matrix; beside it they do not."""
    a = np.array([[4.0, 1.0, 0.0], [1.0, 3.0, -1.0], [0.0, -1.0, 2.0]])
    b, v = np.array([1.0, 2.0, 0.5]), np.zeros((3, 3))
    v[0, 2] = 1.0
    for direction in (v, v + v.T):
        with jax.enable_x64(True):
            found = one_sided_derivatives(
                lambda a: jax.scipy.sparse.linalg.cg(a, b)[0], (a,), (direction,), order=1
            )
        wanted = -np.linalg.solve(a, direction @ np.linalg.solve(a, b))
        np.testing.assert_allclose([float(x.mid()) for x in found.right[0][1]], wanted)


def _solved(a: Any, b: Any, solve: Any = jnp.linalg.solve, transposed: Any = None) -> Any:
    """The x with a x = b, by solvers that take the matrix."""
    transposed = transposed or (lambda a, v: jnp.linalg.solve(a.T, v))
    return lax.custom_linear_solve(
        lambda v: a @ v, b, lambda _, v: solve(a, v), lambda _, v: transposed(a, v)
    )


def _by_rows(a: Any, b: Any) -> Any:
    """The solution for an upper triangular matrix, row by row from below, in a loop."""

    def step(x: Any, i: Any) -> Any:
        return x.at[i].set((b[i] - a[i] @ x) / a[i, i]), None

    return lax.scan(step, jnp.zeros_like(b), jnp.arange(len(b))[::-1])[0]


def _one_step(a: Any, b: Any) -> Any:
    """One step of an iteration from 0, which is nearer to the solution than 0 is."""
    return lax.fori_loop(0, 1, lambda _, x: x + (b - a @ x) / 4, jnp.zeros_like(b))


def _by_adjoint(a: Any, b: Any) -> tuple[Any, Any]:
    """The gradient of the sum of the solution."""
    u = jnp.linalg.solve(a.T, jnp.ones_like(b))
    return -jnp.outer(u, jnp.linalg.solve(a, b)), u


UPPER, TARGET = np.array([[2.0, 1.0], [0.0, 3.0]], np.float32), np.array([1.0, 2.0], np.float32)
WRONG_TRANSPOSES: dict[str, Any] = {
    "the transpose forgotten": jnp.linalg.solve,
    "scaled": lambda a, v: 1.5 * jnp.linalg.solve(a.T, v),
    "the transpose forgotten, in a loop": _by_rows,
    "of another sign, in a loop": lambda a, v: -_one_step(a.T, v),
}


@pytest.mark.parametrize("name", WRONG_TRANSPOSES)
def test_a_wrong_transpose_solve_is_refuted(name: str) -> None:
    """What the backward derivative runs is that, whatever the solution is."""

    def solved(a: Any, b: Any) -> Any:
        return _solved(a, b, transposed=WRONG_TRANSPOSES[name])

    with pytest.raises(GradientMismatch, match="rev: the derivative of f"):
        check_grads(solved, (UPPER, TARGET), modes=("rev",))
    assert check_grads(solved, (UPPER, TARGET), modes=("fwd",), special_points=False)
    gradient = jax.grad(lambda a, b: solved(a, b).sum(), (0, 1))
    assert compare(_by_adjoint, gradient, UPPER, TARGET).verdict is Verdict.REFUTED


def test_right_solvers_pass() -> None:
    gradient = jax.grad(lambda a, b: _solved(a, b).sum(), (0, 1))
    assert compare(_by_adjoint, gradient, UPPER, TARGET).verdict.passes
    assert check_grads(_solved, (UPPER, TARGET)).verdict.passes

    def triangular(a: Any, b: Any) -> Any:
        return _solved(jnp.triu(a), b, _by_rows)

    assert check_grads(triangular, (UPPER, TARGET), special_points=False).verdict.passes


def _symmetric_solver(scale: float) -> Callable[..., Any]:
    def solve(s: Any, b: Any) -> Any:
        return lax.custom_linear_solve(
            lambda x: s @ x, b, lambda _, b: scale * jnp.linalg.solve(s, b), symmetric=True
        )

    return solve


def test_a_solve_of_a_symmetric_matrix() -> None:
    def solved(a: Any, b: Any, factor: float = 1.0) -> Any:
        return _symmetric_solver(factor)(a @ a.T, b)

    assert check_grads(solved, (UPPER, TARGET)).verdict.passes
    for mode in ("fwd", "rev"):
        with pytest.raises(GradientMismatch, match=f"a: {mode}: the derivative of f"):
            check_grads(lambda a, b: solved(a, b, 1.5), (UPPER, TARGET), modes=(mode,))
    with pytest.raises(UndecidedError, match="not symmetric there"):
        check_grads(_symmetric_solver(1.0), (UPPER, TARGET), modes=("rev",))


def test_a_promise_of_symmetry_is_for_symmetric_systems() -> None:
    """Nothing is said of a special point, or of a direction at order 2, that breaks it."""
    s, b = np.array([[2.0, 0.5], [0.5, 1.5]], np.float32), np.array([0.3, -1.2], np.float32)
    assert check_grads(_symmetric_solver(1.0), (s, b)).verdict.passes
    second = check_grads(_symmetric_solver(1.0), (s, b), order=2)
    assert second.verdict.passes and "orders above 1 not checked" in str(second)
    with pytest.raises(GradientMismatch):
        check_grads(_symmetric_solver(1.25), (s, b))
    with pytest.raises(UndecidedError, match="not symmetric there"):
        check_grads(_symmetric_solver(1.0), (np.array([[2.0, 0.7], [0.5, 1.5]], np.float32), b))


def test_a_promise_of_symmetry_of_many_unknowns() -> None:
    """A batch of systems is one system, whose special points break the promise of one of them."""

    def solver(scale: float) -> Callable[..., Any]:
        def solve(a: Any, b: Any) -> Any:
            def solution(_: Any, b: Any) -> Any:
                (p, q), (r, s) = a.transpose(1, 2, 0)
                x = s * b[:, 0] - q * b[:, 1], p * b[:, 1] - r * b[:, 0]
                return scale * jnp.stack(x, 1) / (p * s - q * r)[:, None]

            return lax.custom_linear_solve(
                lambda x: jnp.einsum("bij,bj->bi", a, x), b, solution, symmetric=True
            )

        return solve

    a = np.broadcast_to(np.array([[2.0, 0.5], [0.5, 1.5]], np.float32), (13, 2, 2)).copy()
    b = np.linspace(-1, 1, 26, dtype=np.float32).reshape(13, 2)
    assert check_grads(solver(1.0), (a, b), modes="rev").verdict.passes
    with pytest.raises(GradientMismatch):
        check_grads(solver(1.25), (a, b), modes="rev")
    a[12, 0, 1] = 0.75
    with pytest.raises(UndecidedError, match="not symmetric there"):
        check_grads(solver(1.0), (a, b), modes="rev")


@pytest.mark.parametrize("mode", ["fwd", "rev"])
def test_a_wrong_solve_is_refuted(mode: str) -> None:
    """It is what the function is, and the derivative rules are those of the solution."""
    for wrong in (lambda a, v: 1.5 * jnp.linalg.solve(a, v), lambda a, v: v / jnp.diagonal(a)):
        with pytest.raises(GradientMismatch, match=f"{mode}: the derivative of f"):
            check_grads(lambda a, b, w=wrong: _solved(a, b, w), (UPPER, TARGET), modes=(mode,))


@pytest.mark.parametrize("which", ["solve", "transposed"])
def test_a_solver_that_may_be_an_iteration_is_named(which: str) -> None:
    def solved(a: Any, b: Any) -> Any:
        return _solved(a, b, **{which: _one_step})

    with pytest.raises(
        UndecidedError,
        match="the solver `.*` of a `custom_linear_solve` returns "
        r"no solution of its system: where .* is wanted it has .*; either",
    ):
        check_grads(solved, (UPPER, TARGET), modes=("rev",))


@pytest.mark.parametrize("scale", [0.25, 1.0, 4.0])
@pytest.mark.parametrize(("part", "iterates"), [(0.25, True), (1.75, True), (2.25, False)])
def test_an_iteration_leaves_a_smaller_residual_than_zero(
    scale: float, part: float, iterates: bool
) -> None:
    """Of the equation 2x = b: what is further from it than 0 is no approximation, it is wrong."""

    def solve(_: Any, b: Any) -> Any:
        return lax.fori_loop(0, 1, lambda _, x: x + part * b / 2, 0 * b)

    def solved(b: Any) -> Any:
        return lax.custom_linear_solve(lambda v: 2 * v, b, solve, solve)

    checked = Checked(solved, np.ones(2))
    at = scale * np.array([1.0, -0.5])
    if iterates:
        with pytest.raises(CannotDecide, match="no solution"):
            checked.balls(at)
    else:
        assert [float(x) for x in checked.balls(at)[0]] == (part * at / 2).tolist()


def test_roots_and_solves_have_right_rules() -> None:
    def root(t: Any) -> Any:
        return lax.custom_root(
            lambda x: x * x - t * t - 1, 1.0, lambda f, x: jnp.sqrt(t * t + 1),
            lambda g, y: y / g(1.0),
        )  # fmt: skip

    assert check_grads(root, (0.75,), order=2).verdict.passes
    a, b = np.array([[2.0, 1.0], [0.5, -1.0]], np.float32), np.array([1.0, 0.25], np.float32)
    assert check_grads(jnp.linalg.solve, (a, b), order=2).verdict.passes
    assert check_grads(jnp.linalg.cholesky, (a @ a.T,)).verdict.passes
    assert check_grads(lambda a: jnp.linalg.slogdet(a)[1], (a,)).verdict.passes


def test_a_wrong_rule_of_a_solve_is_refuted() -> None:
    @jax.custom_vjp
    def solve(a: Any, b: Any) -> Any:
        return jnp.linalg.solve(a, b)

    def backward(kept: Any, g: Any) -> Any:
        a, x = kept
        u = jnp.linalg.solve(a, g)  # the transpose is forgotten
        return -jnp.outer(u, x), u

    solve.defvjp(lambda a, b: (solve(a, b), (a, solve(a, b))), backward)
    a, b = np.array([[2.0, 1.0], [0.5, -1.0]]), np.array([1.0, 0.25])
    with pytest.raises(GradientMismatch):
        check_grads(solve, (a, b), modes=("rev",))
