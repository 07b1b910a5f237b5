"""Who may import whom: the table of docs/architecture.md, held against the syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "jaxgrad"


def _table() -> dict[str, set[str]]:
    """Room -> the rooms that it may import."""
    rows = {}
    for line in (ROOT / "docs/architecture.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 3:
            rows[cells[0].strip("`")] = {
                name.strip() for name in cells[2].split(",") if name.strip()
            }
    return rows


MAY_IMPORT = _table()
# The public names, and the command: they are of no room.
DOORS = {"__init__", "__main__"}


def room_of(path: Path) -> str:
    """The folder at the top of the package, or the file."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(source: str) -> Iterator[tuple[int, str]]:
    """(line, module) of every import of this package, wherever it stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            if node.level:
                yield node.lineno, "." * node.level
            elif node.module == "jaxgrad":
                yield from ((node.lineno, f"jaxgrad.{alias.name}") for alias in node.names)
            elif (node.module or "").startswith("jaxgrad."):
                yield node.lineno, str(node.module)
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, a.name) for a in node.names if a.name.startswith("jaxgrad."))


def upward(room: str, source: str) -> list[str]:
    """The imports that a room may not have."""
    wrong = []
    for line, module in imported(source):
        target = module.split(".")[1] if not module.startswith(".") else module
        if target != room and target not in MAY_IMPORT.get(room, set()):
            wrong.append(f"line {line} imports {module}")
    return wrong


FILES = sorted(PACKAGE.rglob("*.py"))


def test_every_room_is_in_the_table_and_in_the_package() -> None:
    assert {room_of(path) for path in FILES} - DOORS == set(MAY_IMPORT)
    assert len(MAY_IMPORT) == 11
    assert all(MAY_IMPORT[room] <= set(MAY_IMPORT) for room in MAY_IMPORT)


def test_the_table_has_no_circle() -> None:
    left = dict(MAY_IMPORT)
    while left:
        lowest = {room for room, below in left.items() if not below & set(left)}
        assert lowest, f"these import one another: {sorted(left)}"
        left = {room: below for room, below in left.items() if room not in lowest}


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_no_module_imports_upward(room: str) -> None:
    files = [path for path in FILES if room_of(path) == room]
    assert files
    wrong = {
        str(path.relative_to(ROOT)): found
        for path in files
        if (found := upward(room, path.read_text(encoding="utf-8")))
    }
    assert not wrong


@pytest.mark.parametrize(
    ("room", "source", "count"),
    [
        ("numbers", "from jaxgrad.errors import JaxgradError", 0),
        ("numbers", "from jaxgrad.interpret.walker import interpret", 1),
        ("numbers", "def f():\n    import jaxgrad.gradients.compare", 1),
        ("programs", "from jaxgrad import verdict", 1),
        ("numbers", "from .base import NumberSystem", 1),
        ("numbers", "import numpy", 0),
    ],
)
def test_a_planted_import_is_seen(room: str, source: str, count: int) -> None:
    assert len(upward(room, source)) == count
