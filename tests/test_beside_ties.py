"""What is a limit, or a series, beyond a threshold is off the most beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Verdict, check
from jaxgrad.gradients.special_points.search import special_points
from jaxgrad.programs.trace import trace

cdf, pdf = jax.scipy.stats.norm.cdf, jax.scipy.stats.norm.pdf


def with_slope(primal: Callable[..., Any], slope: Callable[..., Any]) -> Callable[..., Any]:
    rule = jax.custom_jvp(primal)
    rule.defjvps(lambda t, _, x: slope(x) * t)
    return rule


def softplus(x: Any) -> Any:
    return jnp.logaddexp(x, 0.0)


def gelu(x: Any) -> Any:
    return x * cdf(x)


SLOPES: dict[str, tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]] = {
    "gelu": (gelu, lambda x: jnp.where(x > 4, 1.0, cdf(x) + x * pdf(x)), jax.grad(gelu)),
    "softplus": (softplus, lambda x: jnp.where(x > 11, 1.0, jax.nn.sigmoid(x)), jax.nn.sigmoid),
    "log 2 cosh": (
        lambda x: jnp.logaddexp(x, -x),
        lambda x: jnp.where(abs(x) > 6, jnp.sign(x), jnp.tanh(x)),
        jnp.tanh,
    ),
    "tanh": (
        jnp.tanh,
        lambda x: jnp.where(abs(x) < 0.2, 1 - x**2 + 2 * x**4 / 3, 1 - jnp.tanh(x) ** 2),
        lambda x: 1 - jnp.tanh(x) ** 2,
    ),
    "expm1": (
        jnp.expm1,
        lambda x: jnp.where(abs(x) < 0.03, 1 + x + x**2 / 2, jnp.exp(x)),
        jnp.exp,
    ),
}


@pytest.mark.parametrize("name", SLOPES)
def test_what_is_off_beside_a_threshold_alone_is_found(name: str) -> None:
    primal, wrong, right = SLOPES[name]
    found = check(with_slope(primal, wrong), (np.float32(0.5),))
    assert found.verdict is Verdict.REFUTED
    assert "beside" in str(found)
    assert check(with_slope(primal, right), (np.float32(0.5),)).verdict is not Verdict.REFUTED


def test_a_threshold_that_no_float_sees_is_right() -> None:
    """Where e⁻ˣ is less than half of what rounding makes of 1."""
    rule = with_slope(softplus, lambda x: jnp.where(x > 17, 1.0, jax.nn.sigmoid(x)))
    assert check(rule, (np.float32(0.5),)).verdict is Verdict.AGREES


def test_a_series_that_is_good_up_to_its_end_is_right() -> None:
    series = with_slope(
        jnp.tanh, lambda x: jnp.where(abs(x) < 0.02, 1 - x**2 + 2 * x**4 / 3, 1 - jnp.tanh(x) ** 2)
    )
    assert check(series, (np.float32(0.5),)).verdict is Verdict.AGREES


def test_the_floats_beside_a_tie_are_looked_at() -> None:
    program = trace(lambda x: jnp.where(x > 4, x, 2 * x), (np.float32(1),))
    points = special_points([program], program.inputs, 40)
    beside = {float(point.values[0]) for point in points if "beside 4.0" in point.why}
    four = np.float32(4)
    assert beside == {float(np.nextafter(four, np.float32(way))) for way in (0, 5)}
