"""check_grads() with a reference: the function whose derivative is meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.cases import with_rule
from jaxgrad.errors import GradientMismatch, ShapeMismatch, TreeMismatch, UndecidedError
from jaxgrad.gradients.check_grads import check_grads
from jaxgrad.verdict import Verdict


def test_a_reference_says_what_is_meant() -> None:
    def straight_through(x: Any) -> Any:
        return x + jax.lax.stop_gradient(jnp.round(x) - x)

    with pytest.raises(GradientMismatch):
        check_grads(straight_through, (0.3,))
    assert check_grads(straight_through, (0.3,), reference=lambda x: x).verdict.passes
    with pytest.raises(GradientMismatch):
        check_grads(straight_through, (0.3,), reference=lambda x: 2 * x)
    with pytest.raises(TreeMismatch, match="a reference takes the arguments of f"):
        check_grads(straight_through, (0.3,), reference=lambda x: (x,))
    with pytest.raises(ShapeMismatch, match="a reference returns what f returns"):
        check_grads(straight_through, (0.3,), reference=lambda x: x * jnp.ones(2))


def test_a_surrogate_gradient() -> None:
    spike = with_rule(
        lambda x: (x > 0) * 1.0,
        lambda xs, ts: jax.nn.sigmoid(xs[0]) * jax.nn.sigmoid(-xs[0]) * ts[0],
    )
    assert check_grads(spike, (0.7,), reference=jax.nn.sigmoid).verdict.passes
    with pytest.raises(GradientMismatch):
        check_grads(spike, (0.7,), reference=jnp.tanh)


def kernel(slope: Callable[..., Any]) -> Callable[..., Any]:
    """The sine as a callback, which has no program to look into."""

    @jax.custom_jvp
    def sine(x: Any) -> Any:
        shape = jax.ShapeDtypeStruct(jnp.shape(x), jnp.result_type(x))
        return jax.pure_callback(np.sin, shape, x, vmap_method="expand_dims")

    sine.defjvp(lambda xs, ts: (sine(xs[0]), slope(xs[0]) * ts[0]))
    return sine


def test_a_kernel_is_judged_by_its_floats_beside_a_reference() -> None:
    x = np.linspace(-1, 1, 5, dtype=np.float32)
    found = check_grads(kernel(jnp.cos), (x,), reference=jnp.sin)
    assert found.verdict is Verdict.AGREES
    assert "the floats of f" in found.evidence.text
    with pytest.raises(UndecidedError, match="further from that of the reference"):
        check_grads(kernel(lambda x: jnp.cos(x) * (1 + 1e-4)), (x,), reference=jnp.sin)
    with pytest.raises(UndecidedError, match="with reference="):
        check_grads(kernel(jnp.cos), (x,))
    with pytest.raises(UndecidedError, match="first derivatives alone"):
        check_grads(kernel(jnp.cos), (x,), order=2, reference=jnp.sin)
