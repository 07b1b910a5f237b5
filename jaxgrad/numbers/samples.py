"""A number at many points at once: its float64 values there, one after another."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxgrad.numbers.base import NumberSystem, ObjectArray, objects
from jaxgrad.numbers.functions import FUNCTIONS

__all__ = ["Sampled", "Samples"]


class Sampled:
    """The values of one number, or of one truth, at each of the sample points.

    Args:
        values: shape (points,), or () where it is the same at every point.

    Example:
        >>> (Sampled(np.array([1.0, 2.0])) + Sampled(np.float64(1))).values
        array([2., 3.])
    """

    __slots__ = ("values",)

    def __init__(self, values: Any) -> None:
        self.values = values

    def __add__(self, other: Sampled) -> Sampled:
        return Sampled(self.values + other.values)

    def __sub__(self, other: Sampled) -> Sampled:
        return Sampled(self.values - other.values)

    def __mul__(self, other: Sampled) -> Sampled:
        return Sampled(self.values * other.values)

    def __neg__(self) -> Sampled:
        return Sampled(-self.values)


_RELATIONS = {
    "lt": np.less, "le": np.less_equal, "gt": np.greater,
    "ge": np.greater_equal, "eq": np.equal, "ne": np.not_equal,
}  # fmt: skip


class Samples(NumberSystem):
    """Float64 values at sample points: fast, and rounded, so nothing it says is a proof.

    A truth value is one truth for each point, so a selection takes its own branch at each.

    Example:
        >>> x = Sampled(np.array([-1.0, 0.0, 2.0]))
        >>> Samples().absolute(x).values
        array([1., 0., 2.])
    """

    name = "sampled"

    def constant(self, value: Any) -> Sampled:
        return Sampled(np.float64(value))

    def divide(self, x: Sampled, y: Sampled) -> Sampled:
        return Sampled(np.divide(x.values, y.values))

    def power(self, x: Sampled, n: int) -> Sampled:
        return Sampled(np.power(x.values, np.float64(n)))

    def matmul(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        left, right = dense(a), dense(b)
        products = np.einsum("mks,kns->mns", *_broadcast_points(left, right))
        return objects((Sampled(v) for v in products.reshape(-1, products.shape[-1])),
                       (a.shape[0], b.shape[1]))  # fmt: skip

    def matrix(self, name: str, *matrices: np.ndarray, **options: Any) -> Any:
        kind = name.removeprefix("complex ")
        if kind not in ("eigh", "svd", "qr", "eig"):
            return None
        parts = [np.moveaxis(x, -1, 0) for x in _broadcast_points(*map(dense, matrices))]
        points_first = parts[0] if len(parts) == 1 else parts[0] + 1j * parts[1]
        with np.errstate(all="ignore"):
            found = _decomposed(
                kind, np.where(np.isfinite(points_first), points_first, 0), **options
            )
        wrong = ~np.isfinite(points_first).all(axis=(1, 2))
        for each in found:
            each[wrong] = np.nan
        if kind != name:
            found = [part for each in found for part in _in_parts(kind, each)]
        return tuple(
            objects((Sampled(v) for v in each.reshape(len(each), -1).T), each.shape[1:])
            for each in found
        )

    def function(self, name: str, *xs: Sampled) -> Sampled:
        known = FUNCTIONS.get(name)
        if known is None or known.float64 is None:
            return super().function(name, *xs)
        return Sampled(known.float64(*(x.values for x in xs)))

    def absolute(self, x: Sampled) -> Sampled:
        return Sampled(np.abs(x.values))

    def sign(self, x: Sampled) -> Sampled:
        return Sampled(np.sign(x.values))

    def maximum(self, x: Sampled, y: Sampled) -> Sampled:
        return Sampled(np.maximum(x.values, y.values))

    def compare(self, relation: str, x: Sampled, y: Sampled) -> Sampled:
        return Sampled(_RELATIONS[relation](x.values, y.values))

    def certainly_differ(self, x: Sampled, y: Sampled) -> bool:
        return False  # they are rounded

    def logical_not(self, p: Sampled) -> Sampled:
        return Sampled(np.logical_not(p.values))

    def logical_and(self, p: Sampled, q: Sampled) -> Sampled:
        return Sampled(np.logical_and(p.values, q.values))

    def truth(self, value: bool) -> Sampled:
        return Sampled(np.bool_(value))

    def known(self, p: Sampled) -> bool | None:
        """The truth value where it is the same at every point."""
        if np.all(p.values):
            return True
        return None if np.any(p.values) else False

    def select(self, p: Sampled, if_false: Sampled, if_true: Sampled) -> Sampled:
        return Sampled(np.where(p.values, if_true.values, if_false.values))

    def number(self, p: Sampled) -> Sampled:
        return Sampled(np.asarray(p.values, np.float64))

    def is_finite(self, x: Sampled) -> Sampled:
        return Sampled(np.isfinite(x.values))


def dense(array: ObjectArray) -> np.ndarray:
    """The values of an array of samples: its shape, then the points (1 where all agree).

    Example:
        >>> dense(objects([Sampled(np.array([1.0, 2.0])), Sampled(np.float64(0))])).tolist()
        [[1.0, 2.0], [0.0, 0.0]]
    """
    values = [x.values for x in array.reshape(-1).tolist()]
    if not values:
        return np.empty((*array.shape, 1))
    shapes = {np.shape(v) for v in values}
    if len(shapes) > 1:
        values = np.broadcast_arrays(*values)
    out = np.asarray(values, np.float64)
    return out.reshape((*array.shape, -1))


def _broadcast_points(*arrays: np.ndarray) -> list[np.ndarray]:
    points = max(array.shape[-1] for array in arrays)
    return [np.broadcast_to(array, (*array.shape[:-1], points)) for array in arrays]


def _in_parts(name: str, found: Any) -> list[np.ndarray]:
    """A result by parts; a vector of values is real, as an order of columns is."""
    is_real = name in ("eigh", "svd", "qr") and found.ndim == 2
    return [found] if is_real else [found.real, found.imag]


def _decomposed(name: str, matrices: np.ndarray, **options: Any) -> list[np.ndarray]:
    """What NumPy has in place of JAX's decompositions of each matrix."""
    if name == "qr":
        mode = "complete" if options["full_matrices"] else "reduced"
        if not options.get("pivoting"):
            return list(np.linalg.qr(matrices, mode))
        order = _pivoted(matrices)
        moved = np.take_along_axis(matrices, order[:, None], axis=2)
        return [*np.linalg.qr(moved, mode), order.astype(np.float64)]
    if name == "eigh":
        values, vectors = np.linalg.eigh(matrices, "L" if options["lower"] else "U")
        return [vectors, values]
    if name == "eig":
        return _eigenvalues(matrices, **options)
    found = np.linalg.svd(matrices, options["full_matrices"], options["compute_uv"])
    return [found[1], found[0], found[2]] if options["compute_uv"] else [found]


