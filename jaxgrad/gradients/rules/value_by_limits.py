"""The value of a function where its program goes through an infinity, as the limit of its germs.

log Σp may be written log Σ exp(log p), of which the term at p = 0 is exp(−∞) = 0. Balls have no
log 0, so that they know no value there; beside the point there is one, and where the limit of it is
what JAX computes at the point, the function is continuous and this is its value.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax.numpy as jnp
from flint import arb

from jaxgrad.errors import JaxgradError
from jaxgrad.gradients.one_sided import MOST_EXACT_OPERATIONS
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.base import CannotDecide, ObjectArray
from jaxgrad.numbers.exact import ExactBall
from jaxgrad.numbers.extended import ExtendedBall
from jaxgrad.programs.jaxprs import operations
from jaxgrad.programs.trace import Program

__all__ = ["Ran", "exact_values", "has_values"]


def has_values(program: Program) -> bool:
    """Whether every result at the leaves of a program is a real number, log 0 being −∞."""
    balls = ExtendedBall()
    try:
        found = interpret(program, balls, [balls.constants(leaf.value) for leaf in program.inputs])
    except (CannotDecide, JaxgradError):
        return False
    return all(x.is_finite() for leaf in found for x in leaf.flat)


def exact_values(program: Program) -> list[ObjectArray] | None:
    """The values of a program at its leaves, by balls that know when they are 0.

    Returns:
        for each leaf of the result its balls; None where the program is too large, or not decided.
    """
    if operations(program.jaxpr.jaxpr) > MOST_EXACT_OPERATIONS:
        return None
    balls = ExactBall()
    try:
        found = interpret(program, balls, [balls.constants(leaf.value) for leaf in program.inputs])
    except (CannotDecide, JaxgradError):
        return None
    return [balls.map(lambda x: arb(x), leaf) for leaf in found]


class Ran(NamedTuple):
    """What JAX computes for one entry of a result.

    Args:
        value: the float.
        dtype: its dtype.

    Example:
        >>> half = Ran(0.5, jnp.float32)
        >>> half.is_value(arb(0.5), arb.nan()), half.is_value(arb(0.5), arb(0.25))
        (True, False)
    """

    value: float
    dtype: Any

    def is_value(self, limit: arb, other: arb) -> bool:
        """Whether it is the limit from the two sides, or from the one on which there is one.

        It is held against the limit to half of its digits: this is no judgement of its roundings,
        only a witness that the program has a value and does not jump.
        """
        if not math.isfinite(self.value) or (other.is_finite() and not limit.overlaps(other)):
            return False
        error = math.sqrt(float(jnp.finfo(self.dtype).eps))
        return bool(abs(limit - self.value) <= error * max(1.0, abs(self.value)))
