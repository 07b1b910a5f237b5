"""Orders and choices, which need every comparison they make decided."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.numbers.base import CannotDecide, NumberSystem
from jaxgrad.numbers.clock import tick

__all__ = ["decided", "first", "places"]


def decided(system: NumberSystem, relation: str, x: Any, y: Any, what: str = "an order") -> bool:
    """Whether ``x relation y``.

    Raises:
        CannotDecide: it is open, and ``what`` depends on it; or one of them is NaN.
    """
    known = system.known(system.ordered(relation, x, y))
    if known is None:
        raise CannotDecide(f"{what} depends on an open comparison")
    return known


def _is_nan(system: NumberSystem, x: Any) -> bool:
    """Whether it is known to be NaN."""
    return system.known(system.compare("ne", x, x)) is True


def places(
    system: NumberSystem, keys: list[np.ndarray], before: str = "lt", *, stable: bool = True
) -> list[int]:
    """The order of the entries by the first key, then the second, ...; ties keep their order.

    Raises:
        UnsupportedPrimitive: two tie, and the order is not stable.
    """

    # JAX puts them last.
    nans = [[before == "lt" and _is_nan(system, x) for x in key] for key in keys]

    def order(i: int, j: int) -> int:
        tick()
        for key, nan in zip(keys, nans, strict=True):
            if nan[i] or nan[j]:
                if nan[i] != nan[j]:
                    return 1 if nan[i] else -1
                continue
            if decided(system, before, key[i], key[j]):
                return -1
            if not decided(system, "eq", key[i], key[j]):
                return 1
        if not stable:
            raise UnsupportedPrimitive(
                "a sort that is not stable, of entries that tie: their order is not defined"
            )
        return 0

    return sorted(range(len(keys[0])), key=functools.cmp_to_key(order))


def first(system: NumberSystem, relation: str, row: np.ndarray) -> int:
    """The place of the first entry that no other is ``relation`` to: of the largest for ``gt``.

    Of NaN, if there is one.
    """
    found = 0
    for place, x in enumerate(row):
        if _is_nan(system, x):
            return place
        if decided(system, relation, x, row[found]):
            found = place
    return found
