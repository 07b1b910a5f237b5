"""Proves custom derivative rules equal to autodiff of the primal that they belong to."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from jaxgrad.custom_rules import has_custom_rules, strip_custom_rules
from jaxgrad.derivative_rules.programs import Primal, along_steps
from jaxgrad.engines.identity import Budget, Identity, identity
from jaxgrad.sides import make_side

__all__ = ["prove"]

# A check of a small function should not take longer for the attempt to prove more of it.
BUDGET = Budget(terms=20_000, work=50_000_000)


def prove(primal: Primal, order: int, modes: tuple[str, ...]) -> str | None:
    """What is shown if the rules are the same polynomials as autodiff without them, else None.

    Each order is shown by itself: that two first derivatives are equal for every input does not
    say that JAX differentiates both alike, as one of them may hold a ``stop_gradient``.

    Args:
        primal: the function; without custom rules there is nothing to prove.
        order: the highest derivative.
        modes: the modes in which the rules are used.
    """
    closed = primal.moving_program.jaxpr
    if not has_custom_rules(closed):
        return None
    stripped = strip_custom_rules(primal.truth_program.jaxpr)
    divisors = 0
    for k in range(1, order + 1):
        for combination in itertools.product(modes, repeat=k):
            found = _identity(primal, stripped, combination)
            if found is None or not found.proved:
                return None
            divisors += len(found.divisors)
    where = " at which both are defined" if divisors else ""
    return (
        "the custom rules give the same polynomial as JAX's derivative of the primal for every "
        f"real input of these shapes{where}"
    )


def _identity(
    primal: Primal, stripped: Callable[..., Any], modes: tuple[str, ...]
) -> Identity | None:
    sides = []
    for name, function in (("hand", primal), ("auto", stripped)):
        derivative, args = _derivative(modes, function, primal)
        try:
            sides.append(make_side(name, derivative, args))
        except (NotImplementedError, TypeError, ValueError):  # JAX has no such derivative
            return None
    return identity(sides[0], sides[1], BUDGET)


def _derivative(
    modes: tuple[str, ...], function: Callable[..., Any], primal: Primal
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    point = tuple(primal.point)
    tangents = primal.like_inputs([np.ones(leaf.shape) for leaf in primal.inputs])
    cotangents = primal.like_outputs([np.ones(leaf.shape) for leaf in primal.outputs])
    if modes == ("fwd",):
        return lambda x, v: jax.jvp(function, tuple(x), tuple(v))[1], (point, tangents)
    if modes == ("rev",):
        return lambda x, u: jax.vjp(function, *x)[1](list(u)), (point, cotangents)
    return along_steps(function, modes), (point, (tangents,) * len(modes), cotangents)
