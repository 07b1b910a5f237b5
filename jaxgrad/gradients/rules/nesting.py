"""Derivatives of derivatives, with what each mode returns beside its derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

__all__ = ["along_steps"]


def along_steps(
    primal: Callable[..., list[Any]], modes: tuple[str, ...], beside: bool = False
) -> Callable[..., Any]:
    """(x, (v₁, v₂, …), u) ↦ ∂/∂s₁ ∂/∂s₂ … ⟨u, f(x + s₁v₁ + s₂v₂ + …)⟩ at 0, one mode for each.

    Args:
        primal: f, of leaves.
        modes: ``"fwd"`` or ``"rev"`` for each derivative, the innermost first.
        beside: whether what each mode returns beside its derivative is returned before it: the
            value, the innermost derivative, and so on.

    Example:
        >>> second = along_steps(lambda x: [x**3], ("rev", "fwd"), beside=True)
        >>> one = (jnp.ones(()),)
        >>> [float(x) for x in second((jnp.float32(2),), (one, one), one)]
        [8.0, 12.0, 12.0]
    """

    def function(x: Any, vs: Any, u: Any) -> Any:
        dtype = jnp.result_type(*x, *u)

        def along(*steps: Any) -> tuple[Any, list[Any]]:
            moved = list(x)
            for s, v in zip(steps, vs, strict=True):
                moved = [a + s.astype(a.dtype) * b for a, b in zip(moved, v, strict=True)]
            parts = (jnp.sum(a * b).astype(dtype) for a, b in zip(u, primal(*moved), strict=True))
            return sum(parts, jnp.zeros((), dtype)), []

        last, before = _differentiated(along, modes, dtype)
        return [*before, last] if beside else last

    return function


def _differentiated(
    function: Callable[..., tuple[Any, list[Any]]], modes: tuple[str, ...], dtype: Any
) -> tuple[Any, list[Any]]:
    """A derivative, and what came beside those that it is made of, the innermost first."""
    if not modes:
        return function()
    zero, one = jnp.zeros((), dtype), jnp.ones((), dtype)

    def derivative(*rest: Any) -> tuple[Any, list[Any]]:
        def inner(step: Any) -> tuple[Any, list[Any]]:
            return function(step, *rest)

        # What came before has no derivative of its own: JAX may have none for it.
        if modes[0] == "fwd":
            value, slope, before = jax.jvp(inner, (zero,), (one,), has_aux=True)
        else:
            value, pull, before = jax.vjp(inner, zero, has_aux=True)
            (slope,) = pull(one)
        return slope, [*before, value]

    return _differentiated(derivative, modes[1:], dtype)
