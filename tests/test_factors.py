"""Factors of polynomials: their product is the polynomial, and each is factored once."""

from __future__ import annotations

import math
from typing import Any

import pytest
from flint import fmpq_mpoly
from hypothesis import given
from hypothesis import strategies as st

from jaxgrad.numbers import factors as module
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.factors import factors, primes, square_part
from jaxgrad.numbers.ring import Ring
from jaxgrad.numbers.sizes import LONGEST_FACTORED, MOST_BITS_FACTORED

_coefficients = st.lists(st.integers(-3, 3), min_size=3, max_size=3).filter(any)


def _polynomial(ring: Ring, coefficients: list[int]) -> fmpq_mpoly:
    x, y = (ring.generator("input", (), name).poly for name in "xy")
    a, b, c = coefficients
    return a * x + b * y + c * x * y


@given(st.lists(_coefficients, min_size=1, max_size=3))
def test_the_product_of_the_factors_is_the_polynomial(rows: list[list[int]]) -> None:
    ring = Ring(8, 1000)
    poly = math.prod((_polynomial(ring, row) for row in rows), start=ring.one)
    for _ in range(2):  # the second time it is remembered
        constant, found = factors(ring, poly)
        assert math.prod((u**n for u, n in found), start=ring.one) * constant == poly
        assert all(u.leading_coefficient() > 0 for u, _ in found)


def test_a_polynomial_is_factored_once(monkeypatch: Any) -> None:
    ring, calls = Ring(8, 1000), []
    inner = module._factors
    monkeypatch.setattr(module, "_factors", lambda *args: calls.append(args) or inner(*args))
    for coefficients in ([1, 2, 0], [1, 2, 0], [1, 2, 3], [2, 1, 3], [1, 2, 3]):
        _, ((factor, exponent),) = factors(ring, _polynomial(ring, coefficients))
        assert factor == _polynomial(ring, coefficients), coefficients
        assert exponent == 1
    assert len(calls) == 3


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("free", [1, 2, 15, 2 * 3 * 7])
@pytest.mark.parametrize("square", [1, 2, 3, 4, 12])
def test_an_integer_is_a_square_times_what_is_free_of_squares(
    sign: int, free: int, square: int
) -> None:
    assert square_part(sign * square**2 * free) == (square, sign * free)


def test_integers_of_just_the_bits_that_are_factored() -> None:
    n = 3**60
    assert n.bit_length() == MOST_BITS_FACTORED
    assert primes(n) == [(3, 60)] and primes(n << 7) == [(2, 7), (3, 60)]
    with pytest.raises(CannotDecide, match="bits to factor"):
        primes(3 * n)


def test_a_long_polynomial_is_its_only_factor() -> None:
    ring = Ring(8, 1000)
    x, y = (ring.generator("input", (), name).poly for name in "xy")
    long = sum((x**k * (k + 1) for k in range(LONGEST_FACTORED + 1)), ring.zero)
    assert factors(ring, -2 * y * long) == (-2, ((y * long, 1),))
    assert len(factors(ring, y * (x + 1))[1]) == 2
