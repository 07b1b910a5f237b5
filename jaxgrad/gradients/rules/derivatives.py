"""A derivative that JAX takes, as a function of the point and of what it is taken along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

__all__ = ["derivative"]

Function = Callable[..., Any]


def derivative(mode: str, function: Function, leaf: int | None = None) -> Function:
    """(x, w) ↦ f(x) and J(x) w in mode ``"fwd"``, or f(x) and J(x)ᵀ w in mode ``"rev"``.

    Args:
        mode: ``"fwd"`` or ``"rev"``.
        function: f, of the leaves of x, which returns a list of leaves.
        leaf: the only leaf of the arguments that moves (fwd) or of the result that is weighed
            (rev), and the only one that w has; all of them if None.

    Example:
        >>> at, along = (jax.numpy.float32(3.0),), (jax.numpy.float32(1.0),)
        >>> value, slope = derivative("fwd", lambda x: [x**2])(at, along)
        >>> float(value[0]), float(slope[0])
        (9.0, 6.0)
    """
    return (_forward if mode == "fwd" else _backward)(function, leaf)


def _forward(function: Function, leaf: int | None) -> Function:
    def forward(x: Any, v: Any) -> Any:
        moving = range(len(x)) if leaf is None else [leaf]

        def moved(*values: Any) -> Any:
            every = list(x)
            for i, value in zip(moving, values, strict=True):
                every[i] = value
            return function(*every)

        return jax.jvp(moved, tuple(x[i] for i in moving), tuple(v))

    return forward


def _backward(function: Function, leaf: int | None) -> Function:
    def backward(x: Any, u: Any) -> Any:
        def weighed(*values: Any) -> Any:
            results = function(*values)
            return results if leaf is None else [results[leaf]]

        values, pull = jax.vjp(weighed, *x)
        return values, pull(list(u))

    return backward
