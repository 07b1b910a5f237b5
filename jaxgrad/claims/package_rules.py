"""The custom derivative rules of a package: those that modules name, and those made on the way."""

from __future__ import annotations

import ast
import contextlib
import importlib
import inspect
import io
import itertools
import pkgutil
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import jax

from jaxgrad.claims.given_arguments import given
from jaxgrad.claims.named import named
from jaxgrad.errors import ArgumentError

__all__ = ["FoundRule", "RulesOfPackage", "rules_of"]

# What makes a rule, or takes one.
_KINDS = (
    *("custom_jvp", "custom_vjp", "custom_gradient", "custom_root", "custom_linear_solve"),
    *("filter_custom_jvp", "filter_custom_vjp"),  # equinox's
)
_TYPES = {"custom_jvp": jax.custom_jvp, "custom_vjp": jax.custom_vjp}
# Shapes that are tried for each argument, and how many calls of them at most.
_SHAPES = ("f32[3]", "f32[]", "f32[3, 3]", "i32[3]", "i32[]")
_CALLS = 40
# Modules that are scripts, or tests.
_NO_PART = re.compile(r"\.(__main__|conftest|tests?|test_\w+|\w+_test)(\.|$)")
# Decorators about a rule.
_WRAPPED = 8


@dataclass(frozen=True)
class FoundRule:
    """A custom derivative rule.

    Args:
        kind: what makes it, such as ``custom_vjp``.
        name: ``module:function`` of the function that has it, or that makes it when it is called.
        file, line: where that is.
        inside: whether it is made when the function is called.
        missing: whether the function has no rule yet.
        arguments: as ``jaxgrad check`` takes them, at which JAX differentiates the function; None
            where none of those that are tried does.
    """

    kind: str
    name: str
    file: str
    line: int
    inside: bool = False
    missing: bool = False
    arguments: tuple[str, ...] | None = None


@dataclass(frozen=True)
class RulesOfPackage:
    """What was found of a package.

    Args:
        modules: how many were looked at.
        rules: the rules, by file and line.
        failures: (module, why it cannot be imported).
    """

    modules: int
    rules: tuple[FoundRule, ...]
    failures: tuple[tuple[str, str], ...]


def rules_of(package: str) -> RulesOfPackage:
    """Imports every module of a package, but its tests, and looks for derivative rules in it.

    Args:
        package: the name of a package, or of one module.

    Raises:
        ArgumentError: it cannot be imported.

    Example:
        >>> found = rules_of("jax.numpy")
        >>> found.modules > 1, found.rules
        (True, ())
    """
    failures: list[tuple[str, str]] = []
    modules = list(_modules(package, failures))
    named = [rule for rule in _named(modules, package) if rule is not None]
    made = [rule for module in modules for rule in _made(module, package)]
    places = {(rule.file, rule.line) for rule in named}
    rules = [*named, *(rule for rule in made if (rule.file, rule.line) not in places)]
    in_order = sorted(dict.fromkeys(rules), key=lambda rule: (rule.file, rule.line, rule.name))
    return RulesOfPackage(len(modules), tuple(map(_with_arguments, in_order)), tuple(failures))


# -- modules ---------------------------------------------------------------------------------------
def _modules(package: str, failures: list[tuple[str, str]]) -> Iterator[ModuleType]:
    try:
        top = _imported(package)
    except Exception as error:
        raise ArgumentError(
            f"{package} cannot be imported: {type(error).__name__}: {error}; it is looked for in "
            "the current folder and among what is installed"
        ) from error
    yield top
    folders = [Path(folder) for folder in getattr(top, "__path__", ())]
    for name in dict.fromkeys(name for folder in folders for name in _inside(folder, package)):
        if _NO_PART.search(name):
            continue
        try:
            yield _imported(name)
        except BaseException as error:  # a script that ends the process, too
            if isinstance(error, KeyboardInterrupt):
                raise
            failures.append((name, f"{type(error).__name__}: {error}".partition("\n")[0]))


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
            rule = _rule(value)
            if rule is not None and _is_of(getattr(rule, "__module__", None), top):
                names.setdefault(id(rule), (rule, []))[1].append(f"{module.__name__}:{path}")
    for rule, paths in names.values():
        file, line = _place(rule)
        name = min(paths, key=lambda path: (_is_private(path), len(path), path))
        has_rule = getattr(rule, "jvp", None) or getattr(rule, "fwd", None)
        yield FoundRule(type(rule).__name__, name, file, line, missing=has_rule is None)


def _values(module: ModuleType) -> Iterator[tuple[str, Any]]:
    for name, value in sorted(vars(module).items()):
        if isinstance(value, ModuleType):
            continue
        yield name, value
        if inspect.isclass(value) and value.__module__ == module.__name__:
            for inner, method in vars(value).items():
                if not isinstance(method, property):
                    yield f"{name}.{inner}", getattr(method, "__func__", method)


