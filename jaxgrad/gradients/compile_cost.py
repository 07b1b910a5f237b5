"""About how long XLA compiles programs over intervals, by the functions that they are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jaxgrad.programs.meanings import inner_programs
from jaxgrad.programs.trace import Program

__all__ = ["compile_seconds"]

# Seconds of CPU for each of a kind, over a box and at its middle; measured of chains of them.  What
# makes one kernel takes as long as it is long.
_EQUATION = 0.008
_IN_ONE_KERNEL = {
    "atan": 0.04, "cos": 0.09, "exp": 0.04, "exp2": 0.04, "expm1": 0.05, "logistic": 0.05,
    "rsqrt": 0.05, "sin": 0.09,
}  # fmt: skip
# What breaks a program into several kernels, each of which computes again what it needs of those
# before: the seconds of a chain are about the square of the sum of these.  Of what changes the
# order of entries they grow faster still: without the slopes of the longer ones this is enough.
_BREAKING = {
    "acos": 0.47, "acosh": 0.22, "asin": 0.28, "asinh": 0.45, "atanh": 0.46, "cbrt": 0.26,
    "concatenate": 0.3, "cosh": 0.2, "div": 0.113, "erf": 0.24, "erfc": 0.41, "log": 0.12,
    "log1p": 0.15, "pow": 0.27, "rev": 0.3, "sinh": 0.56, "tan": 0.27, "tanh": 0.13,
}  # fmt: skip


def compile_seconds(programs: Sequence[Program]) -> float:
    """About how many seconds of CPU XLA takes for programs over intervals.

    Args:
        programs: what is compiled together, loops unrolled.

    Example:
        >>> import jax.numpy as jnp
        >>> from jaxgrad.programs.trace import trace
        >>> round(compile_seconds([trace(lambda x: jnp.tanh(jnp.tanh(x)), (1.0,))]), 4)
        0.0836
    """
    seconds = 0.0
    for program in programs:
        alone, breaking, longest = _costs(program.jaxpr.jaxpr, {})
        seconds += alone + breaking * longest
    return seconds


def _costs(jaxpr: Any, known: dict[int, tuple[float, float, float]]) -> tuple[float, float, float]:
    """What equations take alone, the sum of what breaks kernels, and the most of it in a chain."""
    if id(jaxpr) in known:
        return known[id(jaxpr)]
    alone, breaking, before = 0.0, 0.0, {}
    for equation in jaxpr.eqns:
        name, inner = equation.primitive.name, inner_programs(equation.params)
        own = _BREAKING.get(name, 0.0)
        if name == "integer_pow" and equation.params["y"] < 0:
            own = _BREAKING["div"]
        costs = (_IN_ONE_KERNEL.get(name, _EQUATION), own, own)
        if inner:
            turns = equation.params.get("length", 1)
            each = [_costs(getattr(one, "jaxpr", one), known) for one in inner]
            costs = tuple(
                turns * of(x)
                for of, x in zip((sum, sum, max), zip(*each, strict=True), strict=True)
            )
        alone, breaking = alone + costs[0], breaking + costs[1]
        chain = max((before.get(id(v), 0.0) for v in equation.invars), default=0.0) + costs[2]
        before.update((id(v), chain) for v in equation.outvars)
    known[id(jaxpr)] = alone, breaking, max(before.values(), default=0.0)
    return known[id(jaxpr)]
