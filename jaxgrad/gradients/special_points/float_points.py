"""Points at which rounding, overflow and underflow show: the whole range of a dtype."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxgrad.gradients.special_points.lines import Space
from jaxgrad.gradients.special_points.search import SpecialPoint
from jaxgrad.programs.trace import Leaf

__all__ = ["float_points"]

# Entries of a leaf that take a value alone.
MOST_ALONE = 8


def float_points(leaves: Sequence[Leaf], limit: int) -> list[SpecialPoint]:
    """Points all over the range of the floats, at which a compiled program may lose all digits.

    −0, the largest floats, the smallest normal and subnormal ones and the neighbours of ±1; then
    ±2ᵏ for every exponent k of the dtype, in an order of which every part is spread over the
    whole range.  A value is given to all entries of all leaves, to those of one leaf, and to single
    entries.

    Args:
        leaves: floating-point leaves with their values, the given point.
        limit: the most points to return.

    Returns:
        different points other than the given one, most important first, of finite floats.

    Example:
        >>> leaf = Leaf("x", (), np.dtype("float16"), np.float16(2))
        >>> [point.why for point in float_points([leaf], 3)]
        ['x = -0.0', 'x = 6.55e+04', 'x = -6.55e+04']
        >>> len(float_points([leaf], 1000))  # 80 powers of two but 2, 4 floats beside ±1, ±max, −0
        86
    """
    space = Space(leaves)
    if not space.size:
        return []
    seen = {_bytes(space.arrays(space.point))}
    found: list[SpecialPoint] = []
    for values, why in _candidates(space):
        key = _bytes(values)
        if len(found) >= limit:
            break
        if key not in seen:
            seen.add(key)
            found.append(SpecialPoint(values, why))
    return found


def _bytes(values: Sequence[np.ndarray]) -> bytes:
    return b"".join(np.ascontiguousarray(value).tobytes() for value in values)


def _candidates(space: Space) -> Iterator[tuple[list[np.ndarray], str]]:
    given = space.arrays(space.point)
    kinds = [_values(leaf.dtype) for leaf in space.leaves]
    for turn in range(max(map(len, kinds))):
        # A dtype with fewer floats than another one starts again.
        chosen = [kind[turn % len(kind)] for kind in kinds]
        full = [np.full(x.shape, v, x.dtype) for x, v in zip(given, chosen, strict=True)]
        texts = [f"{leaf.path} = {v!s}" for leaf, v in zip(space.leaves, chosen, strict=True)]
        if len(full) > 1:
            yield full, ", ".join(texts)
        for i, moved in enumerate(full):
            yield [moved if j == i else x for j, x in enumerate(given)], texts[i]
            for index in _few(moved):
                one = given[i].copy()
                one[index] = moved[index]
                name = f"{space.leaves[i].path}{list(index)} = {chosen[i]!s}"
                yield [one if j == i else x for j, x in enumerate(given)], name


def _few(values: np.ndarray) -> list[tuple[int, ...]]:
    """The entries that are tried alone: one far above the others overflows where all do not."""
    return [] if values.size == 1 else list(np.ndindex(values.shape))[:MOST_ALONE]


def _values(dtype: Any) -> list[Any]:
    """The floats of a dtype that are tried, as scalars of it."""
    limits = jnp.finfo(dtype)
    one = np.asarray(1, dtype)
    above = np.nextafter(one, np.asarray(limits.max, dtype))
    below = np.nextafter(one, np.asarray(0, dtype))
    ends = (limits.max, limits.smallest_normal, limits.smallest_subnormal, above, below)
    values = [np.asarray(-0.0, dtype)]
    values += [np.asarray(sign * np.asarray(x, dtype), dtype) for x in ends for sign in (1, -1)]
    # frexp puts the fraction into [½, 1).
    least, most = (math.frexp(float(x))[1] - 1 for x in (limits.smallest_subnormal, limits.max))
    for k in _spread(most - least + 1):
        power = math.ldexp(1.0, least + k)
        values += [np.asarray(sign * power, dtype) for sign in (1.0, -1.0)]
    # A dtype without negative numbers, or without zero, has NaN in their place.
    return [value[()] for value in values if np.isfinite(value)]


def _spread(count: int) -> list[int]:
    """0 … count − 1, each as far from those before it as bits read backwards are.

    Example:
        >>> _spread(5)
        [0, 4, 2, 1, 3]
    """
    bits = max(count - 1, 1).bit_length()
    backwards = (int(f"{k:0{bits}b}"[::-1], 2) for k in range(2**bits))
    return [k for k in backwards if k < count]
