"""Series alone: what is kept of one, and where it is known to."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.series import TERMS_PER_POWER, Series, quotient, raised, times, unknown
from jaxgrad.numbers.special_series import SERIES

_powers = st.builds(Fraction, st.integers(-3, 40), st.sampled_from((1, 2, 7)))
_monomials = st.lists(st.tuples(_powers, st.integers(-1, 1)), min_size=1, max_size=40, unique=True)


@given(_monomials.map(sorted), st.none() | st.tuples(_powers, st.just(0)), st.integers(1, 3))
def test_what_is_left_out_is_not_before_the_end(monomials, end, terms) -> None:
    _require_ends(monomials, end, terms)


def _require_ends(monomials, end, terms) -> None:
    series = Series([arb(k + 1) for k in range(len(monomials))], monomials, end, terms)
    count = len(series.monomials)
    assert series.monomials == tuple(monomials[:count])
    assert count <= max(1, TERMS_PER_POWER * terms)
    if count > 1:
        assert series.monomials[-1] < (monomials[0][0] + terms, monomials[0][1])
    left_out = monomials[count:]
    if left_out:
        assert series.end is not None and series.end <= left_out[0]
    if series.end is not None:
        assert all(m < series.end for m in series.monomials)
    if end is not None:
        assert series.end is not None and series.end <= end
    elif not left_out:
        assert series.end is None


@pytest.mark.parametrize("end", [None, (0, 0), (1, 0), (2, 0), (3, 0), (4, 0)])
@pytest.mark.parametrize("terms", [1, 2, 3, 4])
def test_the_end_itself_is_left_out(end, terms: int) -> None:
    _require_ends([(0, 0), (1, 0), (2, 0), (3, 0)], end, terms)


@pytest.mark.parametrize("end", [None, (2, 0), (Fraction(1, 100), 0)])
def test_a_series_of_very_many_terms_ends_where_the_first_is_dropped(end) -> None:
    monomials = [(Fraction(k, 40), 0) for k in range(40)]
    _require_ends(monomials, end, 1)
    series = Series([arb(1)] * 40, monomials, end, 1)
    assert series.end == min(end or (2, 0), monomials[TERMS_PER_POWER])


@pytest.mark.parametrize("terms", [1, 3, 6, 9])
def test_a_germ_keeps_as_many_powers_as_were_asked_for(terms: int) -> None:
    germ = Germ(terms)
    epsilon = germ.line(0, 1)
    one = germ.constant(1)
    found = {
        "line": epsilon,
        "constant": one,
        "NaN": germ.constant(float("nan")),
        "sum": epsilon + one,
        "exp": germ.exp(epsilon),
        "quotient": germ.divide(one, one - epsilon),
        "sine": germ.function("sin", epsilon),
    }
    assert {name: x.terms for name, x in found.items()} == dict.fromkeys(found, terms)
    geometric = found["quotient"]
    assert [float(geometric.at(k)) for k in range(terms)] == [1.0] * terms
    assert geometric.end is not None and geometric.end <= (terms + 1, 0)


@pytest.mark.parametrize("name, sign", [("igamma", 1), ("igammac", -1)])
@pytest.mark.parametrize("step", [Fraction(1, 8), Fraction(1, 3), Fraction(1)])
def test_an_incomplete_gamma_function_is_known_as_far_as_it_is_computed(
    name: str, sign: int, step: Fraction
) -> None:
    """Of P(2, 1 + h) = P(2, 1) + (h − h³/6 + h⁴/12 − h⁵/40 + …)/e the term in h² is exactly 0."""
    order = Series([arb(2)], terms=1)
    x = Series([arb(1), arb(1)], [(0, 0), (step, 0)], terms=1)
    found = SERIES[name](order, x)
    truth = [None, 1, 0, Fraction(-1, 6), Fraction(1, 12), Fraction(-1, 40), Fraction(1, 180)]
    for k, value in enumerate(truth):
        if value is not None and found.knows((k * step, 0)):
            expected = arb(-1).exp() * arb(value.numerator) / value.denominator * sign
            coefficients = dict(zip(found.monomials, found.coefficients, strict=True))
            assert coefficients.get((k * step, 0), arb(0)).overlaps(expected), k
    assert found.knows((0, 0)) and not found.knows((6 * step, 0))


# An end that may be anywhere, before and after what division leaves out by itself.
ENDS = (None, 1, 2, 3, Fraction(7, 2), 5)
DIVISORS = {
    "1 − ε²": ([1, -1], [0, 2]),
    "2 + 3ε": ([2, 3], [0, 1]),
    "ε − ε⁴": ([1, -1], [1, 4]),
    "1 + √ε/8": ([1, 0.125], [0, Fraction(1, 2)]),
}


def _series(coefficients: Sequence[float], powers: Sequence[Any], end: Any, terms: int) -> Series:
    balls = [arb(c) for c in coefficients]
    return Series(balls, [(a, 0) for a in powers], None if end is None else (end, 0), terms)


@pytest.mark.parametrize("name", DIVISORS)
@pytest.mark.parametrize("terms", [1, 3, 6])
def test_a_quotient_is_known_no_further_than_what_it_is_of(name: str, terms: int) -> None:
    """Whatever stands past the ends of both changes nothing that is known of the quotient."""
    coefficients, powers = DIVISORS[name]
    for x_end in ENDS:
        for y_end in (None if end is None else end + powers[0] for end in ENDS):
            found = quotient(
                _series([1], [0], x_end, terms), _series(coefficients, powers, y_end, terms)
            )
            x = dict([(0, 1.0)] + ([(x_end, 5.0)] if x_end else []))
            y = {a: c for c, a in zip(coefficients, powers, strict=True) if not y_end or a < y_end}
            y |= {y_end: 7.0} if y_end else {}
            full = quotient(
                _series(list(x.values()), list(x), None, 12),
                _series([y[a] for a in sorted(y)], sorted(y), None, 12),
            )
            for m in {*found.monomials, *full.monomials}:
                if found.knows(m) and full.knows(m):
                    assert found.coefficient(m).overlaps(full.coefficient(m)), (x_end, y_end, m)


OPERATIONS: dict[str, Callable[[Series, Series], Series]] = {
    "sum": operator.add, "difference": operator.sub, "product": operator.mul, "quotient": quotient,
}  # fmt: skip


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("known", [0, 1, math.inf])
def test_the_reason_why_nothing_is_known_is_kept(name: str, known: float) -> None:
    operation, number = OPERATIONS[name], Series([arb(known)])
    first, second = unknown("the first", 6), unknown("the second", 6)
    assert operation(first, number).reason == "the first"
    assert operation(number, second).reason == "the second"
    assert operation(first, second).reason == "the first"


@pytest.mark.parametrize("end", [None, (0, 0), (2, 0)])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_product_with_0_is_0_however_little_is_known_of_the_other(count: int, end) -> None:
    other, zero = Series([arb(2), arb(3)][:count], end=end), Series(())
    assert (other * zero).is_zero and (zero * other).is_zero
    assert quotient(zero, Series([arb(2), arb(3)], end=(2, 0))).is_zero


def test_a_quotient_that_is_a_number_of_few_bits_is_exact() -> None:
    """3·(1/6) would be a ball around 1/2, and on which side of that 3/(6 + ε) is would be open."""
    germ = Germ()
    half = germ.divide(germ.constant(3), germ.line(6, 1))
    assert half.at(0) == arb(1) / 2
    assert germ.compare("lt", half, germ.constant(Fraction(1, 2))) is True
    assert germ.divide(germ.line(3, 6), germ.line(6, 1)).at(1).contains(arb(11) / 12)


def test_the_order_by_leading_terms_is_the_sign_of_the_difference() -> None:
    """It says nothing where the leading terms do not tell."""
    some = [arb(k) for k in (-1, 0, 1, 2)] + [arb(1, 0.5), arb(2, 3), arb.pos_inf(), arb.nan()]
    numbers = [Series([a, b], end=end) for a in some for b in some[:3] for end in (None, (2, 0))]
    numbers += [Series([arb(1)], [(1, 0)]), Series([], [], (0, 0)), unknown("nothing", 6)]
    told = 0
    for x in numbers:
        for y in numbers:
            order = x.order(y)
            assert order in (0, (x - y).sign())
            told += bool(order)
    assert told


def test_whole_exponents_are_integers() -> None:
    half = raised((1, 0), Fraction(1, 2))
    assert half == (Fraction(1, 2), 0) and isinstance(half[1], int)
    assert all(isinstance(a, int) for a in (*times(half, half), *raised(half, 2)))
