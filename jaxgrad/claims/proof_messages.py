"""What the process that runs a proof module tells the one that started it, as objects of JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from jaxgrad.claims.claim import Claim, ClaimResult, Declaration
from jaxgrad.verdict import Evidence, Verdict

__all__ = ["declaration_from", "declaration_to", "result_from", "result_to"]


def declaration_to(claim: Claim | Declaration) -> dict[str, Any]:
    """A claim without its function.

    Example:
        >>> claim = Claim(lambda: None, "1 < 2", "X1: order", Verdict.PROVED, Path("order.py"))
        >>> declaration_from(declaration_to(claim)) == claim.declaration
        True
    """
    told = claim.declaration if isinstance(claim, Claim) else claim
    return vars(told) | {"expected": str(told.expected), "path": str(told.path)}


def declaration_from(told: Mapping[str, Any]) -> Declaration:
    """The claim that was told of."""
    return Declaration(
        **{**told, "expected": Verdict(told["expected"]), "path": Path(told["path"])}
    )


def result_to(result: ClaimResult) -> dict[str, Any]:
    """The result of a part, without the claim that it belongs to.

    Example:
        >>> evidence = Evidence(Verdict.PROVED, "decision", "2 - 1 > 0", {"two": ("2", "2")})
        >>> result = ClaimResult("X1", "two", Path("order.py"), 0.5, evidence=evidence)
        >>> result_from(result_to(result), None) == result
        True
    """
    told = vars(result) | {"path": str(result.path), "claim": None}
    if result.evidence is not None:
        evidence = {each.name: getattr(result.evidence, each.name) for each in fields(Evidence)}
        evidence["enclosures"] = dict(evidence["enclosures"])
        told["evidence"] = evidence | {"verdict": str(result.verdict)}
    return told


def result_from(told: Mapping[str, Any], claim: Declaration | None) -> ClaimResult:
    """The result that was told of, of this claim."""
    evidence = told["evidence"] and _evidence_from(told["evidence"])
    return ClaimResult(**{**told, "path": Path(told["path"]), "claim": claim, "evidence": evidence})


def _evidence_from(told: Mapping[str, Any]) -> Evidence:
    enclosures = {name: (lower, upper) for name, (lower, upper) in told["enclosures"].items()}
    return Evidence(
        **{
            **told,
            "verdict": Verdict(told["verdict"]),
            "enclosures": enclosures,
            "trusts": tuple(told["trusts"]),
        }
    )
