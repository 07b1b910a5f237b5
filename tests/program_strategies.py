"""Random programs: a few steps, each applied to vectors made before, then one reduction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import strategies as st
from jax import lax

SIZE = 3

UNARY: dict[str, Callable[[Any], Any]] = {
    "neg": lambda u: -u,
    "abs": jnp.abs,
    "sign": jnp.sign,
    "relu": jax.nn.relu,
    "relu6": jax.nn.relu6,
    "exp of tanh": lambda u: jnp.exp(jnp.tanh(u)),
    "exp": lambda u: jnp.exp(u / 2),
    "log1p(exp)": lambda u: jnp.log1p(jnp.exp(u)),
    "logistic": jax.nn.sigmoid,
    "log of logistic": lambda u: jnp.log(jax.nn.sigmoid(u)),
    "tanh": jnp.tanh,
    "softplus": jax.nn.softplus,
    "softmax": jax.nn.softmax,
    "log_softmax": jax.nn.log_softmax,
    "integer_pow": lambda u: u**3,
    "square": jnp.square,
    "sqrt": lambda u: jnp.sqrt(1 + u * u),
    "rsqrt": lambda u: lax.rsqrt(1 + jnp.abs(u)),
    "reciprocal": lambda u: 1 / (1 + u * u),
    "divide by exp": lambda u: u / (1 + jnp.exp(-u)),
    "divide by abs": lambda u: u / (1 + jnp.abs(u)),
    "log": lambda u: jnp.log(1 + u * u),
    "log of abs": lambda u: jnp.log(jnp.abs(u) + 0.5),
    "guarded divide": lambda u: jnp.where(u == 0, 1.0, jnp.sin(u) / jnp.where(u == 0, 1.0, u)),
    "leaky": lambda u: jnp.where(u > 0, u, 0.25 * u),
    "where three": lambda u: jnp.where(u > 0, u * u, jnp.where(u == 0, 1.0, -u)),
    "rev": lambda u: u[::-1],
    "shift": lambda u: jnp.concatenate([u[1:], u[:1] * 2]),
    "cumsum": jnp.cumsum,
    "normalise": lambda u: u - jnp.max(u),
    "matrix": lambda u: jnp.asarray(np.array([[1, 0.5, 0], [0, -1, 2], [0.25, 0, 1]])) @ u,
    "sin": jnp.sin,
    "erf": lax.erf,
    "scan": lambda u: lax.scan(lambda c, x: (c * 0.5 + x, c * x), u[0], u)[1],
    "cond": lambda u: lax.cond(u[0] > u[1], lambda v: v * v, lambda v: -v, u),
}

BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda u, v: u + v,
    "sub": lambda u, v: u - v,
    "mul": lambda u, v: u * v,
    "max": jnp.maximum,
    "min": jnp.minimum,
    "div": lambda u, v: u / (1 + v * v),
    "div by exp": lambda u, v: u / jnp.exp(jnp.tanh(v)),
    "where": lambda u, v: jnp.where(u > v, u, v * v),
    "where equal": lambda u, v: jnp.where(u == v, 2 * u, u * v),
    "logaddexp": jnp.logaddexp,
    "dot": lambda u, v: jnp.dot(u, v) * u,
    "outer": lambda u, v: jnp.outer(u, v).sum(0),
    "slice": lambda u, v: jnp.concatenate([u[:1], v[1:]]),
    "clip": lambda u, v: jnp.clip(u, -jnp.abs(v), 1.0),
}

REDUCTIONS: dict[str, Callable[[Any], Any]] = {
    "sum": jnp.sum,
    "max": jnp.max,
    "min": jnp.min,
    "mean": jnp.mean,
    "logsumexp": jax.nn.logsumexp,
    "dot": lambda u: jnp.dot(u, u),
    "prod": jnp.prod,
    "norm": lambda u: jnp.sqrt(1 + jnp.sum(u * u)),
}


@dataclass(frozen=True)
class RandomProgram:
    """Steps over a list of vectors that starts with the two inputs.

    Args:
        steps: (name, place of the first operand, place of the second), counted from the end.
        reduction: what is done to the last vector.
    """

    steps: tuple[tuple[str, int, int], ...]
    reduction: str

    def __call__(self, x: Any, y: Any) -> Any:
        made = [x, y]
        for name, i, j in self.steps:
            u, v = made[-1 - i % len(made)], made[-1 - j % len(made)]
            made.append(UNARY[name](u) if name in UNARY else BINARY[name](u, v))
        return REDUCTIONS[self.reduction](made[-1])


_step = st.one_of(
    st.tuples(st.sampled_from(sorted(UNARY)), st.integers(0, 1), st.just(0)),
    st.tuples(st.sampled_from(sorted(BINARY.keys() - UNARY.keys())), st.just(0), st.integers(0, 2)),
)
programs = st.builds(
    RandomProgram,
    st.lists(_step, min_size=1, max_size=4).map(tuple),
    st.sampled_from(sorted(REDUCTIONS)),
)
