"""Which boxes and corners everywhere looks at, and how many of them wait."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxgrad import everywhere
from jaxgrad.gradients.interval_batch import at_once
from jaxgrad.gradients.regions import everywhere as module
from jaxgrad.gradients.regions import search
from jaxgrad.gradients.regions.corners import corners
from jaxgrad.gradients.regions.search import MOST_IN_LOT, most_open
from jaxgrad.programs.trace import trace
from jaxgrad.verdict import Verdict

# Each fails at one corner of the box alone, or next to it.
AT_ENDS: dict[str, tuple[Any, Any, Any, tuple[Any, Any], str]] = {
    "the upper end": (lambda x: x, 0.0, 1.0, (None, "0.999999999"), "at x = 1.0 f is 1.0"),
    "the lower end": (lambda x: x, 0.0, 1.0, ("1e-300", None), "at x = 0.0 f is 0"),
    "that number alone": (
        lambda x: jnp.where(x == 1, 2.0, 0.0), 0.0, 1.0, (None, 1), "at x = 1.0 f is 2.0"),
    "one corner of four": (
        lambda x: x[1] - x[0], np.zeros(2), np.ones(2), (None, "0.999999999999"),
        "at x = [0. 1.] f is 1.0"),
    "of many variables": (
        lambda x: jnp.sum(x * x[::-1]), np.zeros(20), np.ones(20), (None, "19.99999"),
        "at x = 1.0 f is 20.0"),
}  # fmt: skip


@pytest.mark.parametrize("name", AT_ENDS)
def test_what_fails_at_an_end_is_found_there(name: str) -> None:
    f, low, high, between, said = AT_ENDS[name]
    found = everywhere(f, (low,), (high,), between=between)
    assert found.verdict is Verdict.REFUTED and found.boxes == 1
    assert said in found.evidence.text and found.counterexample is not None


def test_middles_of_boxes_do_not_come_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    f, low, high, between, _ = AT_ENDS["of many variables"]
    monkeypatch.setattr(search, "corners", lambda low, *_: low[:0])
    found = everywhere(f, (low,), (high,), between=between, budget=0.2)
    assert found.verdict is Verdict.UNDECIDED and found.boxes > 1


def test_corners_of_what_is_open_are_looked_at() -> None:
    """Of parts of the box: it fails halfway along a side, where no middle of two variables is."""

    def f(x: Any) -> Any:
        return jnp.where((x[0] == 0.5) & (x[1] == 1), 2.0, 0.0)

    found = everywhere(f, (np.zeros(2),), (np.ones(2),), between=(None, 1))
    assert found.verdict is Verdict.REFUTED and found.boxes < 8
    assert "at x = [0.5 1. ] f is 2.0" in found.evidence.text


@given(st.integers(1, 9), st.integers(1, 40), st.integers(0, 200), st.integers(0, 2**32 - 1))
def test_corners_are_corners(variables: int, boxes: int, most: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    low = draw.normal(size=(boxes, variables))
    high = low + draw.random((boxes, variables))
    found = corners(low, high, most, draw)
    assert len(found) == min(most, boxes * 2**variables)
    of_box = ((found[:, None] == low) | (found[:, None] == high)).all(-1)
    assert of_box.any(1).all()
    if len(found) == boxes * 2**variables:
        assert len(np.unique(found, axis=0)) == len(found)


def test_of_many_variables_fewer_boxes_wait() -> None:
    """So that their numbers take no more memory than those of few."""
    many, few = 2**16, 3
    assert most_open(many) * many == most_open(8) * 8 > most_open(few) * few
    found = everywhere(
        lambda x: jnp.max(x - x), (np.zeros(many),), (np.ones(many),), between=(0, 0)
    )
    assert found.verdict is Verdict.UNDECIDED
    assert "more than 128 boxes of 65536 variables are not kept" in found.evidence.text
    assert most_open(many) < len(found.open_boxes[0]) < 2 * most_open(many)


def test_a_lot_is_smaller_where_there_is_more_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    lots: list[int] = []
    before = module.searched

    def watched(judge: Any, *rest: Any) -> Any:
        lots.append(rest[-1])
        return before(judge, *rest)

    monkeypatch.setattr(module, "searched", watched)
    for size in (1, 2**12):
        ends = (np.zeros(size, np.float32),), (np.ones(size, np.float32),)
        assert everywhere(lambda x: jnp.sin(x), *ends, between=(-1, 2))
    assert lots == [MOST_IN_LOT, 256]


def test_compiling_is_not_in_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock by which the first call takes an hour and others nothing."""
    calls: list[float] = []
    judging = module.judging

    def slow(*args: Any) -> Any:
        judge = judging(*args)

        def judged(*ends: Any) -> Any:
            calls.append(3600.0)
            return judge(*ends)

        return judged

    monkeypatch.setattr(module, "judging", slow)
    monkeypatch.setattr(search.time, "monotonic", lambda: sum(calls[:1]))
    found = everywhere(lambda x: x * (1 - x), (0.0,), (1.0,), between=("-0.01", "0.2501"), budget=1)
    assert found.verdict is Verdict.PROVED and len(calls) > 1


def test_one_large_array_makes_a_lot_smaller() -> None:
    """Of 2²⁰ numbers in one equation, as of products of two vectors that are summed."""

    def outer(x: Any) -> Any:
        return jnp.sum((x * jnp.arange(1024.0))[:, None] * jnp.arange(1024.0)[None, :])

    assert at_once([trace(outer, (1.0,))]) == 2
    assert at_once([trace(lambda x: jnp.sum(x * jnp.arange(1024.0)), (1.0,))]) >= 512
