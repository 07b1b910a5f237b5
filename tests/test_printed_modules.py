"""The modules that a page prints run as they stand there, and are what its outputs speak of."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.claims.cli import main

PAGE = (Path(__file__).parents[1] / "docs/howto/command_line.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Both modules as files of the folder in which commands are given."""
    modules = re.findall(r"(?ms)^[^\n]*`(\w+)\.py`:\n\n```python\n(.*?)^```", PAGE)
    assert [name for name, _ in modules] == ["losses", "slopes"]
    for name, text in modules:
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    yield
    for name, _ in modules:
        sys.modules.pop(name, None)


def test_the_check_says_what_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "losses:huber", "f32[]", "--modes", "rev"]) == 1
    _, _, after = PAGE.partition("$ jaxgrad check losses:huber 'f32[]' --modes rev\n")
    said, _, _ = after.partition("```")
    assert capsys.readouterr().out == said


def test_the_module_that_is_swept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    import slopes  # pyright: ignore[reportMissingImports]

    found = slopes.slope(jnp.float32(0.0))
    assert np.asarray(slopes.at_most_a_quarter(0.0, found)).all()


def test_a_new_proof_is_of_the_formula(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["prove", "--new", "begun"]) == 0
    [path] = tmp_path.rglob("begun.py")
    monkeypatch.syspath_prepend(path.parent)
    import begun  # pyright: ignore[reportMissingImports]

    assert begun.begun_derivative().verdict.name == "PROVED"
    assert begun.begun_derivative(one=1.0000001).verdict.name == "REFUTED"
    assert [part.verdict.name for _, part in begun.begun_powers()] == ["PROVED"] * 3
    sys.modules.pop("begun")
