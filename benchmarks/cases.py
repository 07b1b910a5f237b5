"""What is checked: a function with its derivative rules, at a point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["MODES", "Case", "backward_only", "with_rule"]

MODES = ("fwd", "rev")


@dataclass(frozen=True)
class Case:
    """A function with its rules at a point, and how it is to be checked.

    Args:
        name: unique in its table.
        function: a JAX function.
        args: the point.
        order: the highest derivative.
        modes: ``"fwd"``, ``"rev"`` or both.
        dtypes: where the floats are in question, the dtypes to be judged.
        reference: the function whose derivative the rule should be, if it is not ``function``.
        x64: whether float64 is switched on for the check.
    """

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    order: int = 1
    modes: tuple[str, ...] = MODES
    dtypes: tuple[str, ...] | None = None
    reference: Callable[..., Any] | None = None
    x64: bool = False

    def __post_init__(self) -> None:
        """Makes arrays of Python floats, which some checkers take and some do not."""
        scalar = np.float64 if self.x64 else np.float32
        args = jax.tree.map(lambda x: scalar(x) if isinstance(x, float) else x, self.args)
        object.__setattr__(self, "args", args)


def with_rule(primal: Callable[..., Any], tangent: Callable[..., Any]) -> Callable[..., Any]:
    """The primal with the tangent rule (point, direction) ↦ tangent, right or wrong.

    Example:
        >>> square = with_rule(lambda x: x * x, lambda xs, ts: 3 * xs[0] * ts[0])
        >>> float(jax.grad(square)(1.0))
        3.0
    """
    function = jax.custom_jvp(primal)
    function.defjvp(lambda xs, ts: (function(*xs), tangent(xs, ts)))
    return function


def backward_only(bwd: Callable[..., Any]) -> Callable[..., Any]:
    """The sine with a rule for reverse mode alone, (x, cotangent) ↦ a tuple of one cotangent."""
    function = jax.custom_vjp(jnp.sin)
    function.defvjp(lambda x: (jnp.sin(x), x), bwd)
    return function
