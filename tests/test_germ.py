"""Germs: one-sided derivatives at ties, kinks and removable singularities."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st
from jax.scipy import special

from jaxgrad.gradients.one_sided import OneSided, one_sided_derivatives
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import objects
from jaxgrad.numbers.functions import FUNCTIONS
from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.precision import precision
from jaxgrad.numbers.series import Series
from jaxgrad.numbers.taylor import compose
from jaxgrad.programs.trace import trace

DIGITS = 1e-6  # the constants of these programs are float32

NOTHING = (math.nan, math.nan)
UP, DOWN = (math.inf, -math.inf), (-math.inf, math.inf)
HALF_PI = math.pi / 2

# name: (function, args, direction, left first and second derivative, right ones)
CASES: dict[str, tuple[Callable[..., Any], tuple[float, ...], tuple[float, ...], Any, Any]] = {
    "softplus": (jax.nn.softplus, (0.0,), (1.0,), (0.5, 0.25), (0.5, 0.25)),
    "relu": (jax.nn.relu, (0.0,), (1.0,), (0, 0), (1, 0)),
    "relu6 at 0": (jax.nn.relu6, (0.0,), (1.0,), (0, 0), (1, 0)),
    "relu6 at 6": (jax.nn.relu6, (6.0,), (1.0,), (1, 0), (0, 0)),
    "x|x|": (lambda x: x * abs(x), (0.0,), (1.0,), (0, -2), (0, 2)),
    "root of a square": (lambda x: jnp.sqrt(x * x), (0.0,), (1.0,), (-1, 0), (1, 0)),
    "norm": (lambda x, y: jnp.sqrt(x * x + y * y), (0.0, 0.0), (3.0, 4.0), (-5, 0), (5, 0)),
    "x/|x|": (lambda x: x / abs(x), (0.0,), (1.0,), (0, 0), (0, 0)),
    "sin x / x": (lambda x: jnp.sin(x) / x, (0.0,), (1.0,), (0, -1 / 3), (0, -1 / 3)),
    "(1 - cos x)/x²": (lambda x: (1 - jnp.cos(x)) / x**2, (0.0,), (1.0,), (0, -1 / 12),
                       (0, -1 / 12)),
    "log1p x / x": (lambda x: jnp.log1p(x) / x, (0.0,), (1.0,), (-1 / 2, 2 / 3), (-1 / 2, 2 / 3)),
    "expm1 x / x": (lambda x: jnp.expm1(x) / x, (0.0,), (1.0,), (1 / 2, 1 / 3), (1 / 2, 1 / 3)),
    "sinc": (jnp.sinc, (0.0,), (1.0,), (0, -math.pi**2 / 3), (0, -math.pi**2 / 3)),
    "mish": (jax.nn.mish, (0.0,), (1.0,), (0.6, 0.64), (0.6, 0.64)),
    "celu": (jax.nn.celu, (0.0,), (1.0,), (1, 1), (1, 0)),
    "logaddexp tie": (jnp.logaddexp, (1.0, 1.0), (1.0, 0.0), (0.5, 0.25), (0.5, 0.25)),
    "max tie": (jnp.maximum, (1.0, 1.0), (1.0, 0.0), (0, 0), (1, 0)),
    "max tie moved together": (jnp.maximum, (1.0, 1.0), (2.0, 2.0), (2, 0), (2, 0)),
    "root of |x|": (lambda x: jnp.sqrt(abs(x)), (0.0,), (1.0,), (-math.inf, -math.inf), UP),
    "root": (jnp.sqrt, (0.0,), (1.0,), NOTHING, UP),
    "|x|^1.5": (lambda x: abs(x) ** 1.5, (0.0,), (1.0,), (0, math.inf), (0, math.inf)),
    "x^0.3": (lambda x: x**0.3, (0.0,), (1.0,), NOTHING, UP),
    "x^1.3": (lambda x: x**1.3, (0.0,), (1.0,), NOTHING, (0, math.inf)),
    "x^2.7": (lambda x: x**2.7, (0.0,), (1.0,), NOTHING, (0, 0)),
    "1/(1 + x^0.3)": (lambda x: 1 / (1 + x**0.3), (0.0,), (1.0,), NOTHING, DOWN),
    "cube root": (jnp.cbrt, (0.0,), (1.0,), (math.inf, math.inf), UP),
    "23^y": (lambda x, y: x**y, (23.0, 0.0), (0.0, 1.0), (math.log(23), math.log(23) ** 2),
             (math.log(23), math.log(23) ** 2)),
    "flat": (lambda x: jnp.exp(-1 / x**2), (0.0,), (1.0,), (0, 0), (0, 0)),
    "atan 1/x": (lambda x: jnp.arctan(1 / x), (0.0,), (1.0,), (-1, 0), (-1, 0)),
    "tanh 1/x": (lambda x: jnp.tanh(1 / x), (0.0,), (1.0,), (0, 0), (0, 0)),
    "erf 1/x": (lambda x: jax.lax.erf(1 / x), (0.0,), (1.0,), (0, 0), (0, 0)),
    "x softplus(1/x)": (lambda x: x * jax.nn.softplus(1 / x), (0.0,), (1.0,), (0, 0), (0, 0)),
    "floor": (jnp.floor, (0.0,), (1.0,), (0, 0), (0, 0)),
    "sign": (jnp.sign, (0.0,), (1.0,), (0, 0), (0, 0)),
    "x² sin(1/x)": (lambda x: x * x * jnp.sin(1 / x), (0.0,), (1.0,), NOTHING, NOTHING),
    "1/x": (lambda x: 1 / x, (0.0,), (1.0,), NOTHING, NOTHING),
    "acos at 1": (jnp.arccos, (1.0,), (1.0,), (-math.inf, -math.inf), NOTHING),
    "acos at -1": (jnp.arccos, (-1.0,), (1.0,), NOTHING, DOWN),
    "asin at 1": (jnp.arcsin, (1.0,), (1.0,), (math.inf, math.inf), NOTHING),
    "acos 1/x": (lambda x: jnp.arccos(1 / (1 + x)) ** 2, (0.0,), (1.0,), NOTHING, (2, -10 / 3)),
    "acosh at 1": (jnp.arccosh, (1.0,), (1.0,), NOTHING, UP),
    "atanh at 1": (jnp.arctanh, (1.0,), (1.0,), NOTHING, NOTHING),
    "(1 - x) atanh x": (lambda x: (1 - x) * jnp.arctanh(x), (1.0,), (1.0,),
                        (-math.inf, -math.inf), NOTHING),
    # -- logarithms of an infinitesimal
    "log x": (jnp.log, (0.0,), (1.0,), NOTHING, NOTHING),
    "x log x": (lambda x: x * jnp.log(x), (0.0,), (1.0,), NOTHING, DOWN),
    "x² log x": (lambda x: x * x * jnp.log(x), (0.0,), (1.0,), NOTHING, (0, -math.inf)),
    "x³ log x": (lambda x: x**3 * jnp.log(x), (0.0,), (1.0,), NOTHING, (0, 0)),
    "x (log x - log ¼)": (lambda x: x * (jnp.log(x) - jnp.log(0.25)), (0.0,), (1.0,), NOTHING,
                          DOWN),
    "x^x": (lambda x: x**x, (0.0,), (1.0,), NOTHING, DOWN),
    "1/log x": (lambda x: 1 / jnp.log(x), (0.0,), (1.0,), NOTHING, DOWN),
    "x/log x": (lambda x: x / jnp.log(x), (0.0,), (1.0,), NOTHING, (0, -math.inf)),
    "x √(-log x)": (lambda x: x * jnp.sqrt(-jnp.log(x)), (0.0,), (1.0,), NOTHING, UP),
    "exp(1.5 log x)": (lambda x: jnp.exp(1.5 * jnp.log(x)), (0.0,), (1.0,), NOTHING,
                       (0, math.inf)),
    "exp(-log² x)": (lambda x: jnp.exp(-(jnp.log(x) ** 2)), (0.0,), (1.0,), NOTHING, (0, 0)),
    "σ(log x)": (lambda x: jax.nn.sigmoid(jnp.log(x)), (0.0,), (1.0,), NOTHING, (1, -2)),
    "tanh(log x)": (lambda x: jnp.tanh(jnp.log(x)), (0.0,), (1.0,), NOTHING, (0, 4)),
    "erf(log x)": (lambda x: jax.lax.erf(jnp.log(x)), (0.0,), (1.0,), NOTHING, (0, 0)),
    "erf(√(-log x))": (lambda x: jax.lax.erf(jnp.sqrt(-jnp.log(x))), (0.0,), (1.0,), NOTHING,
                       NOTHING),
    "atan(log x)": (lambda x: jnp.arctan(jnp.log(x)), (0.0,), (1.0,), NOTHING, UP),
    "log(-log x)": (lambda x: x * jnp.log(-jnp.log(x)), (0.0,), (1.0,), NOTHING, NOTHING),
    "logsumexp": (lambda x: jax.nn.logsumexp(jnp.stack([jnp.log(x), x])), (0.0,), (1.0,), NOTHING,
                  (2, -3)),
    "xlogy, both": (lambda x: special.xlogy(x, x), (0.0,), (1.0,), NOTHING, DOWN),
    "xlogy, first": (special.xlogy, (0.0, 2.5), (1.0, 0.0), (math.log(2.5), 0),
                     (math.log(2.5), 0)),
    "xlogy, second": (special.xlogy, (0.0, 0.0), (0.0, 1.0), (0, 0), (0, 0)),
    "xlog1py": (lambda x: special.xlog1py(x, x), (0.0,), (1.0,), (0, 2), (0, 2)),
    "entr": (special.entr, (0.0,), (1.0,), NOTHING, UP),
    "rel_entr, first": (special.rel_entr, (0.0, 0.5), (1.0, 0.0), NOTHING, DOWN),
    "rel_entr, second": (special.rel_entr, (0.5, 0.0), (0.0, 1.0), NOTHING, NOTHING),
    "rel_entr, both": (special.rel_entr, (0.0, 0.0), (1.0, 2.0), NOTHING, (-math.log(2), 0)),
    "kl_div": (special.kl_div, (0.0, 0.5), (1.0, 0.0), NOTHING, DOWN),
}  # fmt: skip

VALUES: dict[str, tuple[float, float]] = {  # the limits from the left and from the right
    "x/|x|": (-1, 1),
    "sin x / x": (1, 1),
    "(1 - cos x)/x²": (0.5, 0.5),
    "atan 1/x": (-HALF_PI, HALF_PI),
    "erf 1/x": (-1, 1),
    "x softplus(1/x)": (0, 1),
    "floor": (-1, 0),
    "sign": (-1, 1),
    "1/x": (-math.inf, math.inf),
    "log x": (math.nan, -math.inf),
    "x log x": (math.nan, 0),
    "x^x": (math.nan, 1),
    "x^0.3": (math.nan, 0),
    "1/log x": (math.nan, 0),
    "tanh(log x)": (math.nan, -1),
    "erf(√(-log x))": (math.nan, 1),
    "atan(log x)": (math.nan, -HALF_PI),
    "entr": (-math.inf, 0),
    "kl_div": (math.inf, 0.5),
    "x² sin(1/x)": NOTHING,
}


def _close(found: arb, wanted: float) -> bool:
    if math.isnan(wanted):
        return found.is_nan()
    if math.isinf(wanted):
        return bool(found > 0) == (wanted > 0) and not found.is_finite()
    return bool(abs(found - wanted) < DIGITS)


@functools.cache
def _found(name: str) -> OneSided:
    function, args, direction, _, _ = CASES[name]
    with precision(200):
        return one_sided_derivatives(function, args, direction, order=2)


@pytest.mark.parametrize("name", CASES)
def test_both_sides_at_special_points(name: str) -> None:
    *_, left, right = CASES[name]
    found = _found(name)
    for side, wanted in ((found.left, left), (found.right, right)):
        for k in (1, 2):
            assert _close(side[0][k], wanted[k - 1]), (name, k, side[0][k])


@pytest.mark.parametrize("name", VALUES)
def test_limits_from_both_sides(name: str) -> None:
    for side, wanted in zip((_found(name).left, _found(name).right), VALUES[name], strict=True):
        assert _close(side[0][0], wanted), (name, side[0][0])


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
    assert found.right[0][1] < 0  # log ε
    assert not found.right[0][1].is_finite()


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


def _at(x: Series, epsilon: arb) -> arb:
    logarithm = -epsilon.log()
    terms = zip(x.monomials, x.coefficients, strict=True)
    return sum((c * epsilon ** _ball(a) / logarithm ** _ball(b) for (a, b), c in terms), arb(0))


def _ball(exponent: Any) -> arb:
    return Germ().constant(Fraction(exponent)).at(0)


# Programs whose germ at 0+ has roots and logarithms, and is not 0 or flat.
BESIDE = (
    "root", "x^0.3", "x^2.7", "1/(1 + x^0.3)", "cube root", "1/x", "log x", "x³ log x", "x^x",
    "x (log x - log ¼)", "1/log x", "x/log x", "x √(-log x)", "exp(1.5 log x)", "σ(log x)",
    "tanh(log x)", "atan(log x)", "logsumexp", "entr", "rel_entr, second", "expm1 x / x",
)  # fmt: skip


@pytest.mark.parametrize("name", BESIDE)
def test_a_germ_is_the_function_just_beside_the_point(name: str) -> None:
    """The sum of the terms at ε = 2^-200 against the function there, in balls."""
    function, args, direction, _, _ = CASES[name]
    program = trace(function, args)
    germ, ball, epsilon = Germ(4), Ball(), arb(2) ** -200
    with precision(3000):
        (series,) = interpret(program, germ, [
            objects([germ.line(x, v)], ()) for x, v in zip(args, direction, strict=True)
        ])  # fmt: skip
        (truth,) = interpret(program, ball, [
            objects([arb(x) + epsilon * v], ()) for x, v in zip(args, direction, strict=True)
        ])  # fmt: skip
        series, truth = series[()], truth[()]
        assert series.coefficients
        remainder = abs(truth - _at(series, epsilon))
        if series.end is None:
            assert remainder < arb(2) ** -2000
        else:
            a, b = series.end
            size = epsilon ** _ball(a) / (-epsilon.log()) ** _ball(b)
            assert remainder < size * 2**20  # the first coefficient that is not known


SPECIAL = {"acosh": 2.5, "acos": 0.3, "lgamma": 1.7, "digamma": 1.7, "log": 1.7}


@pytest.mark.parametrize("name", [n for n, f in FUNCTIONS.items() if f.arity == 1 and f.taylor])
def test_taylor_coefficients_enclose_difference_quotients(name: str) -> None:
    """f(c + h) from its germ at c against f's own value, h small enough that six terms do."""
    c, h = SPECIAL.get(name, 0.375), 2.0**-20
    with precision(300):
        series = compose(name, Series([arb(c), arb(1)], terms=6))
        value = sum((series.at(k) * arb(h) ** k for k in range(6)), arb(0))
        (truth,) = FUNCTIONS[name].taylor[0](arb(c) + h, 1)
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


