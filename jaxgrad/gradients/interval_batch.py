"""How two sides lie at every point of a batch: both over intervals, compiled, in one call."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.batch_rows import Rows
from jaxgrad.gradients.compile_cost import compile_seconds
from jaxgrad.gradients.lying import Lying, agreement, precision, truths_lie
from jaxgrad.interpret.sides import Side
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.clock import tick
from jaxgrad.numbers.compiled_intervals import jitted
from jaxgrad.numbers.interval_arithmetic import is_point
from jaxgrad.numbers.intervals import Interval, Intervals, IntervalTruths, points
from jaxgrad.programs.compared_maxima import with_others_compared
from jaxgrad.programs.jaxprs import equations, inner_programs, operations
from jaxgrad.programs.trace import Program

__all__ = [
    "OverIntervals",
    "at_once",
    "decidable",
    "filled",
    "require_few_equations",
    "side_program",
]

# Numbers in one call, about: half a GiB with what XLA needs on the way.
_NUMBERS = 2**22
# Equations of what is compiled, loops unrolled, each of which is traced as well; and seconds of CPU
# that XLA takes for them, about.
_EQUATIONS, _SECONDS = 500, 20


class OverIntervals:
    """Two sides over intervals, compiled together for as many rows as the first call has.

    Args:
        hand, auto: two sides of the same inputs and outputs.

    Raises:
        UnsupportedPrimitive, CannotDecide: a side has no program that intervals know.
    """

    def __init__(self, hand: Side, auto: Side) -> None:
        self._programs = [side_program(side) for side in (hand, auto)]
        require_few_equations(self._programs)
        self._most, self._compiled = at_once(self._programs), None
        self._held = tuple(precision(leaf.dtype) for leaf in hand.outputs)

    @property
    def lot(self) -> int:
        """How many rows one call has."""
        return self._most

    def at(self, rows: Rows) -> Lying:
        """How the sides lie at rows of values.

        Raises:
            UnsupportedPrimitive, CannotDecide: as intervals do.
        """
        found = []
        with jax.enable_x64(True):
            if self._compiled is None:
                self._most = min(self._most, rows.count)
                self._compiled = _compiled(self._programs, rows, self._most)
            for start in range(0, rows.count, self._most):
                tick()
                lot = np.arange(start, min(start + self._most, rows.count))
                values = [_given(filled(x, self._most)) for x in rows.moving(lot)]
                found.append([np.asarray(row)[: len(lot)] for row in self._compiled(*values)])
        apart, *bits = (np.concatenate(each) for each in zip(*found, strict=True))
        return Lying(apart, tuple(bits), self._held)


def _given(values: np.ndarray) -> Any:
    """One array of what are points, as the compiled program takes them, and two of what are not."""
    interval = points(values)
    return interval.parts[0] if is_point(interval) else interval


def side_program(side: Side) -> Program:
    """What a side computes, where intervals can decide what it compares.

    Raises:
        UnsupportedPrimitive: it is NumPy code.
    """
    if side.program is None:
        raise UnsupportedPrimitive("NumPy code does not run over compiled intervals")
    return decidable(side.program)


def decidable(program: Program) -> Program:
    """The same program, where intervals can decide more of what it compares."""
    return replace(program, jaxpr=with_others_compared(program.jaxpr))


def require_few_equations(programs: Sequence[Program]) -> int:
    """How many equations the longest program has, every turn of a loop with its own.

    Args:
        programs: what is compiled together.

    Raises:
        UnsupportedPrimitive: they are more than are compiled over intervals.
    """
    count = max(_equations(program.jaxpr.jaxpr) for program in programs)
    if count > _EQUATIONS:
        raise UnsupportedPrimitive(
            f"a program of more than {_EQUATIONS} operations, its loops unrolled, is not compiled "
            "over intervals"
        )
    seconds = compile_seconds(programs)
    if seconds > _SECONDS:
        raise UnsupportedPrimitive(
            f"a program that would be compiled over intervals for {seconds:.0f} s, as its "
            f"functions say, is not: {_SECONDS} s at most"
        )
    return count


def _equations(jaxpr: Any) -> int:
    """How many there are where every turn of a loop has its own."""
    total = 0
    for equation in jaxpr.eqns:
        inner = [getattr(each, "jaxpr", each) for each in inner_programs(equation.params)]
        total += 1 + equation.params.get("length", 1) * sum(map(_equations, inner))
    return total


def at_once(programs: Sequence[Program], numbers: int = _NUMBERS) -> int:
    """How many points one call has, a power of two so that few shapes are compiled.

    Args:
        programs: what is run over intervals of each point.
        numbers: how many there may be at a time, about.
    """
    most = max(_widest(program.jaxpr.jaxpr) for program in programs)
    return 2 ** max(0, min(12, int(math.log2(max(1, numbers // most)))))


def _widest(jaxpr: Any) -> int:
    """About how many numbers there are at a time."""
    inputs = sum(math.prod(v.aval.shape) for v in jaxpr.invars)
    largest = max(
        (
            math.prod(getattr(v.aval, "shape", ()))
            for equation in equations(jaxpr)
            for v in equation.outvars
        ),
        default=0,
    )
    return max(1, inputs + max(largest, min(operations(jaxpr), 2**16)))


def filled(x: np.ndarray, count: int) -> np.ndarray:
    """The last lot of a batch as long as the others, its last point repeated."""
    return np.concatenate([x, np.repeat(x[-1:], count - len(x), 0)]) if len(x) < count else x


def _compiled(
    programs: Sequence[Program], rows: Rows, count: int
) -> Callable[..., list[jax.Array]]:
    def at_point(*moving: Any) -> list[jax.Array]:
        inputs = rows.whole([x if isinstance(x, Interval) else Interval(x, x) for x in moving])
        hand, auto = (interpret(program, Intervals(), list(inputs)) for program in programs)
        lying = [
            _entry(leaf.dtype, x, y)
            for leaf, x, y in zip(programs[0].outputs, hand, auto, strict=True)
        ]
        apart = jnp.stack([apart.any() for apart, _ in lying]).any()
        return [apart, *(jnp.min(bits, initial=jnp.inf) for _, bits in lying)]

    return jitted(jax.vmap(at_point, axis_size=count))


def _entry(dtype: Any, x: Any, y: Any) -> tuple[jax.Array, jax.Array]:
    """(disjoint, bits of agreement) of each entry."""
    if isinstance(x, IntervalTruths):
        return truths_lie(x, y)
    (low, high), (least, most) = x.parts, y.parts
    apart = (high < least) | (low > most)
    farthest = jnp.maximum(high - least, most - low) * (1 + 2.0**-50)
    size = jnp.maximum(_magnitude(low, high), _magnitude(least, most))
    return apart, agreement(dtype, farthest, size)


def _magnitude(low: jax.Array, high: jax.Array) -> jax.Array:
    return jnp.maximum(jnp.maximum(low, -high), 0.0)
