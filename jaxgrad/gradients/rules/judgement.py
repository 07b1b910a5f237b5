"""The judgement of one number that a derivative rule gives, by the one-sided derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from flint import arb

from jaxgrad.gradients.enclosure import ENOUGH_BITS
from jaxgrad.gradients.floats.hidden import SOME_BITS
from jaxgrad.gradients.rules.sides import DIGITS, Sides, text_of
from jaxgrad.gradients.zero_signs import shows
from jaxgrad.numbers.ball import relative_bits
from jaxgrad.verdict import Verdict

__all__ = [
    "Hides",
    "Judgement",
    "agreement",
    "digits_beyond",
    "judge",
    "judge_value",
    "value_as_run",
]


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
        hidden: whether the formulas differ, by no more than the rounding of the rule could hide.
        reason: why it is UNDECIDED, where that is known.
        by_secants: whether it is held against secants, since f jumps at a scale that none shows.
    """

    verdict: Verdict
    bits: float
    kink: bool
    value: str
    truth: str
    as_run: bool = False
    hidden: bool = False
    reason: str = ""
    by_secants: bool = False

    @property
    def plain(self) -> bool:
        """Whether it is the one derivative, and nothing more is to be said."""
        return self.verdict is Verdict.AGREES and not (self.kink or self.hidden)

    @property
    def is_coarse(self) -> bool:
        """Whether it is open for enclosures of real numbers that meet, and are too wide."""
        return self.verdict is Verdict.UNDECIDED and math.isfinite(self.bits)


# Whether a difference is hidden by the rounding of a rule; None where nobody knows.
Hides = Callable[[arb], bool | None]


def judge(
    value: arb,
    sides: Sides,
    tiny: float,
    in_floats: Callable[[], float],
    hides: Hides,
    around: Callable[[], Iterable[arb]],
    flushed: float = 0.0,
    negligible: float = 0.0,
) -> Judgement:
    """Judges one number by the one-sided derivatives: equal to both, or between the two.

    Args:
        value: the enclosure of what the rule gives.
        sides: the one-sided derivatives.
        tiny: numbers below it are not told apart: no float of the dtype is as small.
        in_floats: what JAX computes; asked for where the formula is no real number.
        hides: whether the rounding of the compiled rule could hide a difference of a size; asked
            where the formula is not the derivative.  One that no float tells from it agrees.
        around: what else a composition of kinks may be given for a derivative, first what holds
            all of it; asked for where the rule does not give what is between the two sides.
        flushed: a float below it is 0.
        negligible: numbers below it that no precision tells apart agree: both are 0 in floats.
    """
    case = _Case(value, sides, tiny, in_floats, hides, around, flushed, negligible)
    row = next(row for row in _TABLE if row.holds(case))
    wrong = row.verdict is Verdict.REFUTED and not row.by_floats
    digits = digits_beyond(case.bits) if wrong else DIGITS
    shown = str(case.computed) if row.by_floats else text_of(value, digits)
    kink = row.kink or sides.kink
    bits, truth = row.bits(case), sides.text(digits)
    return Judgement(row.verdict, bits, kink, shown, truth, hidden=row.hidden, reason=row.reason)


