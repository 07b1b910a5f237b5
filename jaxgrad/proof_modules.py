"""Proof modules: Python files in which functions are claims, and how they are found and imported.

Modules are imported by their path under a name of their own, so two folders may hold files of the
same name. While a module is imported its folder stands last on ``sys.path``: ``import _common`` at
the top of a module finds ``_common.py`` beside it (never in place of an installed package), each
module gets its own copy, and an import inside a function or a relative import does not find it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import importlib
import importlib.machinery
import importlib.util
import inspect
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from .claims import MARK, REGISTRY, Claim, ClaimResult, failure_text
from .errors import ArgumentError

__all__ = ["Collection", "collect", "collect_file", "is_proof_file"]

# Proof modules stand in sys.modules under this, a digest of their path, and their own name.
_PREFIX = "_jaxgrad_claims_"


@dataclass(frozen=True)
class Collection:
    """The claims that were found, and one result for each thing that could not be collected."""

    claims: tuple[Claim, ...] = ()
    failures: tuple[ClaimResult, ...] = ()


def is_proof_file(path: Path) -> bool:
    """Whether a file found in a folder is a proof module: ``*.py``, but not ``_*`` or ``.*``."""
    return path.suffix == ".py" and not path.name.startswith(("_", "."))


def collect(paths: Iterable[str | Path]) -> Collection:
    """Import the proof modules among files and folders and find their claims.

    A folder stands for every proof file in it and in its subfolders, apart from those whose names
    begin with ``_`` or ``.``; a file that is named is imported whatever its name begins with.

    Args:
        paths: files and folders.

    Raises:
        ArgumentError: a path does not exist, is no Python file, or holds no claim.

    Example:
        >>> collect(["no/such/folder"])
        Traceback (most recent call last):
        ...
        jaxgrad.errors.ArgumentError: no such file or folder: no/such/folder
    """
    seen: set[Path] = set()
    claims: list[Claim] = []
    failures: list[ClaimResult] = []
    for path in map(Path, paths):
        found = False
        for file in _proof_files(path):
            if file.resolve() in seen:
                found = True
                continue
            seen.add(file.resolve())
            module = collect_file(file)
            claims.extend(module.claims)
            failures.extend(module.failures)
            found = found or bool(module.claims or module.failures)
        if not found:
            raise ArgumentError(f"no claims in {path}: decorate a function with @jaxgrad.claim")
    return Collection(tuple(claims), tuple(failures))


def collect_file(path: Path) -> Collection:
    """Import one proof module and find its claims; a failed import is a result."""
    started = time.perf_counter()
    try:
        module = _load(path)
    except (Exception, SystemExit) as error:
        text = "the module cannot be imported\n" + failure_text(error, path)
        seconds = time.perf_counter() - started
        return Collection(failures=(ClaimResult(path.name, "", path, seconds, error=text),))
    first: dict[str, Claim] = {}
    failures = []
    for found in _claims_of(module, path):
        if found.name in first:
            failures.append(_duplicate(first[found.name], found))
        else:
            first[found.name] = found
    return Collection(tuple(first.values()), tuple(failures))


def _proof_files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(
            file
            for file in path.rglob("*.py")
            if is_proof_file(file)
            and not any(p.startswith(("_", ".")) for p in file.relative_to(path).parts)
        )
    if not path.exists():
        raise ArgumentError(f"no such file or folder: {path}")
    if path.suffix != ".py":
        raise ArgumentError(f"not a Python file: {path}")
    return [path]


def _duplicate(first: Claim, second: Claim) -> ClaimResult:
    text = (
        f"two claims of {second.path} are named {second.name}, on lines {first.line} and "
        f"{second.line}; the second was not run: rename one, or yield several parts from one claim"
    )
    return ClaimResult(second.id, "", second.path, 0.0, claim=second, error=text)


def _claims_of(module: ModuleType, path: Path) -> list[Claim]:
    """The claims defined in a module, and those it made by calling or importing something else."""
    names = vars(module)
    functions = [value for value in names.values() if inspect.isfunction(value)]
    made = [getattr(function, MARK) for function in functions if hasattr(function, MARK)]
    unique = {id(found): found for found in [*names.get(REGISTRY, ()), *made]}
    return [
        dataclasses.replace(found, path=path)
        for found in unique.values()
        if not _belongs_to_sibling(found, path)
    ]


def _belongs_to_sibling(found: Claim, path: Path) -> bool:
    """Whether a claim comes from a proof module beside this one, which is collected itself."""
    home = found.path.resolve()
    return home != path.resolve() and home.parent == path.resolve().parent and is_proof_file(home)


def _load(path: Path) -> ModuleType:
    digest = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    name = f"{_PREFIX}{digest}_{path.stem}"
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    # Compiled here and not by the loader: its cache takes a file for unchanged when size and
    # second agree.
    code = loader.source_to_code(path.read_bytes(), str(path))
    sys.modules[name] = module
    try:
        with _folder_on_path(path.resolve().parent):
            exec(code, module.__dict__)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


@contextlib.contextmanager
def _folder_on_path(folder: Path) -> Iterator[None]:
    """Let siblings be imported, and forget them after: each folder has its own helpers."""
    before, path = set(sys.modules), list(sys.path)
    sys.path.append(str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if not name.startswith(_PREFIX) and file and Path(file).parent == folder:
                del sys.modules[name]
