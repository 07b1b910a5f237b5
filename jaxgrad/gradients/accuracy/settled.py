"""The derivative at one float against the true one, by germs of more and more bits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from flint import arb

from jaxgrad.errors import JaxgradError
from jaxgrad.evidence.float_formats import Float, Format
from jaxgrad.gradients.accuracy.ordinals import ordinal_of, rounded_ball
from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.gradients.rules.sides import Sides
from jaxgrad.gradients.rules.truth import Truth
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.jaxprs import holds_primitive
from jaxgrad.programs.trace import Program

__all__ = ["Settled", "settle"]

# Doubled until the answer is known; what the last of them leave open lies closer to the middle
# between two floats than 2^-400 of itself, or is open for another reason.
_BITS = (64, 128, 256, 512)

# Of what steps at whole numbers: those of so many bits have a neighbourhood, too, in which it does.
_BITS_OF_STEPS = (2048,)
_STEPS = frozenset({"floor", "ceil", "round", "rem"})

_ALONG = Direction([np.ones(())])


@dataclass(frozen=True)
class Settled:
    """What is known of one float.

    Args:
        x: the float.
        y: what the derivative returned.
        kind: whether there is a derivative that says how far y is off, or certainly none, or
            neither is known.
        distance: how many floats y is from the true derivative, rounded; 2^bits − 1 of a NaN.
        rounded: the number of the float that the true derivative rounds to.
        truth: a ball that holds the true derivative.
    """

    x: Float
    y: np.ndarray
    kind: Literal["judged", "no derivative", "open"]
    distance: int = 0
    rounded: int = 0
    truth: arb | None = None


def settle(program: Program, x: Float, y: np.ndarray) -> Settled:
    """How far what a derivative returned at a float is from the true one.

    Args:
        program: the function of one variable that is derived.
        x: the float, finite.
        y: what the derivative returned, of shape ().
    """
    (leaf,) = program.inputs
    program = replace(program, inputs=(replace(leaf, value=np.asarray(x.value)),))
    for bits in _BITS_OF_STEPS if holds_primitive(program.jaxpr, _STEPS) else _BITS:
        try:
            with precision(bits):
                found = _judged(x, y, _sides(program))
        except JaxgradError:  # what germs cannot do, they cannot with more bits
            break
        if found is not None:
            return found
    return Settled(x, y, "open")


def _sides(program: Program) -> Sides:
    truth = Truth(program, [leaf.value for leaf in program.inputs], 1)
    return truth.sides(_ALONG, 1, _ALONG)


def _judged(x: Float, y: np.ndarray, sides: Sides) -> Settled | None:
    """None where more bits may help."""
    if sides.kink or any(not side.is_finite() for side in sides.known):
        return Settled(x, y, "no derivative")
    if len(sides.known) < 2:
        return None
    format = Format(x.dtype)
    low, high = rounded_ball(format, sides.right.union(sides.left))
    if low != high:
        return None
    is_nan = bool(np.isnan(y.astype(np.float64)))
    distance = 2**format.bits - 1 if is_nan else abs(ordinal_of(y) - low)
    return Settled(x, y, "judged", distance, low, sides.right.union(sides.left))
