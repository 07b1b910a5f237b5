"""What some hundred checks say, word for word: a change of the inside leaves it as it is.

``python tools/golden.py --write`` writes ``golden.json`` anew, on each release of JAX in turn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from golden_cases import CASES
from golden_record import difference, elsewhere, merged, read, record, stored
from rule_example import PRECEDING, SINCE

STORED = read()
# Of so many cases one is in the suite of a few minutes.
ONE_OF = 8


def _spread(names: Iterable[str]) -> list[Any]:
    marks = [() if i % ONE_OF == 0 else (pytest.mark.slow,) for i in range(len(CASES))]
    return [pytest.param(name, marks=mark) for name, mark in zip(names, marks, strict=True)]


@pytest.mark.parametrize("name", _spread(CASES))
def test_a_check_says_what_it_said(name: str) -> None:
    changed = difference(stored(STORED.get(name)), record(CASES[name]))
    assert not changed, f"{name}\n{changed}\nIf this is meant: python tools/golden.py --write"


def test_the_file_holds_every_case_and_no_other() -> None:
    assert {name for name in STORED if not elsewhere(name)} == set(CASES)


def test_there_are_cases_of_every_kind() -> None:
    here = [stored(STORED[name]) or {} for name in CASES]
    assert len(here) >= 300
    said = Counter(found.get("verdict") or found.get("raises") for found in here)
    assert min(said[verdict] for verdict in ("PROVED", "AGREES", "REFUTED", "UNDECIDED")) >= 15
    assert min(said[error] for error in ("GradientMismatch", "UndecidedError")) >= 15
    assert len(said) >= 9  # with the errors about what was passed
    undecided = ("UNDECIDED", "UndecidedError")
    reasons = {
        found["text"]
        for found in here
        if (found.get("verdict") or found.get("raises")) in undecided
    }
    assert len(reasons) >= 30


def test_what_both_releases_say_is_written_once() -> None:
    first, second = {"text": "yes"}, {"text": "no"}
    assert merged(None, first, SINCE) == first
    both = merged(first, second, PRECEDING)
    assert both == {PRECEDING: second, SINCE: first}
    assert stored(both, PRECEDING) == second
    assert stored(both, SINCE) == first
    assert merged(both, first, PRECEDING) == first
    assert merged(first, first, SINCE) == first


def test_a_change_is_said() -> None:
    assert difference({"text": "yes"}, {"text": "yes"}) == ""
    assert "was 'yes'" in difference({"text": "yes"}, {"text": "no"})
    assert difference(None, {"text": "no"})
