"""Where each remainder came from: which operation made it, and of which numbers.

Every number has a place, which moves with it wherever entries are moved.  An operation makes a
block of places, one for each of its results, and keeps what it was applied to: e^(a + b) can
be taken apart into eᵃ·eᵇ, and log eᵃ is a.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from jaxgrad.numbers.prime_fields import NoResidue
from jaxgrad.numbers.residue_sizes import Size

__all__ = ["NONFINITE", "Block", "Blocks", "Remainders", "code_of"]

# So many numbers, and no more, take some seconds and some hundred megabytes.
_MOST = 2**24
# Bytes of operands that are kept of one program; past them numbers are no longer taken apart.
_KEPT = 2**27

NONFINITE = {-1: math.nan, -2: -math.inf, -3: math.inf}
"""The places of what is no real number."""


def code_of(value: float) -> int:
    """The place of an infinity or NaN."""
    return -1 if math.isnan(value) else -2 if value < 0 else -3


@dataclass(frozen=True, eq=False)
class Block:
    """The results of one operation.

    Args:
        start: the place of the first one.
        kind: the operation; empty of what is not taken apart.
        operands: what it was applied to, each of the shape of the results, flat.
        size: a bound of all of them.
        sign: 2 where all are positive wherever they have a value, 1 where none is negative, and −1
            and −2 alike; 0 if that is not known.
        constants: the rational numbers that they are, of constants.
        choice: flat, for each of them a value [u > 0] that is in it, if any is known to be.
    """

    start: int
    kind: str
    operands: tuple[Any, ...]
    size: Size
    sign: int
    constants: Sequence[Fraction] | None = None
    choice: Remainders | None = None


@dataclass(frozen=True, eq=False)
class Remainders:
    """An array of numbers.

    Args:
        lanes: their remainders, of shape (primes, …).
        places: of shape (…).
    """

    lanes: np.ndarray
    places: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the array."""
        return self.places.shape

    def flat(self) -> Remainders:
        """The same on one axis."""
        return Remainders(self.lanes.reshape(len(self.lanes), -1), self.places.reshape(-1))

    def reshape(self, shape: tuple[int, ...]) -> Remainders:
        """The same in another shape."""
        return Remainders(self.lanes.reshape(len(self.lanes), *shape), self.places.reshape(shape))

    def broadcast(self, shape: tuple[int, ...]) -> Remainders:
        """The same, repeated."""
        if self.shape == shape:
            return self
        lanes = self.lanes.reshape(
            len(self.lanes), *(1,) * (len(shape) - self.places.ndim), *self.shape
        )
        lanes = np.broadcast_to(lanes, (len(lanes), *shape))
        return Remainders(lanes, np.broadcast_to(self.places, shape))

    def take(self, entries: Any) -> Remainders:
        """Some entries of a flat one."""
        return Remainders(self.lanes[:, entries], self.places[entries])


class Blocks:
    """All blocks of one run.

    Example:
        >>> blocks = Blocks()
        >>> places = blocks.made((2,), "add", (), Size(), 0)
        >>> blocks.single(places).kind
        'add'
    """

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._starts: list[int] = []
        self._end = 0
        self._kept = 0
        self._owners: set[int] = set()

    @property
    def entries(self) -> int:
        """How many numbers were made."""
        return self._end

    def made(
        self,
        shape: tuple[int, ...],
        kind: str,
        operands: Sequence[Remainders],
        size: Size,
        sign: int,
        constants: Sequence[Fraction] | None = None,
        choice: Remainders | None = None,
    ) -> np.ndarray:
        """Places for the results of an operation.

        Raises:
            NoResidue: there are too many numbers.
        """
        count = math.prod(shape)
        if self._end + count > _MOST:
            raise NoResidue(f"more than {_MOST} residues")
        if operands:
            self._keep(operands)
            if self._kept > _KEPT:
                kind, operands, choice = "", (), None
        flat = tuple(x.broadcast(shape).flat() for x in operands)
        self._blocks.append(Block(self._end, kind, flat, size, sign, constants, choice))
        self._starts.append(self._end)
        places = np.arange(self._end, self._end + count, dtype=np.int64).reshape(shape)
        self._end += max(count, 1)  # each start is another one
        return places

    def begin(self) -> None:
        """From here on it is another program, of which as much is kept as of the one before."""
        self._kept = 0

    def _keep(self, operands: Sequence[Remainders]) -> None:
        """Counts the bytes of what was not kept before."""
        for x in operands:
            owner = x.lanes if x.lanes.base is None else x.lanes.base
            if id(owner) not in self._owners:
                self._owners.add(id(owner))
                self._kept += x.lanes.nbytes

    @property
    def largest(self) -> Size:
        """A bound of every number that was made."""
        return Size.either(block.size for block in self._blocks)

    def at(self, place: int) -> Block:
        """The block that a place is in."""
        return self._blocks[bisect.bisect_right(self._starts, place) - 1]

    def single(self, places: np.ndarray) -> Block | None:
        """The block that all of these are in, if it is one."""
        if not places.size:
            return None
        low, high = int(places.min()), int(places.max())
        if low < 0:
            return None
        block = self.at(low)
        return block if self.at(high) is block else None

    def several(self, places: np.ndarray) -> list[tuple[Block, np.ndarray]]:
        """Each block that places are in, and which of them are."""
        flat = places.reshape(-1)
        if not flat.size:
            return []
        single = self.single(flat)
        if single is not None:
            return [(single, np.arange(flat.size))]
        numbers = np.searchsorted(np.array(self._starts), flat, "right") - 1
        order = np.argsort(numbers, kind="stable")
        found, starts = np.unique(numbers[order], return_index=True)
        parts = np.split(order, starts[1:])
        return [
            (self._blocks[k], part) for k, part in zip(found.tolist(), parts, strict=True) if k >= 0
        ]

    def size(self, places: np.ndarray) -> Size:
        """A bound of all of these."""
        return Size.either(block.size for block in self._blocks_of(places))

    def sign(self, places: np.ndarray) -> int:
        """What is known of the signs of all of these."""
        signs = {block.sign for block in self._blocks_of(places)}
        if not signs:
            return 0
        if min(signs) > 0:
            return min(signs)
        return max(signs) if max(signs) < 0 else 0

    def _blocks_of(self, places: np.ndarray) -> list[Block]:
        single = self.single(places)
        if single is not None:
            return [single]
        return [block for block, _ in self.several(places)]

    def operands(self, block: Block, places: np.ndarray) -> tuple[Remainders, ...]:
        """What the numbers at flat places of a block were made of."""
        offsets = places - block.start
        return tuple(x.take(offsets) for x in block.operands)

    def constants(self, places: np.ndarray) -> list[Fraction] | None:
        """The rational numbers that all of these are, where all are constants."""
        found: list[Fraction] = [Fraction(0)] * places.size
        flat = places.reshape(-1)
        if flat.size and int(flat.min()) < 0:
            return None
        for block, entries in self.several(flat):
            if block.constants is None:
                return None
            for entry, place in zip(entries.tolist(), flat[entries].tolist(), strict=True):
                found[entry] = block.constants[place - block.start]
        return found
