"""What a verdict rests on: the engines, and what a package outside this one has said."""

from __future__ import annotations

from typing import Any

from jaxgrad.numbers.function import OUTSIDE
from jaxgrad.programs.jaxprs import equations
from jaxgrad.programs.meanings import MEANINGS, READERS

__all__ = ["BALLS", "POLYNOMIALS", "said_by_others", "told_wrongly"]

_READING = ("the interpreter's rules", "JAX's tracing")
BALLS = ("Arb balls", *_READING)
POLYNOMIALS = ("FLINT polynomials", *_READING)


def said_by_others(*jaxprs: Any) -> tuple[str, ...]:
    """What is trusted of primitives that are not JAX's, by name, and of kernels.

    Example:
        >>> import jax
        >>> said_by_others(jax.make_jaxpr(abs)(1.0))
        ()
    """
    names = {equation.primitive.name for jaxpr in jaxprs for equation in equations(jaxpr)}
    rules = [f"what jaxgrad.rule was told of `{name}`" for name in sorted(names & {*MEANINGS})]
    told = [f"what jaxgrad.function was told of `{name}`" for name in sorted(names & OUTSIDE)]
    read = [f"what JAX's interpreter makes of `{name}`" for name in sorted(names & {*READERS})]
    return (*rules, *told, *read)


def told_wrongly() -> str:
    """What else a gap between two engines may come from, where others have told of primitives."""
    if not (MEANINGS or OUTSIDE):
        return ""
    names = ", ".join(f"`{name}`" for name in sorted({*MEANINGS, *OUTSIDE}))
    return f"; or what jaxgrad.rule or jaxgrad.function was told of {names} is not what it computes"
