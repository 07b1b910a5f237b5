"""Factorisations of matrices and the systems they solve, in the operations of a number system."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxgrad.interpret.rules.order import decided
from jaxgrad.interpret.rules.registry import Equation, Outputs, Value, anything, rule
from jaxgrad.numbers.base import CannotDecide, NumberSystem
from jaxgrad.numbers.nonfinite import NonFinite

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter


@rule("cholesky")
def _cholesky(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    """L with A = LLᵀ and a positive diagonal; only the lower triangle of A is read."""
    (matrices,) = inputs
    return _each(matrices, lambda a: _lower_root(interpreter.system, a))


def _lower_root(system: NumberSystem, a: np.ndarray) -> np.ndarray:
    lower = _filled(a.shape, system.constant(0))
    for j in range(len(a)):
        square = a[j, j] - _dot(system, lower[j, :j], lower[j, :j])
        if system.known(system.compare("gt", square, system.constant(0))) is False:
            # JAX, too, leaves no number of a matrix that is not positive definite.
            return _filled(a.shape, system.constant(math.nan))
        lower[j, j] = system.sqrt(square)
        for i in range(j + 1, len(a)):
            rest = a[i, j] - _dot(system, lower[i, :j], lower[j, :j])
            lower[i, j] = system.divide(rest, lower[j, j])
    return lower


@rule(
    "triangular_solve",
    reads=("left_side", "lower", "transpose_a", "unit_diagonal"),
    harmless={"conjugate_a": anything},
)
def _triangular_solve(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    """X with op(A) X = B or X op(A) = B; of A only one triangle is read.  Over ℝ, Ā = A."""
    params, system = equation.params, interpreter.system
    lower = params["lower"]

    def solve(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        # X op(A) = B is op(A)ᵀ Xᵀ = Bᵀ.
        transposed = params["transpose_a"] == params["left_side"]
        a = a.T if transposed else a
        b = b if params["left_side"] else b.T
        x = _substitute(system, a, b, lower != transposed, params["unit_diagonal"])
        return x if params["left_side"] else x.T

    return _each(inputs, solve)


def _substitute(
    system: NumberSystem, a: np.ndarray, b: np.ndarray, lower: bool, unit: bool
) -> np.ndarray:
    """Forward substitution for a lower triangle, else backward substitution."""
    x, n = np.empty_like(b), len(a)
    for i in range(n) if lower else reversed(range(n)):
        known = slice(0, i) if lower else slice(i + 1, n)
        row = b[i] - system.matmul(a[i : i + 1, known], x[known])[0]
        x[i] = row if unit else system.map(lambda y, i=i: system.divide(y, a[i, i]), row)
    return x


@rule("lu")
def _lu(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    """PA = LU with partial pivoting: L below the diagonal, U above, the pivots and P."""
    (matrices,) = inputs
    batch, rows = matrices.shape[:-2], matrices.shape[-2]
    factors, pivots, permutations = [], [], []
    for a in _batches(matrices):
        _require_numbers(a)
        order = np.arange(rows)
        swaps = _eliminate(interpreter.system, a, order)
        factors.append(a)
        pivots.append(swaps)
        permutations.append(order)
    dtypes = [variable.aval.dtype for variable in equation.outvars]
    steps = min(matrices.shape[-2:])
    return [
        _stacked(factors, batch, matrices.shape[-2:], object),
        _stacked(pivots, batch, (steps,), dtypes[1]),
        _stacked(permutations, batch, (rows,), dtypes[2]),
    ]


def _eliminate(system: NumberSystem, a: np.ndarray, order: np.ndarray) -> list[int]:
    """Replaces A by its factors and permutes the order alongside; the row of each pivot.

    Rows are multiplied by the pivot in place of being divided by it, so that what remains of a
    singular matrix is 0 exactly while products are exact, and no quotient of balls that holds 0.
    """
    swaps, scale = [], system.constant(1)
    for k in range(min(a.shape)):
        pivot = _pivot(system, a[:, k], k)
        swaps.append(pivot)
        a[[k, pivot]] = a[[pivot, k]]
        order[[k, pivot]] = order[[pivot, k]]
        # What is left of the matrix is `scale` times what elimination with quotients leaves.
        head, row = a[k, k], a[k, k + 1 :].copy()
        for j in range(k, a.shape[1]):
            a[k, j] = system.divide(a[k, j], scale)
        if system.known(system.compare("eq", head, system.constant(0))):
            continue  # the column is 0 below as well: nothing to eliminate
        for i in range(k + 1, len(a)):
            factor = a[i, k]
            a[i, k] = system.divide(factor, head)
            for j, x in enumerate(row, k + 1):
                a[i, j] = head * a[i, j] - factor * x
        scale = scale * head
    return swaps


def _pivot(system: NumberSystem, column: np.ndarray, start: int) -> int:
    """The first place from ``start`` on where the absolute value is largest."""
    sizes = {i: system.absolute(column[i]) for i in range(start, len(column))}
    best = start
    for i in range(start + 1, len(column)):
        if decided(system, "gt", sizes[i], sizes[best], "the choice of a pivot of `lu`"):
            best = i
    return best


def _dot(system: NumberSystem, x: np.ndarray, y: np.ndarray) -> Any:
    return system.total([a * b for a, b in zip(x, y, strict=True)])


def _filled(shape: tuple[int, ...], value: Any) -> np.ndarray:
    array = np.empty(shape, dtype=object)
    for index in np.ndindex(shape):
        array[index] = value
    return array


def _batches(matrices: np.ndarray) -> list[np.ndarray]:
    """Each matrix of a batch, as a copy of its own."""
    count = int(np.prod(matrices.shape[:-2], dtype=int))
    return list(matrices.reshape((count, *matrices.shape[-2:])).copy())


def _each(inputs: Any, operation: Callable[..., np.ndarray]) -> np.ndarray:
    """Applies an operation on matrices along the batch; the result has the last one's shape."""
    arrays = list(inputs) if isinstance(inputs, list) else [inputs]
    for array in arrays:
        _require_numbers(array)
    results = [operation(*each) for each in zip(*map(_batches, arrays), strict=True)]
    shape = arrays[-1].shape
    return _stacked(results, shape[:-2], shape[-2:], object)


def _stacked(parts: list[Any], batch: tuple[int, ...], shape: tuple[int, ...], dtype: Any) -> Any:
    out = np.empty((len(parts), *shape), dtype)
    for i, part in enumerate(parts):
        out[i] = part
    return out.reshape((*batch, *shape))


def _require_numbers(array: np.ndarray) -> None:
    if any(isinstance(x, NonFinite) for x in array.flat):
        raise CannotDecide("a matrix to be factored or solved with holds an infinity or NaN")
