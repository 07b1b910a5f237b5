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
from types import FrameType
from typing import Any

from jaxgrad.claims.sought_modules import SoughtModules

__all__ = ["ReadFiles", "digest_of", "installed"]

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
# Memory that processes share has names of files there.
_SHARED_MEMORY = "/dev/shm/"
# What no file's content tells of: other processes, databases, the network.
_BEYOND_FILES = (
    *("subprocess.Popen", "os.system", "os.posix_spawn", "os.fork", "os.exec", "pty.spawn"),
    *("socket.connect", "socket.getaddrinfo", "urllib.Request", "sqlite3.connect"),
)
# Of these the files that are only asked whether they exist are not told of.
_GLOBS = ("glob.glob", "pathlib.Path.glob", "pathlib.Path.rglob")
_LISTINGS = ("os.listdir", "os.scandir")
# Nanoseconds: a file's time is that of the last tick of the system, of which there are 100 a second
# or more.
_TICK = 10_000_000
# What is imported is told of by SoughtModules, and what is installed by the environment.
_OF_IMPORTS = ("importlib._bootstrap_external", "_frozen_importlib_external", "importlib.metadata")


def digest_of(file: str | Path) -> str | None:
    """A digest of a file's content, or of what a folder holds; None where there is neither.

    Example:
        >>> len(digest_of(__file__) or ""), digest_of("no/such/file")
        (64, None)
    """
    path = Path(file)
    try:
        content = _listed(path) if path.is_dir() else path.read_bytes()
    except (OSError, ValueError):
        return None
    return hashlib.sha256(content).hexdigest()


def _listed(folder: Path) -> bytes:
    with os.scandir(folder) as entries:
        return repr(sorted((entry.name, entry.is_dir()) for entry in entries)).encode(
            errors="surrogateescape"
        )


def installed(path: str) -> bool:
    """Whether what is at a path is told of otherwise: what is installed, and devices.

    Example:
        >>> installed(os.__file__), installed(os.path.abspath("proofs/rectified_linear.py"))
        (True, False)
    """
    return path.startswith(_KNOWN) and not path.startswith(_SHARED_MEMORY)


class ReadFiles:
    """The files that this process reads from now on, as Python's audit events tell.

    A folder that is listed counts, too, and where a module was looked for that is imported. What a
    library in C opens by itself is not told of; extension modules that are imported, and libraries
    that are opened by ``ctypes``, are. Nor is whether a file exists, by ``os.stat``.
    """

    def __init__(self) -> None:
        self._began = time.time_ns() - _TICK
        self._read: set[str] = set()
        self._made: set[str] = set()
        self._added_to: set[str] = set()
        self._digests: dict[str, str | None] = {}
        self._quiet = False
        self._complete = True
        self._sought = SoughtModules(installed)
        sys.meta_path.insert(0, self._sought)
        sys.addaudithook(self._hear)

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if self._quiet:
            return
        try:
            self._take(event, args)
        except (OSError, ValueError, TypeError):
            # As where the current folder is gone; what was asked is not to fail.
            self._complete = False

    def _take(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(args[0], str | bytes | os.PathLike):
            self._open(os.path.abspath(os.fsdecode(args[0])), args[2] or 0)
        elif event == "import" and args[1]:
            self._open(os.path.abspath(args[1]), os.O_RDONLY)
        elif event == "import":  # how multiprocessing begins a process without an event
            self._complete &= not str(args[0]).startswith("multiprocessing.popen_")
        elif event == "ctypes.dlopen":
            self._load(args[0])
        elif event in _BEYOND_FILES:
            self._complete = False
        elif event in _LISTINGS:
            self._list(args[0], sys._getframe(2))
        elif event == "os.mkdir":
            self._make(args[0], args[2])
        elif event in _GLOBS:  # of the machine's devices JAX asks when it is imported
            self._complete &= installed(os.path.abspath(os.fsdecode(args[0])))

    def _open(self, path: str, flags: int) -> None:
        if installed(path) or _is_compiled_by_jax(path) or _is_nameless(flags):
            return
        if path in self._read or path in self._made:
            return
        if flags & os.O_TRUNC or (flags & os.O_EXCL and not os.path.lexists(path)):
            self._made.add(path)
        elif flags & os.O_WRONLY and not flags & os.O_EXCL:
            self._added_to.add(path)
        else:
            self._read.add(path)
            # What is read and changed, and a folder, from which files can be opened unnamed.
            self._complete &= not flags & os.O_RDWR and not os.path.isdir(path)
        self._complete &= not self._read & self._added_to

    def _list(self, folder: Any, by: FrameType) -> None:
        module, function = by.f_globals.get("__name__"), by.f_code.co_name
        if module in _OF_IMPORTS or (module == "shutil" and function.startswith("_rmtree")):
            return
        if isinstance(folder, int):
            self._complete = False
            return
        path = os.path.abspath(os.fsdecode(folder or "."))
        if not installed(path) and path not in self._made:
            self._read.add(path)

    def _make(self, folder: Any, beside: int) -> None:
        path = os.path.abspath(os.fsdecode(folder))
        if beside == -1 and not os.path.lexists(path):
            self._made.add(path)

    def _load(self, library: Any) -> None:
        """A library without a folder in its name is one of the system."""
        if isinstance(library, str | bytes | os.PathLike):
            name = os.fsdecode(library)
            if os.path.dirname(name):
                self._open(os.path.abspath(name), os.O_RDONLY)

    def digests(self) -> dict[str, str | None] | None:
        """A digest of each file that was read, None of one that was looked for and is not there.

        None instead of all where they do not tell of everything: one has changed since this began,
        or the process has asked another one, the network, or which files there are of a pattern.
        """
        self._quiet = True
        try:
            for path in {*self._read, *self._sought.files()}:
                source = _source(path)
                if source not in self._digests:
                    self._digests[source] = digest_of(source)
                self._complete &= not _changed_since(source, self._began)
        finally:
            self._quiet = False
        return dict(self._digests) if self._complete else None


def _is_compiled_by_jax(path: str) -> bool:
    folder = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    return bool(folder) and path.startswith(os.path.join(os.path.abspath(str(folder)), ""))


def _is_nameless(flags: int) -> bool:
    """Whether it is a temporary file, of which only the folder is named."""
    nameless = getattr(os, "O_TMPFILE", 0)
    return nameless != 0 and flags & nameless == nameless


def _changed_since(file: str, began: int) -> bool:
    try:
        found = os.stat(file)
    except OSError:
        return False
    # A copy may have the earlier time of what it is a copy of, but not when it came to be here.
    return max(found.st_mtime_ns, found.st_ctime_ns) >= began


def _source(path: str) -> str:
    """The file itself, where what was read is what Python has compiled of it."""
    if not path.endswith(".pyc"):
        return path
    try:
        return importlib.util.source_from_cache(path)
    except ValueError:
        return path
