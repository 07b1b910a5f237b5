"""JAX's switches for debugging, which are to change no verdict."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import jax

__all__ = ["without_debug_modes"]


@contextlib.contextmanager
def without_debug_modes() -> Iterator[None]:
    """Traces and runs as JAX does where none of its debug modes is on.

    Some of them refuse what JAX's own derivatives are made of (``jax_enable_checks``, strict
    promotion of dtypes), some what a check is there to find (``jax_debug_nans``), and some take
    the programs apart that it reads (``jax_disable_jit``).  What changes the numbers themselves,
    such as ``jax_enable_x64``, stays as it is.

    Example:
        >>> with jax.disable_jit(), without_debug_modes():
        ...     jax.make_jaxpr(jax.jit(abs))(1.0).eqns[0].primitive.name
        'jit'
    """
    with contextlib.ExitStack() as modes:
        modes.enter_context(jax.enable_checks(False))
        modes.enter_context(jax.numpy_dtype_promotion("standard"))
        modes.enter_context(jax.numpy_rank_promotion("allow"))
        modes.enter_context(jax.debug_nans(False))
        modes.enter_context(jax.debug_infs(False))
        modes.enter_context(jax.debug_key_reuse(False))
        modes.enter_context(jax.check_tracer_leaks(False))
        modes.enter_context(jax.disable_jit(False))
        modes.enter_context(jax.transfer_guard("allow"))
        yield
