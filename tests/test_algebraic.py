"""Real roots are complete, in order and told apart; signs at them are exact."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import prod

import pytest
from flint import fmpq, fmpq_poly, fmpz_poly
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxgrad.evidence.algebraic import AlgebraicNumber, points_between, sign_at


def sturm_count(polynomial: fmpq_poly) -> int:
    """The number of distinct real roots, by Sturm's theorem at both infinities."""
    chain = [polynomial, polynomial.derivative()]
    while chain[-1] != 0:
        chain.append(-(chain[-2] % chain[-1]))

    def changes(side: int) -> int:
        leading = [p.leading_coefficient() * side ** p.degree() for p in chain[:-1]]
        return sum(one * two < 0 for one, two in pairwise(leading))

    return changes(-1) - changes(1)


def close_roots(degree: int, near: int) -> fmpq_poly:
    """Mignotte's polynomial: two roots that differ by about near ** -(degree / 2 + 1)."""
    return fmpq_poly([0, 1]) ** degree - 2 * fmpq_poly([-1, near]) ** 2


factors = st.one_of(
    st.lists(st.integers(-9, 9), min_size=2, max_size=9).map(fmpq_poly),
    st.fractions(-3, 3, max_denominator=50).map(lambda r: fmpq_poly([-r.numerator, r.denominator])),
    st.tuples(st.sampled_from([3, 6, 9]), st.sampled_from([10, 10**4])).map(
        lambda drawn: close_roots(*drawn)
    ),
    st.integers(2, 30).map(lambda n: fmpq_poly(fmpz_poly.chebyshev_t(n))),
).filter(lambda polynomial: polynomial.degree() > 0)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(factors, st.integers(1, 3)), min_size=1, max_size=4))
def test_no_real_root_is_missed_or_counted_twice(drawn):
    whole = prod((factor**times for factor, times in drawn), start=fmpq_poly([fmpq(-2, 3)]))
    points = points_between([factor for factor, _ in drawn])
    roots, between = points[1::2], points[0::2]
    if sturm_count(whole) == 0:
        assert points == [0] and sign_at(whole, points[0]) != 0
        return
    assert len(roots) == sturm_count(whole)
    assert all(sign_at(whole, root) == 0 for root in roots)
    assert all(isinstance(point, Fraction) and sign_at(whole, point) != 0 for point in between)
    assert [str(root) for root in points_between([whole])] == [str(root) for root in points]
    # Each root lies between its neighbours, by the signs of linear polynomials at it.
    for (lower, upper), root in zip(pairwise(between), roots, strict=True):
        assert sign_at(fmpq_poly([-fmpq(lower.numerator, lower.denominator), 1]), root) == 1
        assert sign_at(fmpq_poly([-fmpq(upper.numerator, upper.denominator), 1]), root) == -1


@pytest.mark.parametrize("polynomial", [close_roots(40, 10**6), close_roots(7, 10**12)], ids=str)
def test_roots_far_closer_than_floats_are_apart(polynomial):
    roots = points_between([polynomial])[1::2]
    assert len(roots) == sturm_count(polynomial)
    nearest = min(float(two) - float(one) for one, two in pairwise(roots))
    assert nearest == 0  # as floats


def test_a_polynomial_of_high_degree():
    points = points_between([fmpq_poly(fmpz_poly.chebyshev_t(101)), fmpq_poly([0, 1])])
    assert len(points) == 2 * 101 + 1
    assert points[101] == 0


@settings(deadline=None, max_examples=40)
@given(st.lists(st.fractions(-5, 5, max_denominator=7), min_size=1, max_size=4, unique=True))
def test_rational_roots_are_themselves(roots):
    polynomials = [fmpq_poly([-root.numerator, root.denominator]) for root in roots]
    assert points_between([prod(polynomials, start=fmpq_poly([1]))])[1::2] == sorted(roots)
    assert points_between(polynomials)[1::2] == sorted(roots)


def test_nothing_to_find_roots_of():
    assert points_between([]) == points_between([fmpq_poly([0]), fmpq_poly([5])]) == [0]


def test_between_roots_a_point_is_short():
    points = points_between([fmpq_poly([-2, 0, 1]), fmpq_poly([-1, 3]), fmpq_poly([-(10**30), 1])])
    assert [point for point in points if isinstance(point, Fraction)] == [
        -3, -1, Fraction(1, 3), 1, 5 * 10**29 + 1, 10**30, 10**30 + 1
    ]  # fmt: skip


def test_signs_at_an_algebraic_number_are_exact():
    root = points_between([fmpq_poly([-2, 0, 1])])[3]
    assert isinstance(root, AlgebraicNumber) and float(root) == 2**0.5
    assert sign_at(fmpq_poly([4, 0, -4, 0, 1]), root) == 0
    assert sign_at(fmpq_poly([-1414213562373, 10**12]), root) == 1
    assert sign_at(fmpq_poly([-1414213562374, 10**12]), root) == -1
    assert sign_at(fmpq_poly([0]), root) == 0
    quotients = [(1, 1)]  # ever closer to the root, below and above it in turn
    for _ in range(400):
        p, q = quotients[-1]
        quotients.append((p + 2 * q, p + q))
    for p, q in quotients[-2:]:
        assert sign_at(fmpq_poly([-p, q]), root) == (1 if p * p < 2 * q * q else -1)
