"""Elementwise operations by name, in what a number system can do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jaxgrad.numbers.base import NumberSystem

__all__ = ["LOGIC", "OPERATIONS", "operation"]

Operation = Callable[..., Any]


def _horner(s: NumberSystem, x: Any, *coefficients: Any) -> Any:
    """c₀ + c₁x + c₂x² + …"""
    result = s.constant(0)
    for coefficient in reversed(coefficients):
        result = result * x + coefficient
    return result


def _normal_quantile(s: NumberSystem, p: Any) -> Any:
    """−√2 erf⁻¹(1 − 2p), at which the normal distribution is p."""
    two = s.constant(2)
    return -s.sqrt(two) * s.function("erf_inv", s.constant(1) - two * p)


def _log_normal(s: NumberSystem, x: Any) -> Any:
    """log(½ erfc(−x/√2)), the logarithm of the normal distribution."""
    two = s.constant(2)
    return s.log(s.divide(s.function("erfc", s.divide(-x, s.sqrt(two))), two))


def _dawson(s: NumberSystem, x: Any) -> Any:
    """½√π e^(−x²) erfi(x)."""
    half_root = s.divide(s.sqrt(s.function("atan2", s.constant(0), s.constant(-1))), s.constant(2))
    return half_root * s.exp(-(x * x)) * s.function("erfi", x)


# JAX's primitives, by their names.
OPERATIONS: dict[str, Operation] = {
    "add": lambda s, x, y: x + y,
    "add_any": lambda s, x, y: x + y,
    "sub": lambda s, x, y: s.difference(x, y),
    "mul": lambda s, x, y: x * y,
    "div": lambda s, x, y: s.divide(x, y),
    "neg": lambda s, x: -x,
    "square": lambda s, x: x * x,
    "one_minus_square": lambda s, x: s.constant(1) - x * x,
    "max": lambda s, x, y: s.maximum(x, y),
    "min": lambda s, x, y: s.minimum(x, y),
    "abs": lambda s, x: s.absolute(x),
    "sign": lambda s, x: s.sign(x),
    "polynomial": _horner,
    "clamp": lambda s, low, x, high: s.minimum(s.maximum(low, x), high),
}

# What else is made of others, by the names of JAX's functions.
_COMPOSED: dict[str, Operation] = {
    "logaddexp": lambda s, x, y: s.log(s.exp(x) + s.exp(y)),
    "exp_neg_sq": lambda s, x: s.exp(-(x * x)),
    "erfcx": lambda s, x: s.exp(x * x) * s.function("erfc", x),
    "erfcinv": lambda s, y: s.function("erf_inv", s.constant(1) - y),
    "dawson": _dawson,
    "ndtri": _normal_quantile,
    "log_ndtr": _log_normal,
    "cosine_integral_of_absolute": lambda s, x: s.function("cosine_integral", s.absolute(x)),
}


def operation(name: str) -> Operation:
    """What a name means of a number system and its elements.

    Example:
        >>> from jaxgrad.numbers.ball import Ball, exact_ball
        >>> operation("square")(Ball(), exact_ball(3))
        9.00000000000000
    """
    found = OPERATIONS.get(name) or _COMPOSED.get(name)
    return found or (lambda s, *xs: s.apply(name, *xs))


def _differ(s: NumberSystem, p: Any, q: Any) -> Any:
    """Exactly one of the two."""
    return s.logical_and(s.logical_or(p, q), s.logical_not(s.logical_and(p, q)))


# Functions of truth values, open ones included; those that choose are of False before True.
LOGIC: dict[str, Operation] = {
    "and": lambda s, p, q: s.logical_and(p, q),
    "or": lambda s, p, q: s.logical_or(p, q),
    "not": lambda s, p: s.logical_not(p),
    "xor": _differ,
    "ne": _differ,
    "eq": lambda s, p, q: s.logical_not(_differ(s, p, q)),
    "max": lambda s, p, q: s.logical_or(p, q),
    "min": lambda s, p, q: s.logical_and(p, q),
    "clamp": lambda s, low, p, high: s.logical_and(s.logical_or(low, p), high),
}
