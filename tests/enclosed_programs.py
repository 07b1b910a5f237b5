"""Numbers, functions and programs on which compiled enclosures are held against balls."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flint import arb
from hypothesis import strategies as st

from jaxgrad import Ball
from jaxgrad.errors import CannotDecide
from jaxgrad.numbers.base import UNKNOWN
from jaxgrad.numbers.operations import operation

__all__ = [
    "ARITIES",
    "LENGTH",
    "NUMBERS",
    "SMALLEST",
    "SPECIAL",
    "derived",
    "drawn_programs",
    "truth",
]

SMALLEST = 2.0**-1022
# Ends of ranges, halves, multiples of π, what overflows soon, and what is flushed to 0.
SPECIAL = [
    0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 3.0, math.pi, math.pi / 2, -math.pi / 4, 0.34, 0.41, -0.29,
    math.sqrt(0.5), math.sqrt(2), 709.5, 709.9, -708.5, -745.5, 1e3, -1e3, 1e5, 2.0**19, 2.0**40,
    1e160, -1e160, 1.7e308, -1.7e308, SMALLEST, -SMALLEST, 1e-160, 5e-324, -1e-310, 1e-300, 2.5,
    1 - 2.0**-53, 1 + 2.0**-52, -1 + 2.0**-53, 2.0**-30, 7.5,
]  # fmt: skip
NUMBERS = st.one_of(
    st.sampled_from(SPECIAL),
    st.floats(-4, 4),
    st.floats(-800, 800),
    st.floats(allow_nan=False, allow_infinity=False),
)


ARITIES = {"add": 2, "add_any": 2, "sub": 2, "mul": 2, "div": 2, "max": 2, "min": 2, "pow": 2,
            "logaddexp": 2, "clamp": 3, "polynomial": 4}  # fmt: skip


def truth(name: str, *xs: arb) -> Any:
    """The value in balls; UNKNOWN where there is none."""
    try:
        return operation(name)(Ball(), *xs)
    except CannotDecide:
        return UNKNOWN


_ONE: dict[str, Callable[[Any], Any]] = {
    "sin": jnp.sin, "cos": jnp.cos, "tan": jnp.tan, "tanh": jnp.tanh, "exp": jnp.exp,
    "expm1": jnp.expm1, "log": jnp.log, "log1p": jnp.log1p, "sqrt": jnp.sqrt, "cbrt": jnp.cbrt,
    "sigmoid": jax.nn.sigmoid, "softplus": jax.nn.softplus, "relu": jax.nn.relu, "abs": jnp.abs,
    "square": jnp.square, "cube": lambda x: x**3, "inverse": lambda x: 1 / x,
    "inverse square": lambda x: x**-2, "sign": jnp.sign, "floor": jnp.floor, "round": jnp.round,
    "arctan": jnp.arctan, "arcsin": jnp.arcsin, "arccos": jnp.arccos, "sinh": jnp.sinh,
    "cosh": jnp.cosh, "arcsinh": jnp.arcsinh, "arctanh": jnp.arctanh, "rsqrt": jax.lax.rsqrt,
    "silu": jax.nn.silu, "negative": jnp.negative, "tenth": lambda x: 0.1 * x, "log2": jnp.log2,
    "reversed": lambda x: x[::-1], "cumulative": jnp.cumsum, "softmax": jax.nn.softmax,
    "normal": lambda x: (x - jnp.mean(x)) / jnp.sqrt(jnp.var(x) + 1e-6),
    "halves": lambda x: x.reshape(-1, 2) @ jnp.array([[0.3, -1.5], [2.0, 0.7]]),
}  # fmt: skip
_TWO: dict[str, Callable[[Any, Any], Any]] = {
    "add": jnp.add, "subtract": jnp.subtract, "multiply": jnp.multiply, "divide": jnp.divide,
    "maximum": jnp.maximum, "minimum": jnp.minimum, "logaddexp": jnp.logaddexp,
    "where": lambda x, y: jnp.where(x > y, x * x, y), "power": lambda x, y: jnp.abs(x) ** y,
    "clip": lambda x, y: jnp.clip(x, -1.0, y), "greater": lambda x, y: (x >= y) * x,
    "product": lambda x, y: jnp.outer(x, y) @ y,
}  # fmt: skip
LENGTH = 6


@st.composite
def drawn_programs(draw: Any) -> Callable[[Any, Any], Any]:
    """A program of two arrays: steps, each of which applies a function to what was made before."""
    steps = draw(st.lists(
        st.tuples(st.sampled_from([*_ONE, *_TWO]), st.integers(0, 9), st.integers(0, 9)),
        min_size=1, max_size=7,
    ))  # fmt: skip

    def program(x: Any, y: Any) -> Any:
        made = [x, y]
        for name, i, j in steps:
            u, v = (made[-1 - k % len(made)] for k in (i, j))
            made.append((_ONE[name](u) if name in _ONE else _TWO[name](u, v)).reshape(LENGTH))
        return made[-1]

    program.__doc__ = repr(steps)
    return program


def derived(program: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda x, y: jax.grad(lambda x: jnp.sum(program(x, y)))(x)
