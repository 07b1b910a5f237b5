"""check_grads() where the program goes through an infinity and the function does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb

from benchmarks.cases import with_rule
from jaxgrad.gradients.check_grads import check
from jaxgrad.gradients.rules.value_by_limits import Ran
from jaxgrad.verdict import Verdict

P = np.array([0.0, 0.5])


def _log_sum(p: Any) -> Any:
    return jax.nn.logsumexp(jnp.log(p))


def test_an_intermediate_infinity_does_not_hide_a_smooth_function() -> None:
    found = check(_log_sum, (P,))
    assert found.verdict is Verdict.REFUTED
    assert "is nan by the rules and [2.0000" in found.leaves[0].text
    for factor, verdict in ((1.0, Verdict.AGREES), (1 + 1e-5, Verdict.REFUTED)):
        ruled = with_rule(_log_sum, lambda xs, ts, a=factor: a * jnp.sum(ts[0]) / jnp.sum(xs[0]))
        assert check(ruled, (P,), special_points=False).verdict is verdict


@pytest.mark.parametrize(
    ("function", "slope"),
    [
        (lambda x: jnp.exp(-1 / x**2), "0"),
        (lambda x: jax.nn.sigmoid(jnp.log(x)), "1.00000000000 from one side"),
        (lambda x: x * jnp.arctan(1 / x), "[-1.57"),
    ],
)
def test_the_slope_is_that_of_the_germs(function: Callable[..., Any], slope: str) -> None:
    found = check(function, (0.0,))
    assert found.verdict is Verdict.REFUTED
    assert f"is nan by the rules and {slope}" in found.leaves[0].text


@pytest.mark.parametrize(
    "function",
    [
        lambda x: jnp.arctan(1 / x),  # jumps
        lambda x: x * jnp.log(x),  # JAX has no value there
        lambda x: jnp.exp(1 / x**2),  # grows without bound
        lambda x: jnp.exp(-1 / x**2) + jnp.where(x == 0, 0.25, 0.0),  # not the limit
    ],
)
def test_without_a_value_nothing_is_said(function: Callable[..., Any]) -> None:
    found = check(function, (0.0,))
    assert found.verdict is Verdict.UNDECIDED
    assert "f is no real number at the point" in found.evidence.text


POSITIVE = np.array([0.2, 0.5])


def test_a_zero_weight_that_nobody_asked_for_is_looked_at() -> None:
    wrong = check(_log_sum, (POSITIVE,))
    assert wrong.verdict is Verdict.REFUTED
    assert "not the given one" in wrong.evidence.text
    assert "is nan by the rules and [2.0000" in wrong.leaves[0].text
    assert "from one side in truth" in wrong.leaves[0].text


@pytest.mark.parametrize("factor", [1.0, 1.5])
def test_a_rule_is_held_against_the_slope_there(factor: float) -> None:
    """It is wrong where a weight is 0 alone, at which log p is −∞."""

    def slope(xs: Any, ts: Any) -> Any:
        at_zero = jnp.where(jnp.min(xs[0]) == 0, factor, 1.0)
        return at_zero * jnp.sum(ts[0]) / jnp.sum(xs[0])

    found = check(with_rule(_log_sum, slope), (POSITIVE,))
    assert found.verdict is (Verdict.AGREES if factor == 1 else Verdict.REFUTED)


@pytest.mark.parametrize(
    "function",
    [
        lambda p: jnp.log(jnp.sum(p)),
        lambda p: jnp.exp(jnp.mean(jnp.log(p))),  # of infinite slopes at 0, or without a gradient
        lambda p: jnp.exp(-1 / p[0]) * p[1],  # which from the left grows without bound
        lambda p: jnp.exp(-((p[1] / p[0]) ** 2)),  # of a width of 0
        lambda p: jnp.sum(p * jnp.log(p)),  # 0·∞ at 0
    ],
)
def test_where_nobody_asked_nothing_else_is_said(function: Callable[..., Any]) -> None:
    found = check(function, (POSITIVE,))
    assert found.verdict.passes, found


def test_what_ran_is_the_limit_from_every_side_that_has_one() -> None:
    ran = Ran(0.5, np.float32)
    assert ran.is_value(arb(0.5), arb.nan())
    assert ran.is_value(arb(0.5) + arb(0, 1e-20), arb(0.5))
    assert not ran.is_value(arb(0.5), arb(0.25))
    assert not ran.is_value(arb(0.51), arb(0.51))
    assert not Ran(np.nan, np.float32).is_value(arb(0.5), arb(0.5))
