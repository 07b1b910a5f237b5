"""What is concluded from the judgements: a check for each way in which one can end."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from jaxgrad.gradients.domain import elsewhere
from jaxgrad.gradients.floats.result import FloatResult
from jaxgrad.gradients.outcome import CustomRule, GradientCheck, RuleResult
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.batch_code import paste_batch
from jaxgrad.gradients.rules.batches import BatchRows
from jaxgrad.gradients.rules.code import (
    paste,
    question_in_words,
)
from jaxgrad.gradients.rules.culprit import wrong_value_of
from jaxgrad.gradients.rules.judgement import Judgement
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.proof import Shown
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.special_points.search import SpecialPoint
from jaxgrad.gradients.trusts import BALLS, RESIDUES, said_by_others
from jaxgrad.programs.vmap_returns import VmapRule
from jaxgrad.verdict import Evidence, Verdict

__all__ = [
    "RIGHT",
    "WRONG",
    "Judged",
    "first_wrong",
    "leaf_result",
    "open_under_vmap",
    "passed",
    "refutation",
    "refuted_everywhere",
    "undecided",
    "why_open",
    "wrong_at",
    "wrong_floats_at",
    "wrong_rule",
    "wrong_under_vmap",
    "wrong_value",
]

Judged = list[tuple[Question, Judgement]]

# How the text begins of a check that one number refutes.
WRONG = "the derivative rules are wrong"
# And of one that only floats refute.
RIGHT = "the derivative rules are right as formulas"


def undecided(primal: Primal, reason: str) -> GradientCheck:
    """A check that is not settled, with the reason."""
    leaves = tuple(RuleResult(leaf.path, Verdict.UNDECIDED) for leaf in primal.inputs)
    return GradientCheck(Verdict.UNDECIDED, leaves, Evidence(Verdict.UNDECIDED, "reason", reason))


def why_open(at: AtPoint, judged: Judged) -> str:
    """Why not all of it is decided at a point."""
    opened = [found for _, found in judged if found.verdict is Verdict.UNDECIDED]
    reasons = at.truth.reasons or {found.reason for found in opened if found.reason}
    return "; ".join(sorted(reasons)) or "the enclosures are too wide"


def open_under_vmap(primal: Primal, question: Question, found: Judgement, over: str) -> str:
    """What is not decided of a batch, and why.

    Args:
        over: what is batched, in words.
    """
    reason = f": {found.reason}" if found.reason else ""
    return f"not decided under vmap{over}{reason} ({_sentence(primal, question, found)})"


def refutation(text: str, code: str | None, shown: object) -> Evidence:
    """The evidence that a rule is wrong.

    Args:
        text: what is wrong.
        code: the counterexample.
        shown: the line that tells of one number what it is and what it should be.
    """
    text = f"{text}\n  {shown}"
    return Evidence(Verdict.REFUTED, "counterexample", text, counterexample=code, trusts=BALLS)


def refuted_everywhere(
    primal: Primal,
    text: str,
    sentence: str,
    code: str,
    why: str | None = None,
    numbers: tuple[str, str] | None = None,
) -> GradientCheck:
    """The check that one counterexample refutes for all leaves.

    Args:
        text, sentence: what is said of the check, and of each leaf.
        code: the counterexample.
        why: the special point, in words.
        numbers: the one that is wrong, and what it should be; None where it is not one.
    """
    leaves = tuple(_refuted(x.path, sentence, code, numbers) for x in primal.inputs)
    evidence = refutation(text, code, leaves[0])
    return GradientCheck(Verdict.REFUTED, leaves, evidence, (why,) if why else ())


def _refuted(path: str, sentence: str, code: str, numbers: tuple[str, str] | None) -> RuleResult:
    """A leaf that one counterexample refutes."""
    found = RuleResult(path, Verdict.REFUTED, text=sentence, counterexample=code)
    return found if numbers is None else replace(found, value=numbers[0], truth=numbers[1])


def _numbers(found: Judgement) -> tuple[str, str]:
    """What was found, and what it should be."""
    return found.value, found.truth


def leaf_result(primal: Primal, path: str, judged: Judged) -> RuleResult:
    """What the judgements at the given point say of one leaf."""
    derivatives = [found for question, found in judged if question.taken is None]
    kinks = sum(found.kink for found in derivatives)
    bits = min((found.bits for found in derivatives), default=math.inf)
    for verdict in (Verdict.REFUTED, Verdict.UNDECIDED):
        for question, found in judged:
            if found.verdict is verdict:
                text = _sentence(primal, question, found)
                refuted = verdict is Verdict.REFUTED
                code = _code(primal, question, found, primal.point) if refuted else None
                counts = len(derivatives), kinks, bits
                return RuleResult(path, verdict, *counts, text, code, found.value, found.truth)
    return RuleResult(path, Verdict.AGREES, len(derivatives), kinks, bits)


def first_wrong(judged: Judged) -> tuple[Question, Judgement] | None:
    """What is refuted first: a wrong value makes the derivatives around it wrong, too."""
    wrong = [pair for pair in judged if pair[1].verdict is Verdict.REFUTED]
    return min(wrong, key=lambda pair: len(pair[0].moving), default=None)


def wrong_value(primal: Primal, judged: Judged) -> GradientCheck | None:
    """The check where a rule returns another value than the function at the given point."""
    wrong = first_wrong(judged)
    if wrong is None or not wrong[0].is_value:
        return None
    text, code = _sentence(primal, *wrong), _code(primal, *wrong, primal.point)
    what = f"the derivative rules are wrong: {_blamed(primal, *wrong, primal.point)}"
    return refuted_everywhere(primal, what, text, code, numbers=_numbers(wrong[1]))


def _blamed(primal: Primal, question: Question, found: Judgement, point: list[Any]) -> str:
    culprit = None if found.as_run else wrong_value_of(primal, point)
    modes = " then ".join(question.modes)
    return culprit or f"{modes or 'f'} {_of_value(found)}"


def _of_value(found: Judgement) -> str:
    return f"returns {found.value} as the value, the function is {found.truth}"


def _sentence(primal: Primal, question: Question, found: Judgement) -> str:
    number = question_in_words(primal, question)
    how = "by the rules" if question.modes else "for the batch"
    return f"{number} is {found.value} {how} and {found.truth} in truth"


def _code(primal: Primal, question: Question, found: Judgement, point: list[Any]) -> str:
    return paste(primal, question, point, found.truth)


def wrong_at(
    primal: Primal,
    leaves: tuple[RuleResult, ...],
    point: SpecialPoint,
    question: Question,
    found: Judgement,
    cause: str = "",
) -> GradientCheck:
    """The check where a rule is wrong at a special point, or at one drawn near the given one.

    Args:
        cause: why that is so, as far as it is known.
    """
    code = _code(primal, question, found, point.values)
    sentence = f"at {point.why}: {_sentence(primal, question, found)}"
    moving = question.leaf
    results = tuple(
        _refuted(leaf.path, sentence, code, _numbers(found)) if moving in (i, None) else leaf
        for i, leaf in enumerate(leaves)
    )
    text = f"the derivative rules are wrong at {_kind(point)}{point.why}{elsewhere(point.why)}"
    if question.is_value:
        text += f": {_blamed(primal, question, found, point.values)}"
    shown = next(leaf for leaf in results if leaf.text == sentence)
    evidence = refutation(text + cause, code, shown)
    wrong = GradientCheck(Verdict.REFUTED, results, evidence, (point.why,))
    return replace(wrong, _elsewhere=tuple(point.values))


def wrong_floats_at(
    leaves: tuple[RuleResult, ...], point: SpecialPoint, found: FloatResult, cause: str
) -> GradientCheck:
    """The check where a rule is no number in floats at a point that nobody asked for.

    Args:
        leaves: the results, all of which agree as formulas.
        found: the float.
        cause: what to say of why it is none.
    """
    text = (
        f"{RIGHT}, but compiled they are no numbers at "
        f"{_kind(point)}{point.why}{elsewhere(point.why)}; what JAX makes of the function without "
        f"them is right there{cause}"
    )
    evidence = refutation(text, found.code, found)
    wrong = GradientCheck(Verdict.REFUTED, leaves, evidence, (point.why,), floats=(found,))
    return replace(wrong, _elsewhere=tuple(point.values))


def _kind(point: SpecialPoint) -> str:
    """Why the package looks at a point, if its words do not say it."""
    if point.pursued:
        return "a point towards which a difference grows that rounding hides elsewhere, "
    return "" if point.drawn else "a special point of the program, "


def wrong_under_vmap(
    primal: Primal,
    rows: BatchRows,
    question: Question,
    found: Judgement,
    rule: VmapRule | None,
    like: str = "",
) -> GradientCheck:
    """The check where a derivative, or a value, of a batch is wrong.

    Args:
        rows: the batch.
        question, found: what is wrong of it.
        rule: the rule of a ``custom_vmap`` by which it is, if that is known.
        like: what it is like, in words; nothing if that is not known.
    """
    along, (first, second) = rows.batch.over, rows.points
    sentence = f"under vmap{along}: {_sentence(primal, question, found)}"
    code = paste_batch(primal, question, rows)
    what = "the derivative rules" if question.modes else "the values of f"
    text = f"{what} are wrong under jax.vmap{along}"
    if first is not second:
        text += " of the given point and another one (special_points=False keeps to the given one)"
    if rule is not None:
        text += f": {rule} " + (_of_value(found) if question.is_value else "makes them so")
    elif question.is_value:
        text += f": {_blamed(primal, question, found, first.values)}"
    numbers = _numbers(found)
    return refuted_everywhere(primal, text + like, sentence, code, numbers=numbers)


def wrong_rule(
    leaves: tuple[RuleResult, ...], rule: CustomRule, wrong: GradientCheck
) -> GradientCheck:
    """The check where a rule that the function calls is wrong by itself.

    Args:
        leaves: what is known of the function, of which the given point shows nothing wrong.
        rule: the rule.
        wrong: its own check.
    """
    said = wrong.evidence.text
    how = said.removeprefix(WRONG) if said.startswith(WRONG) else f" by itself: {said}"
    text = f"the rule `{rule.name}` ({rule.where}), which f calls, is wrong{how}"
    code = f"{rule.counterexample}"
    called = "`f` is " if code.startswith("# with `f` ") else ""
    code = f"# {called}`{rule.name}` ({rule.where})\n{code}"
    evidence = Evidence(Verdict.REFUTED, "counterexample", text, counterexample=code, trusts=BALLS)
    return GradientCheck(Verdict.REFUTED, leaves, evidence, wrong.special_points)


def passed(
    primal: Primal,
    leaves: tuple[RuleResult, ...],
    proof: Shown | None,
    text: str,
    seen: tuple[str, ...],
) -> GradientCheck:
    """The check where nothing is wrong anywhere.

    Args:
        primal: the function.
        leaves: the results.
        proof: what was shown of every input, if anything.
        text: what was seen at points.
        seen: the points.
    """
    trusts = (*BALLS, *said_by_others(primal.moving_program.jaxpr, primal.truth_program.jaxpr))
    if proof is None:
        evidence = Evidence(Verdict.AGREES, "enclosure", text, trusts=trusts)
        return GradientCheck(Verdict.AGREES, leaves, evidence, seen)
    first = ("FLINT polynomials",) if proof.log_error is None else RESIDUES[:2]
    trusts = (*first, "JAX's derivatives of its own primitives", *trusts)
    evidence = Evidence(proof.verdict, "identity", f"{proof.text}; and {text}", trusts=trusts)
    return GradientCheck(proof.verdict, leaves, evidence, seen)
