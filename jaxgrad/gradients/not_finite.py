"""Where a run returns NaN or an infinity although there is a number to return."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from flint import arb

from jaxgrad.programs.trace import is_differentiable

__all__ = ["first_not_finite"]


def first_not_finite(
    hand: Sequence[Any], auto: Sequence[Any], truth: Callable[[], Sequence[Any] | None]
) -> tuple[int, tuple[int, ...]] | None:
    """The first entry at which one side is no number and the other, or the truth, is one.

    An infinity is right where the true value is beyond the largest float of the dtype.

    Args:
        hand, auto: for each leaf what the sides returned.
        truth: returns for each leaf the balls of the formula, or None; asked for where both
            sides are no numbers.

    Returns:
        (leaf, index), or None.

    Example:
        >>> numbers, broken = [np.array([1.0, 2.0])], [np.array([1.0, np.nan])]
        >>> first_not_finite(broken, numbers, lambda: None)
        (0, (1,))
        >>> first_not_finite(broken, broken, lambda: None) is None
        True
        >>> first_not_finite(broken, broken, lambda: [np.array([arb(1), arb(2)])])
        (0, (1,))
    """
    values: Sequence[Any] | None = None
    for k, (x, y) in enumerate(zip(hand, auto, strict=True)):
        if not (_real(x) and _real(y)):
            continue
        left, right = (np.asarray(side).astype(np.float64) for side in (x, y))
        largest = min(float(jnp.finfo(side.dtype).max) for side in (x, y))
        for index in map(tuple, np.argwhere(~(np.isfinite(left) & np.isfinite(right))).tolist()):
            values = values if values is not None else truth()
            exact = values[k][index] if values is not None else None
            if _wrong(float(left[index]), float(right[index]), exact, largest):
                return k, index
    return None


def _wrong(left: float, right: float, exact: arb | None, largest: float) -> bool:
    if isinstance(exact, arb) and exact.is_finite():
        if abs(exact) > largest:
            beyond = math.copysign(math.inf, float(exact.mid()))
            return not all(math.isfinite(x) or x == beyond for x in (left, right))
        if abs(exact) <= largest:
            return True
    # Of the truth too little is known, but both sides were to return the same.
    return math.isfinite(left) != math.isfinite(right)


def _real(value: Any) -> bool:
    return hasattr(value, "dtype") and is_differentiable(value.dtype)
