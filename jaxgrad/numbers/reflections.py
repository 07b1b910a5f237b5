"""QR factorisations by Householder reflections, with the signs that LAPACK gives them.

Of complex matrices H* is applied, and β is real, so that R has a real diagonal.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxgrad.numbers.base import CannotDecide, NumberSystem, objects
from jaxgrad.numbers.clock import tick
from jaxgrad.numbers.ordering import decided

__all__ = ["factored", "orthogonal", "qr"]


def factored(system: NumberSystem, a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A = H₁H₂… R with H = 1 − τvv*: R, below its diagonal each v but its leading 1, and the τ."""
    a, factors = a.copy(), []
    for k in range(min(a.shape)):
        diagonal, v, factor = _reflection(system, a[k, k], a[k + 1 :, k])
        a[k, k], a[k + 1 :, k] = diagonal, v
        factors.append(factor)
        _reflect(system, a[k:, k + 1 :], v, system.conjugate(factor))
    return a, objects(factors)


def orthogonal(system: NumberSystem, a: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """The first columns of H₁H₂…, as many as the matrix of the v has.

    Example:
        >>> from jaxgrad.numbers.ball import Ball
        >>> a = Ball().constants(np.array([[3.0], [4.0]]))
        >>> [round(float(x), 9) for x in orthogonal(Ball(), *factored(Ball(), a)).flat]
        [-0.6, -0.8]
    """
    q = system.constants(np.eye(*a.shape))
    for k in reversed(range(len(factors))):
        _reflect(system, q[k:, k:], a[k + 1 :, k], factors[k])
    return q


def qr(
    system: NumberSystem, a: np.ndarray, *, full_matrices: bool, pivoting: bool = False
) -> tuple[np.ndarray, ...]:
    """Q and R with A = QR, in which R has as many rows as Q has columns.

    Beside a point at which LAPACK reflects a column or does not, or to either side, or takes one
    column before another, it does what it does at the point: Q and R jump there, and what is
    differentiated is the branch of the point.

    Args:
        system: the numbers.
        a: of shape (m, n).
        full_matrices: whether Q is square.
        pivoting: whether the columns are reordered, so that each is the longest of what is left of
            those from it on; then the order p is the third result, and A[:, p] = QR.

    Raises:
        CannotDecide: the first columns of A are dependent, or may be: Q is not unique; or a sign
            is open, or which column is the longest.
    """
    (m, n), upper, vectors, signs = a.shape, a.copy(), [], []
    zero, columns, order = system.constant(0), m if full_matrices else min(m, n), np.arange(n)
    for k in range(min(m, n)):
        if pivoting:
            longest = k + _longest(system, upper[k:, k:])
            for array in (upper.T, order):
                array[[k, longest]] = array[[longest, k]]
        upper[k, k], v, factor, sign = _branch(system, upper[k, k], upper[k + 1 :, k])
        upper[k + 1 :, k] = zero
        _reflect(system, upper[k:, k + 1 :], v, system.conjugate(factor))
        upper[k, k:] = upper[k, k:] * sign
        vectors.append((v, factor))
        signs.append(sign)
    q = system.constants(np.eye(m, columns))
    for k, (v, factor) in reversed(list(enumerate(vectors))):
        _reflect(system, q[k:, k:], v, factor)
    q[:, : len(signs)] = q[:, : len(signs)] * objects(signs)
    return (q, upper[:columns], order) if pivoting else (q, upper[:columns])


def _longest(system: NumberSystem, a: np.ndarray) -> int:
    """Which column is certainly longer than all others at the point, as floats see it, too."""
    sizes = [abs(system.apart(_square(system, [*column]))[0]) for column in a.T]
    best = max(range(len(sizes)), key=lambda j: sizes[j].mid())
    if not all(size < sizes[best] for size in sizes[:best] + sizes[best + 1 :]):
        raise CannotDecide(
            "the choice of a column of `qr` with pivoting, of which two are the longest, or may be"
        )
    return best


def _branch(system: NumberSystem, head: Any, tail: np.ndarray) -> tuple[Any, np.ndarray, Any, Any]:
    """(β, v, τ) of a column that is reflected, and −1 where LAPACK does not reflect it, or 1."""
    one, zero = system.constant(1), system.constant(0)
    square = _square(system, [head, *tail])
    if system.apart(square)[0].contains(0):
        raise CannotDecide(
            "`qr` of a matrix whose columns are dependent, or may be: Q is not unique there"
        )
    vanishing = _vanishing(system, head, tail)
    if not vanishing:
        return head, tail, zero, one
    below = system.apart(_square(system, vanishing))[0]
    if below.contains(0) and not below.is_zero():
        raise CannotDecide("`qr` of a column that may be one of R already: its sign is open")
    # A zero is positive; where floats have one it may be −0.
    start = system.real(system.apart(head)[0])
    is_negative = decided(system, "lt", start, zero, "a sign of `qr`")
    length = system.sqrt(square)
    new = length if is_negative else -length
    v = system.map(lambda x: system.divide(x, head - new), tail)
    sign = -one if below.is_zero() else one
    return new, v, system.divide(new - head, new), sign


def _reflection(system: NumberSystem, head: Any, tail: np.ndarray) -> tuple[Any, np.ndarray, Any]:
    """(β, v, τ) with H*(x₀, x)ᵀ = (β, 0)ᵀ, where β = −sign(Re x₀)‖(x₀, x)‖; H = 1 if it is so."""
    zero = system.constant(0)
    vanishing = _vanishing(system, head, tail)
    if not vanishing:
        return head, tail, zero
    is_done = system.compare("eq", _square(system, vanishing), zero)
    if system.known(is_done):
        return head, system.map(lambda x: zero, tail), zero
    length = system.sqrt(_square(system, [head, *tail]))
    new = system.select(system.compare("lt", head, zero), -length, length)
    v = system.map(lambda x: system.select(is_done, system.divide(x, head - new), zero), tail)
    factor = system.select(is_done, system.divide(new - head, new), zero)
    return system.select(is_done, new, head), v, factor


def _reflect(system: NumberSystem, a: np.ndarray, v: np.ndarray, factor: Any) -> None:
    """Replaces A by (1 − τ(1, v)(1, v)*)A."""
    conjugated = system.map(system.conjugate, v)
    for j in range(a.shape[1]):
        tick()
        below = [x * y for x, y in zip(conjugated, a[1:, j], strict=True)]
        along = factor * (a[0, j] + system.total(below))
        a[0, j] = a[0, j] - along
        a[1:, j] = [x - along * y for x, y in zip(a[1:, j], v, strict=True)]


def _vanishing(system: NumberSystem, head: Any, tail: np.ndarray) -> list[Any]:
    """What a reflection makes 0."""
    beside = system.imaginary(head)
    return [*tail] if beside is None else [*tail, beside]


def _square(system: NumberSystem, entries: list[Any]) -> Any:
    """The square of their length."""
    return system.total([system.squared_size(x) for x in entries])
