"""Verified enclosures of the eigenvalues and eigenvectors of matrices of balls.

An approximate basis X makes the matrix nearly diagonal: C = X⁻¹AX has the eigenvalues of A, one in
each of Gershgorin's discs, if no two of them meet.  Of an eigenvector u of C that belongs to the
disc of the diagonal entry i the largest entry is uᵢ, since |λ − cₖₖ| |uₖ| ≤ rₖ max |uⱼ| where rₖ is
the radius of another disc; so with uᵢ = 1 every |uₖ| ≤ rₖ/|λ − cₖₖ|, and what the equation
(λ − cₖₖ) uₖ = Σ cₖⱼ uⱼ makes of these bounds is sharper yet.
"""

from __future__ import annotations

import itertools
from typing import Any

import flint
import numpy as np
from flint import acb, acb_mat, arb, arb_mat

from jaxgrad.numbers.base import CannotDecide, objects
from jaxgrad.numbers.clock import tick

__all__ = ["complex_eigenpairs", "eigenpairs", "hermitian_eigenpairs", "midpoints"]

# Five or so, and each further one doubles the digits.  What is left over is told by the discs.
MOST_SWEEPS = 40
_UNIT_BALL = arb(0, 1)
_UNIT_SQUARE = acb(_UNIT_BALL, _UNIT_BALL)


