"""A statement about the values of a program on boxes, compiled over intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.gradients.regions.box import by_leaf
from jaxgrad.gradients.regions.infinite import holds_infinite, real_or_none
from jaxgrad.gradients.regions.statement import Statement
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.compiled_intervals import jitted
from jaxgrad.numbers.interval_arithmetic import Interval, above, product, total
from jaxgrad.numbers.intervals import Intervals
from jaxgrad.numbers.smooth_intervals import SmoothIntervals
from jaxgrad.programs.trace import Program

__all__ = ["Judged", "judging"]

_SMALLEST = float(np.finfo(np.float64).tiny)


class Judged(NamedTuple):
    """What is known of boxes.

    Args:
        holds: whether the statement holds all over a box, of shape (boxes,).
        fails: whether it fails all over it.
        fails_inside: whether it fails at the middle of it.
        low, high: the ends of the values of the first entry.
        split: along which variable it is best halved.
        middle: the point at which it was asked whether it fails there.
    """

    holds: Any
    fails: Any
    fails_inside: Any
    low: Any
    high: Any
    split: Any
    middle: Any


def judging(
    program: Program, slopes: Program | None, statement: Statement, fixed: Sequence[Any]
) -> Callable[[Any, Any], Judged]:
    """The compiled judgement of (low, high), the ends of boxes, of shape (boxes, variables).

    A value on a box is what the program gives over intervals, and, where it is smooth there, what
    it is at the middle and as much as its slopes make of the way from there.

    Args:
        program: of the leaves of the arguments.
        slopes: for each leaf of its results the derivatives by the entries of each variable, in the
            order of the leaves, along last axes; None if they are not to be had.
        statement: what is said of the results.
        fixed: the values of the leaves that are no variables, None for those that are.
    """

    may_be_infinite = holds_infinite(program.jaxpr)

    def over_intervals(inputs: Sequence[Any]) -> list[Interval]:
        found = interpret(program, Intervals(), list(inputs))
        return [real_or_none(value, may_be_infinite) for value in found]

    def at_box(low: Any, high: Any) -> Judged:
        middle = low / 2 + high / 2  # high − low may overflow
        # None that is subnormal, which one kernel may take for 0 and another not.
        middle = jnp.clip(jnp.where(abs(middle) < _SMALLEST, 0.0, middle), low, high)
        inputs = by_leaf(program.inputs, fixed, Interval(low, high))
        values = over_intervals(inputs)
        there = over_intervals(by_leaf(program.inputs, fixed, Interval(middle, middle)))
        steepness = jnp.ones_like(low)
        if slopes is not None:
            smooth = interpret(program, SmoothIntervals(), list(inputs))
            found = interpret(slopes, SmoothIntervals(), list(inputs))
            way = Interval(-above(middle - low), above(high - middle))
            values, steepness = _nearer(
                values, there, smooth, _by_variable(program, found, fixed), way
            )
        holds, fails = statement.judge(values)
        _, inside = statement.judge(there)
        wide = high / 2 - low / 2
        known = ~(jnp.isnan(steepness) | (steepness == 0))
        reach = jnp.where(known, jnp.minimum(steepness, 1e290), 1e-150) * wide
        least, most = (values[0].parts[k].reshape(-1)[0] for k in (0, 1))
        return Judged(holds, fails, inside, least, most, jnp.argmax(reach), middle)

    return jitted(jax.vmap(at_box))


def _by_variable(
    program: Program, found: Sequence[Interval], fixed: Sequence[Any]
) -> list[Interval]:
    """For each result its derivatives by every variable, of shape (entries, variables)."""
    moving = [leaf for leaf, value in zip(program.inputs, fixed, strict=True) if value is None]
    rows = []
    for k, leaf in enumerate(program.outputs):
        size = int(np.prod(leaf.shape, dtype=int))
        own = found[k * len(moving) : (k + 1) * len(moving)]
        flat = [each.reshape(size, -1) for each in own]
        parts = (jnp.concatenate([each.parts[end] for each in flat], -1) for end in (0, 1))
        rows.append(Interval(*parts))
    return rows


def _nearer(
    values: Sequence[Interval],
    there: Sequence[Interval],
    smooth: Sequence[Interval],
    slopes: Sequence[Interval],
    way: Interval,
) -> tuple[list[Interval], Any]:
    """The narrower of two enclosures, end by end, and how steep the values are by each variable."""
    nearer, steepness = [], jnp.zeros(way.shape)
    for value, middle, is_smooth, slope in zip(values, there, smooth, slopes, strict=True):
        moved = Intervals().reduce(
            "sum", product(slope, Interval(*(p[None, :] for p in way.parts)))
        )
        line = total(middle, moved.reshape(value.shape))
        known = ~jnp.isnan(is_smooth.parts[0] + is_smooth.parts[1])
        low, high = (jnp.where(known, end, jnp.nan) for end in line.parts)
        # A NaN on one side alone leaves what the other one knows.
        nearer.append(Interval(jnp.fmax(value.parts[0], low), jnp.fmin(value.parts[1], high)))
        steep = jnp.maximum(abs(slope.parts[0]), abs(slope.parts[1]))
        steepness = jnp.maximum(steepness, steep.max(0, initial=0.0))
    return nearer, steepness
