"""What was made of things before, so that it is not made again: the oldest go first.

Most things are told apart by the identities of their parts, which are those of others once the
parts are gone: so these are kept, too.  JAX makes new ones with each trace, so that what is kept
has to have an end.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

__all__ = ["MOST", "Kept"]

# Some primitives are given an object of its own with every call.
MOST = 512

_Made = TypeVar("_Made")


class Kept(Generic[_Made]):
    """Key -> what was made of it.

    Args:
        most: how many are kept.

    Example:
        >>> kept = Kept(most=2)
        >>> [kept.of(x, x, lambda: 10 * x) for x in (1, 2, 3)], len(kept)
        ([10, 20, 30], 2)
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._entries: dict[Hashable, tuple[Any, _Made]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def of(
        self,
        key: Hashable,
        parts: Any,
        make: Callable[[], _Made],
        holds: Callable[[_Made], bool] = lambda made: True,
    ) -> _Made:
        """What is kept under a key; if nothing is, or if it no longer holds, what is made now.

        Args:
            key: by it things are told apart.
            parts: whatever the key has the identities of.
            make: makes it, and may ask for others.
            holds: whether what was made before is what would be made now.

        Raises:
            Exception: whatever comes of making it; nothing is kept then.
        """
        if key in self._entries and holds(self._entries[key][1]):
            return self._entries[key][1]
        made = make()
        self._entries.pop(key, None)
        while len(self._entries) >= self._most:
            del self._entries[next(iter(self._entries))]
        self._entries[key] = parts, made
        return made
