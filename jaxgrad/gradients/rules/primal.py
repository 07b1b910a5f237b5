"""A function as the one of its floating-point leaves, which is what is differentiated."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer
from jax.extend.core import jaxpr_as_fun
from jax.tree_util import tree_leaves, tree_structure, tree_unflatten

from jaxgrad.errors import ArgumentError, ShapeMismatch, TreeMismatch
from jaxgrad.gradients.domain import Domain
from jaxgrad.programs.array_constants import as_array, with_number_constants
from jaxgrad.programs.custom_rules import has_discrete_values
from jaxgrad.programs.held import (
    as_given,
    held_as_given,
    held_objects,
    hidden,
    is_held,
    numbers_as_given,
    revealing,
    with_number,
)
from jaxgrad.programs.jaxprs import promises_symmetry
from jaxgrad.programs.real_parts import are_complex, has_parts, of_parts, parted, returns_complex
from jaxgrad.programs.run_again import run_again
from jaxgrad.programs.tolerances import loops_end_by
from jaxgrad.programs.trace import Leaf, Program, parameter_names, trace
from jaxgrad.programs.traced_values import is_held_fixed, require_known_constants

__all__ = ["Leaves", "Primal", "is_symmetric"]

Leaves = Sequence[Any]

_OF_ANOTHER_TIME = (jax.errors.UnexpectedTracerError, jax.errors.TracerArrayConversionError)

_NOTHING_MOVES = (
    "no argument is floating point, so there is nothing to check; integers, booleans, PRNG keys "
    "and objects are held fixed: convert one with jnp.asarray(x, float)"
)

# Outside jit JAX would round a known integer itself, and no program would say so.
_as_number = jax.jit(lax.convert_element_type, static_argnums=1, inline=True)


# What says of a function that it takes arguments as a primal keeps them.
_OF_KEPT = "_jaxgrad_of_kept_arguments"


class Primal:
    """A function of its floating-point leaves alone; all others are held fixed.

    Args:
        function: a JAX function of ``args``.
        args: pytrees of arrays; leaves that are none are held fixed.
        reference: the function whose derivative is meant, of the same arguments; ``function``
            itself if None.
        program: the function, if it is traced already.
        held: which arguments are held fixed.
        domain: a predicate of the arguments that every point has to fulfil.

    Raises:
        ArgumentError: nothing is floating point, or the arguments are outside of the domain.
        TreeMismatch, ShapeMismatch: the reference returns something else than the function.
    """

    name = "f"
    """What the function is called in code, and in messages."""

    called: str | None = None
    """In messages, where code calls it otherwise, as of fewer arguments than it has."""

    def __init__(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        reference: Callable[..., Any] | None = None,
        program: Program | None = None,
        held: Collection[int] = (),
        domain: Callable[..., Any] | None = None,
    ) -> None:
        leaves = jax.tree.leaves(args)
        if leaves and all(
            isinstance(leaf, str | bytes) for leaf in leaves
        ):  # of which JAX has words of its own
            raise ArgumentError(_NOTHING_MOVES)
        self.args = parted(hidden(held_as_given(function, args, held)))
        self.in_parts = has_parts(self.args)
        self.function = self._of_arguments(function, held)
        self.reference = None if reference is None else self._of_arguments(reference, held)
        self.held_arguments, self._needs_function, self._hands_numbers = held, False, False
        self.program = program or trace(self.function, self.args, "f", held, finite=False)
        if returns_complex([leaf.dtype for leaf in self.program.outputs]):
            self.in_parts, self.function = True, of_parts(self.function)
            if self.reference is not None:
                self.reference = of_parts(self.reference)
            self.program = trace(self.function, self.args, "f", held, finite=False)
        require_known_constants("f", self.program.jaxpr.consts)
        self._all = self.program.inputs
        self._moving = [i for i, leaf in enumerate(self._all) if leaf.differentiable]
        self._kept = [i for i, leaf in enumerate(self.program.outputs) if leaf.differentiable]
        self._discrete = self._values_of_rules() if self._kept else []
        self._kept = sorted([*self._kept, *self._discrete])
        if not self._moving:
            raise ArgumentError(_NOTHING_MOVES)
        if not self._kept:
            found = ", ".join(f"f{x.path} is {x.dtype.name}" for x in self.program.outputs)
            raise ArgumentError(
                "no output is floating point, so there is nothing to check: "
                f"{found or 'f returns nothing (a forgotten `return`?)'}"
            )
        self.given_domain = domain
        self.casts: dict[Any, Primal] = {}  # the same with all leaves in a dtype
        self.domain = None if domain is None else Domain(self._joining(domain), self.args, held)

    def _of_arguments(
        self, function: Callable[..., Any], held: Collection[int]
    ) -> Callable[..., Any]:
        """A function of the arguments as they are kept here, which is called as it was meant.

        One that another primal has made so stays as it is: what is held is known by its place.
        """
        if getattr(function, _OF_KEPT, False):
            return function
        made = as_given(self._joining(revealing(function, self.args)), self.args, held)
        if made is not function:
            setattr(made, _OF_KEPT, True)
        return made

    def _joining(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function to which complex numbers come as it expects them."""
        return of_parts(function) if self.in_parts else function

    def _values_of_rules(self) -> list[int]:
        """Integers and booleans in the result, where a rule may return some of its own.

        They have no derivative, but a rule may return others than its function, as of any value;
        as floating-point numbers they are held against those of the function with all others.
        """
        if not has_discrete_values(self.program.jaxpr):
            return []
        return [
            i
            for i, leaf in enumerate(self.program.outputs)
            if leaf.dtype == bool or jnp.issubdtype(leaf.dtype, np.integer)
        ]

    @property
    def inputs(self) -> list[Leaf]:
        """The floating-point leaves of the arguments."""
        return [self._all[i] for i in self._moving]

    @property
    def held(self) -> list[Leaf]:
        """The leaves of the arguments that are held fixed at their values."""
        return [leaf for leaf in self._all if not leaf.differentiable]

    @property
    def named_held(self) -> list[str]:
        """The key paths of all that is held fixed, with the values of single numbers."""
        arrays = (with_number(leaf.path, leaf.value) for leaf in self.held)
        names = parameter_names(self.function, len(self.args))
        return [*arrays, *held_objects(self.args, names)]

    @property
    def outputs(self) -> list[Leaf]:
        """The floating-point leaves of the result, and those that count as such."""
        kept = [(i, self.program.outputs[i]) for i in self._kept]
        return [replace(x, dtype=self._number) if i in self._discrete else x for i, x in kept]

    @property
    def discrete(self) -> list[int]:
        """Which leaves of :attr:`outputs` are integers or booleans of the function."""
        return [k for k, i in enumerate(self._kept) if i in self._discrete]

    @property
    def rounds_integers(self) -> bool:
        """Whether some integers of the function may not be exact as floating-point numbers."""
        digits = jnp.finfo(self._number).nmant + 1
        kinds = [self.program.outputs[i].dtype for i in self._discrete]
        whole = [kind for kind in kinds if jnp.issubdtype(kind, np.integer)]
        return any(jnp.iinfo(kind).bits > digits for kind in whole)

    @property
    def _number(self) -> Any:
        """The floating-point dtype that stands for integers and booleans."""
        kinds = [np.dtype(np.float32), *(leaf.dtype for leaf in self.inputs)]
        return max(kinds, key=lambda dtype: jnp.finfo(dtype).nmant)

    @property
    def moving(self) -> list[int]:
        """Where the floating-point leaves are among the leaves of :attr:`program`."""
        return self._moving

    @property
    def place(self) -> list[int]:
        """Where the floating-point leaves are among all leaves of the arguments as they came."""
        return [self.place_of_arrays[i] for i in self._moving]

    @property
    def place_of_arrays(self) -> list[int]:
        """Where the leaves of :attr:`program` are among all leaves of the arguments."""
        leaves = tree_leaves(self.args, is_leaf=is_held)
        return [k for k, leaf in enumerate(leaves) if not is_held(leaf)]

    def args_at(self, point: Leaves) -> tuple[Any, ...]:
        """The arguments at another point."""
        values = numbers_as_given(self.args, self.held_arguments, self.values_at(point))
        return tree_unflatten(tree_structure(self.args), values)

    def values_at(self, point: Leaves) -> list[Any]:
        """All leaves of the arguments at another point."""
        values = [leaf.value for leaf in self._all]
        for i, value in zip(self._moving, point, strict=True):
            values[i] = value
        return values

    @property
    def place_of_outputs(self) -> list[int]:
        """Where the leaves of :attr:`outputs` are among all leaves of the result."""
        return self._kept

    def is_inside(self, point: Leaves) -> bool:
        """Whether a point is certainly in the domain, if there is one, and keeps promises."""
        if not all(is_symmetric(point[i]) for i in self._symmetric):
            return False
        return self.domain is None or self.domain.holds(self.values_at(point))

    @cached_property
    def is_bounded(self) -> bool:
        """Whether not every point is inside."""
        return self.domain is not None or bool(self._symmetric)

    @cached_property
    def _symmetric(self) -> list[int]:
        """Leaves that have to stay symmetric, where a solver in the function promises it."""
        if not promises_symmetry(self.program.jaxpr):
            return []
        return [i for i, value in enumerate(self.point) if is_symmetric(value)]

    def __call__(self, *leaves: Any) -> list[Any]:
        return self._evaluate(self.program, self.function, leaves)

    def _evaluate(
        self, program: Program, function: Callable[..., Any], leaves: Sequence[Any]
    ) -> list[Any]:
        """Runs a trace, which keeps the rules and the weak types of the function.

        Where a rule in it needs a value of the time when it was traced, the function itself runs.
        """
        result = None
        if not self._needs_function:
            with contextlib.suppress(*_OF_ANOTHER_TIME):
                values, traced = self.values_at(leaves), program.as_traced
                if self._hands_numbers:
                    traced = with_number_constants(traced)
                else:
                    values = map(as_array, values)
                result = run_again(traced)(*values)
        if result is None:
            result = tree_leaves(function(*self.args_at(leaves)))
        return self._numbers(result)

    def holds_fixed(self, kept: Sequence[Tracer]) -> bool:
        """Whether all traced values are such that no derivative of the function moves them."""
        jaxpr = self.program.as_traced.jaxpr
        return all(is_held_fixed(jaxpr, each) for each in kept)

    def run_function(self) -> bool:
        """From now on runs the function itself and not its trace; whether that is new.

        A rule that closes over a value that the function has made, as a ``jnp.full``, has it of
        the trace at hand.
        """
        is_new, self._needs_function = not self._needs_function, True
        return is_new

    def hand_numbers(self) -> bool:
        """From now on hands its rules what is held as numbers that they may look at; whether that
        is new."""
        is_new, self._hands_numbers = not self._hands_numbers, True
        return is_new

    def of_all(
        self, values: Sequence[Any], run: Callable[..., list[Any]] | None = None
    ) -> list[Any]:
        """The function of all leaves of its arguments, also of those that are held fixed.

        Args:
            values: the leaves.
            run: what runs its program, if not JAX as it stands.
        """
        return self._numbers((run or run_again(self.program.as_traced))(*values))

    def _numbers(self, result: Sequence[Any]) -> list[Any]:
        return [
            _as_number(result[i], self._number) if i in self._discrete else result[i]
            for i in self._kept
        ]

    @property
    def point(self) -> list[np.ndarray]:
        """The values of the floating-point leaves."""
        return [leaf.value for leaf in self.inputs]

    @cached_property
    def moving_program(self) -> Program:
        """The program of the floating-point leaves."""
        return self._of_leaves(self.program, self.function, "f")

    @property
    def domain_programs(self) -> list[Program]:
        """The predicate of the domain as a program of the floating-point leaves, if any."""
        if self.domain is None:
            return []
        predicate = jaxpr_as_fun(self.domain.program.jaxpr)
        traced = trace(
            lambda *leaves: predicate(*self.values_at(leaves)), self.point, "domain", finite=False
        )
        return [traced]

    @cached_property
    def truth_program(self) -> Program:
        """The program whose derivative the rules should give."""
        if self.reference is None:
            return self.moving_program
        program = self.reference_program
        if are_complex(program.out_tree) != are_complex(self.program.out_tree):
            kinds = ("complex", "real") if are_complex(program.out_tree) else ("real", "complex")
            raise TreeMismatch(
                f"the reference returns {kinds[0]} numbers and f {kinds[1]} ones; a reference "
                "takes the arguments of f and returns what it returns"
            )
        if program.out_tree != self.program.out_tree:
            raise TreeMismatch(
                f"f returns {self.program.out_tree} and reference returns {program.out_tree}; "
                "a reference takes the arguments of f and returns what it returns"
            )
        for ours, theirs in zip(self.program.outputs, program.outputs, strict=True):
            if ours.shape != theirs.shape:
                raise ShapeMismatch(
                    f"f{ours.path} has shape {ours.shape} and reference{theirs.path} has shape "
                    f"{theirs.shape}; a reference returns what f returns"
                )
        return self._of_leaves(program, self.reference, "reference")

    @cached_property
    def has_tolerances(self) -> bool:
        """Whether loops of the function end by what they compute of its arguments."""
        closed = self.truth_program.jaxpr
        return loops_end_by(closed, [True] * len(closed.jaxpr.invars))

    @cached_property
    def reference_program(self) -> Program:
        """The reference, traced."""
        assert self.reference is not None
        program = trace(self.reference, self.args, "reference", self.held_arguments, finite=False)
        require_known_constants("reference", program.jaxpr.consts)
        return program

    def of_reference(self) -> Primal:
        """The reference as a function with rules of its own."""
        assert self.reference is not None
        return Primal(self.reference, self.args, None, self.reference_program, self.held_arguments)

    def _of_leaves(self, program: Program, function: Callable[..., Any], name: str) -> Program:
        """A trace as the program of the floating-point leaves alone, which it is without others."""
        if not (self.held or self._discrete) and len(self._kept) == len(program.outputs):
            return program

        def kept(*leaves: Any) -> list[Any]:
            return self._evaluate(program, function, leaves)

        return trace(kept, self.point, name, finite=False)

    def like_inputs(self, leaves: Leaves) -> tuple[Any, ...]:
        """Values in the shapes and dtypes of the floating-point leaves of the arguments."""
        return tuple(np.asarray(v, x.dtype) for v, x in zip(leaves, self.inputs, strict=True))

    def like_outputs(self, leaves: Leaves) -> tuple[Any, ...]:
        """Values in the shapes and dtypes of the floating-point leaves of the result."""
        return tuple(np.asarray(v, y.dtype) for v, y in zip(leaves, self.outputs, strict=True))


def is_symmetric(value: np.ndarray) -> bool:
    """Whether an array is a symmetric matrix, or a batch of these."""
    square = value.ndim > 1 and value.shape[-1] == value.shape[-2]
    return square and np.array_equal(value, np.swapaxes(value, -1, -2))
