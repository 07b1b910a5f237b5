"""What is like a wrong derivative, or a wrong value, of a batch: rows mixed up, summed, left out.

It is said of a leaf where it holds in balls in both rows of the batch, which differ.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace

from flint import arb

from jaxgrad.errors import JaxgradError
from jaxgrad.gradients.likeness import times
from jaxgrad.gradients.rules.batches import BatchRows
from jaxgrad.gradients.rules.code import WITH_RESPECT_TO
from jaxgrad.gradients.rules.directions import Direction, pairing
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.gradients.rules.question import Question
from jaxgrad.numbers.base import CannotDecide, ObjectArray
from jaxgrad.numbers.listed import listed
from jaxgrad.verdict import Verdict

__all__ = ["batch_likeness"]

ROWS = (0, 1)


def batch_likeness(
    primal: Primal, rows: BatchRows, numbers: Sequence[list[ObjectArray]], question: Question
) -> str:
    """What to say of them; nothing if they are like nothing that is known.

    Args:
        primal: the function.
        rows: the two rows.
        numbers: what the batch gives for each, of every leaf.
        question: the number that is wrong.
    """
    said: dict[str, list[str]] = {}
    for leaf in range(len(numbers[0])):
        with contextlib.suppress(CannotDecide, JaxgradError, ZeroDivisionError):
            looked = _Leaf(rows, numbers, question, leaf)
            words = looked.words()
            if words:
                said.setdefault(words, []).append(_named(primal, question, leaf))
    if not said:
        return ""
    words, names = next(iter(said.items()))
    if question.is_value:
        return f"; of {listed(names)} it is {words.format('the value')}, in both rows"
    by = "of " if question.modes == ("fwd",) else WITH_RESPECT_TO
    what = words.format("the derivative")
    return f"; {by}{listed(names)} they give {what}, in both rows"


def _named(primal: Primal, question: Question, leaf: int) -> str:
    if question.is_value or question.modes == ("fwd",):
        return f"f{primal.outputs[leaf].path}"
    return primal.inputs[leaf].path


class _Leaf:
    """One leaf of what a batch gives, weighed in each row.

    Args:
        rows, numbers, question: as of :func:`batch_likeness`.
        leaf: which one.
    """

    def __init__(
        self,
        rows: BatchRows,
        numbers: Sequence[list[ObjectArray]],
        question: Question,
        leaf: int,
    ) -> None:
        self._rows, self._numbers, self._question = rows, numbers, question
        self._by_cotangent = question.is_value or question.modes == ("fwd",)
        every = rows.cotangents if self._by_cotangent else rows.lines
        self._weights = [weights.only([leaf]) for weights in every]

    def words(self) -> str:
        """In words, with ``{}`` for what it should be."""
        if not all(w.support for w in self._weights):
            return ""
        own = [self._is_right(row, row, self._given(row, row)) for row in ROWS]
        if all(own):
            return ""
        for row, name in zip(ROWS, ("first", "second"), strict=True):
            other = 1 - row
            if own[row] and self._is_right(row, other, self._given(other, other)):
                return f"{{}} of the {name} row"
        if any(own):
            return ""
        if all(self._is_right(1 - row, row, self._given(row, row)) for row in ROWS):
            return "{} of the other row"
        if all(self._is_right_elsewhere(row) for row in ROWS):
            return "{} at the point of the other row"
        return self._alike()

    def _is_right_elsewhere(self, row: int) -> bool:
        """Whether a row has what is right at the point of the other one."""
        found = self._rows.points[1 - row].judge(self._asked(row, row), self._given(row, row))
        return found is not None and found.verdict is Verdict.AGREES and not found.kink

    def _alike(self) -> str:
        """0, a multiple, or what both rows have together."""
        given = [self._given(row, row) for row in ROWS]
        if all(x == 0 for x in given):
            return "0"
        truths = [self._truth(row, row) for row in ROWS]
        others = [self._truth(1 - row, row) for row in ROWS]
        first = truths[0]
        if first is None or any(t is None or t.contains(0) for t in (*truths, *others)):
            return ""
        for count, what in ((1, "the sum"), (2, "the mean")):
            if all(self._fits(row, x * count - o) for row, x, o in _each(given, others)):
                return f"{what} over the rows of {{}}"
        k, words = times(float((given[0] / first).mid()))
        if k is None or k == 1:
            return ""
        factor = arb(k.numerator) / k.denominator
        fits = all(self._fits(row, x / factor) for row, x in zip(ROWS, given, strict=True))
        return f"{words} {{}}" if fits else ""

    def _fits(self, row: int, number: arb) -> bool:
        return self._is_right(row, row, number)

    def _given(self, row: int, weighed: int) -> arb:
        return pairing(self._numbers[row], self._weights[weighed])

    def _asked(self, row: int, weighed: int) -> Question:
        """The question to a row, weighed as in another."""
        moved = {"directions": (self._rows.lines[row],), "cotangent": self._rows.cotangents[row]}
        weights: Direction = self._weights[weighed]
        own = {"cotangent": weights} if self._by_cotangent else {"directions": (weights,)}
        return replace(self._question, **{**moved, **own})

    def _is_right(self, row: int, weighed: int, number: arb) -> bool:
        found = self._rows.points[row].judge(self._asked(row, weighed), number)
        return found is not None and found.verdict is Verdict.AGREES and not found.kink

    def _truth(self, row: int, weighed: int) -> arb | None:
        at, asked = self._rows.points[row], self._asked(row, weighed)
        if asked.is_value:
            return pairing(at.own.value, asked.cotangent)
        sides = at.sides(asked)
        if sides is None or sides.kink or not sides.right.is_finite():
            return None
        return sides.right


def _each(given: list[arb], others: list[arb | None]) -> list[tuple[int, arb, arb]]:
    pairs = zip(ROWS, given, others, strict=True)
    return [(row, x, other) for row, x, other in pairs if other is not None]
