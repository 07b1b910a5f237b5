"""What is installed, what importing it costs, and that the description of the package holds."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import (
    PackageNotFoundError,
    distribution,
    entry_points,
    packages_distributions,
)
from pathlib import Path

import pytest

import jaxgrad

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture
def installed():
    try:
        return distribution("jaxgrad")
    except PackageNotFoundError:
        pytest.skip("jaxgrad is not installed")


def modules_after(statement: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after a statement."""
    code = f"{statement}\nimport sys\nprint(*sys.modules)"
    return set(subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True).split())


# --------------------------------------------------------------------------------------- importing


@pytest.mark.parametrize("statement", ["import jaxgrad", "import jaxgrad.claims.pytest_plugin"])
def test_importing_loads_nothing_heavy(statement):
    loaded = modules_after(statement)
    assert not loaded & {"jax", "numpy", "flint", "hypothesis", "rich", "z3", "matplotlib"}
    assert "jaxgrad" in loaded


def test_help_does_not_load_jax():
    loaded = modules_after("import jaxgrad.claims.cli; jaxgrad.claims.cli.main(['--help'])")
    assert not loaded & {"jax", "numpy", "flint"}


def test_names_are_sorted_and_unique():
    names = jaxgrad.__all__
    assert sorted(set(names)) == names


@pytest.mark.parametrize("name", jaxgrad.__all__)
def test_every_name_is_there_and_listed(name):
    assert name in dir(jaxgrad)
    assert getattr(jaxgrad, name) is getattr(jaxgrad, name)


def test_star_import_takes_the_public_names():
    namespace = {}
    exec("from jaxgrad import *", namespace)
    assert set(namespace) - {"__builtins__"} == set(jaxgrad.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"module 'jaxgrad' has no attribute 'comapre'"):
        _ = jaxgrad.comapre  # pyright: ignore


# -------------------------------------------------------------------------------------- describing


def test_version(installed):
    assert jaxgrad.__version__ == installed.version == PROJECT["version"]


def test_the_changelog_has_the_version():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(PROJECT['version'])}\b", changelog, re.MULTILINE)


def test_only_the_package_is_installed(installed):
    tops = {file.parts[0] for file in installed.files or () if ".." not in file.parts}
    if "jaxgrad" not in tops:
        pytest.skip("jaxgrad is installed as editable")
    assert tops == {"jaxgrad", f"jaxgrad-{installed.version}.dist-info"}
    assert "Apache License" in (installed.read_text("licenses/LICENSE") or "")
    assert any(file.name == "py.typed" for file in installed.files)


def test_the_entry_points_can_be_loaded(installed):
    for group, name in [("console_scripts", "jaxgrad"), ("pytest11", "jaxgrad")]:
        (entry,) = entry_points(group=group, name=name)
        assert entry.load()


def imported_names() -> set[str]:
    """The top-level names that the package imports from outside itself and the standard library."""
    names = set()
    for path in (ROOT / "jaxgrad").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names.add(node.module.partition(".")[0])
    return names - sys.stdlib_module_names - {"jaxgrad"}


def normal(name: str) -> str:
    """The name of a distribution, of which there is one spelling."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", name)[0]).lower()


def test_what_is_imported_is_declared_and_the_reverse():
    required = set(map(normal, PROJECT["dependencies"]))
    for extra in ("proofs", "report", "test"):
        required.update(map(normal, PROJECT["optional-dependencies"][extra]))
    homes = packages_distributions()
    imported = {normal(home) for name in imported_names() for home in homes[name]}
    assert imported <= required
    # jaxlib is what jax runs on, pytest-xdist what runs the tests, mpmath what tests compare with.
    assert required - imported <= {"jaxgrad", "jaxlib", "pytest-xdist", "matplotlib", "mpmath"}
