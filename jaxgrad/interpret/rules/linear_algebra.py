"""Factorisations of matrices and the systems they solve, which the number system computes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from jaxgrad.interpret.rules.concrete import bind, is_concrete
from jaxgrad.interpret.rules.registry import RULES, Equation, Outputs, Value, anything, rule
from jaxgrad.numbers.vector_signs import FloatingPoint

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter

__all__ = ["in_floats", "like", "no_matrices", "one_by_one"]


@rule("cholesky")
@rule(
    "triangular_solve",
    reads=("left_side", "lower", "transpose_a", "unit_diagonal"),
    harmless={"conjugate_a": anything},
)
@rule("lu")
@rule("geqrf")
@rule("householder_product")
@rule("qr", reads=("full_matrices", "pivoting"), harmless={"use_magma": anything})
@rule(
    "eigh",
    reads=("lower",),
    harmless={
        "sort_eigenvalues": bool,
        "subset_by_index": lambda places: places is None,
        "algorithm": anything,
    },
)
@rule(
    "svd",
    reads=("full_matrices", "compute_uv"),
    harmless={"subset_by_index": lambda places: places is None, "algorithm": anything},
)
@rule(
    "schur",
    reads=("compute_schur_vectors",),
    harmless={"sort_eig_vals": lambda sorts: not sorts, "select_callable": anything},
)
def _matrix_function(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    if 0 in equation.outvars[0].aval.shape[:-2]:
        return no_matrices(interpreter, equation)
    numbers = interpreter.numbers(equation, inputs)
    matrices = [one_by_one(value, numbers[0].ndim - 2) for value in numbers]
    read = RULES[equation.primitive.name].reads
    options = {name: equation.params[name] for name in read}
    if equation.primitive.name in _SPECTRA:
        options["floats"] = _in_floats(equation)
    found = interpreter.arrays.matrix(equation.primitive.name, *matrices, **options)
    outputs = found if isinstance(found, list) else [found]
    return [
        like(output, variable) for output, variable in zip(outputs, equation.outvars, strict=True)
    ]


def no_matrices(interpreter: Interpreter, equation: Equation) -> list[Value]:
    """The results of a batch of no matrices."""
    empty = (np.zeros(variable.aval.shape, variable.aval.dtype) for variable in equation.outvars)
    return [interpreter.lift(array) for array in empty]


def one_by_one(value: Value, batch: int) -> Value:
    """The matrices or vectors of a batch of so many axes, one behind the other."""
    count = int(np.prod(value.shape[:batch], dtype=int))
    return value.reshape((count, *value.shape[batch:]))


_SPECTRA = ("eigh", "svd", "schur")


def _in_floats(equation: Equation) -> FloatingPoint:
    """The primitive of an equation in the dtype of its argument, on the CPU."""
    return in_floats(equation.primitive, equation.params, equation.invars[0].aval.dtype)


def in_floats(primitive: Any, params: dict[str, Any], dtype: Any) -> FloatingPoint:
    """A primitive in floating point, of matrices of a dtype, which may be complex."""
    cpu = jax.devices("cpu")[0]
    if "compute_schur_vectors" in params:  # by which the form has its signs, wanted or not
        params = params | {"compute_schur_vectors": True}

    def run(matrices: np.ndarray) -> list[np.ndarray]:
        with jax.default_device(cpu):
            found = bind(primitive, [matrices.astype(dtype)], params)
        return [np.asarray(x, np.result_type(np.asarray(x), np.float64)) for x in found]

    return FloatingPoint(run, float(jax.numpy.finfo(dtype).eps))


def like(output: Value, variable: Any) -> Value:
    """The output in its shape; pivots and permutations are integers of the variable's dtype."""
    shaped = output.reshape(variable.aval.shape)
    return shaped.astype(variable.aval.dtype) if is_concrete(shaped) else shaped