@dataclass(frozen=True)
class _Case:
    """One number, and what is asked of it until some row of the table holds."""

    value: arb
    sides: Sides
    tiny: float
    in_floats: Callable[[], float]
    hides: Hides
    around: Callable[[], Iterable[arb]]
    flushed: float = 0.0
    negligible: float = 0.0

    @property
    def is_negligible(self) -> bool:
        """Whether it and what it should be are 0 in floats, though not known to be one number."""
        numbers = (self.value, *self.known)
        return all(bool(abs(x).upper() < self.negligible) for x in numbers)

    @property
    def known(self) -> list[arb]:
        """The sides that are known."""
        return self.sides.known

    @cached_property
    def computed(self) -> float:
        """What JAX computes."""
        return float(self.in_floats())

    @cached_property
    def bits(self) -> float:
        """To how many bits it agrees with the side that it agrees least with."""
        return min(agreement(self.value, t) for t in self.known)

    @cached_property
    def nearest(self) -> float:
        """To how many bits it agrees with the side that it agrees best with."""
        return max(agreement(self.value, t) for t in self.known)

    @cached_property
    def hidden(self) -> list[bool | None]:
        """Of every side whether rounding could hide how far the number is from it."""
        return [t.is_finite() and self.hides(abs(self.value - t)) for t in self.known]

    @cached_property
    def _source(self) -> Iterator[arb]:
        return iter(self.around())

    @cached_property
    def _looked_at(self) -> list[arb]:
        return []

    @property
    def _offered(self) -> Iterator[arb]:
        """What else a composition of kinks may be given, each found where it is asked for."""
        yield from [*self._looked_at]
        for hull in self._source:
            self._looked_at.append(hull)
            yield hull

    @property
    def hulls(self) -> Iterator[arb]:
        """The same, as far as it is known."""
        return (hull for hull in self._offered if hull.is_finite())

    @property
    def is_sides_infinity(self) -> bool:
        """Whether JAX computes the infinity that a side is."""
        same = any(not t.is_finite() and (t > 0) == (self.computed > 0) for t in self.known)
        return same and math.isinf(self.computed)

    @cached_property
    def between(self) -> bool:
        """Whether it may be a side, or between the two."""
        value, known = self.value, self.known
        return not (all(value < t for t in known) or all(value > t for t in known))

    @property
    def at_a_kink(self) -> bool:
        """Whether any number between the sides is as good, or a side is infinite."""
        return self.sides.kink or not all(t.is_finite() for t in self.known)

    @property
    def near_a_hull(self) -> bool:
        """Whether rounding could hide how far it is from a hull."""
        ends = [_end(hull, self.value) for hull in self.hulls]
        return any(self._told(end) and self.hides(abs(self.value - end)) for end in ends)

    def _told(self, *others: arb) -> bool:
        """Whether some bits are known to be those of other numbers, or floats have none for it."""
        flushed = all(abs(x).upper() < self.flushed for x in (self.value, *others))
        return flushed or all(agreement(self.value, x) >= SOME_BITS for x in others)

    @property
    def told(self) -> bool:
        """Whether some bits of it are known to be right, or floats have none for it."""
        return self._told(*self.known)

    @cached_property
    def may_be_hidden(self) -> bool:
        """Whether nothing bounds what rounding may do to a number of which half is right."""
        ends = [_end(hull, self.value) for hull in self.hulls]
        open_sides = [t for t, h in zip(self.known, self.hidden, strict=True) if h is None]
        open_ends = [end for end in ends if self.hides(abs(self.value - end)) is None]
        return any(agreement(self.value, t) >= SOME_BITS for t in (*open_sides, *open_ends))

    @property
    def below_every_float(self) -> bool:
        """Whether no float of the dtype is as small, neither it nor a side."""
        return all(abs(x).upper() < self.tiny for x in (self.value, *self.known))


def _infinite(case: _Case) -> float:
    return math.inf


def _least(case: _Case) -> float:
    return case.bits


def _best(case: _Case) -> float:
    return case.nearest


@dataclass(frozen=True)
class _Row:
    """A verdict, and where it is the one.

    Args:
        holds: whether it is, of a case of which no row before holds.
        verdict: the verdict.
        bits: the agreement that is reported.
        kink: whether there is a kink though the two sides are one.
        by_floats: whether what JAX computes decides it, and is what is shown.
        hidden: whether rounding could hide that it is another number.
        reason: why it is not decided.
    """

    holds: Callable[[_Case], bool]
    verdict: Verdict
    bits: Callable[[_Case], float] = _infinite
    kink: bool = False
    by_floats: bool = False
    hidden: bool = False
    reason: str = ""


_NO_NUMBER = "the formula has no value there, and JAX computes a number"
_TOO_WIDE = "the enclosures are too wide"
_BELOW = "it is smaller than every float, and so is the truth"
_IN_FLOATS = "; a wider dtype may tell, and exact=True asks for the formula alone"
_UNTOLD = (
    "the difference from the truth is no more than rounding may make, and too few bits agree to "
    f"call them one number{_IN_FLOATS}"
)
_UNBOUNDED = (
    f"nothing bounds how much of the difference from the truth rounding may make{_IN_FLOATS}"
)


