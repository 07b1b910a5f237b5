"""The eigenspaces of a symmetric matrix of rational numbers, of repeated eigenvalues, too.

That two eigenvalues are the same no precision tells, but the factors of the characteristic
polynomial over the rationals do: p = Π qᵢ^mᵢ, and each root of qᵢ has a space of mᵢ dimensions.
Π(A − μ)/(λ − μ) over the other roots projects onto that of λ; the product of all other factors at A
is a rational matrix.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from flint import arb, arb_mat, fmpq, fmpq_mat, fmpz_poly

from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide, NumberSystem, objects
from jaxgrad.numbers.clock import tick

__all__ = ["Eigenspace", "eigenspaces", "orthonormal", "rational"]

# Those of so many rows take FLINT a tenth of a second to factor, where they have 53 bits.
MOST_ROWS = 24


@dataclass(frozen=True)
class Eigenspace:
    """One eigenvalue with its vectors.

    Args:
        value: the ball of the eigenvalue.
        basis: balls of orthonormal vectors, as columns.
    """

    value: arb
    basis: np.ndarray

    @property
    def dimension(self) -> int:
        """How often the eigenvalue is repeated."""
        return self.basis.shape[1]


def rational(a: np.ndarray) -> fmpq_mat:
    """The matrix of balls that are exact, as rational numbers.

    Raises:
        CannotDecide: they are not.
    """
    entries = [Ball().exact_value(x) for x in a.flat]
    if None in entries:
        raise CannotDecide("eigenvalues may be the same, of a matrix that is not known exactly")
    rows, columns = a.shape
    return fmpq_mat(
        rows, columns, [fmpq(x.numerator, x.denominator) for x in entries if x is not None]
    )


def eigenspaces(matrix: fmpq_mat, near: np.ndarray) -> list[Eigenspace]:
    """The eigenspaces by rising eigenvalues.

    Args:
        matrix: a symmetric matrix.
        near: vectors near to the ones that are wanted, as columns of float64 numbers in the order
            of their eigenvalues.

    Raises:
        CannotDecide: it is too large, or some eigenvalues are too close to be told apart.

    Example:
        >>> found = eigenspaces(fmpq_mat([[1, 1], [1, 1]]), np.array([[-0.7, 0.7], [0.7, 0.7]]))
        >>> [(space.value, space.dimension) for space in found]
        [(0, 1), (2.00000000000000, 1)]
    """
    if matrix.nrows() > MOST_ROWS:
        raise CannotDecide(
            f"eigenvalues may be the same, of a matrix of more than {MOST_ROWS} rows"
        )
    found = sorted(_projections(matrix), key=lambda each: each[0].mid())
    values = [value for value, _, _ in found]
    if not all(x < y for x, y in itertools.pairwise(values)):
        raise CannotDecide("eigenvalues that are too close to be told apart")
    start, spaces = 0, []
    for value, count, projection in found:
        basis = _spanned(projection, near[:, start : start + count])
        spaces.append(Eigenspace(value, basis))
        start += count
    return spaces


def _projections(matrix: fmpq_mat) -> Iterator[tuple[arb, int, arb_mat]]:
    """Every eigenvalue, how often it is repeated, and the projection on its space."""
    factors: list[tuple[fmpz_poly, int]] = matrix.charpoly().numer().factor()[1]
    for factor, count in factors:
        tick()
        others = _identity(matrix)
        for other, _ in factors:
            if other is not factor:
                others = others * _at(other, matrix)
        for value, found in _of_factor(matrix, factor, others):
            # Of a projection the trace is the dimension.
            yield value, count, arb_mat(found * (count / _trace(found)))


def _of_factor(
    matrix: fmpq_mat, factor: fmpz_poly, others: fmpq_mat
) -> Iterator[tuple[arb, fmpq_mat | arb_mat]]:
    """Each root of a factor, and a multiple of the projection on its space.

    Args:
        others: the product of the other factors at the matrix.
    """
    if factor.degree() == 1:
        yield arb(-fmpq(factor[0], factor[1])), others
        return
    each: Any = factor.complex_roots()  # each root with how often it is one
    roots = [root.real for root, _ in each]
    for i, root in enumerate(roots):
        found = arb_mat(others)
        for k, other in enumerate(roots):
            if k != i:
                found = found * (arb_mat(matrix) - arb_mat(_identity(matrix)) * other)
        yield root, found


def _trace(matrix: Any) -> Any:
    return sum((matrix[i, i] for i in range(1, matrix.nrows())), matrix[0, 0])


def _identity(matrix: fmpq_mat) -> fmpq_mat:
    n = matrix.nrows()
    return fmpq_mat(n, n, [fmpq(i == j) for i in range(n) for j in range(n)])


def _at(polynomial: fmpz_poly, matrix: fmpq_mat) -> fmpq_mat:
    """A polynomial of a matrix, by Horner's rule."""
    identity = _identity(matrix)
    found = identity * fmpq(0)
    for coefficient in reversed(polynomial.coeffs()):
        found = found * matrix + identity * fmpq(coefficient)
    return found


def _spanned(projection: arb_mat, near: np.ndarray) -> np.ndarray:
    """Orthonormal vectors of the space, near to some."""
    columns = projection * arb_mat([[arb(float(x)) for x in row] for row in near])
    return orthonormal(Ball(), objects(columns.entries(), near.shape))


def orthonormal(system: NumberSystem, columns: np.ndarray) -> np.ndarray:
    """Orthonormal columns, the first of which span what the first ones spanned (Gram and Schmidt).

    Raises:
        CannotDecide: they are dependent, or may be.
    """
    found: list[np.ndarray] = []
    for column in columns.T:
        tick()
        for unit in found:
            column = column - unit * system.total(list(unit * column))
        square = system.total(list(column * column))
        if system.apart(square)[0].contains(0):
            raise CannotDecide("vectors that are dependent, or may be")
        length = system.sqrt(square)
        found.append(system.map(lambda x, length=length: system.divide(x, length), column))
    return np.stack(found, axis=1)
