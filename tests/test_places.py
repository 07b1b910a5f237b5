"""Where a primitive that moves entries takes them from, without compiling anything."""

from __future__ import annotations

import math

import numpy as np
import pytest
from jax import lax

from jaxgrad.interpret.rules import remembered
from jaxgrad.interpret.rules.structural import _padded

SHAPES = [(), (1,), (3,), (2, 3), (0,), (0, 2), (4, 1, 2)]


@pytest.mark.parametrize("shape", SHAPES)
def test_pads_are_jaxs(shape: tuple[int, ...]) -> None:
    """Also such as cut entries off, or have others between them."""
    random = np.random.RandomState(1)
    labels = np.arange(1, 1 + math.prod(shape), dtype=np.int32).reshape(shape)
    held = 0
    for _ in range(12):
        config = [tuple(map(int, random.randint((-2, -2, 0), (3, 3, 3)))) for _ in shape]
        try:
            expected = np.asarray(lax.pad(labels, np.int32(0), config))
        except (TypeError, ValueError):  # more is cut off than there is
            continue
        np.testing.assert_array_equal(_padded(labels, np.array(0, np.int32), config), expected)
        held += 1
    assert held


def test_other_indices_and_other_questions_are_asked_anew() -> None:
    calls: list[tuple[str, list[int]]] = []

    def asked(question: str, index: list[int]) -> np.ndarray:
        def answer() -> np.ndarray:
            calls.append((question, index))
            return np.array(index) + 1

        return remembered.places((question,), [np.array(index)], answer)

    questions = [("a", [1]), ("a", [1]), ("a", [2]), ("b", [1])]
    assert [asked(*question).tolist() for question in questions] == [[2], [2], [3], [2]]
    assert calls == [("a", [1]), ("a", [2]), ("b", [1])]


def test_what_is_remembered_cannot_be_changed_and_is_bounded() -> None:
    found = remembered.places(("bounded",), [np.arange(2)], lambda: np.arange(2))
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 1
    for k in range(2 * remembered.KEPT):
        remembered.places(("bounded", k), [], lambda: np.arange(2))
    assert len(remembered._known) == remembered.KEPT
    large = np.arange(remembered.LARGEST + 1)
    assert remembered.places(("large",), [], lambda: large) is large
    assert remembered.places(([],), [], lambda: large) is large  # no key
