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


def _small(rule: Any) -> Any:
    """A loss in float32 that is returned in float16, where its derivatives are subnormal."""

    def loss(z: Any) -> Any:
        return (jnp.sum(jax.nn.sigmoid(z.astype(jnp.float32))) / 65536).astype(jnp.float16)

    f = jax.custom_vjp(loss)

    def back(z: Any, g: Any) -> Any:
        s = jax.nn.sigmoid(z.astype(jnp.float32))
        return ((rule(g.astype(jnp.float32) * s * (1 - s) / 65536)).astype(jnp.float16),)

    f.defvjp(lambda z: (loss(z), z), back)
    return f


@pytest.mark.parametrize("factor", [1.0, 0.0, -1.0, 2.0])
@pytest.mark.parametrize("dtypes", [None, ["float16"]])
def test_what_float16_does_not_flush_is_judged(factor: float, dtypes: Any) -> None:
    z = np.linspace(-1, 1, 8).astype(np.float16)
    found = check(_small(lambda g: factor * g), (z,), modes="rev", dtypes=dtypes)
    assert found.verdict is (Verdict.PROVED if factor == 1 else Verdict.REFUTED), found


@pytest.mark.parametrize("factor", [1.0, 0.0, -1.0, 2.0])
def test_weights_in_eight_bits_are_judged(factor: float) -> None:
    def f(x: Any, w: Any) -> Any:
        return x @ w.astype(jnp.float32)

    rule = jax.custom_vjp(f)
    rule.defvjp(
        lambda x, w: (f(x, w), (x, w)),
        lambda kept, g: (
            g @ kept[1].astype(jnp.float32).T,
            (factor * (kept[0].T @ g)).astype(kept[1].dtype),
        ),
    )
    x = np.full((2, 3), 0.004, np.float32)
    w = jnp.ones((3, 2), jnp.float8_e4m3fn)
    found = check(rule, (x, w), modes="rev", argnums=1)
    assert found.verdict.passes is (factor == 1), found
