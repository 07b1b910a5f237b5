"""The results of a run, or the claims that there are, as one JSON object."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from jaxgrad.claims.claim import ClaimResult, Declaration
from jaxgrad.verdict import Evidence

__all__ = ["render", "render_list", "result_object", "versions"]

# What a verdict rests on besides the proof itself.
_PACKAGES = ("jax", "jaxlib", "numpy", "python-flint", "jaxgrad")


def render(results: Sequence[ClaimResult], seconds: float) -> str:
    """One JSON object: every part of every claim, the versions of what was used, and the time.

    Characters outside ASCII are escaped, so that any terminal or pipe can take the text.

    Args:
        results: one for each part, and one for each thing that raised or could not be imported.
        seconds: wall-clock time of the run.

    Example:
        >>> sorted(json.loads(render([], 0.0)))
        ['claims', 'seconds', 'versions']
    """
    whole = {
        "claims": [result_object(result) for result in results],
        "versions": versions(),
        "seconds": round(seconds, 6),
    }
    return json.dumps(whole, indent=1, allow_nan=False)


def render_list(claims: Sequence[Declaration], failures: Sequence[ClaimResult]) -> str:
    """One JSON object: every claim that is declared, none of which has run, and the versions.

    Args:
        claims: what is declared.
        failures: one for each claim that cannot be declared, and each module that cannot be
            imported; all that is known of these is in ``error``.

    Example:
        >>> json.loads(render_list([], []))["claims"]
        []
    """
    listed = [
        {
            "id": claim.id,
            "name": claim.name,
            "module": claim.path.as_posix(),
            "line": claim.line,
            "statement": claim.statement,
            "source": claim.source,
            "expected": str(claim.expected),
            "error": None,
        }
        for claim in claims
    ]
    unknown = dict.fromkeys(("name", "line", "statement", "source", "expected"))
    refused = [
        {"id": found.id, **unknown, "module": found.path.as_posix(), "error": found.error}
        for found in failures
    ]
    whole = {"claims": [*listed, *refused], "versions": versions()}
    return json.dumps(whole, indent=1, allow_nan=False)


def result_object(result: ClaimResult) -> dict[str, Any]:
    """One part of a claim; where it raised, ``verdict`` is None and ``error`` says why."""
    claim = result.claim
    return {
        "id": result.id,
        "part": result.part,
        "name": claim and claim.name,
        "module": result.path.as_posix(),
        "statement": claim and claim.statement,
        "source": claim and claim.source,
        **_told(result.evidence),
        "expected": claim and str(claim.expected),
        "as_expected": result.as_expected,
        "error": result.error,
        "seconds": None if result.seconds is None else round(result.seconds, 6),
        "kept": result.kept,
    }


def _told(evidence: Evidence | None) -> dict[str, Any]:
    if evidence is None:
        nothing = dict.fromkeys(("verdict", "kind", "evidence", "counterexample"))
        return {**nothing, "enclosures": {}, "trusts": []}
    ends = {name: list(ends) for name, ends in evidence.enclosures.items()}
    return {**evidence.to_dict(), "enclosures": ends}


def versions() -> dict[str, str | None]:
    """The version of each package that a verdict rests on, None where it is not installed.

    Example:
        >>> versions()["python"] == platform.python_version()
        True
    """
    return {name: _version(name) for name in _PACKAGES} | {"python": platform.python_version()}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
