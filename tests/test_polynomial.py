"""Polynomials as numbers: constants, powers, budgets, conditions, signs and infinities."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from jaxgrad.numbers.base import CannotDecide, exact
from jaxgrad.numbers.canonical_signs import MOST_CASES, signs
from jaxgrad.numbers.nonfinite import NonFinite, apply_nonfinite
from jaxgrad.numbers.polynomial import Polynomial, _significand
from jaxgrad.numbers.ring import READING, STEP, Ring, RingFull
from jaxgrad.numbers.sizes import LARGEST_DEGREE
from jaxgrad.numbers.valuation import Valuation


def _system() -> tuple[Polynomial, Any, Any]:
    system = Polynomial(Ring(32, 1000))
    return system, system.variable("x"), system.variable("y")


@given(n=st.integers(-(2**70), 2**70))
def test_integers_are_exact_constants(n: int) -> None:
    system, x, _ = _system()
    assert system.exact_value(x + n - x) == n


def test_numpy_integers_are_exact_constants() -> None:
    system, x, _ = _system()
    assert system.exact_value(x + np.int64(2**60 + 1) - x) == 2**60 + 1


@pytest.mark.parametrize("number", [float("nan"), float("inf"), np.float32("-inf")])
def test_what_is_no_real_number_is_no_constant(number: Any) -> None:
    with pytest.raises(CannotDecide, match="is not a real number"):
        exact(number)


def test_powers_of_constant_exponent() -> None:
    _, x, _ = _system()
    assert (x**2).poly == (x * x).poly
    assert (x**2.0).poly == (x * x).poly
    assert ((x**0.5) * (x**0.5)).poly == x.poly
    assert (x**-1 * x).poly.is_one()
    assert (x**0.25).poly != x.poly


def test_work_counts_the_steps_of_python_and_what_is_read() -> None:
    system, x, y = _system()
    ring = system.ring
    before = ring.work
    _ = x * y
    assert ring.work - before >= STEP  # however short
    before = ring.work
    ring.split((x + y).poly, ring.generators[0])
    assert ring.work - before == READING * 3 * ring.capacity + STEP
    before = ring.work
    ring.product(x.poly, y.poly)
    assert ring.work - before == STEP // 4


def test_a_full_field_says_so() -> None:
    system = Polynomial(Ring(1, 1000))
    x = system.variable("x")
    with pytest.raises(RingFull):
        system.exp(x)


def test_a_polynomial_past_its_budget_stops() -> None:
    system = Polynomial(Ring(4, 3))
    x, y = system.variable("x"), system.variable("y")
    with pytest.raises(CannotDecide, match="budget of 3 terms"):
        system.power(x + y, 4)


@pytest.mark.parametrize("function", ["divide", "log", "sqrt"])
def test_what_is_undefined_everywhere_is_refused(function: str) -> None:
    system, x, _ = _system()
    with pytest.raises(CannotDecide):
        if function == "divide":
            system.divide(x, x - x)
        elif function == "log":
            system.log(x - x)
        else:
            system.sqrt(x - x - 1)


def test_conditions_are_recorded() -> None:
    system, x, y = _system()
    system.divide(x, y + 1)
    system.log(x)
    system.divide(y, y + 1)
    found = [(c.name, [str(u) for u in c.arguments]) for c in system.ring.conditions]
    assert found == [("divide", [str((y + 1).poly)]), ("log", [str(x.poly)])]
    one = system.constant(1)
    system.divide(x, one + system.exp(y))
    system.divide(x, -one - x * x)
    system.sqrt(one + x * x)
    assert len(system.ring.conditions) == 2


def test_sums_of_squares_are_positive_if_one_term_is() -> None:
    system, x, y = _system()
    ring, one = system.ring, system.constant(1)
    sign, root = system.compare("gt", x, y), system.sqrt(y)
    for positive in (one, one + x * x, system.exp(x) + x * x * y * y, one + root * system.exp(y),
                     one + sign, system.logistic(x) + y * y, system.function("cosh", x),
                     system.function("erfc", x) + y * y):  # fmt: skip
        assert ring.is_positive(positive.poly), positive
        assert not ring.is_positive((-positive).poly), positive
    for doubtful in (x, x * x, one + x, one - x * x, one + x * y, root, sign, x * x + y * y,
                     one + x * x * y, one + system.log(x)):  # fmt: skip
        assert not ring.is_positive(doubtful.poly), doubtful


def test_what_a_generator_takes_for_positive_is_its_own() -> None:
    """log x has a value for x > 0, whatever other logarithms say of other numbers."""
    system, x, y = _system()
    ring, one = system.ring, system.constant(1)
    logarithms = {"x": system.log(x), "y": system.log(y)}
    numbers = {"x": x, "y": y}
    below = system.exp(logarithms["x"] * logarithms["x"])
    system.log(y * y + one)  # the last generator takes nothing for positive
    for name, logarithm in logarithms.items():
        square = logarithm * logarithm
        for other, number in numbers.items():
            assert ring.is_positive((number + square).poly) == (name == other)
    assert ring.is_positive((x + below).poly) and not ring.is_positive((y + below).poly)


def test_terms_of_an_exponent_are_read_and_counted() -> None:
    system, x, y = _system()
    exponent = system.log(x + y) + x + y
    before = system.ring.work
    system._exponent_parts(exponent)
    once = READING * (len(exponent.poly) + 1) * system.ring.capacity
    assert system.ring.work - before >= once + STEP


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(-80, 80), st.sampled_from([1, -1]))
def test_a_number_is_a_significand_times_a_power_of_two(a: int, b: int, k: int, sign: int) -> None:
    number = sign * Fraction(a, b) * Fraction(2) ** k
    significand, power = _significand(number)
    assert significand * abs(power) == abs(number) and (power > 0) == (number > 0)
    numerator, denominator = abs(power).numerator, abs(power).denominator
    assert numerator & (numerator - 1) == 0 == denominator & (denominator - 1)
    assert numerator <= LARGEST_DEGREE
    if numerator > 1 or denominator > 1:
        assert Fraction(1, 2) < significand < 2
    # Twice the number has the same significand, unless its power would be large.
    if numerator < LARGEST_DEGREE / 2 and (numerator > 1 or denominator > 1):
        assert _significand(2 * number) == (significand, 2 * power)


@pytest.mark.parametrize("k", [-1000, -80, -8, -1, 0, 1, 5, 6, 7, 80])
def test_a_power_of_two_is_taken_out_unless_it_is_large(k: int) -> None:
    number = Fraction(2) ** k
    expected = (1, number) if number <= LARGEST_DEGREE else (number, 1)
    assert _significand(number) == expected
    assert _significand(-number) == (expected[0], -expected[1])


def test_infinities() -> None:
    system, x, _ = _system()
    infinity, nan = system.constant(np.inf), system.constant(np.nan)
    assert repr(system.largest([x, infinity])) == "NonFinite(inf)"
    assert repr(system.largest([infinity, nan, x])) == "NonFinite(nan)"
    assert system.largest([x, -infinity]) is x
    assert isinstance(system.largest([]), NonFinite)
    assert system.maximum(x, -infinity) is x and system.maximum(-infinity, x) is x
    assert repr(system.maximum(x, infinity)) == "NonFinite(inf)"
    assert repr(system.minimum(nan, x)) == "NonFinite(nan)"
    assert system.minimum(infinity, x).poly == x.poly
    with pytest.raises(CannotDecide, match=r"`atan2` at a real number, inf$"):
        apply_nonfinite(system, "atan2", (x, infinity))
    with pytest.raises(CannotDecide):
        _ = infinity * x


def test_a_generator_of_one_meaning_is_made_once() -> None:
    system, x, y = _system()
    first = system.logistic(x * 3 + y)
    count = len(system.ring.generators)
    again = system.logistic(y + x * 3)
    assert first.poly == again.poly and len(system.ring.generators) == count


@pytest.mark.parametrize(
    ("meaning", "argument", "least", "most"),
    [
        ("zero", arb(0), 1, 1), ("zero", arb(2), 0, 0), ("zero", arb(0, 1), 0, 1),
        ("positive", arb(0), 0, 0), ("positive", arb(2), 1, 1), ("positive", arb(-2), 0, 0),
        ("positive", arb(0, 1), 0, 1), ("positive", arb(1, 1), 0, 1),
        ("finite", arb(2), 1, 1), ("finite", arb(0, 1), 1, 1), ("finite", arb.nan(), 0, 1),
    ],
)  # fmt: skip
def test_an_indicator_of_what_is_not_known_may_be_either(
    meaning: str, argument: arb, least: int, most: int
) -> None:
    ring = Ring(8, 100)
    u = ring.generator("input", (), "u").poly
    indicator = ring.generator(meaning, (u,)).poly
    value = Valuation(ring, {"u": argument})(indicator)
    assert value.contains(least) and value.contains(most)
    assert least < most or value.is_exact()


@pytest.mark.parametrize("count", [MOST_CASES, MOST_CASES + 1])
def test_signs_are_split_by_case_up_to_so_many_indicators(count: int) -> None:
    ring = Ring(64, 1000)
    inputs = [ring.generator("input", (), k).poly for k in range(count)]
    cases = [ring.generator("positive", (x,)) for x in inputs]
    made = len(ring.generators)
    signs(ring, ring.sum([case.poly for case in cases]) * 2 - 1)
    nested = [g for g in ring.generators[made:] if ring.used(g.arguments[0])]
    assert len(nested) == (0 if count <= MOST_CASES else 2)
