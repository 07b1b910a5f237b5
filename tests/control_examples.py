"""Examples of calls, of custom rules and of control flow."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from rule_example import Example, exact


@jax.custom_jvp
def _cubed(x: Any) -> Any:
    return x * x * x


@_cubed.defjvp
def _cubed_jvp(primals: Any, tangents: Any) -> Any:
    return _cubed(*primals), 3 * primals[0] ** 2 * tangents[0]


@jax.custom_vjp
def _twice(x: Any) -> Any:
    return x + x


_twice.defvjp(lambda x: (_twice(x), None), lambda _, g: (g + g,))


def _scanned(x: Any, y: Any) -> Any:
    def step(carry: Any, row: Any) -> Any:
        return carry * 0.5 + row, carry * row

    last, rows = lax.scan(step, x[0], y)
    backwards = lax.scan(step, last, rows, reverse=True)[1]
    counted, none = lax.scan(lambda c, _: (c + x[1], None), y[0], None, length=3)
    empty, nothing = lax.scan(step, counted, jnp.zeros((0,), x.dtype))
    assert none is None and nothing.shape == (0,)
    return backwards + empty


def _looped(x: Any, y: Any) -> Any:
    def go_on(state: Any) -> Any:
        return state[0] < 3

    def step(state: Any) -> Any:
        return state[0] + 1, state[1] * 0.5 + y

    return lax.while_loop(go_on, step, (0, x))[1]


def _chosen(x: Any, y: Any) -> Any:
    concrete = lax.cond(np.bool_(True), lambda v: v + 1, lambda v: v - 1, x)
    known = lax.switch(np.int32(5), [jnp.negative, lambda v: 2 * v, lambda v: 3 * v], y)
    opened = lax.cond(x[0] > y[0], lambda v: (v, 2 * v), lambda v: (v * v, -v), y)
    first, second, last = np.array([0, 1, 7], np.int32)
    number = jnp.where(x[1] > y[1], first, jnp.where(x[2] > y[2], second, last))
    several = lax.switch(number, [jnp.negative, lambda v: 2 * v, lambda v: 3 * v], y)
    return concrete + known + opened[0] * opened[1] + several


@jax.custom_batching.custom_vmap
def _squared(x: Any) -> Any:
    return x * x


_squared.def_vmap(lambda size, mapped, x: (x * x, mapped[0]))


@jax.custom_vjp
def _to_the_third(x: Any) -> Any:
    return x * x * x


_to_the_third.defvjp(
    lambda x: (x * x * x, 3 * x * x), lambda slope, y: (slope * y,), optimize_remat=True
)

CONTROL: dict[str, Example] = {
    "linear_call": exact(
        lambda x, y: jax.custom_derivatives.linear_call(
            lambda a, v: a * v, lambda a, v: a * v, x, y
        ),
        gradient=False,
    ),
    "custom_vmap_call": exact(lambda x, y: _squared(x) * y, gradient=False),
    "jit": exact(lambda x, y: jax.jit(lambda a: jax.jit(jnp.negative)(a) * y)(x)),
    "remat2": exact(lambda x, y: jax.checkpoint(lambda a: a * a * y)(x)),
    "custom_jvp_call": exact(lambda x, y: _cubed(x) * y),
    "custom_vjp_call": exact(lambda x, y: _twice(x) * y),
    "remat_opt": exact(lambda x, y: jax.vjp(_to_the_third, x)[1](y)[0], gradient=False),
    "composite": exact(
        lambda x, y: lax.composite(lambda a, b: a * b, "jaxgrad.product")(x, y), gradient=False
    ),
    "scan": exact(_scanned),
    "while": exact(_looped, gradient=False),
    "cond": exact(_chosen),
}