def _pivoted(matrices: np.ndarray) -> np.ndarray:
    """The order of columns in which each is the longest of what is left of those from it on."""
    rest, (count, m, n) = matrices.copy(), matrices.shape
    order, each = np.tile(np.arange(n), (count, 1)), np.arange(count)
    for k in range(min(m, n)):
        longest = k + np.linalg.norm(rest[:, :, k:], axis=1).argmax(axis=1)
        for array in (rest.swapaxes(1, 2), order):
            array[each, k], array[each, longest] = array[each, longest], array[each, k].copy()
        column = rest[:, :, k]
        unit = column / np.maximum(
            np.linalg.norm(column, axis=1, keepdims=True), np.finfo(float).tiny
        )
        along = np.einsum("ci,cij->cj", unit.conj(), rest[:, :, k + 1 :])
        rest[:, :, k + 1 :] -= unit[:, :, None] * along[:, None]
    return order


def _eigenvalues(
    matrices: np.ndarray,
    *,
    compute_left_eigenvectors: bool,
    compute_right_eigenvectors: bool,
    **_: Any,
) -> list[np.ndarray]:
    """Eigenvalues in NumPy's order, and vectors whose largest entry is real."""
    values, right = np.linalg.eig(matrices.astype(np.complex128))
    found = [values]
    if compute_left_eigenvectors:
        try:
            left = np.linalg.inv(right)
        except np.linalg.LinAlgError:
            left = np.full_like(right, np.nan)
        found.append(_scaled(np.swapaxes(left, -1, -2).conj()))
    return [*found, _scaled(right)] if compute_right_eigenvectors else found


def _scaled(vectors: np.ndarray) -> np.ndarray:
    largest = np.take_along_axis(vectors, abs(vectors).argmax(axis=1)[:, None], axis=1)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors * largest.conj() / (abs(largest) * lengths)
