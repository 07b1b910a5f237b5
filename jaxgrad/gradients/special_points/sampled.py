"""A program at many points at once, in float64 and without a compilation."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.gradients.special_points.unforeseen import passed_over
from jaxgrad.interpret.rules.concrete import is_concrete
from jaxgrad.interpret.rules.elementwise import ELEMENTWISE
from jaxgrad.interpret.walker import Interpreter
from jaxgrad.numbers.base import ObjectArray, objects
from jaxgrad.numbers.samples import Sampled, Samples, dense
from jaxgrad.programs.jaxprs import while_parts
from jaxgrad.programs.trace import Leaf, Program, is_differentiable

__all__ = ["SampledInterpreter", "run_at"]

# Times that a loop is run whose end depends on the point.
MOST_ITERATIONS = 100


def run_at(
    interpreter: SampledInterpreter, program: Program, leaves: Sequence[Leaf], points: np.ndarray
) -> list[Any]:
    """The outputs of a program at points.

    Args:
        interpreter: what runs it.
        program: its first inputs are the leaves; further ones keep the values they have.
        leaves: floating-point leaves with N entries in all.
        points: float64, shape (points, N), entries in the order of the leaves, row-major.

    Returns:
        for each output an array, of samples where it depends on the point.

    Example:
        >>> from jaxgrad.programs.trace import trace
        >>> program = trace(abs, (1.0,))
        >>> points = np.array([[-2.0], [3.0]])
        >>> run_at(SampledInterpreter(), program, program.inputs, points)[0][()].values
        array([2., 3.])
    """
    columns = np.ascontiguousarray(points.T)
    ends = itertools.accumulate((math.prod(leaf.shape) for leaf in leaves), initial=0)
    inputs: list[Any] = [
        objects(map(Sampled, columns[first:last]), leaf.shape)
        for leaf, (first, last) in zip(leaves, itertools.pairwise(ends), strict=True)
    ]
    inputs += [interpreter.lift(leaf.value) for leaf in program.inputs[len(leaves) :]]
    with np.errstate(all="ignore"):
        return interpreter.run(program.jaxpr.jaxpr, program.jaxpr.consts, inputs)


class SampledInterpreter(Interpreter):
    """Runs every program to its end: what it cannot compute is NaN from there on.

    At each point a condition takes its own branch and a loop its own number of turns.
    """

    def __init__(self) -> None:
        super().__init__(Samples())

    def watch(self, equation: Any, arguments: list[Any]) -> None:
        """Called before every equation whose arguments depend on the point."""

    def settle(self, value: np.ndarray) -> np.ndarray:
        """Left as it is: the way through the program must not depend on the points."""
        return value

    def apply(self, equation: Any, arguments: list[Any]) -> list[Any]:
        if all(is_concrete(value) for value in arguments):
            return super().apply(equation, arguments)
        self.watch(equation, arguments)
        own = _OWN.get(equation.primitive.name, _as_it_is)
        for way in (own, _as_real_numbers, _at_the_first_point):
            with passed_over(f"`{equation.primitive.name}` at points, {way.__name__}"):
                return way(self, equation, arguments)
        return [self._nothing(variable.aval) for variable in equation.outvars]

    def rule(self, equation: Any, arguments: list[Any]) -> list[Any]:
        """The outputs by the rule that every number system shares."""
        return super().apply(equation, arguments)

    def dense(self, value: Any) -> np.ndarray:
        """Float64 values with the points last, of which there is one if nothing depends on it."""
        if not is_concrete(value):
            return dense(value)
        if jax.numpy.issubdtype(value.dtype, jax.dtypes.extended):
            return np.full((*value.shape, 1), np.nan)
        return np.asarray(value)[..., None].astype(np.float64)

    def _nothing(self, aval: Any) -> ObjectArray:
        if is_differentiable(aval.dtype):
            return self.system.constants(np.full(aval.shape, np.nan))
        return np.zeros(aval.shape, aval.dtype)


def _as_it_is(interpreter: SampledInterpreter, equation: Any, arguments: list[Any]) -> list[Any]:
    return interpreter.rule(equation, arguments)


def _as_real_numbers(
    interpreter: SampledInterpreter, equation: Any, arguments: list[Any]
) -> list[Any]:
    """Integers that depend on the point, without the overflow."""
    name = equation.primitive.name
    if name not in ELEMENTWISE:
        raise UnsupportedPrimitive(f"`{name}` on integers that depend on the point")
    return [interpreter.arrays.function(name, *interpreter.numbers(equation, arguments))]


def _at_the_first_point(
    interpreter: SampledInterpreter, equation: Any, arguments: list[Any]
) -> list[Any]:
    """With integers, such as the place of the largest entry, that are what they are at first."""
    held = []
    for value, atom in zip(arguments, equation.invars, strict=True):
        if is_concrete(value) or is_differentiable(atom.aval.dtype):
            held.append(value)
        else:
            held.append(dense(value)[..., 0].astype(atom.aval.dtype))
    return interpreter.rule(equation, held)


def _mixed(
    interpreter: SampledInterpreter,
    variables: Any,
    chosen: np.ndarray,
    if_true: list[Any],
    if_false: list[Any],
) -> list[Any]:
    condition, mixed = objects([Sampled(chosen)], ()), []
    for variable, x, y in zip(variables, if_true, if_false, strict=True):
        either = [interpreter.elements(value, variable.aval.dtype) for value in (y, x)]
        mixed.append(interpreter.arrays.select(condition, *either))
    return mixed


def _while(interpreter: SampledInterpreter, equation: Any, inputs: list[Any]) -> list[Any]:
    """Goes on at each point for as long as it does there."""
    params = equation.params
    test_constants, constants, carry = while_parts(params, inputs)
    turns = dependent = 0
    while dependent < MOST_ITERATIONS:
        (condition,) = interpreter.turn(params["cond_jaxpr"], [*test_constants, *carry], turns)
        turns += 1
        if is_concrete(condition):
            if not bool(condition):
                break
            carry = interpreter.turn(params["body_jaxpr"], [*constants, *carry], turns)
            continue
        going = condition.reshape(())[()].values
        if not np.any(going):
            break
        dependent += 1
        after = interpreter.turn(params["body_jaxpr"], [*constants, *carry], turns)
        carry = _mixed(interpreter, equation.outvars, going, after, carry)
    return carry


def _sort(interpreter: SampledInterpreter, equation: Any, inputs: list[Any]) -> list[Any]:
    axis = equation.params["dimension"]
    arrays = [np.moveaxis(interpreter.dense(value), axis, 0) for value in inputs]
    points = max(array.shape[-1] for array in arrays)
    arrays = [np.broadcast_to(a, (*a.shape[:-1], points)) for a in arrays]
    order = np.argsort(arrays[0], axis=0, kind="stable")
    return [_sampled(np.moveaxis(np.take_along_axis(array, order, 0), 0, axis)) for array in arrays]


def _top_k(interpreter: SampledInterpreter, equation: Any, inputs: list[Any]) -> list[Any]:
    values = dense(inputs[0])
    axis = equation.params.get("axis", -1) % (values.ndim - 1)
    order = np.argsort(-values, axis=axis, kind="stable")
    order = order.take(range(equation.params["k"]), axis=axis)
    largest = np.take_along_axis(values, order, axis)
    return [_sampled(largest), _sampled(order.astype(np.float64))]


def _lu(interpreter: SampledInterpreter, equation: Any, inputs: list[Any]) -> list[Any]:
    """Rows are exchanged at each point for the largest pivot there, as LAPACK does."""
    points_last = dense(inputs[0])
    a = np.moveaxis(points_last, -1, 0).copy()
    *batch, m, n = a.shape
    a = a.reshape(-1, m, n)
    each = np.arange(len(a))
    permutation = np.tile(np.arange(float(m)), (len(a), 1))
    pivots = np.zeros((len(a), min(m, n)))
    for k in range(min(m, n)):
        row = k + np.argmax(np.abs(a[:, k:, k]), axis=1)
        pivots[:, k] = row
        for array in (a, permutation):
            array[each, k], array[each, row] = array[each, row], array[each, k].copy()
        pivot = np.where(a[:, k, k] == 0, 1.0, a[:, k, k])
        a[:, k + 1 :, k] /= pivot[:, None]
        a[:, k + 1 :, k + 1 :] -= a[:, k + 1 :, k, None] * a[:, k, None, k + 1 :]
    parts = (a.reshape(*batch, m, n), pivots.reshape(*batch, -1), permutation.reshape(*batch, m))
    return [_sampled(np.moveaxis(part, 0, -1)) for part in parts]


def _place(pick: Callable[..., Any]) -> Callable[..., list[Any]]:
    def apply(interpreter: SampledInterpreter, equation: Any, inputs: list[Any]) -> list[Any]:
        (axis,) = equation.params["axes"]
        return [_sampled(pick(dense(inputs[0]), axis=axis).astype(np.float64))]

    return apply


def _convert(interpreter: SampledInterpreter, equation: Any, inputs: list[Any]) -> list[Any]:
    new, old = equation.params["new_dtype"], equation.invars[0].aval.dtype
    if np.issubdtype(new, np.integer) and np.dtype(old) != bool:
        return [_sampled(np.trunc(dense(inputs[0])))]  # without the overflow
    return interpreter.rule(equation, inputs)


def _total_order(interpreter: SampledInterpreter, equation: Any, inputs: list[Any]) -> Any:
    """Compared at each point by itself; zeros of either sign are one."""
    relation = equation.primitive.name.removesuffix("_to")
    numbers = interpreter.numbers(equation, inputs)
    return [interpreter.settle(interpreter.arrays.compare(relation, *numbers))]


def _sampled(values: np.ndarray) -> ObjectArray:
    return objects(map(Sampled, values.reshape(-1, values.shape[-1])), values.shape[:-1])


_OWN: dict[str, Callable[..., list[Any]]] = {
    "while": _while,
    "lu": _lu,
    "sort": _sort,
    "top_k": _top_k,
    "argmax": _place(np.argmax),
    "argmin": _place(np.argmin),
    "convert_element_type": _convert,
    **dict.fromkeys(("lt_to", "le_to", "eq_to"), _total_order),
}
