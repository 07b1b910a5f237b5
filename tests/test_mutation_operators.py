"""The errors that ``tools/mutate.py`` plants: each kind is made; text for readers stays."""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path
from typing import Any

import pytest

TOOLS = Path(__file__).resolve().parent.parent / "tools"


@pytest.fixture
def planted(monkeypatch: pytest.MonkeyPatch):
    """source -> {(kind, before, after)} of every mutant that is valid Python."""
    monkeypatch.setattr(sys, "path", [str(TOOLS), *sys.path])
    from mutation_operators import mutants_of

    def plant(source: str) -> set[tuple[str, str, str]]:
        found = mutants_of("a.py", source)
        for mutant in found:
            assert ast.unparse(ast.parse(mutant.source)) != ast.unparse(ast.parse(source))
        return {(mutant.kind, mutant.before, mutant.after) for mutant in found}

    return plant


@pytest.mark.parametrize(
    ("source", "mutant"),
    [
        ("y = a / b", ("operands swapped", "a / b", "((b) / (a))")),
        ("y = s.select(p, a, b)", ("operands swapped", "s.select(p, a, b)", "s.select(p, b, a)")),
        ("y = f(x, way=1)", ("parameter ignored", "f(x, way=1)", "f(x)")),
        ('y = params["axis"]', ("parameter ignored", 'params["axis"]', "type(params['axis'])()")),
        ("y = -x", ("sign", "-x", "(x)")),
        ("y = a + b", ("sign", "a + b", "((a) - (b))")),
        ("def f(x) -> arb:\n    return x", ("NaN for a value", "x", "arb('nan')")),
        ("if p:\n    f()", ("branch taken wrongly", "p", "(not (p))")),
        ("y = a if p else b", ("branch taken wrongly", "a if p else b", "((b) if (p) else (a))")),
        ("y = x.upper()", ("bound rounded inward", "x.upper()", "x.lower()")),
        ("y = x.union(z)", ("bound rounded inward", "x.union(z)", "x")),
        ("y = a < b", ("comparison", "a < b", "((a) <= (b))")),
        ("y = range(n)", ("off by one", "range(n)", "range(n - 1)")),
        ("y = x[0]", ("off by one", "0", "-1")),
        ("y = p and q", ("condition forgotten", "p and q", "((q))")),
        ("y = [x for x in z if x]", ("condition forgotten", "x", "True")),
        ("def f():\n    if p:\n        return 1", ("condition forgotten", "p", "False")),
        ("x += 1", ("step left out", "x += 1", "pass")),
        ("y = a * b", ("another operation", "a * b", "((a) + (b))")),
        ('y = {"a": f, "b": g, "c": h}', ("another operation", "f", "g")),
        (
            "y = self._found[key]",
            (
                "cached thing confused",
                "self._found[key]",
                "(list(self._found.values())[-1] if isinstance(self._found, dict)"
                " else self._found[key])",
            ),
        ),
    ],
)
def test_an_error_of_each_kind(planted, source: str, mutant: tuple[str, str, str]) -> None:
    assert mutant in planted(source)


def test_what_is_for_the_reader_stays(planted) -> None:
    assert not planted('"""Of a < b."""\nx: "a + b"\n\ndef f(y: "a - b"):\n    raise E(a + b)')
    assert not planted("def __str__(self):\n    return a + b")


def test_a_mutant_is_named_by_its_place_and_not_by_its_line(planted) -> None:
    from mutation_operators import mutants_of

    source = "def f(x):\n    return -x"
    (first,) = mutants_of("a.py", source)
    (moved,) = mutants_of("a.py", f"import os\n\n{source}")
    assert (first.line, moved.line) == (2, 4)
    assert first.key == moved.key == "a.py f: sign: -x → (x)"


@pytest.mark.skipif(sys.version_info < (3, 12), reason="needs sys.monitoring")
def test_every_call_of_a_function_of_one_line_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most entries of a table are such: the tests that use one are near it, not the first alone."""
    monkeypatch.setattr(sys, "path", [str(TOOLS), *sys.path])
    monkeypatch.setattr(os, "environ", dict(os.environ))
    from mutation_child import MONITOR, MONITORING, _Observer

    observer = _Observer()
    try:
        observer.home = "planted"
        source = "f = lambda x: -x\n\ndef g(x):\n    return -x\n"
        made: dict[str, Any] = {}
        exec(compile(source, "planted.py", "exec"), made)
        for name, line in (("f", 1), ("f", 1), ("g", 4), ("g", 4), ("f", 1)):
            observer.lines = set()
            made[name](1)
            assert ("planted.py", line) in observer.lines
            assert ("planted.py", 5 - line) not in observer.lines
    finally:
        MONITORING.set_events(MONITOR, 0)
        MONITORING.free_tool_id(MONITOR)


def test_mutants_that_read_alike_have_names_of_their_own() -> None:
    from mutation_operators import mutants_of

    found = mutants_of("a.py", "def f(x):\n    return x[0] + x[0]\n")
    assert len({m.key for m in found}) == len(found)
    assert any(m.key.endswith("(number 2)") for m in found)
