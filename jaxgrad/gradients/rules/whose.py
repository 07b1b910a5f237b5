"""Whose a derivative rule is, a solver or a ``stop_gradient``: JAX's, or somebody's own."""

from __future__ import annotations

from typing import Any

from jaxgrad.gradients.rules.proof import UNTRUE, brings_derivative
from jaxgrad.gradients.rules.rule_alone import rule_of
from jaxgrad.programs.custom_rules import CUSTOM_RULES, STOP, has_own_rule, is_rule
from jaxgrad.programs.jaxprs import equations
from jaxgrad.programs.source_lines import is_made_by_jax

__all__ = ["holds_callers_rules", "may_err"]


def may_err(equation: Any) -> bool:
    """Whether what an operation has for a derivative is not JAX's own, or not known to be.

    Args:
        equation: of a jaxpr.

    Example:
        >>> import jax
        >>> [may_err(x) for x in jax.make_jaxpr(jax.nn.relu)(1.0).eqns]
        [False]
        >>> [may_err(x) for x in jax.make_jaxpr(jax.lax.stop_gradient)(1.0).eqns]
        [True]
    """
    name = equation.primitive.name
    if name in CUSTOM_RULES:
        return not rule_of(equation).is_jaxs
    if name in _CALLED_BY_JAX:
        return not is_made_by_jax(equation)
    return name in UNTRUE or brings_derivative(equation) or has_own_rule(equation)


def holds_callers_rules(program: Any) -> bool:
    """Whether a custom rule is in a program that does not come with JAX.

    Args:
        program: a jaxpr.

    Example:
        >>> import jax
        >>> holds_callers_rules(jax.make_jaxpr(jax.nn.relu)(1.0))
        False
    """
    return any(is_rule(x) and not rule_of(x).is_jaxs for x in equations(program))


# What JAX's own functions call, too.
_CALLED_BY_JAX = frozenset({STOP, "custom_linear_solve"})
