"""Special points of functions, and what is looked at for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import settings

from jaxgrad.gradients.special_points.search import SpecialPoint, special_points
from jaxgrad.programs.trace import Program, trace

DRAWN = settings(max_examples=25, deadline=None)
DTYPES = [
    np.dtype(name)
    for name in (jnp.float32, jnp.float64, jnp.float16, jnp.bfloat16, jnp.float8_e4m3fn)
]
LIMIT = 24


def programs_of(f: Callable[..., Any], args: Sequence[Any]) -> list[Program]:
    """A function of float arrays with its forward and reverse derivative."""
    args = tuple(jnp.asarray(x) for x in args)
    out = jax.tree.leaves(jax.eval_shape(f, *args))
    tangents = tuple(jnp.full_like(x, 0.75) for x in args)
    cotangents = [jnp.full(y.shape, 0.625, y.dtype) for y in out]

    def forward(*both: Any) -> Any:
        return jax.jvp(f, both[: len(args)], both[len(args) :])[1]

    def backward(*both: Any) -> Any:
        pullback = jax.vjp(lambda *x: jax.tree.leaves(f(*x)), *both[: len(args)])[1]
        return pullback(list(both[len(args) :]))

    return [
        trace(f, args),
        trace(forward, (*args, *tangents)),
        trace(backward, (*args, *cotangents)),
    ]


def found(f: Callable[..., Any], *args: Any, limit: int = LIMIT) -> list[SpecialPoint]:
    programs = programs_of(f, args)
    return special_points(programs, programs[0].inputs, limit)


def values(points: Sequence[SpecialPoint]) -> list[list[Any]]:
    return [[np.asarray(x, np.float64).tolist() for x in point.values] for point in points]
