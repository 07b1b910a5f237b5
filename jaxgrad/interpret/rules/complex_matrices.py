"""Factorisations of complex matrices and the systems they solve, by real and imaginary parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from jaxgrad.interpret.rules.linear_algebra import one_by_one
from jaxgrad.interpret.rules.registry import Equation, Outputs, Value, anything, rule
from jaxgrad.numbers.complex_pairs import ComplexPairs
from jaxgrad.numbers.elements import Elements
from jaxgrad.programs.complex_structure import MATRIX_IN_PARTS

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter

__all__: list[str] = []


@rule(MATRIX_IN_PARTS, reads=("name", "options"), harmless={"results": anything})
def _matrix_in_parts(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    pairs = ComplexPairs(interpreter.system)
    parts = [one_by_one(value, value.ndim - 2) for value in interpreter.numbers(equation, inputs)]
    joined = [pairs.joined(*both) for both in zip(parts[::2], parts[1::2], strict=True)]
    options = dict(equation.params["options"])
    found: Any = Elements(pairs).matrix(equation.params["name"], *joined, **options)
    outputs: list[Any] = []
    for array in found if isinstance(found, list) else [found]:
        outputs += pairs.parts(array) if array.dtype == object else [array]
    shapes = zip(outputs, equation.outvars, strict=True)
    return [_like(output, variable) for output, variable in shapes]


def _like(output: Any, variable: Any) -> Any:
    shaped = np.reshape(output, variable.aval.shape)
    return shaped if shaped.dtype == object else shaped.astype(variable.aval.dtype)
