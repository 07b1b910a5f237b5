"""The notebooks of the documentation run, and show the verdicts that are stored in them."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))

nbformat: Any = pytest.importorskip("nbformat")
if importlib.util.find_spec("nbclient") is None or importlib.util.find_spec("ipykernel") is None:
    pytest.skip("notebooks need the extra docs", allow_module_level=True)


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "tools"), *sys.path])


def test_there_are_four_and_each_shows_a_mistake_and_its_mending() -> None:
    from notebooks import verdicts

    assert len(NOTEBOOKS) == 4
    for path in NOTEBOOKS:
        shown = [word for cell in verdicts(nbformat.read(path, as_version=4)) for word in cell]
        assert "REFUTED" in shown and "PROVED" in shown


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_the_verdicts_that_are_stored(path: Path) -> None:
    from notebooks import run, verdicts

    stored = nbformat.read(path, as_version=4)
    assert verdicts(run(path)) == verdicts(stored)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_stored_outputs_name_no_place_of_the_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not any(place in text for place in (str(ROOT), str(Path.home()), tempfile.gettempdir()))
    assert "Traceback" not in text and '"stderr"' not in text
