"""Singular values and their vectors beside a matrix of which some are repeated, or 0.

Positive ones are roots of eigenvalues of AᵀA, and U is AV/s.  Vectors of singular values that are 0
at the matrix and not beside it are those of K = W₁ᵀAW₂, which is infinitesimal, where W₁ and W₂ are
what the kernels of Aᵀ and A become.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from flint import fmpq_mat

from jaxgrad.numbers.base import CannotDecide, NumberSystem, ObjectArray, objects
from jaxgrad.numbers.branches import Beside, Pairs, apart, as_known, turned
from jaxgrad.numbers.eigenspaces import eigenspaces, rational
from jaxgrad.numbers.eigenvalues import midpoints
from jaxgrad.numbers.vector_choice import VectorChoice

__all__ = ["Triples", "singular_branches"]

Triples = tuple[ObjectArray, ObjectArray, ObjectArray]


def singular_branches(
    system: NumberSystem,
    a: ObjectArray,
    near: tuple[np.ndarray, np.ndarray],
    choice: VectorChoice,
    triples: Callable[[NumberSystem, ObjectArray], Triples],
    pairs: Callable[[NumberSystem, ObjectArray], Pairs],
) -> Triples:
    """U, the singular values in descending order, and V, with A = U diag(s) Vᵀ.

    Args:
        system: the numbers.
        a: of shape (m, n) with m ≥ n.
        near: float64 numbers near to U and V, of shapes (m, n) and (n, n), of the matrix that it is
            next to.
        choice: which vectors are taken where they are free.
        triples: the same of matrices whose singular values are positive and all different.
        pairs: eigenvectors and eigenvalues of matrices that have no repeated ones.

    Raises:
        CannotDecide: the matrix that it is next to is not known exactly, or what is beside it is
            not known to be so far.
    """
    limits, rest = apart(system, a)
    exact = rational(limits)
    square, right = exact.transpose() * exact, near[1][:, ::-1]
    spaces = eigenspaces(square, right)
    beside = Beside(system, spaces, apart(system, system.matmul(a.T, a))[1])
    has_kernel = bool(spaces[0].value.is_zero())
    choice.met |= has_kernel or len(spaces) < a.shape[1]
    parts = []
    if has_kernel:
        columns = beside.basis(0)[:, ::-1]  # in the order of those that are near
        left = _cokernel(system, a, exact, near[0], columns.shape[1])
        parts.append(_of_kernels(system, a, (left, columns), rest, choice, triples, pairs))
    for k in range(len(parts), len(spaces)):
        vectors, squares = beside.branches(k, choice, pairs)
        vectors, values = vectors[:, ::-1], system.map(system.sqrt, squares)[::-1]
        sides = system.map(system.divide, system.matmul(a, vectors), values[None, :])
        parts.append((sides, values, vectors))
    each = zip(*reversed(parts), strict=True)
    first, values, last = (np.concatenate(x, axis=-1) for x in each)
    return first, values, last


def _cokernel(
    system: NumberSystem,
    a: ObjectArray,
    exact: fmpq_mat,
    near: np.ndarray,
    count: int,
) -> ObjectArray:
    """What the kernel of Aᵀ becomes, the first ones of its vectors near to those of a run."""
    n = near.shape[1]
    whole = np.concatenate([near, np.linalg.svd(near)[0][:, n:]], axis=1)
    order = [*range(n - count, len(a)), *reversed(range(n - count))]
    spaces = eigenspaces(exact * exact.transpose(), whole[:, order])
    return Beside(system, spaces, apart(system, system.matmul(a, a.T))[1]).basis(0)


def _of_kernels(
    system: NumberSystem,
    a: ObjectArray,
    kernels: tuple[ObjectArray, ObjectArray],
    rest: ObjectArray,
    choice: VectorChoice,
    triples: Callable[[NumberSystem, ObjectArray], Triples],
    pairs: Callable[[NumberSystem, ObjectArray], Pairs],
) -> Triples:
    """The infinitesimal singular values, with their vectors.

    Args:
        system, a, choice, triples, pairs: as above.
        kernels: what those of Aᵀ and of A become, as columns.
        rest: what is beside the matrix that A is next to.
    """
    left, right = kernels
    count = right.shape[1]
    zeros = objects([system.constant(0)] * count)
    if not system.orders(rest):
        return _free(system, kernels, choice, zeros)
    k = apart(system, system.matmul(system.matmul(left.T, a), right))[1]  # next to 0
    size = system.magnitude(k)
    if size is None:
        return _free(system, kernels, choice, as_known(system, k)[:count])
    scaled = system.map(lambda x: system.divide(x, size), k)
    try:
        u, values, v = triples(system, scaled)
    except CannotDecide:
        u, _, vh = np.linalg.svd(midpoints(apart(system, scaled)[0]), full_matrices=False)
        u, values, v = singular_branches(system, scaled, (u, vh.T), choice, triples, pairs)
    signs = system.constants(choice.signs(count))
    values = system.map(lambda x: x * size, values)
    return system.matmul(left, u * signs), values, system.matmul(right, v * signs)


def _free(
    system: NumberSystem,
    kernels: tuple[ObjectArray, ObjectArray],
    choice: VectorChoice,
    values: ObjectArray,
) -> Triples:
    """Vectors of singular values that are 0: of either side by themselves, and of either sign."""
    left, right = (turned(system, vectors, choice) for vectors in kernels)
    count = len(values)
    return left[:, :count] * system.constants(choice.signs(count)), values, right
