"""Which files this process reads, beside those of installed packages, and whether they are all that
what it finds depends on."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any

__all__ = ["ReadFiles", "digest_of"]

_OURS = Path(__file__).parents[1]
# What is told by the names and versions of all installed packages, and by the digest of this one.
_KNOWN = tuple(
    os.path.join(folder, "")
    for folder in (
        *map(sysconfig.get_path, ("purelib", "platlib", "stdlib", "platstdlib")),
        str(_OURS),
        *("/dev", "/proc", "/sys"),
    )
)
# What no file's content tells of: other processes, the network, which files a folder has.
_BEYOND_FILES = (
    *("subprocess.Popen", "os.system", "os.posix_spawn", "os.fork", "os.exec", "pty.spawn"),
    *("socket.connect", "socket.getaddrinfo", "urllib.Request"),
)
_FOLDERS = ("glob.glob", "pathlib.Path.glob", "pathlib.Path.rglob")


def digest_of(file: str | Path) -> str | None:
    """A digest of a file's content; None where there is no such file.

    Example:
        >>> len(digest_of(__file__) or ""), digest_of("no/such/file")
        (64, None)
    """
    try:
        return hashlib.sha256(Path(file).read_bytes()).hexdigest()
    except OSError:
        return None


class ReadFiles:
    """The files that this process reads from now on, as Python's audit events tell.

    What a library in C opens by itself is not told of; extension modules that are imported are.
    """

    def __init__(self) -> None:
        self._began = time.time_ns()
        self._read: set[str] = set()
        self._made: set[str] = set()
        self._digests: dict[str, str | None] = {}
        self._quiet = False
        self._complete = True
        sys.addaudithook(self._hear)

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if self._quiet:
            return
        try:
            self._take(event, args)
        except OSError:  # as where the current folder is gone; what was asked is not to fail
            self._complete = False

    def _take(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(args[0], str | bytes | os.PathLike):
            self._open(os.path.abspath(os.fsdecode(args[0])), args[2] or 0)
        elif event == "import" and args[1]:
            self._open(os.path.abspath(args[1]), os.O_RDONLY)
        elif event in _BEYOND_FILES:
            self._complete = False
        elif event in _FOLDERS:  # of the machine's devices JAX asks when it is imported
            self._complete &= os.path.abspath(os.fsdecode(args[0])).startswith(_KNOWN)

    def _open(self, path: str, flags: int) -> None:
        if path.startswith((*_KNOWN, os.environ.get("JAX_COMPILATION_CACHE_DIR") or _KNOWN[0])):
            return
        if path in self._read or path in self._made:
            return
        if flags & (os.O_WRONLY | os.O_TRUNC | os.O_EXCL):
            self._made.add(path)
        else:
            self._read.add(path)
            self._complete &= not flags & os.O_RDWR  # what is read and changed

    def digests(self) -> dict[str, str | None] | None:
        """A digest of each file that was read, None of one that was looked for and is not there.

        None instead of all where they do not tell of everything: one has changed since this began,
        or the process has asked another one, the network, or which files a folder has.
        """
        self._quiet = True
        try:
            for path in self._read:
                source = _source(path)
                if source not in self._digests:
                    self._digests[source] = digest_of(source)
                self._complete &= not _changed_since(source, self._began)
        finally:
            self._quiet = False
        return dict(self._digests) if self._complete else None


def _changed_since(file: str, began: int) -> bool:
    try:
        return os.stat(file).st_mtime_ns >= began
    except OSError:
        return False


def _source(path: str) -> str:
    """The file itself, where what was read is what Python has compiled of it."""
    if not path.endswith(".pyc"):
        return path
    try:
        return importlib.util.source_from_cache(path)
    except ValueError:
        return path
