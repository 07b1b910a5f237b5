"""Which vectors are taken where they are free: those of a run, or others that are as good.

Of an eigenvalue of several dimensions every orthonormal basis of its space is one of eigenvectors.
A program that says the same of two of them, one drawn at random, does not depend on the choice.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

import numpy as np

from jaxgrad.numbers.context import holding

__all__ = ["VectorChoice", "chosen", "free_vectors", "no_free_vectors", "noting_free_vectors"]


class VectorChoice:
    """A choice of vectors where they are free.

    Args:
        drawn: whether others are taken than those of a run.
    """

    def __init__(self, drawn: bool) -> None:
        self.drawn, self.met = drawn, False  # whether some vectors were free
        self._generator = np.random.default_rng(0) if drawn else None

    def turn(self, count: int) -> np.ndarray | None:
        """A matrix that is no multiple of a permutation, to turn so many vectors by; None if none.

        It is orthogonal but for rounding.
        """
        if self._generator is None or count == 1:
            return None
        return np.linalg.qr(self._generator.normal(size=(count, count)))[0]

    def signs(self, count: int) -> np.ndarray:
        """A sign for each of so many vectors."""
        if self._generator is None:
            return np.ones(count)
        return self._generator.choice([1.0, -1.0], count)

    def angles(self, count: int) -> np.ndarray:
        """By what each of so many complex vectors is turned."""
        if self._generator is None:
            return np.zeros(count)
        return self._generator.uniform(-3, 3, count)


_choice: ContextVar[VectorChoice | None] = ContextVar("choice", default=None)


def chosen() -> VectorChoice | None:
    """The choice in force; None where vectors that are free are none."""
    return _choice.get()


@contextlib.contextmanager
def free_vectors(drawn: bool = False) -> Iterator[VectorChoice]:
    """Takes some vectors within a block where they are free, and notes that they were.

    What then depends on the choice is no function of the matrix, so whoever asks for it has to ask
    for both choices.

    Args:
        drawn: whether others are taken than those of a run.

    Example:
        >>> with free_vectors() as choice:
        ...     chosen() is choice, choice.met
        (True, False)
    """
    with holding(_choice, VectorChoice(drawn)) as choice:
        assert choice is not None
        yield choice


@contextlib.contextmanager
def no_free_vectors() -> Iterator[None]:
    """Takes no vectors within a block where they are free."""
    with holding(_choice, None):
        yield


@contextlib.contextmanager
def noting_free_vectors() -> Iterator[VectorChoice]:
    """Notes whether some vectors were free within a block, and keeps to the choice in force."""
    outer = chosen()
    if outer is None:
        yield VectorChoice(drawn=False)
        return
    with free_vectors(outer.drawn) as inner:
        yield inner
    outer.met |= inner.met
