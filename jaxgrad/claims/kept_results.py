"""Results of earlier runs, kept as long as nothing changes that they depend on.

Of each module the folder of kept results has a file with what it declares, the results of its
claims that were as expected, and a digest of each file that was read for them. They stand while
these files, this package, the installed packages and the machine are what they were. What was not
as expected is never taken from there, but its time is, for an estimate.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from jaxgrad.claims.environment import environment
from jaxgrad.claims.proof_messages import (
    declaration_from,
    declaration_to,
    result_from,
    result_to,
)
from jaxgrad.claims.proof_run import Module
from jaxgrad.claims.read_files import digest_of

__all__ = ["FOLDER", "KeptResults", "make_folder"]

FOLDER = Path(".jaxgrad_cache")
"""In the current folder."""

# What comes of a file that is not there, or that nobody wrote like that.
_OF_ANOTHER_FORM = (
    *(OSError, ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError),
)
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# This is a cache of jaxgrad.\n"


def make_folder(folder: Path) -> None:
    """Makes the folder, if there is none, as one that is no part of a repository or a backup.

    Args:
        folder: in one that exists.

    Raises:
        OSError: it cannot be made.
    """
    if not folder.is_dir():
        folder.mkdir()
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        (folder / "CACHEDIR.TAG").write_text(_TAG, encoding="utf-8")


class KeptResults:
    """The results that are kept in a folder.

    Args:
        folder: which; it is made when there is something to be kept, and where that cannot be done
            nothing is.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     KeptResults(Path(folder)).fill([Module(Path("proofs/none.py"))])
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._digests: dict[str, str | None] = {}
        self._saved: dict[Path, int] = {}

    def fill(self, modules: Iterable[Module]) -> None:
        """Gives fresh modules what they declare and the results that are known of them."""
        for module in modules:
            with contextlib.suppress(*_OF_ANOTHER_FORM):
                self._fill(module, self._record(module.path))

    def _fill(self, module: Module, record: dict[str, Any]) -> None:
        module.known_seconds = {name: float(x) for name, x in record["seconds"].items()}
        if not self._stands(record):
            return
        claims = [declaration_from(told) for told in record["declared"]]
        results = {int(number): told for number, told in record["results"].items()}
        found = {
            number: [replace(result_from(one, claims[number]), kept=True) for one in told]
            for number, told in results.items()
        }
        if all(one.as_expected for told in found.values() for one in told):
            module.claims, module.read, module.results = claims, record["files"], found
            module.ended = set(found)
            self._saved[module.path] = len(found)

    def save(self, modules: Iterable[Module]) -> None:
        """Keeps what there is to be kept of modules that have got further."""
        for module in modules:
            if module.claims is not None and self._saved.get(module.path) != len(module.ended):
                self._saved[module.path] = len(module.ended)
                with contextlib.suppress(OSError):
                    self._write(module)

    def _write(self, module: Module) -> None:
        claims = module.claims or []
        kept = {
            number: [result_to(one) for one in results]
            for number, results in module.results.items()
            if module.read is not None
            and number in module.ended
            and all(one.as_expected for one in results)
        }
        seconds = {
            claims[number].name: sum(one.seconds or 0.0 for one in results)
            for number, results in module.results.items()
        }
        record = {
            "environment": self._environment,
            "declared": [declaration_to(claim) for claim in claims] if not module.failures else [],
            "files": module.read,
            "results": kept if not module.failures else {},
            "seconds": {**module.known_seconds, **seconds},
        }
        make_folder(self._folder)
        # Another run may read it meanwhile.
        with tempfile.NamedTemporaryFile(
            "w", dir=self._folder, suffix=".new", delete=False, encoding="utf-8"
        ) as file:
            json.dump(record, file)
        os.replace(file.name, self._file(module.path))

    def _record(self, module: Path) -> dict[str, Any]:
        return json.loads(self._file(module).read_text(encoding="utf-8"))

    def _file(self, module: Path) -> Path:
        # By its path as it was given, too, since results name it.
        name = f"{module.resolve()} {module}"
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()[:32]}.json"

    def _stands(self, record: dict[str, Any]) -> bool:
        if not record["files"] or not record["declared"]:
            return False
        if record["environment"] != self._environment:
            return False
        return all(self._digest(file) == digest for file, digest in record["files"].items())

    @cached_property
    def _environment(self) -> str:
        # Of one run: while files are watched something may be installed between two of them.
        return environment()

    def _digest(self, file: str) -> str | None:
        if file not in self._digests:
            self._digests[file] = digest_of(file)
        return self._digests[file]