def eigenpairs(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The eigenvalues in ascending order, and orthonormal eigenvectors as columns.

    Args:
        a: balls, of shape (n, n), of which the symmetric matrices are meant.

    Raises:
        CannotDecide: two eigenvalues are the same, or too close to be told apart.

    Example:
        >>> a = objects(map(arb, (2, 1, 1, 2)), (2, 2))
        >>> [x.contains(y) for x, y in zip(eigenpairs(a)[0], (1, 3), strict=True)]
        [True, True]
    """
    n = len(a)
    basis = _approximate(a)
    values, rows = _pairs(arb_mat(a.tolist()), basis, _UNIT_BALL)
    if not all(x < y for x, y in itertools.pairwise(values)):
        raise CannotDecide(_REPEATED)
    vectors = basis * arb_mat(rows).transpose()
    columns = [_normalised(column) for column in vectors.transpose().tolist()]
    return objects(values), objects((x for column in columns for x in column), (n, n)).T


def complex_eigenpairs(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The eigenvalues in any order, and eigenvectors of any length as columns.

    Args:
        a: balls of complex numbers, of shape (n, n).

    Raises:
        CannotDecide: as :func:`eigenpairs`.

    Example:
        >>> values, _ = complex_eigenpairs(objects(map(acb, (0, 1, -1, 0)), (2, 2)))
        >>> sorted(round(float(x.imag)) for x in values)
        [-1, 1]
    """
    _require_finite(a)
    matrix = acb_mat(a.tolist())
    _, basis = matrix.mid().eig(right=True, algorithm="approx")
    basis = basis.mid()
    values, rows = _pairs(matrix, basis, _UNIT_SQUARE)
    vectors = basis * acb_mat(rows).transpose()
    return objects(values), objects(vectors.entries(), a.shape)


def hermitian_eigenpairs(a: np.ndarray, anchor: int) -> tuple[np.ndarray, np.ndarray]:
    """The eigenvalues, real and in ascending order, and orthonormal eigenvectors as columns.

    Args:
        a: balls of complex numbers, of shape (n, n), of which the Hermitian matrices are meant.
        anchor: which entry of each vector is real.

    Raises:
        CannotDecide: as :func:`eigenpairs`, or that entry of one may be 0.
    """
    values, vectors = complex_eigenpairs(a)
    order = sorted(range(len(a)), key=lambda i: values[i].real.mid())
    found = objects(values[i].real for i in order)
    if not all(x < y for x, y in itertools.pairwise(found)):
        raise CannotDecide(_REPEATED)
    columns = [_anchored(list(vectors[:, i]), anchor) for i in order]
    return found, objects((x for column in columns for x in column), a.shape).T


def _anchored(vector: list[acb], anchor: int) -> list[acb]:
    """The vector of length 1 of which one entry is real."""
    if vector[anchor].contains(0):
        raise CannotDecide(
            "the phase of an eigenvector or a singular vector: the entry that LAPACK makes real is "
            "0, or may be"
        )
    length = _total([x.real * x.real + x.imag * x.imag for x in vector]).sqrt()
    size = abs(vector[anchor])
    turned = [x * vector[anchor].conjugate() / (size * length) for x in vector]
    turned[anchor] = acb(size / length)
    return turned


def _pairs(matrix: Any, basis: Any, unit: Any) -> tuple[list[Any], list[list[Any]]]:
    """The eigenvalues, and in an approximate basis the eigenvector of each."""
    try:
        similar = (basis.inv() * matrix * basis).tolist()
    except ZeroDivisionError:
        raise CannotDecide(_REPEATED) from None
    pairs = [_pair(similar, i, unit) for i in range(len(similar))]
    return [value for value, _ in pairs], [vector for _, vector in pairs]


def midpoints(a: np.ndarray) -> np.ndarray:
    """The float64 numbers in the middle of balls; complex128 of complex ones."""
    kind = complex if any(isinstance(x, acb) for x in a.flat) else float
    return np.array([kind(x.mid()) for x in a.flat], kind).reshape(a.shape)


def _require_finite(a: np.ndarray) -> None:
    if not all(x.is_finite() for x in a.flat):
        raise CannotDecide("eigenvalues of a matrix that holds an infinity or NaN")


_REPEATED = "eigenvalues or singular values that are the same, or too close to be told apart"


def _approximate(a: np.ndarray) -> arb_mat:
    """Vectors that nearly are eigenvectors: rotations, of two of them at a time (Jacobi)."""
    _require_finite(a)
    similar = arb_mat(a.tolist()).mid().tolist()
    basis = [[arb(i == j) for j in range(len(a))] for i in range(len(a))]
    smallest = arb(2) ** -flint.ctx.prec
    for _ in range(MOST_SWEEPS):
        rotated = [
            _rotate(similar, basis, i, j)
            for i, j in itertools.combinations(range(len(a)), 2)
            if abs(similar[i][j]) > smallest * abs(similar[i][i] - similar[j][j])
        ]
        if not rotated:
            break
    order = sorted(range(len(a)), key=lambda i: similar[i][i].mid())
    return arb_mat([basis[i] for i in order]).transpose()


def _rotate(c: list[list[arb]], basis: list[list[arb]], i: int, j: int) -> None:
    """Turns two rows of a basis, and C alongside, so that the entry (i, j) of C becomes 0."""
    tick()
    half = (c[j][j] - c[i][i]) / 2
    tangent = c[i][j] / (half + (half * half + c[i][j] * c[i][j]).sqrt() * (1 if half >= 0 else -1))
    cosine = (1 / (1 + tangent * tangent).sqrt()).mid()
    sine = (tangent * cosine).mid()
    for rows in (basis, c):
        rows[i], rows[j] = _turned(rows[i], rows[j], cosine, sine)
    for row in c:
        (row[i],), (row[j],) = _turned([row[i]], [row[j]], cosine, sine)


def _turned(x: list[arb], y: list[arb], cosine: arb, sine: arb) -> tuple[list[arb], list[arb]]:
    """Two rows, each the other's way."""
    pairs = list(zip(x, y, strict=True))
    return (
        [(cosine * a - sine * b).mid() for a, b in pairs],
        [(sine * a + cosine * b).mid() for a, b in pairs],
    )


def _pair(c: list[list[Any]], i: int, unit: Any) -> tuple[Any, list[Any]]:
    """The eigenvalue in the disc of one diagonal entry, and its eigenvector u with uᵢ = 1."""
    others = [k for k in range(len(c)) if k != i]
    radii = [_total([abs(x) for j, x in enumerate(row) if j != k]) for k, row in enumerate(c)]
    value = c[i][i] + unit * radii[i].abs_upper()
    u = [arb(1)] * len(c)
    for k in others:
        distance = value - c[k][k]
        if not abs(distance) > radii[k]:
            raise CannotDecide(_REPEATED)
        u[k] = unit * (radii[k] / abs(distance)).abs_upper()
    for _ in range(2):
        value = c[i][i] + _total([c[i][k] * u[k] for k in others])
        sums = {k: _total([c[k][j] * u[j] for j in range(len(c)) if j != k]) for k in others}
        for k in others:
            u[k] = sums[k] / (value - c[k][k])
    return value, u


def _total(terms: list[Any]) -> Any:
    return sum(terms, arb(0))


def _normalised(vector: list[arb]) -> list[arb]:
    length = _total([x * x for x in vector]).sqrt()
    return [x / length for x in vector]
