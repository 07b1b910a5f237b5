"""What a batch of points adds to a comparison that agrees."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from jaxgrad.errors import CannotDecide, EnginesDisagree, UnsupportedPrimitive
from jaxgrad.gradients.batch_floats import not_finite
from jaxgrad.gradients.batch_lies import Lies
from jaxgrad.gradients.batch_points import Batch
from jaxgrad.gradients.batch_rows import Rows
from jaxgrad.gradients.batch_settled import Judged, known, looked_at, settled
from jaxgrad.gradients.compared_conclusions import unsettled
from jaxgrad.gradients.compared_floats import undecided
from jaxgrad.gradients.enclosure import ENOUGH_BITS, Meeting
from jaxgrad.gradients.floats.hidden import SOME_BITS, bits_beyond_rounding
from jaxgrad.gradients.hidden_differences import HIDDEN, Met
from jaxgrad.gradients.lying import Lying
from jaxgrad.gradients.outcome import Comparison
from jaxgrad.interpret.sides import Side
from jaxgrad.verdict import Verdict

__all__ = ["Asks", "over_batch"]


@dataclass(frozen=True)
class Asks:
    """What a batch asks of a comparison.

    Args:
        met: how the sides lie at one point, in balls.
        refuting: the comparison that a meeting refutes, with the name of its point.
        allowed: whether a point that nobody gave may be looked at.
        as_run: the comparison, refuted where a side returns NaN or an infinity at a point of a
            name, and ought not to.
    """

    met: Met
    refuting: Callable[[Meeting, str], Comparison]
    allowed: Callable[[list[Any]], bool]
    as_run: Callable[[list[Any], str], Comparison]


def over_batch(found: Comparison, sides: tuple[Side, Side], batch: Batch, asks: Asks) -> Comparison:
    """A comparison that passes, with what the points of a batch add to it.

    Args:
        found: what is known so far; if it is proved, only points at which a side has no number in
            floats may be left out of that.
        sides: hand and auto.
        batch: the points.
        asks: what is asked of each.
    """
    hand, auto = sides
    met, refuting = asks.met, asks.refuting
    before, lying = met.hidden, ""

    def judge(k: int) -> Judged:
        try:
            meeting = met.at(batch.point(k))
        except (CannotDecide, UnsupportedPrimitive) as error:
            return Judged(why=f"{batch.name(k)}: {error}")
        if meeting.differs:
            return Judged(refuted=refuting(meeting, batch.name(k)))
        if meeting.unseen:
            return Judged(why=unsettled(hand, auto, meeting, batch.name(k)))
        bits = meeting.least_bits()
        if isinstance(lying, Lying) and lying.apart[k] and bits >= ENOUGH_BITS:
            raise EnginesDisagree(
                f"at {batch.name(k)} compiled intervals of the two sides are disjoint, and balls "
                f"show them to agree to {bits} bits; one of the rules of this package is wrong, or "
                "float64 is not rounded to nearest here, please report it: "
                f"{hand.program} {auto.program}"
            )
        return Judged(bits)

    broken = _broken(found, sides, batch, asks, judge)
    if broken is not None or found.verdict is not Verdict.AGREES:
        return found if broken is None else broken
    lying = known(lambda: _lying(hand, auto, batch))
    seen = settled(batch, lying, judge, met.exact)
    if seen.refuted is not None:
        return seen.refuted
    if seen.open:
        return undecided(hand, auto, seen.left_open("give fewer points"))
    if seen.worst is not None and (judged := judge(seen.worst)).refuted is not None:
        return judged.refuted
    grown = None if met.hidden is before else met.grown(asks.allowed)
    if grown is not None:
        return refuting(
            grown, "a point towards which a difference grows that is hidden in the batch"
        )
    hidden = met.in_words or HIDDEN * (seen.worst is not None)
    said = found.evidence.text
    text = f"{said}; {seen.in_words}" + ("" if hidden in said else hidden)
    evidence = replace(found.evidence, text=text, trusts=(*found.evidence.trusts, *seen.trusts))
    return replace(found, evidence=evidence)


def _broken(
    found: Comparison,
    sides: tuple[Side, Side],
    batch: Batch,
    asks: Asks,
    judge: Callable[[int], Judged],
) -> Comparison | None:
    """The comparison where a side has no number in floats at a point, and that is wrong or open."""
    rows, programs = Rows.of(batch.inputs, batch.values), [side.program for side in sides]
    each = [not_finite(program, rows) for program in programs if program is not None]
    where, proved = sorted(set().union(*each)), found.verdict is not Verdict.AGREES

    def look(k: int) -> Comparison | None:
        try:
            run = asks.as_run(batch.point(k), batch.name(k))
        except (CannotDecide, UnsupportedPrimitive):  # one side is NumPy code
            run = found
        if run.verdict is Verdict.REFUTED:
            return run
        judged = judge(k) if proved else Judged(math.inf)
        if judged.refuted is not None:
            return judged.refuted
        if judged.bits < SOME_BITS:
            why = f"the proof leaves {batch.name(k)} out, and balls do not decide it"
            return undecided(*sides, f"{why} ({judged.why})")
        return None

    said, spent = looked_at(where, look)
    if spent is None:
        return said
    return undecided(*sides, f"at {len(where)} points of the batch a side returns no number in "
                     f"floats, which were not all looked at in {spent}")  # fmt: skip


def _lying(hand: Side, auto: Side, batch: Batch) -> Lying:
    found = Lies(hand, auto).at(Rows.of(batch.inputs, batch.values))
    return replace(found, enough=_hidden(hand, auto))


def _hidden(hand: Side, auto: Side) -> tuple[float, ...]:
    """To how many bits entries agree that the rounding of either side could hide."""
    each = [bits_beyond_rounding(s.program) for s in (hand, auto) if s.program is not None]
    return tuple(map(min, *each)) if len(each) > 1 else each[0]
