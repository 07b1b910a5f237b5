"""One layer as a function of its parameters and its input: what networks are composed of."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from jaxgrad.networks.activations import Activation, activation
from jaxgrad.networks.costs import Cost, cost

__all__ = ["affine", "layer", "output_layer"]


def affine(w: Array, b: Array, a: Array) -> Array:
    """The pre-activation z = w a + b of one layer.

    Args:
        w: shape (n, m), or () for one neuron fed by one neuron.
        b: shape (n,), or ().
        a: shape (m,), or (): the activations of the layer before.

    Returns:
        z, of the shape of b.

    Example:
        >>> import jax.numpy as jnp
        >>> float(affine(jnp.float32(3), jnp.float32(1), jnp.float32(2)))
        7.0

    Source: claims A1 and E1.
    """
    # Accelerators round the factors of a float32 product to fewer bits unless told not to.
    product = w * a if jnp.ndim(w) == 0 else jnp.dot(w, a, precision=jax.lax.Precision.HIGHEST)
    return product + b


def layer(kind: str | Activation) -> Callable[[Array, Array, Array], Array]:
    """One layer as a function (w, b, a) -> σ(w a + b), of which networks are compositions.

    Args:
        kind: the activation σ, by name or as an ``Activation``.

    Returns:
        A function of w (n, m), b (n,) and a (m,), or of three scalars, of one floating dtype.

    Raises:
        ArgumentError: no activation has this name.

    Example:
        >>> float(layer("relu")(2.0, 1.0, 3.0))
        7.0

    Source: claims A1 and E1.
    """
    function = activation(kind).function
    return lambda w, b, a: function(affine(w, b, a))


def output_layer(
    kind: str | Activation, objective: str | Cost
) -> Callable[[Array, Array, Array, Array], Array]:
    """The last layer and the cost as a function (w, b, a, y) -> C.

    Args:
        kind: the activation σ, by name or as an ``Activation``; a cost of the logits skips it.
        objective: the cost C, by name or as a ``Cost``.

    Returns:
        A function of w (n, m), b (n,), a (m,) and y (n,), or of four scalars, to a scalar.

    Raises:
        ArgumentError: no activation or cost has this name.

    Example:
        >>> float(output_layer("relu", "quadratic")(2.0, 1.0, 3.0, 5.0))
        2.0

    Source: claims A5 and E1, the base of their inductions.
    """
    function, chosen = activation(kind).function, cost(objective)

    def last(w: Array, b: Array, a: Array, y: Array) -> Array:
        z = affine(w, b, a)
        return chosen.value(z if chosen.of_logits else function(z), y)

    return last
