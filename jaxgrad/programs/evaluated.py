"""A program evaluated equation by equation, each as somebody says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jax.extend import source_info_util

__all__ = ["bind", "evaluated"]


def evaluated(
    program: Any,
    inputs: Sequence[Any],
    apply: Callable[[Any, list[Any]], Sequence[Any]],
    constant: Callable[[Any, Any], Any] = lambda value, _: value,
) -> list[Any]:
    """The outputs of a program.

    Args:
        program: a closed jaxpr, or an open one without constants.
        inputs: a value for each of its inputs.
        apply: of an equation and the values of its inputs, those of its outputs.
        constant: of a constant and the variable or literal that it is, the value that it has.

    Example:
        >>> import jax
        >>> closed = jax.make_jaxpr(lambda x: 2 * x + 1)(1.0)
        >>> def name(equation, values):
        ...     return [f"{equation.primitive.name}({', '.join(map(str, values))})"]
        >>> evaluated(closed, ["x"], name, lambda value, _: float(value))
        ['add(mul(2.0, x), 1.0)']
    """
    jaxpr, constants = getattr(program, "jaxpr", program), getattr(program, "consts", ())
    values = dict(zip(jaxpr.constvars, map(constant, constants, jaxpr.constvars), strict=True))
    values.update(zip(jaxpr.invars, inputs, strict=True))

    def read(atom: Any) -> Any:
        return constant(atom.val, atom) if hasattr(atom, "val") else values[atom]

    for equation in jaxpr.eqns:
        outputs = apply(equation, [read(atom) for atom in equation.invars])
        values.update(zip(equation.outvars, outputs, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


_ITS_OWN = object()


def bind(
    equation: Any,
    arguments: Sequence[Any],
    params: Mapping[str, Any] | None = None,
    trail: Any = _ITS_OWN,
) -> list[Any]:
    """What JAX makes of an equation of other arguments, which may be traced.

    Args:
        equation: of a jaxpr.
        arguments: a value for each of its inputs.
        params: other parameters than its own.
        trail: the traceback by which it is said where the operation comes from, if not its own;
            None: from where this is called.
    """
    primitive = equation.primitive
    trail = equation.source_info.traceback if trail is _ITS_OWN else trail
    bound = primitive.get_bind_params(dict(equation.params if params is None else params))
    with source_info_util.user_context(trail), equation.ctx.manager:
        outputs = primitive.bind(*arguments, **bound)
    return list(outputs) if primitive.multiple_results else [outputs]
