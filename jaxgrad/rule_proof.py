"""Proves custom derivative rules equal to autodiff of the primal that they belong to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from jaxgrad.custom_rules import has_custom_rules, strip_custom_rules
from jaxgrad.engines.identity import Budget, identity
from jaxgrad.rule_programs import Primal
from jaxgrad.sides import make_side

__all__ = ["prove"]

# A check of a small function should not take longer for the attempt to prove more of it.
BUDGET = Budget(terms=20_000, work=50_000_000)


def prove(primal: Primal, modes: tuple[str, ...]) -> str | None:
    """What is shown if the rules are the same polynomials as autodiff without them, else None.

    Equal first derivatives for every input have equal derivatives of every order.

    Args:
        primal: the function; without custom rules there is nothing to prove.
        modes: the modes in which the rules are used.
    """
    closed = primal.moving_program.jaxpr
    if not has_custom_rules(closed):
        return None
    stripped = strip_custom_rules(primal.truth_program.jaxpr)
    divisors = 0
    for mode in modes:
        sides = []
        for name, function in (("hand", primal), ("auto", stripped)):
            derivative, argument = _first_derivative(mode, function, primal)
            try:
                sides.append(make_side(name, derivative, (tuple(primal.point), argument)))
            except NotImplementedError:  # JAX has no derivative of the primal but the custom one
                return None
        found = identity(sides[0], sides[1], BUDGET)
        if not found.proved:
            return None
        divisors += len(found.divisors)
    where = " at which both are defined" if divisors else ""
    return (
        "the custom rules give the same polynomial as JAX's derivative of the primal for every "
        f"real input of these shapes{where}"
    )


def _first_derivative(
    mode: str, function: Callable[..., Any], primal: Primal
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    if mode == "fwd":
        ones = primal.like_inputs([np.ones(leaf.shape) for leaf in primal.inputs])
        return lambda x, v: jax.jvp(function, tuple(x), tuple(v))[1], ones
    ones = primal.like_outputs([np.ones(leaf.shape) for leaf in primal.outputs])
    return lambda x, u: jax.vjp(function, *x)[1](list(u)), ones
