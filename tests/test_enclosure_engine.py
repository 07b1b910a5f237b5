"""How the balls of two sides meet: what differs, to how many bits they agree, what is not seen."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from jaxgrad.gradients import enclosure
from jaxgrad.gradients.compare import compare
from jaxgrad.gradients.enclosure import FIRST_PRECISION, LAST_PRECISION, ZERO_BITS, draw, meet
from jaxgrad.interpret.sides import make_side
from jaxgrad.numbers.base import UNKNOWN
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.trace import Leaf
from jaxgrad.verdict import Verdict

INF = math.inf
NOTHING = (False, -INF, -INF)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (arb(1), arb(1), (False, INF, INF)),
        (arb(1), arb(2), (True, -INF, -INF)),
        (True, True, (False, INF, INF)),
        (True, False, (True, -INF, -INF)),
        (UNKNOWN, True, NOTHING),
        (arb(1), arb.nan(), NOTHING),
        (arb("inf"), arb("inf"), NOTHING),
        (arb(0, 1), arb(0, 1), (False, -INF, -1)),
    ],
)
def test_how_two_entries_meet(first: object, second: object, expected: tuple[bool, ...]) -> None:
    for pair in ((first, second), (second, first)):
        apart, bits, absolute = enclosure._entry(*pair)
        assert (apart, bits) == expected[:2]
        assert absolute == pytest.approx(expected[2], abs=2.0**-20)


@given(k=st.integers(2, 40), shift=st.integers(-20, 20))
def test_bits_are_relative_to_the_larger_of_two_that_meet(k: int, shift: int) -> None:
    """Both ways round: 2^s(1 ± 2^−k) and 2^s(1 ± 2^−k−1) differ by 3/2 of 2^(s−k) at most."""
    scale = arb(2) ** shift
    wide, narrow = scale * arb(1, 2.0**-k), scale * arb(1, 2.0 ** -(k + 1))
    for pair in ((wide, narrow), (narrow, wide)):
        apart, bits, absolute = enclosure._entry(*pair)
        # The difference is at most 3/2^(k+1), the larger one at least 1 − 2^−(k+1).
        expected = k + 1 - math.log2(3)
        assert not apart
        assert bits == pytest.approx(expected + math.log2(1 - 2.0 ** -(k + 1)), abs=2.0**-20)
        assert absolute == pytest.approx(expected - shift, abs=2.0**-20)


def sides(hand, auto, *args):
    return make_side("hand", hand, args), make_side("auto", auto, args), list(args)


def test_the_precision_is_raised_until_it_is_decided() -> None:
    x = np.float32(0.5)
    same = meet(*sides(lambda x: jnp.sin(x) * 2, lambda x: jnp.sin(x) + jnp.sin(x), x))
    assert (same.differs, same.working, same.unseen) == (False, FIRST_PRECISION, [])
    assert FIRST_PRECISION - 16 < same.least_bits() <= FIRST_PRECISION
    # e^−200 is 2^−288: told from 0 at the second precision.
    near = meet(*sides(lambda x: 1 + jnp.exp(-400 * x) - 1, lambda x: 0 * x, x))
    assert (near.differs, near.working) == (True, 2 * FIRST_PRECISION)
    zero = meet(*sides(lambda x: jnp.exp(x) * jnp.exp(-x) - 1, lambda x: 0 * x, x))
    assert (zero.differs, zero.working, zero.unseen) == (False, LAST_PRECISION, [])
    assert zero.least_bits() >= ZERO_BITS and zero.seen
    pole = meet(*sides(lambda x: 1 / (x - x), lambda x: x, x))
    assert (pole.differs, pole.unseen, pole.seen) == (False, [(0, ())], False)
    assert pole.least_bits() == LAST_PRECISION


def test_drawn_points() -> None:
    leaves = [
        Leaf("x", (50,), np.dtype("float32"), np.zeros(50, np.float32)),
        Leaf("n", (), np.dtype("int32"), np.int32(3)),
    ]
    points = [draw(leaves, seed)[0] for seed in range(4)]
    assert all(x.dtype == np.float32 and x.shape == (50,) for x in points)
    assert (points[0] < 0).any() and (points[0] * 8 % 1 != 0).any()
    assert (points[1] * 8 % 1 == 0).all() and len(set(points[1].tolist())) < 50
    assert (points[2] >= 0).all()
    assert (points[3] < 0).any() and (points[3] != points[0]).any()
    for seed in range(4):
        assert (draw(leaves, seed)[0] == points[seed]).all()
        assert draw(leaves, seed)[1] == 3


def test_balls_are_compared_at_the_precision_that_was_asked_for() -> None:
    x = np.float32(0.5)
    with precision(20):
        found = enclosure.meet_once(*sides(jnp.exp, jnp.exp, x))
    assert found.working == FIRST_PRECISION
    assert found.hand[0][()].rel_accuracy_bits() > FIRST_PRECISION - 16


def hidden(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The same function, of which the first precision shows no bit: e³⁰⁰ˣ has 303 of them."""
    return lambda x: f(x) + jnp.exp(300 * x) - jnp.exp(300 * x)


def test_balls_that_show_nothing_are_made_more_precise_before_a_proof_is_believed() -> None:
    with jax.enable_x64(True):
        x = np.float64(0.7)
        assert not enclosure.meet_once(*sides(hidden(jnp.sin), jnp.sin, x)).seen
        same = compare(hidden(jnp.sin), jnp.sin, x)
        several = compare(lambda x: [hidden(jnp.sin)(x), x], lambda x: [jnp.sin(x), 1 * x], x)
        wrong = compare(hidden(lambda x: jnp.sin(x) + 1e-40), jnp.sin, x, exact=True)
    assert same.verdict is several.verdict is Verdict.PROVED
    assert "bits" not in same.evidence.text
    assert wrong.verdict is Verdict.REFUTED


def test_what_no_precision_shows_is_not_said_to_agree_to_no_bits() -> None:
    """e^(e^(e^9)) − e^(e^(e^9)) is 0 as a formula, and no ball of it is finite."""

    def hand(x: Any) -> Any:
        large = jnp.exp(jnp.exp(jnp.exp(x)))
        return jnp.cos(large) - jnp.cos(large)

    found = enclosure.meet_once(*sides(hand, lambda x: 0 * x, np.float32(5.0)))
    result = compare(hand, lambda x: 0 * x, np.float32(5.0))
    assert not found.seen
    assert not result.verdict.passes
    assert "to 0 bits" not in result.evidence.text
