"""The approximate top k as the exact one, which it is wherever there is no TPU."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jaxgrad.programs.kept import Kept

__all__ = ["APPROXIMATE_TOP_K", "exact_top_k"]

APPROXIMATE_TOP_K = "approx_top_k"

_READ: Kept[Any] = Kept()


def exact_top_k(equation: Any) -> Any | None:
    """The closed jaxpr of the exact choice; None where more than k are returned.

    Example:
        >>> choose = lambda x: lax.approx_min_k(x, 2)
        >>> (equation,) = jax.make_jaxpr(choose)(jnp.arange(4.0)).eqns
        >>> [inner.primitive.name for inner in exact_top_k(equation).eqns]
        ['neg', 'top_k', 'neg']
    """
    params, (array,) = equation.params, (v.aval for v in equation.invars)
    k, largest = params["k"], params["is_max_k"]
    axis = params["reduction_dimension"] % len(array.shape)
    if not params["aggregate_to_topk"] or jax.default_backend() == "tpu":
        return None

    def chosen(x: Any) -> tuple[Any, Any]:
        rows = x if axis == x.ndim - 1 else jnp.moveaxis(x, axis, -1)
        values, places = lax.top_k(rows if largest else -rows, k)
        found = (values if largest else -values), places
        if axis == x.ndim - 1:
            return found
        return jnp.moveaxis(found[0], -1, axis), jnp.moveaxis(found[1], -1, axis)

    key = array.shape, str(array.dtype), k, axis, largest
    shape = jax.ShapeDtypeStruct(array.shape, array.dtype)
    return _READ.of(key, (), lambda: jax.make_jaxpr(chosen)(shape))
