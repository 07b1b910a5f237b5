"""Functions of complex matrices, by the arrays of real and imaginary parts that these are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jaxgrad.numbers.base import NumberSystem
from jaxgrad.numbers.complex_pairs import ComplexPairs

__all__ = ["in_pairs"]


def in_pairs(algorithm: Callable[..., Any]) -> Callable[..., Any]:
    """An algorithm over any numbers as one of the parts of complex matrices.

    Args:
        algorithm: of a number system and matrices, which returns one or several arrays.
    """

    def of_parts(system: NumberSystem, *parts: np.ndarray, **options: Any) -> tuple[Any, ...]:
        pairs = ComplexPairs(system)
        matrices = [pairs.joined(*both) for both in zip(parts[::2], parts[1::2], strict=True)]
        found = algorithm(pairs, *matrices, **options)
        arrays = found if isinstance(found, tuple) else (found,)
        return tuple(part for array in arrays for part in _parts(pairs, array))

    return of_parts


def _parts(pairs: ComplexPairs, array: np.ndarray) -> list[np.ndarray]:
    """Both parts; of integers these alone."""
    return pairs.parts(array) if array.dtype == object else [array]
