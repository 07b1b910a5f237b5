"""Germs as numbers: a differential field that is ordered, its matrices and its infinities."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from jaxgrad.gradients.one_sided import one_sided_derivatives
from jaxgrad.numbers.base import objects
from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.series import Series, quotient

_exponents = st.builds(Fraction, st.integers(-3, 6), st.sampled_from((1, 2, 3)))


def _sparse(terms: Any) -> Series:
    """The sum of c ε^a ℓ^(−b)."""
    return sum((Series([arb(c)], [(a, b)]) for a, b, c in terms), Series([]))


def _contains_zero(x: Series) -> bool:
    return x.reason is None and all(c.contains(0) for c in x.coefficients)


def test_a_value_that_may_be_zero_is_open() -> None:
    germ = Germ()
    blurred = Series([arb(0, 1)])
    assert germ.compare("gt", blurred, germ.constant(0)) is None
    assert quotient(germ.constant(1), blurred).reason is not None
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
    product = quotient(Series([arb(1)]), x) * x
    assert product.at(0).contains(1)
    assert all(product.at(k).contains(0) for k in range(1, 5))


@given(
    st.lists(st.tuples(_exponents, _exponents, st.integers(1, 9)), min_size=1, max_size=4),
    st.lists(st.tuples(_exponents, _exponents, st.integers(1, 9)), min_size=1, max_size=4),
)
def test_series_are_a_differential_field(x: Any, y: Any) -> None:
    x, y = _sparse(x), _sparse(y)
    assert _contains_zero((x + y) * x - (x * x + y * x))
    assert _contains_zero(quotient(x * y, y) - x)
    assert _contains_zero((x * y).derivative() - (x.derivative() * y + x * y.derivative()))


@given(st.data())
def test_products_of_matrices_are_those_of_entries(data: st.DataObject) -> None:
    entry = st.builds(
        lambda c, end: Series([arb(n) for n in c], end=end and (end, 0), terms=4),
        st.lists(st.integers(-9, 9), max_size=3),
        st.none() | st.integers(3, 5),
    )
    a, b = (objects(data.draw(st.lists(entry, min_size=6, max_size=6)), s)
            for s in ((2, 3), (3, 2)))  # fmt: skip
    found = Germ(4).matmul(a, b)
    for i, j in np.ndindex(2, 2):
        whole = sum((x * y for x, y in zip(a[i], b[:, j], strict=True)), Series([], terms=4))
        assert found[i, j].knows((2, 0))
        assert _contains_zero(found[i, j] - whole)


def test_an_infinite_entry_of_a_matrix() -> None:
    epsilon, open_end = Series([arb(0), arb(1)]), Series([arb(2)], end=(3, 0))
    infinite = quotient(Series([arb(1)]), epsilon)
    found = Germ().matmul(objects([infinite], (1, 1)), objects([open_end], (1, 1)))[0, 0]
    assert (found.start, found.end) == ((-1, 0), (2, 0))


def test_infinite_constants() -> None:
    """They take in what is added to them, and have the sign of what they are multiplied by."""
    germ = Germ()
    infinity, epsilon = germ.constant(math.inf), germ.line(0, 1)
    pole = germ.divide(germ.constant(1), epsilon)
    for x in (infinity + epsilon, infinity - pole, infinity * epsilon, -infinity * (-pole),
              germ.divide(infinity, epsilon), germ.exp(infinity), germ.log(infinity),
              germ.sqrt(infinity), germ.maximum(infinity, pole),
              germ.function("floor", infinity)):  # fmt: skip
        assert x.infinity == 1
    for x in (germ.divide(pole, infinity), germ.exp(-infinity), germ.logistic(-infinity)):
        assert x.is_zero
    assert germ.tanh(-infinity).at(0) == -1
    zero, nan = germ.constant(0), germ.constant(math.nan)
    for x in (infinity - infinity, infinity * zero, germ.divide(infinity, infinity),
              germ.divide(infinity, zero), infinity * nan,
              germ.select(None, infinity, epsilon)):  # fmt: skip
        assert x.reason is not None
    found = one_sided_derivatives(lambda x: x * jnp.inf, (0.0,), (1.0,))
    assert found.right[0][0] > 0
    assert found.right[0][1].is_nan()


def test_a_series_is_no_truth_value() -> None:
    with pytest.raises(TypeError, match="a number where a truth value is wanted"):
        bool(Series([arb(1)]))


@pytest.mark.parametrize("name", ["floor", "ceil"])
def test_a_step_has_as_many_terms_as_what_it_is_taken_of(name: str) -> None:
    for terms in (1, 3, 5):
        germ = Germ(terms)
        x = germ.constant(0.25) + germ.constant(0.5)
        assert germ.apply(name, x).terms == x.terms == germ.terms
