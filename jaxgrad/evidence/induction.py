"""A claim for every depth, from a base case and one step, both proved as identities."""

from __future__ import annotations

from typing import Any

from jaxgrad.verdict import Evidence, Verdict, evidence_of

__all__ = ["induction"]


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
        PROVED if both are PROVED.  A refuted base refutes the statement, with its counterexample.
        A step that fails refutes only this argument, so the statement is UNDECIDED.

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
    first, then = evidence_of(base, "the base case"), evidence_of(step, "the step")
    trusts = tuple(dict.fromkeys((*first.trusts, *then.trusts, "the induction over depth")))
    if first.verdict is Verdict.PROVED and then.verdict is Verdict.PROVED:
        text = f"{statement}: base case {first.text}; step {then.text}"
        return Evidence(Verdict.PROVED, "induction", text, trusts=trusts)
    if first.verdict is Verdict.REFUTED:
        text = f"the base case fails: {first.text}"
        return Evidence(
            Verdict.REFUTED, "counterexample", text, counterexample=first.counterexample
        )
    failed, evidence = (
        ("base case", first) if first.verdict is not Verdict.PROVED else ("step", then)
    )
    return Evidence(
        Verdict.UNDECIDED, "reason", f"the {failed} is {evidence.verdict}: {evidence.text}"
    )
