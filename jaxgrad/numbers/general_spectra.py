"""Eigenvalues of matrices that need not be symmetric, real or complex, with their eigenvectors.

They come in the order of a run in floating point.  As LAPACK scales it, an eigenvector has length
1, and its largest entry is real: JAX's derivatives are those of vectors that are scaled so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from flint import acb, acb_mat

from jaxgrad.numbers.base import CannotDecide, NumberSystem, ObjectArray, objects
from jaxgrad.numbers.complex_pairs import ComplexPairs
from jaxgrad.numbers.eigenvalues import complex_eigenpairs, midpoints
from jaxgrad.numbers.spectra import moved
from jaxgrad.numbers.vector_signs import FloatingPoint, signs

__all__ = ["Eigenpairs", "eig"]

# An eigenvalue of a run is one of the true ones if no other is less than so many times as far.
CLEARLY = 4


def eig(
    system: NumberSystem,
    *parts: np.ndarray,
    compute_left_eigenvectors: bool,
    compute_right_eigenvectors: bool,
    floats: FloatingPoint,
) -> tuple[np.ndarray, ...]:
    """The parts of the eigenvalues and, if wanted, of left and of right eigenvectors as columns.

    Args:
        system: the numbers.
        parts: the real part of a matrix of shape (n, n), and the imaginary one if it has one.
        compute_left_eigenvectors: whether the u with u*A = λu* are wanted.
        compute_right_eigenvectors: whether the v with Av = λv are wanted.
        floats: the primitive, which decides the order and the signs.

    Raises:
        CannotDecide: two eigenvalues are the same, or their order or how a vector is scaled
            depends on rounding, or the system knows nothing of eigenvalues.
    """
    pairs, is_real = ComplexPairs(system), len(parts) == 1
    real, imag = (*parts, system.constants(np.zeros(parts[0].shape))) if is_real else parts
    a = pairs.joined(real, imag)
    pair = Eigenpairs(pairs, a, floats, is_real)
    found = [pair.values]
    if compute_left_eigenvectors:
        left = _scaled(pairs, pair.left, pair.is_real)
        found.append(left * signs(pairs, a, left, floats, lambda run: run[1]))
    if compute_right_eigenvectors:
        right = _scaled(pairs, pair.right, pair.is_real)
        found.append(right * signs(pairs, a, right, floats, lambda run: run[-1]))
    return tuple(part for array in found for part in pairs.parts(array))


class Eigenpairs:
    """The eigenvalues of a matrix in the order of a run, and its eigenvectors, of any length.

    Args:
        pairs: complex numbers.
        a: the matrix.
        floats: what returns the eigenvalues first.
        is_real: whether the matrix is real.

    Attributes:
        values, right: the eigenvalues, and as columns the v with Av = λv.
        is_real: of each eigenvalue whether it is real, as is its vector then.
    """

    def __init__(
        self, pairs: ComplexPairs, a: np.ndarray, floats: FloatingPoint, is_real: bool
    ) -> None:
        apart = [pairs.apart(x) for x in a.flat]
        limits, self._rest = (objects(each, a.shape) for each in zip(*apart, strict=True))
        self._pairs, self._orders = pairs, pairs.orders(self._rest)
        self._start = start = _Diagonal(limits, floats, is_real)
        self.is_real = start.is_real
        basis, inverse = (pairs.map(pairs.real, x) for x in (start.basis, start.inverse))
        turned = self._rest
        if self._orders:
            turned = pairs.matmul(pairs.matmul(inverse, turned), basis)
        self._inverse, self._turned = inverse, turned
        self.right, shift = self._columns(basis, turned, start.values)
        values = pairs.map(pairs.real, start.values)
        values = values if shift is None else values + shift
        self.values = _real_where(pairs, values[None, :], start.is_real)[0]

    @property
    def left(self) -> np.ndarray:
        """As columns the u with u*A = λu*."""
        pairs = self._pairs
        back, e = (pairs.map(pairs.conjugate, x).T for x in (self._inverse, self._turned))
        return self._columns(back, e, objects(x.conjugate() for x in self._start.values))[0]

    def _columns(
        self, basis: np.ndarray, e: np.ndarray, values: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """The eigenvectors of a matrix that is diag(values) + E in a basis, and what is added."""
        pairs = self._pairs
        if not self._orders:
            return _real_where(pairs, basis, self.is_real), None
        gaps = pairs.map(pairs.real, values[None, :] - values[:, None])
        u, shift = moved(pairs, e, gaps, self._orders)
        found, shift = (
            pairs.map(lambda x: pairs.up_to(self._rest, self._orders + 1, x), y)
            for y in (pairs.matmul(basis, u), shift)
        )
        return _real_where(pairs, found, self.is_real), shift


class _Diagonal:
    """A matrix of balls as X diag(λ) X⁻¹, in the order of a run.

    Args:
        a: balls of complex numbers.
        floats: the primitive.
        real: whether the matrix is real; eigenvalues that are real are so exactly then.
    """

    def __init__(self, a: np.ndarray, floats: FloatingPoint, real: bool) -> None:
        values, vectors = complex_eigenpairs(a)
        order = _order(values, floats.around(a)[0])
        self.values, vectors = values[order], vectors[:, order]
        self.is_real = [
            real and not any(x.conjugate().overlaps(y) for y in np.delete(self.values, i))
            for i, x in enumerate(self.values)
        ]
        largest = abs(midpoints(vectors)).argmax(axis=0)
        basis: ObjectArray = vectors / vectors[largest, range(len(a))]
        for i, k in enumerate(largest):
            basis[k, i] = acb(1)
        self.basis = _real_columns(basis, self.is_real)
        inverse = acb_mat(self.basis.tolist()).inv()
        self.inverse = _real_columns(objects(inverse.entries(), a.shape).T, self.is_real).T
        self.values = _real_columns(self.values[None, :], self.is_real)[0]


def _order(values: np.ndarray, runs: np.ndarray) -> np.ndarray:
    """Which eigenvalue is the first of a run, the second, and so on."""
    far = abs(runs[:, :, None] - midpoints(values))
    order = far.argmin(axis=2)
    ranked = np.sort(far, axis=2)
    clear = (CLEARLY * ranked[..., 0] < ranked[..., 1:].min(axis=2, initial=np.inf)).all()
    if not (clear and (order == order[0]).all() and len({*order[0]}) == len(values)):
        raise CannotDecide("the order of the eigenvalues, which depends on rounding")
    return order[0]


def _real_columns(a: np.ndarray, is_real: list[bool]) -> np.ndarray:
    """Balls of a matrix, some of whose columns are real."""
    found = a.copy()
    for i in np.flatnonzero(is_real):
        found[:, i] = [acb(x.real) for x in a[:, i]]
    return found


def _real_where(pairs: ComplexPairs, a: np.ndarray, is_real: list[bool]) -> np.ndarray:
    """The same of numbers of the system."""
    found = a.copy()
    for i in np.flatnonzero(is_real):
        found[:, i] = objects(pairs.of_real(x.real) for x in a[:, i])
    return found


def _scaled(pairs: ComplexPairs, vectors: np.ndarray, is_real: list[bool]) -> np.ndarray:
    """Vectors of length 1 whose largest entry is real, of either sign."""
    found = vectors.copy()
    for i, column in enumerate(vectors.T):
        length = pairs.length(column)
        if is_real[i]:
            found[:, i] = pairs.map(lambda x, length=length: pairs.over(x, length), column)
            continue
        k = _largest([abs(pairs.apart(x)[0]) for x in column])
        size = pairs.length(column[k : k + 1])
        turn = pairs.over(pairs.conjugate(column[k]), size * length)
        found[:, i] = pairs.map(lambda x, turn=turn: x * turn, column)
        found[k, i] = pairs.of_real(found[k, i].real)
    return found


def _largest(sizes: list[Any]) -> int:
    k = max(range(len(sizes)), key=lambda j: sizes[j].mid())
    if not all(sizes[j] < sizes[k] for j in range(len(sizes)) if j != k):
        raise CannotDecide(
            "how an eigenvector is scaled: two of its entries are the largest, or may be, and "
            "LAPACK makes one of them real"
        )
    return k
