"""Activation functions, each beside the derivative one writes for it by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxgrad.errors import ArgumentError
from jaxgrad.networks.arguments import chosen

__all__ = ["ACTIVATIONS", "Activation", "activation", "stepped_sigmoid"]


@dataclass(frozen=True)
class Activation:
    """A function applied to every pre-activation z, with its derivative derived by hand.

    Args:
        name: what networks call it.
        function: z -> a, elementwise, any shape, shape and dtype kept.
        derivative: z -> da/dz, elementwise, any shape, shape and dtype kept, without automatic
            differentiation.

    Example:
        >>> square = Activation("square", lambda z: z * z, lambda z: 2 * z)
        >>> square.function(3.0), square.derivative(3.0)
        (9.0, 6.0)
    """

    name: str
    function: Callable[[Array], Array]
    derivative: Callable[[Array], Array]


def _sigmoid_derivative(z: Array) -> Array:
    """σ' = σ(1 − σ), since σ = 1/(1 + e⁻ᶻ) gives σ' = e⁻ᶻ/(1 + e⁻ᶻ)² and 1 − σ = e⁻ᶻσ."""
    s = jax.nn.sigmoid(z)
    return s * (1 - s)


def _tanh_derivative(z: Array) -> Array:
    """tanh' = 1 − tanh², the quotient rule on sinh/cosh with cosh² − sinh² = 1."""
    t = jnp.tanh(z)
    return 1 - t * t


def _softplus_derivative(z: Array) -> Array:
    """softplus' = σ, since the derivative of log(1 + eᶻ) is eᶻ/(1 + eᶻ) (claim F2)."""
    return jax.nn.sigmoid(z)


def _relu_derivative(z: Array) -> Array:
    """ReL' = [z > 0]; at the kink z = 0 this takes 0 of the subdifferential [0, 1] (claim F6)."""
    return jnp.where(z > 0, jnp.ones_like(z), jnp.zeros_like(z))


ACTIVATIONS: Mapping[str, Activation] = MappingProxyType(
    {
        each.name: each
        for each in (
            Activation("sigmoid", jax.nn.sigmoid, _sigmoid_derivative),
            Activation("tanh", jnp.tanh, _tanh_derivative),
            Activation("softplus", jax.nn.softplus, _softplus_derivative),
            Activation("relu", jax.nn.relu, _relu_derivative),
        )
    }
)
"""Every activation that a network can be given by name."""


def activation(name: str | Activation) -> Activation:
    """The activation of this name; an ``Activation`` is returned as it is.

    Args:
        name: a key of ``ACTIVATIONS``, or an ``Activation`` of one's own.

    Raises:
        ArgumentError: no activation has this name.

    Example:
        >>> float(activation("sigmoid").derivative(0.0))
        0.25

    Source: claims A6, F2 and F6, and E1 for the four names.
    """
    more = "jaxgrad.activations.Activation(name, function, derivative)"
    return chosen(name, Activation, ACTIVATIONS, more)


def stepped_sigmoid(x: ArrayLike, terms: int) -> Array:
    """The sum of shifted sigmoids that softplus approximates.

    Σᵢ σ(x − i + ½) for i = 1 … terms. Each term is a step of height 1 at x = i − ½, so up to
    x = terms the sum climbs like max(0, x), rounded as log(1 + eˣ) is; beyond, it saturates.

    Args:
        x: floating, any shape.
        terms: how many sigmoids, at least 1.

    Returns:
        An array with the shape and dtype of x.

    Raises:
        ArgumentError: terms is not a positive integer, x is not floating, or the dtype of x
            cannot hold the last shift exactly, so another function would be summed.

    Example:
        >>> import jax.numpy as jnp
        >>> float(stepped_sigmoid(0.5, terms=1))
        0.5
        >>> stepped_sigmoid(jnp.zeros((2, 3)), terms=4).shape
        (2, 3)

    Source: claim F1.
    """
    if isinstance(terms, bool) or not isinstance(terms, int | np.integer) or terms < 1:
        raise ArgumentError(f"terms is {terms!r}: pass the number of sigmoids, an integer >= 1")
    x = jnp.asarray(x)
    if not jnp.issubdtype(x.dtype, jnp.floating):
        raise ArgumentError(f"x has dtype {x.dtype}: convert it, e.g. jnp.asarray(x, float)")
    # i − ½ is the odd integer 2i − 1 over 2: exact where 2i − 1 fits the significand, which has
    # one bit more than is stored.
    if 2 * int(terms) - 1 >= 2 ** (jnp.finfo(x.dtype).nmant + 1):
        raise ArgumentError(
            f"the shift {terms} - 1/2 is no {x.dtype}: use fewer terms or a wider dtype"
        )
    shifts = np.arange(1, terms + 1) - 0.5
    shifts = jnp.asarray(shifts, x.dtype).reshape((1,) * x.ndim + (-1,))
    return jnp.sum(jax.nn.sigmoid(x[..., None] - shifts), axis=-1)
