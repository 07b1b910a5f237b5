"""Matrices: factorisations, the systems they solve, and derivatives at singular points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb_mat
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from numbers_support import Checked, Disagreement, dyadic, gradient, over_polynomials
from rule_examples import LINEAR_ALGEBRA
from rule_support import rule_tests

from jaxgrad.gradients.one_sided import one_sided_derivatives
from jaxgrad.interpret.rules import RULES
from jaxgrad.interpret.run_over import run_over
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers import matrices
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide, objects
from jaxgrad.numbers.polynomial import Polynomial
from jaxgrad.numbers.ring import Ring
from jaxgrad.programs.trace import trace

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
    ring = Ring(16, 1000)
    system = Polynomial(ring)
    with jax.enable_x64(True):
        program = trace(lambda a: lax.linalg.lu(a)[0], (np.eye(2),))
    entries = np.array([[system.variable((i, j)) for j in range(2)] for i in range(2)])
    with pytest.raises(CannotDecide, match="the choice of a pivot of `lu`"):
        interpret(program, system, [entries])
    (found,) = interpret(program, system, [system.constants(np.array([[1.0, 2.0], [4.0, 2.0]]))])
    exact = [[system.exact_value(x) for x in row] for row in found]
    assert exact == [[4, 2], [0.25, 1.5]]


def test_a_wrong_pivot_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrices, "_pivot", lambda system, column, start, order: start)
    with pytest.raises(Disagreement):
        Checked(lambda a: lax.linalg.lu(a)[0], np.eye(2)).check(np.array([[1.0, 2.0], [4.0, 2.0]]))


class _Solving(Ball):
    """Balls that solve with triangles by FLINT, and count how often they did."""

    def __init__(self) -> None:
        self.solved = 0

    def matrix(self, name: str, *matrices: np.ndarray, **options: Any) -> Any:
        if name != "triangular_solve" or not options["left_side"] or options["transpose_a"]:
            return None
        self.solved += 1
        a, b = (arb_mat(each.tolist()) for each in matrices)
        return objects(a.solve(b).entries(), matrices[1].shape)


def test_a_system_may_know_better_of_a_function_of_matrices() -> None:
    a, b = np.array([[2.0, 0.0], [0.25, -1.5]]), np.array([[0.125], [0.75]])
    balls = _Solving()
    for numbers in (balls, Ball()):
        x = run_over(numbers, lambda a, b: lax.linalg.triangular_solve(
            a, b, left_side=True, lower=True), a, b)  # fmt: skip
        residual = [a[0, 0] * x[0, 0] - b[0, 0], a[1, 0] * x[0, 0] + a[1, 1] * x[1, 0] - b[1, 0]]
        assert all(r.contains(0) and r.rad() < 1e-12 for r in residual)
    assert balls.solved == 1
    factor = run_over(balls, jnp.linalg.cholesky, np.eye(2))
    assert [float(x.mid()) for x in factor.flat] == [1, 0, 0, 1] and balls.solved == 1


def test_there_may_be_no_matrices() -> None:
    none = np.zeros((0, 2, 2), np.float32)
    for function, shapes in (
        (jnp.linalg.cholesky, [(0, 2, 2)]),
        (lax.linalg.lu, [(0, 2, 2), (0, 2), (0, 2)]),
    ):
        assert [leaf.shape for leaf in jax.tree.leaves(run_over(Ball(), function, none))] == shapes


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
            over_polynomials(trace(function, (2.0,)), Ring(64, 1000))


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


def test_a_wrong_rule_of_a_primitive_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    right = RULES["triangular_solve"]

    def without_transpose(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
        params = {**equation.params, "transpose_a": False}
        return right(interpreter, equation.replace(params=params), inputs)

    monkeypatch.setitem(RULES, "triangular_solve", replace(right, meaning=without_transpose))
    with pytest.raises(Disagreement):
        Checked(LINEAR_ALGEBRA["triangular_solve"].function, np.ones(4), np.ones(4)).check(
            np.array([0.75, -1.25, 2.0, -0.5]), np.array([1.0, 2.0, 0.5, -1.0])
        )
