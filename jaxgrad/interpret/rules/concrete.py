"""Values that no real variable reaches: primitives run on them as they are, and exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

import jax
import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.rules.registry import Equation, Value
from jaxgrad.interpret.rules.whole_numbers import by_numpy
from jaxgrad.numbers.arrays import SystemArray
from jaxgrad.programs.trace import is_differentiable

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter


__all__ = ["bind", "evaluate", "is_concrete", "require_real", "require_truth"]


def is_concrete(value: Any) -> TypeGuard[np.ndarray]:
    """Whether a value holds plain numbers that no real variable reaches."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind != "O"
    return not isinstance(value, SystemArray)


def evaluate(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> list[Value]:
    """Runs a primitive on concrete values, where it is exact."""
    known = by_numpy(equation, inputs)
    if known is not None:
        return [known]
    outputs = bind(equation.primitive, inputs, equation.params)
    return [interpreter.lift(x) for x in outputs]


def bind(primitive: Any, inputs: list[Value], params: dict[str, Any]) -> list[Any]:
    """The outputs of a primitive on concrete arrays, whose dtypes are kept.

    A program of 64-bit numbers is evaluated as such even where JAX would now make them 32-bit, and
    at once even while a program is traced of which the numbers are arrays.
    """
    with jax.enable_x64(True), jax.ensure_compile_time_eval():
        arrays = [x if isinstance(x, jax.Array) else jax.numpy.asarray(x) for x in inputs]
        outputs = primitive.bind(*arrays, **params)
        return list(outputs) if primitive.multiple_results else [outputs]


# These return one of their arguments, so that no integer can wrap around.
CHOOSING = ("clamp", "max", "min", "reduce_max", "reduce_min")


def require_real(equation: Equation) -> None:
    """Refuses arithmetic on integers that depend on a real variable, which wraps around.

    Raises:
        UnsupportedPrimitive: the outputs are no floating-point numbers, or an input is a boolean.
    """
    if equation.primitive.name in CHOOSING:
        return
    truths = any(atom.aval.dtype == np.dtype(bool) for atom in equation.invars)
    if truths or not is_differentiable(equation.outvars[0].aval.dtype):
        _refuse(equation)


def require_truth(equation: Equation) -> None:
    """Refuses bitwise operations on integers that depend on a real variable.

    Raises:
        UnsupportedPrimitive: the outputs are no booleans.
    """
    if equation.outvars[0].aval.dtype != np.dtype(bool):
        _refuse(equation)


def _refuse(equation: Equation) -> None:
    raise UnsupportedPrimitive(
        f"`{equation.primitive.name}` on {equation.invars[0].aval.dtype} values that depend on a "
        "real variable has no rule"
    )
