"""The custom derivative rules that are made when a function is called, as its source has them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from jaxgrad.claims.found_rule import TYPES, FoundRule, is_of

__all__ = ["rules_in_source"]

# What makes a rule, or takes one.
_KINDS = (
    *("custom_jvp", "custom_vjp", "custom_gradient", "custom_root", "custom_linear_solve"),
    *("filter_custom_jvp", "filter_custom_vjp"),  # equinox's
)


def rules_in_source(module: ModuleType, package: str) -> Iterator[FoundRule]:
    """The rules of a module that no name of it has, by the functions that make them.

    Args:
        module: it is read, not run.
        package: nothing is said of a module that is not in it.

    Example:
        >>> import jax.nn
        >>> list(rules_in_source(jax.nn, "jax"))
        []
    """
    file = getattr(module, "__file__", None)
    if not file or not file.endswith(".py") or not is_of(module.__name__, package):
        return
    try:
        tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, UnicodeDecodeError):
        return
    for maker in _makers(tree, ()):
        functions = [node for node in maker.outer if not isinstance(node, ast.ClassDef)]
        # Of those that no function is around, but these, the module has what is known as a rule.
        if functions or (maker.name and maker.kind not in TYPES):
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
