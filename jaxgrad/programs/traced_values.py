"""Values that JAX is tracing have no numbers to look at: what is said of them at the door."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jax import lax
from jax.core import Tracer
from jax.tree_util import keystr, tree_flatten_with_path

from jaxgrad.errors import ArgumentError
from jaxgrad.programs.trace import is_differentiable

__all__ = ["is_held_fixed", "require_known_constants", "require_values"]

_AROUND = "as by jax.jit, jax.vmap or jax.grad around the call"


def require_values(
    name: str, args: Sequence[Any] = (), names: Callable[[], Sequence[str]] | None = None
) -> None:
    """Refuses arguments that are traced, and a call from within a function that is being traced.

    Args:
        name: what is called.
        args: pytrees.
        names: one name for each argument, the start of its leaves' key paths.

    Raises:
        ArgumentError: a leaf is traced, or what is computed now would be.

    Example:
        >>> require_values("check", (1.0, {"w": 2.0}))
    """
    paths = [
        (i, keystr(path))
        for i, argument in enumerate(args)
        for path, leaf in tree_flatten_with_path(argument)[0]
        if isinstance(leaf, Tracer)
    ]
    if paths:
        i, path = paths[0]
        which = names()[i] if names is not None else f"args[{i}]"
        raise ArgumentError(
            f"{name}: the argument {which}{path} is traced, {_AROUND}, and has no value yet that "
            f"could be looked at; call {name} outside of the traced function, on numbers"
        )
    if isinstance(lax.full((), 0), Tracer):
        raise ArgumentError(
            f"{name} is called within a function that JAX is tracing, {_AROUND}, where all that is "
            f"computed is traced, too, and has no value; call {name} outside of it"
        )


def require_known_constants(name: str, constants: Sequence[Any]) -> None:
    """Refuses a function that closes over a traced value.

    Args:
        name: what the function is called.
        constants: those of its program.

    Raises:
        ArgumentError: one of them is traced.

    Example:
        >>> require_known_constants("f", [1.0])
    """
    found = next((each for each in constants if isinstance(each, Tracer)), None)
    if found is not None:
        raise ArgumentError(
            f"{name} closes over a value that is traced ({found.aval.str_short()}), {_AROUND}, or "
            "that was kept from another trace: it has no number yet; make the call outside of the "
            "traced function, or make the value an argument"
        )


def is_held_fixed(jaxpr: Any, value: Tracer) -> bool:
    """Whether no derivative moves a value of a trace that has ended: JAX hands it on untraced.

    It is made of no input, as an array of ones, or only through what has no derivative: a
    ``stop_gradient``, integers and truth values.  An input that is stopped as it is moves all the
    same: JAX does that to arguments in ``nondiff_argnums``, which a rule has no derivative by.

    Args:
        jaxpr: the trace.
        value: the value; False of one that is not found in the trace.

    Example:
        >>> import jax
        >>> kept = []
        >>> def f(x):
        ...     kept.extend([jax.numpy.ones(2), 2 * x, jax.lax.stop_gradient(2 * x), x > 0])
        ...     return x
        >>> traced = jax.make_jaxpr(f)(1.0).jaxpr
        >>> [is_held_fixed(traced, value) for value in kept]
        [True, False, True, True]
    """
    inputs, moving = set(jaxpr.invars), set(jaxpr.invars)
    wanted = getattr(value, "val", None)
    for equation in jaxpr.eqns:
        cut = inputs if equation.primitive.name == "stop_gradient" else moving
        if any(not hasattr(x, "val") and x in cut for x in equation.invars):
            moving.update(x for x in equation.outvars if is_differentiable(x.aval.dtype))
        if any(wanted is x for x in equation.outvars):
            return wanted not in moving
    return False
