"""The programs inside a program, and how much work all of them are."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator
from typing import Any

__all__ = [
    "dtypes",
    "equations",
    "holds_primitive",
    "inner_programs",
    "is_said_to_be_symmetric",
    "operations",
    "promises_symmetry",
    "source_name",
]


def inner_programs(params: dict[str, Any]) -> list[Any]:
    """The programs among the parameters of an equation: bodies of calls, loops and branches."""
    found = []
    for value in params.values():
        parts = value if isinstance(value, tuple | list) else (value,)
        found += [part for part in parts if hasattr(getattr(part, "jaxpr", part), "eqns")]
    return found


def equations(jaxpr: Any) -> Iterator[Any]:
    """The equations of a program, each before those of the programs inside it.

    Example:
        >>> import jax
        >>> closed = jax.make_jaxpr(jax.jit(lambda x: -abs(x)))(1.0)
        >>> [equation.primitive.name for equation in equations(closed)]
        ['jit', 'abs', 'neg']
    """
    for equation in getattr(jaxpr, "jaxpr", jaxpr).eqns:
        yield equation
        for inner in inner_programs(equation.params):
            yield from equations(inner)


def holds_primitive(jaxpr: Any, names: Container[str]) -> bool:
    """Whether a program, or one inside it, holds a primitive of one of these names."""
    return any(equation.primitive.name in names for equation in equations(jaxpr))


def promises_symmetry(jaxpr: Any) -> bool:
    """Whether a program, or one inside it, solves equations that it says are symmetric."""
    return any(
        equation.primitive.name == "custom_linear_solve"
        and is_said_to_be_symmetric(equation.params["jaxprs"])
        for equation in equations(jaxpr)
    )


def is_said_to_be_symmetric(solver: Any) -> bool:
    """Whether a ``custom_linear_solve`` has symmetric=True, which JAX keeps as one program twice.

    Args:
        solver: its four programs.
    """
    return solver.vecmat is solver.matvec


def dtypes(jaxpr: Any) -> set[Any]:
    """The dtypes of what a program, or one inside it, computes."""
    variables = (v for equation in equations(jaxpr) for v in equation.outvars)
    return {v.aval.dtype for v in variables if hasattr(v.aval, "dtype")}


def source_name(program: Any) -> str:
    """The name of the Python function that a program was traced from."""
    source = getattr(getattr(program, "jaxpr", program).debug_info, "func_src_info", None)
    return str(source).partition(" at ")[0]


def operations(jaxpr: Any) -> int:
    """About how many elementary operations a program takes."""
    total = 1
    for equation in jaxpr.eqns:
        size = sum(math.prod(getattr(v.aval, "shape", ())) for v in equation.outvars)
        if equation.primitive.name == "dot_general":
            (contract, _), _ = equation.params["dimension_numbers"]
            size *= math.prod(equation.invars[0].aval.shape[axis] for axis in contract)
        repeats = equation.params.get("length", 1)
        for inner in inner_programs(equation.params):
            size += repeats * operations(getattr(inner, "jaxpr", inner))
        total += size
    return total
