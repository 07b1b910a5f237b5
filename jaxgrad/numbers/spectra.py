"""Eigenvalues and singular values with their vectors, of balls and of series about them.

A matrix A + E with an infinitesimal E has in the basis of the eigenvectors of A the eigenvectors
eᵢ + u, where (λᵢ − λⱼ) uⱼ = (Eu)ⱼ − μuⱼ with μ = (Eu)ᵢ.  Each time that u is put into the right of
this one more order of E is right.

Vectors are determined up to their signs, which are those of a run in floating point.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from jaxgrad.numbers.base import CannotDecide, NumberSystem, objects
from jaxgrad.numbers.branches import apart, eigenbranches
from jaxgrad.numbers.clock import tick
from jaxgrad.numbers.eigenvalues import eigenpairs, midpoints
from jaxgrad.numbers.singular_branches import singular_branches
from jaxgrad.numbers.vector_choice import chosen
from jaxgrad.numbers.vector_signs import FloatingPoint, signs

__all__ = ["VANISHING", "WITHOUT_VALUE", "at_these_vectors", "eigh", "moved", "svd"]

VANISHING = "a singular value that is 0, or may be"
WITHOUT_VALUE = "singular vectors that belong to no singular value: full_matrices=False"
"""Why there is no answer."""


def eigh(
    system: NumberSystem, a: np.ndarray, *, lower: bool, floats: FloatingPoint
) -> tuple[np.ndarray, np.ndarray]:
    """The eigenvectors as columns and the eigenvalues, in ascending order.

    Args:
        system: the numbers.
        a: of shape (n, n), of which one triangle is read.
        lower: which triangle.
        floats: the primitive, which decides the signs of the vectors.

    Raises:
        CannotDecide: two eigenvalues are the same, or it depends on rounding which sign a vector
            has, or the system knows nothing of eigenvalues.
    """
    symmetric, choice = _symmetric(a, lower), chosen()
    try:
        vectors, values = _pairs(system, symmetric)
    except CannotDecide as error:
        if choice is None:
            raise
        with _unless_open(error):
            near = _of_runs(floats, apart(system, symmetric)[0])[0]
            return eigenbranches(system, symmetric, near, choice, _pairs)
    return vectors * signs(system, a, vectors, floats, lambda found: found[0]), values


def svd(
    system: NumberSystem,
    a: np.ndarray,
    *,
    full_matrices: bool,
    compute_uv: bool,
    floats: FloatingPoint,
) -> tuple[np.ndarray, ...]:
    """The singular values in descending order and, if wanted, U and Vᵀ with A = U diag(s) Vᵀ.

    They are the roots of the eigenvalues of AᵀA, whose eigenvectors are V, and U is AV/s; for a
    matrix of more columns than rows it is the other way round.

    Args:
        system, a, floats: as for :func:`eigh`.
        full_matrices: whether U and V are square.
        compute_uv: whether the vectors are wanted.

    Raises:
        CannotDecide: as :func:`eigh`, or a singular value is 0, or vectors are wanted that belong
            to none.
    """
    is_tall = a.shape[0] >= a.shape[1]
    tall, choice = a if is_tall else a.T, chosen()
    if full_matrices and compute_uv and a.shape[0] != a.shape[1]:
        raise CannotDecide(WITHOUT_VALUE)
    try:
        left, values, right = _triples(system, tall)
    except CannotDecide as error:
        if choice is None:
            raise
        with _unless_open(error):
            first, last = _vectors_near(floats, apart(system, a)[0], compute_uv)
            near = (first, last) if is_tall else (last, first)
            left, values, right = singular_branches(system, tall, near, choice, _triples, _pairs)
    else:
        if compute_uv:
            turned = signs(system, a, right, floats, lambda found: _columns(found, is_tall))
            left, right = left * turned, right * turned
    if not compute_uv:
        return (values,)
    return (values, left, right.T) if is_tall else (values, right, left.T)


def at_these_vectors(
    system: NumberSystem, a: np.ndarray, found: Sequence[np.ndarray], **options: Any
) -> tuple[np.ndarray, ...]:
    """The results for a matrix near to another one by the vectors of that one: values are uᵀAv.

    Of a repeated eigenvalue the vectors of a matrix that is moved, by however little, are others.

    Args:
        system: the numbers.
        a: the matrix.
        found: the results for the other one.
        options: as for :func:`eigh` or :func:`svd` with vectors.
    """
    if "lower" in options:
        vectors, _ = found
        image = system.matmul(_symmetric(a, options["lower"]), vectors)
        return vectors, objects(system.total(list(x)) for x in (vectors * image).T)
    _, left, right = found
    image = system.matmul(a, right.T[:, : left.shape[1]])
    return objects(system.total(list(x)) for x in (left * image).T), left, right


def _triples(system: NumberSystem, tall: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """U, of either sign, the singular values and V, of a matrix of no more columns than rows."""
    right, squares = _pairs(system, system.matmul(tall.T, tall))
    right, squares = right[:, ::-1], squares[::-1]
    if not all(system.apart(x)[0] > 0 for x in squares):
        raise CannotDecide(VANISHING)
    values = system.map(system.sqrt, squares)
    return system.map(system.divide, system.matmul(tall, right), values[None, :]), values, right


def _vectors_near(
    floats: FloatingPoint, limits: np.ndarray, compute_uv: bool
) -> tuple[np.ndarray, np.ndarray]:
    """U and V of a run; some where it returns none."""
    if compute_uv:
        _, left, right = _of_runs(floats, limits)
    else:
        left, _, right = np.linalg.svd(midpoints(limits), full_matrices=False)
    return left, right.T


def _of_runs(floats: FloatingPoint, limits: np.ndarray) -> list[np.ndarray]:
    """What runs return of a matrix, whichever zeros of it are −0."""
    runs = floats.around(limits)
    if not all(np.allclose(each, each[:1], 0, np.sqrt(floats.eps)) for each in runs):
        raise CannotDecide("which vectors of a repeated eigenvalue or singular value are returned")
    return [each[0] for each in runs]


@contextlib.contextmanager
def _unless_open(otherwise: CannotDecide) -> Iterator[None]:
    """Says why nothing was known before, where nothing more is."""
    try:
        yield
    except CannotDecide:
        raise otherwise from None


def _columns(found: Any, is_tall: bool) -> np.ndarray:
    """Of singular value decompositions the vectors of the shorter side, as columns."""
    _, left, right = found
    return np.swapaxes(right, -1, -2) if is_tall else left


def _symmetric(a: np.ndarray, lower: bool) -> np.ndarray:
    """The symmetric matrix of one triangle."""
    rows, columns = np.indices(a.shape)
    first, last = np.maximum(rows, columns), np.minimum(rows, columns)
    return a[first, last] if lower else a[last, first]


def _pairs(system: NumberSystem, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvectors, of either sign, and the eigenvalues of a symmetric matrix."""
    parts = [system.apart(x) for x in a.flat]
    real = objects((limit for limit, _ in parts), a.shape)
    values, vectors = eigenpairs(real)
    gaps = values[None, :] - values[:, None]
    basis, start = system.map(system.real, vectors), system.map(system.real, values)
    rest = objects((beside for _, beside in parts), a.shape)
    orders = system.orders(rest)
    if not orders:
        return basis, start
    gaps = system.map(system.real, gaps)
    turned = system.matmul(system.matmul(basis.T, rest), basis)
    u, shift = moved(system, turned, gaps, orders)
    lengths = [system.sqrt(system.total([x * x for x in column])) for column in u.T]
    u = system.map(system.divide, u, objects(lengths)[None, :])
    found = system.matmul(basis, u), start + shift
    columns, values = (system.map(lambda x: system.up_to(rest, orders + 1, x), y) for y in found)
    return columns, values


def moved(
    system: NumberSystem, e: np.ndarray, gaps: np.ndarray, orders: int
) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvectors u of diag(λ) + E with uᵢ = 1 up to so many orders of E, and what λ gains.

    Args:
        system: the numbers.
        e: E.
        gaps: of each row and column λ of the column less λ of the row.
        orders: how many.
    """
    u = system.constants(np.eye(len(e)))
    for _ in range(orders):
        product = system.matmul(e, u)
        shift = product.diagonal()
        for j, i in np.ndindex(u.shape):
            tick()
            if i != j:
                u[j, i] = system.divide(product[j, i] - shift[i] * u[j, i], gaps[j, i])
    return u, system.matmul(e, u).diagonal()
