"""To how many digits the loops of a function come to the value of its reference.

A rule by the implicit function theorem may be held against a reference that has the solution in
closed form.  It is computed of what the loops found, so that it is no nearer to the derivative of
the reference than that is to its value.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator

import jax.numpy as jnp

from jaxgrad.errors import JaxgradError
from jaxgrad.gradients.enclosure import FIRST_PRECISION
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.clock import WORDS, within
from jaxgrad.numbers.precision import precision
from jaxgrad.programs.jaxprs import holds_primitive

__all__ = ["solved_to"]

LOOPS = frozenset({"while", "scan"})


def solved_to(at: AtPoint) -> str:
    """What to say of it; nothing without a reference, or where the function has no loop.

    Args:
        at: the given point.
    """
    primal = at.rules.primal
    if primal.reference is None or not holds_primitive(primal.moving_program.jaxpr, LOOPS):
        return ""
    said = ""
    with (
        within(WORDS),
        contextlib.suppress(CannotDecide, JaxgradError),
        precision(FIRST_PRECISION),
    ):
        errors = list(_errors(at))
        said = _in_words(max(errors), at) if errors else ""
    return said


def _errors(at: AtPoint) -> Iterator[float]:
    """Of each leaf how far its values are from those of the reference, by the largest of them."""
    for own, true in zip(at.own.value, at.truth.value, strict=True):
        pairs = list(zip(own.flat, true.flat, strict=True))
        if not pairs or not all(x.is_finite() and y.is_finite() for x, y in pairs):
            continue
        apart = max(float(abs(x - y).abs_upper()) for x, y in pairs)
        size = max(float(abs(y).abs_upper()) for _, y in pairs)
        yield apart / size if size else (math.inf if apart else 0.0)


def _in_words(error: float, at: AtPoint) -> str:
    holds = min(jnp.finfo(leaf.dtype).nmant + 1 for leaf in at.rules.primal.outputs)
    digits = max(0.0, -math.log10(error)) if error else math.inf
    least = holds * math.log10(2)
    seen = FIRST_PRECISION * math.log10(2) // 2
    said = f"to {digits:.1f} digits" if digits < seen else f"to {seen:.0f} digits and more"
    short = f", and a float of its dtype holds {least:.1f}" if digits < least else ""
    return f"the loops of f come to the value of the reference {said}{short}"
