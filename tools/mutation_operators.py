"""Small planted errors, made from the syntax tree of a source file.

An operator looks at one node and yields what may stand in its place.  Whatever is written for the
reader alone, such as docstrings, annotations and the text of errors, is left as it is.
"""

from __future__ import annotations

import ast
import bisect
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

__all__ = ["Mutant", "mutants_of"]

KINDS = (
    "operands swapped", "parameter ignored", "sign", "NaN for a value", "branch taken wrongly",
    "bound rounded inward", "comparison", "off by one", "condition forgotten",
    "cached thing confused", "step left out", "another operation",
)  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One planted error.

    Args:
        file: the source file, relative to the repository.
        line: where it is planted, for the reader.
        place: the function around it, which a later commit moves about less than a line.
        kind: one of ``KINDS``.
        around: the lines of that function.
        before, after: the source that is replaced, and by what.
        nth: which of those that read the same within the function, from 1.
        source: the whole changed file.
    """

    file: str
    line: int
    place: str
    around: range
    kind: str
    before: str
    after: str
    nth: int
    source: str

    @property
    def words(self) -> list[str]:
        """What is named on its line: the entry of a table, a parameter."""
        return re.findall(r'"([\w-]+)"', self.source.splitlines()[self.line - 1])

    @property
    def key(self) -> str:
        """What names it whatever is changed elsewhere in the file."""
        which = f" (number {self.nth})" if self.nth > 1 else ""
        return f"{self.file} {self.place}: {self.kind}: {self.before} → {self.after}{which}"

    def __str__(self) -> str:
        return f"{self.file}:{self.line} ({self.place}), {self.kind}: {self.before} → {self.after}"


Replacement = tuple[str, ast.AST, str]  # kind, the node that is replaced, what stands there


def mutants_of(file: str, source: str) -> list[Mutant]:
    """Every planted error that the operators know of in a file."""
    tree = ast.parse(source)
    lines = source.encode().splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    found, seen = [], set()
    alike: Counter[tuple[str, ...]] = Counter()
    for place, around, node in _nodes(tree):
        for kind, old, after in _changes(node):
            first, last = _ends(old, starts)
            raw = source.encode()
            before = raw[first:last].decode()
            changed = (raw[:first] + after.encode() + raw[last:]).decode()
            if changed == source or (first, last, after) in seen:
                continue
            seen.add((first, last, after))
            before, short = (" ".join(text.split()) for text in (before, after))
            line = bisect.bisect(starts, first)
            alike[place, kind, before, short] += 1
            nth = alike[place, kind, before, short]
            found.append(Mutant(file, line, place, around, kind, before, short, nth, changed))
    return found


def _ends(node: ast.AST, starts: list[int]) -> tuple[int, int]:
    first = starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
    return first, starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]


# -- which nodes are looked at ---------------------------------------------------------------------
_FOR_THE_READER = ("__repr__", "__str__", "describe", "text", "text_of")


Place = tuple[str, range, ast.AST]
EVERYWHERE = range(1, 10**6)


def _nodes(tree: ast.AST, place: str = "the module", around: range = EVERYWHERE) -> Iterator[Place]:
    """The nodes that compute something, with the functions that they stand in."""
    for node in _parts(tree):
        if isinstance(node, _NOTHING_COMPUTED) or _is_text(node):
            continue
        inner, lines = place, around
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            if node.name in _FOR_THE_READER:
                continue
            inner = node.name if place == "the module" else f"{place}.{node.name}"
            lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
        yield inner, lines, node
        yield from _nodes(node, inner, lines)


_NOTHING_COMPUTED = (
    ast.Raise, ast.Import, ast.ImportFrom, ast.Assert, ast.JoinedStr, ast.arg,
)  # fmt: skip


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    """The children, without decorators, annotations and what type checkers alone look at."""
    if isinstance(node, ast.FunctionDef):
        yield from (*node.args.defaults, *filter(None, node.args.kw_defaults), *node.body)
    elif isinstance(node, ast.AnnAssign):
        yield from filter(None, [node.value])
    elif not (isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"):
        yield from ast.iter_child_nodes(node)


def _is_text(node: ast.AST) -> bool:
    value = node.value if isinstance(node, ast.Expr) else node
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


# -- the operators ---------------------------------------------------------------------------------
def _changes(node: ast.AST) -> Iterator[Replacement]:
    for operator in OPERATORS:
        yield from operator(node)


def _put(node: ast.AST) -> str:
    return f"({ast.unparse(node)})"


_OPPOSITE: dict[type[ast.operator], str] = {ast.Add: "-", ast.Sub: "+"}
_SWAPPED: dict[type[ast.operator], str] = {
    ast.Sub: "-", ast.Div: "/", ast.Pow: "**", ast.MatMult: "@", ast.FloorDiv: "//", ast.Mod: "%",
}  # fmt: skip


def _arithmetic(node: ast.AST) -> Iterator[Replacement]:
    if not isinstance(node, ast.BinOp) or _is_text(node.left) or _is_text(node.right):
        return
    left, right = _put(node.left), _put(node.right)
    if type(node.op) in _SWAPPED and left != right:
        yield "operands swapped", node, f"({right} {_SWAPPED[type(node.op)]} {left})"
    if type(node.op) in _OPPOSITE:
        yield "sign", node, f"({left} {_OPPOSITE[type(node.op)]} {right})"
    if isinstance(node.op, ast.Mult):
        yield "another operation", node, f"({left} + {right})"
    if isinstance(node.op, ast.Mult | ast.Div):
        yield "another operation", node, left


def _sign(node: ast.AST) -> Iterator[Replacement]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "sign", node, _put(node.operand)


# Functions of two arguments of which the order matters.
_ORDERED = (
    "divide", "select", "power", "compare", "quotient", "raised", "matmul", "_quotient",
    "remainder", "atan2",
)  # fmt: skip


def _called(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def _arguments(node: ast.AST) -> Iterator[Replacement]:
    if not isinstance(node, ast.Call):
        return
    name, args = _called(node), [ast.unparse(arg) for arg in node.args]
    if name in _ORDERED and len(args) >= 2 and args[-1] != args[-2]:
        swapped = [*args[:-2], args[-1], args[-2], *(ast.unparse(k) for k in node.keywords)]
        yield "operands swapped", node, f"{ast.unparse(node.func)}({', '.join(swapped)})"
    for k, keyword in enumerate(node.keywords):
        if keyword.arg in (None, "strict", "dtype", "trusts", "default", "frozen"):
            continue
        rest = [*args, *(ast.unparse(other) for i, other in enumerate(node.keywords) if i != k)]
        yield "parameter ignored", node, f"{ast.unparse(node.func)}({', '.join(rest)})"


def _parameters(node: ast.AST) -> Iterator[Replacement]:
    """``params["reverse"]`` becomes what is neutral of its type: False, 0 or nothing."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and _is_text(node.slice):
        holder = ast.unparse(node.value)
        if holder == "params" or holder.endswith(".params"):
            own = ast.unparse(node)
            yield "parameter ignored", node, f"type({own})()"


