"""Rows of values at which two sides are run together, made as they are needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jaxgrad.programs.trace import Leaf

__all__ = ["Rows"]


@dataclass(frozen=True)
class Rows:
    """Points, as values of the inputs of two sides.

    Args:
        count: how many there are.
        fixed: for each input its value where it is held fixed, and None where it moves.
        moving: of the numbers of some rows the values of the inputs that move there, each with a
            first axis of rows.
    """

    count: int
    fixed: tuple[Any, ...]
    moving: Callable[[np.ndarray], list[np.ndarray]]

    @staticmethod
    def of(inputs: Sequence[Leaf], values: Sequence[Any]) -> Rows:
        """Those whose values are all there.

        Args:
            inputs: the leaves of the inputs.
            values: for each that moves its values, with a first axis of rows, or else its value.
        """
        pairs = list(zip(inputs, values, strict=True))
        arrays = [np.asarray(x) for leaf, x in pairs if leaf.differentiable]
        fixed = tuple(None if leaf.differentiable else x for leaf, x in pairs)
        return Rows(len(arrays[0]), fixed, lambda rows: [x[rows] for x in arrays])

    def whole(self, moving: Sequence[Any]) -> list[Any]:
        """The values of all inputs, those that move as they are given."""
        given = iter(moving)
        return [next(given) if value is None else value for value in self.fixed]
