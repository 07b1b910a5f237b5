"""The smaller part of a question in which something is wrong, or in which least is known."""

from __future__ import annotations

import contextlib
import heapq
import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from flint import ctx

from jaxgrad.gradients.floats.hidden import SOME_BITS
from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.gradients.rules.judgement import Judgement
from jaxgrad.gradients.rules.question import Question
from jaxgrad.gradients.rules.rule_numbers import RuleNumbers
from jaxgrad.numbers.clock import GRACE, Spent, grace, hasten
from jaxgrad.verdict import Verdict

__all__ = ["aligned", "followed", "least_hidden", "narrowed", "settled"]

# What is wrong comes first.
_ORDER = (Verdict.REFUTED, Verdict.UNDECIDED, Verdict.AGREES)

Judge = Callable[[Question], Judgement | None]


def narrowed(judge: Judge, question: Question, judgement: Judgement) -> tuple[Question, Judgement]:
    """The smallest part that is not seen to agree.

    What is wrong stays so where the time ends that finding a smaller part takes.

    Args:
        judge: of a part.
        question, judgement: the whole.
    """
    found = question, judgement
    wrong = judgement.verdict is Verdict.REFUTED
    if wrong:
        hasten()
    with _to_the_end() if wrong else contextlib.nullcontext():
        while (half := _half(judge, *found)) is not None:
            found = half
        plain = found[0].along_units()
        again = judge(plain)
        if again is not None and again.verdict is judgement.verdict:
            found = plain, again
    return found


def _half(
    judge: Judge, question: Question, judgement: Judgement
) -> tuple[Question, Judgement] | None:
    """Half of a question that has the same verdict; None where there is none."""
    for half in itertools.chain.from_iterable(question.narrower()):
        found = judge(half)
        if found is not None and found.verdict is judgement.verdict:
            return half, found
    return None


def settled(
    settle: Callable[[Question], list[tuple[Question, Judgement]]], question: Question
) -> list[tuple[Question, Judgement]]:
    """The judgements of the parts of a sum that is wrong, as far as the time does.

    That it ends is no reason to pass what is wrong.

    Args:
        settle: the judgements of a part.
        question: the sum.
    """
    found: list[tuple[Question, Judgement]] = []
    with _to_the_end():
        for part in question.parts():
            found += settle(part)
    return found


@contextlib.contextmanager
def _to_the_end() -> Iterator[None]:
    """Gives a block some time at least, and leaves it where all that there is is spent."""
    with contextlib.suppress(Spent), grace(GRACE / 2):
        yield


def least_hidden(
    judge: Judge, numbers: RuleNumbers, question: Question, judgement: Judgement, most: int
) -> tuple[Question, Judgement]:
    """The entry of which fewest digits are right, by halves; a part that is wrong on the way.

    What rounding may do to a sum is what it may do to all terms: the fewer these are, the less it
    hides.  A part of which nothing is decided is looked into before one that agrees, and one of
    which fewer digits are right before another one, which comes next.

    Args:
        judge: of a part.
        numbers: what the rules give.
        question, judgement: the whole, of which rounding hides what differs.
        most: how many parts are judged, if those on the way to one entry are not more.
    """
    sizes = [len(d.support) for d in (*question.directions, question.cotangent)]
    most = max(most, 2 * sum(map(int.bit_length, sizes)))
    number, ends = itertools.count(), [(question, judgement)]
    waiting = [(*_rank(judgement), next(number), question, judgement)]
    while waiting and most > 0:
        *_, question, judgement = heapq.heappop(waiting)
        parts = [aligned(numbers, half) or half for half in next(question.narrower(), ())]
        if not parts:
            ends.append((question, judgement))
        for part in parts:
            found, most = judge(part), most - 1
            if found is None:
                continue
            if found.verdict is Verdict.REFUTED:
                return narrowed(judge, part, found)
            if found.verdict is Verdict.UNDECIDED or _hides(part, found):
                heapq.heappush(waiting, (*_rank(found), next(number), part, found))
            else:
                ends.append((part, found))
    ends += [(part, found) for *_, part, found in waiting]
    return min(ends[1:] or ends, key=lambda pair: _rank(pair[1]))


def _rank(judgement: Judgement) -> tuple[int, float]:
    return _ORDER.index(judgement.verdict), judgement.bits


def _hides(question: Question, judgement: Judgement) -> bool:
    """Whether a smaller part may be wrong; of values that are one float nothing else is said."""
    close = question.is_value and SOME_BITS <= judgement.bits < ctx.prec / 2
    return judgement.hidden or close


def followed(
    judge: Judge, numbers: RuleNumbers, found: list[tuple[Question, Judgement]], most: int
) -> list[tuple[Question, Judgement]]:
    """What was found, and of sums of results that hide a difference the one that hides least.

    Of each leaf, each leaf of the result and the same modes the number of fewest right digits is
    followed: beside a result that is larger by far nothing is seen of a small one.

    Args:
        judge: of a part.
        numbers: what the rules give.
        found: numbers and their judgements.
        most: how many parts of all are judged, as for :func:`least_hidden`.
    """
    least: dict[object, tuple[Question, Judgement]] = {}
    for question, judgement in found:
        if _hides(question, judgement) and len(question.cotangent.support) > 1:
            key = question.modes, question.taken, question.leaf, question.cotangent.place[0]
            if key not in least or judgement.bits < least[key][1].bits:
                least[key] = question, judgement
    share = most // max(len(least), 1)
    return [*found, *(least_hidden(judge, numbers, *pair, share) for pair in least.values())]


def aligned(numbers: RuleNumbers, question: Question) -> Question | None:
    """The same entries, each with the sign of its number; None where the sum is not of many.

    In a sum of both signs much cancels, but of what rounding could do nothing does: the more
    numbers there are, the more of an error that is the same part of each it would hide.
    """
    direction = question.directions[0]
    if question.modes != ("rev",) or question.is_value or len(direction.support) < 2:
        return None
    slopes = numbers.slopes(question.modes, question.cotangent)
    leaves = [np.array(np.abs(leaf)) for leaf in direction.leaves]
    for i, index in direction.support:
        if slopes[i][index] < 0:
            leaves[i][index] *= -1
    found = Direction(leaves)
    return None if found.key == direction.key else replace(question, directions=(found,))
