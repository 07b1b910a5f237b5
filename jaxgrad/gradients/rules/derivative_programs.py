"""The derivative programs of a function, in every mode and order that JAX has them in.

All that looks at a derivative in a check, at points, over polynomials or in floats, asks here for
it: each program is built and traced once.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from jaxgrad.errors import NoDerivative, TraceError
from jaxgrad.gradients.floats.arithmetic import least_float
from jaxgrad.gradients.floats.hidden import KeptRuns
from jaxgrad.gradients.rules.derivatives import (
    Function,
    along_steps,
    arguments_of,
    composed,
    derivative,
)
from jaxgrad.gradients.rules.derived import Derived, traced
from jaxgrad.gradients.rules.directions import Direction, drawn
from jaxgrad.gradients.rules.primal import Leaves, Primal
from jaxgrad.gradients.witness import Run, hold_program, program_floats
from jaxgrad.numbers.clock import tick
from jaxgrad.programs.custom_rules import has_custom_rules
from jaxgrad.programs.jax_errors import ASKS_FOR_VALUES
from jaxgrad.programs.jaxprs import operations, promises_symmetry
from jaxgrad.programs.trace import Program

__all__ = ["DerivativePrograms", "Derivatives", "Held"]

# How many parts of a number are judged, of which rounding hides a difference: at about 20 μs for an
# operation over balls these are 20 seconds at most, but for the way down to one entry.
PARTS_BUDGET = 1_000_000  # operations
MOST_PARTS = 128  # all parts of 64 numbers, by halves


class Derivatives:
    """The derivatives of a function, each traced when it is first asked for.

    Args:
        primal: the function of floating-point leaves.
        function: what is differentiated in its place, of the same leaves.
        value: what gives the values beside the derivatives, if another function does.
    """

    def __init__(
        self,
        primal: Primal,
        function: Function | None = None,
        value: Function | None = None,
    ) -> None:
        self.primal = primal
        self.shapes = [leaf.shape for leaf in primal.inputs]
        self.out_shapes = [leaf.shape for leaf in primal.outputs]
        self.custom = has_custom_rules(primal.moving_program.jaxpr)
        self._function, self._value = function or primal, value
        self._programs: dict[tuple[str, ...], Derived] = {}
        self._along_everything: dict[tuple[str, ...], Derived] = {}

    def __getitem__(self, modes: tuple[str, ...]) -> Derived:
        """(x, v) ↦ f(x), J(x)v, or (x, u) ↦ f(x), J(x)ᵀu; of several modes :func:`along_steps`.

        Raises:
            NoDerivative: JAX has none.
        """
        if modes not in self._programs:
            self._programs[modes] = self._nested(modes) if modes[1:] else self._first(*modes)
        return self._programs[modes]

    def along_everything(self, modes: tuple[str, ...]) -> Derived:
        """The derivative of the derivatives along all that they are functions of.

        Raises:
            NoDerivative: JAX has none.
        """
        if modes not in self._along_everything:
            others = [self._like[kind] for kind in arguments_of(len(modes))[1:]]
            function = composed(self._function, modes)
            self._along_everything[modes] = self._traced(function, (self._point, *others)).live()
        return self._along_everything[modes]

    def slopes(self, mode: str, leaf: int | None) -> Derived:
        """A first derivative without the values beside it.

        Args:
            mode: ``"fwd"`` or ``"rev"``.
            leaf: the only leaf of the arguments that moves (fwd) or of the result that is weighed
                (rev); all of them if None.

        Raises:
            NoDerivative: JAX has none.
        """
        taken = derivative(mode, self._function, leaf)
        moved = self._like["x" if mode == "fwd" else "u"]
        args = self._point, moved if leaf is None else (moved[leaf],)
        return self._traced(lambda x, w: taken(x, w)[1], args)

    def _first(self, mode: str) -> Derived:
        value, function = self._value, derivative(mode, self._function)
        if value is not None:
            function = _beside(lambda x, _: value(*x), function)
        moved, like = ("x", ()) if mode == "fwd" else ("u", self.primal.inputs)
        args = (self._point, self._like[moved])
        return self._traced(function, args, len(self.primal.outputs), like)

    def _nested(self, modes: tuple[str, ...]) -> Derived:
        # Without a rule of somebody's own all values come from the one program.
        value, function = self._value, along_steps(self._function, modes, self.custom)
        if value is not None and self.custom:
            function = _beside(lambda x, _, u: along_steps(value, ())(x, (), u), function)
        args = (self._point, (self._like["x"],) * len(modes), self._like["u"])
        return self._traced(function, args, len(modes) if self.custom else 0).live()

    def _traced(
        self, function: Function, args: tuple[Any, ...], values: int = 0, outputs: Any = ()
    ) -> Derived:
        """A derivative, traced through the function itself where its trace does not do."""
        try:
            found = traced(function, args, values, outputs)
        except TraceError as error:
            found = self._of_numbers(error, lambda: traced(function, args, values, outputs))
        kept = [each for each in found.program.jaxpr.consts if isinstance(each, Tracer)]
        if kept and self.primal.holds_fixed(kept) and self.primal.run_function():
            return traced(function, args, values, outputs)
        return found

    def _of_numbers(self, error: TraceError, take: Callable[[], Derived]) -> Derived:
        """A derivative whose rules look at what is held.

        A backward rule is handed that of a trace of the function; JAX traces forward ones with it,
        and hands them numbers where the function itself runs.

        Args:
            error: what JAX said where they were handed arrays.
            take: traces it.
        """
        for is_new in (self.primal.hand_numbers, self.primal.run_function):
            if not isinstance(error.__cause__, ASKS_FOR_VALUES):
                break
            if is_new():
                try:
                    return take()
                except TraceError as other:
                    error = other
        raise error

    @property
    def _point(self) -> Leaves:
        return tuple(self.primal.point)

    @cached_property
    def _like(self) -> dict[str, tuple[Any, ...]]:
        """A drawn direction of the arguments, and a drawn cotangent of the results."""
        return {
            "x": self.primal.like_inputs(drawn(self.shapes).leaves),
            "u": self.primal.like_outputs(drawn(self.out_shapes).leaves),
        }


def _beside(value: Function, taken: Function) -> Function:
    """What a derivative gives, with this value in place of its own, which comes first."""
    return lambda x, *moved: (value(x, *moved), *taken(x, *moved)[1:])


class Held(NamedTuple):
    """What is seen of JAX's run of the first derivatives at a point.

    Args:
        finite: whether it returned finite numbers alone.
        vanishing: the modes in which a whole leaf is 0.
    """

    finite: bool
    vanishing: tuple[str, ...]


class DerivativePrograms(Derivatives):
    """The derivatives of a function that are checked, and what is asked of them.

    Args:
        primal: the function.
        order: the highest derivative.
        modes: the modes asked for; those that JAX does not have for it are left out.
        linear: whether the rules have to be linear. Those that need not, such as one that clips,
            are asked with tangents and cotangents no longer than 1, of both signs.
        exact: whether a difference counts that the rounding of the compiled rule would hide.
        here: whether nothing but the given point is asked about, not in floats either.
        thorough: whether JAX's own derivatives are looked at everywhere as rules of others are.

    Raises:
        ArgumentError: none of the modes is to be had.
    """

    def __init__(
        self,
        primal: Primal,
        order: int,
        modes: tuple[str, ...],
        linear: bool = True,
        exact: bool = False,
        here: bool = False,
        thorough: bool = False,
    ) -> None:
        super().__init__(primal)
        self.order, self.linear, self.exact, self.here = order, linear, exact, here
        # JAX's rules are right nearly everywhere; those of others are looked at more closely.
        self.closely = thorough or self.custom or primal.reference is not None
        self.empty = not any(map(math.prod, self.shapes)) or not any(
            map(math.prod, self.out_shapes)
        )
        self.size = operations(primal.moving_program.jaxpr.jaxpr)
        limits = [jnp.finfo(leaf.dtype) for leaf in (*primal.inputs, *primal.outputs)]
        self.smallest = max(float(limit.smallest_subnormal) for limit in limits)
        self.largest = min(float(limit.max) for limit in limits)
        self.flushed = max(least_float(limit.dtype) for limit in limits)
        self.float_bits = -math.log2(max(float(limit.eps) for limit in limits))
        self.missing: list[str] = []
        self.random_runs = KeptRuns()
        self.modes = self._available(modes)

    @property
    def parts(self) -> int:
        """How many parts of a number that hides a difference are judged."""
        return min(MOST_PARTS, PARTS_BUDGET // max(self.size, 1))

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
                tick()  # 2ⁿ are traced for order n, which takes JAX its time
                try:
                    self[modes]
                except NoDerivative as error:
                    self.leave_out(" then ".join(modes), error)
                else:
                    found.append(modes)
        return found

    @cached_property
    def valueless(self) -> list[np.ndarray] | None:
        """For each leaf of the result, the entries that JAX computes no finite number for at the
        given point; None if there are none, or no others."""
        primal = self.primal
        masks = [~np.isfinite(x) for x in program_floats(primal.truth_program, primal.point)]
        count = sum(int(mask.sum()) for mask in masks)
        return masks if 0 < count < sum(mask.size for mask in masks) else None

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

    def hold(self, point: Sequence[np.ndarray], seconds: float = math.inf) -> Held:
        """Holds the function and its derivatives of every mode against JAX's own run of them.

        The derivatives are taken along a drawn direction, in which every entry moves.

        Args:
            point: the value of each floating-point leaf.
            seconds: CPU seconds that the enclosures of all runs together may take.

        Returns:
            what is seen of the runs of the first derivatives.

        Raises:
            EnginesDisagree: a rule of this package misreads an operation.
        """
        primal, v, u = self.primal, self._like["x"], self._like["u"]
        end = time.process_time() + seconds

        def held(name: str, program: Program, values: Sequence[Any]) -> Run:
            seconds = end - time.process_time()
            run = hold_program(name, program, values, seconds, few_shapes=True)
            if not run.in_time:
                self._note("not all of it held against JAX's own run, which takes long")
            return run

        held("f", primal.moving_program, point)
        if primal.reference is not None:
            held("reference", primal.truth_program, point)
        finite, vanishing = True, []
        for mode in self.modes:
            derived = self[(mode,)]
            run = held(f"{mode} of f", derived.program, [*point, *self.moved(mode)])
            finite = finite and run.finite
            if any(x.size and not x.any() for x in run.floats[derived.values :]):
                vanishing.append(mode)
        for modes in self.nested:
            values = [*point, *(leaf for _ in modes for leaf in v), *u]
            held(f"{' of '.join(reversed(modes))} of f", self[modes].program, values)
        return Held(finite, tuple(vanishing))

    def moved(self, mode: str) -> tuple[Any, ...]:
        """A drawn direction, or cotangent, along which a first derivative is run."""
        return self._like["x" if mode == "fwd" else "u"]

    def leave_out(self, what: str, error: NoDerivative) -> None:
        """Notes what JAX has no derivative for."""
        self._note(f"{what} not checked, as {error.reason}")

    def _note(self, note: str) -> None:
        if note not in self.missing:
            self.missing.append(note)
