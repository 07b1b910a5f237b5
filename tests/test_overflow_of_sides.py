"""A side that returns NaN or an infinity where there is a number is refuted, and no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Verdict, compare
from jaxgrad.numbers.running_error import RunningError

M = float(np.finfo(np.float32).max)


@pytest.mark.parametrize("size", [3e38, 1e30, 1e20])
def test_a_number_far_below_what_overflows_on_the_way(size: float) -> None:
    """x³ takes 384 bits that y ends behind."""

    def hand(x: Any, y: Any) -> Any:
        return (x * x * x + y) - x * x * x

    def auto(x: Any, y: Any) -> Any:
        return (y + x * x * x) - x * x * x

    args = np.float32(size), np.float32(1.5)
    assert np.isnan(jax.jit(hand)(*args))
    found = compare(hand, auto, *args)
    assert found.verdict is Verdict.REFUTED and "hand returns nan" in found.evidence.text
    small = np.float32(2), np.float32(1.5)
    assert compare(hand, auto, *small).verdict is Verdict.PROVED


def test_infinities_of_both_signs() -> None:
    x, y = np.float32([M, -M, 1]), np.float32([M, M, 1.5])
    found = compare(jnp.dot, lambda x, y: jnp.dot(x[::-1], y[::-1]), x, y)
    assert found.verdict is Verdict.REFUTED
    assert "returns inf and auto -inf in floating point" in found.evidence.text


def _at_the_end_of_the_range() -> tuple[np.ndarray, np.ndarray]:
    """A product whose exact value is the largest float, that the roundings of a sum go beyond."""
    unit, factor = 2.0**104, 2.0**60
    x = np.array([[M - 2 * unit, 0.75 * unit, 0.75 * unit, 0.5 * unit]]) / factor
    return x.astype(np.float32), np.full((4, 1), factor, np.float32)


def test_a_sum_that_is_the_largest_float_may_overflow_in_an_order_of_its_terms() -> None:
    x, y = _at_the_end_of_the_range()

    def hand(x: Any, y: Any) -> Any:
        return jnp.einsum("mk,kq->qm", x, y)

    def auto(x: Any, y: Any) -> Any:
        return 1 * hand(x, y)

    exact = sum(float(a) * float(b) for a, b in zip(x[0], y[:, 0], strict=True))
    assert exact == M
    found = compare(hand, auto, x, y)
    plain = bool(np.isfinite(hand(x, y)).all())
    assert found.verdict is (Verdict.PROVED if plain else Verdict.REFUTED)


@pytest.mark.parametrize(
    "of",
    [
        lambda system, x: system.total([x, x, x]),
        lambda system, x: system.power(x, 3),
        lambda system, x: system.divide(x, system.constant(3.0)),
    ],
    ids=["sum", "power", "quotient"],
)
def test_what_is_rounded_on_its_way_is_unknown_near_the_largest_float(
    of: Callable[[RunningError, Any], Any],
) -> None:
    system = RunningError(np.float32)
    known = []
    for below in (2.0**-40, 2.0**-10):
        for root in (M / 3, M ** (1 / 3), M * 3):
            value = of(system, system.real(system.ball.constant(root * (1 - below)))).value
            if value.is_finite() and value > M / 2:
                known.append(below)
    assert known == [2.0**-10]


def test_compiled_sides_are_judged_as_they_were_given() -> None:
    """Primitive by primitive the products overflow to both infinities, and compiled they do not."""
    x = jnp.float32([4.6e18, 9.3e18, -1.86e19, 2.4e19, 4.6e18])
    y = jnp.float32([-3.4028234e38, -1.8e19, 1.1e-19, 1.8e19, -1.8e19])
    plain = (
        lambda x, y: jnp.clip(jnp.dot(x, y), -1, 1),
        lambda x, y: jnp.clip(jnp.sum(x * y), -1, 1),
    )
    assert np.isnan(plain[1](x, y))
    assert compare(*plain, x, y).verdict is Verdict.REFUTED
    compiled = list(map(jax.jit, plain))
    values = [float(f(x, y)) for f in compiled]
    found = compare(*compiled, x, y)
    assert (found.verdict is Verdict.REFUTED) == any(map(np.isnan, values))
