"""Primitives of somebody else that have the name of one of JAX's.

What a primitive computes, how it is differentiated and where it bends is looked up by its name, as
JAX moves the primitives themselves from module to module.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

from jax.extend.core import Primitive, primitives

__all__ = ["is_namesake"]


@functools.lru_cache(maxsize=4096)
def is_namesake(primitive: Primitive) -> bool:
    """Whether a primitive is none of JAX's, and has the name of one of these.

    Args:
        primitive: of an equation.

    Example:
        >>> from jax import lax
        >>> is_namesake(lax.tanh_p), is_namesake(Primitive("tanh")), is_namesake(Primitive("own"))
        (False, True, False)
    """
    if any(primitive is public for public in vars(primitives).values()):
        return False
    found = _in_jax()
    return primitive.name in {each.name for each in found} and primitive not in found


def _in_jax() -> set[Primitive]:
    """Those that some module of JAX has, of those that are imported by now."""
    modules = [x for name, x in list(sys.modules.items()) if name.partition(".")[0] == "jax"]
    values: list[Any] = [value for module in modules for value in list(vars(module).values())]
    return {value for value in values if isinstance(value, Primitive)}
