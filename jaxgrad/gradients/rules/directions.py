"""Directions along which a derivative is taken, and cotangents along which a result is weighed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property, lru_cache

import numpy as np
from flint import arb

from jaxgrad.numbers.base import ObjectArray

__all__ = ["Direction", "Unit", "drawn", "entry_count", "pairing", "ramp", "terms", "uneven"]

Shapes = Sequence[tuple[int, ...]]

# Directions of up to so many entries are kept once drawn: every point asks for the same ones.
SMALL = 1000


class Direction:
    """One array for each leaf of a tree, most often 0 in all but one.

    Args:
        leaves: float64 arrays of the leaves' shapes.

    Example:
        >>> [part.place for part in drawn([(2,), ()]).parts()]
        [(0, None), (1, ())]
    """

    def __init__(self, leaves: Sequence[np.ndarray]) -> None:
        self.leaves = tuple(np.asarray(leaf, np.float64) for leaf in leaves)

    @cached_property
    def key(self) -> bytes:
        """Equal for equal directions of one tree."""
        return b"".join(leaf.tobytes() for leaf in self.leaves)

    @cached_property
    def support(self) -> list[tuple[int, tuple[int, ...]]]:
        """(leaf, index) of every entry that is not 0."""
        return [
            (i, tuple(int(k) for k in index))
            for i, leaf in enumerate(self.leaves)
            for index in np.argwhere(leaf)
        ]

    @cached_property
    def entries(self) -> list[tuple[int, tuple[int, ...], float]]:
        """(leaf, index, value) of every entry that is not 0."""
        return [(i, index, float(self.leaves[i][index])) for i, index in self.support]

    @property
    def place(self) -> tuple[int | None, tuple[int, ...] | None]:
        """The leaf if only one moves, and the index if only one entry of it does."""
        moving = self.moving
        if len(moving) != 1:
            return None, None
        index = self.support[0][1] if np.count_nonzero(self.leaves[moving[0]]) == 1 else None
        return moving[0], index

    @property
    def moving(self) -> list[int]:
        """The leaves that move."""
        return [i for i, leaf in enumerate(self.leaves) if leaf.any()]

    def parts(self) -> list[Direction]:
        """The direction leaf by leaf, or entry by entry if it moves but one leaf."""
        moving = self.moving
        if len(moving) > 1:
            return [self._kept(lambda j, _, i=i: j == i) for i in moving]
        shapes = [leaf.shape for leaf in self.leaves]
        return [Unit(shapes, *place) for place in self.support]

    def halves(self) -> list[Direction]:
        """Two directions of half the entries each, whose sum this is."""
        first = set(self.support[: len(self.support) // 2])
        return [
            self._kept(lambda *at: at in first),
            self._kept(lambda *at: at not in first),
        ]

    def only(self, leaves: Sequence[int]) -> Direction:
        """What it is in these leaves."""
        return self._kept(lambda i, _: i in leaves)

    def plus(self, other: Direction, sign: int) -> Direction:
        """The sum, or with the sign −1 the difference."""
        return Direction([a + sign * b for a, b in zip(self.leaves, other.leaves, strict=True)])

    def opposite(self) -> Direction:
        """The direction of every entry the other way."""
        return Direction([-leaf for leaf in self.leaves])

    def within_unit(self) -> Direction:
        """As much of it, by a power of 2, as is no longer than 1, so that no norm of 1 clips it.

        Example:
            >>> Direction([np.array([3.0, 4.0])]).within_unit().leaves[0]
            array([0.375, 0.5  ])
        """
        size = float(np.sqrt(sum(float(np.sum(leaf * leaf)) for leaf in self.leaves)))
        if size <= 1:
            return self
        return Direction([leaf * 2.0 ** -np.ceil(np.log2(size)) for leaf in self.leaves])

    def _kept(self, keep: object) -> Direction:
        leaves = [np.zeros(leaf.shape) for leaf in self.leaves]
        for i, index in self.support:
            if keep(i, index):  # pyright: ignore[reportCallIssue]
                leaves[i][index] = self.leaves[i][index]
        return Direction(leaves)


class Unit(Direction):
    """The direction of one entry, of which no arrays are made before they are asked for.

    Example:
        >>> Unit([(2,), ()], 0, (1,)).leaves[0]
        array([0., 1.])
    """

    def __init__(self, shapes: Shapes, leaf: int, index: tuple[int, ...]) -> None:
        self._shapes = shapes
        self.support = [(leaf, index)]
        self.entries = [(leaf, index, 1.0)]
        self.key = repr((leaf, index)).encode()

    @cached_property
    def leaves(self) -> tuple[np.ndarray, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        found = tuple(np.zeros(shape) for shape in self._shapes)
        leaf, index = self.support[0]
        found[leaf][index] = 1.0
        return found

    @property
    def place(self) -> tuple[int | None, tuple[int, ...] | None]:
        return self.support[0]

    def parts(self) -> list[Direction]:
        return [self]


def drawn(shapes: Shapes, seed: int = 0, leaf: int | None = None) -> Direction:
    """A direction without a zero in any leaf, or in one of them; the same for the same seed.

    Where only one entry moves, the direction is that of the entry.

    A product with it shows a wrong entry of a derivative, wherever it is, unless the entries that
    are wrong cancel, which numbers of 30 drawn bits do not; no tolerance can hide it.

    Example:
        >>> bool((drawn([(3,)]).leaves[0] != 0).all())
        True
    """
    shapes = tuple(map(tuple, shapes))
    draw = _kept_drawn if entry_count(shapes) <= SMALL else _drawn
    return draw(shapes, seed, leaf)


def _drawn(shapes: Shapes, seed: int, leaf: int | None) -> Direction:
    generator = np.random.default_rng(seed)
    leaves = []
    for i, shape in enumerate(shapes):
        size = generator.integers(2**29, 2**30, shape) / 2**30
        values = np.asarray(size * generator.choice([-1, 1], shape))
        leaves.append(values if leaf in (None, i) else np.zeros(shape))
    direction = Direction(leaves)
    for values in direction.leaves:  # several ask for the same one
        values.flags.writeable = False
    # The derivative by a single number is best told along that number.
    return Unit(shapes, *direction.support[0]) if len(direction.support) == 1 else direction


_kept_drawn = lru_cache(maxsize=256)(_drawn)


def ramp(shapes: Shapes) -> Direction:
    """The direction whose entries are in their order, so that sums with others are exact.

    Example:
        >>> ramp([(2,), (1,)]).leaves
        (array([0.25, 0.5 ]), array([0.75]))
    """
    count, ends = entry_count(shapes), np.cumsum([math.prod(shape) for shape in shapes])[:-1]
    size = 2.0 ** math.ceil(math.log2(max(count, 1)))
    rows = np.split(np.arange(1, count + 1) / size, ends)
    return Direction([row.reshape(shape) for row, shape in zip(rows, shapes, strict=True)])


def uneven(shapes: Shapes, seed: int = 0) -> Direction:
    """A drawn direction whose entries are of many sizes, the same for the same seed.

    Example:
        >>> sizes = np.abs(uneven([(100,)]).leaves[0])
        >>> bool(sizes.max() > 50 * sizes.min() > 0)
        True
    """
    generator = np.random.default_rng(seed)
    leaves = drawn(shapes, seed).leaves
    return Direction([leaf * 2.0 ** -generator.integers(0, 8, leaf.shape) for leaf in leaves])


def entry_count(shapes: Shapes) -> int:
    """How many numbers a tree of these shapes holds.

    Example:
        >>> entry_count([(2, 3), ()])
        7
    """
    return sum(map(math.prod, shapes))


def pairing(values: Sequence[ObjectArray], weights: Direction) -> arb:
    """⟨values, weights⟩, the sum of balls over the entries that count.

    Example:
        >>> pairing([np.array([arb(2), arb("inf")])], Direction([np.array([3.0, 0.0])]))
        6.00000000000000
    """
    return sum((values[i][index] * weight for i, index, weight in weights.entries), arb(0))


def terms(values: Sequence[np.ndarray], weights: Direction) -> list[float]:
    """The floats of which such a sum is made."""
    return [float(values[i][index] * weight) for i, index, weight in weights.entries]
