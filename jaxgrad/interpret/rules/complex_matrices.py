"""Factorisations of complex matrices and the systems they solve, by real and imaginary parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jax import lax

from jaxgrad.interpret.rules.linear_algebra import in_floats, like, no_matrices, one_by_one
from jaxgrad.interpret.rules.registry import (
    RULES,
    DeclaredRule,
    Equation,
    Outputs,
    Value,
    anything,
    rule,
)
from jaxgrad.numbers.vector_signs import FloatingPoint
from jaxgrad.programs.complex_structure import MATRIX_IN_PARTS

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter

__all__: list[str] = []


@rule(MATRIX_IN_PARTS, reads=("name", "options"), harmless={"results": anything})
def _matrix_in_parts(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    if 0 in equation.outvars[0].aval.shape[:-2]:
        return no_matrices(interpreter, equation)
    name, params = equation.params["name"], dict(equation.params["options"])
    options = (_EIG if name == "eig" else RULES[name]).read(name, params)
    if "conjugate_a" in params:
        options["conjugate_a"] = params["conjugate_a"]
    if name in _SPECTRA:
        options["floats"] = _in_floats(equation, name, params)
    numbers = interpreter.numbers(equation, inputs)
    matrices = [one_by_one(value, numbers[0].ndim - 2) for value in numbers]
    found = interpreter.arrays.matrix(f"complex {name}", *matrices, **options)
    return [
        like(output, variable) for output, variable in zip(found, equation.outvars, strict=True)
    ]


# Its results are complex, so that it comes by parts alone.
_EIG = DeclaredRule(
    _matrix_in_parts,
    frozenset({"compute_left_eigenvectors", "compute_right_eigenvectors"}),
    {"enable_eigvec_derivs": anything, "implementation": anything, "use_magma": anything},
)
_SPECTRA = ("eigh", "svd", "eig", "schur")


def _in_floats(equation: Equation, name: str, params: dict[str, Any]) -> FloatingPoint:
    """The primitive itself, which a run gives the parts of matrices; of real ones the one part."""
    dtype, parts = equation.invars[0].aval.dtype, len(equation.invars)
    whole = dtype if parts == 1 else np.result_type(dtype, np.complex64)
    floats = in_floats(getattr(lax.linalg, f"{name}_p"), params, whole)

    def run(matrices: np.ndarray) -> Sequence[np.ndarray]:
        if parts == 1:
            return floats.run(matrices if matrices.ndim == 3 else matrices[:, 0])
        joined = np.empty(matrices[:, 0].shape, np.complex128)
        joined.real, joined.imag = matrices[:, 0], matrices[:, 1]
        return floats.run(joined)

    return FloatingPoint(run, floats.eps)
