"""What is compared to a maximum that it is one of, as a comparison with the others.

JAX's derivative of max(a, b) asks whether a = max(a, b), and an interval is never known to be equal
to another one.  Of real numbers that is a ≥ b; of a maximum of many it is that a is no less than
the maximum of the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxgrad.programs.custom_rules import rewritten
from jaxgrad.programs.evaluated import bind, evaluated
from jaxgrad.programs.jaxprs import called
from jaxgrad.programs.kept import Kept
from jaxgrad.programs.meanings import inner_programs
from jaxgrad.programs.trace import is_differentiable

__all__ = ["with_others_compared"]

_OF_TWO = {"max": lax.ge, "min": lax.le}
_OF_MANY = {"reduce_max": (lax.ge, jnp.max, -np.inf), "reduce_min": (lax.le, jnp.min, np.inf)}
# Each of n numbers is compared with n − 1 others: so many at most in one array.
_MOST = 2**16

_CHANGED: Kept[Any] = Kept()


def with_others_compared(closed: Any) -> Any:
    """A closed jaxpr without such comparisons; the same where there are none.

    Example:
        >>> closed = jax.make_jaxpr(jax.grad(jnp.max))(np.ones(3))
        >>> [e.primitive.name for e in closed.eqns if e.outvars[0].aval.dtype == bool]
        ['eq']
        >>> changed = with_others_compared(closed)
        >>> [e.primitive.name for e in changed.eqns if e.outvars[0].aval.dtype == bool]
        ['ge']
    """
    return _CHANGED.of(id(closed), closed, lambda: _changed(closed))


def _changed(closed: Any) -> Any:
    if not _holds(closed):
        return closed
    shapes = [jax.ShapeDtypeStruct(a.shape, a.dtype) for a in closed.in_avals]
    return jax.make_jaxpr(lambda *inputs: _evaluated(closed, *inputs))(*shapes)


def _holds(program: Any) -> bool:
    """Whether there is such a comparison in a program, or in one inside."""
    jaxpr = getattr(program, "jaxpr", program)
    made = _made(jaxpr)
    return any(
        _instead(equation, made) is not None
        or any(map(_holds, inner_programs(equation.params)))
        or ((inner := called(equation)) is not None and _holds(inner))
        for equation in jaxpr.eqns
    )


def _evaluated(program: Any, *inputs: Any) -> list[Any]:
    made = _made(getattr(program, "jaxpr", program))
    values: dict[Any, Any] = {}

    def apply(equation: Any, arguments: list[Any]) -> Sequence[Any]:
        atoms = zip(equation.invars, arguments, strict=True)
        values.update((atom, value) for atom, value in atoms if not hasattr(atom, "val"))
        instead = _instead(equation, made)
        if instead is not None:
            return [instead(lambda atom: atom.val if hasattr(atom, "val") else values[atom])]
        inner = called(equation)
        if inner is not None and _holds(inner):
            return _evaluated(inner, *arguments)
        if any(map(_holds, inner_programs(equation.params))):  # control flow keeps its shape
            params = {name: rewritten(v, _within) for name, v in equation.params.items()}
            return bind(equation, arguments, params)
        return bind(equation, arguments)

    return evaluated(program, inputs, apply)


def _within(closed: Any) -> Callable[..., list[Any]]:
    return lambda *inputs: _evaluated(closed, *inputs)


def _made(jaxpr: Any) -> dict[Any, Any]:
    return {v: equation for equation in jaxpr.eqns for v in equation.outvars}


_Read = Callable[[Any], Any]


def _instead(equation: Any, made: dict[Any, Any]) -> Callable[[_Read], Any] | None:
    """What an equation is in other words, of the values of atoms; None where it stays."""
    if equation.primitive.name != "eq":
        return None
    for one, whole in (equation.invars, equation.invars[::-1]):
        found = _of_two(one, whole, made) or _of_many(one, whole, made)
        if found is not None:
            return found
    return None


def _of_two(one: Any, whole: Any, made: dict[Any, Any]) -> Callable[[_Read], Any] | None:
    equation = None if hasattr(whole, "val") else made.get(whole)
    if equation is None or equation.primitive.name not in _OF_TWO:
        return None
    left, right = equation.invars
    relation, shape = _OF_TWO[equation.primitive.name], whole.aval.shape
    for x, other in ((left, right), (right, left)):
        if _is_same(one, x):
            return lambda read: relation(*(jnp.broadcast_to(read(v), shape) for v in (x, other)))
    return None


def _is_same(one: Any, other: Any) -> bool:
    if hasattr(one, "val") and hasattr(other, "val"):
        return one.aval == other.aval and bool(np.all(one.val == other.val))
    return one is other


def _of_many(one: Any, whole: Any, made: dict[Any, Any]) -> Callable[[_Read], Any] | None:
    """Of the entries of an array that are compared with its maximum along axes."""
    if hasattr(one, "val") or hasattr(whole, "val"):
        return None
    reduction = _reduction(whole, made)
    if reduction is None or reduction.invars[0] is not one:
        return None
    shape, axes = one.aval.shape, sorted(reduction.params["axes"])
    count = math.prod(shape[axis] for axis in axes)
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    if not is_differentiable(one.aval.dtype):  # an integer is known to be equal to itself
        return None
    if whole.aval.shape not in (kept, shape) or not 0 < count * math.prod(shape) <= _MOST:
        return None
    relation, largest, least = _OF_MANY[reduction.primitive.name]
    last = range(len(shape) - len(axes), len(shape))

    def instead(read: _Read) -> Any:
        x = jnp.moveaxis(read(one), axes, last)
        rows = x.reshape(*x.shape[: last.start], count)
        apart = jnp.where(np.eye(count, dtype=bool), least, rows[..., None, :])
        found = relation(rows, largest(apart, -1)).reshape(x.shape)
        return jnp.moveaxis(found, last, axes)

    return instead


def _reduction(atom: Any, made: dict[Any, Any]) -> Any | None:
    """The maximum that an array repeats along the axes that it was taken over."""
    equation = made.get(atom)
    name = "" if equation is None else equation.primitive.name
    if name in _OF_MANY:
        return equation
    if equation is None or name not in ("reshape", "broadcast_in_dim"):
        return None
    inner, params = equation.invars[0], equation.params
    before = None if hasattr(inner, "val") else made.get(inner)
    if before is None or before.primitive.name not in _OF_MANY:
        return None
    shape, axes = before.invars[0].aval.shape, before.params["axes"]
    others = tuple(axis for axis in range(len(shape)) if axis not in axes)
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(shape))
    if name == "reshape" and tuple(params["new_sizes"]) == kept:
        return before
    if name == "broadcast_in_dim" and tuple(params["broadcast_dimensions"]) == others:
        return before
    return None
