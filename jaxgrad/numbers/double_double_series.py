"""Parts of functions of double-double balls: series, choices, signs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flint import arb

from jaxgrad.numbers import double_double as dd
from jaxgrad.numbers.double_double import DoubleDouble, constants

__all__ = [
    "compiled",
    "constant",
    "float_ball",
    "horner",
    "magnitude",
    "middle_of",
    "unknown_unless",
    "where",
    "with_sign",
]


@functools.cache
def constant(name: str) -> DoubleDouble:
    """A number that functions need, by its name."""
    number = {
        "log 2": lambda: arb(2).log(),
        "pi/2": lambda: arb.pi() / 2,
        "third": lambda: arb(1) / 3,
        "fifth": lambda: arb(1) / 5,
    }[name]
    return constants(lambda: [number()])[0]


def horner(x: DoubleDouble, coefficients: DoubleDouble) -> DoubleDouble:
    """Σ cₖxᵏ, of balls whose first axis is k: a loop, so that it is compiled as one term."""

    def step(result: DoubleDouble, own: DoubleDouble) -> tuple[DoubleDouble, None]:
        return dd.total(dd.product(result, x), own), None

    start = coefficients[-1].each(lambda part: jnp.broadcast_to(part, x.shape))
    rest = coefficients.each(lambda part: jnp.asarray(part)[-2::-1])
    return jax.lax.scan(step, start, rest)[0]


def where(holds: Any, x: DoubleDouble, y: DoubleDouble) -> DoubleDouble:
    """x where it holds, and else y."""
    return DoubleDouble(*(jnp.where(holds, *pair) for pair in zip(x.parts, y.parts, strict=True)))


def unknown_unless(holds: Any, x: DoubleDouble) -> DoubleDouble:
    """x where it holds, and else nothing."""
    high, low, radius = x.parts
    return DoubleDouble(high, low, jnp.where(holds, radius, jnp.nan))


def middle_of(x: DoubleDouble) -> DoubleDouble:
    """The middles alone."""
    return DoubleDouble(x.parts[0], x.parts[1], jnp.zeros_like(x.parts[0]))


def float_ball(x: Any) -> DoubleDouble:
    """Floats as balls."""
    zero = jnp.zeros_like(x)
    return DoubleDouble(x, zero, zero)


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Traced once for each shape, wherever it is called."""
    return functools.wraps(function)(jax.jit(function))


def magnitude(x: DoubleDouble) -> DoubleDouble:
    """|x|: of the middle, as no two magnitudes are further apart than the numbers."""
    high, low, radius = x.parts
    sign = jnp.where(high < 0, -1.0, 1.0)
    return DoubleDouble(high * sign, low * sign, radius)


def with_sign(x: DoubleDouble, of_magnitude: DoubleDouble) -> DoubleDouble:
    """An odd function by what it is of the magnitude."""
    high, low, radius = of_magnitude.parts
    sign = jnp.where(x.parts[0] < 0, -1.0, 1.0)
    return DoubleDouble(high * sign, low * sign, radius)
