"""Every question at a point, with as much precision as it takes."""

from __future__ import annotations

import functools

from jaxgrad.gradients.enclosure import ENOUGH_BITS, FURTHER_PRECISIONS, PRECISIONS
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.conclusions import Judged
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.seen_wrong import or_seen_wrong
from jaxgrad.numbers.precision import precision
from jaxgrad.verdict import Verdict

__all__ = ["judged_precisely"]


def judged_precisely(rules: DerivativePrograms) -> tuple[Judged, AtPoint, bool]:
    """Every question at the given point, with as much precision as it takes; those that are wrong
    alone, and True, where the time ends."""
    judged: Judged = []
    at, cut = None, False
    for bits in (*PRECISIONS, *FURTHER_PRECISIONS):
        last = bits >= PRECISIONS[-1]
        with precision(bits):
            at = AtPoint(rules, rules.primal.point)
            if not last and _is_too_coarse(at, bits):
                continue
            judged, cut = or_seen_wrong(at, functools.partial(at.everything, last))
        if cut:
            break
        verdicts = {found.verdict for _, found in judged}
        if Verdict.UNDECIDED not in verdicts or Verdict.REFUTED in verdicts:
            break
        if last and not any(found.is_coarse for _, found in judged):
            break
    assert at is not None
    return judged, at, cut


def _is_too_coarse(at: AtPoint, bits: int) -> bool:
    """Whether so many bits will not do for derivatives, by what is lost of them in the values.

    A derivative goes the same way twice, forwards and along the slopes, and loses about twice as
    much; of a long loop more than the first precision has.
    """
    known = [x.rel_accuracy_bits() for leaf in at.truth.value for x in leaf.flat if x.is_finite()]
    lost = max((bits - found for found in known if found > 0), default=0)
    return bits - 2 * lost < ENOUGH_BITS
