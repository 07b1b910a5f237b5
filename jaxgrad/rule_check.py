"""check_grads(): are the derivative rules of a function right at a point?  No tolerance.

JAX's own derivative programs are evaluated in Arb balls, which is the exact formula of the rules,
and held against the one-sided derivatives of the primal, which no derivative rule takes part in.
"""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from jaxgrad.custom_rules import has_custom_rules, strip_custom_rules
from jaxgrad.engines.enclosure import FIRST_PRECISION
from jaxgrad.engines.identity import Budget, identity
from jaxgrad.errors import ArgumentError, GradientMismatch, UndecidedError, UnsupportedPrimitive
from jaxgrad.numbers.ball import precision
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.rule_programs import Primal
from jaxgrad.rule_questions import Question, Questions
from jaxgrad.rule_truth import Judgement, judge
from jaxgrad.sides import make_side
from jaxgrad.verdict import Evidence, Verdict

__all__ = ["GradientCheck", "RuleResult", "check_grads"]

MODES = ("fwd", "rev")
# Two doublings past the first precision: values that 848 bits do not tell apart are undecided.
PRECISIONS = (FIRST_PRECISION, 2 * FIRST_PRECISION, 4 * FIRST_PRECISION)
_TRUSTS = ("Arb balls", "the interpreter's rules", "JAX's tracing")


@dataclass(frozen=True)
class RuleResult:
    """What is known of the derivative with respect to one leaf of the arguments.

    Args:
        path: the key path of the leaf.
        verdict: the verdict for this leaf alone.
        judged: how many numbers were judged.
        kinks: how many of them at a kink, where any value between the two sides is accepted.
        bits: the fewest bits to which they agree; infinite where all are equal or at a kink.
        text: for a number that is refuted or undecided, which one it is and what it should be.
    """

    path: str
    verdict: Verdict
    judged: int = 0
    kinks: int = 0
    bits: float = math.inf
    text: str = ""
    counterexample: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        kinks = f", at a kink in {self.kinks} of {self.judged}" if self.kinks else ""
        return f"{self.path}: {self.text}" if self.text else f"{self.path}: {self.verdict}{kinks}"


@dataclass(frozen=True)
class GradientCheck:
    """The outcome of :func:`check_grads`.

    Args:
        verdict: the conclusion over all leaves.
        leaves: one result for each floating-point leaf of the arguments.
        evidence: what the verdict rests on.
    """

    verdict: Verdict
    leaves: tuple[RuleResult, ...]
    evidence: Evidence

    @property
    def counterexample(self) -> str | None:
        """Python that can be pasted and run with ``f`` in scope, or None."""
        return self.evidence.counterexample

    @property
    def kinks(self) -> tuple[str, ...]:
        """The leaves with a kink at the point."""
        return tuple(leaf.path for leaf in self.leaves if leaf.kinks)

    def assert_agrees(self) -> None:
        """Passes if the rules agree with the function.

        Raises:
            GradientMismatch: they do not; the message carries the counterexample.
            UndecidedError: it is not known, which never passes.
        """
        if self.verdict is Verdict.REFUTED:
            raise GradientMismatch(str(self))
        if not self.verdict.passes:
            raise UndecidedError(str(self))

    def to_json(self) -> str:
        """The check as a JSON object."""
        leaves = [
            {"path": x.path, "verdict": str(x.verdict), "judged": x.judged, "kinks": x.kinks,
             "bits": int(x.bits) if math.isfinite(x.bits) else None, "text": x.text}
            for x in self.leaves
        ]  # fmt: skip
        return json.dumps({**self.evidence.to_dict(), "leaves": leaves})

    def __str__(self) -> str:
        lines = [f"{self.verdict}: {self.evidence.text}"]
        lines += [f"  {leaf}" for leaf in self.leaves if leaf.kinks or leaf.text]
        if self.counterexample:
            lines += ["", "To see it, with `f` in scope:", "", self.counterexample]
        return "\n".join(lines)


