"""How two sides lie at some points of a batch, over double-double numbers.

Each operation is compiled by itself, for all points of a lot: a whole program would take minutes
to compile, where of its operations only those that are new have to be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.gradients.interval_batch import at_once, filled, side_program
from jaxgrad.gradients.lying import Lying, agreement, precision, truths_lie
from jaxgrad.interpret.sides import Side
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers import double_double as dd
from jaxgrad.numbers.clock import tick, within
from jaxgrad.numbers.double_double import DoubleDouble
from jaxgrad.numbers.double_doubles import DoubleDoubles
from jaxgrad.numbers.intervals import IntervalTruths

__all__ = ["over_double_doubles"]

# A ball has three numbers, and every result of the program is there until it ends.
_NUMBERS = 2**19
# CPU seconds: of a network of four layers some seven where nothing is compiled yet, for 1000 points
# half a one.
BUDGET = 15.0


def over_double_doubles(
    hand: Side, auto: Side, batch: Sequence[Any], where: np.ndarray
) -> tuple[np.ndarray, Lying]:
    """The points that there was time for, and how the sides lie at these.

    Args:
        hand, auto: two sides of the same inputs and outputs.
        batch: for each input leaf its values, with a first axis of points where it is a variable.
        where: the numbers of points, those first that matter most.

    Raises:
        UnsupportedPrimitive, CannotDecide: a side has no program that these numbers know.
    """
    programs = [side_program(side) for side in (hand, auto)]
    most = min(at_once(programs, _NUMBERS), len(where))
    moving = [leaf.differentiable for leaf in hand.inputs]
    found: list[list[np.ndarray]] = []
    done = 0
    with jax.enable_x64(True), within(BUDGET):
        for start in range(0, len(where), most):
            tick()
            lot = where[start : start + most]
            inputs = [
                DoubleDoubles().lift(filled(np.asarray(x)[lot], most)) if moves else x
                for x, moves in zip(batch, moving, strict=True)
            ]
            rows = _at_points(programs, hand, inputs, most)
            found.append([np.asarray(row)[: len(lot)] for row in rows])
            done += len(lot)
    held = tuple(precision(leaf.dtype) for leaf in hand.outputs)
    if not found:
        return where[:0], Lying.unknown(0)
    apart, *bits = (np.concatenate(rows) for rows in zip(*found, strict=True))
    return where[:done], Lying(apart, tuple(bits), held)


def _at_points(programs: Any, hand: Side, inputs: Sequence[Any], count: int) -> list[jax.Array]:
    moving = [x for x in inputs if isinstance(x, DoubleDouble)]

    def at_point(*given: DoubleDouble) -> list[jax.Array]:
        each = iter(given)
        values = [next(each) if isinstance(x, DoubleDouble) else x for x in inputs]
        sides = (interpret(program, DoubleDoubles(), list(values)) for program in programs)
        rows = [_entry(leaf.dtype, x, y) for leaf, x, y in zip(hand.outputs, *sides, strict=True)]
        apart = jnp.stack([apart.any() for apart, _ in rows]).any()
        return [apart, *(jnp.min(bits, initial=jnp.inf) for _, bits in rows)]

    return jax.vmap(at_point, axis_size=count)(*moving)


def _entry(dtype: Any, x: Any, y: Any) -> tuple[jax.Array, jax.Array]:
    """(disjoint, bits of agreement) of each entry."""
    if isinstance(x, IntervalTruths):
        return truths_lie(x, y)
    apart = dd.difference(x, y)
    size = jnp.maximum(dd.least(x), dd.least(y))
    return dd.least(apart) > 0, agreement(dtype, dd.largest(apart), size)
