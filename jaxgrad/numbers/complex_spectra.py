"""Eigenvalues and singular values of complex matrices with their vectors, by parts.

As in :mod:`jaxgrad.numbers.spectra`.  Here a vector may also be turned by a phase.  In the value it
is LAPACK's, which reduces a Hermitian matrix to a real one by reflections that leave the first
coordinate alone, or the last one where the upper triangle is read: that entry of an eigenvector is
real, and so is the first one of the singular vectors of the shorter side.  Beside the matrix it is
that of JAX's derivatives: dv has no component along iv.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import acb

from jaxgrad.numbers.base import CannotDecide, NumberSystem, ObjectArray, objects
from jaxgrad.numbers.complex_pairs import ComplexPairs
from jaxgrad.numbers.eigenvalues import hermitian_eigenpairs
from jaxgrad.numbers.spectra import VANISHING, WITHOUT_VALUE, moved
from jaxgrad.numbers.vector_signs import FloatingPoint, signs

__all__ = ["complex_eigh", "complex_svd"]


def complex_eigh(
    system: NumberSystem, real: np.ndarray, imag: np.ndarray, *, lower: bool, floats: FloatingPoint
) -> tuple[np.ndarray, ...]:
    """The parts of the eigenvectors as columns, and the eigenvalues in ascending order.

    Args:
        system: the numbers.
        real, imag: the parts of a matrix of shape (n, n), of which one triangle is read.
        lower: which triangle.
        floats: the primitive, which decides the signs of the vectors.

    Raises:
        CannotDecide: as :func:`jaxgrad.numbers.spectra.eigh`, or a phase is open.
    """
    pairs = ComplexPairs(system)
    a = pairs.joined(real, imag)
    vectors, values = _pairs(pairs, _hermitian(pairs, a, lower), 0 if lower else -1)
    vectors = vectors * signs(pairs, a, vectors, floats, lambda found: found[0])
    return (*pairs.parts(vectors), values)


def complex_svd(
    system: NumberSystem,
    real: np.ndarray,
    imag: np.ndarray,
    *,
    full_matrices: bool,
    compute_uv: bool,
    floats: FloatingPoint,
) -> tuple[np.ndarray, ...]:
    """The singular values in descending order and, if wanted, the parts of U and V*.

    Args:
        full_matrices, compute_uv: as for :func:`jaxgrad.numbers.spectra.svd`.
        system, real, imag, floats: as for :func:`complex_eigh`.

    Raises:
        CannotDecide: as :func:`jaxgrad.numbers.spectra.svd`, or a phase is open.
    """
    pairs = ComplexPairs(system)
    a = pairs.joined(real, imag)
    is_tall = a.shape[0] >= a.shape[1]
    tall = a if is_tall else _adjoint(pairs, a)
    square = pairs.matmul(_adjoint(pairs, tall), tall)
    right, squares = _pairs(pairs, _hermitian(pairs, square, True), 0)
    right, squares = right[:, ::-1], squares[::-1]
    if not all(system.apart(x)[0] > 0 for x in squares):
        raise CannotDecide(VANISHING)
    values = system.map(system.sqrt, squares)
    if not compute_uv:
        return (values,)
    if full_matrices and a.shape[0] != a.shape[1]:
        raise CannotDecide(WITHOUT_VALUE)
    right = right * signs(pairs, a, right, floats, lambda found: _columns(found, is_tall))
    left = pairs.map(pairs.over, pairs.matmul(tall, right), values[None, :])
    if not is_tall:
        left, right = right, left
        turns = _turns(pairs, right)
        left, right = left * turns, right * turns
    return (values, *pairs.parts(left), *pairs.parts(_adjoint(pairs, right)))


def _columns(found: Any, is_tall: bool) -> np.ndarray:
    """Of singular value decompositions the vectors of the shorter side, as columns."""
    _, left, right = found
    return np.swapaxes(right, -1, -2).conj() if is_tall else left


def _adjoint(pairs: ComplexPairs, a: np.ndarray) -> np.ndarray:
    return pairs.map(pairs.conjugate, a).T


def _hermitian(pairs: ComplexPairs, a: ObjectArray, lower: bool) -> np.ndarray:
    """The Hermitian matrix of one triangle, of whose diagonal the real parts are read."""
    found, adjoint = a.copy(), _adjoint(pairs, a)
    for i, j in np.ndindex(a.shape):
        if i == j:
            found[i, i] = pairs.of_real(a[i, i].real)
        elif (i < j) == lower:
            found[i, j] = adjoint[i, j]
    return found


def _pairs(pairs: ComplexPairs, a: np.ndarray, anchor: int) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvectors, of either sign, and the eigenvalues of a Hermitian matrix."""
    parts = [pairs.apart(x) for x in a.flat]
    limits, rest = (objects(each, a.shape) for each in zip(*parts, strict=True))
    values, vectors = hermitian_eigenpairs(limits, anchor)
    system, basis = pairs.system, pairs.map(pairs.real, vectors)
    start = system.map(system.real, values)
    orders = pairs.orders(rest)
    if not orders:
        return basis, start
    gaps = pairs.map(pairs.real, pairs.map(acb, values[None, :] - values[:, None]))
    turned = pairs.matmul(pairs.matmul(_adjoint(pairs, basis), rest), basis)
    u, shift = moved(pairs, turned, gaps, orders)
    lengths = [pairs.length(column) for column in u.T]
    columns = pairs.matmul(basis, pairs.map(pairs.over, u, objects(lengths)[None, :]))
    columns = pairs.map(lambda x: pairs.up_to(rest, orders + 1, x), columns)
    ends = pairs.map(lambda x: pairs.up_to(rest, orders + 1, x), shift)
    return columns, start + pairs.parts(ends)[0]


def _turns(pairs: ComplexPairs, vectors: np.ndarray) -> np.ndarray:
    """The phases, 1 in the limit, by which vectors have none along what they are in the limit."""
    turns = []
    for column in vectors.T:
        limit = pairs.map(lambda x: pairs.conjugate(pairs.real(pairs.apart(x)[0])), column)
        along = pairs.total([x * y for x, y in zip(limit, column, strict=True)])
        turns.append(pairs.over(pairs.conjugate(along), pairs.length(objects([along]))))
    return objects(turns)
