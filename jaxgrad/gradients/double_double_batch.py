"""How two sides lie at some points of a batch, over double-double numbers.

Each operation is compiled by itself, for all points of a lot: a whole program would take minutes
to compile, where of its operations only those that are new have to be.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.gradients.batch_rows import Rows
from jaxgrad.gradients.interval_batch import at_once, filled, side_program
from jaxgrad.gradients.lying import Lying, agreement, precision, truths_lie
from jaxgrad.interpret.sides import Side
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers import double_double as dd
from jaxgrad.numbers.clock import tick, within
from jaxgrad.numbers.double_double import DoubleDouble
from jaxgrad.numbers.double_doubles import DoubleDoubles
from jaxgrad.numbers.intervals import IntervalTruths
from jaxgrad.programs.trace import Program

__all__ = ["over_double_doubles", "rows_at_once"]

# A ball has three numbers, and every result of the program is there until it ends.
_NUMBERS = 2**19
# CPU seconds: of a network of four layers some seven where nothing is compiled yet, for 1000 points
# half a one.
BUDGET = 15.0


def rows_at_once(programs: Sequence[Program]) -> int:
    """How many rows are run together."""
    return at_once(programs, _NUMBERS)


def over_double_doubles(
    hand: Side, auto: Side, rows: Rows, where: np.ndarray
) -> tuple[np.ndarray, Lying]:
    """The rows that there was time for, and how the sides lie at these.

    Args:
        hand, auto: two sides of the same inputs and outputs.
        rows: their values.
        where: the numbers of rows, those first that matter most.

    Raises:
        UnsupportedPrimitive, CannotDecide: a side has no program that these numbers know.
    """
    programs = [side_program(side) for side in (hand, auto)]
    most = min(rows_at_once(programs), len(where))
    found: list[list[np.ndarray]] = []
    done = 0
    with jax.enable_x64(True), within(BUDGET):
        for start in range(0, len(where), most):
            tick()
            lot = where[start : start + most]
            moving = [DoubleDoubles().lift(filled(x, most)) for x in rows.moving(lot)]
            at_rows = functools.partial(_at_rows, programs, hand, rows, most)
            if not found:  # what they do not know is not come to by compiling all before it
                jax.eval_shape(at_rows, *moving)
            lying = at_rows(*moving)
            found.append([np.asarray(row)[: len(lot)] for row in lying])
            done += len(lot)
    held = tuple(precision(leaf.dtype) for leaf in hand.outputs)
    if not found:
        return where[:0], Lying.unknown(0)
    apart, *bits = (np.concatenate(each) for each in zip(*found, strict=True))
    return where[:done], Lying(apart, tuple(bits), held)


def _at_rows(
    programs: Sequence[Program],
    hand: Side,
    rows: Rows,
    count: int,
    *moving: DoubleDouble,
) -> list[jax.Array]:
    def at_row(*given: DoubleDouble) -> list[jax.Array]:
        values = rows.whole(given)
        sides = (interpret(program, DoubleDoubles(), list(values)) for program in programs)
        lying = [_entry(leaf.dtype, x, y) for leaf, x, y in zip(hand.outputs, *sides, strict=True)]
        apart = jnp.stack([apart.any() for apart, _ in lying]).any()
        return [apart, *(jnp.min(bits, initial=jnp.inf) for _, bits in lying)]

    return jax.vmap(at_row, axis_size=count)(*moving)


def _entry(dtype: Any, x: Any, y: Any) -> tuple[jax.Array, jax.Array]:
    """(disjoint, bits of agreement) of each entry."""
    if isinstance(x, IntervalTruths):
        return truths_lie(x, y)
    apart = dd.difference(x, y)
    size = jnp.maximum(dd.least(x), dd.least(y))
    return dd.least(apart) > 0, agreement(dtype, dd.largest(apart), size)
