"""Balls: every result holds the true number, and every certain comparison is true."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import flint
import numpy as np
import pytest
from flint import acb, arb
from hypothesis import assume, example, given
from hypothesis import strategies as st

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.numbers.ball import Ball, exact_ball, relative_bits
from jaxgrad.numbers.precision import precision
from jaxgrad.numbers.series import Series
from jaxgrad.numbers.taylor import compose

finite = st.floats(allow_nan=False, allow_infinity=False)
moderate = st.floats(-30, 30)
RELATIONS = {
    "lt": float.__lt__, "le": float.__le__, "gt": float.__gt__, "ge": float.__ge__,
    "eq": float.__eq__, "ne": float.__ne__,
}  # fmt: skip


@given(value=finite)
def test_floats_are_exact(value: float) -> None:
    ball = exact_ball(value)
    assert ball.is_exact() and float(ball) == value
    assert Ball().exact_value(ball) == Fraction(value)


@given(value=st.integers(-(2**300), 2**300))
def test_integers_are_exact_at_any_precision(value: int) -> None:
    with precision(20):
        assert Ball().exact_value(exact_ball(value)) == value


def test_a_product_of_sixteen_floats_is_known_and_a_smaller_one_is_not() -> None:
    smallest, most = 5e-324, 16 * (1074 + 53)
    with precision(100):
        for sign in (1, -1):
            product = exact_ball(sign * smallest) ** 15 * exact_ball(0.1)
            expected = Fraction(sign * smallest) ** 15 * Fraction(0.1)
            assert Ball().exact_value(product) == expected
            power = arb(2) ** (sign * most)
            assert Ball().exact_value(power) == Fraction(2) ** (sign * most)
            assert Ball().exact_value(power * arb(2) ** sign) is None


@given(value=st.fractions())
def test_fractions_are_enclosed(value: Fraction) -> None:
    assert (exact_ball(value) * value.denominator).contains(arb(value.numerator))


def test_precision_is_restored_after_an_error() -> None:
    before = flint.ctx.prec
    with pytest.raises(ZeroDivisionError), precision(77):
        assert flint.ctx.prec == 77
        raise ZeroDivisionError
    assert flint.ctx.prec == before


# -- comparisons ---------------------------------------------------------------------------------
@given(x=finite, y=finite, relation=st.sampled_from(sorted(RELATIONS)))
def test_exact_balls_are_compared_as_numbers(x: float, y: float, relation: str) -> None:
    assert Ball().compare(relation, exact_ball(x), exact_ball(y)) is RELATIONS[relation](x, y)


@given(
    x=moderate, y=moderate, radius=st.floats(0, 4), relation=st.sampled_from(sorted(RELATIONS)),
    places=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
)  # fmt: skip
def test_a_certain_comparison_holds_for_every_pair(
    x: float, y: float, radius: float, relation: str, places: tuple[float, float]
) -> None:
    known = Ball().compare(relation, arb(x, radius), arb(y, radius))
    a, b = (v + radius * place for v, place in zip((x, y), places, strict=True))
    if known is not None and arb(x, radius).contains(arb(a)) and arb(y, radius).contains(arb(b)):
        assert known is RELATIONS[relation](a, b)


@pytest.mark.parametrize("relation", sorted(RELATIONS))
def test_a_number_is_itself_however_wide_its_ball(relation: str) -> None:
    ball = arb(0, 1)
    assert Ball().compare(relation, ball, ball) is (relation in ("eq", "le", "ge"))
    assert Ball().compare(relation, ball, arb(0, 1)) is None
    assert Ball().compare(relation, arb.nan(), arb.nan()) is None


def test_the_larger_of_two_balls_is_that_very_ball() -> None:
    """Derivative rules ask whether an argument equals the maximum, which is certain of one ball."""
    low, high = arb(1, 0.25), arb(3, 0.25)
    for first, second in ((low, high), (high, low)):
        assert Ball().maximum(first, second) is high
        assert Ball().minimum(first, second) is low
    open_ = Ball().maximum(arb(1, 1), arb(1.5, 1))
    assert open_.contains(arb(0.5)) and open_.contains(arb(2.5))


def test_three_valued_logic() -> None:
    system = Ball()
    for p in (True, False, None):
        for q in (True, False, None):
            values = [
                (a and b, a or b)
                for a in ([p] if p is not None else [True, False])
                for b in ([q] if q is not None else [True, False])
            ]
            for k, result in enumerate((system.logical_and(p, q), system.logical_or(p, q))):
                possible = {value[k] for value in values}
                assert result is (possible.pop() if len(possible) == 1 else None)


@given(x=moderate, y=moderate)
def test_an_open_selection_holds_both_branches(x: float, y: float) -> None:
    chosen = Ball().select(None, arb(x), arb(y))
    assert chosen.contains(arb(x)) and chosen.contains(arb(y))
    assert Ball().select(True, arb(x), arb(y)) == arb(y)
    assert Ball().select(None, True, True) is True
    assert Ball().select(None, True, False) is None


def test_what_is_infinite_is_not_finite() -> None:
    system = Ball()
    assert system.is_finite(arb(1)) is True
    assert system.is_finite(arb(math.inf)) is False
    assert system.is_finite(arb(0, math.inf)) is None
    assert system.is_finite(arb.nan()) is None
    assert system.exact_value(arb(math.inf)) is None
    assert system.exact_value(arb(1, 0.5)) is None


# -- functions, against other formulas -----------------------------------------------------------
def _identities(x: arb, y: arb) -> dict[str, tuple[Any, Any]]:
    """name -> (the function, another formula for it), at −30 < x < 30 and 0 < y < 30."""
    system = Ball()
    e = x.exp()

    def f(name: str, *args: arb) -> Any:
        return system.function(name, *args)

    return {
        "logistic": (system.logistic(x), e / (1 + e)),
        "tanh": (system.tanh(x), (e - 1 / e) / (e + 1 / e)),
        "expm1": (system.expm1(x), e - 1),
        "log1p": (system.log1p(y), (1 + y).log()),
        "sqrt": (system.sqrt(y) ** 2, y),
        "sinh": (f("sinh", x), (e - 1 / e) / 2),
        "cosh": (f("cosh", x), (e + 1 / e) / 2),
        "tan": (f("tan", x), f("sin", x) / f("cos", x)),
        "sin": (f("sin", x), acb(0, x).exp().imag),
        "cos": (f("cos", x), acb(0, x).exp().real),
        "asin": (f("sin", f("asin", x / 31)), x / 31),
        "acos": (f("cos", f("acos", x / 31)), x / 31),
        "atan": (f("tan", f("atan", x)), x),
        "atan2": (f("atan2", x, -y), acb(-y, x).arg()),
        "asinh": (f("asinh", x), (x + (x * x + 1).sqrt()).log()),
        "acosh": (f("acosh", 1 + y), (1 + y + ((1 + y) ** 2 - 1).sqrt()).log()),
        "atanh": (f("atanh", x / 31), ((31 + x) / (31 - x)).log() / 2),
        "erf": (f("erf", x), 1 - f("erfc", x)),
        "erfc": (f("erfc", x), acb(x).erfc().real),
        "erf_inv": (f("erf", f("erf_inv", x / 31)), x / 31),
        "lgamma": (f("lgamma", y + 1), f("lgamma", y) + y.log()),
        "digamma": (f("digamma", y + 1), f("digamma", y) + 1 / y),
        "cbrt": (f("cbrt", x) ** 3, x),
        "pow": (f("pow", y, x), (x * y.log()).exp()),
        "rem": (f("rem", x, arb(2)), x - 2 * (f("floor", x / 2) if x >= 0 else f("ceil", x / 2))),
        "floor": (f("floor", x), -f("ceil", -x)),
        "ceil": (f("ceil", x), -f("floor", -x)),
        "round_half_even": (f("round_half_even", x), arb(round(float(x)))),
        "round_half_away": (
            f("round_half_away", x), arb(math.copysign(math.floor(abs(float(x)) + 0.5), float(x)))
        ),
    }  # fmt: skip


NAMES = sorted(_identities(arb(1), arb(1)))


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_functions_satisfy_their_identities(name: str, data: st.DataObject) -> None:
    quarters = st.integers(-119, 119).map(lambda n: n / 4)
    x, y = data.draw(quarters), data.draw(quarters.map(abs).filter(bool))
    with precision(100):
        left, right = _identities(arb(x), arb(y))[name]
        assume(right.is_finite() and left.is_finite())
        assert left.overlaps(right)


def test_every_function_is_finite_where_it_is_defined() -> None:
    for name, (left, right) in _identities(arb(0.75), arb(1.25)).items():
        assert left.is_finite() and right.is_finite(), name


@pytest.mark.parametrize("nan", [arb("nan"), arb("inf") - arb("inf")], ids=["wide", "exact"])
@pytest.mark.parametrize("name", [*NAMES, "absolute", "maximum", "minimum", "sign"])
def test_no_function_of_nan_is_a_number(name: str, nan: arb) -> None:
    """Arb has an interval for the angle of two NaNs, and −π/2 for asin of one without a radius."""
    system = Ball()
    function = getattr(system, name, None) or (lambda *xs: system.function(name, *xs))
    if name not in ("atan2", "maximum", "minimum", "pow", "rem"):
        assert not function(nan).is_finite()
        return
    for pair in ((nan, nan), (nan, arb(2)), (arb(2), nan)):
        assert not function(*pair).is_finite()


def test_the_sine_of_an_infinity_is_no_number() -> None:
    for name in ("sin", "cos"):
        assert not Ball().function(name, arb("-inf")).is_finite()
        assert Ball().function(name, arb(0, "inf")).contains(1)  # any real number
        assert compose(name, Series([arb("inf")])).reason is not None


def test_the_logarithm_of_gamma_is_that_of_its_absolute_value() -> None:
    assert Ball().function("lgamma", arb(-1.5)).overlaps(arb(math.lgamma(-1.5), 1e-12))


def test_powers_at_zero() -> None:
    system = Ball()
    assert system.power(arb(0), 0) == 1
    assert system.function("pow", arb(0), arb(2.5)) == 0
    assert system.function("pow", arb(-2), arb(3)) == -8
    assert not system.power(arb(0), -1).is_finite()


@pytest.mark.parametrize("n", range(-2, 6))
@pytest.mark.parametrize("radius", [0.0, 0.25, 1.0, 3.0])
@pytest.mark.parametrize("middle", [0.0, 2.0**-60, -0.5, 2.0])
def test_powers_enclose_every_power_and_little_more(middle: float, radius: float, n: int) -> None:
    """Of a ball around 0 itself as well: a difference of equal floats is one."""
    system, x = Ball(), arb(middle, radius)
    low, high = middle - radius, middle + radius
    for found in (system.power(x, n), system.function("pow", x, arb(n))):
        if n < 0 and low <= 0 <= high:
            assert not found.is_finite()
            continue
        assert found.is_finite()
        for inside in (low, middle, high):
            assert found.contains(arb(inside) ** n)
        largest = max((abs(arb(end) ** n) for end in (low, high)), key=float)
        assert found.abs_upper() <= largest * 1.001


@given(x=moderate, radius=st.floats(0, 3), place=st.floats(-1, 1))
@example(x=-0.5, radius=7e-243, place=0.0)  # narrower than the precision at a half
def test_stepwise_functions_enclose_every_value_of_a_wide_ball(
    x: float, radius: float, place: float
) -> None:
    inside, ball = arb(x + radius * place), arb(x, radius)
    assume(ball.contains(inside))
    system = Ball()
    for name in ("floor", "ceil", "round_half_even", "round_half_away", "cbrt"):
        assert system.function(name, ball).overlaps(system.function(name, inside)), name
    assert system.function("rem", ball, arb(1.5)).overlaps(system.function("rem", inside, arb(1.5)))
    assert system.sign(ball).overlaps(system.sign(inside))
    assert system.maximum(ball, arb(0)).overlaps(system.maximum(inside, arb(0)))


def test_an_unknown_function_says_what_to_add() -> None:
    with pytest.raises(UnsupportedPrimitive, match="bessel is not known over the ball numbers"):
        Ball().function("bessel", arb(1))


@given(n=st.integers(0, 3), k=st.integers(0, 3), m=st.integers(0, 3))
def test_matrix_products_are_exact_on_small_integers(n: int, k: int, m: int) -> None:
    a = np.arange(n * k).reshape(n, k) - 2
    b = np.arange(k * m).reshape(k, m) - 1
    product = Ball().matmul(*(Ball().constants(matrix) for matrix in (a, b)))
    assert product.shape == (n, m)
    assert all(x == int(y) for x, y in zip(product.flat, (a @ b).flat, strict=True))


def test_relative_bits() -> None:
    assert relative_bits(arb(0), arb(1)) == math.inf
    assert relative_bits(arb(2) ** -10, arb(1)) == pytest.approx(10)
    assert relative_bits(arb(1), arb(0, 1)) == -math.inf
