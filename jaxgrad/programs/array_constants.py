"""Constants that a program hands to a custom rule, as arrays of JAX.

A rule is a function of the caller's own.  What it does to a number of Python or NumPy is done at
once, in floats, and only the result is seen of it; what it does to an array is traced.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jax.extend.core import Literal

from jaxgrad.programs.carried_programs import carries_rules
from jaxgrad.programs.jaxprs import equations
from jaxgrad.programs.meanings import with_programs

__all__ = ["as_array", "with_array_constants", "with_number_constants"]

_RULES = ("custom_jvp_call", "custom_vjp_call")


def with_array_constants(closed: Any) -> Any:
    """The same program, in which custom rules are handed arrays for constants.

    Args:
        closed: a closed jaxpr.

    Example:
        >>> closed = jax.make_jaxpr(lambda x: jax.nn.relu(x) + jax.nn.swish(0.5))(1.0)
        >>> len(with_array_constants(closed).eqns) == len(closed.eqns)
        True
    """
    if not any(map(_is_rule, equations(closed))):
        return closed
    return _with(closed, as_array, _as_array_literal)


def with_number_constants(closed: Any) -> Any:
    """The same program, in which custom rules are handed numbers of Python and arrays of NumPy.

    A rule may look at these, ``if c > 0:``, where JAX would trace what it does to an array.

    Args:
        closed: a closed jaxpr.

    Example:
        >>> closed = with_array_constants(jax.make_jaxpr(lambda: jax.nn.relu(0.5))())
        >>> [call] = with_number_constants(closed).eqns
        >>> call.invars[0].val
        0.5
    """
    return _with(closed, _as_numpy, _as_number_literal)


def as_array(value: Any) -> Any:
    """Floats of NumPy as an array of JAX, which knows its numbers as these do; all else as it is.

    Example:
        >>> as_array(np.float32(0.5)), as_array(2)
        (Array(0.5, dtype=float32), 2)
    """
    if not isinstance(value, np.ndarray | np.generic):
        return value
    if not jnp.issubdtype(value.dtype, np.inexact):
        return value
    with jax.ensure_compile_time_eval():
        return jnp.asarray(value)


def _is_rule(equation: Any) -> bool:
    return equation.primitive.name in _RULES or carries_rules(equation)


def _with(closed: Any, constant: Callable[[Any], Any], handed: Callable[[Any], Any]) -> Any:
    constants = [constant(x) for x in closed.consts]
    if any(x is not y for x, y in zip(constants, closed.consts, strict=True)):
        closed = closed.replace(consts=constants)
    return _Handed(handed).program(closed)


class _Handed:
    """Goes through programs, each once, so that equal ones stay one.

    Args:
        handed: of an input of a rule what takes its place, which may be itself.
    """

    def __init__(self, handed: Callable[[Any], Any]) -> None:
        self._handed = handed
        self._done: dict[int, tuple[Any, Any]] = {}  # what is kept keeps its identity

    def program(self, program: Any) -> Any:
        if id(program) not in self._done:
            self._done[id(program)] = program, self._gone_through(program)
        return self._done[id(program)][1]

    def _gone_through(self, program: Any) -> Any:
        jaxpr = getattr(program, "jaxpr", program)
        found = [self._equation(equation) for equation in jaxpr.eqns]
        if all(x is y for x, y in zip(found, jaxpr.eqns, strict=True)):
            return program
        changed = jaxpr.replace(eqns=found)
        return changed if program is jaxpr else program.replace(jaxpr=changed)

    def _equation(self, equation: Any) -> Any:
        params = with_programs(equation.params, self.program)
        if params is not equation.params:
            equation = equation.replace(params=params)
        if not _is_rule(equation):
            return equation
        invars = [self._handed(x) if _is_constant(x) else x for x in equation.invars]
        same = all(x is y for x, y in zip(invars, equation.invars, strict=True))
        return equation if same else equation.replace(invars=invars)


def _is_constant(atom: Any) -> bool:
    return hasattr(atom, "val") and jnp.issubdtype(atom.aval.dtype, np.inexact)


def _as_array_literal(literal: Any) -> Any:
    """A number of Python keeps its weak type."""
    if isinstance(literal.val, jax.Array):
        return literal
    number = np.asarray(literal.val, literal.aval.dtype)
    with jax.ensure_compile_time_eval():
        array = jnp.asarray(number.item() if literal.aval.weak_type else number)
    same = array.dtype == literal.aval.dtype
    return Literal(array, literal.aval) if same else literal


def _as_number_literal(literal: Any) -> Any:
    number = np.asarray(literal.val, literal.aval.dtype)
    return Literal(number.item() if literal.aval.weak_type else number[()], literal.aval)


def _as_numpy(value: Any) -> Any:
    is_known = isinstance(value, jax.Array) and not isinstance(value, Tracer | jax.Ref)
    if not (is_known and jnp.issubdtype(value.dtype, np.inexact)):
        return value
    return np.asarray(value)
