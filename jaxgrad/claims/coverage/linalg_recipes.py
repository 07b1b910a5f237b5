"""How the functions of linear algebra are called, those of NumPy, of SciPy and of ``jax.lax``."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import jax.scipy.linalg
import numpy as np
from jax.lax import linalg

from jaxgrad.claims.coverage.recipe import (
    MATRIX,
    OTHER,
    POSITIVE,
    REAL,
    SQUARE,
    SYMMETRIC,
    Recipe,
    Table,
)
from jaxgrad.programs.real_parts import of_parts

__all__ = ["TABLES"]

_UPPER = np.triu(SQUARE)
_SMALL = SQUARE / 8


def _numpy_linalg() -> dict[str, Recipe]:
    matrix = (SQUARE, SQUARE[:, 0])
    return {
        "cross": Recipe(lambda a, b: jnp.linalg.cross(a[:3], b[:3]), (REAL, OTHER)),
        "eig": Recipe(of_parts(lambda a: jnp.linalg.eig(a)[0]), (SQUARE,)),
        "eigvals": Recipe(of_parts(jnp.linalg.eigvals), (SQUARE,)),
        "lstsq": Recipe(lambda a, b: jnp.linalg.lstsq(a, b)[0], (SQUARE[:, :2], OTHER[:3])),
        "matmul": Recipe(lambda a: jnp.linalg.matmul(a, a.T), (MATRIX,)),
        "matrix_power": Recipe(lambda a: jnp.linalg.matrix_power(a, 3), (SQUARE,)),
        "multi_dot": Recipe(lambda a: jnp.linalg.multi_dot([a, a.T, a]), (MATRIX,)),
        "solve": Recipe(jnp.linalg.solve, matrix),
        "tensordot": Recipe(lambda a: jnp.linalg.tensordot(a, a), (MATRIX,)),
        "tensorinv": Recipe(lambda a: jnp.linalg.tensorinv(a, ind=1), (SQUARE,)),
        "tensorsolve": Recipe(jnp.linalg.tensorsolve, matrix),
        "eigh": Recipe(lambda a: jnp.linalg.eigh(a)[0], (SYMMETRIC,)),
        "svd": Recipe(lambda a: jnp.linalg.svd(a)[1], (SQUARE,)),
    }


def _lax_linalg() -> dict[str, Recipe]:
    taus = SQUARE[0] / 8

    def eigenvalues(a: Any) -> Any:
        return linalg.eig(a, compute_left_eigenvectors=False, compute_right_eigenvectors=False)[0]

    return {
        "cholesky_update": Recipe(linalg.cholesky_update, (_UPPER, REAL[:3] / 4)),
        "eig": Recipe(of_parts(eigenvalues), (SQUARE,)),
        "eigh": Recipe(lambda a: linalg.eigh(a)[1], (SYMMETRIC,)),
        "householder_product": Recipe(linalg.householder_product, (SQUARE, taus)),
        "lu": Recipe(lambda a: linalg.lu(a)[0], (SQUARE,)),
        "ormqr": Recipe(linalg.ormqr, (SQUARE, taus, SYMMETRIC)),
        "qdwh": Recipe(lambda a: linalg.qdwh(a)[:2], (SQUARE,)),
        "qr": Recipe(lambda a: linalg.qr(a, full_matrices=False), (SQUARE,)),
        "schur": Recipe(lambda a: linalg.schur(a)[0], (SQUARE,)),
        "svd": Recipe(lambda a: linalg.svd(a, full_matrices=False), (SQUARE,)),
        "symmetric_product": Recipe(
            lambda a, c: linalg.symmetric_product(a, c, alpha=0.75, beta=1.5), (SQUARE, SYMMETRIC)
        ),
        "triangular_solve": Recipe(
            lambda a, b: linalg.triangular_solve(a, b, left_side=True), (_UPPER, SYMMETRIC)
        ),
        "tridiagonal": Recipe(lambda a: linalg.tridiagonal(a)[1:3], (SYMMETRIC,)),
        "tridiagonal_solve": Recipe(
            lambda d, u: linalg.tridiagonal_solve(u, 4 * d, u[::-1], d[:, None]), (POSITIVE, REAL)
        ),
    }


def _scipy_linalg() -> dict[str, Recipe]:
    scipy = jax.scipy.linalg
    return {
        "block_diag": Recipe(scipy.block_diag, (SQUARE, MATRIX)),
        "cho_factor": Recipe(lambda a: jnp.triu(scipy.cho_factor(a)[0]), (SYMMETRIC,)),
        "cho_solve": Recipe(lambda a, b: scipy.cho_solve((a, False), b), (_UPPER, REAL[:3])),
        "convolution_matrix": Recipe(lambda a: scipy.convolution_matrix(a, 3), (REAL,)),
        "eigh": Recipe(lambda a: scipy.eigh(a, eigvals_only=True), (SYMMETRIC,)),
        "eigh_tridiagonal": Recipe(
            lambda d, e: scipy.eigh_tridiagonal(d, e, eigvals_only=True), (REAL, POSITIVE[:3])
        ),
        "expm": Recipe(scipy.expm, (_SMALL,)),
        "expm_frechet": Recipe(
            lambda a, b: scipy.expm_frechet(a, b, compute_expm=False), (_SMALL, SYMMETRIC)
        ),
        "hankel": Recipe(scipy.hankel, (REAL, OTHER)),
        "leslie": Recipe(scipy.leslie, (REAL, POSITIVE[:3])),
        "lu": Recipe(lambda a: scipy.lu(a)[1:], (SQUARE,)),
        "lu_factor": Recipe(lambda a: scipy.lu_factor(a)[0], (SQUARE,)),
        "lu_solve": Recipe(lambda a, b: scipy.lu_solve(scipy.lu_factor(a), b), (SQUARE, REAL[:3])),
        "polar": Recipe(lambda a: scipy.polar(a, method="svd"), (SQUARE,)),
        "qr_multiply": Recipe(lambda a, c: scipy.qr_multiply(a, c)[0], (SQUARE, SYMMETRIC)),
        "solve": Recipe(scipy.solve, (SQUARE, REAL[:3])),
        "solve_sylvester": Recipe(
            lambda a, b, c: scipy.solve_sylvester(a, b, c, method="eigen").real,
            (SYMMETRIC, SQUARE, SQUARE.T),
        ),
        "solve_triangular": Recipe(scipy.solve_triangular, (_UPPER, REAL[:3])),
        "toeplitz": Recipe(scipy.toeplitz, (REAL, OTHER)),
    }


TABLES = {
    "jax.numpy.linalg": Table(
        jnp.linalg,
        plain={
            "square": "cond det inv pinv slogdet matrix_transpose trace svdvals qr svd",
            "symmetric": "cholesky eigh eigvalsh",
            "matrix": "norm matrix_norm vector_norm diagonal",
            "pair": "outer vecdot",
        },
        special=_numpy_linalg,
        instead={"integer": "matrix_rank"},
    ),
    "jax.lax.linalg": Table(
        linalg,
        plain={"symmetric": "cholesky", "square": "hessenberg"},
        special=_lax_linalg,
        instead={"integer": "lu_pivots_to_permutation"},
    ),
    "jax.scipy.linalg": Table(
        jax.scipy.linalg,
        plain={
            "real": "circulant companion fiedler fiedler_companion",
            "square": "det hessenberg inv qr schur svd",
            "symmetric": "cholesky sqrtm",
        },
        special=_scipy_linalg,
        instead={
            "complex": "funm rsf2csf",
            "constructor": "dft hadamard helmert hilbert invhilbert invpascal pascal",
        },
    ),
}
