"""What is concluded from the judgements: a check for each way in which one can end."""

from __future__ import annotations

import math

from jaxgrad.derivative_rules.at_point import AtPoint
from jaxgrad.derivative_rules.code import in_words, paste, paste_batch
from jaxgrad.derivative_rules.judgement import Judgement
from jaxgrad.derivative_rules.programs import Primal
from jaxgrad.derivative_rules.proof import prove
from jaxgrad.derivative_rules.question import Question
from jaxgrad.derivative_rules.result import GradientCheck, RuleResult
from jaxgrad.derivative_rules.rules import Rules
from jaxgrad.special_points.search import SpecialPoint
from jaxgrad.verdict import Evidence, Verdict

__all__ = [
    "TRUSTS",
    "Judged",
    "leaf_result",
    "passed",
    "refutation",
    "undecided",
    "wrong_at",
    "wrong_under_vmap",
]

TRUSTS = ("Arb balls", "the interpreter's rules", "JAX's tracing")

Judged = list[tuple[Question, Judgement]]


def undecided(primal: Primal, reason: str) -> GradientCheck:
    """A check that is not settled, with the reason."""
    leaves = tuple(RuleResult(leaf.path, Verdict.UNDECIDED) for leaf in primal.inputs)
    return GradientCheck(Verdict.UNDECIDED, leaves, Evidence(Verdict.UNDECIDED, "reason", reason))


def refutation(text: str, code: str | None) -> Evidence:
    """The evidence that a rule is wrong."""
    return Evidence(Verdict.REFUTED, "counterexample", text, counterexample=code, trusts=TRUSTS)


def leaf_result(primal: Primal, path: str, judged: Judged) -> RuleResult:
    """What the judgements at the given point say of one leaf."""
    kinks = sum(found.kink for _, found in judged)
    bits = min((found.bits for _, found in judged), default=math.inf)
    for verdict in (Verdict.REFUTED, Verdict.UNDECIDED):
        for question, found in judged:
            if found.verdict is verdict:
                text = _sentence(primal, question, found)
                refuted = verdict is Verdict.REFUTED
                code = paste(primal, question, primal.point) if refuted else None
                return RuleResult(path, verdict, len(judged), kinks, bits, text, code)
    return RuleResult(path, Verdict.AGREES, len(judged), kinks, bits)


def _sentence(primal: Primal, question: Question, found: Judgement) -> str:
    return f"{in_words(primal, question)} is {found.value} by the rules and {found.truth} in truth"


def wrong_at(
    primal: Primal,
    leaves: tuple[RuleResult, ...],
    point: SpecialPoint,
    question: Question,
    found: Judgement,
) -> GradientCheck:
    """The check where a rule is wrong at a special point."""
    code = paste(primal, question, point.values)
    sentence = f"at {point.why}: {_sentence(primal, question, found)}"
    moving = question.leaf
    results = tuple(
        RuleResult(leaf.path, Verdict.REFUTED, text=sentence, counterexample=code)
        if moving in (i, None)
        else leaf
        for i, leaf in enumerate(leaves)
    )
    text = f"the derivative rules are wrong at a special point of the program, {point.why}"
    return GradientCheck(Verdict.REFUTED, results, refutation(text, code), (point.why,))


def wrong_under_vmap(
    primal: Primal, judged: Judged, points: tuple[AtPoint, AtPoint]
) -> GradientCheck:
    """The check where the derivatives of a batch are wrong."""
    question, found = next(pair for pair in judged if pair[1].verdict is Verdict.REFUTED)
    sentence = f"under vmap: {_sentence(primal, question, found)}"
    code = paste_batch(primal, question.modes[0], [at.values for at in points])
    leaves = tuple(
        RuleResult(leaf.path, Verdict.REFUTED, text=sentence, counterexample=code)
        for leaf in primal.inputs
    )
    text = "the derivative rules are wrong under jax.vmap"
    return GradientCheck(Verdict.REFUTED, leaves, refutation(text, code))


def passed(
    rules: Rules, leaves: tuple[RuleResult, ...], text: str, seen: tuple[str, ...]
) -> GradientCheck:
    """The check where nothing is wrong anywhere; proved if it can be."""
    proof = prove(rules.primal, rules.order, rules.modes)
    if proof is None:
        evidence = Evidence(Verdict.AGREES, "enclosure", text, trusts=TRUSTS)
        return GradientCheck(Verdict.AGREES, leaves, evidence, seen)
    trusts = ("FLINT polynomials", "JAX's derivatives of its own primitives", *TRUSTS)
    evidence = Evidence(Verdict.PROVED, "identity", f"{proof}; and {text}", trusts=trusts)
    return GradientCheck(Verdict.PROVED, leaves, evidence, seen)
