"""Arguments that are not finite: infinite entries are limits, NaN entries are held fixed.

What JAX computes *at* the infinity, by a run in floats, is held against the limit of the one-sided
derivatives (:mod:`jaxgrad.gradients.rules.limits`), which no derivative rule takes part in: balls
have no infinity, and a rule that treats it apart (``isinf``) shows in a run alone. A NaN where
there is a limit, another infinity, and a number that differs in more than half of its digits are
wrong. Beside that the program of the rule is run over germs with 1/ε for ∞, whose limit is the
formula's: it has to be the derivative to as many digits as rounding leaves, which half of the
digits of a run would not tell. Where something ties beside the infinity, no number is refuted.

A result that JAX computes as NaN is no number, and nothing of it is judged, nor a product that is
NaN with the right Jacobian, too (:mod:`jaxgrad.gradients.rules.borders`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from flint import arb

from jaxgrad.gradients.nan_origin import nan_origin
from jaxgrad.gradients.outcome import GradientCheck
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.border_words import no_numbers, not_judged, note_of_limits
from jaxgrad.gradients.rules.code import named
from jaxgrad.gradients.rules.conclusions import (
    Judged,
    first_wrong,
    leaf_result,
    passed,
    refutation,
    undecided,
)
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.direction_tuples import moving
from jaxgrad.gradients.rules.directions import Direction, pairing
from jaxgrad.gradients.rules.judgement import Judgement, agreement, digits_beyond
from jaxgrad.gradients.rules.limits import Limits, limits_along
from jaxgrad.gradients.rules.not_finite import nan_at_infinity
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.rules.sides import DIGITS, Sides, text_of
from jaxgrad.gradients.rules.truth import marked
from jaxgrad.gradients.witness import program_floats
from jaxgrad.numbers.base import ObjectArray
from jaxgrad.verdict import Verdict

__all__ = ["at_infinity", "is_finite"]

_SHOWN = 3
_MEND = "; mask its arguments where they are infinite, or give the limit by a custom_jvp"
# Where the infinities and NaNs are, what is read is held against JAX's run at a finite number.
_STAND_IN = 1.5


def is_finite(primal: Primal) -> bool:
    """Whether every floating-point argument is a real number."""
    return all(np.isfinite(np.asarray(leaf, np.float64)).all() for leaf in primal.point)


def at_infinity(rules: DerivativePrograms) -> GradientCheck:
    """The check where an argument is not finite.

    Args:
        rules: the derivative programs.
    """
    primal = rules.primal
    nans = [np.isnan(np.asarray(leaf, np.float64)) for leaf in primal.point]
    if all(mask.all() for mask in nans):
        return undecided(primal, "every argument is NaN, so that there is no derivative")
    stand_in = [
        np.where(np.isfinite(np.asarray(x, np.float64)), x, np.copysign(_STAND_IN, x)).astype(
            x.dtype
        )
        for x in primal.point
    ]
    rules.hold(stand_in)
    at = AtLimit(rules, nans)
    if at.without_value:
        said = f"JAX computes NaN for f itself {at.where}, so that it has no derivative there"
        return undecided(primal, said + at.origin_of_value())
    judged = at.everything()
    return _concluded(at, judged)


class AtLimit(AtPoint):
    """Answers and judges questions at a point with infinite entries.

    Args:
        rules: the derivative programs.
        nans: for each leaf which entries are NaN; these do not move.
    """

    def __init__(self, rules: DerivativePrograms, nans: Sequence[np.ndarray]) -> None:
        super().__init__(rules, rules.primal.point)
        self._nans = nans
        self._formulas: dict[Any, list[ObjectArray]] = {}
        self.truth: Any = Limits(rules.primal.truth_program, self.values)
        self.borders.over(self.truth, self._valueless)

    @cached_property
    def where(self) -> str:
        """The entries that are not finite, in words."""
        return _where(self.rules.primal)

    @cached_property
    def _runs(self) -> list[np.ndarray]:
        return program_floats(self.rules.primal.moving_program, self.values)

    @property
    def without_value(self) -> bool:
        """Whether JAX computes NaN for every entry of the result."""
        return all(mask.all() for mask in self._nans_of_results)

    def origin_of_value(self) -> str:
        """What to say of the operation that makes the first entry of the result NaN."""
        leaf = next(k for k, run in enumerate(self._runs) if run.size)
        first = (0,) * self._runs[leaf].ndim
        return nan_origin(self.rules.primal.moving_program, self.values, leaf, first)

    @property
    def _valueless(self) -> list[np.ndarray] | None:
        pairs = zip(self._nans_of_results, self.jumping, strict=True)
        masks = [nan | jump for nan, jump in pairs]
        return masks if any(mask.any() for mask in masks) else None

    @cached_property
    def jumping(self) -> list[np.ndarray]:
        """The entries that are a finite number at the infinity itself, and grow without bound
        towards it, as where ``isinf`` masks what is missing: no limit tells of these."""
        found = [
            np.isfinite(np.asarray(run, np.float64)) & ~marked(map(_is_bounded, limit.flat), limit)
            for run, limit in zip(self._runs, self.truth.value, strict=True)
        ]
        if any(mask.any() for mask in found):
            self.truth.reasons.add("f jumps at the infinity")
        return found

    def left_out(self) -> list[str]:
        """Notes of the results that are not judged."""
        primal = self.rules.primal
        jumps = not_judged(primal, self.jumping, "jumps", "jump", "at the infinity")
        return [*jumps, *no_numbers(primal, self._nans_of_results)]

    @property
    def _nans_of_results(self) -> list[np.ndarray]:
        return [np.isnan(np.asarray(run, np.float64)) for run in self._runs]

    def everything(self) -> Judged:
        """Every leaf by itself, in every mode, to order 1."""
        leaves = []
        for i, mask in enumerate(self._nans):
            drawn = self.rules.direction(leaf=i)
            cut = [np.where(m, 0.0, v) for m, v in zip(self._nans, drawn.leaves, strict=True)]
            if not mask.all():
                leaves.append(Direction(cut) if mask.any() else drawn)
        found: Judged = []
        for mode in self.rules.modes:
            moved = self.rules.signs(leaves) if mode == "fwd" else leaves
            for cotangent in moving(self.rules, self._cotangents(mode)):
                for direction in moved:
                    found += self._settle(Question((mode,), (direction,), cotangent))
        return found

    def sides(self, question: Question) -> Sides:
        """The limits that a question is held against."""
        return self.truth.sides(question.directions[0], question.cotangent)

    def judge(self, question: Question, number: Any = None) -> Judgement | None:
        """The judgement of one number; None where it is NaN whatever the rules."""
        computed, sides = self.numbers.floats(question), self.sides(question)
        if math.isnan(computed) and sides.known:
            rest = self.borders.counted(question, self.numbers.terms(question))
            if rest is not question:
                return None if rest is None else self.judge(rest)
        bits = self.rules.float_bits - math.log2(max(self.rules.size, 1)) - 1
        formula, tied = self._formula(question), self.truth.tied
        found = judge_limit(formula, computed, sides, bits, tied)
        if found.verdict is not Verdict.REFUTED or not math.isfinite(computed):
            return found
        # What the formula has exactly, JAX has but for rounding, as where terms cancel.
        right = [t for t in sides.known if formula.is_finite() and formula.overlaps(t)]
        hidden = any(self.excuses.rounds(question, abs(t - computed)) for t in right)
        return replace(found, verdict=Verdict.AGREES, hidden=True) if hidden else found

    def _formula(self, question: Question) -> arb:
        """The limit of what the formula of the rules gives."""
        moved = question.cotangent if question.modes == ("rev",) else question.directions[0]
        weights = question.directions[0] if question.modes == ("rev",) else question.cotangent
        key = question.modes, moved.key
        if key not in self._formulas:
            derived = self.rules[question.modes]
            found = limits_along(derived.program, self.values, moved.leaves)
            self._formulas[key] = found[derived.values :]
        return pairing(self._formulas[key], weights)


def judge_limit(formula: arb, computed: float, sides: Sides, bits: float, tied: bool) -> Judgement:
    """Judges one number at an infinity by the limits from the two sides.

    Args:
        formula: the limit of what the rule's formula gives, NaN if it is not known.
        computed: what JAX computes at the infinity.
        sides: the limits of the derivatives.
        bits: to how many bits a formula has to agree: those of a float, less its roundings.
        tied: whether something ties there, so that there may be a kink.

    Example:
        >>> one = Sides(arb(1), arb(1))
        >>> [str(judge_limit(arb(1), x, one, 20, False).verdict) for x in (1.0, math.nan, 0.5)]
        ['AGREES', 'REFUTED', 'REFUTED']
    """
    known, kink = sides.known, sides.kink
    text = sides.text(DIGITS)

    def result(verdict: Verdict, agree: float = math.inf, value: str = str(computed)) -> Judgement:
        return Judgement(verdict, agree, kink, value, text, as_run=True)

    if not known:
        return result(Verdict.UNDECIDED)
    if not math.isfinite(computed):
        signs = [1 if t > 0 else -1 for t in known if not t.is_finite()]
        right = math.isinf(computed) and math.copysign(1, computed) in signs
        return result(Verdict.AGREES if right else Verdict.REFUTED)
    finite = [t for t in known if t.is_finite()]
    if not finite:
        return result(Verdict.REFUTED)
    if kink and len(finite) == len(known) and _is_between(arb(computed), finite):
        return result(Verdict.AGREES)
    agree = max(agreement(arb(computed), t) for t in finite)
    if agree < bits / 2:
        return result(Verdict.UNDECIDED if tied else Verdict.REFUTED, agree)
    if not formula.is_finite() or kink:
        return result(Verdict.AGREES, agree)
    agree = max(agreement(formula, t) for t in finite)
    if agree >= bits:
        return result(Verdict.AGREES, agree)
    apart = not any(formula.overlaps(t) for t in finite)
    if not apart or tied:
        return result(Verdict.UNDECIDED, agree)
    digits = digits_beyond(agree)
    return Judgement(Verdict.REFUTED, agree, kink, text_of(formula, digits), sides.text(digits))


def _is_bounded(limit: arb) -> bool:
    """Whether a limit is not certainly infinite."""
    return limit.is_finite() or limit.is_nan()


def _is_between(x: arb, sides: Sequence[arb]) -> bool:
    return not (all(x < t for t in sides) or all(x > t for t in sides))


def _concluded(at: AtLimit, judged: Judged) -> GradientCheck:
    """The check, of which everything that was judged is known."""
    primal, rules = at.rules.primal, at.rules
    leaves = tuple(
        leaf_result(primal, leaf.path, [pair for pair in judged if pair[0].leaf in (i, None)])
        for i, leaf in enumerate(primal.inputs)
    )
    wrong = [leaf for leaf in leaves if leaf.verdict is Verdict.REFUTED]
    if wrong:
        is_nan = all(
            found.value == "nan" for _, found in judged if found.verdict is Verdict.REFUTED
        )
        what = (
            "JAX gives NaN where the derivative has a limit"
            if is_nan
            else ("the derivative rules are wrong in the limit")
        )
        text = f"{what}, {at.where}, for {len(wrong)} of {len(leaves)} leaves"
        text += _origin(at, judged)
        evidence = refutation(text, wrong[0].counterexample, wrong[0])
        return GradientCheck(Verdict.REFUTED, leaves, evidence)
    if not judged or any(leaf.verdict is Verdict.UNDECIDED for leaf in leaves):
        reasons = "; ".join(sorted(at.truth.reasons)) or "nothing is left to judge"
        return undecided(primal, f"the limit of the derivative is not known {at.where}: {reasons}")
    least = min((leaf.bits for leaf in leaves), default=math.inf)
    bits = f", to {int(least)} bits" if math.isfinite(least) else ""
    text = (
        f"the limits of the one-sided derivatives of the function {at.where}, to order 1, "
        f"{' and '.join(rules.modes)}{bits}"
    )
    notes = [*rules.missing, *at.left_out(), *note_of_limits(at)]
    if rules.order > 1:
        notes.append(f"order {rules.order} is judged at finite arguments alone")
    notes.append("special points, vmap and floats are looked at from finite arguments alone")
    return passed(primal, leaves, None, "; ".join([text, *notes]), ())


def _origin(at: AtLimit, judged: Judged) -> str:
    """Which operation makes the first NaN that is wrong, and what to do about it."""
    first = first_wrong(judged)
    if first is None or first[1].value != "nan":
        return ""
    said = nan_at_infinity(at, first[0])
    return said and said + _MEND


def _where(primal: Primal) -> str:
    """Which entries are not finite, and what is made of them."""
    limits, held = [], []
    for leaf, value in zip(primal.inputs, primal.point, strict=True):
        numbers = np.asarray(value, np.float64)
        for index in map(tuple, np.argwhere(~np.isfinite(numbers)).tolist()):
            name, x = named(leaf, index), float(numbers[index])
            (held if math.isnan(x) else limits).append(
                f"{name} is NaN" if math.isnan(x) else f"{name} → {'−' if x < 0 else ''}∞"
            )
    told = []
    for texts, word in ((limits, "as"), (held, "where")):
        more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
        told += [f"{word} {', '.join(texts[:_SHOWN])}{more}"] if texts else []
    return " and ".join(told)
