"""A derivative program as a function of those inputs in which it should be linear."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.extend.core import jaxpr_as_fun

from jaxgrad.errors import JaxgradError, UnsupportedPrimitive
from jaxgrad.gradients.witness import program_floats
from jaxgrad.interpret.partly_known import PartlyKnown
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import CannotDecide, ObjectArray
from jaxgrad.programs.tolerances import loops_end_by
from jaxgrad.programs.trace import Leaf, Program, trace

__all__ = ["Leaves", "Operator"]

Leaves = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Operator:
    """A program at a point, as a function of some of its inputs.

    Args:
        program: the program.
        inputs: the values of all its inputs.
        moving: the places of those that move.
        values: how many of its outputs, the first ones, are none of the operator.
        exact: whether every difference counts.
    """

    program: Program
    inputs: tuple[Any, ...]
    moving: tuple[int, ...]
    values: int = 0
    exact: bool = False

    @property
    def leaves(self) -> list[Leaf]:
        """What moves."""
        return [self.program.inputs[i] for i in self.moving]

    @property
    def outputs(self) -> tuple[Leaf, ...]:
        """What it gives."""
        return self.program.outputs[self.values :]

    def like(self, leaves: Sequence[Any]) -> Leaves:
        """Values in the shapes and dtypes of what moves."""
        return tuple(np.asarray(v, x.dtype) for v, x in zip(leaves, self.leaves, strict=True))

    def filled(self, moved: Sequence[Any]) -> list[Any]:
        """All inputs, with these in the places of those that move."""
        found = list(self.inputs)
        for i, value in zip(self.moving, moved, strict=True):
            found[i] = value
        return found

    def bits(self, leaf: int) -> float:
        """To how many bits a number may be another one without being told from it.

        Those of a float; or half of them where a ``while_loop`` ends by what it computes, as a rule
        does that integrates with steps that its cotangent chooses: no more is asked of a solver.
        """
        if self.exact:
            return math.inf
        bits = jnp.finfo(self.outputs[leaf].dtype).nmant + 1
        return bits / 2 if self.has_tolerance else bits

    @cached_property
    def has_tolerance(self) -> bool:
        """Whether loops in it end by numbers that depend on what moves, and that counts."""
        moves = [i in self.moving for i in range(len(self.program.inputs))]
        return not self.exact and loops_end_by(self.program.jaxpr, moves)

    @cached_property
    def _partly(self) -> PartlyKnown:
        return PartlyKnown(self.program, self.moving)

    @cached_property
    def _balls(self) -> list[ObjectArray]:
        return [Ball().constants(np.asarray(x)) for x in self.inputs]

    def as_balls(self, moved: Sequence[Any]) -> list[ObjectArray]:
        """All inputs as balls."""
        found = list(self._balls)
        for i, value in zip(self.moving, moved, strict=True):
            found[i] = value if value.dtype == object else Ball().constants(value)
        return found

    def balls(self, moved: Sequence[Any]) -> list[ObjectArray] | None:
        """What it gives; None where that has no exact value."""
        try:
            return self._partly.run(self.as_balls(moved))[self.values :]
        except (CannotDecide, UnsupportedPrimitive):
            return None

    def floats(self, moved: Sequence[Any]) -> list[np.ndarray]:
        """What JAX computes of it."""
        with np.errstate(all="ignore"):  # a rule may compute with the NumPy arrays themselves
            found = program_floats(self.program, self.filled(moved))
        return [np.asarray(x, np.float64) for x in found[self.values :]]

    def traced(self, moved: Leaves) -> tuple[Program, list[Leaf]] | None:
        """A program of what moves alone, and those inputs."""
        run = jaxpr_as_fun(self.program.jaxpr)
        try:
            program = trace(lambda *u: run(*self.filled(u))[self.values :], moved)
        except (JaxgradError, TypeError, ValueError):  # traced once before, of other arguments
            return None
        pairs = zip(self.leaves, moved, strict=True)
        return program, [replace(leaf, value=value) for leaf, value in pairs]
