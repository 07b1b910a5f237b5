"""A line of code in which the argument of an operation is masked where its slope is infinite."""

from __future__ import annotations

import ast

from jaxgrad.programs.function_domains import Domain
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


def mended(line: Line, operation: str, known: Domain) -> str:
    """The line as it should be, for a message; how to write it where it is not found.

    Args:
        line: the line of the operation.
        operation: the name of its primitive.
        known: where its argument may lie.
    """
    found = mended_text(line.text, operation, known, line.expression)
    if found is not None:
        return f": `{found}`"
    return f": `{_general(operation, known)}`, of which s is that"


def mended_text(
    text: str, operation: str, known: Domain, columns: tuple[int, int] | None = None
) -> str | None:
    """The same of the text of a line; None where it is not one statement with one such operation.

    Args:
        text: the line.
        operation: the name of the primitive.
        known: where its argument may lie.
        columns: where the operation stands, the first and the one behind the last, if known.

    Example:
        >>> from jaxgrad.programs.function_domains import domain
        >>> mended_text("y = x / norm", "div", domain("div", 0.0))
        'y = x / jnp.where(norm != 0, norm, 1.0)'
        >>> mended_text("return jnp.sqrt(s)", "sqrt", domain("sqrt", 0.0))
        'return jnp.where(s > 0, jnp.sqrt(jnp.where(s > 0, s, 1.0)), 0.0)'
    """
    try:
        tree = ast.parse(text) if text.isascii() else ast.Module([], [])
    except SyntaxError:
        return None
    if len(text) > MOST_LINE or len(text.splitlines()) != 1:
        return None
    places = [node for node in ast.walk(tree) if _argument(node, operation) is not None]
    if columns is not None:
        places = [node for node in places if _columns(node) == columns]
    if len(places) != 1:
        return None
    whole, argument = places[0], _argument(places[0], operation)
    assert argument is not None
    code, inner = (_source(text, node) for node in (whole, argument))
    if len(inner) > MOST_ARGUMENT:
        return None
    (first, behind), (start, end) = _columns(whole), _columns(argument)
    changed = code[: start - first] + _masked(inner, known) + code[end - first :]
    return text[:first] + _with_end(inner, known, changed) + text[behind:]


def _columns(node: ast.AST) -> tuple[int, int]:
    return node.col_offset, node.end_col_offset  # pyright: ignore


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


def _masked(code: str, known: Domain) -> str:
    return f"jnp.where({_compared(code)} {known.inside}, {code}, {known.safe})"


def _with_end(code: str, known: Domain, operation: str) -> str:
    """An operation on what is masked, which outside returns what it does at the end."""
    if known.end is None:
        return operation
    return f"jnp.where({_compared(code)} {known.inside}, {operation}, {known.end})"


def _general(operation: str, known: Domain) -> str:
    """The same of an argument ``s`` whose name is not known."""
    masked = _masked("s", known)
    if operation == "div":
        return f"x / {masked}"
    module = "jax.lax" if operation == "rsqrt" else "jnp"  # jax.numpy has none
    call = f"{masked} ** p" if operation == "pow" else f"{module}.{operation}({masked})"
    return _with_end("s", known, call)
