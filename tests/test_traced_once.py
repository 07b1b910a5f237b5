"""A check traces the function and each of its derivatives once, whoever asks for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad.gradients.check_grads import check_grads

X = np.array([0.25, -0.5, 0.75], np.float32)


@jax.custom_vjp
def sine(x: Any, y: Any) -> Any:
    """sin(x)·y, with a backward rule that JAX would write otherwise."""
    return jnp.sin(x) * y


sine.defvjp(
    lambda x, y: (sine(x, y), (x, y)),
    lambda r, g: (g * (r[1] * jnp.cos(r[0])), g * jnp.sin(r[0])),
)


@jax.custom_jvp
def cubes(x: Any) -> Any:
    """x₁³ + x₂³ + …, with a forward rule that JAX would write otherwise."""
    return jnp.sum(x**3)


cubes.defjvp(lambda p, t: (cubes(p[0]), jnp.sum(3 * (p[0] * p[0]) * t[0])))


@jax.custom_jvp
def waves(x: Any) -> Any:
    """sin(x₁) + sin(x₂) + …, which every dtype computes."""
    return jnp.sum(jnp.sin(x))


waves.defjvp(lambda p, t: (waves(p[0]), jnp.sum(2 * jnp.cos(p[0]) * (t[0] / 2))))


@jax.custom_vjp
def through(x: Any) -> Any:
    """round(x), with the derivative of sin."""
    return jnp.round(x)


through.defvjp(lambda x: (through(x), x), lambda x, g: (jnp.cos(x) * g,))


@jax.custom_vjp
def passed_on(g: Any) -> Any:
    """The identity, by a rule of its own."""
    return g


passed_on.defvjp(lambda g: (g, None), lambda _, c: (c,))


@jax.custom_vjp
def squares(x: Any) -> Any:
    """x₁² + x₂² + …, with a rule within its rule: no operation says that it is linear."""
    return jnp.sum(x**2)


squares.defvjp(lambda x: (squares(x), x), lambda x, g: (2 * x * passed_on(g),))


def _host_tanh(x: Any) -> Any:
    return np.tanh(np.asarray(x))


@jax.custom_vjp
def kernel(x: Any) -> Any:
    """tanh, as a callback."""
    return jax.pure_callback(_host_tanh, jax.ShapeDtypeStruct(x.shape, x.dtype), x)


kernel.defvjp(lambda x: (kernel(x), kernel(x)), lambda y, g: (g * (1 - y * y),))


CASES: dict[str, tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], int]] = {
    # f, J(x)v and J(x)ᵀu, these two under vmap and as they are without the rule
    "a forward rule": (cubes, (X,), {}, 7),
    # f, what turns out to be no forward mode, J(x)ᵀu, under vmap and without the rule
    "a backward rule": (sine, (X, X), {}, 5),
    # as a forward rule; and four second derivatives, with and without the rule
    "second derivatives": (cubes, (X,), {"order": 2}, 7 + 8),
    # as a backward rule; and of order 2, with the rule and without it, a derivative at fixed
    # directions and one where everything moves, besides the first one where everything moves
    "everything moves": (squares, (X,), {"order": 2}, 5 + 4 + 1),
    # as a backward rule; and the reference, of which J(x)ᵀu is to be
    "a reference": (through, (X,), {"reference": jnp.sin}, 5 + 1),
    # f, no forward mode, J(x)ᵀu; the reference, its J(x)ᵀu, under vmap
    "a kernel": (kernel, (X,), {"reference": jnp.tanh}, 6),
    # as a backward rule; and J(x)ᵀu without the value beside it
    "its own dtype": (sine, (X, X), {"dtypes": ["float32"]}, 5 + 1),
    # as a forward rule; and f and both derivatives in the dtype, for its floats, and what is asked
    # of formulas alone: whether the rule is linear, and under vmap in both modes
    "another dtype": (waves, (X,), {"dtypes": ["bfloat16"]}, 7 + 3 + 4),
}
"""The function, its arguments, how it is checked, and the programs that this takes."""


def traced_by(monkeypatch: pytest.MonkeyPatch, check: Callable[[], Any]) -> list[str]:
    """The programs that JAX traces meanwhile."""
    programs: list[str] = []
    original = jax.make_jaxpr

    def make_jaxpr(*args: Any, **options: Any) -> Callable[..., Any]:
        make = original(*args, **options)

        def made(*values: Any) -> Any:
            found = make(*values)
            programs.append(str(found[0] if isinstance(found, tuple) else found))
            return found

        return made

    monkeypatch.setattr(jax, "make_jaxpr", make_jaxpr)
    check()
    return programs


@pytest.mark.parametrize("name", CASES)
def test_each_program_is_traced_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    f, args, options, count = CASES[name]
    programs = traced_by(monkeypatch, lambda: check_grads(f, args, **options))
    assert len(set(programs)) == len(programs) == count
