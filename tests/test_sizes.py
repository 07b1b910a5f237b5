"""No polynomial ends the process: what is too large is refused before FLINT sees it."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from flint import Ordering, fmpq, fmpq_mpoly_ctx
from large_polynomials import LARGE

from jaxgrad.gradients.identity import identity
from jaxgrad.interpret.sides import make_side
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.factors import primes
from jaxgrad.numbers.ring import Ring
from jaxgrad.numbers.sizes import (
    LARGEST_DEGREE,
    LARGEST_EXPONENT,
    LONGEST_FACTORED,
    MOST_BITS,
    MOST_PRODUCTS,
    height,
    is_factored,
    power_cost,
    product_cost,
)

RING = fmpq_mpoly_ctx.get(["a", "b", "c"], Ordering.degrevlex)
A, B, C = RING.gens()

DRAWN = 12


def test_the_process_ends_as_it_should() -> None:
    program = Path(__file__).with_name("large_polynomials.py")
    found = subprocess.run(
        [sys.executable, str(program), str(DRAWN)], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr[-2000:]
    assert found.stdout.split() == ["AGREES", str(len(LARGE) + DRAWN)]


def test_what_fits_is_formed() -> None:
    ring = Ring(4, 1000)
    x, y = (ring.generator("input", (), name).poly for name in "xy")
    assert ring.product(x + y, x - y) == x**2 - y**2
    assert ring.power(x + y, 3) == (x + y) * (x + y) * (x + y)
    assert ring.power(x, 0) == ring.one and ring.power(x, LARGEST_EXPONENT // 2) != x


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        (lambda: power_cost(A + B + C, 10**5), f"a power .* {MOST_PRODUCTS} words"),
        (lambda: power_cost(3 * A, MOST_BITS), f"a power .* {MOST_BITS} bits a coefficient"),
        (lambda: power_cost(A, LARGEST_EXPONENT + 1), "a power .* for the degree"),
        (lambda: product_cost(A**LARGEST_EXPONENT, A), "a product .* for the degree"),
        (
            lambda: product_cost(A * fmpq(2**MOST_BITS), B),
            f"a product .* {MOST_BITS} bits a coefficient",
        ),
        (
            lambda: product_cost((A + 1) ** 6000, (B + 1) ** 6000),
            f"a product .* {MOST_PRODUCTS} words",
        ),
    ],
)
def test_what_is_too_large_is_refused(form: object, reason: str) -> None:
    assert callable(form)
    with pytest.raises(CannotDecide, match=reason):
        form()


@pytest.mark.parametrize("terms", [1, 2, 3])
@pytest.mark.parametrize("n", [1, 2, 5, 40, 300])
def test_a_power_of_independent_terms_costs_the_words_that_it_has(terms: int, n: int) -> None:
    """It has as many terms as there are monomials of degree n, each of at most tⁿ."""
    poly = sum((A, B, C)[:terms], RING.constant(0))
    count, bits = math.comb(n + terms - 1, n), n * (terms - 1).bit_length()
    assert power_cost(poly, n) == count * (1 + bits // 64)
    if n <= 40:
        power = poly**n
        assert len(power) == count and height(power) <= bits + 1


@pytest.mark.parametrize("scale", [1, 3, 2**64, fmpq(1, 2**70)])
def test_a_product_costs_a_word_for_each_two_terms_and_each_word_of_them(scale: Any) -> None:
    left, right = scale * (A + B), A - B + C
    bits = height(left) + height(right)
    assert product_cost(left, right) == 6 * (1 + bits // 64)
    assert bits >= height(left * right)


def test_products_are_counted_together() -> None:
    ring = Ring(4, 1000, max_products=3)
    x = ring.generator("input", (), "x").poly
    for _ in range(3):
        ring.product(x, x)
    with pytest.raises(CannotDecide, match="products past the budget of 3 words in all"):
        ring.product(x, x)


def test_rewriting_is_counted() -> None:
    ring = Ring(4, 1000)
    x, y = (ring.generator("exp", (), name) for name in "xy")
    ring.relate(x, y, ring.one)
    assert ring.reduce(x.poly**1000 * y.poly**999) == x.poly
    with pytest.raises(CannotDecide, match="rewriting past the budget"):
        ring.reduce(x.poly**2_000_000 * y.poly**1_999_999)


def test_only_what_is_small_is_factored() -> None:
    assert is_factored((A + B) ** 3, A * B * C)
    assert not is_factored(A, B ** (LARGEST_DEGREE + 1))
    assert not is_factored(sum((A**i * B**j for i in range(9) for j in range(9)), RING.constant(0)))
    assert is_factored(sum((A**i for i in range(LONGEST_FACTORED)), RING.constant(0)))


def test_integers_are_factored_up_to_a_size() -> None:
    assert primes(1) == [] and primes(12) == [(2, 2), (3, 1)]
    assert primes(3 * 2**1074) == [(2, 1074), (3, 1)] and primes(2**200) == [(2, 200)]
    with pytest.raises(CannotDecide, match="bits to factor"):
        primes((2**61 - 1) * (2**89 - 1))


def test_a_field_that_is_too_small_has_spent_from_the_same_budget(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Ring] = []

    class Watched(Ring):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            made.append(self)

        def generator(self, *args: Any) -> Any:
            made_before.append((len(made), self.work))
            return super().generator(*args)

    made_before: list[tuple[int, int]] = []
    monkeypatch.setattr("jaxgrad.gradients.identity.Ring", Watched)

    def many(x: Any) -> Any:
        return sum(jnp.exp(x**k) for k in range(1, 60))

    sides = [make_side(name, many, (np.float32(0.5),)) for name in ("hand", "auto")]
    assert identity(*sides).proved
    assert len(made) == 2
    spent = max(work for number, work in made_before if number == 1)
    assert min(work for number, work in made_before if number == 2) >= spent > 0
