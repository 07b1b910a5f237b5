"""Confidence intervals are exact and draws repeatable; drawing never proves or refutes."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import jax
import pytest
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxgrad.errors import ArgumentError
from jaxgrad.evidence.frequency import clopper_pearson, frequency
from jaxgrad.verdict import Verdict

STEP = Fraction(1, 2**40)


def at_least(k, n, p):
    """P(X >= k) for X ~ Binomial(n, p), exactly."""
    return sum((comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1)), Fraction(0))


@settings(deadline=None, max_examples=25)
@given(st.data())
def test_the_ends_are_the_exact_quantiles_rounded_outward(data):
    n = data.draw(st.integers(1, 12))
    k = data.draw(st.integers(0, n))
    percent = data.draw(st.integers(1, 99))
    half = (1 - Fraction(percent, 100)) / 2
    bounds = clopper_pearson(k, n, Fraction(percent, 100))
    assert 0 <= bounds.lower <= Fraction(k, n) <= bounds.upper <= 1
    if k > 0:
        assert at_least(k, n, bounds.lower) <= half <= at_least(k, n, bounds.lower + STEP)
    if k < n:
        below = [1 - at_least(k + 1, n, p) for p in (bounds.upper, bounds.upper - STEP)]
        assert below[0] <= half <= below[1]


@pytest.mark.parametrize(("k", "n", "percent"), [(0, 1, 25), (1, 1, 25), (0, 2, 50), (2, 2, 50)])
def test_an_end_that_is_a_multiple_of_the_step(k: int, n: int, percent: int) -> None:
    """1 - 3/8 of (1 - p) = 3/8: no precision tells the two apart, and they are equal."""
    bounds = clopper_pearson(k, n, Fraction(percent, 100))
    half = (1 - Fraction(percent, 100)) / 2
    if k > 0:
        assert at_least(k, n, bounds.lower) <= half <= at_least(k, n, bounds.lower + STEP)
    if k < n:
        assert 1 - at_least(k + 1, n, bounds.upper) <= half


def test_a_published_interval():
    """0 of n: 1 - (a/2)^(1/n) in closed form, here 1 - 0.025^(1/10)."""
    assert clopper_pearson(0, 10, "0.95").decimals(4) == ("0", "0.308498")


@pytest.mark.parametrize("arguments", [(-1, 3), (4, 3), (0, 0), (1, 2, "1"), (1, 2, 0.9)])
def test_arguments_are_checked(arguments):
    with pytest.raises(ArgumentError):
        clopper_pearson(*arguments)


def coin(key):
    return jax.random.bernoulli(key)


def test_draws_repeat():
    one, other = (frequency(coin, jax.random.key(3), 2_000) for _ in range(2))
    assert one == other and one.bounds.lower < Fraction(1, 2) < one.bounds.upper
    assert one.successes != frequency(coin, jax.random.key(4), 2_000).successes


@pytest.mark.parametrize("bound, verdict", [("0.6", "AGREES"), ("0.5", "UNDECIDED")])
def test_an_interval_across_the_bound_does_not_agree(bound, verdict):
    measured = frequency(coin, jax.random.key(0), 10_000, bound=lambda: arb(bound))
    assert measured.verdict is Verdict[verdict] and measured.evidence.kind == "sampling"


def test_a_false_bound_does_not_pass():
    measured = frequency(coin, jax.random.key(0), 10_000, bound=lambda: arb("0.4"))
    assert measured.verdict is Verdict.UNDECIDED
    assert "speaks against" in measured.evidence.text


def test_products_along_a_chain_stay_below_markovs_bound():
    """P(|prod w s(1-s)| >= 1) <= (E|w|/4)^4 for four factors with normal weights."""

    def event(key):
        w, z = jax.random.normal(key, (2, 4))
        s = jax.nn.sigmoid(z)
        return abs((w * s * (1 - s)).prod()) >= 1

    def bound(quarter=4):
        return ((2 / arb.pi()).sqrt() / quarter) ** 4

    right = frequency(event, jax.random.key(0), 20_000, bound=bound)
    assert right.verdict is Verdict.AGREES
    wrong = frequency(event, jax.random.key(0), 20_000, bound=lambda: bound(100))
    assert wrong.verdict is Verdict.UNDECIDED


def test_the_event_must_be_one_bool():
    with pytest.raises(ArgumentError, match="not one bool"):
        frequency(jax.random.normal, jax.random.key(0), 10)
    with pytest.raises(ArgumentError, match="at least 1"):
        frequency(coin, jax.random.key(0), 0)
