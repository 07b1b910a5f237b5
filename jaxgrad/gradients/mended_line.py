"""A line of code in which the argument of an operation is masked where its slope is infinite."""

from __future__ import annotations

import ast
import math

from jaxgrad.programs.source_lines import Line

__all__ = ["mended", "mended_text"]

# What a primitive is called where it is written as a function.
_CALLED = {
    "sqrt": ("sqrt",), "rsqrt": ("rsqrt",), "cbrt": ("cbrt",), "log": ("log", "log2", "log10"),
    "log1p": ("log1p",), "acos": ("acos", "arccos"), "asin": ("asin", "arcsin"),
    "acosh": ("acosh", "arccosh"), "atanh": ("atanh", "arctanh"), "pow": ("pow", "power"),
    "div": ("divide", "true_divide", "div"),
}  # fmt: skip
_WRITTEN = {"div": ast.Div, "pow": ast.Pow}
MOST_LINE = 100  # characters of a line that is shown again
MOST_ARGUMENT = 40  # characters of an argument that is written twice


def mended(line: Line, operation: str, met: str, value: float) -> str:
    """The line as it should be, for a message; how to write it where it is not found.

    Args:
        line: the line of the operation.
        operation: the name of its primitive.
        met: the number at which its slope is infinite.
        value: what it returns there.
    """
    found = mended_text(line.text, operation, met, value)
    if found is not None:
        return f": `{found}`"
    return f": `{_general(operation, met, value)}`, of which s is that"


def mended_text(text: str, operation: str, met: str, value: float) -> str | None:
    """The same of the text of a line; None where it is not one statement with one such operation.

    Example:
        >>> mended_text("y = x / norm", "div", "0", math.inf)
        'y = x / jnp.where(norm == 0, 1.0, norm)'
        >>> mended_text("return jnp.sqrt(s)", "sqrt", "0", 0.0)
        'return jnp.where(s == 0, 0.0, jnp.sqrt(jnp.where(s == 0, 1.0, s)))'
    """
    try:
        tree = ast.parse(text) if text.isascii() else ast.Module([], [])
    except SyntaxError:
        return None
    if len(text) > MOST_LINE:
        return None
    places = [node for node in ast.walk(tree) if _argument(node, operation) is not None]
    if len(places) != 1 or len(text.splitlines()) != 1:
        return None
    whole, argument = places[0], _argument(places[0], operation)
    code, inner = (_source(text, node) for node in (whole, argument))
    if len(inner) > MOST_ARGUMENT:
        return None
    start, end = argument.col_offset, argument.end_col_offset  # pyright: ignore
    shift = whole.col_offset  # pyright: ignore[reportAttributeAccessIssue]
    masked = _masked(inner, met)
    changed = code[: start - shift] + masked + code[end - shift :]
    if math.isfinite(value):
        changed = f"jnp.where({_compared(inner)} == {met}, {value!r}, {changed})"
    before, after = text[:shift], text[whole.end_col_offset :]  # pyright: ignore
    return before + changed + after


def _argument(node: ast.AST, operation: str) -> ast.expr | None:
    """The argument that is masked, if a node is the operation."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, _WRITTEN.get(operation, ())):
        return node.right if operation == "div" else node.left
    if isinstance(node, ast.Call) and node.args:
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else ""
        name = function.id if isinstance(function, ast.Name) else name
        if name in _CALLED.get(operation, ()):
            return node.args[1] if operation == "div" and len(node.args) > 1 else node.args[0]
    return None


def _source(text: str, node: ast.AST | None) -> str:
    return text[node.col_offset : node.end_col_offset]  # pyright: ignore


def _compared(code: str) -> str:
    simple = isinstance(ast.parse(code, mode="eval").body, ast.Name | ast.Call | ast.Subscript)
    return code if simple else f"({code})"


def _masked(code: str, met: str) -> str:
    safe = "1.0" if met in ("0", "-0") else "0.0"
    return f"jnp.where({_compared(code)} == {met}, {safe}, {code})"


def _general(operation: str, met: str, value: float) -> str:
    """The same of an argument ``s`` whose name is not known."""
    masked = _masked("s", met)
    if operation == "div":
        return f"x / {masked}"
    call = f"{masked} ** p" if operation == "pow" else f"jnp.{operation}({masked})"
    return f"jnp.where(s == {met}, {value!r}, {call})" if math.isfinite(value) else call
