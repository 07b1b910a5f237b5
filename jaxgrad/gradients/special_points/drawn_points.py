"""Points near a given one whose numbers have every bit of their dtype.

A rule that rounds its argument is right at rounder numbers, and special points are round numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from jaxgrad.gradients.domain import halved
from jaxgrad.gradients.special_points.lines import Space
from jaxgrad.gradients.special_points.search import SpecialPoint
from jaxgrad.programs.trace import Leaf

__all__ = ["drawn_points", "nearer_points", "sized_points"]

# How far a number moves, beside itself: further than the step of the coarsest float that is used
# for arithmetic (2⁻⁸, of bfloat16), so that what is left of a rule that rounds is seen; and nearer,
# down to half the bits of a float32, where the domain of a function ends or other numbers are near.
STEPS = (2.0**-3, 2.0**-6, 2.0**-12)
# What is a part of a number at one size is lost beside the rest of it at another: x + x²⁰ is x to
# a hundred digits at 10⁻⁶, and tanh(x) is 1 at 10³.  Powers of 2, each of them to either side of 0.
SIZES = (0, -3, 3)
MOST_NAMED = 3  # entries in the words of a point


def drawn_points(leaves: Sequence[Leaf]) -> Iterator[SpecialPoint]:
    """Points of which one is inside the domain of nearly every function, the furthest first.

    Every entry moves by a drawn amount: to either side, all of them towards 0, and all away from
    it, where one side alone may be in the domain.  The same for the same point.

    Args:
        leaves: the floating-point leaves with their values, the given point.

    Example:
        >>> [point] = list(drawn_points([Leaf("x", (), np.dtype("float32"), np.float32(0.5))]))[:1]
        >>> point.why
        'x = 0.5396809, drawn near the given point'
    """
    space, generator = Space(leaves), np.random.default_rng(0)
    if not space.size:
        return
    outward = np.where(space.point < 0, -1.0, 1.0)
    inward = np.where(space.point == 0, 1.0, -outward)
    for step in STEPS:
        either = generator.choice([-1.0, 1.0], space.size)
        for signs in (either, inward, outward * np.where(space.point == 0, -1.0, 1.0)):
            amounts = step * generator.uniform(0.5, 1.0, space.size)
            with np.errstate(over="ignore"):  # to the largest number, then
                point = _odd(space, space.point + signs * amounts * _sizes(space))
            moved = not np.array_equal(point, space.point)
            if moved and np.isfinite(point).all():
                yield SpecialPoint(space.arrays(point), _in_words(space, point), drawn=True)


def sized_points(leaves: Sequence[Leaf]) -> Iterator[SpecialPoint]:
    """Points of which every number is drawn, of one size at each, whatever the given ones are.

    Args:
        leaves: the floating-point leaves with their values, the given point.

    Example:
        >>> points = sized_points([Leaf("x", (), np.dtype("float32"), np.float32(60))])
        >>> [round(float(point.values[0]), 2) for point in points]
        [0.76, -0.76, 0.07, -0.07, -7.79, 7.79]
    """
    space, generator = Space(leaves), np.random.default_rng(1)
    for exponent in SIZES:
        numbers = generator.uniform(0.5, 1.0, space.size) * 2.0**exponent
        numbers *= generator.choice([-1.0, 1.0], space.size)
        for point in (_odd(space, numbers), _odd(space, -numbers)):
            how = f"of size {2.0**exponent:g}"
            yield SpecialPoint(space.arrays(point), _in_words(space, point, how), drawn=True)


def nearer_points(leaves: Sequence[Leaf], drawn: SpecialPoint) -> Iterator[SpecialPoint]:
    """Points ever nearer to the given one, on the way to it from a drawn one.

    Args:
        leaves: the floating-point leaves with their values, the given point.
        drawn: the drawn one.
    """
    space = Space(leaves)
    for values in halved([leaf.value for leaf in leaves], drawn.values):
        point = _odd(space, np.concatenate([x.astype(np.float64).reshape(-1) for x in values]))
        yield SpecialPoint(space.arrays(point), _in_words(space, point), drawn=True)


def _sizes(space: Space) -> np.ndarray:
    """The size of each entry; of a 0 that of its leaf, or 1."""
    sizes = abs(space.point)
    for part in space.slices:
        largest = sizes[part].max(initial=0.0) or 1.0
        sizes[part] = np.where(sizes[part] == 0, largest, sizes[part])
    return sizes


def _odd(space: Space, point: np.ndarray) -> np.ndarray:
    """The point in the dtypes of its leaves, with the last bit of every number set."""
    rounded = space.rounded(point[None])[0]
    parts = [np.zeros(0)]
    for leaf in space.arrays(rounded):
        bits = _bits(leaf) | 1
        parts.append(bits.view(leaf.dtype).astype(np.float64).reshape(-1))
    return np.concatenate(parts)


def _bits(leaf: np.ndarray) -> Any:
    return np.atleast_1d(leaf).view(f"u{leaf.dtype.itemsize}")


def _in_words(space: Space, point: np.ndarray, how: str = "near the given point") -> str:
    """The first numbers of a point, as precisely as their dtypes have them."""
    dtypes = [space.leaves[space.leaf_of(entry)].dtype for entry in range(len(point))[:MOST_NAMED]]
    numbers = [str(np.asarray(x, dtype)[()]) for x, dtype in zip(point, dtypes, strict=False)]
    texts = [f"{space.name(entry)} = {number}" for entry, number in enumerate(numbers)]
    more = ", …" if len(point) > MOST_NAMED else ""
    return f"{', '.join(texts)}{more}, drawn {how}"
