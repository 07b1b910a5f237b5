"""⟨values, weights⟩: the entries of a result, weighed by those of a direction."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from flint import arb

from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.numbers.base import ObjectArray

__all__ = ["pairing", "terms"]


def pairing(values: Sequence[ObjectArray], weights: Direction) -> arb:
    """The sum of balls over the entries that count.

    Example:
        >>> pairing([np.array([arb(2), arb("inf")])], Direction([np.array([3.0, 0.0])]))
        6.00000000000000
    """
    return sum((values[i][index] * weight for i, index, weight in weights.entries), arb(0))


def terms(values: Sequence[np.ndarray], weights: Direction) -> list[float]:
    """The floats of which the sum is made."""
    return [float(values[i][index] * weight) for i, index, weight in weights.entries]
