"""Where one rounding to the nearest float makes an infinity of a number, and where it does not."""

from __future__ import annotations

from flint import arb

__all__ = ["is_a_float", "within_floats"]


def is_a_float(size: arb, largest: arb, ulp: arb) -> bool:
    """Whether a number of a size is rounded to a float, as half a unit beyond the last one is, too.

    Args:
        size: what bounds the number.
        largest: the largest float.
        ulp: the distance from 1 to the next float.

    Example:
        >>> largest, ulp = arb(2) ** 128 - arb(2) ** 104, arb(2) ** -23
        >>> is_a_float(largest + 1, largest, ulp), is_a_float(largest * 2, largest, ulp)
        (True, False)
    """
    # The last float is a little less than 2 ulps of its binade's begin: half a unit is more.
    return bool(size <= largest * (1 + ulp / 4))


def within_floats(ball: arb, largest: arb) -> arb:
    """What of a ball around a number that is rounded to a float is no further out than floats are.

    Example:
        >>> within_floats(arb(4, 2), arb(4)).upper() < 4.001
        True
    """
    return ball if ball.abs_upper() <= largest else ball.intersection(arb(0, largest))
