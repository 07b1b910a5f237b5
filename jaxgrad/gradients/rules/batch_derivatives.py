"""The first derivatives at the points of a batch, by the rules and without them, in one mode.

Along a direction that moves everything they are sums of entries, of which a large one hides a small
one.  Where it may the entries are asked for, each by a direction of its own, but for what works
entry by entry, where one direction asks for them all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np

from jaxgrad.gradients.batch_lies import Lies
from jaxgrad.gradients.batch_points import Batch
from jaxgrad.gradients.batch_rows import Rows
from jaxgrad.gradients.floats.hidden import bits_beyond_rounding
from jaxgrad.gradients.lying import Lying
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms, Derivatives
from jaxgrad.gradients.rules.proof import holds_untrue
from jaxgrad.gradients.single_entries import is_of_single_entries
from jaxgrad.programs.custom_rules import holds_others_rules
from jaxgrad.programs.trace import Program

__all__ = ["BatchDerivatives", "entries", "modes_of_entries"]

# That of the drawn directions, one for each point, and of how many they are drawn together.
_SEED, _TOGETHER = 20, 64
# So many entries are asked for at every point whose sums are not equal: their cost is that of so
# many batches.
_FEW = 64
# Of a leaf everything, not one entry.
_WHOLE = -1


class BatchDerivatives:
    """The first derivatives in one mode.

    Args:
        rules: the derivative programs.
        meant: those without the custom rules.
        mode: ``"fwd"`` or ``"rev"``.
        batch: the points.
    """

    def __init__(
        self, rules: DerivativePrograms, meant: Derivatives, mode: str, batch: Batch
    ) -> None:
        self._hand, self._auto = rules[(mode,)].side("hand"), meant[(mode,)].side("auto")
        self._lies, self._batch = Lies(self._hand, self._auto), batch
        self._enough = bits_beyond_rounding(rules[(mode,)].program)
        self._leaves, self._linear = self._hand.inputs[len(batch.inputs) :], rules.linear

    def along(self, hides: bool) -> Lying:
        """How they lie along a direction, or of a cotangent, that is drawn for each point.

        Args:
            hides: whether it is a sum that may hide an entry: then as closely as can be had, if
                there are so many entries that they are not all asked for.

        Raises:
            UnsupportedPrimitive, CannotDecide: intervals do not know them.
        """
        rows = self._rows(len(self._batch), lambda rows: (rows, self._directions(rows)))
        return replace(self._lies.at(rows, closely=hides and self._many), enough=self._enough)

    def hiding(self, lying: Lying) -> np.ndarray:
        """At which points sums that lie so may hide an entry, which is asked for then.

        Where they differ; and where they are not equal, or, of many entries, do not agree to twice
        the bits of a float, so that what they hide is beside the others no more than a last bit.
        """
        pairs = zip(lying.bits, lying.held, strict=True)
        rows = [bits < (2 * held if self._many else math.inf) for bits, held in pairs]
        return lying.apart | np.any(np.stack(rows), 0)

    @property
    def _many(self) -> bool:
        return len(self.directions) > _FEW

    @cached_property
    def directions(self) -> list[tuple[int, int]]:
        """(leaf, entry) of what moves at a time, so that no two entries of a derivative add up."""
        found: list[tuple[int, int]] = []
        for k, leaf in enumerate(self._leaves):
            place, size = len(self._batch.inputs) + k, int(np.prod(leaf.shape, dtype=int))
            whole = size == 1 or all(
                side.program is not None and is_of_single_entries(side.program.jaxpr, place)
                for side in (self._hand, self._auto)
            )
            found += [(k, _WHOLE)] if whole and size else [(k, i) for i in range(size)]
        return found

    @property
    def at_a_time(self) -> int:
        """Of how many points the entries are asked for in one call."""
        return max(1, self._lies.lot // len(self.directions))

    def by_entries(self, where: np.ndarray) -> Lying:
        """How the entries lie at some points.

        Raises:
            UnsupportedPrimitive, CannotDecide: intervals do not know them.
        """
        count = len(self.directions)

        def moving(rows: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
            points = where[rows // count]
            return points, self._kept(self._directions(points), rows % count)

        rows = self._rows(len(where) * count, moving)
        return self._lies.at(rows, enough=self._enough).of_each(count)

    def _rows(
        self, count: int, moving: Callable[[np.ndarray], tuple[np.ndarray, list[np.ndarray]]]
    ) -> Rows:
        """Rows, of each of which the point and the direction are said."""
        batch = Rows.of(self._batch.inputs, self._batch.values)

        def values(rows: np.ndarray) -> list[np.ndarray]:
            points, directions = moving(rows)
            return [*batch.moving(points), *directions]

        return Rows(count, (*batch.fixed, *(None for _ in self._leaves)), values)

    def _directions(self, points: np.ndarray) -> list[np.ndarray]:
        """Those that are drawn for some points, the same whenever they are asked for."""
        moved = [self._drawn(points, k) for k in range(len(self._leaves))]
        if not self._linear:  # no longer than 1, so that nothing clips it
            squares = sum((x * x).reshape(len(points), -1).sum(1) for x in moved)
            moved = [x / np.sqrt(squares).reshape(-1, *[1] * (x.ndim - 1)) / 2 for x in moved]
        pairs = zip(moved, self._leaves, strict=True)
        return [x.astype(leaf.dtype) for x, leaf in pairs]

    def _drawn(self, points: np.ndarray, k: int) -> np.ndarray:
        shape = self._leaves[k].shape
        found, lots = np.empty((len(points), *shape)), points // _TOGETHER
        for lot in np.unique(lots):
            draw, here = np.random.default_rng((_SEED, k, int(lot))), lots == lot
            drawn = draw.standard_normal((_TOGETHER, *shape))
            found[here] = drawn[points[here] % _TOGETHER]
        return found

    def _kept(self, moved: list[np.ndarray], which: np.ndarray) -> list[np.ndarray]:
        """Of each row the leaves of its direction, 0 but for what moves."""
        leaves, entries = np.array(self.directions)[which].T
        found = []
        for k, leaf in enumerate(moved):
            drawn = leaf.reshape(len(leaf), -1)
            kept = entries[:, None] == np.arange(drawn.shape[1])
            kept = (leaves == k)[:, None] & (kept | (entries == _WHOLE)[:, None])
            found.append(np.where(kept, drawn, 0).astype(leaf.dtype).reshape(leaf.shape))
        return found


def modes_of_entries(
    rules: DerivativePrograms, found: Sequence[BatchDerivatives]
) -> list[BatchDerivatives]:
    """The modes in which entries are asked for; none where each derivative is one entry as it is.

    One mode does, the cheaper one, where JAX itself transposes the other from it: they have the
    same entries.  Not so where a primitive of the function, or of its derivative, brings rules of
    its own for that.

    Args:
        rules: the derivative programs.
        found: the derivatives in each of their modes.
    """
    if "fwd" in rules.modes and not any(map(_has_modes_of_its_own, rules.programs)):
        found = [min(found, key=lambda each: len(each.directions))]
    return [each for each in found if len(each.directions) > 1]


def _has_modes_of_its_own(program: Program) -> bool:
    """Whether it holds what JAX does not transpose itself, as it has rules of its own for that."""
    return holds_untrue(program.jaxpr) or holds_others_rules(program.jaxpr)


def entries(
    found: Sequence[BatchDerivatives], which: np.ndarray
) -> Iterator[tuple[np.ndarray, Lying]]:
    """Some points at a time, and how their entries lie.

    Args:
        found: the derivatives in each mode in which they are asked for.
        which: the numbers of the points.
    """
    count = min(each.at_a_time for each in found)
    for start in range(0, len(which), count):
        where = which[start : start + count]
        yield where, Lying.joined([each.by_entries(where) for each in found])
