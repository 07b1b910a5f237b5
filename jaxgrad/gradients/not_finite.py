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
        >>> TrueValues(iter([coarse, fine])).entry(0, (0,), largest=5.0)
        1.00000000000000
    """

    def __init__(self, values: Iterator[Sequence[Any]]) -> None:
        self._more = values
        self._values: Sequence[Any] | None = None

    def entry(self, leaf: int, index: tuple[int, ...], largest: float) -> Any:
        """A ball that lies on one side of the largest float, if any precision tells.

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

    An infinity is right where the true value is beyond the largest float of the dtype, and a number
    beside it where it is no more than twice as large.

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
        largest = min(float(jnp.finfo(side.dtype).max) for side in (x, y))
        for index in map(tuple, np.argwhere(~(np.isfinite(left) & np.isfinite(right))).tolist()):
            exact = truth.entry(k, index, largest)
            if _wrong(float(left[index]), float(right[index]), exact, largest):
                return k, index
    return None


def _is_settled(exact: Any, largest: float) -> bool:
    if not isinstance(exact, arb) or isinstance(exact, NoNumber):
        return True
    return bool(abs(exact) > largest or abs(exact) <= largest)


def _wrong(left: float, right: float, exact: arb | None, largest: float) -> bool:
    if isinstance(exact, arb) and exact.is_finite():
        if abs(exact) > largest:
            beyond = math.copysign(math.inf, float(exact.mid()))
            near = not abs(exact) > 2 * arb(largest)  # which roundings on the way may not reach
            return not all((near and math.isfinite(x)) or x == beyond for x in (left, right))
        if abs(exact) <= largest:
            return True
    # Of the truth too little is known, but both sides were to return the same.
    return math.isfinite(left) != math.isfinite(right)


def _real(value: Any) -> bool:
    return hasattr(value, "dtype") and is_differentiable(value.dtype)
