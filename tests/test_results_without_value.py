"""Results of which some entries are no numbers: the others are judged, at other points, too."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Verdict, check

SEGMENTS = np.array([0, 0, 1, 1, 3])
X = np.array([0.5, -1.25, 2.0, 0.75, 1.5], np.float32)


def largest_of_segments(width: float) -> Any:
    """The largest number of each segment, −∞ of one without any; right for a width of 0."""

    @jax.custom_vjp
    def largest(x: Any) -> Any:
        return jax.ops.segment_max(x, SEGMENTS, num_segments=4)

    def backward(residuals: Any, g: Any) -> Any:
        x, found = residuals
        chosen = (x >= found[SEGMENTS] - width).astype(x.dtype)
        shares = jax.ops.segment_sum(chosen, SEGMENTS, num_segments=4)
        return (chosen * (g / shares)[SEGMENTS],)

    def forward(x: Any) -> Any:
        found = largest(x)
        return found, (x, found)

    largest.defvjp(forward, backward)
    return largest


def padded_square(far: float) -> Any:
    """Squares, and an entry that is −∞ everywhere; right for far = 1."""

    def padded(x: Any) -> Any:
        return jnp.concatenate([x * x, jnp.full(1, -jnp.inf, x.dtype)])

    @jax.custom_jvp
    def squared(x: Any) -> Any:
        return padded(x)

    @squared.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        (x,), (v,) = primals, tangents
        slope = 2 * x * jnp.where(x > 4, far, 1)
        return padded(x), jnp.concatenate([slope * v, jnp.zeros(1, x.dtype)])

    return squared


@pytest.mark.parametrize(
    ("rule", "right", "wrong"), [(largest_of_segments, 0.0, 0.5), (padded_square, 1.0, 1.5)]
)
def test_what_has_a_value_is_judged_at_other_points(rule: Any, right: float, wrong: float) -> None:
    found = check(rule(right), (X,))
    assert found.verdict is Verdict.AGREES, found
    assert "and under vmap" in str(found)
    assert "special points" in str(found)
    assert "is no number at the given point, and not judged" in str(found)
    assert check(rule(wrong), (X,)).verdict is Verdict.REFUTED


@jax.custom_jvp
def same(x: Any) -> Any:
    return 1 * x


same.defjvp(lambda primals, tangents: (primals[0], tangents[0]))


@pytest.mark.parametrize(
    "f",
    [
        jnp.log,
        lambda x: jnp.cumsum(jnp.log(same(x))),
        lambda x: (same(x), jnp.full(2, jnp.nan, x.dtype), 1 / x),
        lambda x: same(x) * np.array([1, np.inf], np.float32),
    ],
    ids=["log", "sum", "several", "infinity"],
)
def test_an_infinite_slope_of_what_has_none_is_no_wrong_rule(f: Any) -> None:
    found = check(f, (np.array([1.0, 0.0], np.float32),), order=2)
    assert found.verdict is Verdict.AGREES, found
    assert "under vmap" in str(found)
    assert "not decided" not in str(found)


def test_a_value_that_no_order_returns_is_found_where_another_is_none() -> None:
    @jax.custom_jvp
    def squared(x: Any) -> Any:
        return jnp.stack([x * x, jnp.inf * jnp.ones_like(x)])

    def scaled(factor: float) -> None:
        @squared.defjvp
        def _(primals: Any, tangents: Any) -> Any:
            (x,), (v,) = primals, tangents
            slope = jnp.stack([2 * x * v, jnp.zeros_like(x)])
            return factor * squared(x), slope

    for factor, verdict in ((1.0, Verdict.AGREES), (1.5, Verdict.REFUTED)):
        scaled(factor)
        assert check(squared, (np.float32(3.0),), order=2).verdict is verdict, factor
