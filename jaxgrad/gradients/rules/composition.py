"""Derivative programs along all that they are functions of, as derivatives of compositions are.

Where h(f(x)) is differentiated twice, the cotangent of f moves with x, too; so does the tangent of
f in f(h(x)).  A derivative program is linear in those, so that its derivative along them is itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.tree_util import tree_leaves

__all__ = ["MOVED", "arguments_of", "composed", "groups"]

MOVED = {"fwd": "tangent", "rev": "cotangent"}
"""What a rule has to be linear in."""


def composed(primal: Callable[..., Any], modes: Sequence[str]) -> Callable[..., Any]:
    """T₁(x, v, u) = ⟨u, J(x)v⟩, and Tₖ(a, a′) the derivative of Tₖ₋₁ at a along a′.

    Args:
        primal: f, of leaves.
        modes: ``"fwd"`` or ``"rev"`` for each derivative, the innermost first.

    Returns:
        a function of 3·2ᵏ⁻¹ tuples of leaves.

    Example:
        >>> second = composed(lambda x: [x**3], ("rev", "fwd"))
        >>> x, one, zero = (jnp.float32(2),), (jnp.float32(1),), (jnp.float32(0),)
        >>> float(second(x, one, one, one, zero, zero))  # 6x
        12.0
        >>> float(second(x, one, one, zero, zero, one))  # 3x²
        12.0
    """
    function = _first(primal, modes[0])
    for mode in modes[1:]:
        function = _derivative(function, mode)
    return function


def _first(primal: Callable[..., Any], mode: str) -> Callable[..., Any]:
    def function(x: Any, v: Any, u: Any) -> Any:
        if mode == "fwd":
            slopes = jax.jvp(lambda *leaves: list(primal(*leaves)), tuple(x), tuple(v))[1]
            return _product(u, slopes, x)
        pull = jax.vjp(lambda *leaves: list(primal(*leaves)), *x)[1]
        return _product(v, pull(list(u)), x)

    return function


def _derivative(function: Callable[..., Any], mode: str) -> Callable[..., Any]:
    def derivative(*args: Any) -> Any:
        half = len(args) // 2
        at, moved = args[:half], args[half:]
        if mode == "fwd":
            return jax.jvp(function, at, moved)[1]
        value, pull = jax.vjp(function, *at)
        return _product(tree_leaves(moved), tree_leaves(pull(jnp.ones_like(value))), at[0])

    return derivative


def _product(weights: Sequence[Any], values: Sequence[Any], x: Sequence[Any]) -> Any:
    dtype = jnp.result_type(*x, *weights)
    parts = (jnp.sum(a * b).astype(dtype) for a, b in zip(weights, values, strict=True))
    return sum(parts, jnp.zeros((), dtype))


def groups(order: int) -> list[tuple[str, tuple[int, ...]]]:
    """The arguments of :func:`composed` in which it is linear, together with those along them.

    Example:
        >>> groups(1)
        [('direction', (1,)), ('cotangent', (2,))]
        >>> groups(2)
        [('direction', (1, 4)), ('cotangent', (2, 5)), ('direction of derivative 2', (3, 4, 5))]
    """
    found = [("direction", (1,)), ("cotangent", (2,))]
    for k in range(2, order + 1):
        size = 3 * 2 ** (k - 2)
        found = [(name, (*places, *(size + i for i in places))) for name, places in found]
        found.append((f"direction of derivative {k}", tuple(range(size, 2 * size))))
    return found


def arguments_of(order: int) -> list[str]:
    """Whether each argument is like the point (and a direction), or like the result.

    Example:
        >>> arguments_of(1)
        ['x', 'x', 'u']
    """
    return list(itertools.chain.from_iterable(["x", "x", "u"] for _ in range(2 ** (order - 1))))