def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int = 1,
    modes: Sequence[str] | str = MODES,
    atol: float | None = None,
    rtol: float | None = None,
    eps: float | None = None,
) -> GradientCheck:
    """Checks the derivative rules of a function at a point; a drop-in for JAX's test utility.

    What JAX's rules give for J(x)v, for J(x)ᵀu and for the derivatives of these is enclosed and
    held against the one-sided derivatives f₊⁽ᵏ⁾(x; v) and f₋⁽ᵏ⁾(x; v) of the function itself.
    Where the two differ, the function has a kink, and any value between them is accepted and
    reported.  Leaves that are not floating point are held fixed.

    Args:
        f: a JAX function of ``args``, any floating-point dtypes.
        args: a sequence of pytrees of arrays, the point x.
        order: every order from 1 to this one is checked.
        modes: ``"fwd"``, ``"rev"`` or both.
        atol, rtol, eps: accepted and without use: nothing is compared to a tolerance.

    Returns:
        the check, if it passes: PROVED where a custom rule is the derivative of its function for
        every real input, AGREES where it is at this point.

    Raises:
        ArgumentError: an unknown mode or order, or nothing to differentiate.
        GradientMismatch: a rule is wrong; the message names the leaf and carries a counterexample.
        UndecidedError: it could not be decided.

    Example:
        >>> check_grads(jax.nn.softplus, (0.0,), order=2).verdict
        <Verdict.AGREES: 'AGREES'>
        >>> check_grads(abs, (0.0,)).kinks
        ('x',)
    """
    modes = _modes(modes)
    if isinstance(order, bool) or not isinstance(order, int) or order < 1:
        raise ArgumentError(f"order is {order!r}; it is 1, 2, … (the highest derivative)")
    useless = [name for name, x in (("atol", atol), ("rtol", rtol), ("eps", eps)) if x is not None]
    if useless:
        warnings.warn(
            f"{', '.join(useless)}: not used, as derivatives are enclosed and nothing is compared "
            "to a tolerance; leave them out",
            stacklevel=2,
        )
    check = _check(Primal(f, args), order, modes)
    check.assert_agrees()
    return check


def _modes(modes: Sequence[str] | str) -> tuple[str, ...]:
    found = (modes,) if isinstance(modes, str) else tuple(modes)
    unknown = [mode for mode in found if mode not in MODES]
    if unknown or not found:
        given = f"holds {unknown[0]!r}" if unknown else "is empty"
        raise ArgumentError(f'modes {given}; the accepted ones are "fwd" and "rev"')
    return tuple(mode for mode in MODES if mode in found)


def _check(primal: Primal, order: int, modes: tuple[str, ...]) -> GradientCheck:
    questions = Questions(primal, order, modes)
    best: dict[int, tuple[Question, Judgement]] = {}
    try:
        for bits in PRECISIONS:
            with precision(bits):
                best = {}
                for i, question in enumerate(questions.ask()):
                    judgement = judge(
                        question.value, question.sides, question.floats, question.rounded
                    )  # fmt: skip
                    best[i] = question, judgement
            if all(found.verdict is not Verdict.UNDECIDED for _, found in best.values()):
                break
            if any(found.verdict is Verdict.REFUTED for _, found in best.values()):
                break
    except (CannotDecide, UnsupportedPrimitive) as error:
        return _undecided(primal, str(error))
    if not best:
        return _undecided(primal, "the arguments or the results are empty: nothing to check")
    leaves = tuple(
        _leaf(primal, i, [pair for pair in best.values() if pair[0].leaf == i])
        for i in range(len(primal.inputs))
    )
    return _conclude(primal, order, modes, leaves, questions)


def _undecided(primal: Primal, reason: str) -> GradientCheck:
    leaves = tuple(RuleResult(leaf.path, Verdict.UNDECIDED) for leaf in primal.inputs)
    return GradientCheck(Verdict.UNDECIDED, leaves, Evidence(Verdict.UNDECIDED, "reason", reason))


