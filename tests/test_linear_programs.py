"""What the operations of a program show: whether it is linear in what it maps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxgrad.gradients.rules.linear_programs import Kind, kinds_of

V = np.array([0.3, -0.5, 0.8], np.float32)


def kinds(function: Callable[..., Any]) -> list[str]:
    """Of a function of what is free, and of what moves."""
    closed = jax.make_jaxpr(function)(V, V)
    return [kind.name for kind in kinds_of(closed, [Kind.FREE, Kind.LINEAR])]


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (lambda x, u: x * u, "LINEAR"),
        (lambda x, u: u * u, "ANALYTIC"),
        (lambda x, u: u / x, "LINEAR"),
        (lambda x, u: x / u, "OTHER"),
        (lambda x, u: u + x, "ANALYTIC"),
        (lambda x, u: u - 0.0, "LINEAR"),
        (lambda x, u: u + 1.0, "ANALYTIC"),
        (lambda x, u: jnp.sin(x), "FREE"),
        (lambda x, u: jnp.sin(u), "ANALYTIC"),
        (lambda x, u: jnp.zeros(3) * u, "ZERO"),
        (lambda x, u: jnp.where(x > 0, u, 0), "LINEAR"),
        (lambda x, u: jnp.where(x > 0, u, 1), "ANALYTIC"),
        (lambda x, u: jnp.where(u > 0, u, 0), "OTHER"),
        (lambda x, u: jnp.dot(x, u), "LINEAR"),
        (lambda x, u: jnp.dot(u, u), "ANALYTIC"),
        (lambda x, u: jnp.cumsum(u)[::-1].reshape(1, 3).T, "LINEAR"),
        (lambda x, u: jnp.max(u), "OTHER"),
        (lambda x, u: jnp.pad(u, 1), "LINEAR"),
        (lambda x, u: jnp.pad(u, 1, constant_values=1), "ANALYTIC"),
        (lambda x, u: u[jnp.argsort(x)], "LINEAR"),
        (lambda x, u: x[jnp.argsort(u)], "OTHER"),
        (lambda x, u: jnp.zeros(3).at[jnp.argsort(x)].add(u), "LINEAR"),
        (lambda x, u: x.at[0].set(u[0]), "ANALYTIC"),
        (lambda x, u: u.astype(int), "OTHER"),
        (lambda x, u: u.astype(jnp.float16), "LINEAR"),
        (lambda x, u: jnp.concatenate([u, jnp.zeros(2)]), "LINEAR"),
        (lambda x, u: jnp.concatenate([u, x]), "ANALYTIC"),
        (lambda x, u: jax.lax.cond(x[0] > 0, lambda: u, lambda: 2 * u), "LINEAR"),
        (lambda x, u: jax.lax.cond(u[0] > 0, lambda: u, lambda: 2 * u), "OTHER"),
        (lambda x, u: jax.lax.cond(x[0] > 0, lambda: u, lambda: x), "ANALYTIC"),
        (lambda x, u: jax.lax.fori_loop(0, 3, lambda _, c: c * x, u), "LINEAR"),
        (lambda x, u: jax.lax.fori_loop(0, 3, lambda _, c: c * c, u), "ANALYTIC"),
        (lambda x, u: jax.lax.fori_loop(0, 3, lambda _, c: c + u, x), "ANALYTIC"),
        (lambda x, u: jax.lax.while_loop(lambda c: c[0] < 9, lambda c: c + u, x), "OTHER"),
        (lambda x, u: jax.lax.scan(lambda c, y: (c + y, c), u[0], x * u)[1], "LINEAR"),
        (lambda x, u: jax.jit(lambda v: 2 * v)(u), "LINEAR"),
        (lambda x, u: jax.nn.relu(u), "OTHER"),
        (lambda x, u: jnp.stack([u, 2 * u]), "LINEAR"),
        (lambda x, u: jnp.conj(1j * u).imag, "LINEAR"),
        (lambda x, u: jnp.fft.irfft(jnp.fft.rfft(u) * 2j, 3), "LINEAR"),
        (lambda x, u: jnp.real((1j * u) * (u + 1j)), "ANALYTIC"),
        # It has poles beside the real line.
        (lambda x, u: jnp.tanh(1j * u).imag, "OTHER"),
    ],
)
def test_kinds(function: Any, kind: str) -> None:
    assert kinds(function) == [kind]


@given(st.lists(st.sampled_from(["add", "mul", "where", "flip", "div", "zero"]), max_size=8))
def test_what_is_said_to_be_linear_is(steps: list[str]) -> None:
    """Programs that are linear or not by what they are made of, run at two points."""

    def function(x: Any, u: Any) -> Any:
        value = u
        for step in steps:
            value = {
                "add": lambda v: v + u,
                "mul": lambda v: v * x,
                "where": lambda v: jnp.where(x > 0, v, u),
                "flip": lambda v: v[::-1],
                "div": lambda v: v / (1 + x * x),
                "zero": lambda v: v + 0.0,
            }[step](value)
        return value

    assert kinds(function) == ["LINEAR"]
    assert kinds(lambda x, u: function(x, u) + x) == ["ANALYTIC"]
    np.testing.assert_allclose(function(V, 2 * V), 2 * function(V, V), rtol=1e-5)
