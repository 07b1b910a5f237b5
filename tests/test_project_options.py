"""Options of the command line in a project's pyproject.toml."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from claims_support import write

from jaxgrad.claims.cli import command_parsers, main
from jaxgrad.claims.project_options import project_options
from jaxgrad.errors import ArgumentError

CLAIMS = """\
    @claim("it fails", source="T1: refuted")
    def refuted(): return said(Verdict.REFUTED)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a claim in a folder of its own name, and nothing in pyproject.toml yet."""
    write(tmp_path / "theorems", "claims.py", CLAIMS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    return tmp_path


def _says(project: Path, text: str) -> None:
    (project / "pyproject.toml").write_text(text, encoding="utf-8")


def test_options_become_arguments(project: Path) -> None:
    _says(
        project,
        """
        [tool.jaxgrad.check]
        order = 2
        modes = ["fwd", "rev"]
        special_points = false
        exact = true
        budget = 2.5
        domain = "package.module:inside"
        """,
    )
    inside = project / "a" / "folder"
    inside.mkdir(parents=True)
    (project / "a" / "pyproject.toml").write_text("[tool.other]\n", encoding="utf-8")
    _, commands = command_parsers()
    found = project_options("check", inside, commands)
    assert found.file == project / "pyproject.toml" and not found.paths
    assert found.arguments == [
        "--order=2", "--modes=fwd,rev", "--no-special-points", "--exact", "--budget=2.5",
        "--domain=package.module:inside",
    ]  # fmt: skip
    assert project_options("prove", inside, commands).arguments == []


def test_a_command_takes_them_and_its_own_come_after(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _says(project, "[tool.jaxgrad.prove]\npaths = ['theorems']\njson = true\njobs = 1\n")
    (project / "a").mkdir()
    monkeypatch.chdir(project / "a")  # paths are those of the file
    assert main(["prove"]) == 1
    assert [one["id"] for one in json.loads(capsys.readouterr().out)["claims"]] == ["T1"]
    assert main(["prove", str(project / "theorems" / "claims.py"), "--jobs", "2"]) == 1
    assert main(["prove", "--new", "first"]) == 2
    assert "not allowed with argument --json\njaxgrad: with --json --jobs=1, which " in (
        capsys.readouterr().err
    )
    _says(project, "[tool.jaxgrad.prove]\npaths = ['theorems', 'lemmas']\njobs = 1\n")
    assert main(["prove", "--new", "first"]) == 0
    assert Path("proofs/first.py").is_file()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[tool.jaxgrad.prove\n", "pyproject.toml cannot be read: "),
        ("[tool.jaxgrad.proves]\n", "[tool.jaxgrad] has proves; its tables are those of the comma"),
        ("[tool]\njaxgrad = 3\n", "[tool.jaxgrad] is 3, not a table"),
        ("[tool.jaxgrad]\nprove = 3\n", "[tool.jaxgrad.prove] is 3, not a table"),
        ("[tool.jaxgrad.prove]\njobs = {a = 1}\n", "the option jobs of [tool.jaxgrad] is {'a': 1}"),
        ("[tool.jaxgrad.prove]\nnonsense = 1\n", "jaxgrad: with --nonsense=1, which "),
        ("[tool.jaxgrad.prove]\njobs = 0\n", "argument -j/--jobs: invalid positive int value"),
    ],
)
def test_what_cannot_be_meant(
    project: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _says(project, text)
    assert main(["prove"]) == 2
    assert said in capsys.readouterr().err
    if "cannot be read" in said:
        with pytest.raises(ArgumentError, match="cannot be read"):
            project_options("prove", project, command_parsers()[1])


def test_an_option_of_the_project_can_be_taken_back(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _says(project, "[tool.jaxgrad.check]\nexact = true\nspecial_points = false\norder = -1\n")
    assert main(["check", "--help"]) == 0  # whatever the project says
    assert "--no-exact" in capsys.readouterr().out
    _says(project, "[tool.jaxgrad.check]\nexact = true\nspecial_points = false\nseed = -1\n")
    assert main(["check", "jax.nn:relu", "jnp.ones(2)"]) == 2
    assert "--exact --no-special-points --seed=-1, which " in capsys.readouterr().err
    _says(project, "tool = 3\n")
    assert main(["check", "jax.nn:relu", "1.0", "--special-points", "--budget", "0.5"]) == 0


def test_what_is_printed_and_has_no_place(
    project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("nothing here is always full")
    commands = (["prove", "--list", str(project / "theorems")], ["--version"], ["check", "--help"])
    for command in commands:
        with contextlib.suppress(OSError), Path("/dev/full").open("w", encoding="utf-8") as full:
            monkeypatch.setattr("sys.stdout", full)
            assert main(command) == 2, command
        assert "jaxgrad: [Errno 28] No space left on device" in capfd.readouterr().err