def _nan(node: ast.AST) -> Iterator[Replacement]:
    if not isinstance(node, ast.FunctionDef) or node.returns is None:
        return
    nothing = {"arb": "arb('nan')", "float": "float('nan')"}.get(ast.unparse(node.returns))
    for inner in ast.walk(node) if nothing else ():
        value = inner.value if isinstance(inner, ast.Return) else None
        if nothing and value is not None and "nan" not in ast.unparse(value):
            yield "NaN for a value", value, nothing


def _branches(node: ast.AST) -> Iterator[Replacement]:
    if isinstance(node, ast.If | ast.While) and ast.unparse(node.test) != "TYPE_CHECKING":
        yield "branch taken wrongly", node.test, f"(not {_put(node.test)})"
    if isinstance(node, ast.If) and _is_guard(node):
        yield "condition forgotten", node.test, "False"
    if isinstance(node, ast.IfExp):
        test, body, other = (ast.unparse(x) for x in (node.test, node.body, node.orelse))
        yield "branch taken wrongly", node, f"(({other}) if ({test}) else ({body}))"


def _is_guard(node: ast.If) -> bool:
    ends = (ast.Raise, ast.Return, ast.Continue, ast.Break)
    return not node.orelse and len(node.body) == 1 and isinstance(node.body[0], ends)


_INWARD = {
    "upper": "lower", "lower": "upper", "abs_upper": "abs_lower", "abs_lower": "abs_upper",
    "ceil": "floor", "floor": "ceil",
}  # fmt: skip


