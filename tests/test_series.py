"""Series alone: what is kept of one, and where it is known to."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.series import TERMS_PER_POWER, Series
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
