"""Several outcomes as one: a statement that holds because each of its parts does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jaxgrad.errors import ArgumentError
from jaxgrad.verdict import Evidence, Verdict, evidence_of

__all__ = ["conjunction"]


def conjunction(parts: Mapping[str, Any], statement: str, kind: str) -> Evidence:
    """P₁ and P₂ and … and Pₙ, of which each has its own evidence.

    Args:
        parts: name -> an outcome with ``evidence``; all together are the statement.
        statement: what they say together, in words.
        kind: the kind of evidence they are together, e.g. ``"identity"``.

    Returns:
        PROVED if every part is. A part that is REFUTED refutes the statement, with its
        counterexample; else it is UNDECIDED, and the text names the part that is not PROVED.

    Raises:
        ArgumentError: there are no parts, so nothing is said, or one that holds no evidence.

    Example:
        >>> yes = Evidence(Verdict.PROVED, "decision", "checked")
        >>> no = Evidence(Verdict.REFUTED, "decision", "false at x = 3", counterexample="x = 3")
        >>> conjunction({"one": yes, "other": yes}, "both hold", "decision").verdict
        <Verdict.PROVED: 'PROVED'>
        >>> conjunction({"one": yes, "other": no}, "both hold", "decision").counterexample
        'x = 3'

    Source: claims E1 and E2, of which one part stands for each pair of widths.
    """
    if not isinstance(parts, Mapping):
        raise ArgumentError(
            f"conjunction: name the parts: give a dict, not a {type(parts).__name__}"
        )
    if not parts:
        raise ArgumentError("conjunction: there are no parts, so nothing is said; give one")
    found = {name: evidence_of(outcome, str(name)) for name, outcome in parts.items()}
    for name, evidence in found.items():
        if evidence.verdict is Verdict.REFUTED:
            return replace(evidence, text=f"{name} is refuted: {evidence.text}")
    for name, evidence in found.items():
        if evidence.verdict is not Verdict.PROVED:
            text = f"{name} is {evidence.verdict}: {evidence.text}"
            return Evidence(Verdict.UNDECIDED, "reason", text)
    trusts = dict.fromkeys(each for evidence in found.values() for each in evidence.trusts)
    enclosures = {key: ends for each in found.values() for key, ends in each.enclosures.items()}
    return Evidence(Verdict.PROVED, kind, statement, enclosures, trusts=tuple(trusts))
