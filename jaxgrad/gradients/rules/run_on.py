"""What a rule is worth where the loops of a function are run on past their end.

An iteration that comes near to a solution is not the solution, and the rule of implicit
differentiation is the derivative of that.  Where the loops have found the solution to half the
digits at least, and the rule agrees with the derivative of the same loops however much longer they
run, it is the derivative of what they come near to.  Where they have not, they tell nothing of the
solution.  One turn more has to change as little as many more: what comes back to where it was after
two turns or four is a cycle, and no solution.  Nor is what goes on by the same steps for ever, be
they small: the further turns have to change less than those before them did.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

import numpy as np
from flint import arb

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.rules.directions import Direction, pairing
from jaxgrad.interpret.turns import LENGTHS, counting_turns, further_turns, is_run_on, one_more
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide, ObjectArray
from jaxgrad.programs.frozen_loops import freezes
from jaxgrad.programs.jaxprs import equations
from jaxgrad.programs.tolerances import (
    ends_at_a_tolerance,
    ends_itself_at_a_tolerance,
    loops_end_by,
)
from jaxgrad.programs.trace import Program

__all__ = ["Ended", "Endings", "ended", "holds_solvers"]


class Ended(Enum):
    """Where the loops of a program stop."""

    NOWHERE = "it has none, or they are run on already"
    AT_A_SOLUTION = "run on, they change less than half the digits"
    BEFORE = "run on, they change more than half the digits"
    UNKNOWN = "nobody knows"


class Endings:
    """What a program returns at a point as its loops end there, and as they are run on.

    Args:
        program: of floating-point leaves.
        point: balls.
        float_bits: how many bits a float of its results has.
        themselves: whether loops that have solvers inside of them are not run on.

    Attributes:
        turns: how often all loops have turned together.
        thaw: whether they are run on without keeping what they have when they are done, as where
            they would do nothing else.
    """

    def __init__(
        self,
        program: Program,
        point: Sequence[ObjectArray],
        float_bits: float,
        themselves: bool = False,
    ) -> None:
        self._half = 2.0 ** (-float_bits / 2)
        self._runs: list[list[ObjectArray]] | None = None
        self.turns = 0
        self.thaw = False
        self.themselves = themselves
        self._iterates = not is_run_on()
        if not self._iterates:
            return
        with contextlib.suppress(CannotDecide, UnsupportedPrimitive):
            with counting_turns() as turns:
                before = interpret(program, Ball(), list(point))
            self._iterates = turns.iterates
            self.turns = sum(turns.values())
            if self._iterates:
                self._runs = [before, *_further(program, point, False, themselves)]
                if _is_frozen(self._runs) and freezes(program.jaxpr):
                    self.thaw = True
                    self._runs = [before, *_further(program, point, True, themselves)]

    def of(self, entries: Sequence[tuple[int, tuple[int, ...]]] | None = None) -> Ended:
        """Where the loops end that some entries of the result come of.

        Args:
            entries: the leaf and the index of each; all of them if None.
        """
        if not self._iterates:
            return Ended.NOWHERE
        if self._runs is None:
            return Ended.UNKNOWN
        if entries is None:
            leaves = enumerate(self._runs[0])
            entries = [(leaf, index) for leaf, x in leaves for index in np.ndindex(x.shape)]
        found = [self._of(leaf, index) for leaf, index in entries]
        order = (Ended.UNKNOWN, Ended.BEFORE)
        return next((x for x in order if x in found), Ended.AT_A_SOLUTION)

    def changes(self, cotangent: Direction) -> list[arb]:
        """By how much further turns change ⟨u, f⟩; infinite where that is not known.

        Args:
            cotangent: u.
        """
        if self._runs is None:
            return [arb.pos_inf()]
        before, *further = (pairing(run, cotangent) for run in self._runs)
        return [abs(after - before).upper() for after in further]

    def _of(self, leaf: int, index: tuple[int, ...]) -> Ended:
        assert self._runs is not None
        before, following, after, longest = (run[leaf][index] for run in self._runs)
        if not all(x.is_finite() for x in (before, following, after, longest)):
            return Ended.UNKNOWN
        if abs(longest - after) > abs(after - before):
            return Ended.BEFORE
        # What is 0 in a solution has no digits, and comes as near to it as what stands beside it.
        largest = max(abs(x).upper() for x in self._runs[-1][leaf].flat if x.is_finite())
        size = abs(longest) if abs(longest) > largest * self._half else largest
        near = all(abs(x - before) <= size * self._half for x in (following, after))
        return Ended.AT_A_SOLUTION if near else Ended.BEFORE


# What is done changing changes no more by many turns than by as many again.
_ENDS = (LENGTHS[0], LENGTHS[-1])


def _further(
    program: Program, point: Sequence[ObjectArray], thaw: bool, themselves: bool
) -> list[list[ObjectArray]]:
    lengths = (one_more, *_ENDS)
    return [_longer(program, point, beyond, thaw, themselves) for beyond in lengths]


def holds_solvers(jaxpr: Any) -> bool:
    """Whether some loop ends at no tolerance, and has one that does inside of it."""
    return any(
        equation.primitive.name in ("scan", "while")
        and ends_at_a_tolerance(equation)
        and not ends_itself_at_a_tolerance(equation)
        for equation in equations(jaxpr)
    )


def _is_frozen(runs: Sequence[Sequence[ObjectArray]]) -> bool:
    """Whether further turns change nothing, to the last bit of every ball."""
    before, *further = ([x for leaf in run for x in leaf.flat] for run in runs)
    return all(
        x.mid() == y.mid() and x.rad() == y.rad()
        for longer in further
        for x, y in zip(before, longer, strict=True)
    )


def _longer(
    program: Program,
    point: Sequence[ObjectArray],
    length: Callable[[int], int],
    thaw: bool,
    themselves: bool,
) -> list[ObjectArray]:
    closed = program.jaxpr
    at_tolerances = loops_end_by(closed, [True] * len(closed.jaxpr.invars))
    with further_turns(length, at_tolerances=at_tolerances, themselves=themselves, thaw=thaw):
        return interpret(program, Ball(), list(point))


def ended(
    program: Program, point: Sequence[ObjectArray], float_bits: float, themselves: bool = False
) -> Ended:
    """Where the loops of a program end at a point.

    Args:
        program, point, float_bits, themselves: as for :class:`Endings`.
    """
    return Endings(program, point, float_bits, themselves).of()
