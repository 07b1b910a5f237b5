"""Eigenvalues and their vectors beside a matrix that has repeated ones.

Along a line eigenvalues and vectors are analytic, even where the line meets a matrix of repeated
eigenvalues (Rellich; Kato 1995, section II.6).  Beside it the vectors (1, X) that belong to one
eigenspace solve (Λ − λ)X = X(E₁₁ + E₁₂X) − E₂₁ − E₂₂X, where E is what is beside the matrix, in a
basis of its eigenvectors, 1 stands for that space and 2 for all others.  On them the matrix is
λ + H for an infinitesimal H, and H is the multiple of a matrix with other eigenvalues: the same
question again.  The order of those is that of the eigenvalues just beside the matrix.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from jaxgrad.numbers.base import CannotDecide, NumberSystem, ObjectArray, objects
from jaxgrad.numbers.eigenspaces import Eigenspace, eigenspaces, orthonormal, rational
from jaxgrad.numbers.eigenvalues import midpoints
from jaxgrad.numbers.vector_choice import VectorChoice

__all__ = ["Beside", "Pairs", "apart", "as_known", "eigenbranches"]

Pairs = tuple[ObjectArray, ObjectArray]


def eigenbranches(
    system: NumberSystem,
    a: ObjectArray,
    near: np.ndarray,
    choice: VectorChoice,
    pairs: Callable[[NumberSystem, ObjectArray], Pairs],
) -> Pairs:
    """Eigenvectors as columns, and the eigenvalues in ascending order.

    Args:
        system: the numbers.
        a: a symmetric matrix.
        near: vectors near to those of the matrix that it is next to.
        choice: which vectors are taken where they are free.
        pairs: the same of matrices whose eigenvalues are all different.

    Raises:
        CannotDecide: the matrix that it is next to is not known exactly, or what is beside it is
            not known to be so far.
    """
    limits, rest = apart(system, a)
    spaces = eigenspaces(rational(limits), near)
    choice.met |= len(spaces) < len(a)
    beside = Beside(system, spaces, rest)
    each = [beside.branches(k, choice, pairs) for k in range(len(spaces))]
    vectors, values = zip(*each, strict=True)
    return np.concatenate(vectors, axis=1), np.concatenate(values)


def _split(
    system: NumberSystem,
    h: ObjectArray,
    choice: VectorChoice,
    pairs: Callable[[NumberSystem, ObjectArray], Pairs],
) -> Pairs:
    """Vectors and eigenvalues of an infinitesimal symmetric matrix."""
    if len(h) == 1:
        return system.constants(np.eye(1)), h[0]
    size = system.magnitude(h)
    if size is None:  # nothing is known to be beside 0, so that all vectors still are free
        return turned(system, system.constants(np.eye(len(h))), choice), as_known(system, h)
    scaled = system.map(lambda x: system.divide(x, size), h)
    try:
        vectors, values = pairs(system, scaled)
    except CannotDecide:
        near = np.linalg.eigh(midpoints(apart(system, scaled)[0]))[1]
        vectors, values = eigenbranches(system, scaled, near, choice, pairs)
    vectors = vectors * system.constants(choice.signs(len(h)))
    return vectors, system.map(lambda x: x * size, values)


def turned(system: NumberSystem, vectors: ObjectArray, choice: VectorChoice) -> ObjectArray:
    """Free vectors, as they are chosen."""
    turn = choice.turn(vectors.shape[1])
    if turn is None:
        return vectors
    return system.matmul(vectors, orthonormal(system, system.constants(turn)))


def as_known(system: NumberSystem, h: ObjectArray) -> ObjectArray:
    """0 for each row, as far as h is known to be 0."""
    zero = system.constant(0)
    found = system.up_to(h, 1, zero) if system.orders(h) else zero
    return objects([found] * len(h))


class Beside:
    """What is beside a matrix, in terms of its eigenspaces.

    Args:
        system: the numbers.
        spaces: those of the matrix.
        rest: what is beside it, infinitesimal and symmetric.
    """

    def __init__(
        self, system: NumberSystem, spaces: Sequence[Eigenspace], rest: ObjectArray
    ) -> None:
        self._system, self._rest, self._orders = system, rest, system.orders(rest)
        self._values = [space.value for space in spaces for _ in range(space.dimension)]
        limits = np.concatenate([space.basis for space in spaces], axis=1)
        self._basis = system.map(system.real, limits)
        ends = np.cumsum([0, *(space.dimension for space in spaces)])
        self._places = [np.arange(*each) for each in itertools.pairwise(ends)]
        self._turned = system.matmul(system.matmul(self._basis.T, rest), self._basis)

    def branches(
        self,
        k: int,
        choice: VectorChoice,
        pairs: Callable[[NumberSystem, ObjectArray], Pairs],
    ) -> Pairs:
        """The vectors and the eigenvalues that the k-th space splits into."""
        system, place, count = self._system, self._places[k], len(self._places[k])
        value = system.real(self._values[place[0]])
        if not self._orders:
            return turned(system, self._basis[:, place], choice), objects([value] * count)
        parts = self._parts(k)
        within, moved = _split(system, self._shift(k, parts), choice, pairs)
        vectors = system.matmul(system.matmul(self._basis, parts), within)
        return vectors, system.map(lambda x: value + x, moved)

    def basis(self, k: int) -> ObjectArray:
        """Orthonormal vectors of the space that the k-th one becomes."""
        return self._system.matmul(self._basis, self._parts(k))

    def _parts(self, k: int) -> ObjectArray:
        """Those vectors in the basis of the eigenvectors of the matrix."""
        system, inside = self._system, self._places[k]
        found = system.constants(np.eye(len(self._rest))[:, inside])
        outside = np.setdiff1d(np.arange(len(self._rest)), inside)
        if not self._orders or not len(outside):
            return found
        found[outside] = self._across(inside, outside)
        return self._known(orthonormal(system, found))

    def _across(self, inside: np.ndarray, outside: np.ndarray) -> ObjectArray:
        """X, of which each time one more order is right."""
        system, e, start = self._system, self._turned, self._values[inside[0]]
        gaps = objects((system.real(self._values[j] - start) for j in outside), (len(outside), 1))
        to, back = e[np.ix_(inside, outside)], e[np.ix_(outside, inside)]
        own, others = e[np.ix_(inside, inside)], e[np.ix_(outside, outside)]
        x = system.map(lambda y: system.constant(0), back)
        for _ in range(self._orders):
            found = system.matmul(x, own + system.matmul(to, x)) - back - system.matmul(others, x)
            x = system.map(system.divide, found, np.broadcast_to(gaps, found.shape))
        return x

    def _shift(self, k: int, parts: ObjectArray) -> ObjectArray:
        """H: the matrix on those vectors, but for the eigenvalue of the k-th space."""
        system, value = self._system, self._values[self._places[k][0]]
        h = system.matmul(system.matmul(parts.T, self._turned), parts)
        for j, other in enumerate(self._values):
            if j not in self._places[k]:
                part = parts[j] * system.real(other - value)
                h = h + parts[j][:, None] * part[None, :]
        rows, columns = np.indices(h.shape)
        return self._known(h[np.maximum(rows, columns), np.minimum(rows, columns)])

    def _known(self, found: ObjectArray) -> ObjectArray:
        system, rest, end = self._system, self._rest, self._orders + 1
        if len(self._places) == 1:  # no order is left out
            return found
        return system.map(lambda x: system.up_to(rest, end, x), found)


def apart(system: NumberSystem, a: ObjectArray) -> Pairs:
    """The balls of the real numbers that a matrix is next to, and what is beside them."""
    limits, rest = zip(*(system.apart(x) for x in a.flat), strict=True)
    return objects(limits, a.shape), objects(rest, a.shape)
