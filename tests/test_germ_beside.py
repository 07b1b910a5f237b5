"""Germs of random programs at 0 against the programs themselves just beside it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide, NumberSystem
from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.jet import Jet
from jaxgrad.numbers.precision import precision, series_length
from jaxgrad.numbers.series import Series


def _function(name: str) -> Callable[..., Any]:
    return lambda s, *xs: s.function(name, *xs)


def _power(exponent: float) -> Callable[..., Any]:
    return lambda s, x: s.function("pow", x, s.constant(exponent))


UNARY: dict[str, Callable[..., Any]] = {
    "log": lambda s, x: s.log(x),
    "sqrt": lambda s, x: s.sqrt(x),
    "abs": lambda s, x: s.absolute(x),
    "exp": lambda s, x: s.exp(x),
    "reciprocal": lambda s, x: s.divide(s.constant(1), x),
    "tanh": lambda s, x: s.tanh(x),
    "logistic": lambda s, x: s.logistic(x),
    "log1p": lambda s, x: s.log1p(x),
    "expm1": lambda s, x: s.expm1(x),
    "neg": lambda s, x: -x,
    "square": lambda s, x: x * x,
    "cube": lambda s, x: s.power(x, 3),
    "x^-2": lambda s, x: s.power(x, -2),
    "x + 1": lambda s, x: x + s.constant(1),
    "x - 1": lambda s, x: x - s.constant(1),
    "-2x": lambda s, x: x * s.constant(-2),
    "sign": lambda s, x: s.sign(x),
    "relu": lambda s, x: s.maximum(x, s.constant(0)),
    **{f"x^{exponent}": _power(exponent) for exponent in (0.3, 1.5, -0.5)},
    **{
        name: _function(name)
        for name in (
            "acos", "atan", "atanh", "cbrt", "erf", "erfc", "floor", "round_half_even", "sin",
        )
    },
}  # fmt: skip
BINARY: dict[str, Callable[..., Any]] = {
    "add": lambda s, x, y: x + y,
    "sub": lambda s, x, y: x - y,
    "mul": lambda s, x, y: x * y,
    "div": lambda s, x, y: s.divide(x, y),
    "max": lambda s, x, y: s.maximum(x, y),
    "pow": _function("pow"),
    "atan2": _function("atan2"),
    "rem": _function("rem"),
}
Steps = list[tuple[str, int, int]]

_step = st.tuples(st.sampled_from([*UNARY, *BINARY]), st.integers(0, 2), st.integers(0, 2))
_programs = st.lists(_step, min_size=1, max_size=6)


def _run(system: NumberSystem, steps: Steps, x: Any) -> Any:
    made = [x]
    for name, i, j in steps:
        u, v = made[-1 - i % len(made)], made[-1 - j % len(made)]
        made.append(UNARY[name](system, u) if name in UNARY else BINARY[name](system, u, v))
    return made[-1]


EPSILON_EXPONENT = -300
BITS = 4000  # ε to the 13th power beside 1
# A coefficient that is not known is smaller than this times the first monomial that is not,
# unless the program makes numbers that are far from 1.
LARGEST = arb(2) ** 100


def _size(epsilon: arb, monomial: tuple[Any, Any]) -> arb:
    a, b = (Ball().constant(Fraction(exponent)) for exponent in monomial)
    return epsilon**a / (-epsilon.log()) ** b


def _check(series: Series, truth: arb, epsilon: arb) -> None:
    terms = zip(series.monomials, series.coefficients, strict=True)
    total = sum((c * _size(epsilon, m) for m, c in terms), arb(0))
    error = arb(2) ** (500 - BITS) * (1 + abs(truth))  # an eighth of the bits may be lost
    if series.end is not None:
        error = error + _size(epsilon, series.end) * LARGEST
    assert not abs(truth - total) > error


def _both(steps: Steps, sign: int) -> tuple[Series, arb, arb] | None:
    """The germ, the value beside the point, and ε; None where either is not known."""
    series = _run(Germ(5), steps, Germ(5).line(0, sign))
    epsilon = arb(2) ** EPSILON_EXPONENT
    truth = _run(Ball(), steps, epsilon * sign)
    known = series.reason is None and truth.is_finite()
    return (series, truth, epsilon) if known else None


@settings(max_examples=200, deadline=None)
@given(_programs, st.sampled_from([1, -1]))
def test_a_germ_is_the_program_beside_the_point(steps: Steps, sign: int) -> None:
    with precision(BITS):
        found = _both(steps, sign)
        if found is not None:
            _check(*found)


def test_a_wrong_term_is_seen() -> None:
    steps = [("log", 0, 0), ("mul", 0, 1), ("exp", 0, 0)]  # x^x
    with precision(BITS):
        found = _both(steps, 1)
        assert found is not None
        series, truth, epsilon = found
        _check(series, truth, epsilon)
        wrong = Series([arb(2) ** -30], [series.monomials[2]], terms=5)
        with pytest.raises(AssertionError):
            _check(series + wrong, truth, epsilon)


@settings(max_examples=150, deadline=None)
@given(_programs, st.sampled_from([0, 1, -1, 0.25, -0.375, 1.75]), st.sampled_from([1, -0.5]))
def test_a_jet_is_the_germ_of_both_sides(steps: Steps, point: float, slope: float) -> None:
    jet, germ = Jet(3), Germ(8)
    with precision(200):
        try:
            with series_length(4):
                found = jet.derivatives(_run(jet, steps, jet.line(point, slope)))
        except CannotDecide:
            return
        if not all(c.is_finite() for c in found):
            return
        for sign in (1, -1):
            series = _run(germ, steps, germ.line(point, sign * slope))
            if series.reason is None:
                assert series.is_taylor(3)
                for k, derivative in enumerate(found):
                    assert (series.at(k) * arb(k).fac() * sign**k).overlaps(derivative)
