"""Which claims were not as expected when they were last run, for ``--last-failed``."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from jaxgrad.claims.claim import ClaimResult
from jaxgrad.claims.kept_results import FOLDER, make_folder
from jaxgrad.claims.proof_run import Module

__all__ = ["LastFailed"]

# Of a module that could not be imported, so that all of its claims are meant.
_ALL = "*"


class LastFailed:
    """The claims that failed last, by module and name.

    Args:
        folder: where they are kept.

    Example:
        >>> LastFailed(Path("no/such/folder")).narrow([Module(Path("proofs/none.py"), claims=[])])
        False
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._failed = self._read()

    def narrow(self, modules: Iterable[Module]) -> bool:
        """Leaves of modules the claims that failed last, and says whether there are any.

        Args:
            modules: whose claims are known; where none of them failed, they stay as they are.
        """
        left = {}
        for module in modules:
            names = self._failed.get(_key(module.path), set())
            claims = module.claims or []
            wanted = [n for n in module.wanted if _ALL in names or claims[n].name in names]
            left[module.path] = module, wanted
        if not any(wanted or module.failures for module, wanted in left.values()):
            return False
        for module, wanted in left.values():
            module.only = wanted
        return True

    def save(self, results: Sequence[ClaimResult], missing: Sequence[ClaimResult]) -> None:
        """Keeps what failed now, and what failed before and was not run.

        Args:
            results: of what was run.
            missing: what was to be run, and has no result.
        """
        failed = {module: set(names) for module, names in self._failed.items()}
        for result in results:
            if result.claim is not None:
                failed.get(_key(result.path), set()).difference_update((_name(result), _ALL))
        imported = {_key(result.path) for result in (*results, *missing) if result.claim}
        for result in (*results, *missing):
            key, name = _key(result.path), _name(result)
            # What could not be declared, beside claims that could, is said whatever is run.
            if not (result.as_expected or (name == _ALL and key in imported)):
                failed.setdefault(key, set()).add(name)
        told = {module: sorted(names) for module, names in failed.items() if names}
        with contextlib.suppress(OSError):
            make_folder(self._folder)
            self._file.write_text(json.dumps(told), encoding="utf-8")

    @property
    def _file(self) -> Path:
        return self._folder / "last_failed.json"

    def _read(self) -> dict[str, set[str]]:
        try:
            told = json.loads(self._file.read_text(encoding="utf-8"))
            return {module: set(names) for module, names in told.items()}
        except (OSError, ValueError, TypeError, AttributeError):  # there is none, or it is another
            return {}


def _key(module: Path) -> str:
    return str(module.resolve())


def _name(result: ClaimResult) -> str:
    return _ALL if result.claim is None else result.claim.name
