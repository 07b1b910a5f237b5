"""Where a run returns NaN or an infinity although there is a number to return."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.numbers.no_number import NoNumber
from jaxgrad.programs.trace import is_differentiable

__all__ = ["TrueValues", "first_not_finite"]


class TrueValues:
    """The balls of a formula at a point, as precise as was asked for so far.

    Args:
        values: yields for each leaf an object array of balls, ever more precise; it is asked as
            long as it is not known on which side of the largest float an entry is.

    Example:
        >>> coarse, fine = ([np.array([x])] for x in (arb(1, 9), arb(1)))
        >>> TrueValues(iter([coarse, fine])).entry(0, (0,), largest=[5.0])
        1.00000000000000
    """

    def __init__(self, values: Iterator[Sequence[Any]]) -> None:
        self._more = values
        self._values: Sequence[Any] | None = None

    def entry(self, leaf: int, index: tuple[int, ...], largest: Sequence[float]) -> Any:
        """A ball that lies on one side of the largest floats, if any precision tells.

        Else the most precise one; None where there is none.
        """
        while self._values is None or not _is_settled(self._values[leaf][index], largest):
            more = next(self._more, None)
            if more is None:
                break
            self._values = more
        return None if self._values is None else self._values[leaf][index]


def first_not_finite(
    hand: Sequence[Any], auto: Sequence[Any], truth: TrueValues
) -> tuple[int, tuple[int, ...]] | None:
    """The first entry at which one side is no number and the other, or the truth, is one.

    An infinity is right where the true value is beyond the largest float of its side's dtype; a
    number of the same sign is, too, where both are within a factor of two of that float.

    Args:
        hand, auto: for each leaf what the sides returned.
        truth: of the formula; asked where a side is no number.

    Returns:
        (leaf, index), or None.

    Example:
        >>> numbers, broken = [np.array([1.0, 2.0])], [np.array([1.0, np.nan])]
        >>> first_not_finite(broken, numbers, TrueValues(iter(())))
        (0, (1,))
        >>> first_not_finite(broken, broken, TrueValues(iter(()))) is None
        True
        >>> known = TrueValues(iter([[np.array([arb(1), arb(2)])]]))
        >>> first_not_finite(broken, broken, known)
        (0, (1,))
    """
    for k, (x, y) in enumerate(zip(hand, auto, strict=True)):
        if not (_real(x) and _real(y)):
            continue
        left, right = (np.asarray(side).astype(np.float64) for side in (x, y))
        largest = [float(jnp.finfo(side.dtype).max) for side in (x, y)]
        for index in map(tuple, np.argwhere(~(np.isfinite(left) & np.isfinite(right))).tolist()):
            values = float(left[index]), float(right[index])
            if _wrong(values, largest, truth.entry(k, index, largest)):
                return k, index
    return None


def _is_settled(exact: Any, largest: Sequence[float]) -> bool:
    if not isinstance(exact, arb) or isinstance(exact, NoNumber):
        return True
    return all(abs(exact) > most or abs(exact) <= most for most in largest)


def _wrong(values: Sequence[float], largest: Sequence[float], exact: Any) -> bool:
    """Whether a side is wrong, of which the largest float of its own dtype is given."""
    if isinstance(exact, arb) and exact.is_finite() and _is_settled(exact, largest):
        return any(_is_wrong(x, exact, most) for x, most in zip(values, largest, strict=True))
    # Of the truth too little is known, but both sides were to return the same.
    return _not_beyond(values, largest[1]) or _not_beyond(values[::-1], largest[0])


def _is_wrong(value: float, exact: arb, largest: float) -> bool:
    if abs(exact) <= largest:
        return not math.isfinite(value)
    if math.isfinite(value):
        # Roundings on the way make of it no number that is far from the largest float.
        near = abs(exact) <= 2 * arb(largest) and abs(value) >= largest / 2
        return not (near and value * exact > 0)
    return value != math.copysign(math.inf, float(exact.mid()))


def _not_beyond(values: Sequence[float], largest: float) -> bool:
    """Whether the second is no number and not the infinity that the first, one, is in its dtype."""
    number, other = values
    if not math.isfinite(number) or math.isfinite(other):
        return False
    return abs(number) <= largest or other != math.copysign(math.inf, number)


def _real(value: Any) -> bool:
    return hasattr(value, "dtype") and is_differentiable(value.dtype)
