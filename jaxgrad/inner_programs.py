"""The programs inside a program, and how much work all of them are."""

from __future__ import annotations

import math
from collections.abc import Container
from typing import Any

__all__ = [
    "dtypes",
    "holds_primitive",
    "inner_programs",
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


def holds_primitive(jaxpr: Any, names: Container[str]) -> bool:
    """Whether a program, or one inside it, holds a primitive of one of these names."""
    for equation in getattr(jaxpr, "jaxpr", jaxpr).eqns:
        if equation.primitive.name in names:
            return True
        if any(holds_primitive(inner, names) for inner in inner_programs(equation.params)):
            return True
    return False


def promises_symmetry(jaxpr: Any) -> bool:
    """Whether a program, or one inside it, solves equations that it says are symmetric."""
    for equation in getattr(jaxpr, "jaxpr", jaxpr).eqns:
        if equation.primitive.name == "custom_linear_solve":
            solver = equation.params["jaxprs"]
            if solver.vecmat is solver.matvec:
                return True
        if any(map(promises_symmetry, inner_programs(equation.params))):
            return True
    return False


def dtypes(jaxpr: Any) -> set[Any]:
    """The dtypes of what a program, or one inside it, computes."""
    found = set()
    for equation in getattr(jaxpr, "jaxpr", jaxpr).eqns:
        found |= {v.aval.dtype for v in equation.outvars if hasattr(v.aval, "dtype")}
        for inner in inner_programs(equation.params):
            found |= dtypes(inner)
    return found


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
