"""The one integer that a ball holds."""

from __future__ import annotations

from flint import arb

__all__ = ["unique_integer"]

# What is nearer to 0 is written as 0 first, and of what is larger no integer is asked: FLINT ends
# the process where it would have to shift a number by as many bits as e^(−10³⁰) has before its
# first one.
_TINY, _HUGE = arb(2) ** -1000, arb(2) ** 100_000


def unique_integer(x: arb) -> int | None:
    """The integer that a ball holds, if it holds exactly one.

    Example:
        >>> unique_integer(arb(3, 0.5)), unique_integer(arb(3, 1)), unique_integer(arb(-1e30).exp())
        (3, None, None)
    """
    if not x.is_finite() or not abs(x) < _HUGE:
        return None
    if abs(x.mid()) < _TINY:
        return 0 if x.contains(0) and abs(x) < 1 else None
    found = x.unique_fmpz()
    return None if found is None else int(found)
