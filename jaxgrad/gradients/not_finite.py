"""Where a run returns NaN or an infinity although there is a number to return."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.numbers.no_number import NoNumber
from jaxgrad.programs.trace import is_differentiable

__all__ = ["first_not_finite"]


def first_not_finite(
    hand: Sequence[Any], auto: Sequence[Any], truths: Callable[[], Iterator[Sequence[Any]]]
) -> tuple[int, tuple[int, ...]] | None:
    """The first entry at which one side is no number and the other, or the truth, is one.

    An infinity is right where the true value is beyond the largest float of the dtype, and a number
    beside it where it is no more than twice as large.

    Args:
        hand, auto: for each leaf what the sides returned.
        truths: yields for each leaf the balls of the formula, ever more precise, as long as it is
            not known on which side of the largest float an entry is; asked where both sides are
            no numbers, or one is none.

    Returns:
        (leaf, index), or None.

    Example:
        >>> numbers, broken = [np.array([1.0, 2.0])], [np.array([1.0, np.nan])]
        >>> first_not_finite(broken, numbers, lambda: iter(()))
        (0, (1,))
        >>> first_not_finite(broken, broken, lambda: iter(())) is None
        True
        >>> first_not_finite(broken, broken, lambda: iter([[np.array([arb(1), arb(2)])]]))
        (0, (1,))
    """
    known = _Known(truths)
    for k, (x, y) in enumerate(zip(hand, auto, strict=True)):
        if not (_real(x) and _real(y)):
            continue
        left, right = (np.asarray(side).astype(np.float64) for side in (x, y))
        largest = min(float(jnp.finfo(side.dtype).max) for side in (x, y))
        for index in map(tuple, np.argwhere(~(np.isfinite(left) & np.isfinite(right))).tolist()):
            exact = known.entry(k, index, largest)
            if _wrong(float(left[index]), float(right[index]), exact, largest):
                return k, index
    return None


class _Known:
    """The balls of the formula, as precise as it took so far."""

    def __init__(self, truths: Callable[[], Iterator[Sequence[Any]]]) -> None:
        self._truths = truths
        self._more: Iterator[Sequence[Any]] | None = None
        self._values: Sequence[Any] | None = None

    def entry(self, leaf: int, index: tuple[int, ...], largest: float) -> Any:
        """A ball that lies on one side of the largest float, if any precision tells; or None."""
        if self._more is None:
            self._more = self._truths()
            self._values = next(self._more, None)
        while self._values is not None:
            exact = self._values[leaf][index]
            if _is_settled(exact, largest):
                return exact
            more = next(self._more, None)
            if more is None:
                return exact
            self._values = more
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