def _leaf(primal: Primal, i: int, judged: list[tuple[Question, Judgement]]) -> RuleResult:
    path = primal.inputs[i].path
    if not judged:  # a leaf without entries
        return RuleResult(path, Verdict.AGREES)
    kinks = sum(found.kink for _, found in judged)
    bits = min(found.bits for _, found in judged)
    for verdict in (Verdict.REFUTED, Verdict.UNDECIDED):
        for question, found in judged:
            if found.verdict is verdict:
                text = f"{question.what} is {found.value}, the derivative is {found.truth}"
                code = question.code() if verdict is Verdict.REFUTED else None
                return RuleResult(path, verdict, len(judged), kinks, bits, text, code)
    return RuleResult(path, Verdict.AGREES, len(judged), kinks, bits)


def _conclude(
    primal: Primal,
    order: int,
    modes: tuple[str, ...],
    leaves: tuple[RuleResult, ...],
    questions: Questions,
) -> GradientCheck:
    wrong = [leaf for leaf in leaves if leaf.verdict is Verdict.REFUTED]
    if wrong:
        text = f"the derivative rules are wrong for {len(wrong)} of {len(leaves)} leaves"
        evidence = Evidence(
            Verdict.REFUTED, "counterexample", text,
            counterexample=wrong[0].counterexample, trusts=_TRUSTS,
        )  # fmt: skip
        return GradientCheck(Verdict.REFUTED, leaves, evidence)
    if any(leaf.verdict is Verdict.UNDECIDED for leaf in leaves):
        reasons = "; ".join(sorted(questions.reasons)) or "the enclosures are too wide"
        return GradientCheck(
            Verdict.UNDECIDED, leaves, Evidence(Verdict.UNDECIDED, "reason", reasons)
        )
    at = f"at this point, to order {order}, {' and '.join(modes)}"
    at += "" if questions.complete else ", along drawn directions and one entry of every leaf"
    least = min((leaf.bits for leaf in leaves), default=math.inf)
    at += f", to {int(least)} bits" if math.isfinite(least) else ""
    if questions.skipped:
        at += f"; {questions.skipped} mixed derivatives at kinks not judged"
    proof = _proof(primal, modes)
    if proof is not None:
        text = f"{proof}; and the one-sided derivatives of the function {at}"
        evidence = Evidence(
            Verdict.PROVED, "identity", text, trusts=("FLINT polynomials", *_TRUSTS)
        )
        return GradientCheck(Verdict.PROVED, leaves, evidence)
    text = f"the one-sided derivatives of the function {at}"
    return GradientCheck(
        Verdict.AGREES, leaves, Evidence(Verdict.AGREES, "enclosure", text, trusts=_TRUSTS)
    )


def _proof(primal: Primal, modes: tuple[str, ...]) -> str | None:
    """Shows the custom rules equal to autodiff of the primal without them, as polynomials.

    Equal first derivatives for every input have equal derivatives of every order.
    """
    closed = primal.moving_program.jaxpr
    if not has_custom_rules(closed):
        return None
    stripped = strip_custom_rules(closed)
    divisors = 0
    for mode in modes:
        sides = []
        for name, function in (("hand", primal), ("auto", stripped)):
            derivative, argument = _first_derivative(mode, function, primal)
            sides.append(make_side(name, derivative, (tuple(primal.point), argument)))
        found = identity(sides[0], sides[1], Budget(terms=20_000, work=50_000_000))
        if not found.proved:
            return None
        divisors += len(found.divisors)
    where = " at which both are defined" if divisors else ""
    return (
        "the custom rules give the same polynomial as JAX's derivative of the primal for every "
        f"real input of these shapes{where}"
    )


def _first_derivative(
    mode: str, function: Callable[..., Any], primal: Primal
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    if mode == "fwd":
        ones = primal.like_inputs([np.ones(leaf.shape) for leaf in primal.inputs])
        return lambda x, v: jax.jvp(function, tuple(x), tuple(v))[1], ones
    ones = primal.like_outputs([np.ones(leaf.shape) for leaf in primal.outputs])
    return lambda x, u: jax.vjp(function, *x)[1](list(u)), ones
