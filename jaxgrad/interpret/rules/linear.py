"""Products and sums over axes, and the reductions that resemble them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxgrad.interpret.rules.concrete import evaluate, is_discrete, require_real, require_truth
from jaxgrad.interpret.rules.elementwise import real_or_none
from jaxgrad.interpret.rules.logic import CHOICES, differ
from jaxgrad.interpret.rules.registry import Equation, Outputs, Value, rule
from jaxgrad.numbers.base import NumberSystem, objects
from jaxgrad.numbers.nonfinite import NonFinite, apply_nonfinite

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter


@rule(
    "dot_general",
    reads=("dimension_numbers",),
    harmless={"preferred_element_type": real_or_none},
)
def _dot_general(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    if is_discrete(interpreter, equation, inputs):
        return evaluate(interpreter, equation, inputs)
    require_real(equation)
    left, right = (
        interpreter.elements(value, atom.aval.dtype)
        for value, atom in zip(inputs, equation.invars, strict=True)
    )
    (left_contract, right_contract), (left_batch, right_batch) = equation.params[
        "dimension_numbers"
    ]
    a, free_a = _as_batches(left, left_batch, left_contract, contracted_last=True)
    b, free_b = _as_batches(right, right_batch, right_contract, contracted_last=False)
    batch = tuple(left.shape[axis] for axis in left_batch)
    products = [interpreter.system.matmul(x, y) for x, y in zip(a, b, strict=True)]
    if not products:
        return np.empty((*batch, *free_a, *free_b), dtype=object)
    return np.stack(products).reshape((*batch, *free_a, *free_b))


def _as_batches(
    array: np.ndarray, batch: Any, contract: Any, contracted_last: bool
) -> tuple[np.ndarray, tuple[int, ...]]:
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


def rows_of(array: np.ndarray, axes: Any) -> tuple[np.ndarray, tuple[int, ...]]:
    """The reduced axes flattened into the last one, and the shape that is kept."""
    kept = [axis for axis in range(array.ndim) if axis not in axes]
    shape = tuple(array.shape[axis] for axis in kept)
    size = int(np.prod([array.shape[axis] for axis in axes], dtype=int))
    flat = array.transpose([*kept, *axes]).reshape((int(np.prod(shape, dtype=int)), size))
    return flat, shape


def smallest(system: NumberSystem, xs: list[Any]) -> Any:
    """The minimum of a list, +∞ if it is empty; the very element where it is known which one."""
    negated = [-x for x in xs]
    largest = system.largest(negated)
    for x, y in zip(xs, negated, strict=True):
        if y is largest:
            return x
    return -largest


LOGICAL = ("reduce_and", "reduce_or", "reduce_xor")


def _reduction(name: str, reduce: Callable[[Any, list[Any]], Any]) -> None:
    @rule(name, reads=("axes",))
    def apply(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
        if is_discrete(interpreter, equation, inputs):
            return evaluate(interpreter, equation, inputs)
        of_truths = equation.outvars[0].aval.dtype == np.dtype(bool)
        (require_truth if name in LOGICAL else require_real)(equation)
        rows, shape = rows_of(inputs[0], equation.params["axes"])
        system = interpreter.system
        combine = _OF_TRUTHS.get(name, reduce) if of_truths else reduce
        result = objects((combine(system, list(row)) for row in rows), shape)
        return interpreter.settle(result) if of_truths else result


def _fold(combine: Callable[[Any, Any, Any], Any], start: Any) -> Callable[[Any, list[Any]], Any]:
    def reduce(system: Any, xs: list[Any]) -> Any:
        result = start(system)
        for x in xs:
            result = combine(system, result, x)
        return result

    return reduce


_reduction("reduce_sum", lambda s, xs: s.total(xs))
_reduction("reduce_max", lambda s, xs: s.largest(xs))
_reduction("reduce_min", smallest)
_reduction("reduce_prod", _fold(lambda s, x, y: x * y, lambda s: s.constant(1)))
_reduction("reduce_and", _fold(CHOICES["min"], lambda s: s.truth(True)))
_reduction("reduce_or", _fold(CHOICES["max"], lambda s: s.truth(False)))
_reduction("reduce_xor", _fold(differ, lambda s: s.truth(False)))
# What the others are on booleans, False before True.
_OF_TRUTHS = {
    "reduce_max": _fold(CHOICES["max"], lambda s: s.truth(False)),
    "reduce_min": _fold(CHOICES["min"], lambda s: s.truth(True)),
}


# cumulative primitive -> the elementwise primitive that it repeats.
CUMULATIVE = {
    "cumsum": "add",
    "cumprod": "mul",
    "cummax": "max",
    "cummin": "min",
    "cumlogsumexp": "logaddexp",
}


def _cumulative(name: str, combine: Callable[[Any, Any, Any], Any]) -> None:
    @rule(name, reads=("axis", "reverse"))
    def apply(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
        if is_discrete(interpreter, equation, inputs):
            return evaluate(interpreter, equation, inputs)
        require_real(equation)
        axis, reverse = equation.params["axis"], equation.params["reverse"]
        system, elementwise = interpreter.system, CUMULATIVE[name]

        def apply_one(x: Any, y: Any) -> Any:
            if isinstance(x, NonFinite) or isinstance(y, NonFinite):
                return apply_nonfinite(system, elementwise, (x, y))
            return combine(system, x, y)

        moved = np.moveaxis(inputs[0], axis, 0)
        if reverse:
            moved = moved[::-1]
        out = np.empty_like(moved)
        if len(moved):
            out[0, ...] = moved[0, ...]
        for i in range(1, len(moved)):
            out[i, ...] = system.map(apply_one, out[i - 1, ...], moved[i, ...])
        return np.moveaxis(out[::-1] if reverse else out, 0, axis)


_cumulative("cumsum", lambda s, x, y: x + y)
_cumulative("cumprod", lambda s, x, y: x * y)
_cumulative("cummax", lambda s, x, y: s.maximum(x, y))
_cumulative("cummin", lambda s, x, y: s.minimum(x, y))
_cumulative("cumlogsumexp", lambda s, x, y: s.log(s.exp(x) + s.exp(y)))
