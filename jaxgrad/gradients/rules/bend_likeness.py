"""What a derivative program is like that is not linear: of another degree, even, or not 0 at 0.

It is said where it holds in balls for two draws of what it is given and at sizes all over the range
of a float, so that it is no threshold somewhere between that makes it so.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from flint import arb

from jaxgrad.gradients.enclosure import FLOAT_BITS
from jaxgrad.gradients.rules.asked import Apart, drawn
from jaxgrad.gradients.rules.judgement import agreement
from jaxgrad.gradients.rules.operators import Operator
from jaxgrad.gradients.rules.sides import text_of
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.clock import WORDS, within

__all__ = ["bend_likeness"]

# Sizes at which a degree has to hold.
EXPONENTS = (1, 7, 20, 60, -1, -7, -20, -60)
# The power of a root is a fraction; roots beyond the sixth are none that anybody takes.
LARGEST_DENOMINATOR = 6


def bend_likeness(operator: Operator, found: Apart, moved: str) -> str:
    """What to say of it; nothing if it is like nothing that is known.

    Args:
        operator: the derivative program.
        found: where it is not linear.
        moved: what to call that which it is given.
    """
    said = ""
    with within(WORDS):
        said = _Looked(operator, found).words(moved)
    return said


class _Looked:
    """An entry of what a program gives, along two draws of what it is given."""

    def __init__(self, operator: Operator, found: Apart) -> None:
        self._operator, self._place = operator, found.place
        given, other = found.moved[0], drawn(operator, 2)
        if any(x.any() for x in given):  # what does not move in one draw does not in the other
            pairs = zip(given, other, strict=True)
            other = tuple(y if x.any() else np.zeros_like(y) for x, y in pairs)
        self._draws = [given, other]

    def words(self, moved: str) -> str:
        """In words."""
        zero = self._number(0, Fraction(0))
        if zero is not None and not zero.contains(0):
            return f", and L(0) is {text_of(zero)}{self._of_zero(zero, moved)}"
        degrees = {self._degree(k) for k in range(len(self._draws))}
        if len(degrees) > 1 or None in degrees:
            return ""
        degree = degrees.pop()
        if degree == 0:
            return (
                f", as where the {moved} is normalised or its sign alone is taken: its size is lost"
            )
        if degree == 1:
            return ", as of |g|: L(−g) is L(g)" if self._is_even else ""
        how = "squared" if degree == 2 else f"raised to the power {degree}"
        return f", as where the {moved} is {how}: it is of degree {degree} in it"

    def _of_zero(self, zero: arb, moved: str) -> str:
        """Whether what it gives for 0 is all that it gives, or is added to what is linear."""
        sizes = [Fraction(2) ** e * sign for e in EXPONENTS for sign in (1, -1)]
        numbers = [self._number(0, size) for size in sizes]
        if all(_same(x, zero) for x in numbers):
            return f" as any other: the {moved} is not used"
        one = self._number(0, Fraction(1))
        slope = None if one is None else one - zero
        line = [None if slope is None else zero + slope * _ball(size) for size in sizes]
        if all(_same(x, y) for x, y in zip(numbers, line, strict=True)):
            return f", not 0: a number is added to the {moved}"
        return ", not 0"

    @property
    def _is_even(self) -> bool:
        return all(
            _same(self._number(k, Fraction(1)), self._number(k, Fraction(-1)))
            for k in range(len(self._draws))
        )

    def _degree(self, draw: int) -> Fraction | None:
        """p where L(t·g) is tᵖ·L(g) for t of every size; None if there is none."""
        one, two = self._number(draw, Fraction(1)), self._number(draw, Fraction(2))
        if one is None or two is None or one.contains(0) or not two / one > 0:
            return None
        p = Fraction(float((two / one).log().mid() / arb(2).log().mid()))
        p = p.limit_denominator(LARGEST_DENOMINATOR)
        for e in EXPONENTS:
            found = self._number(draw, Fraction(2) ** e)
            if not _same(found, one * (arb(2).log() * _ball(p * e)).exp()):
                return None
        return p

    def _number(self, draw: int, size: Fraction) -> arb | None:
        """The entry for so many times a draw; None where it has no exact value."""
        factor = _ball(size)
        moved = [
            Ball().map(lambda x: x * factor, Ball().constants(np.asarray(leaf)))
            for leaf in self._draws[draw]
        ]
        found = self._operator.balls(moved)
        leaf, index = self._place
        number = None if found is None else found[leaf][index]
        return number if number is not None and number.is_finite() else None


def _ball(size: Fraction) -> arb:
    return arb(size.numerator) / size.denominator


def _same(x: arb | None, y: arb | None) -> bool:
    return x is not None and y is not None and agreement(x, y) >= FLOAT_BITS
