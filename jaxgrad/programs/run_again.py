"""A traced program as a function whose custom rules say in which lines they are written.

Where JAX runs a program again, all that it traces meanwhile is said to come of the line of the
equation that is run: of an operation of a custom rule that is the line that calls its function.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jax.extend import source_info_util

from jaxgrad.programs.custom_rules import CUSTOM_RULES
from jaxgrad.programs.jaxprs import inner_jaxpr, source_place
from jaxgrad.programs.raised_by import is_callers

__all__ = ["run_again"]


def run_again(closed: Any) -> Callable[..., list[Any]]:
    """A program as a function that JAX can trace and differentiate by the rules in it.

    Args:
        closed: a closed jaxpr.

    Returns:
        a function of the flat inputs that returns the flat outputs.

    Example:
        >>> import jax
        >>> [half] = run_again(jax.make_jaxpr(lambda x: x / 2)(1.0))(3.0)
        >>> float(half)
        1.5
    """
    return lambda *inputs: _run(closed.jaxpr, closed.consts, inputs)


def _run(jaxpr: Any, consts: Any, inputs: Any) -> list[Any]:
    values = dict(zip(jaxpr.constvars, consts, strict=True))
    values.update(zip(jaxpr.invars, inputs, strict=True))

    def read(atom: Any) -> Any:
        return atom.val if hasattr(atom, "val") else values[atom]

    for equation in jaxpr.eqns:
        primitive, arguments = equation.primitive, [read(atom) for atom in equation.invars]
        parameters = primitive.get_bind_params(equation.params)
        line = None if _is_of_caller(equation) else equation.source_info.traceback
        with source_info_util.user_context(line), equation.ctx.manager:
            outputs = primitive.bind(*arguments, **parameters)
        outputs = outputs if primitive.multiple_results else [outputs]
        values.update(zip(equation.outvars, outputs, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _is_of_caller(equation: Any) -> bool:
    """Whether it calls a custom rule of the caller's own code, neither JAX's nor a library's."""
    if equation.primitive.name not in CUSTOM_RULES:
        return False
    file = source_place(inner_jaxpr(equation.params)).rpartition(":")[0]
    return bool(file) and is_callers(Path(file))
