"""The custom derivative rules of a package: those that modules name, and those made on the way."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import io
import pkgutil
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from jaxgrad.claims.found_rule import FoundRule, is_of, place_of_rule, rule_of
from jaxgrad.claims.raised_text import all_that_was_raised
from jaxgrad.claims.rules_in_source import rules_in_source
from jaxgrad.errors import ArgumentError

__all__ = ["RulesOfPackage", "rules_of"]

# Modules that are scripts, or tests.
_NO_PART = re.compile(r"\.(__main__|conftest|tests?|test_\w+|\w+_test)(\.|$)")


@dataclass(frozen=True)
class RulesOfPackage:
    """What was found of a package.

    Args:
        modules: how many were looked at.
        rules: the rules, by file and line.
        failures: (module, why it cannot be imported).
        left_out: the modules that were to be.
    """

    modules: int
    rules: tuple[FoundRule, ...]
    failures: tuple[tuple[str, str], ...]
    left_out: tuple[str, ...] = ()


def rules_of(
    package: str,
    *,
    without: Collection[str] = (),
    skip: Collection[str] = (),
    at: Callable[[str], object] = lambda _: None,
) -> RulesOfPackage:
    """Imports every module of a package, but its tests, and looks for derivative rules in it.

    Args:
        package: the name of a package, or of one module.
        without: names of modules that are not imported.
        skip: names of modules that are left out with all that is in them.
        at: called with the name of each module before it is imported.

    Raises:
        ArgumentError: it cannot be imported.

    Example:
        >>> found = rules_of("jax.numpy")
        >>> found.modules > 1, found.rules
        (True, ())
    """
    failures: list[tuple[str, str]] = []
    left_out: list[str] = []
    modules = []
    for name in _names(package, at):
        if any(is_of(name, one) for one in skip):
            left_out.append(name)
        elif name not in without:
            modules += _modules(name, package, at, failures)
    named = [rule for rule in _named(modules, package) if rule is not None]
    made = [rule for module in modules for rule in rules_in_source(module, package)]
    places = {(rule.file, rule.line) for rule in named}
    rules = [*named, *(rule for rule in made if (rule.file, rule.line) not in places)]
    in_order = sorted(dict.fromkeys(rules), key=lambda rule: (rule.file, rule.line, rule.name))
    return RulesOfPackage(len(modules), tuple(in_order), tuple(failures), tuple(left_out))


# -- modules ---------------------------------------------------------------------------------------
def _names(package: str, at: Callable[[str], object]) -> Iterator[str]:
    """The names of a package, which is imported then, and of the modules in it."""
    at(package)
    try:
        top = _imported(package)
    except Exception as error:
        raise ArgumentError(
            f"{package} cannot be imported: {all_that_was_raised(error)}; it is looked for in "
            "the current folder and among what is installed"
        ) from error
    yield package
    folders = [Path(folder) for folder in getattr(top, "__path__", ())]
    inside = (name for folder in folders for name in _inside(folder, package))
    yield from (name for name in dict.fromkeys(inside) if not _NO_PART.search(name))


def _modules(
    name: str, package: str, at: Callable[[str], object], failures: list[tuple[str, str]]
) -> Iterator[ModuleType]:
    """The module of a name, unless it cannot be imported."""
    if name != package:
        at(name)
    try:
        yield _imported(name)
    except BaseException as error:  # a script that ends the process, too
        if isinstance(error, KeyboardInterrupt):
            raise
        failures.append((name, all_that_was_raised(error)))


def _inside(folder: Path, package: str) -> Iterator[str]:
    """The names of all modules in a folder, and in those in it, without an __init__.py, too."""
    for found in pkgutil.iter_modules([str(folder)]):
        yield f"{package}.{found.name}"
    for inner in sorted(folder.iterdir() if folder.is_dir() else ()):
        if inner.is_dir() and inner.name.isidentifier() and inner.name != "__pycache__":
            yield from _inside(inner, f"{package}.{inner.name}")


def _imported(name: str) -> ModuleType:
    """A module; what it prints is not said."""
    with contextlib.redirect_stdout(io.StringIO()):
        return importlib.import_module(name)


# -- rules that have a name ------------------------------------------------------------------------
def _named(modules: Sequence[ModuleType], package: str) -> Iterator[FoundRule]:
    """Each rule of a function or method that a module names, by the name that is easiest to use."""
    names: dict[int, tuple[Any, list[str]]] = {}
    top = package.partition(".")[0]  # whose private modules hold what others name
    for module in modules:
        for path, value in _values(module):
            rule = rule_of(value)
            if rule is not None and is_of(getattr(rule, "__module__", None), top):
                names.setdefault(id(rule), (rule, []))[1].append(f"{module.__name__}:{path}")
    for rule, paths in names.values():
        file, line = place_of_rule(rule)
        own = getattr(rule, "__name__", "")
        name = min(
            paths, key=lambda path: (_is_private(path), not _ends(path, own), len(path), path)
        )
        has_rule = getattr(rule, "jvp", None) or getattr(rule, "fwd", None)
        yield FoundRule(type(rule).__name__, name, file, line, missing=has_rule is None)


def _values(module: ModuleType) -> Iterator[tuple[str, Any]]:
    for name, value in sorted(vars(module).items()):
        if isinstance(value, ModuleType):
            continue
        yield name, value
        if inspect.isclass(value) and value.__module__ == module.__name__:
            yield from _in_class(name, value)


def _in_class(path: str, of: type) -> Iterator[tuple[str, Any]]:
    for name, value in vars(of).items():
        if inspect.isclass(value) and value.__qualname__ == f"{of.__qualname__}.{name}":
            yield from _in_class(f"{path}.{name}", value)
        elif not isinstance(value, property):
            yield f"{path}.{name}", getattr(value, "__func__", value)


def _ends(path: str, name: str) -> bool:
    """Whether a path is that of the name with which a function was defined."""
    return path.replace(":", ".").rpartition(".")[2] == name


def _is_private(path: str) -> bool:
    return any(part.startswith("_") for part in path.replace(":", ".").split("."))
