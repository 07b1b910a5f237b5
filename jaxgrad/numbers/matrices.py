"""Factorisations of matrices and the systems they solve, in the operations of a number system."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
from flint import arb

from jaxgrad.numbers.base import CannotDecide, NumberSystem
from jaxgrad.numbers.clock import tick
from jaxgrad.numbers.complex_matrices import in_pairs
from jaxgrad.numbers.complex_pairs import ComplexNumber
from jaxgrad.numbers.complex_spectra import complex_eigh, complex_svd
from jaxgrad.numbers.general_spectra import eig
from jaxgrad.numbers.pivot_choice import chosen_pivots
from jaxgrad.numbers.reflections import factored, orthogonal, qr
from jaxgrad.numbers.schur import complex_schur, schur
from jaxgrad.numbers.series import Series
from jaxgrad.numbers.spectra import eigh, svd

__all__ = ["OPEN_PIVOT", "matrix_function"]

OPEN_PIVOT = "the choice of a pivot of `lu` depends on an open comparison"
"""Why nothing is known where not every choice of a row can be tried."""


def matrix_function(system: NumberSystem, name: str, *matrices: np.ndarray, **options: Any) -> Any:
    """A function of matrices: in the system's own way, else by the textbook's algorithm.

    Args:
        system: the numbers.
        name: of JAX's primitive.
        matrices: object arrays of shape (m, n), which are left as they are.
        options: the parameters of the primitive.

    Returns:
        an object array, or a tuple of arrays.

    Example:
        >>> from jaxgrad.numbers.ball import Ball
        >>> matrix_function(Ball(), "cholesky", Ball().constants(np.array([[4.0, 0], [2, 2]])))
        array([[2.00000000000000, 0],
               [1.00000000000000, 1.00000000000000]], dtype=object)
    """
    own = system.matrix(name, *matrices, **options)
    return own if own is not None else _ALGORITHMS[name](system, *matrices, **options)


def _cholesky(system: NumberSystem, a: np.ndarray) -> np.ndarray:
    """L with A = LL* and a positive diagonal; only the lower triangle of A is read."""
    lower = _filled(a.shape, system.constant(0))
    for j in range(len(a)):
        square = a[j, j] - _dot(system, lower[j, :j], _conjugated(system, lower[j, :j]))
        if system.known(system.compare("gt", square, system.constant(0))) is False:
            # JAX, too, leaves no number of a matrix that is not positive definite.
            return _filled(a.shape, system.constant(math.nan))
        lower[j, j] = system.sqrt(square)
        for i in range(j + 1, len(a)):
            tick()
            rest = a[i, j] - _dot(system, lower[i, :j], _conjugated(system, lower[j, :j]))
            lower[i, j] = system.divide(rest, lower[j, j])
    return lower


def _triangular_solve(
    system: NumberSystem,
    a: np.ndarray,
    b: np.ndarray,
    *,
    left_side: bool,
    lower: bool,
    transpose_a: bool,
    unit_diagonal: bool,
    conjugate_a: bool = False,
) -> np.ndarray:
    """X with op(A) X = B or X op(A) = B; of A only one triangle is read."""
    a = _conjugated(system, a) if conjugate_a else a
    # X op(A) = B is op(A)ᵀ Xᵀ = Bᵀ.
    transposed = transpose_a == left_side
    a = a.T if transposed else a
    b = b if left_side else b.T
    x = _substitute(system, a, b, lower != transposed, unit_diagonal)
    return x if left_side else x.T


def _substitute(
    system: NumberSystem, a: np.ndarray, b: np.ndarray, lower: bool, unit: bool
) -> np.ndarray:
    """Forward substitution for a lower triangle, else backward substitution."""
    x, n = np.empty_like(b), len(a)
    for i in range(n) if lower else reversed(range(n)):
        tick()
        known = slice(0, i) if lower else slice(i + 1, n)
        row = b[i] - system.matmul(a[i : i + 1, known], x[known])[0]
        x[i] = row if unit else system.map(lambda y, i=i: system.divide(y, a[i, i]), row)
    return x


def _lu(system: NumberSystem, a: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """PA = LU with partial pivoting: L below the diagonal, U above, the pivots and P."""
    factors, order = a.copy(), np.arange(len(a))
    pivots = _eliminate(system, factors, order)
    return factors, np.array(pivots, int), order


def _eliminate(system: NumberSystem, a: np.ndarray, order: np.ndarray) -> list[int]:
    """Replaces A by its factors and permutes the order alongside; the row of each pivot.

    Rows are multiplied by the pivot in place of being divided by it, so that what remains of a
    singular matrix is 0 exactly while products are exact, and no quotient of balls that holds 0.
    By a power of 2, where what is left is far from 1, so that no product is beyond a dtype.
    """
    swaps, scale = [], system.constant(1)
    for k in range(min(a.shape)):
        pivot = _pivot(system, a[:, k], k, tuple(order.tolist()))
        swaps.append(pivot)
        a[[k, pivot]] = a[[pivot, k]]
        order[[k, pivot]] = order[[pivot, k]]
        # What is left of the matrix is `scale` times what elimination with quotients leaves.
        head, row = a[k, k], a[k, k + 1 :].copy()
        for j in range(k, a.shape[1]):
            a[k, j] = system.divide(a[k, j], scale)
        if system.known(system.compare("eq", head, system.constant(0))):
            continue  # the column is 0 below as well: nothing to eliminate
        power = _power_of_2(system, scale, head)
        head = head if power is None else head * power
        for i in range(k + 1, len(a)):
            tick()
            factor = a[i, k] if power is None else a[i, k] * power
            a[i, k] = system.divide(factor, head)
            for j, x in enumerate(row, k + 1):
                a[i, j] = head * a[i, j] - factor * x
        scale = scale * head
    return swaps


_DIGITS = 60  # by which numbers are told apart
# Of numbers between this and its inverse products of a few are in the range of every dtype that has
# an `lu`.
_FAR = 2.0**32


def _power_of_2(system: NumberSystem, *factors: Any) -> Any:
    """What a product is to be multiplied by to be near 1; None if it is not far from it."""
    try:
        size = math.prod(float(abs(system.apart(x)[0]).upper()) for x in factors)
    except CannotDecide:
        return None
    if not 0 < size < math.inf or 1 / _FAR < size < _FAR:
        return None
    return system.constant(2.0 ** -math.frexp(size)[1])


def _pivot(system: NumberSystem, column: np.ndarray, start: int, order: tuple[int, ...]) -> int:
    """The first place from ``start`` on where the absolute value is largest.

    Args:
        system: the numbers.
        column: what is left of the matrix in it.
        start: how many pivots there are already.
        order: the rows, as they lie by now.
    """
    sizes = {i: system.absolute(column[i]) for i in range(start, len(column))}
    largest = [start]
    for i in range(start + 1, len(column)):
        is_larger = [system.known(system.ordered("gt", sizes[i], sizes[k])) for k in largest]
        if False not in is_larger:
            left = (k for k, larger in zip(largest, is_larger, strict=True) if larger is None)
            largest = [*left, i]
    if len(largest) == 1:
        return largest[0]
    choice, zero = chosen_pivots(), system.constant(0)
    positive = (system.known(system.compare("gt", sizes[i], zero)) for i in largest)
    if choice is None or not system.any_pivot or not all(positive):
        raise CannotDecide(OPEN_PIVOT)
    return choice.of((order[:start], *(_written(column[i]) for i in largest)), largest)


def _written(x: Any) -> Hashable:
    """What a number is, which is the same in every run."""
    if isinstance(x, arb):
        return x.mid().str(_DIGITS, radius=False), x.rad().str(radius=False)
    if isinstance(x, Series):
        return x.monomials, *map(_written, x.coefficients)
    if isinstance(x, ComplexNumber):
        return _written(x.real), _written(x.imag)
    return _written(x.exact)  # of twins


def _conjugated(system: NumberSystem, array: np.ndarray) -> np.ndarray:
    return system.map(system.conjugate, array)


def _dot(system: NumberSystem, x: np.ndarray, y: np.ndarray) -> Any:
    return system.total([a * b for a, b in zip(x, y, strict=True)])


def _filled(shape: tuple[int, ...], value: Any) -> np.ndarray:
    array = np.empty(shape, dtype=object)
    for index in np.ndindex(shape):
        array[index] = value
    return array


_ALGORITHMS: dict[str, Callable[..., Any]] = {
    "cholesky": _cholesky,
    "triangular_solve": _triangular_solve,
    "lu": _lu,
    "geqrf": factored,
    "householder_product": orthogonal,
    "qr": qr,
    "eigh": eigh,
    "svd": svd,
    "schur": schur,
}
_ALGORITHMS |= {
    f"complex {name}": in_pairs(_ALGORITHMS[name])
    for name in ("cholesky", "triangular_solve", "lu", "geqrf", "householder_product", "qr")
} | {
    "complex eigh": complex_eigh,
    "complex svd": complex_svd,
    "complex eig": eig,
    "complex schur": complex_schur,
}
