"""Programs over intervals, compiled so that no number is computed more than once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax

__all__ = ["jitted"]

# With these XLA computes what several operations of one kernel need again for each of them, and so
# exponentially often: both ends of an interval need both ends of what it is made of.
_EMITTERS = {"xla_cpu_use_fusion_emitters": False}


def jitted(function: Callable[..., Any]) -> Callable[..., Any]:
    """``jax.jit`` of a program over intervals.

    Example:
        >>> float(jitted(lambda x: x + 1)(1.0))
        2.0
    """
    return jax.jit(function, compiler_options=_options(jax.default_backend()))


@functools.cache
def _options(backend: str) -> dict[str, Any] | None:
    """What the compiler is asked for, where it knows of it."""
    if backend != "cpu":
        return None
    try:
        jax.jit(lambda x: x, compiler_options=_EMITTERS).lower(1.0).compile()
    except Exception:  # of another release, whatever it raises
        return None
    return _EMITTERS
