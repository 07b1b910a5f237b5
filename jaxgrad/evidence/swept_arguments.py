"""What a function has to be like so that it is swept, and the options of a sweep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import ArgumentError, DtypeMismatch, ShapeMismatch
from jaxgrad.programs.jax_errors import errors_named
from jaxgrad.programs.returned import kinds
from jaxgrad.programs.traced_values import require_known_constants
from jaxgrad.programs.vmap_watch import rules_named, rules_watched

__all__ = [
    "LEAST_TILES",
    "checked_devices",
    "output_dtype",
    "require_same_of_batch",
    "require_tile",
]

LEAST_TILES = 16
"""A tile lies on one side of zero, and an interrupt is heard between two."""


def require_tile(call: str, tile: Any) -> None:
    """Refuses a size of tiles that is no power of two.

    Args:
        call: what is called, for messages.
        tile: floats per tile.

    Raises:
        ArgumentError: it is none.
    """
    whole = isinstance(tile, int) and not isinstance(tile, bool)
    if not whole or tile < 1 or tile & (tile - 1):
        raise ArgumentError(f"{call}: tile must be a power of two, not {tile!r:.60}; leave it out")


def checked_devices(call: str, devices: Any) -> tuple[Any, ...]:
    """The devices that are given, or all that are local.

    Args:
        call: what is called, for messages.
        devices: a list of devices, or None.

    Raises:
        ArgumentError: they are none.
    """
    if devices is None:
        return tuple(jax.local_devices())
    found = tuple(devices) if isinstance(devices, list | tuple) else ()
    if not found or not all(isinstance(each, jax.Device) for each in found):
        raise ArgumentError(
            f"{call}: devices is {devices!r:.60}; give a list of some of jax.local_devices(), or "
            "leave it out for all of them"
        )
    return found


# Floats of a batch whose shape and dtype are looked at.
_FEW = 2


def require_same_of_batch(call: str, f: Callable[[Any], Any], dtype: np.dtype, output: Any) -> None:
    """Refuses a function that returns something else of a batch.

    The floats of a tile are a batch, of which a ``custom_vmap`` may make something else.

    Args:
        call: what is called, for messages.
        f: scalar () of the dtype -> scalar ().
        dtype: of the floats.
        output: the dtype that f returns.

    Raises:
        ShapeMismatch, DtypeMismatch: it returns other numbers, or of another shape.
    """
    many, batch = jax.vmap(lambda x: f(x)), (jax.ShapeDtypeStruct((_FEW,), dtype),)
    named = errors_named(f"{call}: f under jax.vmap", many, batch)
    with named, rules_named(many, batch), rules_watched() as seen:
        found = jax.eval_shape(many, *batch)
    seen.require_dtypes()
    if found.shape == (_FEW,) and found.dtype == output:
        return
    kind = ShapeMismatch if found.dtype == output else DtypeMismatch
    raise seen.first or kind(
        f"{call}: f under jax.vmap returns {kinds(found)} for a batch of {_FEW}, one {output} for "
        "each alone; the rule of a custom_vmap, or of a primitive, returns something else: return "
        "every result with the axis of the batch in front, and cast it with .astype"
    )


def output_dtype(call: str, f: Callable[..., Any], *dtypes: np.dtype) -> Any:
    """The dtype of what a function of floats returns.

    Args:
        call: what is called, for messages.
        f: a scalar () of each dtype -> scalar ().
        dtypes: of the floats.

    Raises:
        ArgumentError: f does not return one real scalar, or closes over a traced value.
        NoDerivative, TreeMismatch, DtypeMismatch, TraceError: it cannot be traced.
    """
    scalars = tuple(jax.ShapeDtypeStruct((), dtype) for dtype in dtypes)
    with errors_named(f"{call}: f", f, scalars):
        # JAX keeps a weak reference to what it traces, which some callables do not allow.
        program, output = jax.make_jaxpr(lambda *xs: f(*xs), return_shape=True)(*scalars)
    require_known_constants(f"{call}: f", program.consts)
    names = " and a ".join(dtype.name for dtype in dtypes)
    if getattr(output, "shape", None) != ():
        raise ArgumentError(
            f"{call}: f returns {kinds(output)} for a scalar {names}, not one scalar; "
            "sum it or pick an entry"
        )
    if jnp.issubdtype(output.dtype, np.complexfloating):
        raise ArgumentError(
            f"{call}: f returns {output.dtype.name}, and complex numbers are not swept; sweep its "
            "real part and its imaginary part one after the other: lambda x: f(x).real"
        )
    if not (jnp.issubdtype(output.dtype, np.number) or output.dtype == bool):
        raise ArgumentError(f"{call}: f returns {output.dtype}, which is no number; return one")
    return output.dtype
