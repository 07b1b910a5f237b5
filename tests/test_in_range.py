"""Whether floats hold what a rule computes on its way: of the numbers that a decision needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb

from jaxgrad.gradients.rules.in_range import leaves_range
from jaxgrad.numbers.ball import Ball
from jaxgrad.programs.trace import trace


def _leaves(rule: Callable[[Any], Any], g: float, a: float, every: bool = False) -> bool:
    """Whether the rule leaves the range of its dtypes at a·g or at g."""
    runs = [[Ball().constants(np.array(x))] for x in (a * g, g)]
    return leaves_range(trace(rule, (np.float32(1),)), runs, [arb(a)], every)


def _clipped(u: Any) -> Any:
    return jnp.clip(u, -(2.0**-20), 2.0**-20)


def _by_sign(u: Any) -> Any:
    return jax.lax.cond(u > 0, lambda v: v, lambda v: 2 * v, u)


@pytest.mark.parametrize(
    ("rule", "g", "a", "leaves"),
    [
        (_clipped, 2.0**-15, 2.0, False),
        (lambda u: _clipped(u * 2.0**-100) * 2.0**100, 2.0**-60, 2.0, True),
        (lambda u: _clipped(u) + u * 2.0**-126, 2.0**-15, 2.0, False),  # that is beside it
    ],
)
def test_what_a_decision_depends_on_counts(rule: Any, g: float, a: float, leaves: bool) -> None:
    assert _leaves(rule, g, a) is leaves


def test_where_every_number_counts_so_does_what_is_not_linear_or_beside() -> None:
    assert not _leaves(lambda u: u * u, 2.0**70, 2.0)
    assert _leaves(lambda u: u * u, 2.0**70, 2.0, every=True)
    assert not _leaves(lambda u: u * u, 2.0**30, 2.0, every=True)
    assert _leaves(lambda u: _clipped(u) + u * 2.0**-126, 2.0**-15, 2.0, every=True)


def test_a_cast_to_a_dtype_that_does_not_hold_a_number_counts() -> None:
    def cast(dtype: Any) -> Callable[[Any], Any]:
        return lambda u: _clipped(u.astype(dtype).astype(jnp.float32))

    assert _leaves(cast(jnp.float16), 2.0**-15, 2.0)  # whose least normal number is 2⁻¹⁴
    assert not _leaves(cast(jnp.bfloat16), 2.0**-15, 2.0)


def test_of_two_branches_what_comes_before_them_counts() -> None:
    assert not _leaves(_by_sign, 0.75, -1.0)
    assert _leaves(lambda u: _by_sign(u * 2.0**-100), 2.0**-60, -1.0)
