"""Programs without their custom derivative rules: what autodiff makes of the primal alone."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad.programs.carried_programs import (
    CARRYING,
    carries_derivatives,
    carries_rules,
    expanded,
    is_told_what_moves,
    name_of_carrying,
)
from jaxgrad.programs.evaluated import bind, evaluated
from jaxgrad.programs.jaxprs import (
    CUSTOM_VMAP,
    called,
    equations,
    holds_primitive,
    inner_jaxpr,
    source_name,
)
from jaxgrad.programs.meanings import READERS, inner_programs, is_read_as_program
from jaxgrad.programs.trace import is_differentiable

__all__ = [
    "CUSTOM_RULES",
    "STOP",
    "asks_what_moves",
    "function_name",
    "has_custom_rules",
    "has_discrete_values",
    "has_own_rule",
    "holds_others_rules",
    "is_rule",
    "rewritten",
    "rule_program",
    "strip_custom_rules",
]

CUSTOM_RULES = {"custom_jvp_call": "jvp", "custom_vjp_call": "vjp"}
# Computes the identity, and has the derivative 0.
STOP = "stop_gradient"


def has_custom_rules(jaxpr: Any) -> bool:
    """Whether a program, or one inside it, carries a ``custom_jvp`` or ``custom_vjp`` rule.

    So do primitives that are read as a program, or carry one: JAX takes the derivatives that they
    come with.
    One whose results have none, as random bits, has no rule that could be wrong.

    Example:
        >>> has_custom_rules(jax.make_jaxpr(jax.nn.relu)(1.0))
        True
        >>> has_custom_rules(jax.make_jaxpr(jax.numpy.sin)(1.0))
        False
    """
    return any(map(has_own_rule, equations(jaxpr)))


def has_own_rule(equation: Any) -> bool:
    """Whether one equation carries such a rule.

    Args:
        equation: of a jaxpr.
    """
    if equation.primitive.name in CUSTOM_RULES or carries_derivatives(equation):
        return True
    differentiable = any(not _is_discrete(v.aval.dtype) for v in equation.outvars)
    return differentiable and is_read_as_program(equation)


def holds_others_rules(jaxpr: Any) -> bool:
    """Whether a program holds a primitive that is not JAX's, and is read as a program.

    Whoever made it says how it is differentiated and how it is transposed, each by a rule that may
    be wrong alone.  One that returns integers has no such rule.

    Example:
        >>> from jax.extend.core import Primitive
        >>> doubled = Primitive("doubled")
        >>> _ = doubled.def_impl(lambda x: x + x)
        >>> _ = doubled.def_abstract_eval(lambda x: x)
        >>> holds_others_rules(jax.make_jaxpr(jax.jit(doubled.bind))(1.0))
        True
        >>> holds_others_rules(jax.make_jaxpr(jax.nn.relu)(1.0))
        False
    """
    return any(
        equation.primitive.name not in CUSTOM_RULES.keys() | READERS.keys()
        and has_own_rule(equation)
        for equation in equations(jaxpr)
    )


def is_rule(equation: Any) -> bool:
    """Whether it is a call of a function with a rule for its derivative, a custom one or that of a
    primitive of a caller's own that carries its program."""
    return equation.primitive.name in CUSTOM_RULES or carries_rules(equation)


def rule_program(equation: Any) -> Any:
    """The program of the function that a rule is for."""
    return (
        expanded(equation) if equation.primitive.name == CARRYING else inner_jaxpr(equation.params)
    )


def has_discrete_values(jaxpr: Any) -> bool:
    """Whether some custom rule in a program returns integers or booleans as values.

    Of a batch the rule of a ``custom_vmap`` does so, too, or other numbers that they come of.

    Example:
        >>> has_discrete_values(jax.make_jaxpr(jax.nn.relu)(1.0))
        False
    """
    return any(
        equation.primitive.name == CUSTOM_VMAP
        or (is_rule(equation) and any(_is_discrete(v.aval.dtype) for v in equation.outvars))
        for equation in equations(jaxpr)
    )


def _is_discrete(dtype: Any) -> bool:
    return not (is_differentiable(dtype) or jnp.issubdtype(dtype, jnp.complexfloating))


def asks_what_moves(jaxpr: Any) -> bool:
    """Whether a custom rule in a program is told which arguments are differentiated."""
    return any(
        is_told_what_moves(equation)
        or (equation.primitive.name in CUSTOM_RULES and equation.params.get("symbolic_zeros"))
        for equation in equations(jaxpr)
    )


def function_name(equation: Any) -> str:
    """The name of the function that a custom rule is for.

    Example:
        >>> function_name(jax.make_jaxpr(jax.nn.relu)(1.0).eqns[0])
        'relu'
    """
    if equation.primitive.name == CARRYING:
        return name_of_carrying(equation)
    return source_name(inner_jaxpr(equation.params))


def strip_custom_rules(closed: Any, stops: bool = True) -> Callable[..., list[Any]]:
    """A program as a callable in which every custom rule gave way to its primal.

    Args:
        closed: a closed jaxpr.
        stops: whether a ``stop_gradient`` stays one, and is not the identity that it computes.

    Returns:
        a function of the flat inputs that returns the flat outputs; JAX can trace and
        differentiate it.

    Example:
        >>> stripped = strip_custom_rules(jax.make_jaxpr(jax.nn.relu)(0.0))
        >>> float(jax.grad(lambda x: stripped(x)[0])(0.0))  # that of max(x, 0), not the rule's 0
        0.5
        >>> square = jax.make_jaxpr(lambda x: x * jax.lax.stop_gradient(x))(3.0)
        >>> whole = strip_custom_rules(square, stops=False)
        >>> float(jax.grad(lambda x: whole(x)[0])(3.0))
        6.0
    """
    return functools.partial(_stripped, closed, stops)


def _stripped(closed: Any, stops: bool, *inputs: Any) -> list[Any]:
    return evaluated(closed, inputs, functools.partial(_apply, stops))


def _apply(stops: bool, equation: Any, arguments: list[Any]) -> list[Any]:
    if equation.primitive.name == STOP and not stops:
        return arguments
    params, inner, program = equation.params, inner_programs(equation.params), called(equation)
    custom = has_own_rule(equation) or any(has_custom_rules(part) for part in inner)
    changes = custom or (not stops and any(holds_primitive(part, (STOP,)) for part in inner))
    if changes and program is not None:
        return _stripped(program, stops, *arguments)
    if changes:  # control flow keeps its shape around the stripped programs
        change = functools.partial(strip_custom_rules, stops=stops)
        params = {name: rewritten(v, change) for name, v in params.items()}
    return bind(equation, arguments, params)


def rewritten(value: Any, change: Callable[[Any], Callable[..., list[Any]]]) -> Any:
    """A parameter of an equation with other programs in the place of its own.

    Args:
        value: the parameter.
        change: of a closed jaxpr, the function that takes its place.
    """
    if isinstance(value, tuple | list):
        if not _holds(value):
            return value
        parts = [rewritten(part, change) for part in value]
        # The programs of a `custom_linear_solve` have names.
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if _is_closed(value):
        shapes = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in value.in_avals]
        return jax.make_jaxpr(change(value))(*shapes)
    return value


def _holds(value: Any) -> bool:
    return any(map(_is_closed, value))


def _is_closed(value: Any) -> bool:
    return hasattr(value, "consts") and hasattr(value, "jaxpr")
