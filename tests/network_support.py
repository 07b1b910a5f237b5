"""Networks of the document at a point."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad.networks import Chain

__all__ = ["at"]


def at(net: Any, seed: int = 0) -> tuple[Any, Any, Any]:
    """Parameters, an input and a target for a network."""
    params = net.init(jax.random.key(seed))
    if isinstance(net, Chain):
        return params, jnp.asarray(0.3), jnp.asarray(0.7)
    x = jnp.linspace(-1.0, 1.0, net.widths[0])
    return params, x, jnp.full(net.widths[-1], 1.0 / net.widths[-1])
