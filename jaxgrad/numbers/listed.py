"""Names in a row, as a sentence has them."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["listed"]


def listed(names: Iterable[object]) -> str:
    """Commas between the names, and before the last one "and".

    Args:
        names: in their order; nothing for none.

    Example:
        >>> listed(["x"]), listed(["x", "y"]), listed(["x", "y", "z"])
        ('x', 'x and y', 'x, y and z')
    """
    *others, last = [*map(str, names)] or [""]
    return f"{', '.join(others)} and {last}" if others else last
