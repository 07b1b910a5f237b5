"""Cost functions of one example, each beside the gradient one writes for it by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import jax
import jax.numpy as jnp
from jax import Array

from jaxgrad.networks.arguments import chosen

__all__ = ["COSTS", "Cost", "cost"]


@dataclass(frozen=True)
class Cost:
    """A cost C of the last layer and the target y, with its gradient derived by hand.

    Args:
        name: what networks call it.
        of_logits: False where C is a function of the output activations a^L; True where it is a
            function of the last pre-activations z^L, whose last step (softmax, logistic) is part
            of the cost.
        value: (v, y) -> C, a scalar, v = z^L if of_logits else a^L; v and y of one shape.
        gradient: (v, y) -> ∂C/∂v, of the shape of v, without automatic differentiation.
        output: z^L -> a^L where of_logits, else None: the network's activation gives a^L.

    Example:
        >>> import jax.numpy as jnp
        >>> quadratic = cost("quadratic")
        >>> float(quadratic.value(jnp.float32(3), jnp.float32(1)))
        2.0
        >>> float(quadratic.gradient(jnp.float32(3), jnp.float32(1)))
        2.0
    """

    name: str
    of_logits: bool
    value: Callable[[Array, Array], Array]
    gradient: Callable[[Array, Array], Array]
    output: Callable[[Array], Array] | None = None


def _quadratic(a: Array, y: Array) -> Array:
    """C = ½ ‖a − y‖²."""
    residual = a - y
    return jnp.sum(residual * residual) / 2


def _quadratic_gradient(a: Array, y: Array) -> Array:
    """∂C/∂aᵢ = ½ · 2 (aᵢ − yᵢ)."""
    return a - y


def _cross_entropy(z: Array, y: Array) -> Array:
    """C = softplus(z) − y z for one output, −Σᵢ yᵢ log softmax(z)ᵢ for several.

    With a = σ(z): −y log a − (1 − y) log(1 − a) = y softplus(−z) + (1 − y) softplus(z), which is
    softplus(z) − y z because softplus(−z) = softplus(z) − z.
    """
    if z.size == 1:
        return jnp.sum(jax.nn.softplus(z) - y * z)
    return -jnp.sum(y * jax.nn.log_softmax(z))


def _cross_entropy_gradient(z: Array, y: Array) -> Array:
    """∂C/∂z = σ(z) − y for one output, softmax(z) Σᵢ yᵢ − y for several.

    log softmax(z)ᵢ = zᵢ − log Σⱼ e^zⱼ, so ∂C/∂zₖ = −yₖ + (Σᵢ yᵢ) e^zₖ / Σⱼ e^zⱼ; the targets
    need not sum to one.
    """
    if z.size == 1:
        return jax.nn.sigmoid(z) - y
    return jax.nn.softmax(z) * jnp.sum(y) - y


def _probabilities(z: Array) -> Array:
    """σ(z) for one output, softmax(z) for several."""
    return jax.nn.sigmoid(z) if z.size == 1 else jax.nn.softmax(z)


COSTS: Mapping[str, Cost] = MappingProxyType(
    {
        each.name: each
        for each in (
            Cost("quadratic", False, _quadratic, _quadratic_gradient),
            Cost("cross-entropy", True, _cross_entropy, _cross_entropy_gradient, _probabilities),
        )
    }
)
"""Every cost that a network can be given by name."""


def cost(name: str | Cost) -> Cost:
    """The cost of this name; a ``Cost`` is returned as it is.

    Args:
        name: a key of ``COSTS``, or a ``Cost`` of one's own.

    Raises:
        ArgumentError: no cost has this name.

    Example:
        >>> cost("cross-entropy").of_logits
        True

    Source: claim E1.
    """
    more = "jaxgrad.networks.costs.Cost(name, of_logits, value, gradient)"
    return chosen(name, Cost, COSTS, more)
