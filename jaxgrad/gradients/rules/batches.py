"""Batches of two points, in which all inputs differ from row to row or some of them alone.

JAX's own rules batch a program in the same way whatever is batched.  One that somebody else wrote
is told which of its arguments are, and may be wrong for some of these alone: for the arguments of
the function, by any of which it may be mapped, and for the tangents and cotangents, by which
``jax.jacfwd`` and ``jax.jacrev`` map a derivative at one point.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.rules.at_point import AtPoint
from jaxgrad.gradients.rules.derivative_programs import DerivativePrograms
from jaxgrad.gradients.rules.directions import Direction
from jaxgrad.gradients.rules.primal import Primal
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.programs.trace import Leaf

__all__ = [
    "Batch",
    "BatchRows",
    "Rows",
    "afforded",
    "derivative_batches",
    "stacked",
    "value_batches",
]

# Of each mode so many batches of some inputs alone.
MOST_ALONE = 8
# Operations that are spent on such batches, at about 20 μs each: two seconds.
BUDGET = 100_000


@dataclass(frozen=True)
class Batch:
    """Which inputs differ from row to row.

    Args:
        mode: ``"fwd"`` or ``"rev"`` for the derivative, ``""`` for the values of the function.
        x: for each leaf of the arguments; of the values for each that is held fixed, too.
        moved: for each leaf of the tangents or cotangents.
        over: what is batched, in words that follow "under vmap"; "" where all that moves is.
    """

    mode: str
    x: tuple[bool, ...]
    moved: tuple[bool, ...] = ()
    over: str = ""


def value_batches(primal: Primal) -> Iterator[Batch]:
    """Of the function itself: first of all arguments that move, then of each alone, then of all.

    Those that are held fixed are in both rows the same.
    """
    leaves = primal.program.inputs
    moving = tuple(i in primal.moving for i in range(len(leaves)))
    mapped = tuple(map(_is_numbers, leaves))
    yield Batch("", moving)
    for k, leaf in enumerate(leaves):
        alone = _only(k, len(leaves))
        if mapped[k] and alone != moving:
            yield Batch("", alone, (), f" over {leaf.path} alone")
    if mapped != moving:
        yield Batch("", mapped, (), " over all arguments, those held fixed too")


def derivative_batches(rules: DerivativePrograms, mode: str) -> Iterator[Batch]:
    """Of a first derivative: first of all that it is a function of, then of the point or of what
    moves alone, then of each leaf."""
    inputs, outputs = rules.primal.inputs, rules.primal.outputs
    n, m = len(inputs), len(inputs if mode == "fwd" else outputs)
    every, nothing = (True,) * n, (False,) * n
    moved = ("tangent" if mode == "fwd" else "cotangent") + "s" * (m > 1)
    yield Batch(mode, every, (True,) * m)
    yield Batch(mode, nothing, (True,) * m, f" over the {moved} alone")
    yield Batch(mode, every, (False,) * m, " over the point alone")
    if n > 1:
        for k, leaf in enumerate(inputs):
            forward = mode == "fwd"
            also = _only(k, m) if forward else (False,) * m
            over = f" over {leaf.path}{' and its tangent' * forward} alone"
            yield Batch(mode, _only(k, n), also, over)
    if mode == "rev" and m > 1:
        for k, leaf in enumerate(outputs):
            yield Batch(mode, nothing, _only(k, m), f" over the cotangent of f{leaf.path} alone")


def _is_numbers(leaf: Leaf) -> bool:
    """Whether it is no PRNG key, of which rows are not stacked."""
    return leaf.dtype == bool or bool(jnp.issubdtype(leaf.dtype, np.number))


def afforded(rules: DerivativePrograms, batches: Sequence[Batch]) -> Sequence[Batch]:
    """The batches of some inputs alone that are looked at, the first ones."""
    count = min(MOST_ALONE, BUDGET // rules.size)
    return batches[:count]


def _only(k: int, count: int) -> tuple[bool, ...]:
    return tuple(i == k for i in range(count))


@dataclass(frozen=True)
class BatchRows:
    """The two rows of a batch.

    Args:
        batch: what differs between them.
        x: which of the floating-point leaves of the arguments.
        points: the point of each.
        lines, cotangents: a direction of the arguments and a cotangent of the results for each.
    """

    batch: Batch
    x: tuple[bool, ...]
    points: tuple[AtPoint, AtPoint]
    lines: tuple[Direction, Direction]
    cotangents: tuple[Direction, Direction]

    @property
    def moved(self) -> tuple[Direction, Direction]:
        """What the derivative is taken along."""
        return self.lines if self.batch.mode == "fwd" else self.cotangents


class Rows:
    """The points of the two rows of batches, and what moves there.

    Args:
        rules: the derivative programs.
        points: two points, different ones if there are two at which the function is defined.
    """

    def __init__(self, rules: DerivativePrograms, points: tuple[AtPoint, AtPoint]) -> None:
        self._rules, self._points = rules, points
        self._mixed: dict[tuple[bool, ...], AtPoint | None] = {}
        # At the second point the truth along this direction is known already.
        self._lines = rules.direction(1), rules.direction()
        first, second = rules.cotangent(1), rules.cotangent()
        self._cotangents = _weighing(points[0], first), _weighing(points[1], second)

    def of(self, batch: Batch) -> BatchRows:
        """Those of a batch."""
        moving = self._rules.primal.moving
        x = batch.x if batch.mode else tuple(batch.x[i] for i in moving)
        forward, backward = (batch.moved if batch.mode == mode else None for mode in ("fwd", "rev"))
        return BatchRows(
            batch,
            x,
            self._points_of(x),
            _rows(self._lines, forward),
            _rows(self._cotangents, backward),
        )

    def _points_of(self, x: Sequence[bool]) -> tuple[AtPoint, AtPoint]:
        """The given point, and the other one in the leaves that are batched."""
        first, second = self._points
        if all(x):
            return self._points
        if first is second or not any(x):
            return first, first
        key = tuple(x)
        if key not in self._mixed:
            self._mixed[key] = self._between(key)
        return first, self._mixed[key] or first

    def _between(self, x: tuple[bool, ...]) -> AtPoint | None:
        """The given point with some leaves of the other; None where f is not smooth there."""
        first, second = self._points
        pairs = zip(first.values, second.values, x, strict=True)
        values = [b if many else a for a, b, many in pairs]
        if not self._rules.primal.is_inside(values):
            return None
        with contextlib.suppress(CannotDecide, UnsupportedPrimitive):
            at = AtPoint(self._rules, values)
            at.nobody_asked()
            at.iterations.loops_are_meant = second.iterations.loops_are_meant
            jump_where_asked = second.iterations.given_steps.jump_where_asked
            at.iterations.given_steps.jump_where_asked = jump_where_asked
            line = self._lines[1]
            if at.truth.defined and at.truth.defined_along(line) and not at.truth.jumps:
                return at
        return None


def _weighing(at: AtPoint, cotangent: Direction) -> Direction:
    """A cotangent without what has no value at a point."""
    return next(iter(at.borders.of_values([cotangent])), cotangent)


def _rows(
    pair: tuple[Direction, Direction], batched: Sequence[bool] | None
) -> tuple[Direction, Direction]:
    """Both, where those leaves alone differ that are batched."""
    if batched is None or all(batched):
        return pair
    first, second = pair
    if not any(batched):
        return first, first
    leaves = zip(first.leaves, second.leaves, batched, strict=True)
    return first, Direction([b if many else a for a, b, many in leaves])


def stacked(rows: Sequence[Sequence[Any]], batched: Sequence[bool]) -> list[Any]:
    """The inputs of a batch: both rows where they may differ, the first one else."""
    return [
        np.stack(pair) if many else pair[0]
        for pair, many in zip(zip(*rows, strict=True), batched, strict=True)
    ]
