"""Factorisations of matrices and the systems they solve, which the number system computes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxgrad.interpret.rules.concrete import is_concrete
from jaxgrad.interpret.rules.registry import RULES, Equation, Outputs, Value, anything, rule

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter

__all__: list[str] = []


@rule("cholesky")
@rule(
    "triangular_solve",
    reads=("left_side", "lower", "transpose_a", "unit_diagonal"),
    harmless={"conjugate_a": anything},
)
@rule("lu")
def _matrix_function(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    shapes = [variable.aval.shape for variable in equation.outvars]
    if 0 in shapes[0][:-2]:
        empty = (
            np.zeros(variable.aval.shape, variable.aval.dtype) for variable in equation.outvars
        )
        return [interpreter.lift(array) for array in empty]
    matrices = [_matrices(value) for value in interpreter.numbers(equation, inputs)]
    read = RULES[equation.primitive.name].reads
    options = {name: equation.params[name] for name in read}
    found = interpreter.arrays.matrix(equation.primitive.name, *matrices, **options)
    outputs = found if isinstance(found, list) else [found]
    return [
        _like(output, variable) for output, variable in zip(outputs, equation.outvars, strict=True)
    ]


def _matrices(value: Value) -> Value:
    """The matrices of a batch, one behind the other."""
    count = int(np.prod(value.shape[:-2], dtype=int))
    return value.reshape((count, *value.shape[-2:]))


def _like(output: Value, variable: Any) -> Value:
    """The output in its shape; pivots and permutations are integers of the variable's dtype."""
    shaped = output.reshape(variable.aval.shape)
    return shaped.astype(variable.aval.dtype) if is_concrete(shaped) else shaped
