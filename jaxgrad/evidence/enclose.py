"""Enclose a real constant between decimals, with as much precision as the digits asked for need."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from flint import arb

from jaxgrad.errors import ArgumentError
from jaxgrad.evidence.bounds import Bounds, Bracket, bounds_of, bracket_of, computed
from jaxgrad.numbers.precision import precision
from jaxgrad.verdict import Evidence, Outcome, Verdict

__all__ = ["Enclosure", "enclose", "judge_bounds", "precisions"]

# Bits beyond those that the digits need, lost to rounding in expressions of the usual length; when
# they do not suffice the precision is doubled, so the number changes the time only.
_GUARD_BITS = 32

# Doubling ends here: about 2400 digits. An enclosure still too wide then has a ball in it that no
# precision can narrow (a function at its singularity, a truncation error, a value of 0).
_MOST_BITS = 8192


@dataclass(frozen=True)
class Enclosure(Outcome):
    """A real number between two rationals.

    Args:
        name: what is enclosed.
        bounds: the enclosure; None when no finite one was found.
        evidence: the verdict and what it rests on.

    Example:
        >>> print(enclose(lambda: arb(2).sqrt(), 4))
        PROVED: value lies in [1.41421, 1.41422].

    Source: claims A7, C2, D2, F1, F3.
    """

    name: str
    bounds: Bounds | None
    evidence: Evidence

    @property
    def verdict(self) -> Verdict:
        """PROVED, REFUTED or UNDECIDED."""
        return self.evidence.verdict


def enclose(
    value: Callable[[], arb],
    digits: int = 10,
    *,
    claimed: Bracket | None = None,
    name: str = "value",
) -> Enclosure:
    """Enclose a constant to a number of correct digits, and hold a claimed bracket against it.

    lower <= value <= upper with upper - lower <= 10^-digits |value|; the precision is doubled until
    that is so and, if a bracket is claimed, until the enclosure is inside it or disjoint from it.

    Args:
        value: () -> Arb ball, computed anew at each precision (``flint.ctx.prec`` bits), and once
            more at twice the last one: balls of one number always have a point in common.
        digits: correct digits wanted, relative to the value. A value of exactly 0 has none unless
            its ball is exact.
        claimed: (lower, upper) decimal strings said to enclose the value.
        name: the key of the enclosure in the evidence.

    Returns:
        PROVED when enclosed (and inside the claimed bracket), REFUTED when disjoint from that
        bracket, UNDECIDED when no precision sufficed.

    Raises:
        ArgumentError: digits < 1, the claimed bracket is none, or the function returns no exact
            number (a float, None) or not the same number each time.

    Example:
        >>> enclose(lambda: (arb(2) / arb.pi()).sqrt() / 4, claimed=("0.19947", "0.19948")).verdict
        <Verdict.PROVED: 'PROVED'>

    Source: claims A7, C2, D2, F1, F3.
    """
    bracket = None if claimed is None else bracket_of(claimed)
    bounds, balls = None, []
    for bits in precisions(digits):
        balls.append(_again(value, name, bits, balls))
        if not balls[-1].is_finite():
            continue
        bounds = bounds_of(balls[-1])
        if bounds.resolves(digits):
            verdict = judge_bounds(bounds, bracket)
            if verdict is not Verdict.UNDECIDED:
                _again(value, name, 2 * bits, balls)
                return Enclosure(name, bounds, _evidence(name, bounds, digits, verdict, bracket))
    return Enclosure(name, bounds, _evidence(name, bounds, digits, Verdict.UNDECIDED, bracket))


def _again(value: Callable[[], arb], name: str, bits: int, before: Sequence[arb]) -> arb:
    """The ball at a precision, which has to meet those at the precisions before."""
    with precision(bits):
        ball = computed(value, name)
    for other in before:
        if not ball.overlaps(other):
            raise ArgumentError(
                f"{name} is not one number: computed again it is {ball} instead of {other}; remove "
                "what changes between two calls, or correct the radius of a ball inside it"
            )
    return ball


def judge_bounds(bounds: Bounds, bracket: Bounds | None) -> Verdict:
    """What an enclosure says of a claimed bracket.

    Args:
        bounds: the enclosure.
        bracket: the claim, or None.

    Example:
        >>> judge_bounds(Bounds(0, 1), Bounds(2, 3))
        <Verdict.REFUTED: 'REFUTED'>
    """
    if bracket is None or bounds.within(bracket):
        return Verdict.PROVED
    return Verdict.REFUTED if bounds.disjoint(bracket) else Verdict.UNDECIDED


def precisions(digits: int) -> Iterator[int]:
    """Working precisions for a number of decimal digits: what they need, doubled again and again.

    Raises:
        ArgumentError: digits < 1.

    Example:
        >>> next(precisions(10))
        66
    """
    if not isinstance(digits, int) or digits < 1:
        raise ArgumentError(f"digits must be at least 1, not {digits}")
    bits = math.ceil(digits * math.log2(10)) + _GUARD_BITS
    most = max(_MOST_BITS, 2 * bits)
    while bits <= most:
        yield bits
        bits *= 2


def _evidence(
    name: str, bounds: Bounds | None, digits: int, verdict: Verdict, bracket: Bounds | None
) -> Evidence:
    if bounds is None:
        return Evidence(
            verdict,
            "reason",
            f"No finite ball was found for {name}: it may be computed at a singularity.",
        )
    lower, upper = decimals = bounds.decimals(digits)
    text = f"{name} lies in [{lower}, {upper}]"
    counterexample = None
    if verdict is Verdict.UNDECIDED:
        text += f", which does not settle {digits} digits or the claimed bracket at any precision"
    elif bracket is not None:
        claimed = " .. ".join(str(end) for end in (bracket.lower, bracket.upper))
        relation = "inside" if verdict is Verdict.PROVED else "outside"
        text += f", {relation} the claimed bracket {claimed}"
    if verdict is Verdict.REFUTED and bracket is not None:
        counterexample = outside(bounds, bracket)
    return Evidence(verdict, "enclosure", f"{text}.", {name: decimals}, counterexample, ("Arb",))


def outside(bounds: Bounds, bracket: Bounds) -> str:
    """Python that shows an enclosure to be disjoint from a claimed bracket.

    Args:
        bounds: the enclosure.
        bracket: the claim, disjoint from it.

    Example:
        >>> exec(outside(Bounds(0, 1), Bounds(2, 3)))
    """
    digits = 1
    while not bracket_of(bounds.decimals(digits)).disjoint(bracket):
        digits += 1
    lower, upper = bounds.decimals(digits)
    return (
        "from fractions import Fraction\n"
        f"lower, upper = Fraction('{lower}'), Fraction('{upper}')  # enclosed\n"
        f"least, most = Fraction('{bracket.lower}'), Fraction('{bracket.upper}')  # claimed\n"
        "assert upper < least or most < lower"
    )
