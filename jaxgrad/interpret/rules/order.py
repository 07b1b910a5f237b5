"""Primitives that choose an order or a place; they need every comparison they make decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from jaxgrad.interpret.rules.concrete import is_concrete
from jaxgrad.interpret.rules.linear import as_numbers, rows_of
from jaxgrad.interpret.rules.registry import Equation, Outputs, Value, anything, rule
from jaxgrad.numbers.base import CannotDecide
from jaxgrad.numbers.ordering import decided

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter

__all__: list[str] = []


@rule("lt_to", "le_to", "eq_to")
def _total_order(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    """Comparisons that also order NaN, which is no real number, and −0 before 0, which are one.

    Raises:
        CannotDecide: it is open, or two zeros are compared of which one may be −0.
    """
    system, relation = interpreter.system, equation.primitive.name.removesuffix("_to")
    zero, operands = system.constant(0), zip(equation.invars, inputs, strict=True)
    positive = all(interpreter.positive_zeros.has(*operand) for operand in operands)

    def holds(x: object, y: object) -> bool:
        what = f"`{equation.primitive.name}`"
        if not decided(system, "eq", x, y, what):
            return decided(system, relation, x, y, what)
        if not positive and decided(system, "eq", x, zero, what):
            raise CannotDecide(f"{what} of two zeros depends on their signs, which no real has")
        return relation != "lt"

    numbers = interpreter.numbers(equation, inputs)
    return np.asarray(system.map(holds, *numbers).astype(bool))


@rule("sort", reads=("dimension", "num_keys", "is_stable"))
def _sort(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    """Sorts by the first operand, then the second, ...; entries that tie keep their order."""
    axis, count = equation.params["dimension"], equation.params["num_keys"]
    # Keys that tie are the same, and any order of the places that go with them is one that a sort
    # may return: JAX's derivatives take the first.  Of other values it matters which comes first.
    stable = equation.params["is_stable"] or all(map(is_concrete, inputs[count:]))
    keys = [
        _rows(as_numbers(interpreter, value, atom.aval.dtype), axis)
        for value, atom in zip(inputs[:count], equation.invars, strict=False)
    ]
    places = interpreter.arrays.places("lt", keys, stable)
    # An operand that is known, such as the places themselves, stays known.
    return [_taken(_rows(value, axis), places, value.shape, axis) for value in inputs]


def _rows(value: Value, axis: int) -> Value:
    """The array as rows along an axis."""
    return rows_of(value, (axis,))[0]


def _taken(rows: Value, places: np.ndarray, shape: tuple[int, ...], axis: int) -> Value:
    """The entries of each row at these places, as an array of rows along an axis."""
    found = rows[np.arange(len(places))[:, None], places]
    others = (*shape[:axis], *shape[axis + 1 :])
    around = (*range(axis), len(shape) - 1, *range(axis, len(shape) - 1))
    return found.reshape((*others, places.shape[1])).transpose(around)


# Which of two places that tie comes first is not said where `is_stable`, since jax 0.12, is False.
@rule("top_k", reads=("k", "axis"), harmless={"is_stable": anything})
def _top_k(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    """The k largest entries along an axis and their places; of two that tie, the first one's."""
    (value,), axis = inputs, equation.params["axis"]
    rows = _rows(value, axis)
    places = interpreter.arrays.places("gt", [rows], stable=True)[:, : equation.params["k"]]
    columns = np.broadcast_to(np.arange(rows.shape[1]), rows.shape)
    columns = columns.astype(equation.outvars[1].aval.dtype)
    return [_taken(each, places, value.shape, axis) for each in (rows, columns)]


@rule("argmax", "argmin", reads=("axes", "index_dtype"))
def _first(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    """The place of the first largest or smallest entry."""
    (axis,) = equation.params["axes"]
    value = inputs[0]
    # False comes before True.
    rows = _rows(as_numbers(interpreter, value, equation.invars[0].aval.dtype), axis)
    relation = "gt" if equation.primitive.name == "argmax" else "lt"
    found = interpreter.arrays.first(relation, rows)
    shape = (*value.shape[:axis], *value.shape[axis + 1 :])
    return found.reshape(shape).astype(equation.params["index_dtype"])
