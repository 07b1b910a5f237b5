"""A reference that stops gradients itself: the refutation says so, and in which function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import GradientMismatch, check_grads

X = np.float32(0.3)
V = np.array([0.3, -0.8, 1.1], np.float32)
WHY = "the reference itself stops gradients in "


def straight_through(x: Any) -> Any:
    return x + jax.lax.stop_gradient(jnp.round(x) - x)


def halved(x: Any) -> Any:
    """x, whose derivative is half that of x."""
    return 0.5 * x + jax.lax.stop_gradient(0.5 * x)


def refuted(f: Callable[..., Any], *args: Any, **asked: Any) -> str:
    with pytest.raises(GradientMismatch) as caught:
        check_grads(f, args, **asked)
    return str(caught.value).splitlines()[0]


def test_the_function_that_stops_is_named() -> None:
    said = refuted(straight_through, X, reference=straight_through)
    assert f"{WHY}`straight_through`, and its derivative is that of the function" in said
    assert "give one without stop_gradient" in said
    assert check_grads(straight_through, (X,), reference=lambda x: x).verdict.passes


@pytest.mark.parametrize("wrapped", [jax.jit, jax.vmap, jax.checkpoint])
def test_within_another(wrapped: Callable[..., Any]) -> None:
    def reference(x: Any) -> Any:
        return jnp.sin(wrapped(halved)(x))

    assert f"{WHY}`halved`" in refuted(reference, V, reference=reference)
    assert f"{WHY}`halved`" in refuted(reference, V, reference=reference, modes="fwd")


def test_at_a_special_point() -> None:
    def reference(x: Any) -> Any:
        return jnp.where(x == 2, halved(x), x)

    said = refuted(reference, V, reference=reference, special_points=True, modes="rev")
    assert "at a special point of the program, x[2] = 2.0" in said
    assert f"{WHY}`halved`" in said


def test_of_order_two() -> None:
    def reference(x: Any) -> Any:
        return x * jax.lax.stop_gradient(x) + x * x / 2

    def stopped_once(x: Any) -> Any:
        return x * x * 1.5

    said = refuted(stopped_once, X, order=2, reference=lambda x: 2 * reference(x), modes="rev")
    assert f"{WHY}`reference`" in said


def test_a_reference_that_stops_nothing_that_moves() -> None:
    wrong = jax.custom_jvp(lambda x: jax.nn.softmax(x))
    wrong.defjvp(lambda xs, ts: (wrong(*xs), ts[0]))
    assert "stop" not in refuted(wrong, V, reference=jax.nn.softmax)
    assert "stop" not in refuted(lambda x: 2 * x, X, reference=lambda x: x)
    constant = lambda x: x + jax.lax.stop_gradient(jnp.float32(1))  # noqa: E731
    assert "stop" not in refuted(lambda x: 2 * x, X, reference=constant)


def test_without_a_reference_there_is_nothing_to_say() -> None:
    assert "the reference" not in refuted(straight_through, X)
