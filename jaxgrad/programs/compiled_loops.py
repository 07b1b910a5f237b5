"""Loops and branches that run by themselves, compiled for as long as one comparison or check.

JAX keeps every primitive that runs outside of ``jit``, with the programs among its parameters, in a
cache of four thousand: more than a MiB for each loop of each program that was ever traced, and no
two traces have a loop in common.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
from jax.core import Tracer

__all__ = ["bound_alone", "compiled_loop", "loops_forgotten"]

# More loops than programs have, with those of their derivatives, which run at point after point.
MOST_KEPT = 512

# Whose parameters are programs.  Elsewhere JAX's cache is of use, for it is shared.
_LOOPS = tuple(
    primitive
    for primitive in (getattr(jax.lax, name, None) for name in ("scan_p", "while_p", "cond_p"))
    if primitive is not None
)


@functools.lru_cache(maxsize=MOST_KEPT)
def compiled_loop(primitive: Any, **parameters: Any) -> Callable[..., Any]:
    """A loop as JAX compiles it where it stands alone."""
    return jax.jit(functools.partial(primitive.bind, **parameters))


@contextlib.contextmanager
def loops_forgotten() -> Iterator[None]:
    """After the block nothing is kept of the loops that were run in it.

    Example:
        >>> program = jax.make_jaxpr(lambda x: jax.lax.fori_loop(0, 3, lambda _, y: 2 * y, x))(1.0)
        >>> loop = program.eqns[-1]
        >>> with loops_forgotten():
        ...     _ = bound_alone(loop.primitive, loop.params)(0, 3.0)
        ...     compiled_loop.cache_info().currsize > 0
        True
        >>> compiled_loop.cache_info().currsize
        0
    """
    try:
        yield
    finally:
        compiled_loop.cache_clear()


def bound_alone(primitive: Any, parameters: dict[str, Any]) -> Callable[..., Any]:
    """What a primitive returns, as a function of its inputs.

    Args:
        primitive: of JAX, or of a package.
        parameters: those that it is bound with.

    Example:
        >>> jaxpr = jax.make_jaxpr(lambda x: jax.lax.fori_loop(0, 3, lambda _, y: 2 * y, x))(1.0)
        >>> loop = jaxpr.eqns[-1]
        >>> [float(x) for x in bound_alone(loop.primitive, loop.params)(0, 3.0)]
        [3.0, 24.0]
    """
    bound = functools.partial(primitive.bind, **parameters)
    if not any(primitive is loop for loop in _LOOPS):
        return bound

    def run(*inputs: Any) -> Any:
        if _traced(inputs):
            return bound(*inputs)
        with jax.disable_jit(False):  # as JAX runs a primitive
            return compiled_loop(primitive, **parameters)(*inputs)

    return run


def _traced(inputs: Sequence[Any]) -> bool:
    return any(isinstance(x, Tracer) for x in inputs)
