"""An activation by a rule that may be wrong at one point, and functions that call it."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

DRAWN = np.random.RandomState(0)

W = (DRAWN.randn(8, 8) / 3).astype(np.float32)

ROWS = DRAWN.randn(128, 8).astype(np.float32)  # too many numbers for special points of the whole

X = np.float32(0.7)


def leaky(slope_at):
    """max(x, x/8), by a rule that is wrong at 1.5 unless the slope there is 1."""

    @jax.custom_jvp
    def leaky_unit(x):
        return jnp.where(x > 0, x, 0.125 * x)

    @leaky_unit.defjvp
    def _(primals, tangents):
        (x,), (t,) = primals, tangents
        slope = jnp.where(x > 0, 1.0, 0.125)
        return leaky_unit(x), jnp.where(x == 1.5, slope_at, slope) * t

    return leaky_unit


def backward(slope_at):
    """The same as a custom_vjp."""

    @jax.custom_vjp
    def leaky_unit(x):
        return jnp.where(x > 0, x, 0.125 * x)

    def bwd(x, g):
        return (jnp.where(x == 1.5, slope_at, jnp.where(x > 0, 1.0, 0.125)) * g,)

    leaky_unit.defvjp(lambda x: (leaky_unit(x), x), bwd)
    return leaky_unit


RIGHT, WRONG = leaky(1.0), leaky(3.0)

PLACES = {
    "a layer": lambda unit: lambda w: jnp.mean(unit(ROWS @ w) ** 2),
    "two layers": lambda unit: lambda w: jnp.mean(unit(unit(ROWS @ w) @ w) ** 2),
    "jit": lambda unit: jax.jit(lambda w: jnp.mean(jax.jit(unit)(ROWS @ w) ** 2)),
    "remat": lambda unit: jax.checkpoint(lambda w: jnp.mean(unit(ROWS @ w) ** 2)),
    "vmap": lambda unit: lambda w: jnp.mean(jax.vmap(lambda row: unit(row @ w))(ROWS) ** 2),
    "scan": lambda unit: (
        lambda w: jnp.mean(jax.lax.scan(lambda x, _: (unit(x @ w), None), ROWS, None, length=4)[0])
    ),
    "a reversed scan over rows": lambda unit: (
        lambda w: jnp.mean(
            jax.lax.scan(lambda c, row: (c, unit(row @ w)), 0.0, ROWS, reverse=True)[1]
        )
    ),
    "cond": lambda unit: (
        lambda w: jax.lax.cond(
            w[0, 0] < 100, lambda w: jnp.mean(unit(ROWS @ w)), lambda w: jnp.mean(w), w
        )
    ),
    "while": lambda unit: (
        lambda w: jnp.mean(
            jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, unit(c[1] @ w)), (0, ROWS))[
                1
            ]
        )
    ),
}
