"""The properties of the document, each with the verdict that is expected of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import jax
import jax.numpy as jnp

from jaxgrad.errors import GradientMismatch, PropertyRefuted, UndecidedError
from jaxgrad.networks import closed_form
from jaxgrad.properties.by_hand import network_gradient_by_hand
from jaxgrad.properties.depth import gradient_kept, gradient_shrinks
from jaxgrad.properties.growth import increasing
from jaxgrad.properties.of_derivatives import (
    derivative_above,
    derivative_below,
    derivative_finite,
    derivative_takes,
)
from jaxgrad.verdict import Evidence, Verdict, evidence_of

__all__ = ["DOCUMENT", "Property", "outcome_of"]


@dataclass(frozen=True)
class Property:
    """A property of a function, ready to be run.

    Args:
        name: which claim of the document it belongs to, or which function of this package it is.
        statement: what it says.
        run: returns the evidence, or raises what a property raises.
        expected: the verdict that it has; None where it is only said what comes of it.

    Example:
        >>> [one.name for one in DOCUMENT[:2]]
        ['A5, E1', 'A6']
    """

    name: str
    statement: str
    run: Callable[[], Evidence]
    expected: Verdict | None = Verdict.AGREES

    def as_expected(self, found: Evidence) -> bool:
        """Whether what came of it is what it has to be."""
        return self.expected in (None, found.verdict)


def outcome_of(property: Property) -> Evidence:
    """What comes of a property: its evidence, also where it raises a failed check.

    Example:
        >>> outcome_of(DOCUMENT[-1]).verdict
        <Verdict.REFUTED: 'REFUTED'>
    """
    try:
        return property.run()
    except (PropertyRefuted, GradientMismatch, UndecidedError) as error:
        return evidence_of(error.check, property.name)


DOCUMENT: tuple[Property, ...] = (
    Property(
        "A5, E1",
        "the gradient by hand is jax.grad of the compiled network",
        lambda: network_gradient_by_hand(closed_form.gradient),
    ),
    Property("A6", "σ′(z) ≤ ¼", lambda: derivative_below(jax.nn.sigmoid, Fraction(1, 4))),
    Property(
        "A9",
        "the gradient shrinks to a quarter in each layer of one neuron with |w| ≤ 1",
        lambda: gradient_shrinks(jax.nn.sigmoid, Fraction(1, 4)),
    ),
    Property("F4", "σ grows", lambda: increasing(jax.nn.sigmoid)),
    Property("F4", "ReL grows", lambda: increasing(jax.nn.relu)),
    Property("F5", "σ′ is nowhere negative", lambda: derivative_above(jax.nn.sigmoid, 0)),
    Property("F5", "σ′ is finite", lambda: derivative_finite(jax.nn.sigmoid)),
    Property("F6", "ReL′ ∈ {0, 1}", lambda: derivative_takes(jax.nn.relu, {0, 1})),
    Property(
        "F6",
        "so is that of jnp.maximum(x, 0): wrong at 0, where it is ½",
        lambda: derivative_takes(lambda x: jnp.maximum(x, 0), {0, 1}),
        Verdict.REFUTED,
    ),
    Property(
        "F7",
        "ReL networks keep the gradient: wrong as written, for a dead unit loses it",
        lambda: gradient_kept(jax.nn.relu, 1),
        Verdict.REFUTED,
    ),
)
