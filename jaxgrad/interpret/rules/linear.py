"""Products and sums over axes, and the reductions that resemble them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from jaxgrad.interpret.rules.concrete import require_real, require_truth
from jaxgrad.interpret.rules.elementwise import real_or_none
from jaxgrad.interpret.rules.registry import Equation, Outputs, Value, rule
from jaxgrad.numbers.arrays import SystemArray
from jaxgrad.programs.trace import is_differentiable

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter

__all__ = ["as_numbers", "rows_of"]

_Array = TypeVar("_Array", bound=np.ndarray | SystemArray)


@rule(
    "dot_general",
    reads=("dimension_numbers",),
    harmless={"preferred_element_type": real_or_none},
)
def _dot_general(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    left, right = (
        as_numbers(interpreter, value, atom.aval.dtype)
        for value, atom in zip(inputs, equation.invars, strict=True)
    )
    if not is_differentiable(equation.outvars[0].aval.dtype):
        require_real(equation)
    (left_contract, right_contract), (left_batch, right_batch) = equation.params[
        "dimension_numbers"
    ]
    a, free_a = _as_batches(left, left_batch, left_contract, contracted_last=True)
    b, free_b = _as_batches(right, right_batch, right_contract, contracted_last=False)
    batch = tuple(left.shape[axis] for axis in left_batch)
    return interpreter.arrays.contract(a, b).reshape((*batch, *free_a, *free_b))


def as_numbers(interpreter: Interpreter, value: Value, dtype: np.dtype) -> Value:
    """An array as numbers, booleans as 0 and 1."""
    elements = interpreter.elements(value, dtype)
    return interpreter.arrays.number(elements) if np.dtype(dtype) == bool else elements


def _as_batches(
    array: Value, batch: Any, contract: Any, contracted_last: bool
) -> tuple[Value, tuple[int, ...]]:
    """The array as (batch, rows, columns), and the shape of its free axes."""
    free = [axis for axis in range(array.ndim) if axis not in batch and axis not in contract]
    shape = tuple(array.shape[axis] for axis in free)
    sizes = (
        int(np.prod([array.shape[axis] for axis in batch], dtype=int)),
        int(np.prod(shape, dtype=int)),
        int(np.prod([array.shape[axis] for axis in contract], dtype=int)),
    )
    if contracted_last:
        order, size = [*batch, *free, *contract], sizes
    else:
        order, size = [*batch, *contract, *free], (sizes[0], sizes[2], sizes[1])
    return array.transpose(order).reshape(size), shape


def rows_of(array: _Array, axes: Any) -> tuple[_Array, tuple[int, ...]]:
    """The reduced axes flattened into the last one, and the shape that is kept."""
    kept = [axis for axis in range(array.ndim) if axis not in axes]
    shape = tuple(array.shape[axis] for axis in kept)
    size = int(np.prod([array.shape[axis] for axis in axes], dtype=int))
    flat: Any = array.transpose([*kept, *axes]).reshape((int(np.prod(shape, dtype=int)), size))
    return flat, shape


@rule("reduce_sum", "reduce_prod", "reduce_max", "reduce_min", reads=("axes",))
def _reduction(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    if equation.outvars[0].aval.dtype == np.dtype(bool):
        return _of_truths(interpreter, equation, inputs[0])
    require_real(equation)
    rows, shape = rows_of(inputs[0], equation.params["axes"])
    name = equation.primitive.name.removeprefix("reduce_")
    return interpreter.arrays.reduce(name, rows).reshape(shape)


@rule("reduce_and", "reduce_or", "reduce_xor", reads=("axes",))
def _logical(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    require_truth(equation)
    return _of_truths(interpreter, equation, inputs[0])


def _of_truths(interpreter: Interpreter, equation: Equation, truths: Value) -> Value:
    """One truth value after another; False comes before True."""
    name = equation.primitive.name.removeprefix("reduce_")
    rows, shape = rows_of(truths, equation.params["axes"])
    result = interpreter.truths(np.full(rows.shape[:1], name in ("and", "min")))
    for i in range(rows.shape[1]):
        result = interpreter.arrays.logic(name, result, rows[:, i])
    return interpreter.settle(result.reshape(shape))


# cumulative primitive -> the elementwise operation that it repeats.
CUMULATIVE = {
    "cumsum": "add",
    "cumprod": "mul",
    "cummax": "max",
    "cummin": "min",
    "cumlogsumexp": "logaddexp",
}


@rule(*CUMULATIVE, reads=("axis", "reverse"))
def _cumulative(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    require_real(equation)
    axis, arrays = equation.params["axis"], interpreter.arrays
    operation = CUMULATIVE[equation.primitive.name]
    before = (slice(None),) * axis  # what all slices of the axis have in common
    places = range(inputs[0].shape[axis])
    slices: list[Value] = []
    for i in reversed(places) if equation.params["reverse"] else places:
        here = inputs[0][(*before, i, ...)]
        slices.append(arrays.function(operation, slices[-1], here) if slices else here)
    if not slices:
        return inputs[0]
    if equation.params["reverse"]:
        slices.reverse()
    return arrays.move(lambda xp, *each: xp.stack(each, axis), *slices)
