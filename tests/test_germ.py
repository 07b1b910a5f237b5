"""Germs: one-sided derivatives at ties, kinks and removable singularities."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from jaxgrad.numbers.ball import precision
from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.series import Series, inverse
from jaxgrad.numbers.taylor import FUNCTIONS, compose
from jaxgrad.one_sided import one_sided_derivatives

DIGITS = 1e-6  # the constants of these programs are float32

# name: (function, args, direction, left first and second derivative, right ones)
CASES: dict[str, tuple[Callable[..., Any], tuple[float, ...], tuple[float, ...], Any, Any]] = {
    "softplus": (jax.nn.softplus, (0.0,), (1.0,), (0.5, 0.25), (0.5, 0.25)),
    "relu": (jax.nn.relu, (0.0,), (1.0,), (0, 0), (1, 0)),
    "relu6 at 0": (jax.nn.relu6, (0.0,), (1.0,), (0, 0), (1, 0)),
    "relu6 at 6": (jax.nn.relu6, (6.0,), (1.0,), (1, 0), (0, 0)),
    "x|x|": (lambda x: x * abs(x), (0.0,), (1.0,), (0, -2), (0, 2)),
    "sin x / x": (lambda x: jnp.sin(x) / x, (0.0,), (1.0,), (0, -1 / 3), (0, -1 / 3)),
    "(1 - cos x)/x²": (lambda x: (1 - jnp.cos(x)) / x**2, (0.0,), (1.0,), (0, -1 / 12),
                       (0, -1 / 12)),
    "sinc": (jnp.sinc, (0.0,), (1.0,), (0, -math.pi**2 / 3), (0, -math.pi**2 / 3)),
    "mish": (jax.nn.mish, (0.0,), (1.0,), (0.6, 0.64), (0.6, 0.64)),
    "celu": (jax.nn.celu, (0.0,), (1.0,), (1, 1), (1, 0)),
    "logaddexp tie": (jnp.logaddexp, (1.0, 1.0), (1.0, 0.0), (0.5, 0.25), (0.5, 0.25)),
    "max tie": (jnp.maximum, (1.0, 1.0), (1.0, 0.0), (0, 0), (1, 0)),
    "max tie moved together": (jnp.maximum, (1.0, 1.0), (2.0, 2.0), (2, 0), (2, 0)),
    "root": (lambda x: jnp.sqrt(abs(x)), (0.0,), (1.0,), (-math.inf, -math.inf),
             (math.inf, -math.inf)),
    "|x|^1.5": (lambda x: abs(x) ** 1.5, (0.0,), (1.0,), (0, math.inf), (0, math.inf)),
    "cube root": (jnp.cbrt, (0.0,), (1.0,), (math.inf, math.inf), (math.inf, -math.inf)),
    "23^y": (lambda x, y: x**y, (23.0, 0.0), (0.0, 1.0), (math.log(23), math.log(23) ** 2),
             (math.log(23), math.log(23) ** 2)),
    "flat": (lambda x: jnp.exp(-1 / x**2), (0.0,), (1.0,), (0, 0), (0, 0)),
}  # fmt: skip


def _close(found: arb, wanted: float) -> bool:
    if math.isinf(wanted):
        return bool(found > 0) == (wanted > 0) and not found.is_finite()
    return bool(abs(found - wanted) < DIGITS)


@pytest.mark.parametrize("name", CASES)
def test_both_sides_at_special_points(name: str) -> None:
    function, args, direction, left, right = CASES[name]
    with precision(200):
        found = one_sided_derivatives(function, args, direction, order=2)
    for side, wanted in ((found.left, left), (found.right, right)):
        for k in (1, 2):
            assert _close(side[0][k], wanted[k - 1]), (name, k, side[0][k])


def test_an_infinite_slope_on_the_edge_of_the_domain() -> None:
    found = one_sided_derivatives(jnp.sqrt, (0.0,), (1.0,))
    assert found.right[0][1] > 0
    assert not found.right[0][1].is_finite()
    assert found.left[0][1].is_nan()
    assert any("not certainly positive" in reason for reason in found.reasons)


def test_the_other_branch_of_a_selection_may_be_undefined() -> None:
    def entropy(x: Any) -> Any:
        return jnp.where(x > 0, x * jnp.log(x), x)

    found = one_sided_derivatives(entropy, (0.0,), (1.0,))
    assert found.left[0][1] == 1
    assert found.right[0][1].is_nan()  # ε log ε has no power series


def test_cancelled_terms_are_reported_not_guessed() -> None:
    found = one_sided_derivatives(
        lambda x: (jnp.sin(x) - x) / x**3, (0.0,), (1.0,), order=2, terms=3
    )
    assert found.right[0][2].is_nan()
    assert any("powers of ε" in reason for reason in found.reasons)
    with precision(200):
        more = one_sided_derivatives(
            lambda x: (jnp.sin(x) - x) / x**3, (0.0,), (1.0,), order=2, terms=8
        )
    assert _close(more.right[0][2], 1 / 60)


def test_a_value_that_may_be_zero_is_open() -> None:
    germ = Germ()
    blurred = Series([arb(0, 1)])
    assert germ.compare("gt", blurred, germ.constant(0)) is None
    assert inverse(blurred).reason is not None
    assert germ.divide(germ.constant(1), germ.constant(0)).reason == "a division by 0"
    assert germ.select(None, germ.constant(0), germ.constant(1)).at(0).contains(0.5)


@given(st.integers(-40, 40), st.integers(-40, 40), st.integers(-40, 40))
def test_order_is_decided_by_the_leading_term(a: int, b: int, c: int) -> None:
    germ = Germ()
    x = Series([arb(a), arb(b), arb(c)])
    leading = next((n for n in (a, b, c) if n), 0)
    assert x.sign() == (leading > 0) - (leading < 0)
    assert germ.compare("eq", x, germ.constant(0)) is (leading == 0)


@given(st.lists(st.integers(-9, 9), min_size=1, max_size=5).filter(any))
def test_a_quotient_times_its_divisor(coefficients: list[int]) -> None:
    x = Series([arb(n) for n in coefficients])
    product = inverse(x) * x
    assert product.at(0).contains(1)
    assert all(product.at(k).contains(0) for k in range(1, 5))


SPECIAL = {"acosh": 2.5, "acos": 0.3, "lgamma": 1.7, "digamma": 1.7, "log": 1.7}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_taylor_coefficients_enclose_difference_quotients(name: str) -> None:
    """f(c + h) from its germ at c against f's own value, h small enough that six terms do."""
    c, h = SPECIAL.get(name, 0.375), 2.0**-20
    with precision(300):
        series = compose(name, Series([arb(c), arb(1)], terms=6))
        value = sum((series.at(k) * arb(h) ** k for k in range(6)), arb(0))
        (truth,) = FUNCTIONS[name](arb(c) + h, 1)
        assert abs(value - truth) < arb(2) ** -100  # the seventh term is about 2^-120


@given(st.floats(-2, 2, width=32), st.floats(0.25, 2, width=32))
def test_smooth_functions_have_their_derivative_on_both_sides(x: float, v: float) -> None:
    def f(x: Any) -> Any:
        return jnp.tanh(x) * jnp.exp(jnp.sin(x)) / (2 + jnp.cos(x))

    with precision(200), jax.enable_x64(True):
        found = one_sided_derivatives(f, (np.float64(x),), (v,))
        slope = float(jax.jvp(f, (np.float64(x),), (np.float64(v),))[1])
    assert found.right[0][1].overlaps(found.left[0][1])
    assert abs(float(found.right[0][1].mid()) - slope) <= 1e-12 * (1 + abs(slope))
