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
    SPECIAL,
    derived,
    drawn_programs,
    truth,
)
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

import jaxgrad
from jaxgrad import Ball, Interval, Intervals
from jaxgrad.errors import ArgumentError, CannotDecide
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers import float64_functions, interval_arithmetic
from jaxgrad.numbers.base import UNKNOWN
from jaxgrad.numbers.interval_functions import FUNCTIONS
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.trace import trace


@pytest.fixture(autouse=True)
def wide_floats() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


def _held(found: Any, true: Any, floats: Any = None) -> int:
    """How many entries of intervals are known, each of which holds the ball at its place.

    Balls have no bound for e^x of large x: ``floats`` may, which are JAX's own.
    """
    count = 0
    ends = zip(*(np.asarray(part).reshape(-1) for part in found.parts), strict=True)
    balls = np.asarray(true, object).reshape(-1)
    others = [None] * balls.size if floats is None else np.asarray(floats).reshape(-1).tolist()
    for (low, high), ball, other in zip(ends, balls, others, strict=True):
        if math.isnan(low) or math.isnan(high):
            continue
        if other is not None and ball is not UNKNOWN and not ball.is_finite():
            slack = 1e-3 * min(abs(other), 1e307)  # floats are rounded
            assert low <= other + slack and other - slack <= high, (low, high, other)
            continue
        assert ball is not UNKNOWN and ball.is_finite(), (low, high, ball)
        assert not (ball < arb(low) or ball > arb(high)), (low, high, ball)
        count += 1
    return count


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
        _held(found, np.array(true, object))


@pytest.mark.parametrize("n", [-3, -2, -1, 0, 1, 2, 3, 5, 8])
@given(_intervals())
def test_powers_of_intervals_hold_every_value(n: int, drawn: Any) -> None:
    low, inside, high = drawn
    x = Interval(_points(low).parts[0], _points(high).parts[1])
    found = Intervals().power(x, np.asarray(n))
    with precision(300):
        true = np.array([arb(float(x)) ** n for x in inside], object)
        _held(found, true)


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
        _held(ends, np.array(true, object))


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
def _require_held(
    function: Callable[[Any, Any], Any], xs: np.ndarray, ys: np.ndarray
) -> tuple[int, int]:
    """How many entries were looked at, and of how many the intervals know the value."""
    batch = [_points(values) for values in (xs, ys)]
    over = jax.vmap(lambda x, y: jaxgrad.run_over(Intervals(), function, x, y))
    found = jax.jit(over)(*batch)
    floats = jax.vmap(function)(jnp.asarray(xs), jnp.asarray(ys))
    known, traced = 0, trace(function, (xs[0], ys[0]))
    with precision(200):
        for k, point in enumerate(zip(xs, ys, strict=True)):
            try:
                (true,) = interpret(traced, Ball(), [Ball().constants(x) for x in point])
            except CannotDecide:
                continue
            known += _held(found[k], true, floats[k])
    return xs.size, known


@settings(max_examples=8)
@given(drawn_programs(), arrays_of.arrays(float, (2, 5, LENGTH), elements=NUMBERS))
def test_programs_over_intervals_hold_the_true_values(
    program: Callable[[Any, Any], Any], points: np.ndarray
) -> None:
    assert _require_held(program, *points)[0] == 5 * LENGTH


def test_a_hundred_thousand_values_of_programs_and_gradients_are_held() -> None:
    """Drawn programs at drawn points, extremes, subnormals and overflow included."""
    looked_at, known = [], []

    @settings(max_examples=120, derandomize=True, database=None)
    @given(drawn_programs(), st.booleans(), st.integers(0, 2**32 - 1))
    def look(program: Any, of_gradient: bool, seed: int) -> None:
        draw = np.random.default_rng(seed)
        sizes = draw.choice([1e-3, 0.3, 1.0, 30.0], (2, 150, 1))
        points = draw.normal(size=(2, 150, LENGTH)) * sizes
        special = draw.random(points.shape) < 0.1
        points = np.where(special, draw.choice(SPECIAL, points.shape), points)
        function = derived(program) if of_gradient else program
        counted = _require_held(function, *points)
        looked_at.append(counted[0])
        known.append(counted[1])

    look()
    assert sum(looked_at) >= 100_000
    assert sum(known) >= 50_000


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
        _held(found, jaxgrad.run_over(Ball(), program, x))
