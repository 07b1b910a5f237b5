"""Examples of decompositions and solutions of linear systems."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from rule_example import Example


def square(x: Any) -> Any:
    """Four numbers as a matrix."""
    return x.reshape(2, 2)


def _definite(x: Any) -> Any:
    """A symmetric positive definite matrix of order 2."""
    return square(x) @ square(x).T + np.eye(2)


def _triangular(x: Any, y: Any) -> Any:
    """Every side, triangle, transpose and diagonal, on a batch of one."""
    flags = [(side, low, flip) for side in (0, 1) for low in (0, 1) for flip in (0, 1)]
    a, b = square(x)[None] + 3 * np.eye(2), square(y)[None]
    return [
        lax.linalg.triangular_solve(
            a, b, left_side=bool(side), lower=bool(low), transpose_a=bool(flip),
            unit_diagonal=side == low,
        )
        for side, low, flip in flags
    ]  # fmt: skip


def _factored(x: Any, y: Any) -> Any:
    a = jnp.stack([square(x) + 3 * np.eye(2), square(y) @ np.array([[0.0, 1.0], [2.0, 0.5]])])
    factors, _, permutation = lax.linalg.lu(jnp.concatenate([a, a[:, :1] + 5], axis=1))
    return factors, permutation * y[0]


def _tall_and_wide(x: Any, y: Any) -> tuple[Any, Any]:
    """Matrices of full rank whose singular values differ."""
    corner = jnp.stack([4 + x[0] ** 2, x[1]])
    tall = jnp.stack([corner, jnp.stack([y[1] * 0, y[1] * 0 + 1]), jnp.stack([y[0], y[0] * 0])])
    return tall, -tall.T[None]


def _orthogonal_and_triangular(x: Any, y: Any) -> Any:
    tall, wide = _tall_and_wide(x, y)
    return lax.linalg.qr(_definite(x)), lax.linalg.qr(tall, full_matrices=False), (
        lax.linalg.qr(wide, full_matrices=False))  # fmt: skip


def _reflections(x: Any, y: Any) -> tuple[Any, Any]:
    """What LAPACK has of a matrix before Q is made, each v as a column."""
    reflected, factors = jnp.linalg.qr(_tall_and_wide(x, y)[0][None], mode="raw")
    return reflected.mT, factors


def _eigen(x: Any, y: Any) -> Any:
    """Of either triangle; the eigenvalues differ, since no entry beside the diagonal is 0."""
    beside = 1 + x[1] ** 2
    a = jnp.stack([x[0], beside, beside, y[2]]).reshape(1, 2, 2)
    return [lax.linalg.eigh(a, lower=low, symmetrize_input=low) for low in (True, False)]


def _singular(x: Any, y: Any) -> Any:
    tall, wide = _tall_and_wide(x, y)
    return (lax.linalg.svd(tall, full_matrices=False), lax.linalg.svd(wide, full_matrices=False),
            lax.linalg.svd(wide, compute_uv=False))  # fmt: skip


def _schur_form(x: Any, y: Any) -> Any:
    """Of a matrix whose eigenvalues are real, and differ."""
    beside = 1 + x[1] ** 2
    a = jnp.stack([x[0], beside, 2 * beside, y[2]]).reshape(1, 2, 2)
    return lax.linalg.schur(a), lax.linalg.schur(a, compute_schur_vectors=False)


def _implicit(x: Any, y: Any) -> Any:
    def solve(product: Any, b: Any) -> Any:
        return b / product(jnp.ones_like(b))

    return lax.custom_linear_solve(lambda v: (x * x + 1) * v, y, solve, solve)


def _complex_system(x: Any, y: Any) -> Any:
    a = lax.complex(x, y).reshape(2, 2) * 0.25 + 4 * jnp.eye(2)
    lower = lax.linalg.triangular_solve(a, a.T, left_side=True, lower=True)
    return (lower.real + lower.imag).reshape(-1)


LINEAR_ALGEBRA: dict[str, Example] = {
    "cholesky": Example(lambda x, y: lax.linalg.cholesky(_definite(x)[None]) * y[0]),
    "triangular_solve": Example(_triangular),
    "lu": Example(_factored, polynomial=False),
    "qr": Example(_orthogonal_and_triangular, polynomial=False),
    "geqrf": Example(_reflections, gradient=False),
    "householder_product": Example(
        lambda x, y: lax.linalg.householder_product(*_reflections(x, y)),
        gradient=False,
    ),
    "eigh": Example(_eigen, polynomial=False),
    "svd": Example(_singular, polynomial=False),
    "schur": Example(_schur_form, polynomial=False, gradient=False),
    "custom_linear_solve": Example(_implicit),
    "matrix_in_parts": Example(_complex_system),
    "argument_in_parts": Example(lambda x, y: jnp.log(lax.complex(x, y)).imag),
}
