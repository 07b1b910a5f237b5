"""The derivative of a function that jumps at a scale that no float sees.

A bisection returns one of finitely many numbers: its slope between two jumps is that of its last
steps and tells nothing of the root.  At the scale of floats it is as good as the root, and its
secants are.  They have no rule in them, and what is left of their error is what halving their step
changes.  Where nothing jumps they tend to the derivative, which tells more than they do.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from flint import arb

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.rules.directions import Direction, pairing
from jaxgrad.gradients.rules.lines import Line
from jaxgrad.numbers.base import CannotDecide

__all__ = ["Secants"]

# Steps from half the digits of a float to all of them.
FINER = (1 / 2, 2 / 3, 5 / 6, 1)
# Steps from a third of the digits of a float to few of them.
COARSER = (1 / 3, 1 / 4, 1 / 6, 1 / 12)
# A slope of a smooth function over h is off by ch², over 3h by 9ch², so that an eighth of what
# a longer step changes is enough; so much more is left to what else may be, where jumps are not
# looked for.
MANY = 4
# Numbers that are no smaller than the largest by more than this are of one scale.
ONE_SCALE = 16
# Parts of a step at which jumps are seen that longer secants agree on by chance.
WITHIN = (0.2, 0.35, 0.5, 0.65, 0.8)
# Steps of which those of a bisection to the last bit still show a slope.
SHORT = FINER[:2]
# Shorter ones that jumps change by less than this of what parts the longer from a number tell, too.
CLEAR = 1 / 4
# The root of x³ + x² = 1, which is far from every quotient of small integers.
ODD = 0.7548776662466927


class Secants:
    """Those of ⟨u, f⟩ along a line.

    Args:
        line: f along it.
        cotangent: u.
        float_bits: how many bits a float has.

    Attributes:
        line, float_bits: as given.
        size: the largest of the numbers that move.
        of_one_scale: whether the others are about as large, so that their floats lie as close.
    """

    def __init__(self, line: Line, cotangent: Direction, float_bits: float) -> None:
        self.line, self._cotangent, self.float_bits = line, cotangent, float_bits
        # Of the numbers that move alone: one beside them says nothing of how they do.
        moving = line.direction.support
        sizes = [float(abs(line.point[leaf][index]).mid()) for leaf, index in moving]
        self.size = max(sizes, default=0.0) or 1.0
        self.of_one_scale = min(sizes, default=0.0) * ONE_SCALE >= self.size

    def have_slope(self, number: arb, beside: arb | None = None) -> bool:
        """Whether a number is their slope, as far as they tell.

        That is to half the digits of a float, and no further from the shortest secant than twice
        its length changes it, or jumps do, or than a float tells where nothing changes it, as of
        straight lines.

        Args:
            number: the number.
            beside: the largest that comes with it, of which these are the digits; itself if None.
        """
        # The error of a secant of step h is of order h², what rounding makes of its ends
        # 2^(1-bits)/h.
        slope = self._over(self.step(1 / 3), (2,), 1)
        if slope is None:
            return False
        short = arb(slope.mid())
        off = abs(number - short)
        size = abs(short) if beside is None else abs(short).max(beside)
        near = off <= size * 2.0 ** (-self.float_bits / 2)
        told = slope.rad().max(size * 2.0**-self.float_bits)
        return bool(off <= told) and bool(near)

    def tell_apart(self, number: arb) -> bool:
        """Whether a number is certainly not their slope, or they have none."""
        slope = self.shown
        return slope is not None and not slope.overlaps(number)

    def refute(self, number: arb) -> bool:
        """Whether a number is certainly not their slope, however short they are, to either side.

        Where f is sharp long ones have left the place, and at a kink each side has its own slope.
        """
        slope = self.shown
        if slope is None or not self.tell_apart(number):
            return False
        apart = abs(slope - number).lower() * CLEAR
        return not any(self._may_have(number, self.step(digits), apart) for digits in SHORT)

    def _may_have(self, number: arb, step: float, clear: arb) -> bool:
        """Whether those of a step to one side may be of a slope, if they are clear enough."""
        around = self._slope(step)
        rough = self._roughness(step, around)
        if not (around.is_finite() and rough <= clear) or around.is_zero():
            return False
        sides = []
        for signed in (step, -step):
            short, longer, longest = (self._slope_to(k * signed) for k in (1, 2, 4))
            # The error of a secant to one side is of order h, and of this h².
            best, other = 2 * short - longer, 2 * longer - longest
            sides.append(best + arb(0, (abs(best - other) + 3 * rough).upper()))
        hull = sides[0].union(sides[1])
        return not hull.is_finite() or hull.overlaps(number)

    @property
    def moves_one(self) -> bool:
        """Whether a single number moves."""
        return len(self.line.direction.support) == 1

    def none_shows(self, number: arb, left: arb) -> bool:
        """Whether a slope is too little to be seen over the longest step that is looked at.

        Args:
            number: the slope.
            left: what else changes f, if that is more than the distance of its floats.
        """
        least = abs(self.value(0.0)) * 2.0**-self.float_bits
        return not left.max(least) < abs(number) * self.step(COARSER[-1])

    @cached_property
    def shown(self) -> arb | None:
        """The slope of those that tell most of it; None if unknown.

        It is 0 where none shows another: those of what is the same number for all points nearby do.
        """
        told = ((1.5, 2), 1) if self.line.compares else ((1.5, 2, 3), MANY)
        found = [self._over(self.step(digits), *told) for digits in COARSER]
        slopes = [slope for slope in found if slope is not None and not slope.is_zero()]
        if found[0] is None:
            return None
        return min(slopes, key=lambda slope: slope.rad(), default=arb(0))

    def _over(self, step: float, lengths: Sequence[float], many: float) -> arb | None:
        """The slope over a step, as far as longer ones tell; None if unknown."""
        short, *longer = (self._slope(k * step) for k in (1, *lengths))
        if not all(slope.is_finite() for slope in (short, *longer)):
            return None
        change = max(abs(slope - short).upper() for slope in longer)
        told = many * change + self._roughness(step, short)
        return arb(short.mid(), told.upper() + short.rad()) if told.is_finite() else None

    def _roughness(self, step: float, slope: arb) -> arb:
        """How far f is from a straight line within a step, over its length; 0 if it can't jump."""
        if not self.line.compares:
            return arb(0)
        found = [k * abs(self._slope(k * step) - slope).upper() for k in WITHIN]
        return 2 * max(found, key=lambda x: math.inf if x.is_nan() else x)

    def tend_to(self, derivative: arb) -> bool:
        """Whether the shorter they are the nearer they come to a number.

        The error of those of a smooth function is of order h², and less than h is asked for.
        """
        return all(self._is_near(derivative, self.step(digits)) for digits in FINER)

    def come_to(self, derivative: arb) -> bool:
        """Whether they come nearer to a number by half of what a smooth function does, from any.

        Of what is sharp the longer ones have left the place: a step of 1/16 leaves 1/256 of h².
        """
        off = [abs(self._slope(self.step(digits)) - derivative) for digits in FINER]
        near = [self._is_near(derivative, self.step(digits)) for digits in FINER[1:]]
        steps = zip(itertools.pairwise(off), near, strict=True)
        return all(is_near or bool(after <= before / 16) for (before, after), is_near in steps)

    def _is_near(self, derivative: arb, step: float) -> bool:
        slope = self._slope(step)
        return bool(abs(slope - derivative) <= abs(slope) * (step / self.size))

    def step(self, digits: float) -> float:
        """A step that leaves so many of the digits of the point as they are.

        It is no power of two: of what jumps at multiples of one that would count no jump too many.
        """
        return ODD * 2.0 ** np.floor(np.log2(self.size) - self.float_bits * digits)

    def _slope(self, step: float) -> arb:
        """The slope over a step to either side; NaN where it is not known."""
        try:
            ends = [self.value(sign * step) for sign in (1, -1)]
        except (CannotDecide, UnsupportedPrimitive):
            return arb.nan()
        return (ends[0] - ends[1]) / (2 * step)

    def _slope_to(self, step: float) -> arb:
        """The slope over a step to one side."""
        try:
            return (self.value(step) - self.value(0.0)) / step
        except (CannotDecide, UnsupportedPrimitive):
            return arb.nan()

    def value(self, step: float) -> arb:
        """⟨u, f⟩ a step along the line.

        Raises:
            CannotDecide, UnsupportedPrimitive: f has no value there.
        """
        return pairing(self.line.outputs(step), self._cotangent)
