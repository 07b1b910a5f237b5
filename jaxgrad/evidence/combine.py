"""Statements made of others: for every depth from a base case and one step, and several as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jaxgrad.errors import ArgumentError, kind_of
from jaxgrad.verdict import Evidence, Verdict, evidence_of

__all__ = ["conjunction", "induction"]


def induction(base: Any, step: Any, statement: str) -> Evidence:
    """The principle of induction: P(1), and P(n) ⇒ P(n + 1) for every n, give P(n) for every n.

    Reverse mode composes layer by layer, so a statement about the gradient of a network of any
    depth needs two identities on real programs: the gradient of the cost at the last layer, and
    the vjp of one layer for an arbitrary cotangent.

    Args:
        base: an outcome with ``evidence`` for the base case.
        step: an outcome with ``evidence`` for the step, in which what the induction hypothesis
            gives is a variable.
        statement: what follows for every n, in words.

    Returns:
        PROVED if both are PROVED, PROBABLE if one is PROBABLE.  A refuted base refutes the
        statement, with its counterexample.  A step that fails refutes only this argument, so the
        statement is UNDECIDED.

    Raises:
        ArgumentError: the base case or the step holds no evidence.

    Example:
        >>> proved = Evidence(Verdict.PROVED, "identity", "checked")
        >>> induction(proved, proved, "for every depth").verdict
        <Verdict.PROVED: 'PROVED'>
        >>> induction(proved, Evidence(Verdict.REFUTED, "counterexample", "no"), "all").verdict
        <Verdict.UNDECIDED: 'UNDECIDED'>

    Source: claims A5 and E1 for every depth.
    """
    parts = _evidence_of({"the base case": base, "the step": step})
    first, then = parts.values()
    if first.verdict is Verdict.REFUTED:
        text = f"the base case fails: {first.text}"
        return replace(first, kind="counterexample", text=text, enclosures={}, trusts=())
    failed = _not_proved(parts)
    if failed is not None:
        return failed
    text = f"{statement}: base case {first.text}; step {then.text}{_errors(parts)}"
    trusts = _trusts(parts, "the induction over depth")
    return Evidence(_weakest(parts), "induction", text, trusts=trusts)


def conjunction(parts: Mapping[str, Any], statement: str, kind: str) -> Evidence:
    """P₁ and P₂ and … and Pₙ, of which each has its own evidence.

    Args:
        parts: name -> an outcome with ``evidence``; all together are the statement.
        statement: what they say together, in words.
        kind: the kind of evidence they are together, e.g. ``"identity"``.

    Returns:
        PROVED if every part is, PROBABLE if every part is one or the other. A part that is REFUTED
        refutes the statement, with its counterexample; else it is UNDECIDED, and the text names
        the part that is neither.

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
        raise ArgumentError(f"conjunction: name the parts: give a dict, not {kind_of(parts)}")
    if not parts:
        raise ArgumentError("conjunction: there are no parts, so nothing is said; give one")
    found = _evidence_of(parts)
    for name, evidence in found.items():
        if evidence.verdict is Verdict.REFUTED:
            return replace(evidence, text=f"{name} is refuted: {evidence.text}")
    failed = _not_proved(found)
    if failed is not None:
        return failed
    enclosures = {key: ends for each in found.values() for key, ends in each.enclosures.items()}
    text = f"{statement}{_errors(found)}"
    return Evidence(_weakest(found), kind, text, enclosures, trusts=_trusts(found))


def _evidence_of(parts: Mapping[str, Any]) -> dict[str, Evidence]:
    return {name: evidence_of(outcome, str(name)) for name, outcome in parts.items()}


def _not_proved(parts: Mapping[str, Evidence]) -> Evidence | None:
    """Why nothing follows, where a part is neither PROVED nor PROBABLE."""
    for name, evidence in parts.items():
        if evidence.verdict not in (Verdict.PROVED, Verdict.PROBABLE):
            text = f"{name} is {evidence.verdict}: {evidence.text}"
            return Evidence(Verdict.UNDECIDED, "reason", text)
    return None


def _weakest(parts: Mapping[str, Evidence]) -> Verdict:
    """What follows from parts that are PROVED or PROBABLE."""
    return Verdict.PROBABLE if _probable(parts) else Verdict.PROVED


def _probable(parts: Mapping[str, Evidence]) -> list[str]:
    return [name for name, found in parts.items() if found.verdict is Verdict.PROBABLE]


def _errors(parts: Mapping[str, Evidence]) -> str:
    """Whose probabilities of error add up, as the end of a sentence."""
    names = _probable(parts)
    if not names:
        return ""
    said = f"{names[0]}: {parts[names[0]].text}"
    if len(names) == 1:
        return f" (PROBABLE, since so is {said})"
    return f" (PROBABLE, up to the sum of {len(names)} probabilities of error; {said})"


def _trusts(parts: Mapping[str, Evidence], *more: str) -> tuple[str, ...]:
    every = (each for part in parts.values() for each in part.trusts)
    return tuple(dict.fromkeys((*every, *more)))
