"""Which proof module a claim belongs to: the one that is being imported while it is declared.

Neither the function's globals nor its file can say so: a proof module may declare a claim on a
function that a helper defines, and two modules may do so with the same function.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

__all__ = ["Registry", "current", "origin", "registering", "was_registered"]


@dataclass
class Registry:
    """What is declared while one proof module is imported, in order.

    Args:
        path: the proof module.
        claims: the claims that were declared.
        failures: a result for each declaration that was refused.
    """

    path: Path
    claims: list[Any] = field(default_factory=list)
    failures: list[Any] = field(default_factory=list)

    def line(self) -> int:
        """The line of the proof module that is being executed, 0 where none is (a thread)."""
        frame = _innermost(lambda frame: frame.f_code.co_filename == str(self.path))
        return frame.f_lineno if frame else 0


# A proof module may collect others while it is imported, so there is a stack of them.
_open: list[Registry] = []
_registered: set[Path] = set()


@contextlib.contextmanager
def registering(path: Path) -> Iterator[Registry]:
    """Take every claim that is declared within the block for one of this module.

    Args:
        path: the proof module.

    Example:
        >>> from jaxgrad.claims.claim import claim
        >>> with registering(Path("order.py")) as registry:
        ...     declared = claim("1 < 2")(lambda: None)
        >>> [found.statement for found in registry.claims]
        ['1 < 2']
    """
    registry = Registry(path)
    _registered.add(path.resolve())
    _open.append(registry)
    try:
        yield registry
    finally:
        _open.remove(registry)


def current() -> Registry | None:
    """The innermost registry that is open, None outside every import of a proof module."""
    return _open[-1] if _open else None


def was_registered(path: Path) -> bool:
    """Whether a file was imported as a proof module of its own in this process."""
    return path.resolve() in _registered


def origin() -> Path | None:
    """The file of the module whose import is under way, however deep in function calls it is."""
    frame = _innermost(
        lambda frame: frame.f_code.co_name == "<module>" and "__file__" in frame.f_globals
    )
    return Path(frame.f_globals["__file__"]) if frame else None


def _innermost(wanted: Any) -> FrameType | None:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not wanted(frame):
        frame = frame.f_back
    return frame
