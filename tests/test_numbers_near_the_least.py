"""Derivatives as small as the least floats, beside a 1: precision goes on until they are known."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Verdict, check
from jaxgrad.gradients.floats.higher import higher_floats
from jaxgrad.gradients.rules.primal import Primal

TINY = np.float64(1e-300)


def squashed(slope: Any) -> Any:
    """tanh with a slope that is a function of its value."""

    @jax.custom_jvp
    def f(x: Any) -> Any:
        return jnp.tanh(x)

    f.defjvp(lambda xs, ts: (f(*xs), slope(f(*xs)) * ts[0]))
    return f


@pytest.mark.parametrize("factor", [1.0, 0.5])
@pytest.mark.usefixtures("float64")
def test_a_second_derivative_far_below_the_first_is_judged(factor: float) -> None:
    f = squashed(lambda y: 1 - factor * y * y)
    found = check(f, (TINY,), 2, special_points=False)
    assert found.verdict is (Verdict.PROVED if factor == 1 else Verdict.REFUTED), found
    if factor != 1:
        assert "-1.00000000000" in str(found)
        assert "should be [-2.0000000" in str(found)


@jax.custom_jvp
def accurate(x: Any) -> Any:
    """1 − y², the derivative of which is −2y(1 − y²)."""
    return 1 - jnp.tanh(x) ** 2


accurate.defjvp(lambda xs, ts: (accurate(*xs), -2 * jnp.tanh(xs[0]) * accurate(*xs) * ts[0]))


@jax.custom_jvp
def rounded(x: Any) -> Any:
    """The same with ((1 − y)² − (1 + y)²)(1 − y²)/2, of which nothing is left below 2⁻⁵³."""
    return 1 - jnp.tanh(x) ** 2


def _rounded_slope(x: Any) -> Any:
    y = jnp.tanh(x)
    return ((1 - y) ** 2 - (1 + y) ** 2) / 2 * rounded(x)


rounded.defjvp(lambda xs, ts: (rounded(*xs), _rounded_slope(*xs) * ts[0]))


@pytest.mark.parametrize("slope", [accurate, rounded])
@pytest.mark.usefixtures("float64")
def test_a_second_derivative_that_rounding_makes_0_is_found(slope: Any) -> None:
    @jax.custom_jvp
    def f(x: Any) -> Any:
        return jnp.tanh(x)

    f.defjvp(lambda xs, ts: (f(*xs), slope(*xs) * ts[0]))
    found = check(f, (TINY,), 2, special_points=False)
    assert found.verdict is Verdict.PROVED, found  # as formulas both are right
    primal = Primal(f, (TINY,))
    (floats,) = higher_floats(primal, ("fwd", "fwd"), np.float64, [primal.point])
    if slope is accurate:
        assert floats.status == "STABLE", floats
        return
    assert (floats.status, floats.reason, floats.given) == ("UNSTABLE", "underflow", True), floats
    assert floats.value == 0 and floats.truth == "-2.000000000e-300"
