"""Which arguments a traced function reads: a statement that reads none says nothing of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from jax.interpreters.partial_eval import dce_jaxpr

from jaxgrad.programs.traced_values import require_known_constants

__all__ = ["reads"]


def reads(name: str, function: Callable[..., Any], *arguments: Any) -> tuple[bool, ...]:
    """Whether each argument, one array each, reaches some result.

    Args:
        name: what the function is called, for messages.
        function: traceable.
        arguments: arrays, or ``jax.ShapeDtypeStruct`` for their shapes and dtypes.

    Raises:
        ArgumentError: the function closes over a traced value.

    Example:
        >>> reads("f", lambda x, y: x > 0, 1.0, 2.0)
        (True, False)
    """
    # JAX keeps a weak reference to what it traces, which some callables do not allow.
    program = jax.make_jaxpr(lambda *xs: function(*xs))(*arguments)
    require_known_constants(name, program.consts)
    jaxpr = program.jaxpr
    return tuple(dce_jaxpr(jaxpr, [True] * len(jaxpr.outvars), instantiate=False)[1])
