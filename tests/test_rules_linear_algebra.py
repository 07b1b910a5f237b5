"""Matrices: factorisations, the systems they solve, and derivatives at singular points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from numbers_support import Checked, Disagreement, dyadic, gradient, over_polynomials
from rule_examples import LINEAR_ALGEBRA
from rule_support import rule_tests

from jaxgrad import Verdict, check_grads, compare
from jaxgrad.errors import GradientMismatch, UndecidedError
from jaxgrad.interpret import interpret
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.field import Field
from jaxgrad.numbers.polynomial import Polynomial
from jaxgrad.one_sided import one_sided_derivatives
from jaxgrad.program import trace
from jaxgrad.rules import RULES, linear_algebra

(
    test_the_value_is_jaxs_own,
    test_every_entry_is_compared_where_nothing_ties,
    test_the_gradient_is_jaxs_own,
) = rule_tests(LINEAR_ALGEBRA)

SIZE = 4


def _matrices(size: int = SIZE) -> st.SearchStrategy[np.ndarray]:
    """Matrices of small dyadic numbers: singular ones and ties between pivots are frequent."""
    entries = st.lists(dyadic, min_size=size * size, max_size=size * size)
    return entries.map(lambda values: np.array(values).reshape(size, size))


def _symmetric(a: Any) -> Any:
    return a @ a.T + jnp.eye(len(a), dtype=a.dtype)


MADE_OF_MATRICES: dict[str, Callable[..., Any]] = {
    "det": jnp.linalg.det,
    "inv": jnp.linalg.inv,
    "slogdet": lambda a: jnp.linalg.slogdet(a)[1],
    "solve": lambda a: jnp.linalg.solve(a, a.T + 1),
    "lu": jax.scipy.linalg.lu,
    "lu of a wide matrix": lambda a: jax.scipy.linalg.lu(a[:2]),
    "lu of a tall matrix": lambda a: jax.scipy.linalg.lu(a[:, :2]),
    "lu_solve": lambda a: jax.scipy.linalg.lu_solve(
        jax.scipy.linalg.lu_factor(a), jnp.ones(len(a), a.dtype), trans=1
    ),
    "cholesky": lambda a: jnp.linalg.cholesky(_symmetric(a)),
    "upper cholesky": lambda a: jnp.linalg.cholesky(_symmetric(a), upper=True),
    "cho_solve": lambda a: jax.scipy.linalg.cho_solve(
        jax.scipy.linalg.cho_factor(_symmetric(a)), a[0]
    ),
    "solve_triangular": lambda a: jax.scipy.linalg.solve_triangular(
        a + 3 * jnp.eye(len(a), dtype=a.dtype), a, trans=1, unit_diagonal=True
    ),
    "a batch": lambda a: jnp.linalg.solve(jnp.stack([a, _symmetric(a)]), jnp.stack([a, a])),
    "matrix_power": lambda a: jnp.linalg.matrix_power(a, -2),
    "log density of a normal distribution": lambda a: jax.scipy.stats.multivariate_normal.logpdf(
        a[0], a[1], _symmetric(a)
    ),
}


@pytest.mark.parametrize("name", MADE_OF_MATRICES)
def test_functions_of_matrices_and_their_gradients(name: str) -> None:
    with jax.enable_x64(True):
        function = MADE_OF_MATRICES[name]
        both = Checked(lambda a: (function(a), gradient(function)(a)), np.eye(SIZE))
        both.polynomials = None  # balls and JAX only: pivots are open, and quotients large

        @settings(max_examples=3, deadline=None)
        @given(_matrices())
        def check(a: np.ndarray) -> None:
            try:
                both.check(a)
            except CannotDecide as error:  # the gradient of one that is singular
                assert "pivot" in str(error) or "approximation" in str(error)

        check()
        generic = np.array([[2, 0.5, -1, 0.25], [1, -2, 0.5, 1], [0.5, 1, 3, 0], [-1, 0.75, 0, 1]])
        assert both.check(generic) == sum(leaf.size for leaf in both.floats(generic))


# -- pivots --------------------------------------------------------------------------------------
@settings(max_examples=20, deadline=None)
@given(st.lists(dyadic, min_size=6, max_size=6))
def test_pivots_are_those_of_lapack(values: list[float]) -> None:
    """The first of the largest, whatever its sign; a column of zeros is passed over."""
    a = np.array(values).reshape(3, 2)
    checked = Checked(lambda a: lax.linalg.lu(a), a)
    _, pivots, permutation = checked.balls(a)
    _, wanted, order = checked.floats(a)
    if not _rounding_may_choose(a):
        assert [float(x.mid()) for x in pivots] == wanted.tolist()
        assert [float(x.mid()) for x in permutation] == order.tolist()


def _rounding_may_choose(a: np.ndarray) -> bool:
    """Whether the second pivot is chosen between equals, which JAX has rounded."""
    first = int(np.argmax(abs(a[:, 0])))
    if a[first, 0] == 0:
        return False
    rest = [abs(row[1] * a[first, 0] - row[0] * a[first, 1]) for row in np.delete(a, first, 0)]
    return rest[0] == rest[1]


def test_an_open_pivot_is_no_guess() -> None:
    field = Field(16, 1000)
    system = Polynomial(field)
    with jax.enable_x64(True):
        program = trace(lambda a: lax.linalg.lu(a)[0], (np.eye(2),))
    entries = np.array([[system.variable((i, j)) for j in range(2)] for i in range(2)])
    with pytest.raises(CannotDecide, match="the choice of a pivot of `lu`"):
        interpret(program, system, [entries])
    (found,) = interpret(program, system, [system.constants(np.array([[1.0, 2.0], [4.0, 2.0]]))])
    exact = [[system.exact_value(x) for x in row] for row in found]
    assert exact == [[4, 2], [0.25, 1.5]]


def test_a_wrong_pivot_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_algebra, "_pivot", lambda system, column, start: start)
    with pytest.raises(Disagreement):
        Checked(lambda a: lax.linalg.lu(a)[0], np.eye(2)).check(np.array([[1.0, 2.0], [4.0, 2.0]]))


# -- cholesky ------------------------------------------------------------------------------------
def test_a_matrix_that_is_not_positive_definite_has_no_factor() -> None:
    checked = Checked(jnp.linalg.cholesky, np.eye(2))
    for matrix in ([[1.0, 2.0], [2.0, 1.0]], [[1.0, 1.0], [1.0, 1.0]]):
        (found,) = checked.balls(np.array(matrix))
        (floats,) = checked.floats(np.array(matrix))
        assert np.isnan(floats[np.tril_indices(2)]).all()
        assert all(found[index].is_nan() for index in zip(*np.tril_indices(2), strict=True))


def test_a_matrix_with_an_infinity_is_refused() -> None:
    def diagonal(x: Any) -> Any:
        return jnp.diag(jnp.stack([x, x * 0 + jnp.inf]))

    for function in (
        lambda x: lax.linalg.cholesky(diagonal(x), symmetrize_input=False),
        lambda x: lax.linalg.triangular_solve(diagonal(x), jnp.ones((2, 1)), left_side=True),
    ):
        with pytest.raises(CannotDecide, match="holds an infinity or NaN"):
            over_polynomials(trace(function, (2.0,)), Field(64, 1000))


def test_only_one_triangle_is_read() -> None:
    factor = Checked(lambda a: lax.linalg.cholesky(a, symmetrize_input=False), np.eye(2))
    (found,) = factor.balls(np.array([[4.0, 1e9], [2.0, 2.0]]))
    assert found[1, 0] == 1 and found[1, 1] == 1 and found[0, 1] == 0


# -- germs ---------------------------------------------------------------------------------------
def _along(function: Callable[..., Any], a: np.ndarray, v: np.ndarray, order: int = 1) -> Any:
    with jax.enable_x64(True):
        return one_sided_derivatives(function, (a,), (v,), order=order)


@pytest.mark.parametrize("rank", [2, 3])
def test_the_determinant_at_a_singular_matrix(rank: int) -> None:
    """d det(A)(V) = tr(adj(A) V), where the pivots are infinitesimals."""
    half = np.arange(16.0).reshape(4, 4) % 5 - 2
    half[rank:] = half[: 4 - rank] + (half[1] if rank == 3 else 0)
    v = np.array([[1, 0, 2, 0], [0, -1, 0, 1], [3, 0, 1, 0], [1, 1, 0, 2]], float)
    assert np.linalg.matrix_rank(half) == rank
    cofactors = [
        [(-1) ** (i + j) * np.linalg.det(np.delete(np.delete(half, i, 0), j, 1)) for j in range(4)]
        for i in range(4)
    ]
    wanted = float(np.sum(np.array(cofactors) * v))
    found = _along(jnp.linalg.det, half, v)
    for side in (found.left, found.right):
        assert float(side[0][1].mid()) == pytest.approx(wanted, abs=1e-9)
        assert float(side[0][1].rad()) < 1e-9


def test_the_inverse_has_jaxs_derivatives() -> None:
    a = np.array([[2.0, 1.0, 0.5], [-1.0, 3.0, 0.25], [0.0, 1.0, -2.0]])
    v = np.array([[1.0, -1.0, 0.5], [0.25, 0.0, 2.0], [1.0, 1.0, 1.0]])
    found = _along(jnp.linalg.inv, a, v, order=2)
    inverse = np.linalg.inv(a)
    first = -inverse @ v @ inverse
    for side in (found.left, found.right):
        for k, wanted in enumerate((inverse, first, -2 * first @ v @ inverse)):
            np.testing.assert_allclose([float(x.mid()) for x in side[0][k].flat], wanted.flat)


# -- custom_linear_solve -------------------------------------------------------------------------
def _iterated(a: Any, b: Any, steps: int) -> Any:
    """Jacobi's iteration, which never ends at the solution."""

    def solve(product: Any, b: Any) -> Any:
        return lax.fori_loop(0, steps, lambda _, x: x + (b - product(x)) / 4, jnp.zeros_like(b))

    return lax.custom_linear_solve(lambda v: a @ v, b, solve, solve)


