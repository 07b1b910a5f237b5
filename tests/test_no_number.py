"""What is divided by exactly 0: which kind of no number it is, as floats have it."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from jaxgrad import Ball, run_over
from jaxgrad.numbers.no_number import NoNumber, over

numbers = st.sampled_from([0.0, 1.0, -2.5, 1e-30])
OPERATIONS = [operator.add, operator.sub, operator.mul, operator.truediv]


def kind(x: Any) -> str | None:
    """NaN, infinite or finite; None where that is not known."""
    if isinstance(x, NoNumber):
        return "infinite" if x.infinite else "nan"
    return "finite" if x.is_finite() else None


def float_kind(x: float) -> str:
    return "nan" if math.isnan(x) else "infinite" if math.isinf(x) else "finite"


@given(numbers, numbers, numbers, st.sampled_from(OPERATIONS), st.booleans())
def test_kinds_are_those_of_floats(
    top: float, below: float, other: float, operation: Callable[..., Any], turned: bool
) -> None:
    """Both signs of a zero are asked, as a real number has neither."""
    quotient = over(arb(top), arb(below))
    pair = (arb(other), quotient) if turned else (quotient, arb(other))
    found = kind(operation(*pair))
    with np.errstate(all="ignore"):
        floats = [np.float64(top) / np.float64(sign * below) for sign in (1, -1)]
        made = [
            operation(np.float64(other), x) if turned else operation(x, np.float64(other))
            for x in floats
        ]
    if found is not None:
        assert {float_kind(x) for x in made} == {found}


@pytest.mark.parametrize("test", [jnp.isnan, jnp.isinf, jnp.isfinite])
def test_masks_are_decided(test: Callable[..., Any]) -> None:
    x, y = np.float32([0, 1, -3, 2]), np.float32([0, 0, 0, 4])
    for quotient in (lambda x, y: x / y, lambda x, y: -(x / y), lambda x, y: 2 + 3 * (x / y)):

        def masked(x: Any, y: Any, quotient: Any = quotient) -> Any:
            return jnp.where(test(quotient(x, y)), 1.0, 2.0)

        ours = np.asarray(run_over(Ball(), masked, x, y), float)
        with np.errstate(all="ignore"):
            assert np.array_equal(ours, masked(x, y))


def test_one_number_less_itself() -> None:
    third = over(arb(1), arb(3))
    system = Ball()
    assert system.difference(third, third).is_zero()
    assert not system.difference(third, over(arb(1), arb(3))).is_zero()
    nothing = over(arb(0), arb(0))
    assert not system.difference(nothing, nothing).is_finite()
