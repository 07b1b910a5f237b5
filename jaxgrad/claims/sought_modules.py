"""Where an import has looked for a module: a file that comes to be there is imported instead."""

from __future__ import annotations

import importlib.machinery
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.abc import MetaPathFinder
from typing import Any

__all__ = ["SoughtModules"]


class SoughtModules(MetaPathFinder):
    """Hears of every module that is looked for from now on, and finds none.

    Args:
        known: whether what is in a place is told of otherwise.

    Example:
        >>> sought = SoughtModules(lambda place: place.startswith(sys.prefix))
        >>> sought.find_spec("no_such_module", ["."])
        >>> os.path.abspath("no_such_module.py") in sought.files()
        True
    """

    def __init__(self, known: Callable[[str], bool]) -> None:
        self._known = known
        self._places: dict[str, list[str]] = {}

    def find_spec(
        self, fullname: str, path: Iterable[str] | None = None, target: Any = None
    ) -> None:
        """Takes the name, and the folders in which it is looked for."""
        places = [os.path.abspath(x) for x in path or sys.path if isinstance(x, str)]
        seen = self._places.setdefault(fullname, [])
        seen += [x for x in places if x not in seen and not self._known(os.path.join(x, ""))]

    def files(self) -> Iterator[str]:
        """Each file that is the module, or would be in its place if it were there."""
        for name, places in list(self._places.items()):
            found = sys.modules.get(name)
            spec = getattr(found, "__spec__", None)
            origin = getattr(spec, "origin", None)
            if isinstance(origin, str) and (not os.path.isabs(origin) or self._known(origin)):
                continue  # a module of Python itself, or of an installed package
            for place in places:
                if not os.path.exists(place):
                    yield place
                    continue
                within = os.path.join(place, name.rpartition(".")[2])
                candidates = [
                    start + suffix
                    for start in (os.path.join(within, "__init__"), within)
                    for suffix in importlib.machinery.all_suffixes()
                ]
                # A folder alone is a module where there is no other.
                yield from candidates if found else (*candidates, within)
                if origin in candidates:
                    break
