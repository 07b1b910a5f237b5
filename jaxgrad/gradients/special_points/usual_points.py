"""Points at which many functions are special: zeros, ties, units, powers of two."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from jaxgrad.gradients.special_points.lines import Space

__all__ = ["FEW", "usual_points"]

Candidate = tuple[np.ndarray, str]

# Entries of a leaf that are set alone, first and last ones: the others differ in their place only.
ENTRIES = 4
FEW = 4
POWERS = (2.0, 0.5, -2.0, -0.5, 4.0, -4.0, 16.0, -16.0, 128.0, -128.0, 1024.0, -1024.0)


def usual_points(space: Space, few: int = FEW) -> Iterator[Candidate]:
    """Vectors of all entries with what they are in words, most important first; some repeat.

    Args:
        space: the entries.
        few: how many of one kind come before the next kind has its turn.

    Example:
        >>> from jaxgrad.programs.trace import Leaf
        >>> space = Space([Leaf(name, (), np.dtype("float32"), np.float32(3)) for name in "xy"])
        >>> [text for _, text in usual_points(space)][:5]
        ['every leaf is 0', 'x = 0', 'y = 0', 'x = y', 'y = x']
    """
    kinds = [
        _zero(space),
        _whole_leaves(space, 0.0),
        _single_entries(space, 0.0),
        _equal_leaves(space),
        _whole_leaves(space, 1.0),
        _equal_entries(space),
        _whole_leaves(space, -1.0),
        _single_entries(space, 1.0),
        _single_entries(space, -1.0),
        _integers(space),
        *(_whole_leaves(space, value) for value in POWERS),
        *(_single_entries(space, value) for value in POWERS),
    ]
    while kinds:
        turns = [list(itertools.islice(kind, few)) for kind in kinds]
        for turn in turns:
            yield from turn
        kinds = [kind for kind, turn in zip(kinds, turns, strict=True) if len(turn) == few]


def _zero(space: Space) -> Iterator[Candidate]:
    if len(space.leaves) > 1:
        yield np.zeros(space.size), "every leaf is 0"


def _with(space: Space, part: slice | int, values: np.ndarray | float) -> np.ndarray:
    moved = space.point.copy()
    moved[part] = values
    return moved


def _whole_leaves(space: Space, value: float) -> Iterator[Candidate]:
    for leaf, part in zip(space.leaves, space.slices, strict=True):
        size = part.stop - part.start
        text = f"{leaf.path} = {value:g}" if not leaf.shape else f"{leaf.path} is {value:g}"
        if size:
            yield _with(space, part, value), text if size == 1 else f"{text} everywhere"


def _single_entries(space: Space, value: float) -> Iterator[Candidate]:
    for part in space.slices:
        entries = range(part.start, part.stop)
        if len(entries) > ENTRIES:
            entries = [*entries[: ENTRIES // 2], *entries[-ENTRIES // 2 :]]
        if part.stop - part.start > 1:
            for entry in entries:
                yield _with(space, entry, value), f"{space.name(entry)} = {value:g}"


def _equal_leaves(space: Space) -> Iterator[Candidate]:
    """x = y, keeping either, and x = −y."""
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for i, leaf in enumerate(space.leaves):
        if space.slices[i].stop > space.slices[i].start:
            by_shape.setdefault(leaf.shape, []).append(i)
    pairs = [pair for group in by_shape.values() for pair in itertools.pairwise(group)]
    for sign, text in ((1.0, "{} = {}"), (-1.0, "{} = −{}")):
        for first, second in pairs:
            for i, j in ((first, second), (second, first)):
                moved = _with(space, space.slices[i], sign * space.point[space.slices[j]])
                yield moved, text.format(space.leaves[i].path, space.leaves[j].path)


def _equal_entries(space: Space) -> Iterator[Candidate]:
    for i, part in enumerate(space.slices):
        path, shape = space.leaves[i].path, space.leaves[i].shape
        values = space.point[part].reshape(shape)
        if values.size < 2:
            continue
        yield _with(space, part, values.reshape(-1)[0]), f"all entries of {path} are equal"
        if len(shape) >= 2:  # of rank one, so singular if it is square
            rows = values.reshape(-1, shape[-1])
            same = np.broadcast_to(rows[0], rows.shape).reshape(-1)
            yield _with(space, part, same), f"all rows of {path} are equal"
            if len(rows) > 1:
                pair = rows.copy()
                pair[1] = rows[0]
                yield _with(space, part, pair.reshape(-1)), f"two rows of {path} are equal"
        pair = values.reshape(-1).copy()
        pair[1] = pair[0]
        first, second = space.name(part.start), space.name(part.start + 1)
        yield _with(space, part, pair), f"{second} = {first}"


def _integers(space: Space) -> Iterator[Candidate]:
    """The integers next to the given values."""
    if len(space.leaves) > 1:
        yield np.round(space.point), "every entry is rounded to an integer"
    for near, text in ((np.round, "rounded"), (np.floor, "rounded down"), (np.ceil, "rounded up")):
        for leaf, part in zip(space.leaves, space.slices, strict=True):
            if part.stop > part.start:
                yield _with(space, part, near(space.point[part])), f"{leaf.path} is {text}"
