"""Every text in which the package says why something is UNDECIDED, read from its syntax trees.

``tests/test_site.py`` holds docs/undecided.md against it: a reason that is not on the page fails.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["reasons"]

# What is called, or raised, with a reason among its arguments.
_SAYING = {
    "CannotDecide",
    "OpaquePrimitive",
    "UnsupportedPrimitive",
    "_Row",
    "_undecided",
    "is_open",
    "undecided",
}
# What keeps reasons by its method ``add``, and what returns one.
_KEEPING = "reasons"
_RETURNING = "_undefined"
# Whatever an f-string fills in.
FILLED = "…"


def reasons(package: Path) -> dict[str, str]:
    """Text -> the file and line that says it; what is filled in at run time is ``…``.

    A text is a literal, a constant of a module, or what a function that is called there returns. A
    text that arrives in a variable was made at another of these places, and is read there.

    Args:
        package: its folder.
    """
    trees = {
        path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(package.rglob("*.py"))
    }
    named = _named(trees.values())
    found: dict[str, str] = {}
    for path, tree in trees.items():
        for node in ast.walk(tree):
            for text in (text for each in _said(node) for text in _texts(each, named)):
                line = getattr(node, "lineno", 0)
                place = f"{path.relative_to(package.parent).as_posix()}:{line}"
                found.setdefault(text, place)
    return found


def _said(node: ast.AST) -> list[ast.expr]:
    """The expressions of a node that are reasons."""
    if isinstance(node, ast.FunctionDef) and node.name == _RETURNING:
        inside = (each for each in ast.walk(node) if isinstance(each, ast.Return))
        return [each.value for each in inside if each.value is not None]
    if not isinstance(node, ast.Call):
        return []
    called = node.func
    keeps = (
        isinstance(called, ast.Attribute)
        and called.attr == "add"
        and _name(called.value) == _KEEPING
    )
    if keeps or _name(called) in _SAYING:
        return [*node.args, *(keyword.value for keyword in node.keywords)]
    return []


def _named(trees: Iterable[ast.Module]) -> dict[str, list[str]]:
    """Name -> the texts of the constants of that name, and those that functions of it return."""
    found: dict[str, list[str]] = defaultdict(list)
    for tree in trees:
        for node in tree.body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found[node.targets[0].id] += _texts(node.value, found)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                for inside in ast.walk(node):
                    if isinstance(inside, ast.Return) and inside.value is not None:
                        found[node.name] += _texts(inside.value, {})
    return found


def _texts(node: ast.expr, named: dict[str, list[str]]) -> Iterator[str]:
    """The sentences that an expression may be."""
    if isinstance(node, ast.Name):
        yield from named.get(node.id, ())
    elif isinstance(node, ast.Call):
        yield from named.get(_name(node.func), ())
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body, named)
        yield from _texts(node.orelse, named)
    else:
        text = _text(node, named)
        # A name is no sentence, and what has one word of its own hands on another text.
        if len(re.findall(r"\w+", text)) > 1 and " " in text:
            yield text


def _text(node: ast.expr, named: dict[str, list[str]]) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else FILLED
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(each, named) for each in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left, named) + _text(node.right, named)
    return FILLED


def _name(node: ast.expr) -> str:
    return getattr(node, "id", "") or getattr(node, "attr", "")
