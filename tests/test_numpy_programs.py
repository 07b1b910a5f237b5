"""NumPy code over balls encloses what NumPy itself computes in float64, mutations included."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy_layers import PROGRAMS
from numpy_steps import Code, codes, run, runnable

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.enclosure import balls
from jaxgrad.interpret.sides import Side
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide, objects
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.trace import Leaf, arguments

# Dyadic, so that no comparison depends on rounding.
dyadic = st.integers(-32, 32).map(lambda n: n / 8)
# A few hundred roundings of 2^-53 each, of numbers whose sensitivity is below 2^12.
ROUNDING = arb(2) ** -30


def in_numpy(function: Any, args: tuple[Any, ...]) -> Side:
    """NumPy code at float64 arguments, whatever JAX would make of it."""
    inputs = tuple(Leaf(x.path, x.shape, np.dtype(np.float64), np.float64(x.value))
                   for x in arguments(args, [f"args[{k}]" for k in range(len(args))]))  # fmt: skip
    return Side("hand", function, args, inputs, None)


def compared_entries(side: Side, radius: float = 0) -> int:
    """Holds the enclosures of every entry against the floats; how many there were.

    Args:
        radius: of the balls that the arguments are; comparisons of wide ones are open.
    """
    point = [leaf.value for leaf in side.inputs]
    with np.errstate(all="ignore"):
        floats = side.floats(point)
    with precision(200):
        wide = arb(0, radius)
        inputs = [objects((x + wide for x in p.flat), p.shape) for p in balls(side.inputs, point)]
        exact, count = side.over(Ball(), inputs), 0
        for leaf, (found, expected) in enumerate(zip(exact, floats, strict=True)):
            assert found.shape == expected.shape
            for index in np.ndindex(found.shape):
                where = leaf, index, found[index], expected[index]
                assert _encloses(found[index], float(expected[index])), where
                count += 1
        return count


def _encloses(found: Any, value: float) -> bool:
    if found is None or isinstance(found, bool):
        return found is None or found == bool(value)
    rounded = arb(value) + arb(0, 1) * ROUNDING * (1 + abs(arb(value)))
    return found.overlaps(rounded) or not found.is_finite()


@pytest.mark.parametrize("name", PROGRAMS)
@settings(max_examples=5)
@given(data=st.data())
def test_programs_agree_with_numpy(name: str, data: st.DataObject) -> None:
    numbers = np.array(data.draw(st.lists(dyadic, min_size=19, max_size=19)))
    args = (numbers[:4], numbers[4:16].reshape(3, 4), numbers[16:])
    side = in_numpy(PROGRAMS[name], args)
    assert compared_entries(side) >= 3
    assert np.array_equal(side.inputs[0].value, numbers[:4])  # it runs on copies


@pytest.mark.parametrize("radius", [0, 1 / 16])
def test_random_code_agrees_with_numpy(radius: float) -> None:
    seen = {"compared": 0, "refused": 0}

    @settings(max_examples=100)
    @given(code=codes(12), data=st.data())
    def check(code: Code, data: st.DataObject) -> None:
        numbers = np.array(data.draw(st.lists(dyadic, min_size=25, max_size=25)))
        args = (numbers[:4], numbers[4:16].reshape(3, 4), numbers[16:].reshape(3, 3))
        code = runnable(code, args)
        try:
            assert compared_entries(in_numpy(lambda *a: run(code, *a), args), radius) >= 25
            seen["compared"] += 1
        except (UnsupportedPrimitive, CannotDecide):
            seen["refused"] += 1

    check()
    assert seen["compared"] >= 2 * seen["refused"], seen