# The first row that holds is the judgement.
_TABLE = (
    # Nothing to hold it against.
    _Row(lambda c: not c.known, Verdict.UNDECIDED),
    # The formula has no value there.
    _Row(
        lambda c: not c.value.is_finite() and math.isfinite(c.computed),
        Verdict.UNDECIDED, reason=_NO_NUMBER,
    ),
    _Row(lambda c: not c.value.is_finite() and c.is_sides_infinity, Verdict.AGREES, by_floats=True),
    _Row(lambda c: not c.value.is_finite(), Verdict.REFUTED, by_floats=True),
    # It is between the sides, or may be.
    _Row(lambda c: c.between and c.at_a_kink, Verdict.AGREES),
    _Row(lambda c: c.between and c.bits >= ENOUGH_BITS, Verdict.AGREES, _least),
    _Row(lambda c: c.between and c.is_negligible, Verdict.AGREES),
    _Row(lambda c: c.between, Verdict.UNDECIDED, _least, reason=_TOO_WIDE),
    # It is another number, and no float tells it from all sides, or from one of two.
    _Row(lambda c: c.told and all(c.hidden), Verdict.AGREES, _least, hidden=True),
    _Row(
        lambda c: c.sides.kink and c.nearest >= SOME_BITS and any(c.hidden),
        Verdict.AGREES, _best, hidden=True,
    ),
    # It is what a composition of kinks may be given.
    _Row(lambda c: any(c.value.overlaps(h) for h in c.hulls), Verdict.AGREES, kink=True),
    _Row(lambda c: c.near_a_hull, Verdict.AGREES, kink=True, hidden=True),
    # Far out both may be smaller than every float.
    _Row(lambda c: c.below_every_float, Verdict.UNDECIDED, reason=_BELOW),
    _Row(lambda c: c.may_be_hidden, Verdict.UNDECIDED, reason=_UNBOUNDED),
    # Where floats tell nothing, nothing is known.
    _Row(
        lambda c: all(c.hidden) or (c.sides.kink and any(c.hidden)),
        Verdict.UNDECIDED, reason=_UNTOLD,
    ),
    _Row(lambda c: True, Verdict.REFUTED),
)  # fmt: skip


def judge_value(
    value: arb,
    truth: arb,
    same_float: float,
    tiny: float,
    in_floats: Callable[[], float],
    hides: Hides,
) -> Judgement:
    """Judges the value that a rule returns by the value of the function.

    Args:
        value, truth: the enclosures of both; the second is a real number.
        same_float: values that agree to so many bits are the same float.
        tiny, in_floats, hides: as for :func:`judge`.
    """

    def result(verdict: Verdict, agree: float = math.inf, digits: int = DIGITS) -> Judgement:
        return Judgement(verdict, agree, False, text_of(value, digits), text_of(truth, digits))

    def is_open(reason: str, agree: float = math.inf) -> Judgement:
        return replace(result(Verdict.UNDECIDED, agree), reason=reason)

    if not value.is_finite():
        computed = float(in_floats())
        if math.isfinite(computed):
            return replace(is_open(_NO_NUMBER), value=str(computed))
        return Judgement(Verdict.REFUTED, math.inf, False, str(computed), text_of(truth))
    agree = agreement(value, truth)
    if agree >= same_float:
        return result(Verdict.AGREES, agree)
    if value.overlaps(truth):
        return is_open(_TOO_WIDE, agree)
    hidden = hides(abs(value - truth))
    if hidden and agree >= SOME_BITS:
        return replace(result(Verdict.AGREES, agree), hidden=True)
    if hidden or (hidden is None and agree >= SOME_BITS):
        return is_open(_UNTOLD if hidden else _UNBOUNDED, agree)
    if abs(value).upper() < tiny and abs(truth).upper() < tiny:
        return is_open(_BELOW)
    return result(Verdict.REFUTED, agree, digits_beyond(agree))


def value_as_run(
    found: Judgement, balls: tuple[arb, arb], either: tuple[arb, arb], runs: tuple[float, float]
) -> Judgement | None:
    """The judgement of a value that is refuted; None where it is so by the sign of a zero alone.

    Args:
        found: the judgement of the reals, among which there is one zero.
        balls: the value of the rule, not under vmap, and that of the function.
        either: the same, if a zero may have either sign.
        runs: what JAX computes for both.
    """
    known = all(x.is_finite() for x in (*balls, *either))
    if not known or balls[0].overlaps(balls[1]) or not either[0].overlaps(either[1]):
        return found
    if not shows(balls[0] - balls[1], *runs):
        return None
    value, truth = map(str, runs)
    return replace(found, value=value, truth=truth, as_run=True)


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
