"""A derivative as JAX takes it, traced; what is wrong with the structure of a rule is said here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import jax
import numpy as np
from jax.tree_util import tree_leaves

from jaxgrad.errors import DtypeMismatch, JaxgradError, NoDerivative
from jaxgrad.gradients.floats.arithmetic import Arithmetic
from jaxgrad.gradients.floats.hidden import arithmetic_of
from jaxgrad.gradients.rules.derivatives import Function
from jaxgrad.gradients.rules.primal import Leaves
from jaxgrad.gradients.witness import program_floats
from jaxgrad.interpret.sides import Side
from jaxgrad.interpret.walker import interpret
from jaxgrad.numbers.ball import Ball
from jaxgrad.numbers.base import ObjectArray
from jaxgrad.programs.dtypes import dtype_name
from jaxgrad.programs.jax_errors import DERIVATIVE, backward_only
from jaxgrad.programs.jaxprs import holds_primitive
from jaxgrad.programs.live import constant_of, live
from jaxgrad.programs.raised_by import is_jaxs_own, is_raised_by_caller
from jaxgrad.programs.trace import Program, trace

__all__ = ["Derived", "traced"]


@dataclass(frozen=True)
class Derived:
    """A derivative as JAX takes it.

    Args:
        function: of (point, directions, cotangents), each a tuple of arrays.
        args: those that it was traced with.
        program: the same, traced.
        values: how many leaves of its result, the first ones, are no derivatives of the order
            that is asked for but what the rules return beside them: the value of the function,
            and derivatives of lower order.
    """

    function: Function
    args: tuple[Any, ...]
    program: Program
    values: int = 0

    def balls(self, *args: Leaves, system: Ball | None = None) -> list[ObjectArray]:
        """The exact formula of the rules, enclosed: an object array for each leaf.

        Args:
            args: the point, the directions and the cotangents, which are exact; arrays of
                numbers, or object arrays of balls.
            system: the balls, if not the plain ones.
        """
        system = system or Ball()
        return interpret(self.program, system, self.filled(*args, system=system))

    def filled(self, *args: Leaves, system: Ball | None = None) -> list[ObjectArray]:
        """What its program is given of these arguments, as :meth:`balls` takes them."""
        system = system or Ball()
        return [
            v if v.dtype == object else system.constants(v)
            for v in map(np.asarray, tree_leaves(list(args)))
        ]

    def floats(self, *args: Leaves) -> list[np.ndarray]:
        """What JAX computes, primitive by primitive."""
        found = program_floats(self.program, tree_leaves(list(args)))
        return [np.asarray(leaf, np.float64) for leaf in found]

    def live(self) -> Derived:
        """The same by the equations alone that its results depend on."""
        return replace(self, program=live(self.program))

    @cached_property
    def constant(self) -> tuple[bytes, ...] | None:
        """What it is at every point, if it says so, as second derivatives of what is linear do."""
        return constant_of(self.program)

    @cached_property
    def arithmetic(self) -> Arithmetic | None:
        """What rounding is in the program; None where that depends on the point."""
        return arithmetic_of(self.program)

    def side(self, name: str) -> Side:
        """The derivative as one side of a comparison."""
        return Side(name, self.function, self.args, self.program.inputs, self.program)


def traced(
    function: Function, args: tuple[Any, ...], values: int = 0, outputs: Any = ()
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
        program = trace(function, args, side=DERIVATIVE, finite=False)
    except JaxgradError as error:
        if isinstance(error.__cause__, jax.errors.UnexpectedTracerError):
            raise _no_derivative(error) from error
        raise
    except Exception as error:
        if "real does not accept dtype" in str(error):
            raise DtypeMismatch(
                "the bwd rule of a custom_vjp gives a complex argument a real cotangent; return a "
                "complex one, which for the cotangent u of a real f(x + iy) is u (∂f/∂x − i ∂f/∂y)"
            ) from error
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
                f"{dtype_name(found.dtype)}, and the argument has dtype {dtype_name(leaf.dtype)}; "
                f"{_OF_INTEGERS if found.dtype == jax.dtypes.float0 else 'cast it with .astype'}"
            )
    return Derived(function, args, program, values)


_OF_INTEGERS = (
    "float0 is that of an integer: give the argument as one, or return a cotangent of its own "
    "dtype, zeros where nothing depends on it"
)


def _no_derivative(error: Exception) -> NoDerivative:
    said = str(error) or type(error).__name__
    unable = "batch" if said.startswith("Batching rule") else "differentiate"  # that of a batch
    return NoDerivative(f"JAX cannot {unable} f: {said}", f"JAX has none: {said}")


def _is_one_way(jaxpr: Any) -> bool:
    """Whether a trace holds what JAX leaves where it pushes a tangent through a custom_vjp rule."""
    return holds_primitive(jaxpr, ("custom_lin", "call_hi_primitive_linearized"))
