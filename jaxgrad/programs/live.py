"""A program without what its results do not depend on.

JAX traces a second derivative with all that it is made of, the value and the first derivatives
included, which nothing returns: of a linear function it is the constant 0 behind twenty equations.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from jaxgrad.programs.trace import Program

__all__ = ["constant_of", "live"]


def live(program: Program) -> Program:
    """The same function of the same inputs; equations with effects stay.

    Example:
        >>> import jax
        >>> from jaxgrad.programs.trace import trace
        >>> program = trace(lambda x: jax.jvp(lambda y: (y * y, 2 * y)[1], (x,), (1.0,))[1], (3.0,))
        >>> len(program.jaxpr.eqns), len(live(program).jaxpr.eqns)
        (6, 1)
    """
    closed = program.jaxpr
    jaxpr = closed.jaxpr
    asked = {atom for atom in jaxpr.outvars if not hasattr(atom, "val")}
    kept: list[Any] = []
    for equation in reversed(jaxpr.eqns):
        if equation.effects or not asked.isdisjoint(equation.outvars):
            kept.append(equation)
            asked.update(atom for atom in equation.invars if not hasattr(atom, "val"))
    if len(kept) == len(jaxpr.eqns):
        return program
    pairs = [
        (variable, value)
        for variable, value in zip(jaxpr.constvars, closed.consts, strict=True)
        if variable in asked
    ]
    shorter = jaxpr.replace(eqns=kept[::-1], constvars=[variable for variable, _ in pairs])
    return replace(
        program, jaxpr=closed.replace(jaxpr=shorter, consts=[value for _, value in pairs])
    )


def constant_of(program: Program) -> tuple[bytes, ...] | None:
    """The numbers that a program returns whatever its inputs are, if it has no equations."""
    jaxpr = program.jaxpr.jaxpr
    if jaxpr.eqns or not all(hasattr(atom, "val") for atom in jaxpr.outvars):
        return None
    return tuple(np.asarray(atom.val, np.float64).tobytes() for atom in jaxpr.outvars)
