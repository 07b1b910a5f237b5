"""Functions with derivative rules that a slope gives, right or wrong, for tests of checks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

__all__ = ["backward", "forward", "sine"]


def backward(function: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Any:
    """A function of one number or one vector, entry by entry, with a custom_vjp rule."""
    ruled = jax.custom_vjp(function)
    ruled.defvjp(lambda x: (function(x), x), lambda x, g: (g * slope(x),))
    return ruled


def forward(function: Callable[[Any], Any], slope: Callable[[Any], Any]) -> Any:
    """The same with a custom_jvp rule."""
    ruled = jax.custom_jvp(function)
    ruled.defjvp(lambda x, v: (function(*x), slope(*x) * v[0]))
    return ruled


def sine(factor: Callable[[Any], Any]) -> Any:
    """The sine with a rule that is wrong by a factor of the point."""
    return forward(jnp.sin, lambda x: jnp.cos(x) * factor(x))
