"""Calls on solvers of linear systems and on decompositions: lineax, matfree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np

from benchmarks.library_cases import Call, drawn, imported

__all__ = ["lineax", "matfree"]

MATRIX = np.array([[4, 1, 0.5], [0.25, 3, -1], [0.5, -1, 2]], np.float32)
RIGHT = np.array([1, -2, 0.5], np.float32)
TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}

# `BiCGStab` breaks down on systems as small as these, and raises before anything is differentiated.
# Solver -> its class and options, the tag of its matrix, how that is made of a drawn one.
SOLVERS: dict[str, tuple[str, dict[str, Any], str | None, Callable[[Any], Any]]] = {
    "AutoLinearSolver": ("AutoLinearSolver", {"well_posed": True}, None, lambda a: a),
    "LU": ("LU", {}, None, lambda a: a),
    "QR": ("QR", {}, None, lambda a: a),
    "SVD": ("SVD", {}, None, lambda a: a),
    "Cholesky": ("Cholesky", {}, "positive_semidefinite_tag", lambda a: a @ a.T),
    "Triangular": ("Triangular", {}, "lower_triangular_tag", jnp.tril),
    "CG": ("CG", TOLERANCE, "positive_semidefinite_tag", lambda a: a @ a.T),
    "NormalCG": ("Normal", TOLERANCE, None, lambda a: a),
    "GMRES": ("GMRES", TOLERANCE, None, lambda a: a),
    "LSMR": ("LSMR", TOLERANCE, None, lambda a: a),
}


def _solver(name: str) -> Any:
    lineax = imported("lineax")

    kind, options, _, _ = SOLVERS[name]
    if kind == "Normal":
        return lineax.Normal(lineax.CG(**options))
    return getattr(lineax, kind)(**options)


def _solve(name: str) -> Callable[[Any, Any], Any]:
    lineax = imported("lineax")

    solver, (_, _, tag, made) = _solver(name), SOLVERS[name]
    tags = () if tag is None else getattr(lineax, tag)

    def solve(a: Any, b: Any) -> Any:
        operator = lineax.MatrixLinearOperator(made(a), tags)
        return lineax.linear_solve(operator, b, solver).value

    return solve


def lineax() -> Iterator[Call]:
    """Every solver, and the operators that are not matrices."""
    for name in SOLVERS:
        yield Call(f"linear_solve {name}", _solve(name), (MATRIX, RIGHT))
    yield Call("linear_solve LU in float64", _solve("LU"), _doubles(MATRIX, RIGHT), x64=True)
    yield from _least_squares()
    yield from _operators()
    yield from _norms()


def _doubles(*arrays: np.ndarray) -> tuple[np.ndarray, ...]:
    return tuple(array.astype(np.float64) for array in arrays)


def _least_squares() -> Iterator[Call]:
    tall = drawn(4, 2), drawn(4)
    yield Call("linear_solve QR, least squares", _solve("QR"), tall)
    yield Call("linear_solve SVD, least squares", _solve("SVD"), tall)


def _operators() -> Iterator[Call]:
    lineax = imported("lineax")

    def diagonal(d: Any, b: Any) -> Any:
        return lineax.linear_solve(lineax.DiagonalLinearOperator(d), b, lineax.Diagonal()).value

    def three(d: Any, below: Any, above: Any, b: Any) -> Any:
        operator = lineax.TridiagonalLinearOperator(d, below, above)
        return lineax.linear_solve(operator, b, lineax.Tridiagonal()).value

    def jacobian(x: Any, b: Any) -> Any:
        operator = lineax.JacobianLinearOperator(lambda x, args: x**3 + x[::-1] + 3 * x, x)
        return lineax.linear_solve(operator, b).value

    def function(d: Any, b: Any) -> Any:
        operator = lineax.FunctionLinearOperator(
            lambda v: d * v + v.sum(), jax_struct(b), lineax.positive_semidefinite_tag
        )
        return lineax.linear_solve(operator, b, lineax.CG(**TOLERANCE)).value

    yield Call("linear_solve Diagonal", diagonal, (RIGHT + 3, RIGHT))
    yield Call("linear_solve Tridiagonal", three, (RIGHT + 5, RIGHT[:2], RIGHT[1:], RIGHT))
    yield Call("linear_solve of a Jacobian", jacobian, (RIGHT, RIGHT + 1))
    yield Call("linear_solve CG of a function", function, (RIGHT + 3, RIGHT))


def jax_struct(x: Any) -> Any:
    """The shape and dtype of an array."""
    import jax

    return jax.ShapeDtypeStruct(x.shape, x.dtype)


def _norms() -> Iterator[Call]:
    lineax = imported("lineax")

    x = np.array([0.3, -0.4], np.float32)
    norms = lineax.internal
    yield Call("internal.two_norm", norms.two_norm, (x,))
    yield Call("internal.rms_norm", norms.rms_norm, (x,))
    yield Call("internal.max_norm", norms.max_norm, (x,))


def matfree() -> Iterator[Call]:
    """The decompositions with adjoints of their own, and least squares."""
    decomp = imported("matfree.decomp")
    lstsq = imported("matfree.lstsq")

    symmetric = (MATRIX + MATRIX.T) / 2

    def tridiagonal(reortho: str) -> Callable[..., Any]:
        decompose = decomp.tridiag_sym(2, reortho=reortho)

        def decomposed(a: Any, v: Any) -> Any:
            found = decompose(lambda x, a: a @ x, v, a)
            return found.Q_tall, found.J_small

        return decomposed

    def hessenberg(a: Any, v: Any) -> Any:
        found = decomp.hessenberg(2, reortho="full")(lambda x, a: a @ x, v, a)
        return found.Q_tall, found.J_small

    yield Call("decomp.tridiag_sym, full", tridiagonal("full"), (symmetric, RIGHT))
    yield Call("decomp.tridiag_sym, none", tridiagonal("none"), (symmetric, RIGHT))
    yield Call("decomp.hessenberg, full", hessenberg, (MATRIX, RIGHT))

    def least_squares(a: Any, b: Any) -> Any:
        return lstsq.lsmr()(lambda v, a: a.T @ v, b, a)[0]

    yield Call("lstsq.lsmr", least_squares, (drawn(4, 2), drawn(4)))
