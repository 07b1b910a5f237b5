"""Annotations of GitHub Actions, which show beside the line of a pull request what is wrong."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["annotate", "in_repository"]


def annotate(title: str, text: str, file: str | None = None, line: int | None = None) -> None:
    """Prints an annotation of an error on standard error, in a run of GitHub Actions alone.

    Args:
        title: its first line.
        text: what it says.
        file, line: where; None if nobody knows.

    Example:
        >>> annotate("f is REFUTED", "the derivative is 1, not 2")  # nothing, outside of it

    Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
    """
    if os.environ.get("GITHUB_ACTIONS") != "true":
        return
    places = {
        "file": file and in_repository(file),
        "line": line and str(line),
        "title": f"jaxgrad: {title}",
    }
    properties = ",".join(
        f"{key}={_escaped(value, ':,')}" for key, value in places.items() if value
    )
    print(f"::error {properties}::{_escaped(text)}", file=sys.stderr, flush=True)


def in_repository(file: str) -> str:
    """A file as the repository has it, if it is in the current folder.

    Example:
        >>> in_repository(str(Path.cwd() / "proofs" / "claims.py"))
        'proofs/claims.py'
    """
    if not Path(file).is_absolute():
        return file
    path = Path(file).resolve()
    here = Path.cwd().resolve()
    return path.relative_to(here).as_posix() if path.is_relative_to(here) else str(path)


def _escaped(text: str, more: str = "") -> str:
    """As a command of a workflow takes it: percent first."""
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
