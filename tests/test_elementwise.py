"""Elementwise primitives at all signs and ties: germs are what NumPy computes just beside."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax
from numbers_support import Checked

from jaxgrad.gradients.one_sided import one_sided_derivatives
from jaxgrad.interpret.rules.elementwise import real_or_none
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.function import NO_LIMITS
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.nonfinite import NonFinite, apply_nonfinite

# Steps to the side: a function here moves by a few of them, unless it jumps.
STEP = 2.0**-40
halves = st.integers(-5, 5).map(lambda n: n / 2)
directions = st.sampled_from([-2.0, -1.0, 0.0, 1.0, 2.0])

ONE: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "abs": (abs, np.abs),
    "sign": (lax.sign, np.sign),
    "floor": (lax.floor, np.floor),
    "ceil": (lax.ceil, np.ceil),
    "round_to_even": (lambda x: lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN), np.round),
    "round_away": (
        lax.round, lambda x: np.copysign(np.floor(np.abs(x) + 0.5), x)
    ),
    "square": (lambda x: x**2.0, np.square),
    "cube": (lambda x: x**3.0, lambda x: x**3),
    "constant_power": (lambda x: x**0.0, np.ones_like),
    "integer_pow": (lambda x: lax.integer_pow(x, 3), lambda x: x**3),
    "cbrt": (lax.cbrt, np.cbrt),
}  # fmt: skip
TWO: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "rem": (lax.rem, np.fmod),
    "atan2": (lax.atan2, np.arctan2),
    "max": (lax.max, np.maximum),
    "min": (lax.min, np.minimum),
}


def _values(function: Callable[..., Any], point: Any, direction: Any) -> tuple[Any, Any]:
    with jax.enable_x64(True):
        found = one_sided_derivatives(function, point, direction, order=0)
    return found.right[0][0], found.left[0][0]


def _check(names: Any, point: tuple[float, ...], direction: tuple[float, ...]) -> None:
    function, reference = names
    for value, sign in zip(_values(function, point, direction), (1, -1), strict=True):
        beside = [x + sign * STEP * v for x, v in zip(point, direction, strict=True)]
        with np.errstate(all="ignore"):
            expected = float(reference(*beside))
        if value.is_finite() and np.isfinite(expected):
            assert value.overlaps(arb(expected, 2.0**-12))  # the cube root of STEP, and more
            # Where two numbers move, whether one passes a multiple of the other may be open.
            assert float(value.rad()) < 2.0**-30 or all(direction[1:])


@pytest.mark.parametrize("name", ONE)
@settings(max_examples=25, deadline=None)
@given(x=halves, v=directions)
def test_functions_of_one_number(name: str, x: float, v: float) -> None:
    _check(ONE[name], (x,), (v,))


@pytest.mark.parametrize("name", TWO)
@settings(max_examples=25, deadline=None)
@given(x=halves, y=halves, v=directions, w=directions)
def test_functions_of_two_numbers(name: str, x: float, y: float, v: float, w: float) -> None:
    _check(TWO[name], (x, y), (v, w))


def test_powers_of_zero() -> None:
    with jax.enable_x64(True):
        assert one_sided_derivatives(lax.pow, (0.0, 0.0), (1.0, 0.0)).right[0][0] == 1
        vanishing = one_sided_derivatives(lax.pow, (0.0, 2.5), (0.0, 1.0))
        assert (vanishing.right[0][0], vanishing.right[0][1]) == (0, 0)
        slope = one_sided_derivatives(lax.pow, (0.0, 2.0), (1.0, 0.0), order=2)
    assert [slope.right[0][k] for k in range(3)] == [0, 0, 2]
    ball = Checked(lax.pow, np.float64(0), np.float64(0)).balls(np.float64(0), np.float64(0))
    assert ball[0][()] == 1


@settings(max_examples=25, deadline=None)
@given(x=halves, n=st.integers(-3, 3))
def test_a_float_exponent_that_is_an_integer_takes_negative_numbers(x: float, n: int) -> None:
    if x or n >= 0:
        power = Checked(lax.pow, np.float64(1), np.float64(1)).balls(np.float64(x), np.float64(n))
        product = Checked(lambda y: lax.integer_pow(y, n), np.float64(1)).balls(np.float64(x))
        assert power[0][()].is_finite() and power[0][()].overlaps(product[0][()])


def _unary(name: str) -> Any:
    return {"logistic": jax.nn.sigmoid, "log2": jnp.log2}.get(name) or getattr(lax, name)


AT_INFINITY = ["abs", "round", "sign"] + [
    name for name, known in FUNCTIONS.items() if known.elementwise and known.limits != NO_LIMITS
]


@pytest.mark.parametrize("name", AT_INFINITY)
def test_limits_at_infinity(name: str) -> None:
    for value in (np.inf, -np.inf):
        expected = float(_unary(name)(value))
        try:
            found = apply_nonfinite(Ball(), name, (NonFinite(value),))
        except CannotDecide:
            assert np.isnan(expected) or name == "lgamma"
        else:
            assert float(getattr(found, "value", found)) == expected


# A real number is on every line with what is not one: which of them it is, is no matter.
REALS, OTHERS = (-2.5, 0.0, 3.5), (math.inf, -math.inf, math.nan)
BESIDE: dict[str, Callable[[float, float], Any]] = {
    "add": operator.add, "add_any": operator.add, "sub": operator.sub, "mul": operator.mul,
    "max": np.maximum, "min": np.minimum,
    "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge,
    "eq": operator.eq, "ne": operator.ne,
}  # fmt: skip


@pytest.mark.parametrize("name", BESIDE)
def test_two_numbers_of_which_one_is_not_real(name: str) -> None:
    pairs = [(x, y) for x in (*OTHERS, *REALS) for y in (*OTHERS, *REALS)]
    for x, y in pairs:
        if x in REALS and y in REALS:
            continue
        given_ = [arb(z) if z in REALS else NonFinite(z) for z in (x, y)]
        if name == "mul" and (x in REALS or y in REALS) and not math.isnan(x + y):
            with pytest.raises(CannotDecide, match="times a number of unknown sign"):
                apply_nonfinite(Ball(), name, tuple(given_))
            continue
        found = apply_nonfinite(Ball(), name, tuple(given_))
        expected = BESIDE[name](x, y)
        if isinstance(expected, bool):
            assert found is expected, (x, y)
        elif expected in REALS:
            assert found is given_[(x, y).index(expected)], (x, y)
        else:
            assert repr(found) == repr(NonFinite(float(expected))), (x, y)


def test_a_real_number_over_an_infinity_is_0_and_no_other_quotient_is_known() -> None:
    for x, y in ((x, y) for x in (*OTHERS, *REALS) for y in (*OTHERS, *REALS)):
        if x in REALS and y in REALS:
            continue
        numbers = tuple(arb(z) if z in REALS else NonFinite(z) for z in (x, y))
        if x in REALS and math.isinf(y):
            assert apply_nonfinite(Ball(), "div", numbers) == 0
        else:
            with pytest.raises(CannotDecide, match="`div` at"):
                apply_nonfinite(Ball(), "div", numbers)


@pytest.mark.parametrize("name", ["exp", "tanh", "logistic", "erf"])
def test_nan_has_no_limit(name: str) -> None:
    with pytest.raises(CannotDecide):
        apply_nonfinite(Ball(), name, (NonFinite(math.nan),))
    below, above = (apply_nonfinite(Ball(), name, (NonFinite(x),)) for x in (-math.inf, math.inf))
    assert not (isinstance(below, arb) and isinstance(above, arb) and below.overlaps(above))


def test_of_which_dtypes_a_product_may_be() -> None:
    assert real_or_none(None)
    assert real_or_none(np.dtype(np.float32))
    assert not real_or_none(np.dtype(np.int32))
    assert not real_or_none(np.dtype(np.complex64))
