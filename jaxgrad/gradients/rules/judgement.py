"""The judgement of one number that a derivative rule gives, by the one-sided derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from flint import arb

from jaxgrad.gradients.enclosure import ENOUGH_BITS
from jaxgrad.gradients.rules.truth import DIGITS, Sides, text_of
from jaxgrad.numbers.ball import relative_bits
from jaxgrad.verdict import Verdict

__all__ = ["Judgement", "agreement", "digits_beyond", "judge", "judge_value"]


@dataclass(frozen=True)
class Judgement:
    """What is made of one number that a rule gives.

    Args:
        verdict: AGREES, REFUTED or UNDECIDED.
        bits: relative bits of agreement; infinite where equal, or accepted at a kink.
        kink: whether the function has a kink there.
        value: the number, as text.
        truth: what it is held against, as text.
        as_run: whether these are floats that JAX computes, and not the formulas.
    """

    verdict: Verdict
    bits: float
    kink: bool
    value: str
    truth: str
    as_run: bool = False


def judge(
    value: arb,
    sides: Sides,
    least_bits: float,
    tiny: float,
    in_floats: Callable[[], float],
    rounded: Callable[[], tuple[arb, Sides | None]],
    around: Callable[[], list[arb]],
) -> Judgement:
    """Judges one number by the one-sided derivatives: equal to both, or between the two.

    Args:
        value: the enclosure of what the rule gives.
        sides: the one-sided derivatives.
        least_bits: what a rule whose constants are rounded has to agree to.
        tiny: numbers below it are not told apart: no float of the dtype is as small.
        in_floats: what JAX computes; asked for where the formula is no real number.
        rounded: the enclosures of what the rule gives, and of the sides, for constants that are
            rounded numbers; asked for where the formula is not the derivative.  A rule that is
            the derivative but for the rounding of constants agrees, to fewer bits.
        around: what else a composition of kinks may be given for a derivative; asked for where
            the rule does not give what is between the two sides.
    """

    def result(
        verdict: Verdict,
        bits: float = math.inf,
        shown: str | None = None,
        kink: bool = sides.kink,
        digits: int = DIGITS,
    ) -> Judgement:
        shown = shown or text_of(value, digits)
        return Judgement(verdict, bits, kink, shown, sides.text(digits))

    known = sides.known
    if not known:
        return result(Verdict.UNDECIDED)
    if not value.is_finite():
        computed = float(in_floats())
        agrees = any(not t.is_finite() and (t > 0) == (computed > 0) for t in known)
        if math.isfinite(computed):
            return result(Verdict.UNDECIDED)
        return result(
            Verdict.AGREES if agrees and math.isinf(computed) else Verdict.REFUTED,
            shown=str(computed),
        )
    if all(value < t for t in known) or all(value > t for t in known):
        # Two sides that rounded constants alone keep apart are one.
        bits = min(agreement(value, t) for t in known)
        if bits > 0 and _meet(*rounded()):
            return result(Verdict.AGREES if bits >= least_bits else Verdict.UNDECIDED, bits)
        nearest = max(agreement(value, t) for t in known)
        if sides.kink and nearest >= least_bits and _between(*rounded()):
            return result(Verdict.AGREES, nearest)
        hulls = [hull for hull in around() if hull.is_finite()]
        if any(value.overlaps(hull) for hull in hulls):
            return result(Verdict.AGREES, kink=True)
        hulls = [hull for hull in hulls if agreement(value, _end(hull, value)) >= least_bits]
        if hulls and any(rounded()[0].overlaps(hull) for hull in hulls):
            return result(Verdict.AGREES, kink=True)
        if all(abs(x).upper() < tiny for x in (value, *known)):
            return result(Verdict.UNDECIDED)
        return result(Verdict.REFUTED, digits=digits_beyond(bits))
    if sides.kink or not all(t.is_finite() for t in known):
        return result(Verdict.AGREES)
    bits = min(agreement(value, t) for t in known)
    return result(Verdict.AGREES if bits >= ENOUGH_BITS else Verdict.UNDECIDED, bits)


def judge_value(
    value: arb,
    truth: arb,
    bits: tuple[float, float],
    tiny: float,
    in_floats: Callable[[], float],
    rounded: Callable[[], tuple[arb, arb]],
) -> Judgement:
    """Judges the value that a rule returns by the value of the function.

    Args:
        value, truth: the enclosures of both; the second is a real number.
        bits: values that agree to the first are the same float; of two that rounded constants
            make one they have to agree to the second.
        tiny, in_floats, rounded: as for :func:`judge`.
    """

    def result(verdict: Verdict, agree: float = math.inf, digits: int = DIGITS) -> Judgement:
        return Judgement(verdict, agree, False, text_of(value, digits), text_of(truth, digits))

    if not value.is_finite():
        computed = float(in_floats())
        verdict = Verdict.UNDECIDED if math.isfinite(computed) else Verdict.REFUTED
        return Judgement(verdict, math.inf, False, str(computed), text_of(truth))
    same_float, least = bits
    agree = agreement(value, truth)
    if agree >= same_float:
        return result(Verdict.AGREES, agree)
    if value.overlaps(truth):
        return result(Verdict.UNDECIDED, agree)
    if agree >= least and _meet(*_as_sides(*rounded())):
        return result(Verdict.AGREES, agree)
    if abs(value).upper() < tiny and abs(truth).upper() < tiny:
        return result(Verdict.UNDECIDED)
    return result(Verdict.REFUTED, agree, digits_beyond(agree))


def _as_sides(value: arb, truth: arb) -> tuple[arb, Sides]:
    return value, Sides(truth, truth)


def _meet(value: arb, sides: Sides | None) -> bool:
    if sides is None or not value.is_finite():
        return False
    return bool(sides.known) and all(value.overlaps(t) for t in sides.known)


def _between(value: arb, sides: Sides | None) -> bool:
    """Whether it may be one of two sides, or between them."""
    if sides is None or not value.is_finite() or len(sides.known) < 2:
        return False
    return not (all(value < t for t in sides.known) or all(value > t for t in sides.known))


def _end(hull: arb, value: arb) -> arb:
    """The end of a hull that is nearer to a number outside."""
    return hull.lower() if value < hull else hull.upper()


def digits_beyond(bits: float) -> int:
    """Three digits more than those that are the same."""
    return DIGITS if bits < 0 else max(DIGITS, int(bits * math.log10(2)) + 3)


def agreement(value: arb, truth: arb) -> float:
    """Relative bits of agreement, or absolute ones where the true value may be 0."""
    difference = value - truth
    if not difference.is_finite():
        return -math.inf
    larger = value if abs(value).lower() > abs(truth).lower() else truth
    if abs(larger).lower() > 0:
        return relative_bits(difference, larger)
    # Twice as many absolute bits are asked of a number that no precision tells from 0.
    return relative_bits(difference, arb(1)) / 2
