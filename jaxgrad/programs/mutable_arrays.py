"""Programs without references: arrays that are written to become values that are handed on.

JAX discharges references itself where it compiles a program, those of custom rules one by one.
"""

from __future__ import annotations

from typing import Any

from jaxgrad.programs.meanings import inner_programs, with_programs
from jaxgrad.programs.pallas_kernels import PALLAS

__all__ = ["REFERENCES", "without_references"]

REFERENCES = frozenset({"new_ref", "empty_ref", "get", "swap", "addupdate", "freeze", "free_ref"})
"""Primitives that make, read, write or end a reference."""

# The calls in which JAX discharges nothing.
_CUSTOM_RULES = ("custom_jvp_call", "custom_vjp_call")


def without_references(program: Any) -> Any:
    """The same function of the same inputs; as it is where JAX does not say what it computes.

    Args:
        program: a closed jaxpr.

    Example:
        >>> import jax
        >>> def doubled(x):
        ...     total = jax.new_ref(x)
        ...     total[...] += x
        ...     return total[...]
        >>> closed = without_references(jax.make_jaxpr(doubled)(jax.numpy.ones(2)))
        >>> [equation.primitive.name for equation in closed.eqns]
        ['add']
    """
    if not _has_references(program):
        return program
    try:
        return _discharged(program)
    except Exception:  # whatever JAX raises of what it has no rule for
        return program


def _discharged(closed: Any) -> Any:
    from jax._src.state.discharge import discharge_state

    return discharge_state(_with_pure_rules(closed))


def _discharged_if_any(program: Any) -> Any:
    return _discharged(program) if _has_references(program) else program


def _with_pure_rules(program: Any) -> Any:
    """A program whose custom rules are for functions without references.

    JAX discharges none of these, and their equations say that they have such an effect.
    """
    if not _has_references(program):
        return program
    if getattr(program, "jaxpr", program) is not program:  # closed, before jax 0.12
        return program.replace(jaxpr=_with_pure_rules(program.jaxpr))
    return program.replace(eqns=[_pure(equation) for equation in program.eqns])


def _pure(equation: Any) -> Any:
    if equation.primitive.name == PALLAS or not any(
        map(_has_references, inner_programs(equation.params))
    ):
        return equation
    if equation.primitive.name not in _CUSTOM_RULES:
        return equation.replace(params=with_programs(equation.params, _with_pure_rules))
    params = with_programs(equation.params, _discharged_if_any)
    return equation.replace(params=params, effects=frozenset())


def _has_references(program: Any) -> bool:
    """Whether some stand in a program, or in one inside it that is no kernel's."""
    for equation in getattr(program, "jaxpr", program).eqns:
        if equation.primitive.name == PALLAS:
            continue
        within = inner_programs(equation.params)
        if equation.primitive.name in REFERENCES or any(map(_has_references, within)):
            return True
    return False
