"""What was seen to be wrong before the time ended, which its end is no reason to pass."""

from __future__ import annotations

from collections.abc import Callable

from jaxgrad.gradients.outcome import RuleResult
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.conclusions import Judged, leaf_result
from jaxgrad.numbers.clock import Spent, grace
from jaxgrad.verdict import Verdict

__all__ = ["leaves_of", "or_seen_wrong"]


def or_seen_wrong(at: AtPoint, ask: Callable[[], Judged]) -> tuple[Judged, bool]:
    """The judgements at a point; those that are wrong alone, and True, where the time ends.

    Args:
        at: the point.
        ask: what is asked of it.

    Raises:
        Spent: nothing was seen to be wrong by then, or another reason may be found for it.
    """
    try:
        return ask(), False
    except Spent:
        if not at.wrong:
            raise
        with grace():  # so that what was found is not lost
            if at.truth.jumps or at.truth.defined_by_limits:
                raise
        return at.wrong, True


def leaves_of(at: AtPoint, judged: Judged, cut: bool) -> tuple[RuleResult, ...]:
    """What is known of each leaf.

    Args:
        at: the point.
        judged: the judgements there.
        cut: whether the time ended before all were made.
    """
    found = []
    for i, leaf in enumerate(at.rules.primal.inputs):
        own = [pair for pair in judged if pair[0].leaf in (i, None)]
        if cut and not own:
            text = "not judged, as the time ended when another one was wrong"
            found.append(RuleResult(leaf.path, Verdict.UNDECIDED, text=text))
        else:
            found.append(leaf_result(at.rules.primal, leaf.path, own))
    return tuple(found)
