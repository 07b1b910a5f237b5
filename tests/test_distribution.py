"""What is built of the package holds what it says it holds, and its types hold for a user."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import jaxgrad

ROOT = Path(__file__).parents[1]
OURS = {
    path.relative_to(ROOT).as_posix()
    for path in (ROOT / "jaxgrad").rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution."""
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed (extra dev)")
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


def test_the_wheel_is_the_package_and_nothing_else(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    files = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in files}
    version = _version(wheel)
    assert tops == {"jaxgrad", f"jaxgrad-{version}.dist-info"}
    assert {name for name in files if name.startswith("jaxgrad/")} == OURS
    assert {"jaxgrad/py.typed", "jaxgrad/claims/proof_template.txt"} <= OURS
    assert f"jaxgrad-{version}.dist-info/licenses/LICENSE" in files
    scripts = zipfile.ZipFile(wheel).read(f"jaxgrad-{version}.dist-info/entry_points.txt").decode()
    assert "jaxgrad = jaxgrad.claims.entry:main" in scripts and "[pytest11]" in scripts


def test_what_is_built_of_the_source_distribution_is_the_same(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as files:
        names = {name.partition("/")[2] for name in files.getnames()}
    assert names >= OURS
    for needed in (
        "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "README.md", "conftest.py",
        "docs/quickstart.md", "docs/notebooks/proof.ipynb", "mkdocs.yml", "proofs/README.md",
        "pyproject.toml", "tests/slow_tests.txt", "tools/site_hook.py",
    ):  # fmt: skip
        assert needed in names
    kinds = {Path(name).suffix for name in names}
    assert not kinds & {".pyc", ".so", ".whl"} and not any("__pycache__" in name for name in names)


def _version(wheel: Path) -> str:
    return wheel.name.split("-")[1]


def test_the_citation_is_of_this_version() -> None:
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"\nversion: {project['version']}\n" in cited
    assert f"\nlicense: {project['license']}\n" in cited


# ------------------------------------------------------------------------------------- types


def test_a_users_file_with_every_public_name_is_typed(tmp_path: Path) -> None:
    """In pyright's strict mode, in which a name or an argument of unknown type is an error."""
    if importlib.util.find_spec("pyright") is None:
        pytest.skip("pyright is not installed (extra dev)")
    user = (Path(__file__).parent / "typed_user.py").read_text(encoding="utf-8")
    for name in jaxgrad.__all__:
        assert f"jaxgrad.{name}" in user, name
    (tmp_path / "user.py").write_text(user, encoding="utf-8")
    (tmp_path / "wrong.py").write_text(
        "import jaxgrad\nfound: int = jaxgrad.check(abs, (0.5,), order='2')\n", encoding="utf-8"
    )
    settings = {
        "typeCheckingMode": "strict",
        "extraPaths": [str(ROOT)],
        "include": ["user.py", "wrong.py"],
        "pythonVersion": "3.11",
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
    ran = subprocess.run([*command, "-p", str(tmp_path)], capture_output=True, text=True)
    errors = json.loads(ran.stdout)["generalDiagnostics"]
    told = [
        f"{Path(x['file']).name}:{x['range']['start']['line'] + 1}: {x['message']}" for x in errors
    ]
    assert [line for line in told if line.startswith("user.py")] == []
    assert len([line for line in told if line.startswith("wrong.py:2")]) >= 2
