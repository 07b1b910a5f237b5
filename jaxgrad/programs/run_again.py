"""A traced program as a function whose custom rules say in which lines they are written.

Where JAX runs a program again, all that it traces meanwhile is said to come of the line of the
equation that is run: of an operation of a custom rule that is the line that calls its function.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jaxgrad.programs.custom_rules import is_rule
from jaxgrad.programs.evaluated import bind, evaluated
from jaxgrad.programs.raised_by import is_callers
from jaxgrad.programs.rule_functions import place_of_function

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
    return lambda *inputs: evaluated(closed, inputs, _apply)


def _apply(equation: Any, arguments: list[Any]) -> list[Any]:
    trail = None if _is_of_caller(equation) else equation.source_info.traceback
    return bind(equation, arguments, trail=trail)


def _is_of_caller(equation: Any) -> bool:
    """Whether it calls a custom rule of the caller's own code, neither JAX's nor a library's."""
    if not is_rule(equation):
        return False
    file = place_of_function(equation).rpartition(":")[0]
    return bool(file) and is_callers(Path(file))
