"""The derivative programs of a function, in every mode and order that JAX has them in."""

from __future__ import annotations

import itertools
import math
from functools import cached_property
from typing import Any

import jax.numpy as jnp

from jaxgrad.gradients.rules import programs
from jaxgrad.gradients.rules.directions import Direction, drawn
from jaxgrad.gradients.rules.programs import Derived, NoDerivative, Primal
from jaxgrad.programs.custom_rules import has_custom_rules
from jaxgrad.programs.jaxprs import dtypes, operations, promises_symmetry
from jaxgrad.programs.trace import is_differentiable

__all__ = ["DerivativePrograms"]


class DerivativePrograms:
    """The derivative programs of a function, each traced once.

    Args:
        primal: the function.
        order: the highest derivative.
        modes: the modes asked for; those that JAX does not have for it are left out.
        linear: whether the rules have to be linear. Those that need not, such as one that clips,
            are asked with tangents and cotangents no longer than 1, of both signs.

    Raises:
        ArgumentError: none of the modes is to be had.
    """

    def __init__(
        self, primal: Primal, order: int, modes: tuple[str, ...], linear: bool = True
    ) -> None:
        self.primal, self.order, self.linear = primal, order, linear
        self.shapes = [leaf.shape for leaf in primal.inputs]
        self.out_shapes = [leaf.shape for leaf in primal.outputs]
        self.empty = not any(map(math.prod, self.shapes)) or not any(
            map(math.prod, self.out_shapes)
        )
        self.size = operations(primal.moving_program.jaxpr.jaxpr)
        # How far apart two neighbouring floats are: what a rounded constant may change.
        limits = [jnp.finfo(leaf.dtype) for leaf in (*primal.inputs, *primal.outputs)]
        self.spacing = max(float(limit.eps) for limit in limits)
        self.smallest = max(float(limit.smallest_subnormal) for limit in limits)
        self.float_bits = -math.log2(self.spacing)
        # A rule of which the rounding of constants leaves less than half the digits is not right.
        within = filter(is_differentiable, dtypes(primal.moving_program.jaxpr))
        spacings = [self.spacing, *(float(jnp.finfo(dtype).eps) for dtype in within)]
        self.least_bits = -math.log2(max(spacings)) / 2
        self.custom = has_custom_rules(primal.moving_program.jaxpr)
        self.missing: list[str] = []
        self._programs: dict[tuple[str, ...], Derived] = {}
        self._along_everything: dict[tuple[str, ...], Derived] = {}
        self.modes = self._available(modes)

    def __getitem__(self, modes: tuple[str, ...]) -> Derived:
        if modes not in self._programs:
            v, u = drawn(self.shapes).leaves, drawn(self.out_shapes).leaves
            if modes == ("fwd",):
                made = programs.forward(self.primal, v)
            elif modes == ("rev",):
                made = programs.backward(self.primal, u)
            else:
                made = programs.nested(self.primal, modes, [v] * len(modes), u)
            self._programs[modes] = made
        return self._programs[modes]

    def along_everything(self, modes: tuple[str, ...]) -> Derived:
        """The derivative of the derivatives along all that they are functions of.

        Raises:
            NoDerivative: JAX has none.
        """
        if modes not in self._along_everything:
            v, u = drawn(self.shapes).leaves, drawn(self.out_shapes).leaves
            made = programs.along_everything(self.primal, modes, v, u)
            self._along_everything[modes] = made
        return self._along_everything[modes]

    def direction(self, seed: int = 0, leaf: int | None = None) -> Direction:
        """A drawn direction of the arguments, or of one of them."""
        return self._sized(drawn(self.shapes, seed, leaf))

    def cotangent(self, seed: int = 0, leaf: int | None = None) -> Direction:
        """A drawn cotangent of the results, or of one of them."""
        return self._sized(drawn(self.out_shapes, seed, leaf))

    def signs(self, moved: list[Direction]) -> list[Direction]:
        """What a rule is asked with; of one that need not be linear also the other way."""
        return moved if self.linear else [*moved, *(d.opposite() for d in moved)]

    def _sized(self, moved: Direction) -> Direction:
        return moved if self.linear else moved.within_unit()

    @cached_property
    def nested(self) -> list[tuple[str, ...]]:
        """The compositions of modes of order 2 and more that are to be had."""
        found = []
        if self.order > 1 and promises_symmetry(self.primal.moving_program.jaxpr):
            self.missing.append(
                "orders above 1 not checked, as directions that are not symmetric leave what a "
                "`custom_linear_solve` with symmetric=True is right for"
            )
            return []
        for order in range(2, self.order + 1):
            for modes in itertools.product(self.modes, repeat=order):
                try:
                    self[modes]
                except NoDerivative as error:
                    self.leave_out(" then ".join(modes), error)
                else:
                    found.append(modes)
        return found

    @cached_property
    def programs(self) -> list[Any]:
        """The programs of the function and of its first derivatives."""
        return [self.primal.moving_program, *(self[(mode,)].program for mode in self.modes)]

    def _available(self, modes: tuple[str, ...]) -> tuple[str, ...]:
        found, refused = [], None
        for mode in modes:
            try:
                self[(mode,)]
            except NoDerivative as error:
                refused = error
                self.leave_out(mode, error)
            else:
                found.append(mode)
        if refused is not None and not found:
            raise refused
        return tuple(found)

    def leave_out(self, what: str, error: NoDerivative) -> None:
        """Notes what JAX has no derivative for."""
        note = f"{what} not checked, as {error.reason}"
        if note not in self.missing:
            self.missing.append(note)
