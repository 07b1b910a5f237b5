"""Verified enclosures of the eigenvalues and eigenvectors of symmetric matrices of balls.

An approximate basis X makes the matrix nearly diagonal: C = X⁻¹AX has the eigenvalues of A, one in
each of Gershgorin's discs, if no two of them meet.  Of an eigenvector u of C that belongs to the
disc of the diagonal entry i the largest entry is uᵢ, since |λ − cₖₖ| |uₖ| ≤ rₖ max |uⱼ| where rₖ is
the radius of another disc; so with uᵢ = 1 every |uₖ| ≤ rₖ/|λ − cₖₖ|, and what the equation
(λ − cₖₖ) uₖ = Σ cₖⱼ uⱼ makes of these bounds is sharper yet.
"""

from __future__ import annotations

import itertools

import flint
import numpy as np
from flint import arb, arb_mat

from jaxgrad.numbers.base import CannotDecide, objects

__all__ = ["eigenpairs", "midpoints"]

# Bits of the float64 numbers that an approximation begins with, a third of which may be wrong; and
# how often their number is doubled at most.
FIRST_BITS, MOST_STEPS = 35, 16
_UNIT_BALL = arb(0, 1)


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
    basis, matrix = _approximate(a), arb_mat(a.tolist())
    try:
        similar = (basis.inv() * matrix * basis).tolist()
    except ZeroDivisionError:
        raise CannotDecide(_REPEATED) from None
    values, rows = [], []
    for i in range(n):
        value, vector = _pair(similar, i)
        values.append(value)
        rows.append(vector)
    if not all(x < y for x, y in itertools.pairwise(values)):
        raise CannotDecide(_REPEATED)
    vectors = basis * arb_mat(rows).transpose()
    columns = [_normalised(column) for column in vectors.transpose().tolist()]
    return objects(values), objects((x for column in columns for x in column), (n, n)).T


def midpoints(a: np.ndarray) -> np.ndarray:
    """The float64 numbers in the middle of balls."""
    return np.array([float(x.mid()) for x in a.flat]).reshape(a.shape)


_REPEATED = "eigenvalues or singular values that are the same, or too close to be told apart"


def _approximate(a: np.ndarray) -> arb_mat:
    """Nearly orthonormal vectors that nearly are eigenvectors (Ogita and Aishima 2018)."""
    middle = midpoints(a)
    if not np.isfinite(middle).all():
        raise CannotDecide("eigenvalues of a matrix that holds an infinity or NaN")
    _, start = np.linalg.eigh(middle)
    matrix, basis = arb_mat(a.tolist()).mid(), arb_mat(start.tolist())
    bits = FIRST_BITS
    for _ in range(MOST_STEPS):
        if bits > flint.ctx.prec:
            break
        basis = (basis + basis * arb_mat(_correction(matrix, basis))).mid()
        bits *= 2
    return basis


def _correction(matrix: arb_mat, basis: arb_mat) -> list[list[arb]]:
    """E with X + XE closer to the eigenvectors, quadratically."""
    n, turned = matrix.nrows(), basis.transpose()
    gram, similar = (turned * basis).tolist(), (turned * matrix * basis).tolist()
    values = [similar[i][i] / gram[i][i] for i in range(n)]
    found = [[arb(0)] * n for _ in range(n)]
    for i in range(n):
        for j in range(n):
            if i == j:
                found[i][i] = (1 - gram[i][i]) / 2
                continue
            top, gap = similar[i][j] - values[j] * gram[i][j], values[j] - values[i]
            if gap.contains(0):
                raise CannotDecide(_REPEATED)
            found[i][j] = top / gap
    return found


def _pair(c: list[list[arb]], i: int) -> tuple[arb, list[arb]]:
    """The eigenvalue in the disc of one diagonal entry, and its eigenvector u with uᵢ = 1."""
    others = [k for k in range(len(c)) if k != i]
    radii = [_total([abs(x) for j, x in enumerate(row) if j != k]) for k, row in enumerate(c)]
    value = c[i][i] + _UNIT_BALL * radii[i].abs_upper()
    u = [arb(1)] * len(c)
    for k in others:
        distance = value - c[k][k]
        if not abs(distance) > radii[k]:
            raise CannotDecide(_REPEATED)
        u[k] = _UNIT_BALL * (radii[k] / abs(distance)).abs_upper()
    for _ in range(2):
        value = c[i][i] + _total([c[i][k] * u[k] for k in others])
        sums = {k: _total([c[k][j] * u[j] for j in range(len(c)) if j != k]) for k in others}
        for k in others:
            u[k] = sums[k] / (value - c[k][k])
    return value, u


def _total(terms: list[arb]) -> arb:
    return sum(terms, arb(0))


def _normalised(vector: list[arb]) -> list[arb]:
    length = _total([x * x for x in vector]).sqrt()
    return [x / length for x in vector]
