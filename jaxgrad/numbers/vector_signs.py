"""The signs of eigenvectors: those that a run in floating point gives them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from flint import acb

from jaxgrad.numbers.base import CannotDecide, NumberSystem, objects
from jaxgrad.numbers.eigenvalues import midpoints

__all__ = ["CLOSE", "FloatingPoint", "one_or_parts", "signs"]

# A sign is clear if it is the same of matrices that are moved by so many units in the last place
# where entries are not known exactly, and if the vectors of a run make less than a quarter of a
# right angle with the true ones.
DRAWN, MOVED_ULPS, CLOSE = 3, 8.0, np.cos(np.pi / 8)


@dataclass(frozen=True)
class FloatingPoint:
    """A primitive in floating point.

    Args:
        run: what it returns of matrices of shape (count, m, n), or of the real and imaginary
            parts of complex ones, of shape (count, 2, m, n).
        eps: the distance of 1 and the next number of its dtype.
    """

    run: Callable[[np.ndarray], Sequence[np.ndarray]]
    eps: float

    def around(self, balls: np.ndarray, either_zero: bool = False) -> Sequence[np.ndarray]:
        """What it returns of the matrix in the middle of balls, and of some next to it.

        Args:
            balls: of shape (m, n); the parts of complex numbers one after the other, or these.
            either_zero: whether a 0 among them may be −0, which no real number tells.

        Raises:
            CannotDecide: no floats are as large.
        """
        if any(isinstance(x, acb) for x in balls.flat):
            parts = [part for x in balls.flat for part in (x.real, x.imag)]
            balls = np.moveaxis(objects(parts, (*balls.shape, 2)), -1, 0)
        middle = midpoints(balls)
        if not np.isfinite(middle).all():
            raise CannotDecide("vectors of a matrix that is beyond the range of floats")
        open_entries = np.array([not x.is_exact() for x in balls.flat]).reshape(balls.shape)
        draws = np.random.default_rng(0).uniform(-1, 1, (1 + DRAWN, *balls.shape)) * open_entries
        draws[0] = 0
        matrices = middle + draws * (MOVED_ULPS * self.eps * abs(middle).max(initial=0))
        if either_zero:
            zeros = np.random.default_rng(0).choice([0.0, -0.0], matrices.shape)
            zeros[0], zeros[1] = 0.0, -0.0
            matrices = np.where(matrices == 0, zeros, matrices)
        return self.run(matrices)

    def known(self, balls: np.ndarray, either_zero: bool = False) -> FloatingPoint:
        """The same, which returns what it returns of these, whatever it is asked of."""
        return _Known(self.run, self.eps, self.around(balls, either_zero))

    def then(self, change: Callable[[Sequence[np.ndarray]], Sequence[np.ndarray]]) -> FloatingPoint:
        """The same, which returns what is made of the results."""
        return FloatingPoint(lambda matrices: change(self.run(matrices)), self.eps)


@dataclass(frozen=True)
class _Known(FloatingPoint):
    results: Sequence[np.ndarray]

    def around(self, balls: np.ndarray, either_zero: bool = False) -> Sequence[np.ndarray]:
        return self.results

    def known(self, balls: np.ndarray, either_zero: bool = False) -> FloatingPoint:
        return self

    def then(self, change: Callable[[Sequence[np.ndarray]], Sequence[np.ndarray]]) -> FloatingPoint:
        return _Known(self.run, self.eps, change(self.results))


def one_or_parts(matrices: Sequence[np.ndarray]) -> np.ndarray:
    """A matrix as it is, and the parts of a complex one, for :meth:`FloatingPoint.around`."""
    return matrices[0] if len(matrices) == 1 else np.stack(matrices)


def signs(
    system: NumberSystem,
    a: np.ndarray,
    vectors: np.ndarray,
    floats: FloatingPoint,
    columns: Callable[[Sequence[np.ndarray]], np.ndarray],
) -> np.ndarray:
    """What vectors are to be multiplied by to have the signs of a run: a 1 or −1 for each.

    Args:
        system: the numbers.
        a: the matrix that they belong to, in these numbers.
        vectors: as columns.
        floats: a primitive that returns such vectors.
        columns: which of its results they are.

    Raises:
        CannotDecide: the sign of a vector depends on how the matrix is rounded.
    """
    limits, found = (system.map(lambda x: system.apart(x)[0], each) for each in (a, vectors))
    run = columns(floats.around(limits))
    along = np.einsum("kji,ji->ki", run.conj(), midpoints(found)).real
    side = np.sign(along[0])
    if not ((side * along > 0).all() and (abs(along[0]) > CLOSE).all()):
        raise CannotDecide("which sign an eigenvector or a singular vector has is open")
    return system.constants(side)
