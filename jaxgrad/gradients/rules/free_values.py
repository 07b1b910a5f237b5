"""What depends on vectors that are free: those of a repeated eigenvalue or singular value, and the
phases of those of a complex Schur form.

A run takes some orthonormal basis of the space, and others are as good.  What a program says of two
of them, one drawn at random, is a function of its arguments only where it is the same.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from flint import arb, ctx

from jaxgrad.gradients.enclosure import ENOUGH_BITS
from jaxgrad.gradients.one_sided import OneSided, one_sided_derivatives, slopes_from_the_right
from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import Ball, relative_bits
from jaxgrad.numbers.base import CannotDecide, ObjectArray
from jaxgrad.numbers.vector_choice import free_vectors
from jaxgrad.programs.trace import Program

__all__ = ["FREE", "FreeVectors", "are_alike"]

FREE = (
    "the vectors of a repeated eigenvalue or singular value are free, as are the phases of complex "
    "Schur vectors, and the result depends on which of them are taken"
)
"""Why nothing is known of a result."""


class FreeVectors:
    """A program at a point, where some vectors may be free.

    Args:
        program: of floating-point leaves, with their values.
        point: the balls of each of them.
    """

    def __init__(self, program: Program, point: Sequence[ObjectArray]) -> None:
        self._program, self._point = program, list(point)
        self.met = False  # whether some were

    @functools.cached_property
    def values(self) -> list[ObjectArray]:
        """The results by the vectors of a run."""
        with free_vectors() as choice:
            found = interpret(self._program, Ball(), self._point)
        self.met |= choice.met
        return found

    @functools.cached_property
    def known_values(self) -> list[ObjectArray]:
        """The results that are the same whichever vectors are taken, and NaN in place of others."""
        values = self.values
        if not self.met:
            return values
        with free_vectors(drawn=True):
            return _same(values, interpret(self._program, Ball(), self._point))

    def is_known(self, leaf: int, index: tuple[int, ...]) -> bool:
        """Whether an entry does not depend on the choice."""
        if not self.met:
            return True
        value, known = (each[leaf][index] for each in (self.values, self.known_values))
        return known.is_finite() or not value.is_finite()

    def derivatives(self, direction: Direction, order: int) -> OneSided:
        """The one-sided derivatives along a line, NaN where they depend on the choice."""
        values = [leaf.value for leaf in self._program.inputs]
        with free_vectors() as choice:
            found = one_sided_derivatives(self._program, values, direction.leaves, order)
        self.met |= choice.met
        if not choice.met:
            return found
        try:
            with free_vectors(drawn=True):
                other = one_sided_derivatives(self._program, values, direction.leaves, order)
        except CannotDecide as error:
            nothing = [Ball().map(lambda x: arb.nan(), leaf) for leaf in found.right]
            return OneSided(nothing, [leaf.copy() for leaf in nothing], (str(error),))
        right, left = _same(found.right, other.right), _same(found.left, other.left)
        return OneSided(right, left, found.reasons)

    def slopes_from_the_right(self, direction: Direction) -> tuple[list[ObjectArray], set[str]]:
        """The values and the derivatives from the right, and why some of them are not known.

        Raises:
            CannotDecide: an order of what ties is open, or vectors are free.
            UnsupportedPrimitive: a primitive has no rule.
        """
        with free_vectors() as choice:
            found = slopes_from_the_right(self._program, direction.leaves)
        self.met |= choice.met
        if choice.met:
            raise CannotDecide(FREE)
        return found


def _same(leaves: Sequence[ObjectArray], others: Sequence[ObjectArray]) -> list[ObjectArray]:
    """What is the same in both, and NaN in place of other numbers."""
    known = Ball().map
    return [
        known(lambda x, y: x if are_alike(x, y) else arb.nan(), *pair)
        for pair in zip(leaves, others, strict=True)
    ]


def are_alike(x: arb, y: arb) -> bool:
    """Whether two enclosures are those of one number, to half their bits, or of one infinity.

    Numbers that are analytic in what is drawn are the same by chance with probability 0.
    """
    difference = x - y
    if not difference.is_finite():
        return bool((x > 0 and y > 0) or (x < 0 and y < 0)) and not (x.is_finite() or y.is_finite())
    scale = abs(x).lower().max(abs(y).lower()).max(arb(1) if difference.contains(0) else arb(0))
    return relative_bits(difference, scale) >= min(ENOUGH_BITS, ctx.prec) / 2
