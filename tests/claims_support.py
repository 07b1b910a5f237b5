"""Writing proof modules to a folder, and running their claims."""

from __future__ import annotations

import itertools
from pathlib import Path
from textwrap import dedent

from jaxgrad.claims.claim import ClaimResult
from jaxgrad.claims.proof_modules import collect
from jaxgrad.claims.running import run

__all__ = ["HEADER", "results_of", "write"]

HEADER = """\
from jaxgrad.claims.claim import claim
from jaxgrad.verdict import Evidence, Verdict

def said(verdict, text="it is so"):
    return Evidence(verdict, "decision", text)

"""


def write(folder: Path, name: str, body: str) -> Path:
    """A module of that name with the header and a body."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(HEADER + dedent(body), encoding="utf-8")
    return path


def results_of(*paths: Path) -> list[ClaimResult]:
    """What comes of all claims that are found there, failures first."""
    found = collect(paths)
    return [*found.failures, *itertools.chain.from_iterable(map(run, found.claims))]
