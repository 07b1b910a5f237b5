"""JAX's own derivatives of a function as programs of the point, the direction and the cotangent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import jaxpr_as_fun
from jax.tree_util import tree_leaves, tree_structure, tree_unflatten

from jaxgrad.errors import (
    ArgumentError,
    DtypeMismatch,
    JaxgradError,
    NoDerivative,
    ShapeMismatch,
    TreeMismatch,
    UnsupportedPrimitive,
)
from jaxgrad.gradients.rules.derivatives import along_steps, arguments_of, composed, derivative
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import COMPLEX, ObjectArray
from jaxgrad.programs.custom_rules import has_custom_rules, has_discrete_values
from jaxgrad.programs.jax_errors import DERIVATIVE, backward_only
from jaxgrad.programs.jaxprs import holds_primitive
from jaxgrad.programs.raised_by import is_jaxs_own, is_raised_by_caller
from jaxgrad.programs.trace import Leaf, Program, arguments, parameter_names, trace

__all__ = [
    "Derived",
    "NoDerivative",
    "Primal",
    "along_everything",
    "backward",
    "batched",
    "forward",
    "nested",
]

Leaves = Sequence[Any]


# Outside jit JAX would round a known integer itself, and no program would say so.
_as_number = jax.jit(lax.convert_element_type, static_argnums=1, inline=True)


class Primal:
    """A function of its floating-point leaves alone; all others are held fixed.

    Args:
        function: a JAX function of ``args``.
        args: pytrees of arrays.
        reference: the function whose derivative is meant, of the same arguments; ``function``
            itself if None.

    Raises:
        ArgumentError: nothing is floating point.
        UnsupportedPrimitive: a result is complex.
        TreeMismatch, ShapeMismatch: the reference returns something else than the function.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        reference: Callable[..., Any] | None = None,
    ) -> None:
        self.args = tuple(args)
        self.function = function
        self.reference = reference
        self.program = trace(function, args, side="f")
        self._all = arguments(args, parameter_names(function, len(args)))
        self._moving = [i for i, leaf in enumerate(self._all) if leaf.differentiable]
        self._kept = [i for i, leaf in enumerate(self.program.outputs) if leaf.differentiable]
        self._discrete = self._values_of_rules() if self._kept else []
        self._kept = sorted([*self._kept, *self._discrete])
        if not self._moving:
            raise ArgumentError(
                "no argument is floating point, so there is nothing to check; integers, booleans "
                "and PRNG keys are held fixed: convert one with jnp.asarray(x, float)"
            )
        if any(jnp.issubdtype(leaf.dtype, np.complexfloating) for leaf in self.program.outputs):
            raise UnsupportedPrimitive(COMPLEX)
        if not self._kept:
            found = ", ".join(f"f{x.path} is {x.dtype.name}" for x in self.program.outputs)
            raise ArgumentError(
                "no output is floating point, so there is nothing to check: "
                f"{found or 'f returns nothing (a forgotten `return`?)'}"
            )

    def _values_of_rules(self) -> list[int]:
        """Integers and booleans in the result, where a rule returns some of its own beside it.

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
    def place(self) -> list[int]:
        """Where the floating-point leaves are among all leaves of the arguments."""
        return self._moving

    @property
    def place_of_outputs(self) -> list[int]:
        """Where the leaves of :attr:`outputs` are among all leaves of the result."""
        return self._kept

    def __call__(self, *leaves: Any) -> list[Any]:
        return self._evaluate(self.program, self.function, leaves)

    def _evaluate(
        self, program: Program, function: Callable[..., Any], leaves: Sequence[Any]
    ) -> list[Any]:
        """Runs a trace, which keeps the rules and the weak types of the function.

        Where a rule in it needs a value of the time when it was traced, the function itself runs.
        """
        values = [leaf.value for leaf in self._all]
        for i, value in zip(self._moving, leaves, strict=True):
            values[i] = value
        try:
            result = jaxpr_as_fun(program.jaxpr)(*values)
        except (jax.errors.UnexpectedTracerError, jax.errors.TracerArrayConversionError):
            result = tree_leaves(function(*tree_unflatten(tree_structure(self.args), values)))
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
        return trace(self, self.point, side="f")

    @cached_property
    def truth_program(self) -> Program:
        """The program whose derivative the rules should give."""
        if self.reference is None:
            return self.moving_program
        program = trace(self.reference, self.args, side="reference")
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
        reference = self.reference
        return trace(
            lambda *leaves: self._evaluate(program, reference, leaves), self.point, "reference"
        )

    def like_inputs(self, leaves: Leaves) -> tuple[Any, ...]:
        """Values in the shapes and dtypes of the floating-point leaves of the arguments."""
        return tuple(np.asarray(v, x.dtype) for v, x in zip(leaves, self.inputs, strict=True))

    def like_outputs(self, leaves: Leaves) -> tuple[Any, ...]:
        """Values in the shapes and dtypes of the floating-point leaves of the result."""
        return tuple(np.asarray(v, y.dtype) for v, y in zip(leaves, self.outputs, strict=True))


@dataclass(frozen=True)
class Derived:
    """A derivative of a primal as JAX's rules give it.

    Args:
        function: of (point, directions, cotangents), each a tuple of arrays.
        program: the same, traced.
        values: how many leaves of its result, the first ones, are no derivatives of the order
            that is asked for but what the rules return beside them: the value of the function,
            and derivatives of lower order.
    """

    function: Callable[..., Any]
    program: Program
    values: int = 0

    def balls(
        self, *args: Leaves, rounding: float = 0.0, system: Ball | None = None
    ) -> list[ObjectArray]:
        """The exact formula of the rules, enclosed: an object array for each leaf.

        Args:
            args: the point, the directions and the cotangents, which are exact; arrays of
                numbers, or object arrays of balls.
            rounding: the relative error of the constants within the program.
            system: the balls, if not the plain ones.
        """
        system = system or Ball()
        flat = [
            v if v.dtype == object else system.constants(v)
            for v in map(np.asarray, tree_leaves(list(args)))
        ]
        return interpret(self.program, system, flat, rounding)

    def floats(self, *args: Leaves) -> list[np.ndarray]:
        """What JAX computes."""
        with np.errstate(all="ignore"):  # a rule may compute with the NumPy arrays themselves
            found = self.function(*args)
        return [np.asarray(leaf, np.float64) for leaf in tree_leaves(found)]


def _derived(
    function: Callable[..., Any], args: tuple[Any, ...], values: int, outputs: Any = ()
) -> Derived:
    """Traces a derivative, and names what is wrong with the structure that a rule returns.

    Args:
        values: how many leaves come before the derivatives.
        outputs: leaves that the derivatives have to resemble in dtype.

    Raises:
        NoDerivative: JAX has none in this mode.
        TreeMismatch, ShapeMismatch, DtypeMismatch: a rule returns another structure.
    """
    try:
        program = trace(function, args, side=DERIVATIVE)
    except JaxgradError as error:
        if isinstance(error.__cause__, jax.errors.UnexpectedTracerError):
            raise _no_derivative(error) from error
        raise
    except Exception as error:
        unable = isinstance(error, NotImplementedError) and not is_raised_by_caller(error)
        if unable or is_jaxs_own(error):
            raise _no_derivative(error) from error
        raise
    if _is_one_way(program.jaxpr):
        raise backward_only("f")
    for leaf, found in zip(outputs, program.outputs[values:], strict=False):
        if np.dtype(leaf.dtype) != np.dtype(found.dtype):
            raise DtypeMismatch(
                f"the bwd rule of a custom_vjp gives {leaf.path} a cotangent of dtype "
                f"{np.dtype(found.dtype)}, and the argument has dtype {np.dtype(leaf.dtype)}; "
                "cast it with .astype"
            )
    return Derived(function, program, values)


def _no_derivative(error: Exception) -> NoDerivative:
    return NoDerivative(f"JAX cannot differentiate f: {error}", f"JAX has none: {error}")


def _is_one_way(jaxpr: Any) -> bool:
    """Whether a trace holds what JAX leaves where it pushes a tangent through a custom_vjp rule."""
    return holds_primitive(jaxpr, ("custom_lin",))


def forward(primal: Primal, directions: Leaves) -> Derived:
    """(x, v) ↦ f(x), J(x)v."""
    args = (tuple(primal.point), primal.like_inputs(directions))
    return _derived(derivative("fwd", primal), args, len(primal.outputs))


def backward(primal: Primal, cotangents: Leaves) -> Derived:
    """(x, u) ↦ f(x), J(x)ᵀu."""
    args = (tuple(primal.point), primal.like_outputs(cotangents))
    return _derived(derivative("rev", primal), args, len(primal.outputs), primal.inputs)


def batched(derived: Derived, args: tuple[Any, ...]) -> Derived:
    """A derivative under ``jax.vmap``, traced for a batch of two."""
    twice = tuple(tuple(np.stack([leaf, leaf]) for leaf in leaves) for leaves in args)
    return _derived(jax.vmap(derived.function), twice, derived.values)


def nested(
    primal: Primal, modes: tuple[str, ...], directions: Sequence[Leaves], cotangents: Leaves
) -> Derived:
    """The derivatives of a primal by :func:`~jaxgrad.gradients.rules.derivatives.along_steps`."""
    args = (
        tuple(primal.point),
        tuple(primal.like_inputs(v) for v in directions),
        primal.like_outputs(cotangents),
    )
    # Without a rule of somebody's own all values come from the one program.
    beside = has_custom_rules(primal.moving_program.jaxpr)
    return _derived(along_steps(primal, modes, beside), args, len(modes) if beside else 0)


def along_everything(
    primal: Primal, modes: tuple[str, ...], directions: Leaves, cotangents: Leaves
) -> Derived:
    """The derivatives of a primal by :func:`~jaxgrad.gradients.rules.derivatives.composed`."""
    kinds = {"x": primal.like_inputs(directions), "u": primal.like_outputs(cotangents)}
    others = [kinds[kind] for kind in arguments_of(len(modes))[1:]]
    return _derived(composed(primal, modes), (tuple(primal.point), *others), 0)
