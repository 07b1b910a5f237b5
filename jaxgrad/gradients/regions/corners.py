"""Corners of boxes: points at which a statement may fail that holds at the middles of all."""

from __future__ import annotations

import numpy as np

__all__ = ["corners", "most_corners"]


def most_corners(lot: int) -> int:
    """How many corners are looked at beside the boxes of one call: a sixteenth of its time.

    Example:
        >>> most_corners(2048), most_corners(4), most_corners(1)
        (128, 1, 0)
    """
    return max(lot // 16, min(1, lot - 1))


def corners(low: np.ndarray, high: np.ndarray, most: int, draw: np.random.Generator) -> np.ndarray:
    """All corners of some boxes, of shape (corners, variables), or where these are more, a few.

    Of those a quarter are lower ends of every variable and a quarter the upper ones: what grows, or
    falls, with each of them is largest there.

    Args:
        low, high: the ends of the boxes, of shape (boxes, variables).
        most: how many.
        draw: what draws.

    Example:
        >>> corners(np.zeros((1, 2)), np.ones((1, 2)), 4, np.random.default_rng(0)).tolist()
        [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    """
    boxes, variables = low.shape
    if not boxes or not most:
        return np.empty((0, variables))
    if boxes * 2 ** min(variables, 64) <= most:
        upper = (np.arange(2**variables)[:, None] >> np.arange(variables) & 1).astype(bool)
        return np.where(upper, high[:, None], low[:, None]).reshape(-1, variables)
    upper = draw.random((most, variables)) < 0.5
    upper[0::4], upper[1::4] = True, False
    box = draw.integers(boxes, size=most)
    return np.where(upper, high[box], low[box])
