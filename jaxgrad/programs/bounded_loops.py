"""Programs whose loops end, whatever they compute: those that go on for too long return NaN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.extend.core import jaxpr_as_fun

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.programs.dtypes import has_64_bits
from jaxgrad.programs.evaluated import bind, evaluated
from jaxgrad.programs.jaxprs import holds_primitive, while_parts
from jaxgrad.programs.kept import Kept
from jaxgrad.programs.meanings import with_programs
from jaxgrad.programs.trace import is_differentiable

__all__ = ["MOST_TURNS", "with_bounded_loops"]

# A solver of small systems that has not ended by then does not end.
MOST_TURNS = 10_000

_CHANGED: Kept[Any] = Kept()


def with_bounded_loops(program: Any) -> Any:
    """A program in which each ``while`` that turns for too long hands on NaN.

    Args:
        program: a closed jaxpr, or an open one without constants.

    Returns:
        a closed jaxpr; the program itself where there is no ``while`` in it.

    Example:
        >>> endless = jax.make_jaxpr(lambda x: lax.while_loop(lambda c: c > 0, lambda c: c, x))(1.0)
        >>> float(jaxpr_as_fun(with_bounded_loops(endless))(2.0)[0])
        nan
        >>> float(jaxpr_as_fun(with_bounded_loops(endless))(-2.0)[0])
        -2.0
    """
    if not holds_primitive(program, ("while",)):
        return program
    return _CHANGED.of((id(program), has_64_bits()), program, lambda: _changed(program))


def _changed(program: Any) -> Any:
    shapes = [
        jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype)
        for v in getattr(program, "jaxpr", program).invars
    ]
    return jax.make_jaxpr(lambda *inputs: evaluated(program, inputs, _apply))(*shapes)


def _apply(equation: Any, values: list[Any]) -> Sequence[Any]:
    if equation.primitive.name == "while":
        return _bounded(equation, values)
    return bind(equation, values, with_programs(equation.params, _like(with_bounded_loops)))


def _like(change: Any) -> Any:
    """The same change for open programs, which stay open."""

    def changed(program: Any) -> Any:
        found = change(program)
        if found is program or hasattr(program, "jaxpr"):
            return found
        if found.consts:
            raise UnsupportedPrimitive("a loop in a program whose constants have no place in it")
        return found.jaxpr

    return changed


def _bounded(equation: Any, values: list[Any]) -> list[Any]:
    params = equation.params
    test_constants, constants, carry = while_parts(params, values)
    test, body = (with_bounded_loops(params[name]) for name in ("cond_jaxpr", "body_jaxpr"))

    def wanted(state: list[Any]) -> Any:
        return jaxpr_as_fun(test)(*test_constants, *state[1:])[0]

    def turn(state: list[Any]) -> list[Any]:
        after = jaxpr_as_fun(body)(*constants, *state[1:])
        going = wanted(state)  # of many, as vmap leaves it, each stops by itself
        return [
            state[0] + 1,
            *(_where(going, *pair) for pair in zip(after, state[1:], strict=True)),
        ]

    turns, *ends = lax.while_loop(
        lambda state: (state[0] <= MOST_TURNS) & jnp.any(wanted(state)),
        turn,
        [jnp.int32(0), *carry],
    )
    endless = turns > MOST_TURNS
    return [jnp.where(endless, jnp.nan, x) if is_differentiable(x.dtype) else x for x in ends]


def _where(going: Any, after: Any, before: Any) -> Any:
    if not jnp.ndim(going):
        return after
    return jnp.where(going.reshape(going.shape + (1,) * (after.ndim - going.ndim)), after, before)
