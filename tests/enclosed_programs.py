"""Numbers, functions and programs on which compiled enclosures are held against balls, and how."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

import jaxgrad
from jaxgrad import Ball
from jaxgrad.errors import CannotDecide
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.arrays import ArraySystem
from jaxgrad.numbers.base import UNKNOWN
from jaxgrad.numbers.operations import operation
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.trace import trace

__all__ = [
    "ARITIES",
    "LENGTH",
    "NUMBERS",
    "SMALLEST",
    "Enclosures",
    "derived",
    "drawn_programs",
    "require_drawn_programs_held",
    "require_held",
    "require_program_held",
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


# -- enclosures held against balls -----------------------------------------------------------------
class Enclosures(NamedTuple):
    """A system of arrays, and both ends of each number of an array, or None where it has none."""

    system: ArraySystem
    ends: Callable[[Any], Iterable[tuple[arb, arb] | None]]
    is_compiled: bool  # whether programs are compiled whole, or an operation at a time


def require_held(
    ends: Iterable[tuple[arb, arb] | None], true: Any, floats: np.ndarray | None = None
) -> int:
    """How many entries are known, each of which holds the ball at its place.

    Balls have no bound for e^x of large x: ``floats`` may, which are JAX's own.
    """
    count = 0
    balls = np.asarray(true, object).reshape(-1)
    others = [None] * balls.size if floats is None else floats.reshape(-1).tolist()
    for known, ball, other in zip(ends, balls, others, strict=True):
        if known is None:
            continue
        low, high = known
        if other is not None and ball is not UNKNOWN and not ball.is_finite():
            slack = 1e-3 * min(abs(other), 1e307)  # floats are rounded
            assert low - slack <= arb(other) <= high + slack, (low, high, other)
            continue
        assert ball is not UNKNOWN and ball.is_finite(), (low, high, ball)
        assert not (ball < low or ball > high), (low, high, ball)
        count += 1
    return count


def require_program_held(
    enclosures: Enclosures, program: Callable[..., Any], xs: np.ndarray, ys: np.ndarray
) -> tuple[int, int]:
    """How many values of a program at a batch were looked at, and how many of them are known."""
    system, ends, is_compiled = enclosures
    over = jax.vmap(lambda x, y: jaxgrad.run_over(system, program, x, y))
    found = (jax.jit(over) if is_compiled else over)(system.lift(xs), system.lift(ys))
    floats = np.asarray(jax.vmap(program)(jnp.asarray(xs), jnp.asarray(ys)))
    known, traced = 0, trace(program, (xs[0], ys[0]))
    with precision(300):
        for k, point in enumerate(zip(xs, ys, strict=True)):
            try:
                (true,) = interpret(traced, Ball(), [Ball().constants(x) for x in point])
            except CannotDecide:
                continue
            known += require_held(ends(found[k]), true, floats[k])
    return xs.size, known


def require_drawn_programs_held(
    enclosures: Enclosures, examples: int, points: int
) -> tuple[int, int]:
    """The same of drawn programs and gradients, extremes, subnormals and overflow included."""
    counted: list[tuple[int, int]] = []

    @settings(max_examples=examples, derandomize=True, database=None)
    @given(drawn_programs(), st.booleans(), st.integers(0, 2**32 - 1))
    def look(program: Any, of_gradient: bool, seed: int) -> None:
        draw = np.random.default_rng(seed)
        sizes = draw.choice([1e-3, 0.3, 1.0, 30.0], (2, points, 1))
        batch = draw.normal(size=(2, points, LENGTH)) * sizes
        special = draw.random(batch.shape) < 0.1
        batch = np.where(special, draw.choice(SPECIAL, batch.shape), batch)
        function = derived(program) if of_gradient else program
        counted.append(require_program_held(enclosures, function, *batch))

    look()
    looked_at, known = zip(*counted, strict=True)
    return sum(looked_at), sum(known)
