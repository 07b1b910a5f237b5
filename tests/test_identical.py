"""Numbers that are 0 beside the point as well, and what check_grads() makes of their roots."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb

from benchmarks.cases import with_rule
from jaxgrad import Verdict, check
from jaxgrad.numbers.exact import ExactBall
from jaxgrad.numbers.identical import IdenticalGerm


@pytest.mark.parametrize("name", ["tanh", "logistic", "sin", "exp", "erf", "atan"])
@pytest.mark.parametrize("factor", [1, 1 + 2**-40])
def test_a_difference_is_0_beside_the_point_where_it_is_an_identity(name: str, factor: Any) -> None:
    germ = IdenticalGerm()
    y = germ.apply(name, germ.line(-0.25, 1))
    rest = germ.constant(4) - y * y
    root = germ.apply("sqrt", rest)
    assert (rest - germ.constant(factor) * root * root).is_zero == (factor == 1)
    assert (germ.divide(rest, root) - root).is_zero
    assert germ.apply("sqrt", rest - root * root).is_zero


@pytest.mark.parametrize("sign", [1, -1])
def test_of_two_roots_it_is_the_one_that_the_value_tells(sign: int) -> None:
    """√(t²) is t or −t."""
    germ = IdenticalGerm()
    t = germ.apply("tanh", germ.line(sign * 0.25, 1))
    size = germ.apply("sqrt", t * t)
    assert (size - t).is_zero == (sign > 0)
    assert (size + t).is_zero == (sign < 0)


def test_what_vanishes_at_the_point_alone_is_not_0() -> None:
    germ = IdenticalGerm(3)
    t = germ.apply("sin", germ.line(0, 1))
    power = t * t * t * t
    assert not power.is_zero
    assert not (power - germ.constant(2) * power).is_zero


@pytest.mark.parametrize("name", ["tanh", "logistic", "sin", "erf"])
def test_balls_know_when_functions_cancel(name: str) -> None:
    balls = ExactBall()
    y = balls.apply(name, balls.constant(0.25))
    root = balls.apply("sqrt", balls.constant(4) - y * y)
    assert (balls.constant(4) - y * y - root * root).is_zero()
    other = balls.constant(4 + 2**-40) - y * y - root * root
    assert not other.is_zero() and other > 0
    assert balls.apply("sqrt", balls.constant(4) - y * y - root * root) == arb(0)


def correlation(y: Any, masked: bool) -> Any:
    """The Cholesky factor of a correlation matrix of two: √(1 − 1) above the diagonal."""
    t = jnp.tanh(y)
    below = jnp.sqrt(1 - t * t)
    rest = 1 - t * t - below * below
    above = jnp.sqrt(jnp.where(rest > 2, rest, 1.0)) if masked else jnp.sqrt(rest)
    return t + 2 * below + 0.0 * above


@pytest.mark.parametrize("y", [0.25, -0.5])
def test_a_root_of_what_cancels_is_found_and_a_mask_mends_it(y: float) -> None:
    x = np.float32(y)
    wrong = check(lambda x: correlation(x, masked=False), (x,))
    assert wrong.verdict is Verdict.REFUTED
    assert "in truth" in wrong.evidence.text
    assert check(lambda x: correlation(x, masked=True), (x,)).verdict.passes


@pytest.mark.parametrize("factor", [1.0, 1.001])
def test_a_rule_is_held_against_the_slope_where_terms_cancel(factor: float) -> None:
    def slope(xs: Any, ts: Any) -> Any:
        t = jnp.tanh(xs[0])
        below = jnp.sqrt(1 - t * t)
        return factor * (1 - t * t) * (1 - 2 * t / below) * ts[0]

    ruled = with_rule(lambda y: correlation(y, masked=False), slope)
    found = check(ruled, (np.float32(0.25),), special_points=False)
    assert found.verdict is (Verdict.AGREES if factor == 1 else Verdict.REFUTED), found
