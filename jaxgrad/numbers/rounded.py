"""Numbers in which a constant of a program stands for every real number that rounds to it.

A rule such as that of erf has 2/√π in it, rounded to the dtype of its argument.
"""

from __future__ import annotations

import functools
from typing import Any

from flint import arb

from jaxgrad.numbers.ball import exact_ball
from jaxgrad.numbers.base import NumberSystem

__all__ = ["rounded"]

# A multiple of 1/16 is exact in every float of 4 bits or more, and meant as it is.
SHORT = 16


def rounded(system: NumberSystem, rounding: float) -> NumberSystem:
    """Widens the constants of a number system by a relative error.

    Args:
        system: numbers with balls for coefficients.
        rounding: the relative error; the system itself is returned where it is 0.

    Example:
        >>> from jaxgrad.numbers.ball import Ball
        >>> balls = rounded(Ball(), 1e-7)
        >>> balls.constant(0.1).contains(arb("0.1")), balls.constant(0.5).is_exact()
        (True, True)
    """
    if rounding:
        kind = _kind(type(system))
        system.__class__ = kind
        system.rounding = rounding  # pyright: ignore[reportAttributeAccessIssue]
    return system


@functools.cache
def _kind(kind: type) -> type:
    class Rounded(kind):
        def constant(self, value: Any) -> Any:
            exact = super().constant(value)
            number = exact_ball(value)
            if not number.is_finite() or (number * SHORT).is_integer():
                return exact
            factor = arb(1, self.rounding)
            if isinstance(exact, arb):
                return exact * factor
            return exact * type(exact)([factor], terms=self.terms)

    return Rounded
