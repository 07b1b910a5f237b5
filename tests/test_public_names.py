"""What a user reaches as ``jaxgrad.NAME``: proofs need no more, and texts name no more."""

from __future__ import annotations

import ast
import inspect
import re
from functools import cached_property
from pathlib import Path
from types import ModuleType

import pytest

import jaxgrad

ROOT = Path(__file__).parents[1]
PROOFS = sorted((ROOT / "proofs").glob("*.py"))
# Without docs/architecture.md, a page for those who change the package itself.
TEXTS = [ROOT / name for name in ("README.md", "docs/check_grads.md", "docs/verdicts.md",
                                  "docs/coverage.md", "docs/hypothesis.md",
                                  "proofs/README.md")]  # fmt: skip


def test_names_are_flat_and_alphabetical() -> None:
    assert jaxgrad.__all__ == sorted(jaxgrad.__all__)
    assert len(jaxgrad.__all__) > 40
    for name in jaxgrad.__all__:
        assert getattr(jaxgrad, name) is not None
    assert {name for name in dir(jaxgrad) if not name.startswith("_")} == set(jaxgrad.__all__)


@pytest.mark.parametrize("name", jaxgrad.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    found = getattr(jaxgrad, name)
    if name != "Bracket":  # a tuple of two ends
        assert (found.__doc__ or "").strip()


def _classes() -> dict[str, type]:
    """The public classes, of the modules that are public names, too."""
    found = {}
    for name in jaxgrad.__all__:
        each = getattr(jaxgrad, name)
        inside = getattr(each, "__all__", []) if isinstance(each, ModuleType) else []
        found |= {f"{name}.{part}": getattr(each, part) for part in inside} | {name: each}
    return {name: each for name, each in found.items() if isinstance(each, type)}


@pytest.mark.parametrize("name", _classes())
def test_every_public_method_is_documented(name: str) -> None:
    """By itself, or by the method that it overrides."""
    kind = _classes()[name]
    for method in vars(kind):
        found = getattr(kind, method)
        own = callable(found) or isinstance(vars(kind)[method], property | cached_property)
        if own and not method.startswith("_"):
            assert (inspect.getdoc(found) or "").strip(), f"{name}.{method}"


@pytest.mark.parametrize(
    "name", [name for name in jaxgrad.__all__ if inspect.isfunction(getattr(jaxgrad, name))]
)
def test_every_parameter_is_documented(name: str) -> None:
    function = getattr(jaxgrad, name)
    for parameter in inspect.signature(function).parameters:
        assert re.search(rf"\b{parameter}\b", function.__doc__), parameter


@pytest.mark.parametrize("path", PROOFS, ids=lambda path: path.stem)
def test_proofs_import_public_names_alone(path: Path) -> None:
    imports = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("jaxgrad")
    ]
    public = {"jaxgrad": jaxgrad.__all__, "jaxgrad.networks": jaxgrad.networks.__all__}
    for node in imports:
        assert node.module in public
        assert {alias.name for alias in node.names} <= set(public[str(node.module)])
    assert "import jaxgrad" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: "-".join(path.parts[-2:]))
def test_what_texts_name_is_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    dotted = set(re.findall(r"\bjaxgrad((?:\.[A-Za-z_]+)+)(?=[`(\s,:)])", text))
    for name in dotted:
        found: object = jaxgrad
        for part in name.strip(".").split("."):
            found = getattr(found, part)
            assert not isinstance(found, ModuleType) or part in jaxgrad.__all__, name
