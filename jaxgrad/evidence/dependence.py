"""Which arguments a traced function reads: a statement that reads none says nothing of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
from jax.interpreters.partial_eval import dce_jaxpr

__all__ = ["reads"]


def reads(function: Callable[..., Any], *arguments: Any) -> tuple[bool, ...]:
    """Whether each argument, one array each, reaches some result.

    Args:
        function: traceable.
        arguments: arrays, or ``jax.ShapeDtypeStruct`` for their shapes and dtypes.

    Example:
        >>> reads(lambda x, y: x > 0, 1.0, 2.0)
        (True, False)
    """
    jaxpr = jax.make_jaxpr(function)(*arguments).jaxpr
    return tuple(dce_jaxpr(jaxpr, [True] * len(jaxpr.outvars), instantiate=False)[1])
