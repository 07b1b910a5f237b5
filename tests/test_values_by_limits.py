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


def test_what_ran_is_the_limit_from_every_side_that_has_one() -> None:
    ran = Ran(0.5, np.float32)
    assert ran.is_value(arb(0.5), arb.nan())
    assert ran.is_value(arb(0.5) + arb(0, 1e-20), arb(0.5))
    assert not ran.is_value(arb(0.5), arb(0.25))
    assert not ran.is_value(arb(0.51), arb(0.51))
    assert not Ran(np.nan, np.float32).is_value(arb(0.5), arb(0.5))
