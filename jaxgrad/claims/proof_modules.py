"""Proof modules: Python files in which functions are claims, and how they are found and imported.

Modules are imported by their path under a name of their own, so two folders may hold files of the
same name. While a module is imported, and while its claims run, its folder stands last on
``sys.path``: ``import _common`` finds ``_common.py`` or the package ``_common`` beside it (never in
place of an installed package), and each module gets its own copy.
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
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from jaxgrad.claims.claim import MARK, Claim, ClaimResult
from jaxgrad.claims.failures import failure_text
from jaxgrad.claims.registration import Registry, registering, was_registered
from jaxgrad.errors import ArgumentError

__all__ = ["Collection", "collect", "collect_file", "find", "is_proof_file", "no_claims"]

# Proof modules stand in sys.modules under this, a digest of their path, and their own name.
_PREFIX = "_jaxgrad_claims_"


@dataclass(frozen=True)
class Collection:
    """The claims that were found, and one result for each thing that could not be collected.

    Args:
        claims: in the order of their declaration.
        failures: a module that cannot be imported, a claim that cannot be declared or has the name
            of another.
        neighbours: what has to be entered while the claims of one module run.
    """

    claims: tuple[Claim, ...] = ()
    failures: tuple[ClaimResult, ...] = ()
    neighbours: contextlib.AbstractContextManager[object] = field(
        default_factory=contextlib.nullcontext
    )


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
    files = find(paths)
    elsewhere = {file.resolve() for file in files}.__contains__
    modules = [collect_file(file, elsewhere) for file in files]
    claims = [claim for module in modules for claim in module.claims]
    failures = [failure for module in modules for failure in module.failures]
    for path in paths:
        inside = {file for file in files if file.resolve().is_relative_to(Path(path).resolve())}
        if not any(found.path in inside for found in [*claims, *failures]):
            raise no_claims(Path(path))
    return Collection(tuple(claims), tuple(failures))


def no_claims(path: Path) -> ArgumentError:
    """What is wrong with a path under which no claim was declared."""
    return ArgumentError(f"no claims in {path}: decorate a function with @jaxgrad.claim")


def find(paths: Iterable[str | Path]) -> list[Path]:
    """The proof files among files and folders, each once, without importing them.

    Args:
        paths: files and folders, as for :func:`collect`.

    Raises:
        ArgumentError: a path does not exist, is no Python file, or is a folder without any.
    """
    files: dict[Path, Path] = {}
    for path in map(Path, paths):
        found = _proof_files(path)
        if not found:
            raise no_claims(path)
        for file in found:
            files.setdefault(file.resolve(), file)
    return list(files.values())


def _nowhere(_: Path) -> bool:
    return False


def collect_file(
    path: Path,
    elsewhere: Callable[[Path], bool] = _nowhere,
    *,
    through: tuple[type[BaseException], ...] = (KeyboardInterrupt,),
) -> Collection:
    """Import one proof module and find its claims; a failed import is a result.

    Args:
        path: the module.
        elsewhere: whether the claims that a file (its resolved path) declares are collected with
            that file, so that they are left out of a module that imports them.
        through: exceptions that do not belong to the module, but to whoever imports it.
    """
    started = time.perf_counter()
    neighbours = _Neighbours(path.resolve().parent)
    try:
        with registering(path) as registry, neighbours:
            module = _load(path)
    except through:
        raise
    except BaseException as error:
        text = "the module cannot be imported\n" + failure_text(error, path)
        seconds = time.perf_counter() - started
        return Collection(failures=(ClaimResult(path.name, "", path, seconds, error=text),))
    first: dict[str, Claim] = {}
    claims, failures = [], list(registry.failures)
    for found in _claims_of(module, registry, elsewhere):
        namesake = first.setdefault(found.name, found)
        # Two claims on one function are two statements that one computation decides; two functions
        # of one name are a slip, since the second hides the first.
        if namesake.function is found.function:
            claims.append(found)
        else:
            failures.append(_duplicate(namesake, found))
    return Collection(tuple(claims), tuple(failures), neighbours)


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
    return ClaimResult(second.id, "", second.path, None, claim=second, error=text)


def _claims_of(
    module: ModuleType, registry: Registry, elsewhere: Callable[[Path], bool]
) -> list[Claim]:
    """The claims that a module declares, lets a helper declare, or imports by name."""
    bound = {id(value) for value in vars(module).values() if inspect.isfunction(value)}
    here = registry.path.resolve()

    def belongs(found: Claim) -> bool:
        home = found.path.resolve()
        if home == here:
            return True
        if elsewhere(home):
            return False
        beside = home.parent == here.parent and is_proof_file(home)
        return id(found.function) in bound or not beside

    # What a library declared before this import stands in no registry, but is marked.
    functions = [value for value in vars(module).values() if inspect.isfunction(value)]
    marked = [found for function in functions for found in getattr(function, MARK, ())]
    known = {id(found) for found in registry.claims}
    imported = [
        found for found in marked if id(found) not in known and not was_registered(found.path)
    ]
    return [
        dataclasses.replace(found, path=registry.path)
        for found in [*registry.claims, *imported]
        if belongs(found)
    ]


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
        exec(code, module.__dict__)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


class _Neighbours:
    """Lets the modules of a folder be imported, and forgets them after: each has its own helpers.

    What was imported inside is there again when it is entered again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._modules: dict[str, ModuleType] = {}

    def __enter__(self) -> None:
        self._path = list(sys.path)
        # Where the folder is on the path anyway its modules are everyone's.
        self._shared = self._folder in (Path(place).resolve() for place in self._path)
        sys.path.append(str(self._folder))
        importlib.invalidate_caches()
        self._displaced = {n: m for n, m in sys.modules.items() if n in self._modules}
        self._before = set(sys.modules) - set(self._displaced)
        sys.modules.update(self._modules)

    def __exit__(self, *_: object) -> None:
        sys.path[:] = self._path
        new = [name for name in sys.modules if name not in self._before]
        own = {name for name in new if "." not in name and self._is_own(name)}
        self._modules = {name: sys.modules[name] for name in new if name.partition(".")[0] in own}
        for name in self._modules:
            del sys.modules[name]
        sys.modules.update(self._displaced)

    def _is_own(self, name: str) -> bool:
        if name.startswith(_PREFIX) or (self._shared and not name.startswith("_")):
            return False
        module = sys.modules[name]
        # A package without __init__.py has folders, but no file.
        file = getattr(module, "__file__", None)
        places = [Path(file).parent] if file else []
        folders = [Path(place).parent for place in getattr(module, "__path__", ())]
        return self._folder in (place.resolve() for place in folders or places)
