"""Compiled intervals hold the true values, which balls have, whatever is computed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from enclosed_programs import (
    ARITIES,
    LENGTH,
    NUMBERS,
    SMALLEST,
    Enclosures,
    drawn_programs,
    require_drawn_programs_held,
    require_held,
    require_program_held,
    truth,
)
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

import jaxgrad
from jaxgrad import Ball, Interval, Intervals
from jaxgrad.errors import ArgumentError
from jaxgrad.numbers import float64_functions, interval_arithmetic
from jaxgrad.numbers.base import UNKNOWN
from jaxgrad.numbers.interval_functions import FUNCTIONS
from jaxgrad.numbers.precision import precision


@pytest.fixture(autouse=True)
def wide_floats() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def _ends(found: Interval) -> Iterator[tuple[arb, arb] | None]:
    for low, high in zip(*(np.asarray(part).reshape(-1) for part in found.parts), strict=True):
        is_known = not (math.isnan(low) or math.isnan(high))
        yield (arb(float(low)), arb(float(high))) if is_known else None


ENCLOSURES = Enclosures(Intervals(), _ends, is_compiled=True)


def _points(values: np.ndarray) -> Interval:
    """As a program has them that is handed floats."""
    return Intervals().lift(values)


# -- functions -----------------------------------------------------------------------------------
@pytest.mark.parametrize("name", float64_functions.ERRORS)
@given(arrays_of.arrays(float, 32, elements=NUMBERS))
def test_the_errors_of_functions_are_as_they_are_bounded(name: str, x: np.ndarray) -> None:
    found = np.asarray(getattr(float64_functions, name)(x))
    ball, error = Ball(), float64_functions.ERRORS[name]
    for argument, value in zip(x, found, strict=True):
        if abs(argument) < SMALLEST:  # which is 0, or is not
            continue
        with precision(300):
            true = ball.apply(name, arb(float(argument)))
        if not (math.isfinite(value) and true.is_finite()):
            continue
        if value == np.finfo(float).max:  # or more
            assert true > arb(float(value))
            continue
        assert abs(arb(float(value)) - true) <= abs(true) * error + arb(2.0**-1021), argument


@st.composite
def _intervals(draw: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Low ends, numbers within, and high ends; half of them are points."""
    ends = [draw(arrays_of.arrays(float, 24, elements=NUMBERS)) for _ in range(2)]
    low, high = np.minimum(*ends), np.maximum(*ends)
    weight = draw(arrays_of.arrays(float, 24, elements=st.sampled_from([0.0, 0.25, 0.5, 1.0])))
    with np.errstate(over="ignore", invalid="ignore"):
        inside = np.clip(low + weight * (high - low), low, high)
    inside = np.where(np.isfinite(inside), inside, low)
    point = np.arange(24) % 2 == 0
    return np.where(point, inside, low), inside, np.where(point, inside, high)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
@given(st.data())
def test_functions_of_intervals_hold_every_value(name: str, data: st.DataObject) -> None:
    drawn = [data.draw(_intervals()) for _ in range(ARITIES.get(name, 1))]
    lifted = [(_points(low), _points(high)) for low, _, high in drawn]
    found = Intervals().function(name, *(Interval(a.parts[0], b.parts[1]) for a, b in lifted))
    with precision(300):
        inside = [[arb(float(x)) for x in each] for _, each, _ in drawn]
        true = [truth(name, *xs) for xs in zip(*inside, strict=True)]
        # Balls have no e^x of the largest x.
        large = np.array([max(abs(x) for x in xs) > 1e5 for xs in zip(*inside, strict=True)])
        unbounded = large & [ball is not UNKNOWN and not ball.is_finite() for ball in true]
        found = found.each(lambda end: jnp.where(unbounded, jnp.nan, end))
        require_held(_ends(found), np.array(true, object))


@pytest.mark.parametrize("n", [-3, -2, -1, 0, 1, 2, 3, 5, 8])
@given(_intervals())
def test_powers_of_intervals_hold_every_value(n: int, drawn: Any) -> None:
    low, inside, high = drawn
    x = Interval(_points(low).parts[0], _points(high).parts[1])
    found = Intervals().power(x, np.asarray(n))
    with precision(300):
        true = np.array([arb(float(x)) ** n for x in inside], object)
        require_held(_ends(found), true)


@pytest.mark.parametrize("name", ["exp", "log", "sin", "tanh", "atan", "expm1", "logistic"])
def test_an_error_that_is_bounded_too_low_is_found(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = getattr(float64_functions, name)
    wrong = np.linspace(0.5, 3.0, 60)
    values = exact(wrong) * (1 + 3 * float64_functions.ERRORS[name])
    with precision(300):
        true = [truth(name, arb(float(x))) for x in wrong]
    error = float64_functions.ERRORS[name]
    ends = interval_arithmetic.outwards(values * (1 - error), values * (1 + error))
    with pytest.raises(AssertionError):
        require_held(_ends(ends), np.array(true, object))


# -- exact numbers ---------------------------------------------------------------------------------
@given(st.one_of(st.fractions(), st.integers(-(2**70), 2**70), NUMBERS))
def test_what_is_lifted_is_held(value: Any) -> None:
    kind = float if isinstance(value, float) else object
    low, high = (Fraction(float(end)) for end in _points(np.array(value, kind)).parts)
    assert low <= Fraction(value) <= high
    exact = Fraction(float(value)) == value and not 0 < abs(value) < SMALLEST
    assert (low == high) == exact


def test_intervals_need_wide_floats() -> None:
    with jax.enable_x64(False), pytest.raises(ArgumentError, match=r"within `with jax.enable_x64"):
        jaxgrad.run_over(Intervals(), jnp.sin, 1.0)


# -- programs --------------------------------------------------------------------------------------
@settings(max_examples=8)
@given(drawn_programs(), arrays_of.arrays(float, (2, 5, LENGTH), elements=NUMBERS))
def test_programs_over_intervals_hold_the_true_values(
    program: Callable[[Any, Any], Any], points: np.ndarray
) -> None:
    assert require_program_held(ENCLOSURES, program, *points)[0] == 5 * LENGTH


def test_a_hundred_thousand_values_of_programs_and_gradients_are_held() -> None:
    looked_at, known = require_drawn_programs_held(ENCLOSURES, examples=120, points=150)
    assert looked_at >= 100_000 and known >= 50_000


@pytest.mark.parametrize(
    "rule, program",
    [
        ("total", lambda x: x + x[::-1] / 3),
        ("product", lambda x: x * x[::-1] * 0.1),
    ],
)
def test_ends_that_are_rounded_inwards_are_found(
    rule: str, program: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interval_arithmetic, "outwards", lambda low, high: Interval(
        low + abs(low) * 2.0**-52, high - abs(high) * 2.0**-52))  # fmt: skip
    assert callable(getattr(interval_arithmetic, rule))
    x = np.array([0.3, -1.7, 2.1])
    found = jaxgrad.run_over(Intervals(), program, _points(x))
    with precision(300), pytest.raises(AssertionError):
        require_held(_ends(found), jaxgrad.run_over(Ball(), program, x))