def _bounds(node: ast.AST) -> Iterator[Replacement]:
    if not isinstance(node, ast.Call):
        return
    name = _called(node)
    if isinstance(node.func, ast.Attribute) and name in _INWARD:
        arguments = ast.unparse(node).removeprefix(ast.unparse(node.func))
        changed = f"{ast.unparse(node.func.value)}.{_INWARD[name]}{arguments}"
        yield "bound rounded inward", node, changed
    if isinstance(node.func, ast.Attribute) and name == "union" and len(node.args) == 1:
        yield "bound rounded inward", node, ast.unparse(node.func.value)
    if name == "arb" and len(node.args) == 2:
        yield "bound rounded inward", node, f"arb({ast.unparse(node.args[0])})"
    if name in ("max", "min") and len(node.args) == 2:
        first, second = (ast.unparse(arg) for arg in node.args)
        other = "min" if name == "max" else "max"
        if isinstance(node.func, ast.Name):
            yield "bound rounded inward", node, f"{other}({first}, {second})"
    if name in ("all", "any") and isinstance(node.func, ast.Name):
        arguments = ast.unparse(node).removeprefix(name)
        yield "condition forgotten", node, f"{'any' if name == 'all' else 'all'}{arguments}"


_COMPARED: dict[type[ast.cmpop], tuple[str, ...]] = {
    ast.Lt: ("<=", ">"), ast.LtE: ("<", ">="), ast.Gt: (">=", "<"), ast.GtE: (">", "<="),
    ast.Eq: ("!=",), ast.NotEq: ("==",), ast.Is: ("is not",), ast.IsNot: ("is",),
    ast.In: ("not in",), ast.NotIn: ("in",),
}  # fmt: skip


def _comparisons(node: ast.AST) -> Iterator[Replacement]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        left, right = _put(node.left), _put(node.comparators[0])
        for operator in _COMPARED[type(node.ops[0])]:
            yield "comparison", node, f"({left} {operator} {right})"


def _numbers(node: ast.AST) -> Iterator[Replacement]:
    if isinstance(node, ast.Call) and _called(node) == "range" and len(node.args) <= 2:
        args = [ast.unparse(arg) for arg in node.args]
        yield "off by one", node, f"range({', '.join([*args[:-1], f'{args[-1]} - 1'])})"
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        for end in (node.slice.lower, node.slice.upper):
            if end is not None:
                yield "off by one", end, f"{_put(end)} + 1"
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        index = node.slice
        if isinstance(index, ast.Constant) and isinstance(index.value, int):
            yield "off by one", index, "-1" if index.value == 0 else str(index.value - 1)
    if isinstance(node, ast.BinOp | ast.Compare | ast.Call):
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.Constant) and type(part.value) is int and part.value < 100:
                yield "off by one", part, str(part.value + 1)


def _conditions(node: ast.AST) -> Iterator[Replacement]:
    if isinstance(node, ast.BoolOp):
        for k in range(len(node.values)):
            rest = [_put(value) for i, value in enumerate(node.values) if i != k]
            word = " and " if isinstance(node.op, ast.And) else " or "
            yield "condition forgotten", node, f"({word.join(rest)})"
    if isinstance(node, ast.ListComp | ast.GeneratorExp | ast.SetComp):
        for generator in node.generators:
            for test in generator.ifs:
                yield "condition forgotten", test, "True"


def _caches(node: ast.AST) -> Iterator[Replacement]:
    """What was stored last is taken for what is asked for."""
    if not (isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load)):
        return
    holder, key = ast.unparse(node.value), ast.unparse(node.slice)
    if holder.startswith("self._") and "(" not in holder and not key.lstrip("-").isdigit():
        last = f"(list({holder}.values())[-1] if isinstance({holder}, dict) else {holder}[{key}])"
        yield "cached thing confused", node, last


def _steps(node: ast.AST) -> Iterator[Replacement]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        yield "step left out", node, "pass"
    if isinstance(node, ast.AugAssign):
        yield "step left out", node, "pass"


def _tables(node: ast.AST) -> Iterator[Replacement]:
    """Two neighbours in a table exchange their values."""
    if not isinstance(node, ast.Dict) or len(node.keys) < 3 or not all(map(_is_key, node.keys)):
        return
    for first, second in zip(node.values[::3], node.values[1::3], strict=False):
        if ast.unparse(first) != ast.unparse(second):
            yield "another operation", first, ast.unparse(second)


def _is_key(node: ast.AST | None) -> bool:
    return node is not None and _is_text(node)


OPERATORS: tuple[Callable[[ast.AST], Iterator[Replacement]], ...] = (
    _arithmetic, _sign, _arguments, _parameters, _nan, _branches, _bounds, _comparisons, _numbers,
    _conditions, _caches, _steps, _tables,
)  # fmt: skip
