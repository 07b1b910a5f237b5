"""Primitives that choose an order or a place; they need every comparison they make decided."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from jaxgrad.errors import UnsupportedPrimitive
from jaxgrad.interpret.rules.concrete import evaluate, is_concrete, is_discrete
from jaxgrad.interpret.rules.registry import Equation, Outputs, Value, anything, rule
from jaxgrad.numbers.base import CannotDecide, NumberSystem
from jaxgrad.numbers.nonfinite import NonFinite, apply_nonfinite

if TYPE_CHECKING:
    from jaxgrad.interpret.walker import Interpreter


def decided(system: NumberSystem, relation: str, x: Any, y: Any, what: str = "an order") -> bool:
    """Whether ``x relation y``.

    Raises:
        CannotDecide: it is open, and ``what`` depends on it.
    """
    known = system.known(compared(system, relation, x, y))
    if known is None:
        raise CannotDecide(f"{what} depends on an open comparison")
    return known


def compared(system: NumberSystem, relation: str, x: Any, y: Any) -> Any:
    """The truth of ``x relation y``, infinities included."""
    if isinstance(x, NonFinite) or isinstance(y, NonFinite):
        if any(isinstance(z, NonFinite) and math.isnan(z.value) for z in (x, y)):
            raise CannotDecide("the place of a NaN in an order")
        return apply_nonfinite(system, relation, (x, y))
    return system.compare(relation, x, y)


@rule("lt_to", "le_to", "eq_to")
def _total_order(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    """Comparisons that also order NaN, which is no real number, and −0 before 0, which are one.

    Raises:
        CannotDecide: two zeros are compared, or a NaN, or it is open.
    """
    if is_discrete(interpreter, equation, inputs):
        return evaluate(interpreter, equation, inputs)
    system, relation = interpreter.system, equation.primitive.name.removesuffix("_to")
    zero = system.constant(0)

    def holds(x: Any, y: Any) -> bool:
        what = f"`{equation.primitive.name}`"
        if not decided(system, "eq", x, y, what):
            return decided(system, relation, x, y, what)
        if decided(system, "eq", x, zero, what):
            raise CannotDecide(f"{what} of two zeros depends on their signs, which no real has")
        return relation != "lt"

    arrays = [
        interpreter.elements(value, atom.aval.dtype)
        for value, atom in zip(inputs, equation.invars, strict=True)
    ]
    return np.asarray(system.map(holds, *arrays).astype(bool))


@rule("sort", reads=("dimension", "num_keys", "is_stable"))
def _sort(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    """Sorts by the first operand, then the second, ...; entries that tie keep their order."""
    if is_discrete(interpreter, equation, inputs):
        return evaluate(interpreter, equation, inputs)
    axis, keys = equation.params["dimension"], equation.params["num_keys"]
    # Keys that tie are the same, and any order of the places that go with them is one that a sort
    # may return: JAX's derivatives take the first.  Of other values it matters which comes first.
    stable = equation.params["is_stable"] or all(map(is_concrete, inputs[keys:]))
    system = interpreter.system
    # An operand that is known, such as the places themselves, stays known.
    arrays = [np.moveaxis(value, axis, -1) for value in inputs]
    compared = [
        np.moveaxis(_as_numbers(interpreter, value, atom.aval.dtype), axis, -1)
        for value, atom in zip(inputs[:keys], equation.invars, strict=False)
    ]
    out = [np.empty_like(array) for array in arrays]
    for row in np.ndindex(arrays[0].shape[:-1]):
        places = _places(system, [array[row] for array in compared], stable=stable)
        for array, sorted_array in zip(arrays, out, strict=True):
            sorted_array[row] = array[row][places]
    return [np.moveaxis(array, -1, axis) for array in out]


def _as_numbers(interpreter: Interpreter, value: Any, dtype: Any) -> np.ndarray:
    """Keys as numbers, booleans as 0 and 1."""
    elements = interpreter.elements(value, dtype)
    system = interpreter.system
    return system.map(system.number, elements) if np.dtype(dtype) == bool else elements


def _places(
    system: NumberSystem, keys: list[np.ndarray], before: str = "lt", *, stable: bool = True
) -> list[int]:
    """The order of the entries by the first key, then the second, ...; ties keep their order.

    Raises:
        UnsupportedPrimitive: two tie, and the order is not stable.
    """

    def order(i: int, j: int) -> int:
        for key in keys:
            if decided(system, before, key[i], key[j]):
                return -1
            if not decided(system, "eq", key[i], key[j]):
                return 1
        if not stable:
            raise UnsupportedPrimitive(
                "a sort that is not stable, of entries that tie: their order is not defined"
            )
        return 0

    return sorted(range(len(keys[0])), key=functools.cmp_to_key(order))


# Which of two places that tie comes first is not said where `is_stable`, since jax 0.12, is False.
@rule("top_k", reads=("k", "axis"), harmless={"is_stable": anything})
def _top_k(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
    """The k largest entries along an axis and their places; of two that tie, the first one's."""
    if is_discrete(interpreter, equation, inputs):
        return evaluate(interpreter, equation, inputs)
    k, axis = equation.params["k"], equation.params["axis"]
    moved = np.moveaxis(inputs[0], axis, -1)
    values = np.empty((*moved.shape[:-1], k), dtype=object)
    places: np.ndarray = np.empty(values.shape, equation.outvars[1].aval.dtype)
    for row in np.ndindex(moved.shape[:-1]):
        places[row] = _places(interpreter.system, [moved[row]], "gt")[:k]
        values[row] = moved[row][places[row]]
    return [np.moveaxis(array, -1, axis) for array in (values, places)]


def _register_first(name: str, relation: str) -> None:
    @rule(name, reads=("axes", "index_dtype"))
    def apply(interpreter: Interpreter, equation: Equation, inputs: list[Value]) -> Outputs:
        """The place of the first largest or smallest entry."""
        if is_discrete(interpreter, equation, inputs):
            return evaluate(interpreter, equation, inputs)
        (axis,) = equation.params["axes"]
        moved = np.moveaxis(inputs[0], axis, -1)
        if equation.invars[0].aval.dtype == np.dtype(bool):  # False comes before True
            moved = interpreter.system.map(interpreter.system.number, moved)
        out: np.ndarray = np.zeros(moved.shape[:-1], equation.params["index_dtype"])
        for row in np.ndindex(out.shape):
            for place, x in enumerate(moved[row]):
                if decided(interpreter.system, relation, x, moved[row][out[row]]):
                    out[row] = place
        return out


_register_first("argmax", "gt")
_register_first("argmin", "lt")