def test_an_approximate_solver_is_named() -> None:
    a, b = np.array([[4.0, 1.0], [1.0, 4.0]]), np.array([1.0, 2.0])
    with pytest.raises(UndecidedError, match="returns no solution of its system"):
        check_grads(lambda a, b: _iterated(a, b, 5), (a, b))


def test_a_solver_that_is_exact_at_the_point_only_is_named() -> None:
    """Conjugate gradients end at the solution of a symmetric matrix; beside it they do not."""
    a = np.array([[4.0, 1.0, 0.0], [1.0, 3.0, -1.0], [0.0, -1.0, 2.0]])
    b, v = np.array([1.0, 2.0, 0.5]), np.zeros((3, 3))
    v[0, 2] = 1.0
    with pytest.raises(CannotDecide, match="no solution"):
        _along(lambda a: jax.scipy.sparse.linalg.cg(a, b)[0], a, v)
    symmetric = _along(lambda a: jax.scipy.sparse.linalg.cg(a, b)[0], a, v + v.T)
    wanted = -np.linalg.solve(a, (v + v.T) @ np.linalg.solve(a, b))
    np.testing.assert_allclose([float(x.mid()) for x in symmetric.right[0][1]], wanted)


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


def test_a_wrong_rule_of_a_primitive_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = RULES["triangular_solve"]

    def without_transpose(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
        params = {**equation.params, "transpose_a": False}
        return right(interpreter, equation.replace(params=params), inputs)

    monkeypatch.setitem(RULES, "triangular_solve", without_transpose)
    with pytest.raises(Disagreement):
        Checked(LINEAR_ALGEBRA["triangular_solve"].function, np.ones(4), np.ones(4)).check(
            np.array([0.75, -1.25, 2.0, -0.5]), np.array([1.0, 2.0, 0.5, -1.0])
        )
