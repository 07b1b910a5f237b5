"""Directions along which a derivative is taken: dyadic, so that every float dtype has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Direction", "basis", "drawn"]


@dataclass(frozen=True)
class Direction:
    """A direction that moves one leaf.

    Args:
        leaf: the number of the leaf.
        index: the entry that moves, or None if all of them do.
        values: the direction within the leaf, of its shape.
    """

    leaf: int
    index: tuple[int, ...] | None
    values: np.ndarray

    def leaves(self, shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
        """The direction as one array for each leaf, 0 in the others."""
        found = [np.zeros(shape) for shape in shapes]
        found[self.leaf] = self.values
        return found


def basis(shapes: Sequence[tuple[int, ...]], most: int | None = None) -> list[Direction]:
    """The unit directions of every leaf, or of the first ``most`` entries of each.

    Example:
        >>> [(d.leaf, d.index) for d in basis([(2,), ()])]
        [(0, (0,)), (0, (1,)), (1, ())]
    """
    found = []
    for leaf, shape in enumerate(shapes):
        for count, index in enumerate(np.ndindex(shape)):
            if count == most:
                break
            values = np.zeros(shape)
            values[index] = 1.0
            found.append(Direction(leaf, index, values))
    return found


def drawn(shapes: Sequence[tuple[int, ...]], seed: int = 0) -> list[Direction]:
    """A direction for each leaf without a zero in it, the same for the same seed.

    A product with it shows a wrong entry of a derivative, wherever it is, unless the entries
    that are wrong cancel; no tolerance can hide it.  Entries are ±k/16 for k = 8 … 15: four bits,
    which float8_e4m3 and every wider dtype hold.

    Example:
        >>> bool((drawn([(3,)])[0].values != 0).all())
        True
    """
    generator = np.random.default_rng(seed)
    found = []
    for leaf, shape in enumerate(shapes):
        sixteenths = generator.integers(8, 16, shape) * generator.choice([-1, 1], shape)
        found.append(Direction(leaf, None, np.asarray(sixteenths / 16)))
    return found
