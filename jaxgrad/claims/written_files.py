"""Files that are written: whether one can be, asked before there is something for it, and that."""

from __future__ import annotations

import os
from pathlib import Path

from jaxgrad.errors import ArgumentError

__all__ = ["require_writable", "written"]


def require_writable(name: str, path: Path) -> None:
    """Refuses a path that cannot be written, so that no long work is done for nothing.

    Args:
        name: what was given, for the message.
        path: the file, which need not exist.

    Raises:
        ArgumentError: it is a folder, is in none, or may not be written.

    Example:
        >>> require_writable("no/such/page.md", Path("no/such/page.md"))
        Traceback (most recent call last):
        ...
        jaxgrad.errors.ArgumentError: no/such/page.md: there is no folder no/such; make one
    """
    if path.is_dir():
        raise ArgumentError(f"{name}: that is a folder; name a file in it")
    if not path.parent.is_dir():
        raise ArgumentError(f"{name}: there is no folder {path.parent}; make one")
    if not os.access(path if path.exists() else path.parent, os.W_OK) or not _opens(path):
        raise ArgumentError(f"{name}: it may not be written; name a file elsewhere")


def _opens(path: Path) -> bool:
    """Whether a file can be opened there, which for the superuser no permissions tell."""
    existed = path.exists()
    if existed and not path.is_file():  # a pipe would wait for its reader
        return True
    try:
        path.open("a").close()
    except OSError:
        return False
    if not existed:
        path.unlink(missing_ok=True)
    return True


def written(name: str, path: str, text: str) -> None:
    """Writes a text, as UTF-8.

    Args:
        name: what was given, for the message.
        path: the file.
        text: all that is to be in it.

    Raises:
        ArgumentError: it cannot be written.
    """
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ArgumentError(f"{name}: {error.strerror}") from None