def _rule(value: Any) -> Any:
    """The function with a custom rule that a value is, or wraps, as ``jax.jit`` does."""
    for _ in range(_WRAPPED):
        if type(value) in _TYPES.values():
            return value
        try:
            value = getattr(value, "__wrapped__", None)
        except Exception:  # what stands for something that is loaded when it is used
            return None
    return None


def _is_of(module: str | None, package: str) -> bool:
    return module is not None and f"{module}.".startswith(f"{package}.")


def _is_private(path: str) -> bool:
    return any(part.startswith("_") for part in path.replace(":", ".").split("."))


def _place(rule: Any) -> tuple[str, int]:
    code = getattr(inspect.unwrap(rule), "__code__", None)
    return (code.co_filename, code.co_firstlineno) if code else ("", 0)


# -- rules that are made when a function is called -------------------------------------------------
def _made(module: ModuleType, package: str) -> Iterator[FoundRule]:
    file = getattr(module, "__file__", None)
    if not file or not file.endswith(".py") or not _is_of(module.__name__, package):
        return
    try:
        tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return
    for maker in _makers(tree, ()):
        functions = [node for node in maker.outer if not isinstance(node, ast.ClassDef)]
        # Of those that no function is around, but these, the module has what is known as a rule.
        if functions or (maker.name and maker.kind not in _TYPES):
            around = (
                maker.outer[: maker.outer.index(functions[0]) + 1] if functions else maker.outer
            )
            path = ".".join([node.name for node in around] + [maker.name] * (not functions))
            inside = bool(functions)
            yield FoundRule(maker.kind, f"{module.__name__}:{path}", file, maker.line, inside)


class _Maker(NamedTuple):
    """A decorator or a call that makes a rule.

    Args:
        kind: which.
        outer: the functions and classes around it, the outermost first.
        name: of the function that is decorated; "" of a call.
        line: where it is.
    """

    kind: str
    outer: tuple[Any, ...]
    name: str
    line: int


def _makers(node: ast.AST, outer: tuple[Any, ...]) -> Iterator[_Maker]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            for decorator in child.decorator_list:
                kind = next(filter(None, map(_kind, ast.walk(decorator))), None)
                if kind is not None:
                    yield _Maker(kind, outer, child.name, child.decorator_list[0].lineno)
            body = ast.Module(child.body, [])
            yield from _makers(body, (*outer, child))
        elif isinstance(child, ast.ClassDef):
            yield from _makers(child, (*outer, child))
        else:
            if isinstance(child, ast.Call):
                kind = next(filter(None, map(_kind, (child.func, *child.args))), None)
                if kind is not None:
                    yield _Maker(kind, outer, "", child.lineno)
            yield from _makers(child, outer)


def _kind(node: ast.AST) -> str | None:
    name = getattr(node, "attr", None) or getattr(node, "id", None)
    return name if name in _KINDS else None


# -- arguments -------------------------------------------------------------------------------------
def _with_arguments(rule: FoundRule) -> FoundRule:
    """The rule with arguments at which JAX differentiates the function."""
    if rule.missing or rule.inside:
        return rule
    module = rule.name.partition(":")[0]
    function = named("MODULE:FUNCTION", rule.name)
    found = next((texts for texts in _tried(function) if _takes(function, texts, module)), None)
    return replace(rule, arguments=found)


def _tried(function: Callable[..., Any]) -> Iterator[tuple[str, ...]]:
    """Arguments for the parameters without a default: first of one shape all, then of several."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return
    needed = [p for p in parameters if p.default is p.empty and p.kind is not p.KEYWORD_ONLY]
    if needed and needed[0].name == "self":
        return
    static = getattr(_rule(function), "nondiff_argnums", ())
    alone = {k: _of_annotation(p) for k, p in enumerate(needed)} | dict.fromkeys(static, "1")
    count = len([p for p in needed if p.kind is not p.VAR_POSITIONAL]) or 1
    alike = ((shape,) * count for shape in _SHAPES)
    several = itertools.product(_SHAPES, repeat=count)
    for shapes in itertools.islice(itertools.chain(alike, several), _CALLS):
        yield tuple(alone.get(k) or shape for k, shape in enumerate(shapes))


def _of_annotation(parameter: inspect.Parameter) -> str | None:
    """What a parameter takes that is said to be one of Python's numbers; None if it is not."""
    annotation = parameter.annotation
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return {"float": "f32[]", "int": "1", "bool": "True"}.get(name)


def _takes(function: Callable[..., Any], texts: Sequence[str], module: str) -> bool:
    """Whether JAX has a derivative of the function at these arguments."""
    args = given(texts, module).args
    moving = [k for k, x in enumerate(args) if isinstance(x, jax.Array) and x.dtype == "float32"]
    if not moving:
        return False

    def gradient(*moved: jax.Array) -> Any:
        every = list(args)
        for k, x in zip(moving, moved, strict=True):
            every[k] = x
        return function(*every)

    def transposed(*moved: jax.Array) -> Any:
        value, back = jax.vjp(gradient, *moved)
        return back(jax.tree.map(jax.numpy.ones_like, value))

    try:
        jax.eval_shape(transposed, *(args[k] for k in moving))
    except Exception:
        return False
    return True
