"""The recurrence of the document over a number system of somebody else's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jaxgrad import closed_form
from jaxgrad.networks import Dense

__all__ = ["require_recurrence"]


def require_recurrence(same: Callable[..., bool], widths: tuple[int, ...]) -> None:
    """The gradient by hand is JAX's, and one that is off by 2⁻²⁰ in one entry is not.

    Args:
        same: whether two functions are the same at drawn arguments of these shapes.
        widths: of the layers.
    """
    net = Dense(widths, "sigmoid")
    args = net.init(jax.random.key(0)), jnp.ones(widths[0]), jnp.ones(widths[-1])
    by_hand = closed_form.gradient(net)
    assert same(by_hand, jax.grad(net.cost), *args)

    def wrong(*args: Any) -> Any:
        (w, b), *rest = by_hand(*args)
        return [(w, b.at[0].multiply(1 + 2.0**-20)), *rest]

    assert not same(wrong, jax.grad(net.cost), *args)
