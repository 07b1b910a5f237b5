"""Names in a row, and how many there are, as a sentence has them."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["counted", "listed"]


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


def counted(count: int, one: str, several: str = "") -> str:
    """A number and what it is of.

    Args:
        count: how many there are.
        one: what one of them is called.
        several: what others are, if not the same with an s.

    Example:
        >>> counted(1, "bit"), counted(0, "bit"), counted(2, "property", "properties")
        ('1 bit', '0 bits', '2 properties')
    """
    return f"{count} {one if count == 1 else several or f'{one}s'}"
