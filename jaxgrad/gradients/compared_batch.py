"""What a batch of points adds to a comparison that agrees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from jaxgrad.errors import CannotDecide, EnginesDisagree, UnsupportedPrimitive
from jaxgrad.gradients.batch_lies import Lies
from jaxgrad.gradients.batch_points import Batch
from jaxgrad.gradients.batch_rows import Rows
from jaxgrad.gradients.batch_settled import Judged, known, settled
from jaxgrad.gradients.compared_conclusions import unsettled
from jaxgrad.gradients.compared_floats import undecided
from jaxgrad.gradients.enclosure import ENOUGH_BITS, Meeting
from jaxgrad.gradients.floats.hidden import bits_beyond_rounding
from jaxgrad.gradients.hidden_differences import HIDDEN, Met
from jaxgrad.gradients.lying import Lying
from jaxgrad.gradients.outcome import Comparison
from jaxgrad.interpret.sides import Side

__all__ = ["over_batch"]


def over_batch(
    found: Comparison,
    sides: tuple[Side, Side],
    batch: Batch,
    met: Met,
    refuting: Callable[[Meeting, str], Comparison],
) -> Comparison:
    """A comparison that agrees, with what the points of a batch add to it.

    Args:
        found: what is known so far.
        sides: hand and auto.
        batch: the points.
        met: how the sides lie at one point, in balls.
        refuting: the comparison that a meeting refutes, with the name of its point.
    """
    hand, auto = sides
    lying = known(lambda: _lying(hand, auto, batch))

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

    seen = settled(batch, lying, judge, met.exact)
    if seen.refuted is not None:
        return seen.refuted
    if seen.open:
        return undecided(hand, auto, seen.left_open("give fewer points"))
    hidden = met.in_words or HIDDEN * bool(seen.differing)
    said = found.evidence.text
    text = f"{said}; {seen.in_words}" + ("" if hidden in said else hidden)
    evidence = replace(found.evidence, text=text, trusts=(*found.evidence.trusts, *seen.trusts))
    return replace(found, evidence=evidence)


def _lying(hand: Side, auto: Side, batch: Batch) -> Lying:
    found = Lies(hand, auto).at(Rows.of(batch.inputs, batch.values))
    return replace(found, enough=_hidden(hand, auto))


def _hidden(hand: Side, auto: Side) -> tuple[float, ...]:
    """To how many bits entries agree that the rounding of either side could hide."""
    each = [bits_beyond_rounding(s.program) for s in (hand, auto) if s.program is not None]
    return tuple(map(min, *each)) if len(each) > 1 else each[0]
