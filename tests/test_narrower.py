"""The part of a question in which something is wrong, or in which least is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import arb

from jaxgrad.gradients.rules.directions import Direction, Unit
from jaxgrad.gradients.rules.judgement import Judgement
from jaxgrad.gradients.rules.narrower import aligned, least_hidden, narrowed, settled
from jaxgrad.gradients.rules.question import Question
from jaxgrad.numbers.clock import tick, within
from jaxgrad.verdict import Verdict

SIZE = 16
ALL = Question(("rev",), (Direction([np.ones(SIZE)]),), Unit([()], 0, ()))


class _Numbers:
    """Slopes of both signs, as those of a rule at a point."""

    def slopes(self, modes: Any, cotangent: Any) -> list[Any]:
        return [np.array([arb((-1) ** i * (i + 1)) for i in range(SIZE)], object)]


NUMBERS: Any = _Numbers()


def _entries(question: Question) -> list[int]:
    return [index[0] for _, index in question.directions[0].support]


def _judge(bits: list[float], told: int) -> Any:
    """Entries agree to so many bits; what is summed over more than ``told`` of them agrees."""

    def judge(question: Question) -> Judgement:
        entries = _entries(question)
        least = min(bits[i] for i in entries)
        wrong = least < 4 and len(entries) <= told
        verdict = Verdict.REFUTED if wrong else Verdict.AGREES
        return Judgement(verdict, least, False, "", "", hidden=not wrong)

    return judge


@pytest.mark.parametrize("place", [0, 5, 11, SIZE - 1])
@pytest.mark.parametrize("told", [1, 2, SIZE // 2])
def test_one_wrong_entry_is_found_by_halves(place: int, told: int) -> None:
    bits = [24.0] * SIZE
    bits[place] = 1.0
    judge = _judge(bits, told)
    found, judgement = least_hidden(judge, NUMBERS, ALL, judge(ALL), 64)
    assert judgement.verdict is Verdict.REFUTED and _entries(found) == [place]
    assert found.directions[0].leaves[0][place] == 1  # the weight of a plain entry


@pytest.mark.parametrize("place", [0, 5, SIZE - 1])
@pytest.mark.parametrize("alone", [Verdict.REFUTED, Verdict.UNDECIDED])
def test_what_is_open_is_looked_into_before_what_agrees(place: int, alone: Verdict) -> None:
    """Of sums that hold the wrong entry nothing is decided, and of that, perhaps, alone."""

    def judge(question: Question) -> Judgement:
        entries = _entries(question)
        if place not in entries:
            return Judgement(Verdict.AGREES, 8.0, False, "", "", hidden=True)
        verdict = alone if len(entries) == 1 else Verdict.UNDECIDED
        return Judgement(verdict, 900.0, False, "", "")

    whole = Judgement(Verdict.AGREES, 8.0, False, "", "", hidden=True)
    found, judgement = least_hidden(judge, NUMBERS, ALL, whole, 64)
    assert judgement.verdict is alone and _entries(found) == [place]


def test_of_right_entries_the_one_of_fewest_bits_is_left() -> None:
    bits = [24.0 + i for i in range(SIZE)]
    judge = _judge(bits, SIZE)
    found, judgement = least_hidden(judge, NUMBERS, ALL, judge(ALL), 64)
    assert judgement.verdict is Verdict.AGREES and judgement.bits == 24 and _entries(found) == [0]


@pytest.mark.parametrize(("most", "seen"), [(64, True), (8, False)])
def test_entries_of_fewer_bits_draw_nothing_off_from_a_wrong_one(most: int, seen: bool) -> None:
    """But for as many parts as there may be, and one way down to an entry."""
    bits = [6.0] * 8 + [20.0] * (SIZE - 8)

    def judge(question: Question) -> Judgement:
        entries = _entries(question)
        verdict = Verdict.REFUTED if entries == [11] else Verdict.AGREES
        hidden = verdict is Verdict.AGREES
        return Judgement(verdict, min(bits[i] for i in entries), False, "", "", hidden=hidden)

    found, judgement = least_hidden(judge, NUMBERS, ALL, judge(ALL), most)
    assert (judgement.verdict is Verdict.REFUTED) == (_entries(found) == [11]) == seen


def test_what_cannot_be_judged_ends_the_search() -> None:
    whole = Judgement(Verdict.AGREES, 24.0, False, "", "", hidden=True)
    assert least_hidden(lambda _: None, NUMBERS, ALL, whole, 64) == (ALL, whole)
    assert narrowed(lambda _: None, ALL, whole) == (ALL, whole)


def test_every_entry_has_the_sign_of_its_number() -> None:
    found = aligned(NUMBERS, ALL)
    assert found is not None
    assert found.directions[0].leaves[0].tolist() == [(-1) ** i for i in range(SIZE)]
    assert aligned(NUMBERS, found) is None  # as it is already
    forward = Question(("fwd",), ALL.directions, ALL.cotangent)
    assert aligned(NUMBERS, forward) is None


def _slow(question: Question) -> Judgement:
    """What is wrong as a whole, and of which any part takes for ever."""
    while _entries(question) != list(range(SIZE)):
        tick()
    return Judgement(Verdict.REFUTED, 1.0, False, "", "")


def test_what_is_wrong_stays_so_where_the_time_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jaxgrad.gradients.rules.narrower.GRACE", 0.02)
    whole = _slow(ALL)
    with within(0.0) as part:
        assert narrowed(_slow, ALL, whole) == (ALL, whole)
        assert settled(lambda part: [(part, _slow(part))], ALL) == []
    assert part.spent is None
    with within(0.0) as part:  # what is open does not get more time
        narrowed(_slow, ALL, Judgement(Verdict.UNDECIDED, 1.0, False, "", ""))
    assert part.spent is not None
