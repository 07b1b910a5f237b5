"""Which derivatives are asked for: to which order, and in forward or in reverse mode."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from jaxgrad.errors import ArgumentError

__all__ = ["MODES", "checked_modes", "checked_order"]

MODES = ("fwd", "rev")


def checked_order(order: Any) -> int:
    """The highest order that is asked for.

    Raises:
        ArgumentError: it is none, as where arguments are given without a tuple around them.

    Example:
        >>> checked_order(2)
        2
    """
    if isinstance(order, int) and not isinstance(order, bool) and order > 0:
        return order
    cause = "" if isinstance(order, int | str) else "; give the arguments as one tuple: (x, y)"
    raise ArgumentError(f"order is {order!r:.60}; it is 1, 2, … (the highest derivative){cause}")


def checked_modes(modes: Sequence[str] | str) -> tuple[str, ...]:
    """The modes that are asked for, in their order.

    Raises:
        ArgumentError: one of them is none, or there are none.

    Example:
        >>> checked_modes(["rev", "fwd"]), checked_modes("rev")
        (('fwd', 'rev'), ('rev',))
    """
    several = isinstance(modes, Iterable) and not isinstance(modes, str)
    if getattr(modes, "ndim", 1) == 0:  # an array of no axes can be iterated by its type alone
        several = False
    found = tuple(modes) if several else (modes,)
    unknown = [mode for mode in found if mode not in MODES]
    if unknown or not found:
        given = f"{'holds' if several else 'is'} {unknown[0]!r:.60}" if unknown else "is empty"
        raise ArgumentError(f'modes {given}; the accepted ones are "fwd" and "rev"')
    return tuple(mode for mode in MODES if mode in found)