def test_beside_an_infinite_constant_a_function_is_at_its_limit() -> None:
    moved = Series([arb("inf"), arb(1)], terms=3)
    assert (compose("atan", moved).at(0) * 2).overlaps(arb.pi())
    assert compose("atan", moved).at(1) == 0


# Where a function ends, with the direction in which it goes on.
EDGES = {
    "acos": [(1, -1), (-1, 1)], "asin": [(1, -1), (-1, 1)], "acosh": [(1, 1)],
    "sqrt": [(0, 1)], "cbrt": [(0, 1), (0, -1)],
}  # fmt: skip
INSIDE = {
    "acos": 0.25, "asin": -0.5, "acosh": 2.5, "atan": -3.5, "atanh": 0.75, "cbrt": -8.5, "erf": 0.5,
    "erfc": -0.5,
}  # fmt: skip


@pytest.mark.parametrize("terms", [3, 6])
@pytest.mark.parametrize("name", sorted({*EDGES, *INSIDE}))
def test_a_germ_has_the_value_at_its_point(name: str, terms: int) -> None:
    germ, ball = Germ(terms), Ball()
    places = [*EDGES.get(name, ()), *((INSIDE[name], s) for s in (1, -1) if name in INSIDE)]
    for x, slope in places:
        line = germ.line(x, slope)
        found = germ.sqrt(line) if name == "sqrt" else germ.function(name, line)
        expected = arb(x).sqrt() if name == "sqrt" else ball.function(name, arb(x))
        assert found.knows((0, 0)) and found.terms == terms, (x, slope)
        assert abs(found.at(0) - expected) < 1e-14, (x, slope)


@pytest.mark.parametrize("terms", [1, 3, 6])
def test_an_angle_is_that_of_the_point_in_all_quadrants(terms: int) -> None:
    germ, epsilon = Germ(terms), Germ(terms).line(0, 1)
    numbers = {0: epsilon, 1: germ.constant(1), -1: germ.constant(-1)}
    for y, x in ((y, x) for y in numbers for x in numbers if x or y):
        found = germ.function("atan2", numbers[y], numbers[x])
        assert abs(found.at(0) - math.atan2(y, x)) < 1e-14, (y, x)
        assert found.terms == terms
