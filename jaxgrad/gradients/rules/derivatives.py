"""Derivatives that JAX takes, as functions of the point and of what they are taken along.

:func:`derivative` takes one.  Several are taken in two ways, which differ in what moves with the
point.  In :func:`along_steps` nothing does: it gives the numbers D^k⟨u, f⟩(v₁, …, v_k), which are
held against the one-sided derivatives of f.  In :func:`composed` all that a derivative is a
function of moves.  Where h(f(x)) is differentiated twice, the cotangent of f moves with x, and so
does the tangent of f in f(h(x)); a derivative is linear in those, so that its derivative along them
is itself.

Neither does for the other.  The second with zeros along all but x is the first as a formula, but is
another program: it has 3·2ᵏ⁻¹ arguments, multiplies what may be infinite by those zeros, and asks
the rules for derivatives that a Hessian is not made of and that need not exist.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.tree_util import tree_leaves

__all__ = ["MOVED", "Function", "along_steps", "arguments_of", "composed", "derivative", "groups"]

Function = Callable[..., Any]

MOVED = {"fwd": "tangent", "rev": "cotangent"}
"""What a rule has to be linear in."""


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


def along_steps(primal: Function, modes: tuple[str, ...], beside: bool = False) -> Function:
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
            return _product(u, primal(*moved), x), []

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


def composed(primal: Function, modes: Sequence[str]) -> Function:
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
    taken = derivative(modes[0], primal)

    def first(x: Any, v: Any, u: Any) -> Any:
        moved, weights = (v, u) if modes[0] == "fwd" else (u, v)
        return _product(weights, taken(x, moved)[1], x)

    function = first
    for mode in modes[1:]:
        function = _along_all(function, mode)
    return function


def _along_all(function: Function, mode: str) -> Function:
    def derivative(*args: Any) -> Any:
        half = len(args) // 2
        at, moved = args[:half], args[half:]
        if mode == "fwd":
            return jax.jvp(function, at, moved)[1]
        value, pull = jax.vjp(function, *at)
        return _product(tree_leaves(moved), tree_leaves(pull(jnp.ones_like(value))), at[0])

    return derivative


def _product(weights: Sequence[Any], values: Sequence[Any], x: Sequence[Any]) -> Any:
    """⟨weights, values⟩ in the widest dtype of the weights and the point."""
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
