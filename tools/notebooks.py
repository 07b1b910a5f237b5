"""Runs the notebooks of docs/notebooks/ and stores what they print, which the site shows.

``python tools/notebooks.py`` writes all of them; name some to run those alone.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

__all__ = ["FOLDER", "run", "verdicts"]

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "notebooks"
_SECONDS = 300  # for a cell
# A JAX that warns of something (no accelerator) does so on standard error, which is no result.
_WORDS = re.compile(r"\b(PROVED|PROBABLE|AGREES|REFUTED|UNDECIDED|STABLE|UNSTABLE)\b")


def run(path: Path) -> Any:
    """A notebook with the outputs of a run in a process of its own.

    Args:
        path: the file.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell raised.
    """
    import nbclient
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=_SECONDS, kernel_name="python3", record_timing=False
    )
    client.execute(env={**os.environ, "PYTHONPATH": str(FOLDER.parents[1])})
    for cell in notebook.cells:
        cell.get("outputs", [])[:] = [
            output for output in cell.get("outputs", []) if output.get("name") != "stderr"
        ]
    return notebook


def verdicts(notebook: Any) -> list[list[str]]:
    """The verdicts that each cell of code shows, in their order."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [
        _WORDS.findall("".join(text for output in cell.outputs for text in _texts(output)))
        for cell in cells
    ]


def _texts(output: Any) -> list[str]:
    """What an output says: printed, or as HTML where it has that."""
    data = output.get("data", {})
    return [output.get("text", ""), data.get("text/html") or data.get("text/plain", "")]


def main(names: list[str]) -> None:
    """Run and write the notebooks of these names, or all."""
    import nbformat

    for path in sorted(FOLDER.glob("*.ipynb")):
        if not names or path.stem in names:
            notebook = run(path)
            nbformat.write(notebook, path)
            print(path.name, verdicts(notebook))


if __name__ == "__main__":
    main(sys.argv[1:])
