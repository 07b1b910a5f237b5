"""Primitives that choose an order or a place; they need every comparison they make decided."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from jaxgrad.numbers.base import CannotDecide
from jaxgrad.rules.concrete import evaluate, is_discrete
from jaxgrad.rules.registry import rule


def _decided(system: Any, relation: str, x: Any, y: Any) -> bool:
    known = system.known(system.compare(relation, x, y))
    if known is None:
        raise CannotDecide("an order depends on an open comparison")
    return known


@rule("sort")
def _sort(interpreter: Any, equation: Any, inputs: list[Any]) -> list[Any]:
    """Sorts by the first operand, then the second, ...; entries that tie keep their order."""
    if is_discrete(interpreter, equation, inputs):
        return evaluate(interpreter, equation, inputs)
    axis, keys = equation.params["dimension"], equation.params["num_keys"]
    system = interpreter.system
    # An operand that is known, such as the places themselves, stays known.
    arrays = [np.moveaxis(value, axis, -1) for value in inputs]
    compared = [
        np.moveaxis(interpreter.elements(value, atom.aval.dtype), axis, -1)
        for value, atom in zip(inputs[:keys], equation.invars, strict=False)
    ]
    out = [np.empty_like(array) for array in arrays]
    for row in np.ndindex(arrays[0].shape[:-1]):

        def order(i: int, j: int, row: Any = row) -> int:
            for array in compared:
                x, y = array[row][i], array[row][j]
                if _decided(system, "lt", x, y):
                    return -1
                if not _decided(system, "eq", x, y):
                    return 1
            return 0

        places = sorted(range(arrays[0].shape[-1]), key=functools.cmp_to_key(order))
        for array, sorted_array in zip(arrays, out, strict=True):
            sorted_array[row] = array[row][places]
    return [np.moveaxis(array, -1, axis) for array in out]


def _register_first(name: str, relation: str) -> None:
    @rule(name)
    def apply(interpreter: Any, equation: Any, inputs: list[Any]) -> Any:
        """The place of the first largest or smallest entry."""
        if is_discrete(interpreter, equation, inputs):
            return evaluate(interpreter, equation, inputs)
        (axis,) = equation.params["axes"]
        moved = np.moveaxis(inputs[0], axis, -1)
        out = np.zeros(moved.shape[:-1], equation.params["index_dtype"])
        for row in np.ndindex(out.shape):
            for place, x in enumerate(moved[row]):
                if _decided(interpreter.system, relation, x, moved[row][out[row]]):
                    out[row] = place
        return out


_register_first("argmax", "gt")
_register_first("argmin", "lt")
