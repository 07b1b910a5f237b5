"""Everything that autodiff may make of ties: at each of them either branch is taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flint import arb

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.one_sided import MOST_EXACT_OPERATIONS
from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.base import UNKNOWN, CannotDecide, ObjectArray
from jaxgrad.numbers.exact_germ import ExactGerm
from jaxgrad.numbers.germ import Germ
from jaxgrad.numbers.series import Series
from jaxgrad.programs.jaxprs import operations
from jaxgrad.programs.trace import Program

__all__ = ["either_branch"]


def either_branch(
    program: Program,
    point: Sequence[ObjectArray],
    direction: Direction,
    order: int,
    cotangent: Direction,
) -> arb:
    """What holds the derivative of ⟨u, f⟩ whichever branches are taken; NaN where nothing does.

    Args:
        program: the function f, of floating-point leaves.
        point: the balls of each of them.
        direction: along which.
        order: of the derivative.
        cotangent: u.
    """
    for system in _systems(program, order):
        found = _summed(_results(system, program, point, direction), cotangent, order)
        if found.is_finite():
            return found
    return arb.nan()


def _systems(program: Program, order: int) -> Iterator[Germ]:
    """Those of which one may know what ties leave open, the one that takes least time first."""
    yield _EitherBranch(order + 1)
    if operations(program.jaxpr.jaxpr) <= MOST_EXACT_OPERATIONS:
        for further in (2, 5):  # as for the sides
            yield _ExactEitherBranch(order + further)


def _results(
    system: Germ, program: Program, point: Sequence[ObjectArray], direction: Direction
) -> list[ObjectArray] | None:
    """What the function is beside the point; None where a system does not tell."""
    inputs = [
        system.map(lambda x, v: system.line(float(x), float(v)), leaf, moved)
        for leaf, moved in zip(point, direction.leaves, strict=True)
    ]
    try:
        return interpret(program, system, inputs)
    except (CannotDecide, UnsupportedPrimitive):
        return None


def _summed(results: list[ObjectArray] | None, cotangent: Direction, order: int) -> arb:
    """The derivative of what is weighed; NaN where some of it is none."""
    if results is None:
        return arb.nan()
    terms = [(results[leaf][index], u) for leaf, index, u in cotangent.entries]
    if not all(x.is_taylor(order) for x, _ in terms):
        return arb.nan()
    return sum((x.at(order) * arb(order).fac() * u for x, u in terms), arb(0))


class _EitherBranch(Germ):
    """Germs in which a tie is left open, so that a selection takes both branches."""

    name = "either-branch germ"
    any_pivot = False  # a run of it is one, in which each comparison comes out once

    def compare(self, relation: str, x: Series, y: Series) -> Any:
        difference = x - y
        if difference.is_infinitesimal:
            return UNKNOWN
        return super().compare(relation, x, y)


class _ExactEitherBranch(_EitherBranch, ExactGerm):
    """The same, of coefficients that know when they are 0."""

    name = "exact either-branch germ"
