"""Lines through a point in the space of all arguments, and the floats along them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxgrad.programs.trace import Leaf

__all__ = ["Line", "Space", "lines", "shortest"]


class Space:
    """All entries of floating-point leaves as one vector.

    Args:
        leaves: their shapes, dtypes and values, the given point.
        inside: which points count, one array for each leaf; all if None.

    Example:
        >>> space = Space([Leaf("x", (2,), np.dtype("float16"), np.array([1.0, 0.1], "float16"))])
        >>> space.rounded(np.array([[0.1, 2.0]])).tolist()
        [[0.0999755859375, 2.0]]
    """

    def __init__(
        self, leaves: Sequence[Leaf], inside: Callable[[list[np.ndarray]], bool] | None = None
    ) -> None:
        self.leaves = tuple(leaves)
        self._inside = inside
        sizes = [math.prod(leaf.shape) for leaf in leaves]
        ends = np.cumsum([0, *sizes]).tolist()
        self.slices = [slice(a, b) for a, b in itertools.pairwise(ends)]
        self.size = ends[-1]
        parts = [np.asarray(leaf.value).astype(np.float64).reshape(-1) for leaf in leaves]
        self.point = np.concatenate([np.zeros(0), *parts])

    def rounded(self, points: np.ndarray) -> np.ndarray:
        """Each entry to the nearest finite float of its dtype; shape (points, N)."""
        out = np.empty(points.shape)
        for leaf, part in zip(self.leaves, self.slices, strict=True):
            out[:, part] = nearest(points[:, part], leaf.dtype)
        return out

    def arrays(self, point: np.ndarray) -> list[np.ndarray]:
        """A vector as one array for each leaf."""
        return [
            point[part].astype(leaf.dtype).reshape(leaf.shape)
            for leaf, part in zip(self.leaves, self.slices, strict=True)
        ]

    def has(self, point: np.ndarray) -> bool:
        """Whether a vector counts."""
        return self._inside is None or self._inside(self.arrays(point))

    def leaf_of(self, entry: int) -> int:
        """The number of the leaf that an entry is in."""
        return next(i for i, part in enumerate(self.slices) if part.start <= entry < part.stop)

    def name(self, entry: int) -> str:
        """The key path of an entry, with its index."""
        i = self.leaf_of(entry)
        leaf = self.leaves[i]
        index = np.unravel_index(entry - self.slices[i].start, leaf.shape) if leaf.shape else ()
        return leaf.path + (str([int(j) for j in index]) if leaf.shape else "")


def nearest(values: np.ndarray, dtype: Any) -> np.ndarray:
    """The nearest finite floats of a dtype, as float64.

    Example:
        >>> nearest(np.array([0.1, 1e9]), jnp.float8_e4m3fn).tolist()
        [0.1015625, 448.0]
    """
    limits = jnp.finfo(dtype)
    bounded = np.clip(values, float(limits.min), float(limits.max))
    return bounded.astype(dtype).astype(np.float64)


def neighbour(value: float, dtype: Any, steps: int) -> float:
    """The float so many steps above (or below) one of the dtype."""
    towards = jnp.finfo(dtype).max if steps > 0 else jnp.finfo(dtype).min
    x = np.asarray(value, dtype)
    for _ in range(abs(steps)):
        x = np.nextafter(x, np.asarray(towards, dtype))
    return float(x)


def shortest(low: float, high: float) -> float:
    """The number with the fewest binary digits between two, both ends included.

    Example:
        >>> shortest(1.4, 1.7), shortest(-1.0, 2.0), shortest(5.9, 6.2)
        (1.5, 0.0, 6.0)
    """
    if low <= 0.0 <= high:
        return 0.0
    if high < 0.0:
        return -shortest(-high, -low)
    step = math.ldexp(1.0, min(math.frexp(high)[1], 1023))  # beyond that no float64 is
    while True:  # ends, since a step no longer than high − low has a multiple between them
        multiple = math.ceil(low / step) * step
        if multiple <= high or step == 0.0:
            return min(multiple, high)
        step /= 2


@dataclass(frozen=True, eq=False)
class Line:
    """The points origin + t·slope.

    Args:
        origin, slope: shape (N,).
        given: the t of the given point, or of one near it.
        text: what a t on it is, with ``{}`` in the place of the number.
        entry: the only entry that moves, or None if several do.
        dtype: what t itself is rounded to.
        text_at_zero: what t = 0 is, if that can be said in a simpler way.
    """

    origin: np.ndarray
    slope: np.ndarray
    given: float
    text: str
    entry: int | None
    dtype: Any
    text_at_zero: str | None = None

    def points(self, ts: np.ndarray) -> np.ndarray:
        """Shape (len(ts), N), not yet rounded."""
        return self.origin + ts[:, None] * self.slope

    def describe(self, t: float) -> str:
        """A t on the line in words, with as many digits as its dtype has."""
        if t == 0.0 and self.text_at_zero is not None:
            return self.text_at_zero
        return self.text.format(self.number(t))

    def number(self, t: float) -> str:
        """A t alone."""
        return str(np.asarray(t, self.dtype)[()])


def lines(space: Space, most: int) -> list[Line]:
    """Lines from the given point: entries alone, then leaves, then all at once.

    Args:
        space: the leaves and the given point.
        most: how many lines there may be; of each leaf the first entries are kept.
    """
    joint = _leaf_lines(space)
    room = max(most - len(joint), len(space.leaves))
    found: list[Line] = []
    for entry in _entries(space, room):
        origin, slope = space.point.copy(), np.zeros(space.size)
        origin[entry], slope[entry] = 0.0, 1.0
        dtype = space.leaves[space.leaf_of(entry)].dtype
        text = f"{space.name(entry)} = {{}}"
        found.append(Line(origin, slope, float(space.point[entry]), text, entry, dtype))
    return (found + joint)[:most]


def _entries(space: Space, most: int) -> list[int]:
    """The first entries of every leaf, taken in turn."""
    found: list[int] = []
    longest = max((part.stop - part.start for part in space.slices), default=0)
    for k in range(longest):
        found += [part.start + k for part in space.slices if part.start + k < part.stop]
        if len(found) >= most:
            break
    return sorted(found[:most])


def _leaf_lines(space: Space) -> list[Line]:
    found = []
    used = [(leaf, part) for leaf, part in zip(space.leaves, space.slices, strict=True)
            if part.stop - part.start]  # fmt: skip
    for leaf, part in used:
        if part.stop - part.start == 1:
            continue
        only = np.zeros(space.size)
        only[part] = 1.0
        moved = space.point * only
        rest = space.point - moved
        mean = float(np.mean(space.point[part]))
        name = leaf.path
        found += [
            Line(rest, only, mean, f"every entry of {name} = {{}}", None, leaf.dtype),
            Line(
                rest,
                moved,
                1.0,
                f"{name} is {{}} times what was given",
                None,
                leaf.dtype,
                f"{name} is 0 everywhere",
            ),
            Line(space.point, only, 0.0, f"{{}} is added to {name}", None, leaf.dtype),
        ]
    if len(used) > 1:
        dtype = used[0][0].dtype
        text = "every leaf is {} times what was given"
        found.append(
            Line(np.zeros(space.size), space.point, 1.0, text, None, dtype, "every leaf is 0")
        )
    return found
