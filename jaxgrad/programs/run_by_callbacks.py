"""Primitives of others that are implemented by a callback or a kernel, which is no program."""

from __future__ import annotations

from typing import Any

from jaxgrad.programs.implementations import implementation_program, is_read_by_implementation
from jaxgrad.programs.jaxprs import OPAQUE, equations, holds_primitive

__all__ = ["run_by_callbacks"]


def run_by_callbacks(jaxpr: Any) -> list[str]:
    """The names of those in a program, of which a JAX function could say what they compute.

    Example:
        >>> import jax
        >>> run_by_callbacks(jax.make_jaxpr(abs)(1.0))
        []
    """
    read = [equation for equation in equations(jaxpr) if is_read_by_implementation(equation)]
    names = {
        equation.primitive.name
        for equation in read
        if holds_primitive(implementation_program(equation), OPAQUE)
    }
    return sorted(names)
