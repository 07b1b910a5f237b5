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
from jaxgrad.numbers.operations import operation
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.trace import trace

SMALLEST = 2.0**-1022
# Ends of ranges, halves, multiples of π, what overflows soon, and what is flushed to 0.
SPECIAL = [
    0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 3.0, math.pi, math.pi / 2, -math.pi / 4, 0.34, 0.41, -0.29,
    math.sqrt(0.5), math.sqrt(2), 709.5, 709.9, -708.5, -745.5, 1e3, -1e3, 1e5, 2.0**19, 2.0**40,
    1e160, -1e160, 1.7e308, -1.7e308, SMALLEST, -SMALLEST, 1e-160, 5e-324, -1e-310, 1e-300, 2.5,
    1 - 2.0**-53, 1 + 2.0**-52, -1 + 2.0**-53, 2.0**-30, 7.5,
]  # fmt: skip
NUMBERS = st.one_of(
    st.sampled_from(SPECIAL),
    st.floats(-4, 4),
    st.floats(-800, 800),
    st.floats(allow_nan=False, allow_infinity=False),
)


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
_ARITIES = {"add": 2, "add_any": 2, "sub": 2, "mul": 2, "div": 2, "max": 2, "min": 2, "pow": 2,
            "logaddexp": 2, "clamp": 3, "polynomial": 4}  # fmt: skip


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


def _truth(name: str, *xs: arb) -> Any:
    """The value in balls; UNKNOWN where there is none."""
    try:
        return operation(name)(Ball(), *xs)
    except CannotDecide:
        return UNKNOWN


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
    drawn = [data.draw(_intervals()) for _ in range(_ARITIES.get(name, 1))]
    lifted = [(_points(low), _points(high)) for low, _, high in drawn]
    found = Intervals().function(name, *(Interval(a.parts[0], b.parts[1]) for a, b in lifted))
    with precision(300):
        inside = [[arb(float(x)) for x in each] for _, each, _ in drawn]
        true = [_truth(name, *xs) for xs in zip(*inside, strict=True)]
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
        true = [_truth(name, arb(float(x))) for x in wrong]
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
_ONE: dict[str, Callable[[Any], Any]] = {
    "sin": jnp.sin, "cos": jnp.cos, "tan": jnp.tan, "tanh": jnp.tanh, "exp": jnp.exp,
    "expm1": jnp.expm1, "log": jnp.log, "log1p": jnp.log1p, "sqrt": jnp.sqrt, "cbrt": jnp.cbrt,
    "sigmoid": jax.nn.sigmoid, "softplus": jax.nn.softplus, "relu": jax.nn.relu, "abs": jnp.abs,
    "square": jnp.square, "cube": lambda x: x**3, "inverse": lambda x: 1 / x,
    "inverse square": lambda x: x**-2, "sign": jnp.sign, "floor": jnp.floor, "round": jnp.round,
    "arctan": jnp.arctan, "arcsin": jnp.arcsin, "arccos": jnp.arccos, "sinh": jnp.sinh,
    "cosh": jnp.cosh, "arcsinh": jnp.arcsinh, "arctanh": jnp.arctanh, "rsqrt": jax.lax.rsqrt,
    "silu": jax.nn.silu, "negative": jnp.negative, "tenth": lambda x: 0.1 * x, "log2": jnp.log2,
    "reversed": lambda x: x[::-1], "cumulative": jnp.cumsum, "softmax": jax.nn.softmax,
    "normal": lambda x: (x - jnp.mean(x)) / jnp.sqrt(jnp.var(x) + 1e-6),
    "halves": lambda x: x.reshape(-1, 2) @ jnp.array([[0.3, -1.5], [2.0, 0.7]]),
}  # fmt: skip
_TWO: dict[str, Callable[[Any, Any], Any]] = {
    "add": jnp.add, "subtract": jnp.subtract, "multiply": jnp.multiply, "divide": jnp.divide,
    "maximum": jnp.maximum, "minimum": jnp.minimum, "logaddexp": jnp.logaddexp,
    "where": lambda x, y: jnp.where(x > y, x * x, y), "power": lambda x, y: jnp.abs(x) ** y,
    "clip": lambda x, y: jnp.clip(x, -1.0, y), "greater": lambda x, y: (x >= y) * x,
    "product": lambda x, y: jnp.outer(x, y) @ y,
}  # fmt: skip
LENGTH = 6


@st.composite
def _programs(draw: Any) -> Callable[[Any, Any], Any]:
    """A program of two arrays: steps, each of which applies a function to what was made before."""
    steps = draw(st.lists(
        st.tuples(st.sampled_from([*_ONE, *_TWO]), st.integers(0, 9), st.integers(0, 9)),
        min_size=1, max_size=7,
    ))  # fmt: skip

    def program(x: Any, y: Any) -> Any:
        made = [x, y]
        for name, i, j in steps:
            u, v = (made[-1 - k % len(made)] for k in (i, j))
            made.append((_ONE[name](u) if name in _ONE else _TWO[name](u, v)).reshape(LENGTH))
        return made[-1]

    program.__doc__ = repr(steps)
    return program


def _gradient(program: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda x, y: jax.grad(lambda x: jnp.sum(program(x, y)))(x)


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
@given(_programs(), arrays_of.arrays(float, (2, 5, LENGTH), elements=NUMBERS))
def test_programs_over_intervals_hold_the_true_values(
    program: Callable[[Any, Any], Any], points: np.ndarray
) -> None:
    assert _require_held(program, *points)[0] == 5 * LENGTH


def test_a_hundred_thousand_values_of_programs_and_gradients_are_held() -> None:
    """Drawn programs at drawn points, extremes, subnormals and overflow included."""
    looked_at, known = [], []

    @settings(max_examples=120, derandomize=True, database=None)
    @given(_programs(), st.booleans(), st.integers(0, 2**32 - 1))
    def look(program: Any, derived: bool, seed: int) -> None:
        draw = np.random.default_rng(seed)
        sizes = draw.choice([1e-3, 0.3, 1.0, 30.0], (2, 150, 1))
        points = draw.normal(size=(2, 150, LENGTH)) * sizes
        special = draw.random(points.shape) < 0.1
        points = np.where(special, draw.choice(SPECIAL, points.shape), points)
        function = _gradient(program) if derived else program
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
