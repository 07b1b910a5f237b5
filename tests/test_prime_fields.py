"""Arithmetic modulo random primes, against Python's integers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from flint import fmpz
from hypothesis import given
from hypothesis import strategies as st

from jaxgrad.errors import CannotDecide
from jaxgrad.numbers import prime_fields
from jaxgrad.numbers.prime_fields import BITS, PRIMES, PrimeFields, keys

FIELDS = PrimeFields(3)
# The ends of the range, where a quotient is furthest off, and what is between.
NUMBERS = st.one_of(st.integers(0, 3), st.integers(2**BITS - 3, 2**BITS), st.integers(-3, -1),
                    st.integers(0, 2**BITS))  # fmt: skip
LISTS = st.lists(NUMBERS, min_size=4, max_size=4)


def _exact(x: np.ndarray) -> list[list[int]]:
    return [[int(v) for v in row] for row in x.reshape(len(x), -1)]


def _each(f: object, *xs: np.ndarray) -> list[list[int]]:
    rows = zip(FIELDS.primes, *map(_exact, xs), strict=True)
    return [[f(*each) % p for each in zip(*parts, strict=True)] for p, *parts in rows]  # pyright: ignore


@given(LISTS, LISTS)
def test_arithmetic_is_that_of_integers(a: list[int], b: list[int]) -> None:
    x, y = FIELDS.of_integers(a), FIELDS.of_integers(b)
    assert _exact(FIELDS.add(x, y)) == _each(lambda s, t: s + t, x, y)
    assert _exact(FIELDS.subtract(x, y)) == _each(lambda s, t: s - t, x, y)
    assert _exact(FIELDS.multiply(x, y)) == _each(lambda s, t: s * t, x, y)
    assert _exact(FIELDS.negate(x)) == _each(lambda s: -s, x)
    assert _exact(FIELDS.power(x, 5)) == _each(lambda s: s**5, x)


@given(LISTS)
def test_inverses(a: list[int]) -> None:
    x = FIELDS.of_integers(a)
    if (x == 0).any():
        with pytest.raises(CannotDecide, match="division by 0 modulo a prime"):
            FIELDS.inverse(x)
    else:
        assert _exact(FIELDS.multiply(x, FIELDS.inverse(x))) == [[1] * 4] * 3


@pytest.mark.parametrize("size", [0, 1, 5, 4096, 4097, 20_000])
def test_sums_of_the_largest_remainders(size: int) -> None:
    largest = FIELDS.of_integers([-1] * size)
    assert FIELDS.total(largest).tolist() == [-size % p for p in FIELDS.primes]


@pytest.mark.parametrize("length", [1, 2, 7, 2**16 + 3])
def test_products_of_matrices(length: int) -> None:
    a = FIELDS.drawn(2 * length).reshape(3, 1, 2, length)
    b = FIELDS.drawn(2 * length).reshape(3, 1, length, 2)
    a[..., 0, :], b[..., 0] = (
        FIELDS.of_integers([-1])[..., None],
        FIELDS.of_integers([-1])[..., None],
    )
    found = FIELDS.matmul(a, b)
    for k, prime in enumerate(FIELDS.primes):
        wanted = a[k, 0].astype(object) @ b[k, 0].astype(object) % prime
        assert found[k, 0].tolist() == wanted.tolist()


def test_a_product_of_matrices_of_another_prime_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prime_fields, "_PART", 16)  # the last two of 50 bits are lost
    with pytest.raises(AssertionError):
        test_products_of_matrices(7)


def test_primes_are_drawn_from_so_many() -> None:
    drawn = {p for _ in range(20) for p in PrimeFields(3).primes}
    assert len(drawn) >= 59  # two alike of so many are not to be met
    assert all(fmpz(p).is_prime() and 2**BITS < p < 2 ** (BITS + 1) for p in drawn)

    def at_least(x: float) -> float:
        return x / (math.log(x) - 1)

    def at_most(x: float) -> float:
        return x / (math.log(x) - 1.1)

    assert at_least(2.0 ** (BITS + 1)) - at_most(2.0**BITS) > PRIMES


def test_each_number_has_a_key() -> None:
    x = FIELDS.of_integers([1, 2, 1, -1])
    found = keys(x)
    assert found[0] == found[2] and len(set(found)) == 3
    assert keys(FIELDS.drawn(0)) == []
