"""Tallies of tiles in a folder, so that a sweep goes on where it was, and processes share one.

Each process writes a file of its own, all that it knows, and reads those of the others. A file is
replaced as a whole, so that a process that is killed leaves the one before.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from jaxgrad.errors import ArgumentError, JaxgradError

__all__ = ["KeptTallies", "digest", "kept_folder", "require_part"]

# Wall-clock seconds between two writings: so much is lost at most where a process is killed.
SECONDS = 2.0
_SUFFIX = ".tallies.npz"


def digest(*texts: str) -> str:
    """A name for a program: the same for the same texts.

    Example:
        >>> digest("a", "b") == digest("ab")
        False
    """
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()


def kept_folder(call: str, keep: Any) -> Path | None:
    """The folder that tallies are kept in, made where there is none.

    Args:
        call: what is called, for messages.
        keep: a path, or None.

    Raises:
        ArgumentError: it is no path, or none of a folder that can be made.
    """
    if keep is None:
        return None
    if not isinstance(keep, str | os.PathLike) or not str(keep):
        raise ArgumentError(f"{call}: keep is {keep!r:.60}; give the path of a folder")
    folder = Path(keep)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArgumentError(
            f"{call}: keep is {str(keep)!r}, where no folder can be made ({error.strerror}); name "
            "another one"
        ) from error
    return folder


def require_part(call: str, part: Any, keep: Any) -> None:
    """Refuses what is no part of a sweep.

    Args:
        call: what is called, for messages.
        part: (index, count).
        keep: the folder that the parts meet in, or None.

    Raises:
        ArgumentError: it is none, or there are several and no folder.
    """
    whole = isinstance(part, tuple) and [type(k) for k in part] == [int, int]
    if not whole or not 0 <= part[0] < part[1]:
        raise ArgumentError(
            f"{call}: part is {part!r:.60}; give (index, count) with 0 <= index < count, such as "
            "(0, 2) to one process and (1, 2) to another"
        )
    if part[1] > 1 and keep is None:
        raise ArgumentError(
            f"{call}: part is {part}, and several processes meet in a folder; give the same one "
            "to all, keep='folder'"
        )


class KeptTallies:
    """The tallies that processes keep in a folder.

    Args:
        call: what is called, for messages.
        folder: which exists.
        part: (index, count), which says how the own file is called.
        of: what the tallies are of, each by its name: other ones are not taken.

    Raises:
        ArgumentError: the folder has tallies of something else, which are left as they are.
    """

    def __init__(self, call: str, folder: Path, part: tuple[int, int], of: Mapping[str, str]):
        self._call, self._folder, self._of = call, folder, dict(of)
        self._own = folder / f"{part[0]}-of-{part[1]}{_SUFFIX}"
        self._written = time.monotonic()

    def merge(self, done: np.ndarray, counts: np.ndarray) -> None:
        """Adds what all files know to arrays of which tiles are done, and of their tallies.

        Args:
            done: bool of shape (tiles,).
            counts: uint32 of shape (tiles, rows).

        Raises:
            ArgumentError: a file is of something else, or is none.
            JaxgradError: two files say otherwise of the same tile.
        """
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            numbers, tallies = self._read(path, counts.shape)
            both = numbers[done[numbers]]
            mine = np.zeros_like(counts)
            mine[numbers] = tallies
            if (mine[both] != counts[both]).any():
                raise JaxgradError(
                    f"{self._call}: {path} has other tallies of a tile than were found here, so "
                    "that nothing can be said of every float: f or a predicate depends on more "
                    "than its argument, or on the machine"
                )
            counts[numbers], done[numbers] = tallies, True

    def _read(self, path: Path, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        try:
            # NumPy leaves a file open that it cannot read.
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                of, numbers, tallies = json.loads(str(file["of"])), file["tiles"], file["counts"]
            if not isinstance(of, dict):
                raise ValueError("it does not say of what")
        except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise ArgumentError(
                f"{self._call}: {path} in keep holds no tallies ({error}); remove it, or name "
                "another folder"
            ) from error
        differ = sorted(name for name in {*of, *self._of} if of.get(name) != self._of.get(name))
        if differ:
            raise ArgumentError(
                f"{self._call}: {path} in keep holds the tallies of another sweep, which are left "
                f"as they are: its {' and '.join(differ)} {_not_these(differ, of, self._of)}; "
                "name another folder, or remove that file"
            )
        whole = numbers.ndim == 1 and all(x.dtype.kind in "iu" for x in (numbers, tallies))
        if (
            not whole
            or tallies.shape != (len(numbers), *shape[1:])
            or not ((numbers >= 0) & (numbers < shape[0])).all()
        ):
            raise ArgumentError(f"{self._call}: {path} in keep holds no tallies of these tiles")
        return numbers, tallies

    def write(self, done: np.ndarray, counts: np.ndarray, *, now: bool = False) -> bool:
        """Writes all that is known, where some time has passed; whether it did.

        Args:
            done: bool of shape (tiles,).
            counts: uint32 of shape (tiles, rows).
            now: whether it is written however little time has passed.
        """
        if not now and time.monotonic() - self._written < SECONDS:
            return False
        tiles = np.flatnonzero(done)
        beside = self._own.with_name(f".{self._own.name}.{os.getpid()}")
        with beside.open("wb") as file:
            of = np.array(json.dumps(self._of))
            np.savez(file, of=of, tiles=tiles, counts=counts[tiles])
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._own)
        self._written = time.monotonic()
        return True


def _not_these(differ: list[str], theirs: Mapping[str, str], ours: Mapping[str, str]) -> str:
    """How what is known of them differs, where that is short."""
    short = [
        f"{name} {theirs.get(name)} there and {ours.get(name)} here"
        for name in differ
        if len(str(theirs.get(name))) < 40 and len(str(ours.get(name))) < 40
    ]
    return f"differ{'s' if len(differ) == 1 else ''}" + (f" ({', '.join(short)})" if short else "")
